//! What the instance keeps.

use symbolon::protocol::lease::LeaseTerms;
use symbolon::time::Timestamp;

use super::Instance;
use crate::machine::Effect;
use crate::schema::{self, Form};
use crate::store::{Store, StoreError};

/// The table with the row of the leases.
pub(super) const LEASE_TABLE: &str = "instance";

/// The form of the tables. Form 1 had no number, and at first no leases.
const FORM: Form = Form {
    row: LEASE_TABLE,
    version: 2,
    tables: &[ORGANIZATION, ONE_FOUNDING, LEASES, ROUTES],
    columns: &[("instance", "schema", "INTEGER NOT NULL DEFAULT 1")],
    remade: &[],
};

/// `founding` is 1 for the organisation that was made by setup; its tokens administer the instance.
const ORGANIZATION: &str = "CREATE TABLE IF NOT EXISTS organization (
    id TEXT PRIMARY KEY,
    short_id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    asked TEXT NOT NULL,
    founding INTEGER NOT NULL,
    done INTEGER NOT NULL
) STRICT";
const ONE_FOUNDING: &str =
    "CREATE UNIQUE INDEX IF NOT EXISTS one_founding ON organization (founding) WHERE founding = 1";
/// One row, for the form and the leases of the route table: see `crate::leases`.
const LEASES: &str = "CREATE TABLE IF NOT EXISTS instance (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    horizon TEXT,
    instances INTEGER NOT NULL DEFAULT 0,
    schema INTEGER NOT NULL DEFAULT 1
) STRICT";
const FIRST_LEASES: &str = "INSERT INTO instance (one, schema) VALUES (1, ?1)";
const ROUTES: &str = "CREATE TABLE IF NOT EXISTS route_table (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    routes TEXT NOT NULL
) STRICT";

/// Whether there are tables. Asking makes none, but for the row of leases where there are tables from before it: without
/// it no machine can take over.
pub(super) fn exists<S: Store>(store: &S) -> Result<bool, StoreError> {
    if schema::exists(store, LEASE_TABLE)? {
        return Ok(true);
    }
    if !schema::exists(store, "organization")? {
        return Ok(false);
    }
    store.transaction(|| {
        store.execute(LEASES, &[])?;
        store.execute(FIRST_LEASES, &[1_u32.into()])
    })?;
    Ok(true)
}

impl<S: Store> Instance<S> {
    /// Makes the tables unless they are there, and begins to answer.
    pub(super) fn prepare(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        if self.leases.is_open() {
            return Ok(None);
        }
        self.store.transaction(|| {
            FORM.create(&self.store)?;
            self.store.execute(FIRST_LEASES, &[FORM.version.into()])
        })?;
        // No other machine can have answered: there was nothing to answer from.
        self.open(now)
    }

    /// Begins to answer: no other machine can. The table is leased on the usual terms.
    pub(super) fn open(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        FORM.migrate(&self.store)?;
        self.leases.open(&self.store, &mut self.ids, now, LeaseTerms::default())
    }
}
