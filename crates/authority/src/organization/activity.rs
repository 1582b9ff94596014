//! The activity log: who did what, with which token, when and from where, in a chain of hashes.
//!
//! Each entry's hash covers all of its columns and the hash of the entry before it; the organisation's row keeps the
//! number and the hash of the last one. So an entry that was altered, removed or added by somebody who can write to the
//! table, but not follow through the whole chain, is detected, at the end of the log as well. No secret, hash of a
//! secret or passphrase ever gets into an entry.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use symbolon::id::{ActivityId, MemberId, OrganizationId, TokenId};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;

use super::failure::{Failure, Result};
use crate::store::{Row, Store, Value};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    OrganizationFound,
    OrganizationCreate,
    RoutesReplace,
    TokenCreate,
    TokenImport,
    TokenUpgrade,
    TokenEdit,
    TokenRevoke,
    TokenRotate,
    TokenRotateEnd,
    TokenRegenerate,
    TokenPassphraseWrong,
    TokenLock,
    TokenRefuse,
    MemberCreate,
    MemberEdit,
    MemberRemove,
    ProfileReplace,
    LoginApprove,
    LoginDeny,
    InvitationCreate,
    InvitationAccept,
    InvitationRevoke,
    SessionBegin,
    SessionRecover,
    SessionRefuse,
    SessionConfirm,
    SessionEnd,
    PasskeyAdd,
    PasskeyRemove,
    RecoveryRenew,
    IdentityLink,
    IdentityRemove,
    SignInEdit,
    StoragePutBack,
}

impl Action {
    /// Its name in the log and over HTTP.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationFound => "organization.found",
            Self::OrganizationCreate => "organization.create",
            Self::RoutesReplace => "routes.replace",
            Self::TokenCreate => "token.create",
            Self::TokenImport => "token.import",
            Self::TokenUpgrade => "token.upgrade",
            Self::TokenEdit => "token.edit",
            Self::TokenRevoke => "token.revoke",
            Self::TokenRotate => "token.rotate",
            Self::TokenRotateEnd => "token.rotate_end",
            Self::TokenRegenerate => "token.regenerate",
            Self::TokenPassphraseWrong => "token.passphrase_wrong",
            Self::TokenLock => "token.lock",
            Self::TokenRefuse => "token.refuse",
            Self::MemberCreate => "member.create",
            Self::MemberEdit => "member.edit",
            Self::MemberRemove => "member.remove",
            Self::ProfileReplace => "profile.replace",
            Self::LoginApprove => "login.approve",
            Self::LoginDeny => "login.deny",
            Self::InvitationCreate => "invitation.create",
            Self::InvitationAccept => "invitation.accept",
            Self::InvitationRevoke => "invitation.revoke",
            Self::SessionBegin => "session.begin",
            Self::SessionRecover => "session.recover",
            Self::SessionRefuse => "session.refuse",
            Self::SessionConfirm => "session.confirm",
            Self::SessionEnd => "session.end",
            Self::PasskeyAdd => "passkey.add",
            Self::PasskeyRemove => "passkey.remove",
            Self::RecoveryRenew => "recovery_codes.renew",
            Self::IdentityLink => "identity.link",
            Self::IdentityRemove => "identity.remove",
            Self::SignInEdit => "sign_in.edit",
            Self::StoragePutBack => "storage.put_back",
        }
    }
}

/// Who does something: a token, and the member whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) member: Option<MemberId>,
    pub(crate) token: Option<TokenId>,
    pub(crate) client: Client,
}

/// What is to be written down.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) action: Action,
    pub(crate) token: Option<TokenId>,
    pub(crate) member: Option<MemberId>,
    pub(crate) details: serde_json::Value,
}

impl Entry {
    /// Something about a token.
    pub(crate) const fn token(action: Action, token: TokenId, details: serde_json::Value) -> Self {
        Self { action, token: Some(token), member: None, details }
    }

    /// Something about a member.
    pub(crate) const fn member(action: Action, member: MemberId, details: serde_json::Value) -> Self {
        Self { action, token: None, member: Some(member), details }
    }
}

/// An entry as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) actor_member: Option<String>,
    pub(crate) actor_token: Option<String>,
    pub(crate) action: String,
    pub(crate) token: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) details: String,
    pub(crate) prev_hash: String,
    pub(crate) hash: String,
}

/// The columns that [`Written::read`] expects, in its order.
pub(crate) const COLUMNS: &str = "activity.seq, activity.id, activity.at, activity.actor_member, activity.actor_token,
    activity.action, activity.token, activity.member, activity.address, activity.user_agent, activity.details,
    activity.prev_hash, activity.hash";

impl Written {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            at: row.get(2)?,
            actor_member: row.get(3)?,
            actor_token: row.get(4)?,
            action: row.get(5)?,
            token: row.get(6)?,
            member: row.get(7)?,
            address: row.get(8)?,
            user_agent: row.get(9)?,
            details: row.get(10)?,
            prev_hash: row.get(11)?,
            hash: row.get(12)?,
        })
    }

    /// SHA-256 over every column but the hash itself: each text with its length before it, a missing one as a length
    /// that no text has.
    fn expected_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"symbolon activity entry 1\0");
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.as_millis().to_be_bytes());
        for text in [
            Some(&self.prev_hash),
            Some(&self.id),
            self.actor_member.as_ref(),
            self.actor_token.as_ref(),
            Some(&self.action),
            self.token.as_ref(),
            self.member.as_ref(),
            self.address.as_ref(),
            self.user_agent.as_ref(),
            Some(&self.details),
        ] {
            let length = text.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
            hash.update(length.to_be_bytes());
            hash.update(text.map_or("", String::as_str));
        }
        base16ct::lower::encode_string(&hash.finalize())
    }
}

/// The hash before the first entry: it ties the chain to the organisation.
pub(crate) fn root(organization: OrganizationId) -> String {
    let mut hash = Sha256::new();
    hash.update(b"symbolon activity chain 1\0");
    hash.update(organization.to_string());
    base16ct::lower::encode_string(&hash.finalize())
}

/// Writes an entry at the end. To be called in the transaction of the change that it tells of.
pub(super) fn append<S: Store>(store: &S, now: Timestamp, random: &[u8; 10], who: &Who, entry: &Entry) -> Result<()> {
    let (seq, prev_hash) = end(store)?;
    let mut written = Written {
        seq: seq.saturating_add(1),
        id: ActivityId::new(now, random).to_string(),
        at: now,
        actor_member: who.member.map(|id| id.to_string()),
        actor_token: who.token.map(|id| id.to_string()),
        action: entry.action.as_str().to_owned(),
        token: entry.token.map(|id| id.to_string()),
        member: entry.member.map(|id| id.to_string()),
        address: who.client.address.clone(),
        user_agent: who.client.user_agent.clone(),
        details: entry.details.to_string(),
        prev_hash,
        hash: String::new(),
    };
    written.hash = written.expected_hash();
    let seq = Value::count(written.seq)?;
    store.execute(
        "UPDATE organization SET activity_seq = ?1, activity_hash = ?2",
        &[seq.clone(), (&written.hash).into()],
    )?;
    store.execute(
        "INSERT INTO activity (seq, id, at, actor_member, actor_token, action, token, member, address, user_agent,
            details, prev_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        &[
            seq,
            written.id.into(),
            now.into(),
            written.actor_member.into(),
            written.actor_token.into(),
            written.action.into(),
            written.token.into(),
            written.member.into(),
            written.address.into(),
            written.user_agent.into(),
            written.details.into(),
            written.prev_hash.into(),
            written.hash.into(),
        ],
    )?;
    Ok(())
}

fn end<S: Store>(store: &S) -> Result<(u64, String)> {
    let rows = store.execute("SELECT activity_seq, activity_hash FROM organization", &[])?;
    let row = rows.first().ok_or(Failure::Broken("the organisation has no row"))?;
    Ok((row.get(0)?, row.get(1)?))
}

/// What the check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ActivityVerification"))]
pub(crate) struct Verification {
    /// Whether every entry is there and unaltered.
    pub(crate) valid: bool,
    /// How many entries were found intact, from the first on.
    pub(crate) entries: u64,
    /// The hash of the last intact entry: kept elsewhere, it shows later that the log up to it has not changed.
    pub(crate) head: String,
    /// The first entry that is missing or altered.
    pub(crate) broken_at: Option<u64>,
}

/// How many entries are read at a time.
const BATCH: u64 = 500;

/// Follows the chain from its first entry to its last.
pub(crate) fn verify<S: Store>(store: &S, organization: OrganizationId) -> Result<Verification> {
    let (last, last_hash) = end(store)?;
    let mut found = Verification { valid: true, entries: 0, head: root(organization), broken_at: None };
    loop {
        let rows = store.execute(
            &format!("SELECT {COLUMNS} FROM activity WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
            &[Value::count(found.entries)?, Value::count(BATCH)?],
        )?;
        for row in &rows {
            let next = found.entries.saturating_add(1);
            // A column of another type was altered as well: the row cannot be read at all.
            let intact = Written::read(row)
                .ok()
                .filter(|entry| entry.seq == next && entry.prev_hash == found.head)
                .filter(|entry| entry.hash == entry.expected_hash());
            match intact {
                Some(entry) => {
                    found.entries = next;
                    found.head = entry.hash;
                }
                None => return Ok(Verification { valid: false, broken_at: Some(next), ..found }),
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    if found.entries != last || found.head != last_hash {
        let broken_at = Some(found.entries.min(last).saturating_add(1));
        return Ok(Verification { valid: false, broken_at, ..found });
    }
    Ok(found)
}
