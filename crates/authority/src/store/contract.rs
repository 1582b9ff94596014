//! What every adapter of [`Store`] must do, as checks that run natively and inside workerd alike.
//!
//! They return what is wrong instead of panicking: a panic would end the WebAssembly instance that runs them.

use super::{MAX_INTEGER, Row, Store, StoreError, Value};

/// A check: its name, and the function that carries it out over an empty database.
pub type Check<S> = (&'static str, fn(&S) -> Result<(), String>);

/// All checks. Each wants an empty database of its own.
#[must_use]
pub fn checks<S: Store>() -> Vec<Check<S>> {
    vec![
        ("values come back as they went in", values_come_back),
        ("rows come in the order asked for, with all columns", rows_and_columns),
        ("a transaction keeps what it wrote", transaction_keeps),
        ("a transaction that fails after its first write takes that write back", transaction_takes_back),
        ("a statement that fails in a transaction, caught, leaves the rest", caught_error_keeps_the_rest),
        ("a statement that fails, not caught, takes the transaction back", uncaught_error_takes_back),
        ("the store works on after a failed transaction", works_on_after_failure),
        ("a transaction inside a transaction is refused or taken back with it", nested),
        ("numbers that are not exact are refused", inexact_numbers),
    ]
}

fn prepare<S: Store>(store: &S) -> Result<(), String> {
    run(store, "CREATE TABLE thing (id INTEGER PRIMARY KEY, value) STRICT", &[])
        .or_else(|_| run(store, "CREATE TABLE thing (id INTEGER PRIMARY KEY, value)", &[]))
        .map(drop)
}

fn run<S: Store>(store: &S, sql: &str, params: &[Value]) -> Result<Vec<Row>, String> {
    store.execute(sql, params).map_err(|error| error.to_string())
}

fn insert<S: Store>(store: &S, id: i64, value: Value) -> Result<(), StoreError> {
    store.execute("INSERT INTO thing (id, value) VALUES (?1, ?2)", &[id.into(), value]).map(drop)
}

fn ids<S: Store>(store: &S) -> Result<Vec<i64>, String> {
    let rows = run(store, "SELECT id FROM thing ORDER BY id", &[])?;
    rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn same<T: PartialEq + core::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

fn values_come_back<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    let values = [
        Value::Null,
        Value::Integer(0),
        Value::Integer(-1),
        Value::Integer(MAX_INTEGER),
        Value::Integer(-MAX_INTEGER),
        Value::Text(String::new()),
        Value::Text("naïve \u{0} ≠ \u{1f511}".to_owned()),
        Value::Blob(Vec::new()),
        Value::Blob((0..=255).collect()),
    ];
    for (value, id) in values.into_iter().zip(0..) {
        insert(store, id, value.clone()).map_err(|error| error.to_string())?;
        let rows = run(store, "SELECT value FROM thing WHERE id = ?1", &[id.into()])?;
        same(&rows, &vec![Row::new(vec![value])])?;
    }
    Ok(())
}

fn rows_and_columns<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    for id in [2, 3, 1] {
        insert(store, id, Value::text(&id)).map_err(|error| error.to_string())?;
    }
    let rows = run(store, "SELECT id, value, value AS value, ?1 FROM thing ORDER BY id DESC", &["x".into()])?;
    let expected =
        [3, 2, 1].map(|id: i64| Row::new(vec![id.into(), Value::text(&id), Value::text(&id), "x".into()])).to_vec();
    same(&rows, &expected)?;
    same(&run(store, "DELETE FROM thing WHERE id = 9", &[])?, &Vec::new())?;
    let returned = run(store, "UPDATE thing SET value = NULL WHERE id < ?1 RETURNING id", &[3i64.into()])?;
    same(&returned.len(), &2)
}

fn transaction_keeps<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    let result = store.transaction(|| {
        insert(store, 1, Value::Null)?;
        insert(store, 2, Value::Null)?;
        Ok::<_, StoreError>(7)
    });
    same(&result, &Ok(7))?;
    same(&ids(store)?, &vec![1, 2])
}

/// An error of the caller's own, as the authority's are.
#[derive(Debug, PartialEq)]
enum Mine {
    OnPurpose,
    Store,
}

impl From<StoreError> for Mine {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

fn transaction_takes_back<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    insert(store, 1, Value::Null).map_err(|error| error.to_string())?;
    let result = store.transaction(|| {
        insert(store, 2, Value::Null)?;
        store.execute("DELETE FROM thing WHERE id = 1", &[])?;
        Err::<(), _>(Mine::OnPurpose)
    });
    same(&result, &Err(Mine::OnPurpose))?;
    same(&ids(store)?, &vec![1])
}

fn caught_error_keeps_the_rest<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    let result = store.transaction(|| {
        insert(store, 1, Value::Null)?;
        let caught = insert(store, 1, Value::Null).is_err();
        insert(store, 2, Value::Null)?;
        Ok::<_, StoreError>(caught)
    });
    same(&result, &Ok(true))?;
    same(&ids(store)?, &vec![1, 2])
}

fn uncaught_error_takes_back<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    let result = store.transaction(|| {
        insert(store, 1, Value::Null)?;
        insert(store, 1, Value::Null)?;
        Ok::<_, StoreError>(())
    });
    same(&matches!(result, Err(StoreError::Database { .. })), &true)?;
    same(&ids(store)?, &Vec::new())
}

fn works_on_after_failure<S: Store>(store: &S) -> Result<(), String> {
    transaction_takes_back(store)?;
    let result = store.transaction(|| insert(store, 5, Value::Null));
    same(&result, &Ok(()))?;
    same(&ids(store)?, &vec![1, 5])
}

fn nested<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    let result = store.transaction(|| {
        insert(store, 1, Value::Null)?;
        let inner = store.transaction(|| insert(store, 2, Value::Null));
        Err::<(), _>(if inner.is_ok() { Mine::OnPurpose } else { Mine::Store })
    });
    same(&result.is_err(), &true)?;
    same(&ids(store)?, &Vec::new())
}

fn inexact_numbers<S: Store>(store: &S) -> Result<(), String> {
    prepare(store)?;
    same(&insert(store, 1, Value::Integer(MAX_INTEGER.saturating_add(1))), &Err(StoreError::TooLarge))?;
    same(&ids(store)?, &Vec::new())
}

#[cfg(test)]
mod tests {
    use super::super::Sqlite;
    use super::*;

    #[test]
    fn sqlite_keeps_the_contract() {
        for (name, check) in checks::<Sqlite>() {
            let store = Sqlite::in_memory().unwrap();
            assert_eq!(check(&store), Ok(()), "{name}");
        }
    }
}
