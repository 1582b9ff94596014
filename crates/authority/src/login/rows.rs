//! The rows of logins that were begun or decided.

use symbolon::protocol::login::Approval;
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use crate::store::{self, Store, StoreError, Value};

/// A login.
pub(super) struct Row {
    /// SHA-256 of the code that the member types, or of the client's key.
    pub(super) digest: Digest,
    pub(super) client_id: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) client: Option<Client>,
    pub(super) expires_at: Timestamp,
    pub(super) state: State,
}

/// Whether it was decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Approved(Approval),
    Denied,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved(_) => "approved",
            Self::Denied => "denied",
        }
    }
}

pub(super) fn exist<S: Store>(store: &S) -> Result<bool, StoreError> {
    let rows = store.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'login'", &[])?;
    Ok(!rows.is_empty())
}

pub(super) fn create<S: Store>(store: &S) -> Result<(), StoreError> {
    // `code` and `device` are SHA-256; a client with a key of its own has no device code.
    store.execute(
        "CREATE TABLE login (
            code TEXT PRIMARY KEY,
            device TEXT UNIQUE,
            client_id TEXT,
            scope TEXT,
            client TEXT,
            expires_at INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied')),
            organization TEXT,
            token TEXT
        ) STRICT, WITHOUT ROWID",
        &[],
    )?;
    store.execute("CREATE INDEX login_expires ON login (expires_at)", &[]).map(drop)
}

pub(super) fn count<S: Store>(store: &S) -> Result<u64, StoreError> {
    store.execute("SELECT count(*) FROM login", &[])?.first().map_or(Ok(0), |row| row.get(0))
}

/// Writes a login. False: there is one of this name.
pub(super) fn insert<S: Store>(store: &S, row: &Row, device: Option<Digest>) -> Result<bool, StoreError> {
    let client = match &row.client {
        None => None,
        Some(client) => Some(crate::answer::json(client)?),
    };
    let (organization, token) = decision(row.state);
    let written = store.execute(
        "INSERT INTO login (code, device, client_id, scope, client, expires_at, state, organization, token)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING RETURNING code",
        &[
            row.digest.to_string().into(),
            device.map(|digest| digest.to_string()).into(),
            row.client_id.clone().into(),
            row.scope.clone().into(),
            client.into(),
            row.expires_at.into(),
            row.state.as_str().into(),
            organization,
            token,
        ],
    )?;
    Ok(!written.is_empty())
}

pub(super) fn set_state<S: Store>(store: &S, digest: Digest, state: State) -> Result<(), StoreError> {
    let (organization, token) = decision(state);
    let sql = "UPDATE login SET state = ?2, organization = ?3, token = ?4 WHERE code = ?1";
    store.execute(sql, &[digest.to_string().into(), state.as_str().into(), organization, token]).map(drop)
}

fn decision(state: State) -> (Value, Value) {
    match state {
        State::Approved(Approval { organization, token }) => {
            (organization.to_string().into(), token.to_string().into())
        }
        State::Pending | State::Denied => (Value::Null, Value::Null),
    }
}

/// The login of this name, while it lives.
pub(super) fn find<S: Store>(store: &S, now: Timestamp, digest: Digest) -> Result<Option<Row>, StoreError> {
    select(store, "code", now, digest)
}

/// The login that is collected with this code, while it lives.
pub(super) fn find_device<S: Store>(store: &S, now: Timestamp, device: Digest) -> Result<Option<Row>, StoreError> {
    select(store, "device", now, device)
}

fn select<S: Store>(store: &S, by: &str, now: Timestamp, digest: Digest) -> Result<Option<Row>, StoreError> {
    let sql = format!(
        "SELECT code, client_id, scope, client, expires_at, state, organization, token FROM login
            WHERE {by} = ?1 AND expires_at > ?2"
    );
    let rows = store.execute(&sql, &[digest.to_string().into(), now.into()])?;
    rows.first().map(read).transpose()
}

fn read(row: &store::Row) -> Result<Row, StoreError> {
    let client: Option<String> = row.get(3)?;
    let state: String = row.get(5)?;
    Ok(Row {
        digest: row.parsed(0)?,
        client_id: row.get(1)?,
        scope: row.get(2)?,
        client: client.map(|json| crate::answer::read(&json)).transpose()?,
        expires_at: row.get(4)?,
        state: match state.as_str() {
            "approved" => State::Approved(Approval { organization: row.parsed(6)?, token: row.parsed(7)? }),
            "denied" => State::Denied,
            _ => State::Pending,
        },
    })
}

pub(super) fn delete<S: Store>(store: &S, digest: Digest) -> Result<(), StoreError> {
    store.execute("DELETE FROM login WHERE code = ?1", &[digest.to_string().into()]).map(drop)
}

pub(super) fn delete_ended<S: Store>(store: &S, now: Timestamp) -> Result<(), StoreError> {
    store.execute("DELETE FROM login WHERE expires_at <= ?1", &[now.into()]).map(drop)
}

pub(super) fn next_end<S: Store>(store: &S) -> Result<Option<Timestamp>, StoreError> {
    store.execute("SELECT min(expires_at) FROM login", &[])?.first().map_or(Ok(None), |row| row.get(0))
}
