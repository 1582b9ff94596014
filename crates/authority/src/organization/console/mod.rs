//! A person's sessions in the console, and what they sign in with: passkeys and recovery codes.
//!
//! A session is a credential of its own: granted everything, bounded by the member's role as it is at every request.
//! Edges ask for it each time and keep nothing of it, so it ends the moment that its row goes or its member is
//! suspended. What is kept of its secret is the SHA-256.

pub(crate) mod identity;
pub(crate) mod passkey;
pub(crate) mod recovery;
mod returned;
mod sign_in;
pub(crate) mod spent;

use symbolon::id::{IdentityId, MemberId, PasskeyId, TokenId};
use symbolon::policy::{EdgeRules, Freshness, GrantSet, Profile, Proof as ProofWay, SecretFormat};
use symbolon::protocol::message::Client;
use symbolon::protocol::session::{COOKIE, SECRET_PREFIX};
use symbolon::protocol::{Owner, Proof, ProofKind, Record, RecordState};
use symbolon::time::Timestamp;
use symbolon::token::{Digest, Format, InstanceSecret, RANDOM_LEN, Secret};

use super::failure::{Failure, Result};
use super::head::Head;
use super::member::{Member, Status};
use crate::machine::Context;
use crate::store::{Row, Store, Value};

/// How long a session lives at most, in seconds: a week.
const LIFE_SECONDS: i64 = 604_800;
/// How long it lives unused, in seconds: 12 hours.
const IDLE_SECONDS: i64 = 43_200;
/// How long a passkey counts as fresh, in seconds.
pub(crate) const FRESH_SECONDS: i64 = 300;
/// How old the time of last use may become before it is written anew, in milliseconds.
const USED_MILLIS: i64 = 60_000;
/// How many sessions a member may have; beyond that the one used longest ago ends.
const MAX_SESSIONS: u32 = 20;
/// What stands for the kind in a session's record: no profile can have a kind of this name.
const KIND: &str = "console session";

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// With this passkey.
    Passkey(PasskeyId),
    /// With a recovery code.
    Recovery,
    /// At a provider of identities. Fresh until then: where they showed themselves there just now, and have no passkey.
    Identity(IdentityId, Option<Timestamp>),
}

/// A session. It is named like a token, since records and calls name the credential in use by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsoleSession {
    pub(crate) id: TokenId,
    pub(crate) member: MemberId,
    pub(crate) digest: Digest,
    /// The passkey with which it began.
    pub(crate) passkey: Option<PasskeyId>,
    /// The identity with which it began; neither: a recovery code.
    pub(crate) identity: Option<IdentityId>,
    pub(crate) created_at: Timestamp,
    /// Until when its passkey counts as fresh.
    pub(crate) fresh_until: Option<Timestamp>,
    pub(crate) last_used_at: Timestamp,
    ends_at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

const COLUMNS: &str =
    "id, member, digest, passkey, created_at, fresh_until, last_used_at, ends_at, address, user_agent, identity";

impl ConsoleSession {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parsed(0)?,
            member: row.parsed(1)?,
            digest: row.parsed(2)?,
            passkey: row.parsed_or_null(3)?,
            created_at: row.get(4)?,
            fresh_until: row.get(5)?,
            last_used_at: row.get(6)?,
            ends_at: row.get(7)?,
            address: row.get(8)?,
            user_agent: row.get(9)?,
            identity: row.parsed_or_null(10)?,
        })
    }

    fn one<S: Store>(store: &S, now: Timestamp, column: &str, value: Value) -> Result<Option<Self>> {
        let rows = store.execute(&format!("SELECT {COLUMNS} FROM console_session WHERE {column} = ?1"), &[value])?;
        Ok(rows.first().map(Self::read).transpose()?.filter(|session| now < session.expires_at()))
    }

    /// The living session of this id.
    pub(crate) fn find<S: Store>(store: &S, now: Timestamp, id: TokenId) -> Result<Option<Self>> {
        Self::one(store, now, "id", Value::text(&id))
    }

    /// The living session whose secret has this digest.
    pub(crate) fn by_digest<S: Store>(store: &S, now: Timestamp, digest: &Digest) -> Result<Option<Self>> {
        Self::one(store, now, "digest", Value::text(digest))
    }

    /// The living sessions of a member, the one used last first.
    pub(crate) fn of<S: Store>(store: &S, now: Timestamp, member: MemberId) -> Result<Vec<Self>> {
        let rows = store.execute(
            &format!(
                "SELECT {COLUMNS} FROM console_session WHERE member = ?1 ORDER BY last_used_at DESC, id DESC LIMIT ?2"
            ),
            &[Value::text(&member), MAX_SESSIONS.into()],
        )?;
        let mut sessions = rows.iter().map(Self::read).collect::<Result<Vec<_>>>()?;
        sessions.retain(|session| now < session.expires_at());
        Ok(sessions)
    }

    /// When it ends if it is not used any more.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.ends_at.min(self.last_used_at.plus_seconds(IDLE_SECONDS))
    }

    /// Whether its passkey was asked for a short while ago.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.fresh_until.is_some_and(|until| now < until)
    }

    /// Notes that it is used.
    pub(crate) fn used<S: Store>(&self, store: &S, now: Timestamp, client: &Client) -> Result<()> {
        if now.millis_since(self.last_used_at) >= USED_MILLIS {
            store.execute(
                "UPDATE console_session SET last_used_at = ?2, address = ?3, user_agent = ?4 WHERE id = ?1",
                &[Value::text(&self.id), now.into(), client.address.clone().into(), client.user_agent.clone().into()],
            )?;
        }
        Ok(())
    }

    /// Begins one, in place of another, and makes its secret. The caller writes the activity log.
    pub(crate) fn begin<S: Store>(
        store: &S,
        context: &mut Context<'_>,
        head: &Head,
        member: MemberId,
        method: Method,
        client: &Client,
        replaces: Option<&Digest>,
    ) -> Result<(Self, Secret)> {
        let now = context.now;
        let secret = new_secret(context, head)?;
        let session = Self {
            id: TokenId::new(now, &context.random()),
            member,
            digest: secret.digest(),
            passkey: match method {
                Method::Passkey(passkey) => Some(passkey),
                Method::Recovery | Method::Identity(..) => None,
            },
            identity: match method {
                Method::Identity(identity, _) => Some(identity),
                Method::Recovery | Method::Passkey(_) => None,
            },
            created_at: now,
            fresh_until: match method {
                Method::Passkey(_) => Some(now.plus_seconds(FRESH_SECONDS)),
                Method::Identity(_, fresh_until) => fresh_until,
                Method::Recovery => None,
            },
            last_used_at: now,
            ends_at: now.plus_seconds(LIFE_SECONDS),
            address: client.address.clone(),
            user_agent: client.user_agent.clone(),
        };
        if let Some(digest) = replaces {
            store.execute("DELETE FROM console_session WHERE digest = ?1", &[Value::text(digest)])?;
        }
        let idle_since = now.plus_seconds(IDLE_SECONDS.saturating_neg());
        store.execute(
            "DELETE FROM console_session WHERE ends_at <= ?1 OR last_used_at <= ?2",
            &[now.into(), idle_since.into()],
        )?;
        store.execute(
            "DELETE FROM console_session WHERE member = ?1 AND id NOT IN (
                SELECT id FROM console_session WHERE member = ?1 ORDER BY last_used_at DESC, id DESC LIMIT ?2)",
            &[Value::text(&member), MAX_SESSIONS.saturating_sub(1).into()],
        )?;
        store.execute(
            "INSERT INTO console_session (id, member, digest, passkey, created_at, fresh_until, last_used_at, ends_at,
                address, user_agent, identity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            &[
                Value::text(&session.id),
                Value::text(&session.member),
                Value::text(&session.digest),
                session.passkey.map(|id| id.to_string()).into(),
                now.into(),
                session.fresh_until.into(),
                now.into(),
                session.ends_at.into(),
                session.address.clone().into(),
                session.user_agent.clone().into(),
                session.identity.map(|id| id.to_string()).into(),
            ],
        )?;
        Ok((session, secret))
    }

    /// How it began.
    pub(crate) const fn method(&self) -> &'static str {
        match (self.passkey, self.identity) {
            (Some(_), _) => "passkey",
            (None, Some(_)) => "oidc",
            (None, None) => "recovery_code",
        }
    }

    /// Its passkey, or its provider, was asked for just now: it gets another secret, and the former one is worth nothing.
    pub(crate) fn confirm<S: Store>(&mut self, store: &S, context: &mut Context<'_>, head: &Head) -> Result<Secret> {
        let secret = new_secret(context, head)?;
        self.digest = secret.digest();
        self.fresh_until = Some(context.now.plus_seconds(FRESH_SECONDS));
        store.execute(
            "UPDATE console_session SET digest = ?2, fresh_until = ?3 WHERE id = ?1",
            &[Value::text(&self.id), Value::text(&self.digest), self.fresh_until.into()],
        )?;
        Ok(secret)
    }

    /// What an edge gets of it, for one request.
    pub(crate) fn record<S: Store>(&self, store: &S, head: &Head, profile: &Profile) -> Result<Option<Record>> {
        let Some(member) = Member::find(store, self.member)? else { return Ok(None) };
        let active = member.status == Status::Active;
        Ok(Some(Record {
            token: self.id,
            organization: head.id,
            short_id: head.short_id,
            profile: head.profile_name.clone(),
            version: head.epoch,
            kind: KIND.to_owned(),
            name: KIND.to_owned(),
            prefix: SECRET_PREFIX.to_owned(),
            state: if active { RecordState::Active } else { RecordState::OwnerSuspended },
            not_before: None,
            expires_at: Some(self.expires_at()),
            locked_until: None,
            granted: GrantSet::all(),
            ceiling: profile.role(&member.role).map(|role| role.grants()).unwrap_or_default(),
            role: Some(member.role.clone()),
            scopes: Vec::new(),
            proofs: vec![Proof { kind: ProofKind::Bearer { digest: self.digest }, until: None }],
            passphrase: None,
            rules: EdgeRules {
                proofs: vec![ProofWay::Bearer],
                // The cookie is no header that a token could come in.
                headers: Vec::new(),
                freshness: Freshness::Strict,
                signature: symbolon::policy::SignatureRules::default(),
                counts: Vec::new(),
            },
            owner: Owner::Member { id: member.id, name: member.name, email: member.email },
        }))
    }

    /// How long its cookie is kept, in seconds.
    pub(crate) fn cookie_seconds(&self, now: Timestamp) -> i64 {
        self.ends_at.millis_since(now).max(0) / 1000
    }
}

/// Ends every session of a member, and says whether there was one.
pub(crate) fn end_all<S: Store>(store: &S, member: MemberId) -> Result<()> {
    store.execute("DELETE FROM console_session WHERE member = ?1", &[Value::text(&member)])?;
    Ok(())
}

/// A member leaves: nothing of theirs signs in any more.
pub(crate) fn forget<S: Store>(store: &S, member: MemberId) -> Result<()> {
    end_all(store, member)?;
    for table in ["passkey", "recovery_code", "identity"] {
        store.execute(&format!("DELETE FROM {table} WHERE member = ?1"), &[Value::text(&member)])?;
    }
    Ok(())
}

/// The cookie that carries a secret (RFC 6265bis): for this host alone, over TLS, out of reach of scripts, and never
/// with a request that another site caused.
pub(crate) fn set_cookie(secret: &Secret, seconds: i64) -> (String, String) {
    let value = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}", secret.expose());
    ("set-cookie".to_owned(), value)
}

/// Takes the cookie away.
pub(crate) fn clear_cookie() -> (String, String) {
    ("set-cookie".to_owned(), format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"))
}

/// The instance's secret, as the core wants it.
pub(crate) fn instance(context: &Context<'_>) -> Result<InstanceSecret> {
    InstanceSecret::new(&context.config.instance_secret)
        .map_err(|_| Failure::Broken("the instance secret is too short or too long"))
}

fn new_secret(context: &mut Context<'_>, head: &Head) -> Result<Secret> {
    let instance = instance(context)?;
    let random: [u8; RANDOM_LEN] = context.random();
    Format::new(SECRET_PREFIX, SecretFormat::Native)
        .and_then(|format| format.generate(&head.short_id, &instance, &random))
        .map_err(|_| Failure::Broken("a session's secret cannot be made"))
}
