//! Imported secrets of which only a bcrypt hash is known: how their records are found, and how the hash is replaced.
//!
//! A bcrypt hash cannot be looked up by the secret. So a locator also keeps, under a secret's public prefix, which tokens
//! have a bcrypt hash of a secret that begins so: at most [`MAX_CANDIDATES`] of an organisation, since whoever presents a
//! wrong secret with that prefix has all of them tried. The gate reserves the try at their authorities, hashes, and has the one that matches
//! replaced by the secret's SHA-256; from then on it is found as any other.

use serde::{Deserialize, Serialize};

use crate::id::TokenId;
use crate::protocol::message::{Client, Place};
use crate::time::Timestamp;
use crate::token::{Bcrypt, Digest};

/// How many bcrypt hashes of an organisation may share a public prefix. Prefixes are public: without a quota one
/// organisation could keep others from bringing theirs in.
pub const MAX_CANDIDATES: usize = 8;
/// How many may share one in the whole instance.
pub const MAX_SHARING: usize = 32;

/// What parts a public prefix from the name of one hash in a locator's key. It is in no prefix and no other key.
pub const SEPARATOR: char = '/';

/// The name under which a locator keeps all bcrypt hashes with this public prefix.
#[must_use]
pub fn candidates_key(prefix: &str) -> String {
    format!("b:{prefix}")
}

/// The name under which a locator keeps this hash: that of its prefix, and one that two tokens cannot both have.
#[must_use]
pub fn candidate_key(prefix: &str, hash: &Bcrypt) -> String {
    format!("b:{prefix}{SEPARATOR}{}", hash.name())
}

/// Whether a name is one of [`candidate_key`].
#[must_use]
pub fn is_candidate_key(key: &str) -> bool {
    key.starts_with("b:")
}

/// The answer to [`LocatorCall::Candidates`](super::message::LocatorCall::Candidates).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates {
    /// Whose hashes they are; at most [`MAX_SHARING`].
    pub places: Vec<Place>,
    /// For how many seconds there have been too many secrets like none from where it comes from, if there have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited: Option<u32>,
}

/// Reserves one try of a secret against the bcrypt hashes of these tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Whose hashes; those beyond [`MAX_CANDIDATES`] are passed over.
    pub tokens: Vec<TokenId>,
    /// From where the secret came: nobody, where others present it and are counted themselves.
    #[serde(default)]
    pub client: Client,
}

/// The answer to a [`Try`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// It may be tried, against these.
    Reserved {
        /// The tokens that have a bcrypt hash still, each with it.
        hashes: Vec<Hashed>,
    },
    /// Not now: too many were wrong.
    Limited {
        /// Until when.
        until: Timestamp,
    },
}

/// A token and its bcrypt hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    /// Which token.
    pub token: TokenId,
    /// Its hash.
    pub hash: Bcrypt,
}

/// A secret matched a bcrypt hash: this is its SHA-256, to be kept instead. The same call twice does it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// Which token.
    pub token: TokenId,
    /// The hash that matched.
    pub hash: Bcrypt,
    /// The SHA-256 of the secret.
    pub digest: Digest,
    /// From where the secret came.
    #[serde(default)]
    pub client: Client,
}

/// The answer to an [`Upgrade`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgraded {
    /// Whether the token is found by the SHA-256 now. If not, the bcrypt hash stays, if the token still has it.
    pub done: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_prefix_and_hash_within_a_locators_bounds() {
        let hash: Bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".parse().unwrap();
        let key = candidate_key("hg_pat_012", &hash);
        assert!(key.starts_with(&format!("{}/", candidates_key("hg_pat_012"))) && is_candidate_key(&key));
        let longest = "p".repeat(crate::token::MAX_PREFIX_LEN);
        assert!(candidate_key(&longest, &hash).len() <= 100);
    }
}
