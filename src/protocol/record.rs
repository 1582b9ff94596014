//! What an edge keeps of a token.
//!
//! A record is made by the authority and is complete in itself: an edge that holds one needs neither the profile nor
//! the member to judge a request. Whatever changes the answer (a role lowered, a kind's rules replaced) makes a new
//! version.

use serde::{Deserialize, Serialize};

use crate::id::{MemberId, OrganizationId, ShortId, TokenId};
use crate::key::{PublicKey, Thumbprint};
use crate::policy::{EdgeRules, GrantSet, Permission};
use crate::problem::Code;
use crate::protocol::Version;
use crate::time::Timestamp;
use crate::token::{Bcrypt, Digest};

/// A token as an edge sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which token.
    pub token: TokenId,
    /// Which organisation's.
    pub organization: OrganizationId,
    /// The organisation's name in credentials and of its authority.
    pub short_id: ShortId,
    /// The name of the organisation's profile: wire adapters answer for one profile alone.
    pub profile: String,
    /// The epoch of the change that made this version.
    pub version: Version,
    /// The kind's name in the profile.
    pub kind: String,
    /// The token's name.
    pub name: String,
    /// Public first characters of the secret, or of the key's thumbprint.
    pub prefix: String,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it lives.
    pub state: RecordState,
    /// Not before this time, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Not at or after this time, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Locked until this time, if wrong passphrases locked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// What was granted.
    pub granted: GrantSet,
    /// What the owner's current role, or the role fixed at creation, allows at most.
    pub ceiling: GrantSet,
    /// The role behind the ceiling, for identity headers and people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The names of the scopes that were granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What proves possession: one, or two while a rotation's grace lasts.
    pub proofs: Vec<Proof>,
    /// The Argon2id hash of the passphrase in PHC form, if the token has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
    /// The kind's rules for requests.
    pub rules: EdgeRules,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The organisation's.
    Organization,
    /// A member's.
    Member {
        /// Which member.
        id: MemberId,
        /// The member's name, for identity headers.
        name: String,
        /// The member's mail address, for identity headers.
        email: String,
    },
}

/// Whether a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// It lives.
    Active,
    /// It is switched off.
    Inactive,
    /// It was revoked, for good.
    Revoked,
    /// Its owner is suspended or removed.
    OwnerSuspended,
}

/// One way to prove possession of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// With what.
    pub kind: ProofKind,
    /// Good until this time: the end of a rotation's grace. None means as long as the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// With what possession is proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "snake_case", try_from = "Written")]
pub enum ProofKind {
    /// A bearer secret with this SHA-256.
    Bearer {
        /// SHA-256 of the whole secret.
        digest: Digest,
    },
    /// An imported bearer secret of which only a bcrypt hash is known.
    Bcrypt {
        /// The hash.
        hash: Bcrypt,
    },
    /// Signatures by this key.
    Key {
        /// The public key.
        public_key: PublicKey,
        /// Its RFC 7638 thumbprint.
        thumbprint: Thumbprint,
    },
}

/// A [`ProofKind`] as it is written, here and in the tables of authorities: its tag among its fields. A struct, since
/// serde reads such a tag by way of a buffer and a source of its own (`crate::json`).
#[derive(Deserialize)]
struct Written {
    proof: Tag,
    #[serde(default)]
    digest: Option<Digest>,
    #[serde(default)]
    hash: Option<Bcrypt>,
    #[serde(default)]
    public_key: Option<PublicKey>,
    #[serde(default)]
    thumbprint: Option<Thumbprint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Bearer,
    Bcrypt,
    Key,
}

impl TryFrom<Written> for ProofKind {
    type Error = &'static str;

    fn try_from(Written { proof, digest, hash, public_key, thumbprint }: Written) -> Result<Self, &'static str> {
        let read = match proof {
            Tag::Bearer => digest.map(|digest| Self::Bearer { digest }),
            Tag::Bcrypt => hash.map(|hash| Self::Bcrypt { hash }),
            Tag::Key => public_key.zip(thumbprint).map(|(public_key, thumbprint)| Self::Key { public_key, thumbprint }),
        };
        read.ok_or("a proof lacks what proves")
    }
}

impl Record {
    /// Whether the token stands at `now`; to be asked only after the secret or signature has matched.
    ///
    /// # Errors
    /// `revoked`, `owner_suspended`, `inactive`, `expired` or `locked`, the first that applies in this order.
    pub fn standing(&self, now: Timestamp) -> Result<(), Code> {
        match self.state {
            RecordState::Revoked => return Err(Code::Revoked),
            RecordState::OwnerSuspended => return Err(Code::OwnerSuspended),
            RecordState::Inactive => return Err(Code::Inactive),
            RecordState::Active => {}
        }
        if self.expires_at.is_some_and(|end| now >= end) || self.not_before.is_some_and(|start| now < start) {
            return Err(Code::Expired);
        }
        if self.locked_until.is_some_and(|end| now < end) {
            return Err(Code::Locked);
        }
        Ok(())
    }

    /// What the token may do: *granted ∩ ceiling*.
    #[must_use]
    pub fn effective(&self) -> GrantSet {
        self.granted.intersection(&self.ceiling)
    }

    /// Whether the token may do this on that: the same answer as [`Record::effective`] gives, without making the set.
    #[must_use]
    pub fn permits(&self, permission: &Permission, resource: Option<&str>) -> bool {
        self.granted.permits(permission, resource) && self.ceiling.permits(permission, resource)
    }

    /// The proof that a bearer secret with this digest gives at `now`, if any. Compared in constant time.
    #[must_use]
    pub fn bearer(&self, digest: &Digest, now: Timestamp) -> Option<&Proof> {
        self.living_proofs(now)
            .find(|proof| matches!(&proof.kind, ProofKind::Bearer { digest: kept } if kept.matches(digest)))
    }

    /// The proof that a secret gives at `now` which matched this bcrypt hash, if any.
    #[must_use]
    pub fn imported(&self, hash: &Bcrypt, now: Timestamp) -> Option<&Proof> {
        self.living_proofs(now).find(|proof| matches!(&proof.kind, ProofKind::Bcrypt { hash: kept } if kept == hash))
    }

    /// The public key with this thumbprint, if it proves possession at `now`.
    #[must_use]
    pub fn key(&self, thumbprint: &Thumbprint, now: Timestamp) -> Option<&PublicKey> {
        self.living_proofs(now).find_map(|proof| match &proof.kind {
            ProofKind::Key { public_key, thumbprint: kept } if kept == thumbprint => Some(public_key),
            _ => None,
        })
    }

    fn living_proofs(&self, now: Timestamp) -> impl Iterator<Item = &Proof> {
        self.proofs.iter().filter(move |proof| proof.until.is_none_or(|end| now < end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_written_with_their_tag_among_their_fields() {
        let digest = Digest::of("secret");
        let bearer = ProofKind::Bearer { digest };
        let json = serde_json::to_string(&bearer).unwrap();
        assert_eq!(json, format!(r#"{{"proof":"bearer","digest":"{digest}"}}"#));
        assert_eq!(crate::json::read::<ProofKind>(&json).unwrap(), bearer);
        let public_key = crate::key::PrivateKey::from_bytes(&[7; 32]).unwrap().public_key();
        let key = ProofKind::Key { thumbprint: public_key.thumbprint(), public_key };
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(crate::json::read::<ProofKind>(&json).unwrap(), key);
        for lacking in [r#"{"proof":"bearer"}"#, r#"{"proof":"key","public_key":null}"#, r#"{"proof":"other"}"#, "{}"] {
            assert!(crate::json::read::<ProofKind>(lacking).is_err(), "{lacking}");
        }
    }
}
