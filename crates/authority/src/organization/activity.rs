//! The activity log: who did what, with which token, when and from where, in a chain of hashes.
//!
//! The chain is that of [`symbolon::activity`]; the organisation's row keeps the number and the hash of the last entry, so
//! that one which was removed at the end of the log is detected as well. No secret, hash of a secret or passphrase ever
//! gets into an entry.

use serde::Serialize;
use symbolon::activity::{Actor, Chain, Entry as Written};
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

/// The columns that [`read`] expects, in its order.
pub(crate) const COLUMNS: &str = "activity.seq, activity.id, activity.at, activity.actor_member, activity.actor_token,
    activity.action, activity.token, activity.member, activity.address, activity.user_agent, activity.details,
    activity.prev_hash, activity.hash";

/// An entry as it stands in the table. Details that are no JSON are a text: then the hash is another.
pub(crate) fn read(row: &Row) -> Result<Written> {
    let details: String = row.get(10)?;
    Ok(Written {
        seq: row.get(0)?,
        id: row.get(1)?,
        at: row.get(2)?,
        actor: Actor { member: row.get(3)?, token: row.get(4)? },
        action: row.get(5)?,
        token: row.get(6)?,
        member: row.get(7)?,
        address: row.get(8)?,
        user_agent: row.get(9)?,
        details: symbolon::json::parse(&details).unwrap_or(serde_json::Value::String(details)),
        prev_hash: row.get(11)?,
        hash: row.get(12)?,
    })
}

/// Writes an entry at the end. To be called in the transaction of the change that it tells of.
pub(super) fn append<S: Store>(store: &S, now: Timestamp, random: &[u8; 10], who: &Who, entry: &Entry) -> Result<()> {
    let (seq, prev_hash) = end(store)?;
    let mut written = Written {
        seq: seq.saturating_add(1),
        id: ActivityId::new(now, random).to_string(),
        at: now,
        actor: Actor { member: who.member.map(|id| id.to_string()), token: who.token.map(|id| id.to_string()) },
        action: entry.action.as_str().to_owned(),
        token: entry.token.map(|id| id.to_string()),
        member: entry.member.map(|id| id.to_string()),
        address: who.client.address.clone(),
        user_agent: who.client.user_agent.clone(),
        details: entry.details.clone(),
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
            written.actor.member.into(),
            written.actor.token.into(),
            written.action.into(),
            written.token.into(),
            written.member.into(),
            written.address.into(),
            written.user_agent.into(),
            written.details.to_string().into(),
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
    let mut chain = Chain::of(organization);
    let broken = |chain: &Chain, seq| Verification {
        valid: false,
        entries: chain.entries(),
        head: chain.head().to_owned(),
        broken_at: Some(seq),
    };
    loop {
        let rows = store.execute(
            &format!("SELECT {COLUMNS} FROM activity WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
            &[Value::count(chain.entries())?, Value::count(BATCH)?],
        )?;
        for row in &rows {
            // A column of another type was altered as well: the row cannot be read at all.
            let next = chain.entries().saturating_add(1);
            let followed = read(row).map_err(|_| next).and_then(|entry| chain.add(&entry).map_err(|at| at.seq));
            if let Err(seq) = followed {
                return Ok(broken(&chain, seq));
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    if chain.entries() != last || chain.head() != last_hash {
        return Ok(broken(&chain, chain.entries().min(last).saturating_add(1)));
    }
    Ok(Verification { valid: true, entries: chain.entries(), head: chain.head().to_owned(), broken_at: None })
}
