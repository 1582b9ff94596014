//! The tables of an organisation.
//!
//! They are made in the transaction that founds the organisation: an object that nobody set up writes nothing. Times
//! are milliseconds since 1970. Identifiers, digests and names of enums are texts with one spelling.

use crate::schema::{self, Form};
use crate::store::{Store, StoreError};

/// The form of the tables. Form 1 grew without a number: it may lack logins, invitations and everything of the console.
pub(crate) const FORM: Form = Form {
    row: "organization",
    version: 5,
    tables: TABLES,
    columns: &[
        ("token", "eventual", "INTEGER NOT NULL DEFAULT 0"),
        ("organization", "link_by_email", "INTEGER NOT NULL DEFAULT 0"),
        ("console_session", "identity", "TEXT"),
        ("organization", "claims", "INTEGER NOT NULL DEFAULT 0"),
        ("claim", "number", "INTEGER NOT NULL DEFAULT 0"),
        ("rate", "ends", "INTEGER NOT NULL DEFAULT 0"),
        ("token", "updated_at", "INTEGER NOT NULL DEFAULT 0"),
        ("member", "readdressed", "INTEGER NOT NULL DEFAULT 0"),
    ],
    filled: &[(
        "token",
        "updated_at",
        "UPDATE token SET updated_at = max(created_at, issued_at, coalesce(revoked_at, 0), coalesce(
            (SELECT max(at) FROM activity WHERE activity.token = token.id AND action = 'token.edit'), 0))",
    )],
    remade: &[("idempotency", "made")],
};

const TABLES: &[&str] = &[
    // One row. `log_floor` is the newest epoch of which the change log no longer says everything. `founding` is the
    // SHA-256 of the call that founded it, which may be repeated until the first token was used; then it is empty.
    // `link_by_email`: whether a provider's verified address makes a member's identity known. `horizon` is that of leases;
    // `instances` grows with every machine that takes over, and with every answer that only the newest machine may give;
    // `claims` with every name that is claimed or given up.
    "CREATE TABLE IF NOT EXISTS organization (
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
        created_at INTEGER NOT NULL,
        link_by_email INTEGER NOT NULL DEFAULT 0,
        claims INTEGER NOT NULL DEFAULT 0
    ) STRICT",
    // `readdressed` is 1 where the address is one that others gave the member later: nobody is known by it.
    "CREATE TABLE IF NOT EXISTS member (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        role TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'removed')),
        created_at INTEGER NOT NULL,
        readdressed INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID",
    // An address belongs to one member who is not removed.
    "CREATE UNIQUE INDEX IF NOT EXISTS member_email ON member (email) WHERE status <> 'removed'",
    // `choice` is what was granted, as it was chosen; `role` repeats its role, for lists. No owner: the
    // organisation's. `issued_at` is when the secret was made, `updated_at` when somebody last changed it. `eventual` is 1 where its kind was `eventual` once, and is
    // so no more: the directory may still give a record by which an edge decides without asking anybody.
    "CREATE TABLE IF NOT EXISTS token (
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
        eventual INTEGER NOT NULL DEFAULT 0,
        updated_at INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS token_created ON token (created_at, id)",
    "CREATE INDEX IF NOT EXISTS token_owner ON token (owner)",
    // What proves possession. `generation` grows with every new secret of a token, `epoch` is the change that brought
    // it; `until` is the end of a grace.
    "CREATE TABLE IF NOT EXISTS proof (
        token TEXT NOT NULL REFERENCES token (id),
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        proof TEXT NOT NULL,
        until INTEGER,
        PRIMARY KEY (token, generation)
    ) STRICT, WITHOUT ROWID",
    // The names under which locator and directory know a token's proofs, those of former secrets included.
    "CREATE TABLE IF NOT EXISTS credential (
        key TEXT PRIMARY KEY,
        token TEXT NOT NULL REFERENCES token (id)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS credential_token ON credential (token)",
    // Names that are being claimed at the locator, or given up again, each time under another `number`.
    "CREATE TABLE IF NOT EXISTS claim (
        key TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('wanted', 'releasing')),
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        number INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS change (
        epoch INTEGER NOT NULL,
        token TEXT NOT NULL,
        PRIMARY KEY (epoch, token)
    ) STRICT, WITHOUT ROWID",
    // What the directory must still be told. `again` is 1 until the newest version was put once; then it is put a
    // second time.
    "CREATE TABLE IF NOT EXISTS outbox (
        key TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        version INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        again INTEGER NOT NULL DEFAULT 1
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at)",
    "CREATE TABLE IF NOT EXISTS activity (
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
    "CREATE INDEX IF NOT EXISTS activity_token ON activity (token, seq)",
    // The last batch of use counts of each isolate.
    "CREATE TABLE IF NOT EXISTS isolate (
        name TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        newest INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS isolate_newest ON isolate (newest)",
    "CREATE TABLE IF NOT EXISTS challenge (
        challenge TEXT PRIMARY KEY,
        principal TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS idempotency (
        principal TEXT NOT NULL,
        key TEXT NOT NULL,
        request TEXT NOT NULL,
        made TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (principal, key)
    ) STRICT, WITHOUT ROWID",
    // Logins that were approved, until their token is made and used: the token that was promised, the one with which it
    // was approved, what the activity log says of it.
    "CREATE TABLE IF NOT EXISTS login (
        token TEXT PRIMARY KEY,
        approver TEXT NOT NULL,
        name TEXT,
        details TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    // `digest` is the SHA-256 of the secret in the link; `inviter` the token with which it was made.
    "CREATE TABLE IF NOT EXISTS invitation (
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
    "CREATE TABLE IF NOT EXISTS alias (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        token TEXT NOT NULL UNIQUE
    ) STRICT",
    // `credential` is the authenticator's name for it, in base64url; `rp_id` the host that it was made for.
    "CREATE TABLE IF NOT EXISTS passkey (
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
    "CREATE INDEX IF NOT EXISTS passkey_member ON passkey (member)",
    "CREATE TABLE IF NOT EXISTS recovery_code (
        digest TEXT PRIMARY KEY,
        member TEXT NOT NULL REFERENCES member (id)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS recovery_code_member ON recovery_code (member)",
    // Who a member is at a provider of identities: `subject` names them there, `email` is what it said of them.
    "CREATE TABLE IF NOT EXISTS identity (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        member TEXT NOT NULL REFERENCES member (id),
        email TEXT,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        PRIMARY KEY (issuer, subject)
    ) STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX IF NOT EXISTS identity_member ON identity (member, issuer)",
    // Sessions in the console. `digest` is the SHA-256 of the secret in the cookie; neither passkey nor identity: a
    // recovery code.
    "CREATE TABLE IF NOT EXISTS console_session (
        id TEXT PRIMARY KEY,
        member TEXT NOT NULL REFERENCES member (id),
        digest TEXT NOT NULL UNIQUE,
        passkey TEXT,
        created_at INTEGER NOT NULL,
        fresh_until INTEGER,
        last_used_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        address TEXT,
        user_agent TEXT,
        identity TEXT
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS console_session_member ON console_session (member, last_used_at)",
    // Challenges for passkeys, and returns from a provider, that were used, until their time has run out.
    "CREATE TABLE IF NOT EXISTS spent_challenge (
        challenge TEXT PRIMARY KEY,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS spent_challenge_until ON spent_challenge (until)",
    // Refusals of a token that were added up since its window began: `count` is what the activity log does not have yet.
    "CREATE TABLE IF NOT EXISTS refusal (
        token TEXT NOT NULL,
        code TEXT NOT NULL,
        ends_at INTEGER NOT NULL,
        count INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        address TEXT,
        user_agent TEXT,
        PRIMARY KEY (token, code)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS refusal_ends ON refusal (ends_at)",
    // The first tokens of members who came by an invitation. The founder's is named in the organisation's row.
    "CREATE TABLE IF NOT EXISTS first_token (
        token TEXT PRIMARY KEY
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS rate (
        subject TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        count INTEGER NOT NULL,
        ends INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS rate_ends ON rate (ends)",
];

/// Whether the tables are there.
pub(crate) fn exists<S: Store>(store: &S) -> Result<bool, StoreError> {
    schema::exists(store, FORM.row)
}
