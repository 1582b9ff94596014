//! What the instance keeps.

use symbolon::time::Timestamp;

use super::Instance;
use crate::leased::Leased as _;
use crate::machine::Effect;
use crate::schema::{BesideRow, Form};
use crate::store::{Store, StoreError};

/// The tables, beside the row of the leases of the route table. Form 1 had no number, and at first no leases.
pub(super) const TABLES: BesideRow = BesideRow {
    form: Form {
        row: "instance",
        version: 2,
        tables: &[ORGANIZATION, ONE_FOUNDING, ROUTES],
        columns: &[("instance", "schema", "INTEGER NOT NULL DEFAULT 1")],
        filled: &[],
        remade: &[],
    },
    older: "organization",
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
const ROUTES: &str = "CREATE TABLE IF NOT EXISTS route_table (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    routes TEXT NOT NULL
) STRICT";

impl<S: Store> Instance<S> {
    /// Makes the tables unless they are there, and begins to answer.
    pub(super) fn prepare(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        if self.leases.is_open() {
            return Ok(None);
        }
        TABLES.create(&self.store)?;
        // No other machine can have answered: there was nothing to answer from.
        self.open(now)
    }
}
