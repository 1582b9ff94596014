//! What the instance keeps.

use crate::store::{Store, StoreError};

use super::Instance;

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
const ROUTES: &str = "CREATE TABLE route_table (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    routes TEXT NOT NULL
) STRICT";

impl<S: Store> Instance<S> {
    /// Whether there are tables. Asking makes none.
    pub(super) fn is_prepared(&mut self) -> Result<bool, StoreError> {
        if !self.prepared {
            let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'organization'";
            self.prepared = !self.store.execute(sql, &[])?.is_empty();
        }
        Ok(self.prepared)
    }

    /// Makes the tables unless they are there.
    pub(super) fn prepare(&mut self) -> Result<(), StoreError> {
        if self.is_prepared()? {
            return Ok(());
        }
        self.store.transaction(|| {
            for sql in [ORGANIZATION, ONE_FOUNDING, ROUTES] {
                self.store.execute(sql, &[])?;
            }
            Ok::<_, StoreError>(())
        })?;
        self.prepared = true;
        Ok(())
    }
}
