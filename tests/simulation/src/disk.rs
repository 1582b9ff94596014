//! The storage of an object: SQLite in memory, copied whole, failing on demand.
//!
//! What a Durable Object promises is modelled one event at a time: all that an event writes is kept together or lost
//! together, and nothing that it says leaves before. An instance that was superseded goes on with a copy of its own,
//! in which it can read; what it writes there reaches nobody.

use core::cell::{Cell, RefCell};
use std::io::Cursor;
use std::rc::Rc;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB};
use symbolon_authority::store::{Row, Store, StoreError, Value};

/// One database.
pub(crate) struct Database {
    connection: RefCell<Connection>,
    in_transaction: Cell<bool>,
}

/// A database as an instance has it. Copies of this handle are the same disk.
#[derive(Clone)]
pub(crate) struct Disk {
    database: Rc<RefCell<Rc<Database>>>,
    faults: Rc<Cell<Faults>>,
}

/// What goes wrong with statements.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Statements until one is refused; 0: none is.
    refuse_in: u32,
}

impl Database {
    /// An empty one.
    pub(crate) fn empty() -> Rc<Self> {
        Self::of(Self::connection())
    }

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().expect("SQLite can open a database in memory");
        // Else SQLite plans a statement anew for each value of a limit, which takes longer than to run it.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .expect("SQLite can be told to keep its plans");
        connection
    }

    fn of(connection: Connection) -> Rc<Self> {
        connection.set_prepared_statement_cache_capacity(256);
        Rc::new(Self { connection: RefCell::new(connection), in_transaction: Cell::new(false) })
    }

    /// A copy of one that was written out.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Rc<Self> {
        let mut connection = Self::connection();
        connection
            .deserialize_read_exact(MAIN_DB, Cursor::new(bytes), bytes.len(), false)
            .expect("what SQLite wrote out it can read");
        Self::of(connection)
    }

    /// All of it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.connection.borrow_mut().serialize(MAIN_DB).expect("SQLite can write a database out").to_vec()
    }

    /// How many rows were ever written.
    pub(crate) fn writes(&self) -> u64 {
        self.connection.borrow().total_changes()
    }

    /// Opens what an event writes.
    pub(crate) fn begin(&self) {
        self.savepoint("SAVEPOINT event");
    }

    /// Keeps what the event wrote, or not.
    pub(crate) fn end(&self, kept: bool) {
        if !kept {
            self.savepoint("ROLLBACK TO event");
        }
        self.savepoint("RELEASE event");
    }

    fn savepoint(&self, sql: &str) {
        let connection = self.connection.borrow();
        let mut statement = connection.prepare_cached(sql).expect("a statement about a savepoint");
        statement.raw_execute().expect("a savepoint can be opened and closed");
    }

    fn run(&self, sql: &str, params: &[Value]) -> rusqlite::Result<Vec<Row>> {
        let connection = self.connection.borrow();
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let read = |index| {
                Ok(match row.get_ref(index)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
                })
            };
            all.push(Row::new((0..columns).map(read).collect::<rusqlite::Result<_>>()?));
        }
        Ok(all)
    }

    /// Runs a statement that cannot fail: the simulation's own look at the truth.
    pub(crate) fn look(&self, sql: &str, params: &[Value]) -> Vec<Row> {
        self.run(sql, params).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

impl Disk {
    /// A handle to a database.
    pub(crate) fn new(database: Rc<Database>) -> Self {
        Self { database: Rc::new(RefCell::new(database)), faults: Rc::default() }
    }

    /// The database.
    pub(crate) fn database(&self) -> Rc<Database> {
        Rc::clone(&self.database.borrow())
    }

    /// From here on this handle has a copy of its own.
    pub(crate) fn part(&self) {
        let copy = Database::from_bytes(&self.database().to_bytes());
        self.database.replace(copy);
    }

    /// Has the statement after so many others refused.
    pub(crate) fn refuse_in(&self, statements: u32) {
        self.faults.set(Faults { refuse_in: statements });
    }

    fn is_refused(&self) -> bool {
        let Faults { refuse_in } = self.faults.get();
        self.faults.set(Faults { refuse_in: refuse_in.saturating_sub(1) });
        refuse_in == 1
    }
}

impl Store for Disk {
    fn execute(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        if self.is_refused() {
            return Err(StoreError::database("the disk is full"));
        }
        self.database().run(sql, params).map_err(|error| StoreError::database(error.to_string()))
    }

    fn transaction<T, E: From<StoreError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let database = self.database();
        if database.in_transaction.replace(true) {
            return Err(StoreError::database("a transaction inside a transaction").into());
        }
        database.savepoint("SAVEPOINT change");
        let result = body();
        if result.is_err() {
            database.savepoint("ROLLBACK TO change");
        }
        database.savepoint("RELEASE change");
        database.in_transaction.set(false);
        result
    }
}
