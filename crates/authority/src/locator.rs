//! The locator: which organisation has a credential that does not say so itself.
//!
//! A key has one owner in the whole instance: it is claimed by whoever comes first and released by its owner alone.
//! Locators are sharded by the first byte of the key's SHA-256, so each sees a 256th of all keys. A shard in which
//! nothing was ever claimed writes nothing, so that made-up credentials leave no trace.
//!
//! Keys of imported bcrypt hashes begin with the public prefix of their secrets; of those, so many may share a prefix and
//! no more, because all of them are tried when a secret with that prefix comes.

use symbolon::protocol::imported::{Candidates, MAX_CANDIDATES, SEPARATOR, is_candidate_key};
use symbolon::protocol::message::{Claimed, Located, LocatorCall, Place};
use symbolon::token::Digest;

use crate::answer;
use crate::machine::{Context, Effect, Event, Machine};
use crate::store::{Store, StoreError, Value};

/// How many bytes a key can have, as `Lookup::locator_key` makes them.
pub const MAX_KEY_LEN: usize = 100;

/// The name of the object that holds this key: `locator:` and two hexadecimal digits.
#[must_use]
pub fn object_name(key: &str) -> String {
    // All bcrypt hashes of one public prefix are in one shard, whatever their own names.
    let [first, ..] = *Digest::of(key.split(SEPARATOR).next().unwrap_or_default()).as_bytes();
    format!("locator:{first:02x}")
}

/// One shard of the locator.
pub struct Locator<S> {
    store: S,
    prepared: bool,
}

impl<S: Store> Locator<S> {
    /// The shard over this store.
    pub const fn new(store: S) -> Self {
        Self { store, prepared: false }
    }

    fn call(&mut self, call: &LocatorCall) -> Result<String, StoreError> {
        match call {
            LocatorCall::Find { key } => answer::json(&Located { place: self.find(key)? }),
            LocatorCall::Candidates { key } => answer::json(&self.candidates(key)?),
            LocatorCall::Claim { key, place } => answer::json(&self.claim(key, *place)?),
            LocatorCall::Release { key, place } => {
                answer::json(&Claimed { done: self.release(key, *place)?, full: false })
            }
        }
    }

    fn find(&mut self, key: &str) -> Result<Option<Place>, StoreError> {
        if !self.is_prepared()? {
            return Ok(None);
        }
        let rows = self.store.execute("SELECT organization, token FROM place WHERE key = ?1", &[key.into()])?;
        rows.first().map(|row| Ok(Place { organization: row.parsed(0)?, token: row.parsed(1)? })).transpose()
    }

    /// Whether the key is that token's now. Asking twice is the same as once.
    fn claim(&mut self, key: &str, place: Place) -> Result<Claimed, StoreError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN {
            return Ok(Claimed { done: false, full: false });
        }
        if !self.is_prepared()? {
            self.store.execute(
                "CREATE TABLE place (key TEXT PRIMARY KEY, organization TEXT NOT NULL, token TEXT NOT NULL) STRICT, WITHOUT ROWID",
                &[],
            )?;
            self.prepared = true;
        }
        if let Some(prefix) = key.split_once(SEPARATOR).map(|(prefix, _)| prefix).filter(|key| is_candidate_key(key))
            && self.find(key)?.is_none()
            && self.candidates(prefix)?.places.len() >= MAX_CANDIDATES
        {
            return Ok(Claimed { done: false, full: true });
        }
        self.store.execute(
            "INSERT INTO place (key, organization, token) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
            &[key.into(), place.organization.as_str().into(), place.token.to_string().into()],
        )?;
        Ok(Claimed { done: self.find(key)? == Some(place), full: false })
    }

    /// Whose bcrypt hashes have the prefix of this name.
    fn candidates(&mut self, key: &str) -> Result<Candidates, StoreError> {
        if !self.is_prepared()? {
            return Ok(Candidates::default());
        }
        // `0` is the character after the separator: between the two are all keys that go on after it.
        let (from, to) = (format!("{key}{SEPARATOR}"), format!("{key}0"));
        let rows = self.store.execute(
            "SELECT organization, token FROM place WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
            &[from.into(), to.into(), Value::count(u64::try_from(MAX_CANDIDATES).unwrap_or(u64::MAX))?],
        )?;
        let place = |row: &crate::store::Row| Ok(Place { organization: row.parsed(0)?, token: row.parsed(1)? });
        Ok(Candidates { places: rows.iter().map(place).collect::<Result<_, StoreError>>()? })
    }

    /// Whether the key is not that token's any more. Another's key stays what it is.
    fn release(&mut self, key: &str, place: Place) -> Result<bool, StoreError> {
        if self.find(key)? == Some(place) {
            self.store.execute("DELETE FROM place WHERE key = ?1", &[key.into()])?;
        }
        Ok(true)
    }

    fn is_prepared(&mut self) -> Result<bool, StoreError> {
        if !self.prepared {
            let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'place'";
            self.prepared = !self.store.execute(sql, &[])?.is_empty();
        }
        Ok(self.prepared)
    }
}

impl<S: Store> Machine for Locator<S> {
    fn on(&mut self, _: &mut Context<'_>, event: Event) -> Vec<Effect> {
        match event {
            Event::Call { id, json } => vec![answer::to_call(id, &json, |call| self.call(call))],
            Event::Answered { .. }
            | Event::KvPut { .. }
            | Event::Alarm
            | Event::Synced { .. }
            | Event::Timer { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use symbolon::id::{ShortId, TokenId};
    use symbolon::time::Timestamp;

    use super::*;
    use crate::store::Sqlite;
    use crate::test_host::Host;

    fn place(organization: &str, token: u8) -> Place {
        let organization: ShortId = organization.parse().unwrap();
        Place { organization, token: TokenId::new(Timestamp::from_seconds(1), &[token; 10]) }
    }

    fn claim(host: &mut Host, locator: &mut impl Machine, key: &str, place: Place) -> bool {
        let answer: Claimed = host.call(locator, &LocatorCall::Claim { key: key.to_owned(), place });
        answer.done
    }

    fn release(host: &mut Host, locator: &mut impl Machine, key: &str, place: Place) -> bool {
        let answer: Claimed = host.call(locator, &LocatorCall::Release { key: key.to_owned(), place });
        answer.done
    }

    fn find(host: &mut Host, locator: &mut impl Machine, key: &str) -> Option<Place> {
        let answer: Located = host.call(locator, &LocatorCall::Find { key: key.to_owned() });
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
        assert_eq!(find(&mut host, &mut again, "t:one"), Some(mine), "also after a restart");
        assert!(release(&mut host, &mut again, "t:one", mine));
        assert!(release(&mut host, &mut again, "t:one", mine), "a repeated release holds");
        assert_eq!(find(&mut host, &mut again, "t:one"), None);
        assert!(claim(&mut host, &mut again, "t:one", other));
    }

    #[test]
    fn a_miss_writes_nothing() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut locator = Locator::new(&store);
        assert_eq!(find(&mut host, &mut locator, "d:unknown"), None);
        assert!(release(&mut host, &mut locator, "d:unknown", place("aaaaaa", 1)));
        assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()));
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
            host.call::<Candidates>(locator, &LocatorCall::Candidates { key: key.to_owned() }).places
        };
        assert_eq!(candidates(&mut host, &mut locator, "b:hg_pat_012"), []);
        assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()), "a miss writes nothing");
        for index in 0..8 {
            assert!(claim(&mut host, &mut locator, &format!("b:hg_pat_012/{index}"), place("aaaaaa", index)));
        }
        assert!(claim(&mut host, &mut locator, "b:hg_pat_012/3", place("aaaaaa", 3)), "a repeated claim holds");
        assert!(!claim(&mut host, &mut locator, "b:hg_pat_012/3", place("bbbbbb", 9)), "one hash has one owner");
        let call = LocatorCall::Claim { key: "b:hg_pat_012/x".to_owned(), place: place("bbbbbb", 9) };
        let answer: Claimed = host.call(&mut locator, &call);
        assert_eq!(answer, Claimed { done: false, full: true });
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
