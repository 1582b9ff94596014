//! The tables of an organisation.
//!
//! They are made in the transaction that founds the organisation: an object that nobody set up writes nothing. Times
//! are milliseconds since 1970. Identifiers, digests and names of enums are texts with one spelling.

use crate::store::{Store, StoreError};

/// The number of the tables' form, kept in the organisation's row for later forms to find.
pub(crate) const VERSION: u32 = 1;

const TABLES: &[&str] = &[
    // One row. `log_floor` is the newest epoch of which the change log no longer says everything. `founding` is the
    // SHA-256 of the call that founded it, which may be repeated until the first token was used; then it is empty.
    // `horizon` is that of leases; `instances` grows with every machine that takes over, and with
    // every answer that only the newest machine may give.
    "CREATE TABLE organization (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        schema INTEGER NOT NULL,
        id TEXT NOT NULL,
        short_id TEXT NOT NULL,
        slug TEXT NOT NULL,
        name TEXT NOT NULL,
        profile TEXT NOT NULL,
        profile_name TEXT NOT NULL,
        profile_epoch INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        log_floor INTEGER NOT NULL,
        activity_seq INTEGER NOT NULL,
        activity_hash TEXT NOT NULL,
        founding TEXT NOT NULL,
        first_token TEXT NOT NULL,
        uses_forgotten INTEGER,
        horizon TEXT,
        instances INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE member (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        role TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'removed')),
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    // An address belongs to one member who is not removed.
    "CREATE UNIQUE INDEX member_email ON member (email) WHERE status <> 'removed'",
    // `choice` is what was granted, as it was chosen; `role` repeats its role, for lists. No owner: the
    // organisation's. `issued_at` is when the secret was made. `eventual` is 1 where its kind was `eventual` once, and is
    // so no more: the directory may still give a record by which an edge decides without asking anybody.
    "CREATE TABLE token (
        id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        prefix TEXT NOT NULL,
        owner TEXT REFERENCES member (id),
        created_by_member TEXT,
        created_by_token TEXT,
        choice TEXT NOT NULL,
        role TEXT,
        service TEXT,
        fingerprint TEXT,
        passphrase TEXT,
        wrong_tries INTEGER NOT NULL DEFAULT 0,
        tried_at INTEGER,
        locked_until INTEGER,
        active INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER,
        not_before INTEGER,
        revoked_at INTEGER,
        last_used_at INTEGER,
        last_used_ip TEXT,
        last_used_agent TEXT,
        use_count INTEGER NOT NULL DEFAULT 0,
        eventual INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX token_created ON token (created_at, id)",
    "CREATE INDEX token_owner ON token (owner)",
    // What proves possession. `generation` grows with every new secret of a token, `epoch` is the change that brought
    // it; `until` is the end of a grace.
    "CREATE TABLE proof (
        token TEXT NOT NULL REFERENCES token (id),
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        proof TEXT NOT NULL,
        until INTEGER,
        PRIMARY KEY (token, generation)
    ) STRICT, WITHOUT ROWID",
    // The names under which locator and directory know a token's proofs, those of former secrets included.
    "CREATE TABLE credential (
        key TEXT PRIMARY KEY,
        token TEXT NOT NULL REFERENCES token (id)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX credential_token ON credential (token)",
    // Names that are being claimed at the locator, or given up again.
    "CREATE TABLE claim (
        key TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('wanted', 'releasing')),
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE change (
        epoch INTEGER NOT NULL,
        token TEXT NOT NULL,
        PRIMARY KEY (epoch, token)
    ) STRICT, WITHOUT ROWID",
    // What the directory must still be told. `again` is 1 until the newest version was put once; then it is put a
    // second time.
    "CREATE TABLE outbox (
        key TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        version INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        again INTEGER NOT NULL DEFAULT 1
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX outbox_due ON outbox (due_at)",
    "CREATE TABLE activity (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        at INTEGER NOT NULL,
        actor_member TEXT,
        actor_token TEXT,
        action TEXT NOT NULL,
        token TEXT,
        member TEXT,
        address TEXT,
        user_agent TEXT,
        details TEXT NOT NULL,
        prev_hash TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT",
    "CREATE INDEX activity_token ON activity (token, seq)",
    // The last batch of use counts of each isolate.
    "CREATE TABLE isolate (
        name TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        newest INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX isolate_newest ON isolate (newest)",
    "CREATE TABLE challenge (
        challenge TEXT PRIMARY KEY,
        principal TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE idempotency (
        principal TEXT NOT NULL,
        key TEXT NOT NULL,
        request TEXT NOT NULL,
        made TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (principal, key)
    ) STRICT, WITHOUT ROWID",
    // Logins that were approved, until their token is made and used: the token that was promised, the one with which it
    // was approved, what the activity log says of it.
    "CREATE TABLE login (
        token TEXT PRIMARY KEY,
        approver TEXT NOT NULL,
        name TEXT,
        details TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    // `digest` is the SHA-256 of the secret in the link; `inviter` the token with which it was made.
    "CREATE TABLE invitation (
        id TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        inviter TEXT NOT NULL,
        email TEXT NOT NULL,
        role TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        accepted_at INTEGER
    ) STRICT, WITHOUT ROWID",
    // The numbers by which another system's clients name tokens. AUTOINCREMENT: none is given twice.
    "CREATE TABLE alias (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        token TEXT NOT NULL UNIQUE
    ) STRICT",
    // `credential` is the authenticator's name for it, in base64url; `rp_id` the host that it was made for.
    "CREATE TABLE passkey (
        id TEXT PRIMARY KEY,
        member TEXT NOT NULL REFERENCES member (id),
        credential TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        public_key TEXT NOT NULL,
        sign_count INTEGER NOT NULL,
        backup_eligible INTEGER NOT NULL,
        rp_id TEXT NOT NULL,
        transports TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX passkey_member ON passkey (member)",
    "CREATE TABLE recovery_code (
        digest TEXT PRIMARY KEY,
        member TEXT NOT NULL REFERENCES member (id)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX recovery_code_member ON recovery_code (member)",
    // Sessions in the console. `digest` is the SHA-256 of the secret in the cookie; no passkey: a recovery code.
    "CREATE TABLE console_session (
        id TEXT PRIMARY KEY,
        member TEXT NOT NULL REFERENCES member (id),
        digest TEXT NOT NULL UNIQUE,
        passkey TEXT,
        created_at INTEGER NOT NULL,
        fresh_until INTEGER,
        last_used_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        address TEXT,
        user_agent TEXT
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX console_session_member ON console_session (member, last_used_at)",
    // Challenges for passkeys that were used, until their time has run out.
    "CREATE TABLE spent_challenge (
        challenge TEXT PRIMARY KEY,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX spent_challenge_until ON spent_challenge (until)",
    "CREATE TABLE rate (
        subject TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        count INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
];

/// Makes the tables. To be called in the transaction that fills them.
pub(crate) fn create<S: Store>(store: &S) -> Result<(), StoreError> {
    TABLES.iter().try_for_each(|sql| store.execute(sql, &[]).map(drop))
}

/// Whether the tables are there.
pub(crate) fn exists<S: Store>(store: &S) -> Result<bool, StoreError> {
    let rows = store.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'organization'", &[])?;
    Ok(!rows.is_empty())
}
