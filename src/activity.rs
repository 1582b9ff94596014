//! The activity log as a chain of hashes, so that whoever has an export can check it without its server.
//!
//! Each entry's hash covers all that it says and the hash of the entry before it; the first covers one that is made from
//! the organisation's id. An entry that was altered, removed or added by somebody who did not make all later hashes anew
//! is detected; and a hash that was noted elsewhere detects that as well.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::OrganizationId;
use crate::time::Timestamp;

/// An entry of the activity log. Nothing is beside what its hash covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ActivityEntry"))]
pub struct Entry {
    /// Its place in the log, from 1 upwards.
    pub seq: u64,
    /// Its id.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done, such as `token.create`.
    pub action: String,
    /// The id of the token that it was done to.
    pub token: Option<String>,
    /// The id of the member that it was done to.
    pub member: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// The client's user agent.
    pub user_agent: Option<String>,
    /// What else is to be said; its members depend on the action.
    pub details: serde_json::Value,
    /// The hash of the entry before.
    pub prev_hash: String,
    /// SHA-256 over all of it, in hexadecimal: [`Entry::expected_hash`].
    pub hash: String,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ActivityActor"))]
pub struct Actor {
    /// The member's id; none where an organisation's own token did it, or nobody.
    pub member: Option<String>,
    /// The id of the token that they used.
    pub token: Option<String>,
}

impl Entry {
    /// SHA-256 over everything but the hash itself: each text with its length before it, a missing one as a length that no
    /// text has; the details as JSON with sorted members and without spaces.
    #[must_use]
    pub fn expected_hash(&self) -> String {
        let details = self.details.to_string();
        let mut hash = Sha256::new();
        hash.update(b"symbolon activity entry 1\0");
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.as_millis().to_be_bytes());
        for text in [
            Some(&self.prev_hash),
            Some(&self.id),
            self.actor.member.as_ref(),
            self.actor.token.as_ref(),
            Some(&self.action),
            self.token.as_ref(),
            self.member.as_ref(),
            self.address.as_ref(),
            self.user_agent.as_ref(),
            Some(&details),
        ] {
            let length = text.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
            hash.update(length.to_be_bytes());
            hash.update(text.map_or("", String::as_str));
        }
        base16ct::lower::encode_string(&hash.finalize())
    }
}

/// The hash before the first entry: it ties the chain to the organisation.
#[must_use]
pub fn root(organization: OrganizationId) -> String {
    let mut hash = Sha256::new();
    hash.update(b"symbolon activity chain 1\0");
    hash.update(organization.to_string());
    base16ct::lower::encode_string(&hash.finalize())
}

/// A chain that is followed from its first entry on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    entries: u64,
    head: String,
}

/// An entry that is missing, altered, or in another place than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} is missing or was altered")]
pub struct Broken {
    /// The place where the chain breaks, from 1 upwards.
    pub seq: u64,
}

impl Chain {
    /// The chain of an organisation, of which no entry was seen.
    #[must_use]
    pub fn of(organization: OrganizationId) -> Self {
        Self { entries: 0, head: root(organization) }
    }

    /// Follows the next entry.
    ///
    /// # Errors
    /// [`Broken`] where it is not the next, or not what it was; then nothing has changed here.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Broken> {
        let seq = self.entries.saturating_add(1);
        if entry.seq != seq || entry.prev_hash != self.head || entry.hash != entry.expected_hash() {
            return Err(Broken { seq });
        }
        self.entries = seq;
        self.head.clone_from(&entry.hash);
        Ok(())
    }

    /// How many entries were followed.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The hash of the last entry that was followed; the root's before the first.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn organization() -> OrganizationId {
        OrganizationId::new(Timestamp::from_seconds(1), &[7; 10])
    }

    fn chain(entries: &[Entry]) -> Result<Chain, Broken> {
        let mut chain = Chain::of(organization());
        entries.iter().try_for_each(|entry| chain.add(entry))?;
        Ok(chain)
    }

    fn log(count: u64) -> Vec<Entry> {
        let mut prev_hash = root(organization());
        let entry = |seq| {
            let mut entry = Entry {
                seq,
                id: format!("id-{seq}"),
                at: Timestamp::from_seconds(1_700_000_000),
                actor: Actor { member: Some("m".to_owned()), token: None },
                action: "token.create".to_owned(),
                token: Some("t".to_owned()),
                member: None,
                address: Some("192.0.2.1".to_owned()),
                user_agent: None,
                details: json!({"name": "a", "changed": {"scopes": ["x"]}, "count": seq}),
                prev_hash: prev_hash.clone(),
                hash: String::new(),
            };
            entry.hash = entry.expected_hash();
            prev_hash.clone_from(&entry.hash);
            entry
        };
        (1..=count).map(entry).collect()
    }

    #[test]
    fn a_hash_is_what_it_always_was() {
        // Logs that exist go by it. Computed by another program, from what is said of it above.
        assert_eq!(log(1)[0].hash, "c7c7d2081f46ca3f3de76ccd6defb3ff2afa05d9a08f7bc87040a84396784249");
    }

    #[test]
    fn nothing_is_in_an_entry_that_its_hash_does_not_cover() {
        let entry = serde_json::to_value(&log(1)[0]).unwrap();
        assert!(serde_json::from_value::<Entry>(entry.clone()).is_ok());
        for path in ["", "/actor"] {
            let mut more = entry.clone();
            more.pointer_mut(path).unwrap()["note"] = json!("added by somebody");
            assert!(serde_json::from_value::<Entry>(more).is_err(), "{path}");
        }
    }

    #[test]
    fn whatever_is_altered_is_found_and_where() {
        let whole = log(4);
        assert_eq!(chain(&whole).unwrap().entries(), 4);
        assert_eq!(chain(&whole).unwrap().head(), whole[3].hash);
        let alterations: [fn(&mut Entry); 12] = [
            |entry| entry.seq = 3,
            |entry| entry.id.push('x'),
            |entry| entry.at = entry.at.plus_millis(1),
            |entry| entry.actor.member = None,
            |entry| entry.actor.token = Some(String::new()),
            |entry| entry.action.push('x'),
            |entry| entry.token = None,
            |entry| entry.member = Some("m".to_owned()),
            |entry| entry.address = Some("192.0.2.2".to_owned()),
            |entry| entry.user_agent = Some(String::new()),
            |entry| entry.details["changed"]["scopes"] = json!(["y"]),
            |entry| entry.prev_hash.push('0'),
        ];
        for (number, alter) in alterations.iter().enumerate() {
            let mut altered = whole.clone();
            alter(&mut altered[1]);
            assert_eq!(chain(&altered), Err(Broken { seq: 2 }), "{number}");
            // Who makes its own hash anew is found at the next one.
            altered[1].hash = altered[1].expected_hash();
            assert!(chain(&altered).is_err_and(|broken| matches!(broken.seq, 2 | 3)), "{number}");
        }
        let without =
            |index: usize| whole.iter().enumerate().filter(move |(at, _)| *at != index).map(|(_, entry)| entry.clone());
        assert_eq!(chain(&without(0).collect::<Vec<_>>()), Err(Broken { seq: 1 }));
        assert_eq!(chain(&without(2).collect::<Vec<_>>()), Err(Broken { seq: 3 }));
        let other = OrganizationId::new(Timestamp::from_seconds(1), &[8; 10]);
        assert_eq!(Chain::of(other).add(&whole[0]), Err(Broken { seq: 1 }));
    }
}
