-- The tables of an organisation as they were first released, before logins, invitations and the console.
CREATE TABLE organization (
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
) STRICT;
CREATE TABLE member (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'removed')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX member_email ON member (email) WHERE status <> 'removed';
CREATE TABLE token (
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
    use_count INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX token_created ON token (created_at, id);
CREATE INDEX token_owner ON token (owner);
CREATE TABLE proof (
    token TEXT NOT NULL REFERENCES token (id),
    generation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    proof TEXT NOT NULL,
    until INTEGER,
    PRIMARY KEY (token, generation)
) STRICT, WITHOUT ROWID;
CREATE TABLE credential (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_token ON credential (token);
CREATE TABLE claim (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'releasing')),
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE change (
    epoch INTEGER NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (epoch, token)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due_at);
CREATE TABLE activity (
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
) STRICT;
CREATE INDEX activity_token ON activity (token, seq);
CREATE TABLE isolate (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    newest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX isolate_newest ON isolate (newest);
CREATE TABLE challenge (
    challenge TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    token TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE rate (
    subject TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
