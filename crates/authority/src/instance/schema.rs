//! What the instance keeps.

use symbolon::protocol::lease::LeaseTerms;
use symbolon::time::Timestamp;

use super::Instance;
use crate::machine::Effect;
use crate::store::{Store, StoreError};

/// The table with the row of the leases.
pub(super) const LEASE_TABLE: &str = "instance";

/// `founding` is 1 for the organisation that was made by setup; its tokens administer the instance.
const ORGANIZATION: &str = "CREATE TABLE organization (
    id TEXT PRIMARY KEY,
    short_id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    asked TEXT NOT NULL,
    founding INTEGER NOT NULL,
    done INTEGER NOT NULL
) STRICT";
const ONE_FOUNDING: &str = "CREATE UNIQUE INDEX one_founding ON organization (founding) WHERE founding = 1";
/// One row, for the leases of the route table: see `crate::leases`.
const LEASES: &str = "CREATE TABLE instance (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    horizon TEXT,
    instances INTEGER NOT NULL DEFAULT 0
) STRICT";
const ROUTES: &str = "CREATE TABLE route_table (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    routes TEXT NOT NULL
) STRICT";

/// Whether there are tables. Asking makes none.
pub(super) fn exists<S: Store>(store: &S) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'instance'";
    Ok(!store.execute(sql, &[])?.is_empty())
}

impl<S: Store> Instance<S> {
    /// Makes the tables unless they are there, and begins to answer.
    pub(super) fn prepare(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        if self.leases.is_open() {
            return Ok(None);
        }
        self.store.transaction(|| {
            for sql in [ORGANIZATION, ONE_FOUNDING, LEASES, ROUTES] {
                self.store.execute(sql, &[])?;
            }
            self.store.execute("INSERT INTO instance (one) VALUES (1)", &[])?;
            Ok::<_, StoreError>(())
        })?;
        // No other machine can have answered: there was nothing to answer from.
        self.open(now)
    }

    /// Begins to answer: no other machine can. The table is leased on the usual terms.
    pub(super) fn open(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        self.leases.open(&self.store, &mut self.ids, now, LeaseTerms::default())
    }
}
