//! The form of a machine's tables, and how older tables come to it.
//!
//! A form is declared once, as it is now: every table and index, and the columns that were added to a table after it was
//! first made. A new database is made from the declaration; an older one is completed from the same declaration, by what
//! it lacks, when a machine takes it over. So both end alike, a test compares them, and there is no second description
//! of the tables to fall behind.
//!
//! Nothing that is kept is taken away or renamed: for a minute after a deployment an older machine may still answer over
//! the same tables. A table that only remembers for a while may be made anew, empty. Tables of a newer form than this
//! program knows are refused.

use crate::store::{Store, StoreError};

/// The form of a machine's tables.
pub(crate) struct Form {
    /// The table with one row that keeps the number of the form, in its column `schema`.
    pub(crate) row: &'static str,
    /// The number of the form as it is now. It grows with every change of what follows.
    pub(crate) version: u32,
    /// Statements that make every table and index, each with `IF NOT EXISTS`.
    pub(crate) tables: &'static [&'static str],
    /// Columns that a table was first made without: table, column, definition. A new table has them from its statement.
    pub(crate) columns: &'static [(&'static str, &'static str, &'static str)],
    /// What a column that was added holds in the rows that are there, where its default is not the truth: table, column,
    /// statement.
    pub(crate) filled: &'static [(&'static str, &'static str, &'static str)],
    /// Tables that are made anew where they lack a column: what was in them is worth little and not for long.
    pub(crate) remade: &'static [(&'static str, &'static str)],
}

impl Form {
    /// Makes the tables. To be called in the transaction that fills them.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn create<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        self.tables.iter().try_for_each(|sql| store.execute(sql, &[]).map(drop))
    }

    /// Completes older tables, in one transaction. To be called by the one machine that may write.
    ///
    /// # Errors
    /// The store's, or that the tables are of a newer form; then nothing was changed.
    pub(crate) fn migrate<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        store.transaction(|| {
            let known = has_column(store, self.row, "schema")?;
            let found = if known { self.found(store)? } else { 0 };
            if found > self.version {
                let message = format!("the tables have form {found}, and this program knows {}", self.version);
                return Err(StoreError::database(message));
            }
            if found == self.version {
                return Ok(());
            }
            for (table, column) in self.remade {
                if exists(store, table)? && !has_column(store, table, column)? {
                    store.execute(&format!("DROP TABLE {table}"), &[])?;
                }
            }
            // Columns first: an index may be over one of them. A table that is not there yet is made with all of its.
            let mut added = Vec::new();
            for (table, column, definition) in self.columns {
                if exists(store, table)? && !has_column(store, table, column)? {
                    store.execute(&format!("ALTER TABLE {table} ADD COLUMN {column} {definition}"), &[])?;
                    added.push((*table, *column));
                }
            }
            self.create(store)?;
            for (table, column, sql) in self.filled {
                if added.contains(&(*table, *column)) {
                    store.execute(sql, &[])?;
                }
            }
            store.execute(&format!("UPDATE {} SET schema = ?1", self.row), &[self.version.into()]).map(drop)
        })
    }

    fn found<S: Store>(&self, store: &S) -> Result<u32, StoreError> {
        let rows = store.execute(&format!("SELECT schema FROM {}", self.row), &[])?;
        rows.first().map_or(Ok(0), |row| row.get(0))
    }
}

/// Tables beside which the row is in a table for the form's number and the leases alone. Those of form 1 lack it.
pub(crate) struct BesideRow {
    /// The form of the other tables, and the name of the row's.
    pub(crate) form: Form,
    /// A table that those of form 1 have.
    pub(crate) older: &'static str,
}

impl BesideRow {
    /// Whether there are tables. Asking makes none, but for the row where there are tables from before it: without it no
    /// machine can take over.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn exist<S: Store>(&self, store: &S) -> Result<bool, StoreError> {
        if exists(store, self.form.row)? {
            return Ok(true);
        }
        if !exists(store, self.older)? {
            return Ok(false);
        }
        store.transaction(|| self.create_row(store, 1))?;
        Ok(true)
    }

    /// Makes the row and the tables, in one transaction.
    ///
    /// # Errors
    /// The store's; then nothing was made.
    pub(crate) fn create<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        store.transaction(|| {
            self.create_row(store, self.form.version)?;
            self.form.create(store)
        })
    }

    fn create_row<S: Store>(&self, store: &S, version: u32) -> Result<(), StoreError> {
        let table = self.form.row;
        let made = format!(
            "CREATE TABLE {table} (
                one INTEGER PRIMARY KEY CHECK (one = 1),
                horizon TEXT,
                instances INTEGER NOT NULL DEFAULT 0,
                schema INTEGER NOT NULL DEFAULT 1
            ) STRICT"
        );
        store.execute(&made, &[])?;
        store.execute(&format!("INSERT INTO {table} (one, schema) VALUES (1, ?1)"), &[version.into()]).map(drop)
    }
}

/// Whether there is a table of this name.
///
/// # Errors
/// The store's.
pub(crate) fn exists<S: Store>(store: &S, table: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    Ok(!store.execute(sql, &[table.into()])?.is_empty())
}

/// Whether a table has this column. The names are constants of ours.
fn has_column<S: Store>(store: &S, table: &str, column: &str) -> Result<bool, StoreError> {
    let rows = store.execute(&format!("PRAGMA table_info({table})"), &[])?;
    // A row is the column's number, its name, and what it holds.
    rows.iter().try_fold(false, |found, row| Ok(found || row.get::<String>(1)? == column))
}
