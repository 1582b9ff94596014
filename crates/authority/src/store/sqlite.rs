//! The native adapter: SQLite by way of rusqlite.

use core::cell::Cell;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ToSql, types::ToSqlOutput};

use super::{MAX_INTEGER, Row, Store, StoreError, Value};

/// A database in memory or in a file.
pub struct Sqlite {
    connection: Connection,
    in_transaction: Cell<bool>,
}

impl Sqlite {
    /// A new database in memory.
    ///
    /// # Errors
    /// [`StoreError::Database`] if SQLite cannot make one.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { connection: Connection::open_in_memory().map_err(refused)?, in_transaction: Cell::new(false) })
    }
}

impl Store for Sqlite {
    fn execute(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        if params
            .iter()
            .any(|value| matches!(value, Value::Integer(n) if n.unsigned_abs() > MAX_INTEGER.unsigned_abs()))
        {
            return Err(StoreError::TooLarge);
        }
        let mut statement = self.connection.prepare_cached(sql).map_err(refused)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(refused)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(refused)? {
            let values = (0..columns).map(|index| read(row, index)).collect::<Result<_, _>>()?;
            all.push(Row::new(values));
        }
        Ok(all)
    }

    fn transaction<T, E: From<StoreError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if self.in_transaction.replace(true) {
            return Err(StoreError::database("a transaction inside a transaction").into());
        }
        let run = |sql| self.connection.execute_batch(sql).map_err(refused);
        let result = run("SAVEPOINT change").map_err(E::from).and_then(|()| match body() {
            Ok(value) => run("RELEASE change").map(|()| value).map_err(E::from),
            Err(error) => {
                run("ROLLBACK TO change; RELEASE change")?;
                Err(error)
            }
        });
        self.in_transaction.set(false);
        result
    }
}

fn read(row: &rusqlite::Row<'_>, index: usize) -> Result<Value, StoreError> {
    Ok(match row.get_ref(index).map_err(refused)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(_) => return Err(StoreError::Column { index, expected: "anything but a fraction" }),
        ValueRef::Text(text) => Value::Text(
            core::str::from_utf8(text).map_err(|_| StoreError::Column { index, expected: "UTF-8" })?.to_owned(),
        ),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// rusqlite's messages name tables and columns, and never hold a parameter.
fn refused(error: Error) -> StoreError {
    StoreError::database(error.to_string())
}
