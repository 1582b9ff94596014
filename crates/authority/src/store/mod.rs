//! The port to SQLite: [`Store`], the values that pass through it, and reading them back.
//!
//! Every statement of this crate is written once and runs on two adapters: the `SqlStorage` of a Durable Object, and
//! [`Sqlite`] (rusqlite) in native tests. `contract` holds what both must do, above all that a transaction that fails
//! takes back what it had already written.
//!
//! Out of scope: floating-point columns, which nothing here needs, and integers of 2^53 and more, which a Durable
//! Object does not keep exact.

#[cfg(any(test, feature = "contract-tests"))]
pub mod contract;
#[cfg(any(test, feature = "native"))]
mod sqlite;
mod value;

#[cfg(any(test, feature = "native"))]
pub use sqlite::Sqlite;
pub use value::{FromValue, MAX_INTEGER, Row, Value};

/// A database that one machine has to itself.
pub trait Store {
    /// Runs one statement with its parameters (`?1`, `?2`, …) and returns all rows.
    ///
    /// # Errors
    /// [`StoreError`] if the statement fails. What it had written is taken back; what others in the same transaction
    /// had written is not, unless the transaction ends with an error.
    fn execute(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Runs the closure in a transaction: all of its writes are kept if it returns `Ok`, none if it returns an error.
    /// Transactions are not nested.
    ///
    /// # Errors
    /// What the closure returned, or [`StoreError`] if the transaction itself fails.
    fn transaction<T, E: From<StoreError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E>;
}

impl<S: Store> Store for &S {
    fn execute(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        (**self).execute(sql, params)
    }

    fn transaction<T, E: From<StoreError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        (**self).transaction(body)
    }
}

/// Our own fault, for the log: a statement failed, or a row does not hold what it must. Never holds a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused.
    #[error("the database refused a statement: {message}")]
    Database {
        /// What it said.
        message: String,
    },
    /// A column holds something else than what was asked for.
    #[error("column {index} does not hold {expected}")]
    Column {
        /// Which column, from 0.
        index: usize,
        /// What was asked for.
        expected: &'static str,
    },
    /// A number cannot be stored exactly.
    #[error("a number is 2^53 or more")]
    TooLarge,
}

impl StoreError {
    /// The database refused and said this.
    #[must_use]
    pub fn database(message: impl Into<String>) -> Self {
        Self::Database { message: message.into() }
    }
}
