//! The locator: which organisation has a credential that does not say so itself.
//!
//! A key has one owner in the whole instance: it is claimed by whoever comes first and released by its owner alone.
//! Locators are sharded by the first byte of the key's SHA-256, so each sees a 256th of all keys. A shard in which
//! nothing was ever claimed writes nothing, so that made-up credentials leave no trace.
//!
//! A shard answers as an organisation does, until a horizon and from a fence on (`leases`): else one that was superseded
//! could say for long that a credential is not there which its successor has taken in. A claim writes, also one that is
//! repeated, and is answered when no former machine answers any more. Claims and releases carry a number, so that a
//! release that comes late gives nothing up that was claimed since; and the number of a release is remembered for longer
//! than any message lives, so that a claim that comes late, after its release, takes nothing in.
//!
//! Who asks for what nobody has is counted, by network and in memory alone: what names no organisation no other authority
//! can count. A shard sees what comes to it, from all isolates: the same credential always, of others a 256th part.
//!
//! Keys of imported bcrypt hashes begin with the public prefix of their secrets; of those, so many may share a prefix and
//! no more, because all of them are tried when a secret with that prefix comes.

use symbolon::policy::Limits;
use symbolon::protocol::Network;
use symbolon::protocol::imported::{Candidates, MAX_CANDIDATES, MAX_SHARING, SEPARATOR, is_candidate_key};
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::{Claimed, Located, LocatorCall, Place};
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use crate::answer;
use crate::leased::{self, Leased};
use crate::leases::{Entry, Leases};
use crate::machine::{CallId, Context, Effect, EffectIds, Event, Machine};
use crate::schema::{BesideRow, Form};
use crate::store::{Store, StoreError, Value};
use crate::strangers::Strangers;

/// How many bytes a key can have, as `Lookup::locator_key` makes them.
pub const MAX_KEY_LEN: usize = 100;

/// The name of the object that holds this key: `locator:` and two hexadecimal digits.
#[must_use]
pub fn object_name(key: &str) -> String {
    // All bcrypt hashes of one public prefix are in one shard, whatever their own names.
    let [first, ..] = *Digest::of(key.split(SEPARATOR).next().unwrap_or_default()).as_bytes();
    format!("locator:{first:02x}")
}

/// Nothing here is leased; these terms say how long a horizon is. Short: a claim waits for it, and whoever claims waits
/// for the claim.
const TERMS: LeaseTerms = LeaseTerms {
    lease_millis: 1000,
    lease_max_millis: 1000,
    margin_millis: LeaseTerms::MARGIN_LEAST_MILLIS,
    stale_millis: 0,
};

/// The tables, beside the row of the leases, which is there once something was claimed. Form 1 was the places alone,
/// form 2 had none of what was released.
const TABLES: BesideRow = BesideRow {
    form: Form {
        row: "shard",
        version: 3,
        tables: &[PLACES, RELEASED, RELEASED_AT],
        columns: &[("place", "claim", "INTEGER NOT NULL DEFAULT 0")],
        filled: &[],
        remade: &[],
    },
    older: "place",
};
const PLACES: &str = "CREATE TABLE IF NOT EXISTS place (
        key TEXT PRIMARY KEY,
        organization TEXT NOT NULL,
        token TEXT NOT NULL,
        claim INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID";
/// Up to which claim an organisation has given a key up.
const RELEASED: &str = "CREATE TABLE IF NOT EXISTS released (
        key TEXT NOT NULL,
        organization TEXT NOT NULL,
        claim INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (key, organization)
    ) STRICT, WITHOUT ROWID";
const RELEASED_AT: &str = "CREATE INDEX IF NOT EXISTS released_at ON released (at)";
/// How long it is remembered that a key was given up, in milliseconds: a day. Whoever claims waits for some seconds, and
/// no message between two objects is under way for hours.
const REMEMBER_MILLIS: i64 = 86_400_000;

/// One shard of the locator.
pub struct Locator<S> {
    store: S,
    ids: EffectIds,
    leases: Leases,
    strangers: Strangers,
}

impl<S: Store> Locator<S> {
    /// The shard over this store.
    pub fn new(store: S) -> Self {
        Self { store, ids: EffectIds::default(), leases: Leases::new(TABLES.form.row), strangers: Strangers::default() }
    }

    fn call(&mut self, now: Timestamp, id: CallId, json: &str) -> Result<Vec<Effect>, StoreError> {
        let (_, timer) = self.leases.grant(&self.store, &mut self.ids, now, false)?;
        let mut effects: Vec<Effect> = timer.into_iter().collect();
        match answer::read(json)? {
            LocatorCall::Find { key, shown_by } => {
                let place = self.find(&key)?;
                let limited = self.missed(now, shown_by.filter(|_| place.is_none()));
                effects.push(Effect::Reply { id, json: answer::json(&Located { place, limited })? });
            }
            LocatorCall::Candidates { key, shown_by } => {
                let places = self.candidates(&key)?;
                let limited = self.missed(now, shown_by.filter(|_| places.is_empty()));
                effects.push(Effect::Reply { id, json: answer::json(&Candidates { places, limited })? });
            }
            LocatorCall::Claim { key, place, claim } => {
                effects.extend(self.prepare(now)?);
                let json = answer::json(&self.claim(&key, place, claim)?)?;
                self.leases.only_the_newest(&self.store)?;
                effects.extend(self.leases.reply(self.leases.created(now), id, json));
            }
            LocatorCall::Release { key, place, claim } => {
                // Also where nothing was ever claimed: the claim may be on its way still.
                effects.extend(self.prepare(now)?);
                self.release(now, &key, place, claim)?;
                self.leases.only_the_newest(&self.store)?;
                let json = answer::json(&Claimed { done: true, full: false })?;
                effects.push(Effect::Reply { id, json });
            }
        }
        Ok(effects)
    }

    /// Counts that somebody asked for what nobody has, and says for how long there were too many of that before.
    fn missed(&mut self, now: Timestamp, shown_by: Option<Network>) -> Option<u32> {
        let limited = self.strangers.count(now, Limits::default().failed, shown_by?, 1);
        limited.map(|limited| limited.seconds)
    }

    /// Makes the tables unless they are there, and begins to answer.
    fn prepare(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        if self.leases.is_open() {
            return Ok(None);
        }
        TABLES.create(&self.store)?;
        // No other machine can have answered: there was nothing to answer from.
        self.open(now)
    }

    fn find(&self, key: &str) -> Result<Option<Place>, StoreError> {
        if !self.leases.is_open() {
            return Ok(None);
        }
        let rows = self.store.execute("SELECT organization, token FROM place WHERE key = ?1", &[key.into()])?;
        rows.first().map(|row| Ok(Place { organization: row.parsed(0)?, token: row.parsed(1)? })).transpose()
    }

    /// Whether the key is that token's now. Asking twice is the same as once; asking after the key was given up, with
    /// the number of before, changes nothing.
    fn claim(&self, key: &str, place: Place, claim: u64) -> Result<Claimed, StoreError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN {
            return Ok(Claimed { done: false, full: false });
        }
        if let Some(prefix) = key.split_once(SEPARATOR).map(|(prefix, _)| prefix).filter(|key| is_candidate_key(key))
            && self.find(key)?.is_none()
        {
            let places = self.candidates(prefix)?;
            let own = places.iter().filter(|other| other.organization == place.organization).count();
            if own >= MAX_CANDIDATES || places.len() >= MAX_SHARING {
                return Ok(Claimed { done: false, full: true });
            }
        }
        self.store.execute(
            "INSERT INTO place (key, organization, token, claim) SELECT ?1, ?2, ?3, ?4
                WHERE NOT EXISTS (SELECT 1 FROM released WHERE key = ?1 AND organization = ?2 AND claim >= ?4)
                ON CONFLICT (key) DO UPDATE SET claim = max(claim, excluded.claim)
                WHERE organization = excluded.organization AND token = excluded.token",
            &[key.into(), place.organization.as_str().into(), place.token.to_string().into(), Value::count(claim)?],
        )?;
        Ok(Claimed { done: self.find(key)? == Some(place), full: false })
    }

    /// Whose bcrypt hashes have the prefix of this name.
    fn candidates(&self, key: &str) -> Result<Vec<Place>, StoreError> {
        if !self.leases.is_open() {
            return Ok(Vec::new());
        }
        // `0` is the character after the separator: between the two are all keys that go on after it.
        let (from, to) = (format!("{key}{SEPARATOR}"), format!("{key}0"));
        let rows = self.store.execute(
            "SELECT organization, token FROM place WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
            &[from.into(), to.into(), Value::count(u64::try_from(MAX_SHARING).unwrap_or(u64::MAX))?],
        )?;
        let place = |row: &crate::store::Row| Ok(Place { organization: row.parsed(0)?, token: row.parsed(1)? });
        rows.iter().map(place).collect()
    }

    /// Takes the key from that token, unless it was claimed anew since. Another's key stays what it is.
    fn release(&self, now: Timestamp, key: &str, place: Place, claim: u64) -> Result<(), StoreError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN {
            return Ok(());
        }
        let (organization, claim) = (Value::from(place.organization.as_str()), Value::count(claim)?);
        self.store.transaction(|| {
            self.store.execute(
                "DELETE FROM place WHERE key = ?1 AND organization = ?2 AND token = ?3 AND claim <= ?4",
                &[key.into(), organization.clone(), place.token.to_string().into(), claim.clone()],
            )?;
            let forgotten = now.plus_millis(REMEMBER_MILLIS.saturating_neg());
            self.store.execute("DELETE FROM released WHERE at <= ?1", &[forgotten.into()])?;
            self.store.execute(
                "INSERT INTO released (key, organization, claim, at) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (key, organization) DO UPDATE SET claim = max(claim, excluded.claim), at = excluded.at",
                &[key.into(), organization, claim, now.into()],
            )?;
            Ok(())
        })
    }
}

impl<S: Store> Leased for Locator<S> {
    type Fault = StoreError;

    fn enter(&mut self, event: Event) -> Result<Entry, (Event, StoreError)> {
        let store = &self.store;
        self.leases.enter(store, &mut self.ids, event, || TABLES.exist(store))
    }

    fn open(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        TABLES.form.migrate(&self.store)?;
        self.leases.open(&self.store, &mut self.ids, now, TERMS)
    }

    fn not_opened(&mut self) {
        self.leases.not_opened();
    }

    fn handle(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        match event {
            Event::Call { id, json } => match self.call(context.now, id, &json) {
                Ok(effects) => effects,
                Err(fault) => vec![Effect::Fail { id, fault: fault.to_string() }],
            },
            Event::Timer { id } => self.leases.timer(&self.store, &mut self.ids, id),
            Event::Answered { .. } | Event::KvPut { .. } | Event::Alarm | Event::Synced { .. } => Vec::new(),
        }
    }
}

impl<S: Store> Machine for Locator<S> {
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        leased::on(self, context, event)
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU64, Ordering};

    use symbolon::id::{ShortId, TokenId};
    use symbolon::time::Timestamp;

    use super::*;
    use crate::store::Sqlite;
    use crate::test_host::Host;

    fn place(organization: &str, token: u8) -> Place {
        let organization: ShortId = organization.parse().unwrap();
        Place { organization, token: TokenId::new(Timestamp::from_seconds(1), &[token; 10]) }
    }

    /// A number greater than those before, as organisations count.
    fn number() -> u64 {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        NUMBER.fetch_add(1, Ordering::Relaxed)
    }

    fn claim(host: &mut Host, locator: &mut impl Machine, key: &str, place: Place) -> bool {
        let answer: Claimed = host.call(locator, &LocatorCall::Claim { key: key.to_owned(), place, claim: number() });
        answer.done
    }

    fn release(host: &mut Host, locator: &mut impl Machine, key: &str, place: Place) -> bool {
        let answer: Claimed = host.call(locator, &LocatorCall::Release { key: key.to_owned(), place, claim: number() });
        answer.done
    }

    fn find_call(key: &str, shown_by: Option<Network>) -> LocatorCall {
        LocatorCall::Find { key: key.to_owned(), shown_by }
    }

    /// Lets the takeover's timer run down, and returns what was answered then.
    fn taken_over(host: &mut Host, locator: &mut impl Machine, effects: Vec<Effect>) -> Vec<Effect> {
        let timers = effects.into_iter().filter_map(|effect| match effect {
            Effect::Timer { id, millis: 2500 } => Some(id),
            _ => None,
        });
        timers.flat_map(|id| host.on(locator, Event::Timer { id })).collect()
    }

    fn find(host: &mut Host, locator: &mut impl Machine, key: &str) -> Option<Place> {
        let answer: Located = host.call(locator, &find_call(key, None));
        answer.place
    }

    #[test]
    fn a_key_belongs_to_who_came_first_until_they_release_it() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let (mine, other, sibling) = (place("aaaaaa", 1), place("bbbbbb", 2), place("aaaaaa", 3));
        let mut locator = Locator::new(&store);
        assert!(claim(&mut host, &mut locator, "t:one", mine));
        assert!(claim(&mut host, &mut locator, "t:one", mine), "a repeated claim holds");
        assert!(!claim(&mut host, &mut locator, "t:one", other));
        assert!(!claim(&mut host, &mut locator, "t:one", sibling), "also within an organisation");
        release(&mut host, &mut locator, "t:one", other);

        let mut again = Locator::new(&store);
        let (place, effects): (Located, _) = host.call_with_effects(&mut again, &find_call("t:one", None));
        assert_eq!(place.place, Some(mine), "also after a restart");
        taken_over(&mut host, &mut again, effects);
        assert!(release(&mut host, &mut again, "t:one", mine));
        assert!(release(&mut host, &mut again, "t:one", mine), "a repeated release holds");
        assert_eq!(find(&mut host, &mut again, "t:one"), None);
        assert!(claim(&mut host, &mut again, "t:one", other));
    }

    #[test]
    fn a_claim_is_answered_when_no_former_shard_says_that_there_is_none() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let instances = || {
            let rows = store.execute("SELECT instances FROM shard", &[]).unwrap();
            rows.first().unwrap().get::<u64>(0).unwrap()
        };
        let mut former = Locator::new(&store);
        assert!(claim(&mut host, &mut former, "t:other", place("bbbbbb", 2)));
        // It may go on to say so until its horizon.
        assert_eq!(find(&mut host, &mut former, "t:one"), None);
        let mut locator = Locator::new(&store);
        let question = LocatorCall::Claim { key: "t:one".to_owned(), place: place("aaaaaa", 1), claim: 1 };
        let (call, effects) = host.begin(&mut locator, &question);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Reply { .. })), "{effects:?}");
        let mut effects = taken_over(&mut host, &mut locator, effects);
        assert!(crate::test_host::reply::<Claimed>(call, &mut effects).done);
        // A superseded one fails by the write that comes with every claim.
        let before = instances();
        assert!(claim(&mut host, &mut locator, "t:one", place("aaaaaa", 1)));
        assert!(instances() > before, "also with one that changes nothing");
    }

    #[test]
    fn a_release_that_comes_late_gives_up_nothing_that_was_claimed_since() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        let (key, mine) = (|| "t:one".to_owned(), place("aaaaaa", 1));
        let mut with = |call: LocatorCall| host.call::<Claimed>(&mut locator, &call).done;
        assert!(with(LocatorCall::Claim { key: key(), place: mine, claim: 1 }));
        assert!(with(LocatorCall::Release { key: key(), place: mine, claim: 1 }));
        assert!(with(LocatorCall::Claim { key: key(), place: mine, claim: 2 }));
        assert!(with(LocatorCall::Release { key: key(), place: mine, claim: 1 }), "the same message once more");
        assert_eq!(find(&mut host, &mut locator, "t:one"), Some(mine));
        let mut with = |call: LocatorCall| host.call::<Claimed>(&mut locator, &call).done;
        assert!(with(LocatorCall::Release { key: key(), place: mine, claim: 3 }), "a credential that has lived");
        assert_eq!(find(&mut host, &mut locator, "t:one"), None);
    }

    #[test]
    fn a_claim_that_comes_after_its_release_takes_nothing_in() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let (key, mine, other) = (|| "t:one".to_owned(), place("aaaaaa", 1), place("bbbbbb", 2));
        let claim = |place, claim| LocatorCall::Claim { key: key(), place, claim };
        let release = |place, claim| LocatorCall::Release { key: key(), place, claim };
        let mut locator = Locator::new(&store);
        let mut with = |call: LocatorCall| host.call::<Claimed>(&mut locator, &call).done;
        // The release of a claim that nobody has heard of, in a shard in which nothing was ever claimed.
        assert!(with(release(mine, 1)));
        assert!(!with(claim(mine, 1)), "the claim arrives at last");
        assert!(with(claim(mine, 2)));
        assert!(with(release(mine, 2)));
        for late in [1, 2] {
            assert!(!with(claim(mine, late)), "the same message once more");
        }
        assert_eq!(find(&mut host, &mut locator, "t:one"), None);
        // It is free for whoever comes: another's numbers are another's.
        let mut with = |call: LocatorCall| host.call::<Claimed>(&mut locator, &call).done;
        assert!(with(claim(other, 1)));
        assert!(!with(claim(mine, 3)));
        assert!(with(release(other, 1)));
        assert!(with(claim(mine, 3)));
        assert!(with(claim(mine, 3)), "asking twice is the same as once");
        assert_eq!(find(&mut host, &mut locator, "t:one"), Some(mine));
    }

    #[test]
    fn what_was_given_up_is_remembered_for_longer_than_any_message_lives_and_not_for_ever() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        let remembered = || store.execute("SELECT key FROM released", &[]).unwrap().len();
        assert!(release(&mut host, &mut locator, "t:one", place("aaaaaa", 1)));
        host.now = host.now.plus_millis(REMEMBER_MILLIS - 1);
        assert!(release(&mut host, &mut locator, "t:two", place("aaaaaa", 1)));
        assert_eq!(remembered(), 2);
        host.now = host.now.plus_millis(1);
        assert!(release(&mut host, &mut locator, "t:three", place("aaaaaa", 1)));
        assert_eq!(remembered(), 2, "the first has left");
    }

    #[test]
    fn places_from_before_claims_were_counted_are_kept() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mine = place("aaaaaa", 1);
        for sql in [
            "CREATE TABLE place (key TEXT PRIMARY KEY, organization TEXT NOT NULL, token TEXT NOT NULL) STRICT, WITHOUT ROWID",
            &format!("INSERT INTO place VALUES ('t:one', 'aaaaaa', '{}')", mine.token),
        ] {
            store.execute(sql, &[]).unwrap();
        }
        for _ in 0..2 {
            let mut locator = Locator::new(&store);
            assert_eq!(find(&mut host, &mut locator, "t:one"), Some(mine));
        }
        let mut locator = Locator::new(&store);
        assert!(release(&mut host, &mut locator, "t:one", mine));
        assert_eq!(find(&mut host, &mut locator, "t:one"), None);
    }

    #[test]
    fn a_miss_writes_nothing() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        assert_eq!(find(&mut host, &mut locator, "d:unknown"), None);
        assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()));
    }

    #[test]
    fn who_asks_for_what_nobody_has_is_counted_and_writes_nothing() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        let (a, b) = (Some(Network::of("192.0.2.1")), Some(Network::of("192.0.2.2")));
        let most = Limits::default().failed.max;
        for number in 0..most {
            let key = format!("t:{number}");
            let candidates = LocatorCall::Candidates { key: format!("b:{number}"), shown_by: a };
            // Of either kind, in one count.
            let limited = if number % 2 == 0 {
                host.call::<Located>(&mut locator, &find_call(&key, a)).limited
            } else {
                host.call::<Candidates>(&mut locator, &candidates).limited
            };
            assert_eq!(limited, None);
        }
        let mut limited =
            |host: &mut Host, key, from| host.call::<Located>(&mut locator, &find_call(key, from)).limited;
        assert_eq!(limited(&mut host, "t:one", a), Some(61));
        assert_eq!([limited(&mut host, "t:one", b), limited(&mut host, "t:one", None)], [None, None]);
        assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()));
        host.now = host.now.plus_seconds(60);
        assert_eq!(limited(&mut host, "t:one", a), None);
        // What somebody has counts for nothing.
        assert!(claim(&mut host, &mut locator, "t:one", place("aaaaaa", 1)));
        for _ in 0..2 * most {
            assert_eq!(host.call::<Located>(&mut locator, &find_call("t:one", b)).limited, None);
        }
    }

    #[test]
    fn keys_are_bounded_and_spread() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        assert!(claim(&mut host, &mut locator, &"k".repeat(MAX_KEY_LEN), place("aaaaaa", 1)));
        assert!(!claim(&mut host, &mut locator, &"k".repeat(MAX_KEY_LEN + 1), place("aaaaaa", 1)));
        assert!(!claim(&mut host, &mut locator, "", place("aaaaaa", 1)));
        // SHA-256 of "abc" begins with ba.
        assert_eq!(object_name("abc"), "locator:ba");
    }

    #[test]
    fn so_many_bcrypt_hashes_share_a_prefix_and_no_more() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        let candidates = |host: &mut Host, locator: &mut Locator<_>, key: &str| {
            host.call::<Candidates>(locator, &LocatorCall::Candidates { key: key.to_owned(), shown_by: None }).places
        };
        assert_eq!(candidates(&mut host, &mut locator, "b:hg_pat_012"), []);
        assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()), "a miss writes nothing");
        for index in 0..8 {
            assert!(claim(&mut host, &mut locator, &format!("b:hg_pat_012/{index}"), place("aaaaaa", index)));
        }
        assert!(claim(&mut host, &mut locator, "b:hg_pat_012/3", place("aaaaaa", 3)), "a repeated claim holds");
        assert!(!claim(&mut host, &mut locator, "b:hg_pat_012/3", place("bbbbbb", 9)), "one hash has one owner");
        let call = |key: &str, place| LocatorCall::Claim { key: format!("b:hg_pat_012/{key}"), place, claim: 1 };
        let answer: Claimed = host.call(&mut locator, &call("x", place("aaaaaa", 9)));
        assert_eq!(answer, Claimed { done: false, full: true });
        // Whoever has as many as they may keeps nobody else out.
        for organization in ["bbbbbb", "cccccc", "dddddd"] {
            for index in 0..8 {
                let (key, place) = (format!("y{organization}{index}"), place(organization, index));
                assert!(host.call::<Claimed>(&mut locator, &call(&key, place)).done);
            }
        }
        let answer: Claimed = host.call(&mut locator, &call("x", place("eeeeee", 9)));
        assert_eq!(answer, Claimed { done: false, full: true });
        for organization in ["bbbbbb", "cccccc", "dddddd"] {
            for index in 0..8 {
                let key = format!("b:hg_pat_012/y{organization}{index}");
                assert!(release(&mut host, &mut locator, &key, place(organization, index)));
            }
        }
        for near in ["b:hg_pat_01/x", "b:hg_pat_0120/x", "b:hg_pat_013/x"] {
            assert!(claim(&mut host, &mut locator, near, place("bbbbbb", 9)), "another prefix: {near}");
        }
        let places = candidates(&mut host, &mut locator, "b:hg_pat_012");
        assert_eq!(places, (0..8).map(|index| place("aaaaaa", index)).collect::<Vec<_>>());
        assert!(release(&mut host, &mut locator, "b:hg_pat_012/0", place("aaaaaa", 0)));
        assert!(claim(&mut host, &mut locator, "b:hg_pat_012/x", place("bbbbbb", 9)));
        assert_eq!(object_name("b:hg_pat_012/x"), object_name("b:hg_pat_012"));
    }

    #[test]
    fn what_is_no_call_fails_and_nothing_else() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        assert!(host.fails(&mut Locator::new(&store), "{}"));
    }
}
