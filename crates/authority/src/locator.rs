//! The locator: which organisation has a credential that does not say so itself.
//!
//! A key has one owner in the whole instance: it is claimed by whoever comes first and released by its owner alone.
//! Locators are sharded by the first byte of the key's SHA-256, so each sees a 256th of all keys. A shard in which
//! nothing was ever claimed writes nothing, so that made-up credentials leave no trace.

use symbolon::protocol::message::{Claimed, Located, LocatorCall, Place};
use symbolon::token::Digest;

use crate::answer;
use crate::machine::{Context, Effect, Event, Machine};
use crate::store::{Store, StoreError};

/// How many bytes a key can have, as `Lookup::locator_key` makes them.
pub const MAX_KEY_LEN: usize = 100;

/// The name of the object that holds this key: `locator:` and two hexadecimal digits.
#[must_use]
pub fn object_name(key: &str) -> String {
    let [first, ..] = *Digest::of(key).as_bytes();
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
            LocatorCall::Claim { key, place } => answer::json(&Claimed { done: self.claim(key, *place)? }),
            LocatorCall::Release { key, place } => answer::json(&Claimed { done: self.release(key, *place)? }),
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
    fn claim(&mut self, key: &str, place: Place) -> Result<bool, StoreError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN {
            return Ok(false);
        }
        if !self.is_prepared()? {
            self.store.execute(
                "CREATE TABLE place (key TEXT PRIMARY KEY, organization TEXT NOT NULL, token TEXT NOT NULL) STRICT, WITHOUT ROWID",
                &[],
            )?;
            self.prepared = true;
        }
        self.store.execute(
            "INSERT INTO place (key, organization, token) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
            &[key.into(), place.organization.as_str().into(), place.token.to_string().into()],
        )?;
        Ok(self.find(key)? == Some(place))
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
    fn what_is_no_call_fails_and_nothing_else() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        assert!(host.fails(&mut Locator::new(&store), "{}"));
    }
}
