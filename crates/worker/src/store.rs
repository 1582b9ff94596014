//! The store of a Durable Object: its SqlStorage, by way of the host's few functions.

use core::cell::Cell;

use js_sys::{Array, Uint8Array};
use symbolon_authority::store::{MAX_INTEGER, Row, Store, StoreError, Value};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What a Durable Object's host gives its authority: `crates/worker/js/object.js`.
    #[derive(Clone)]
    pub type Host;

    /// `ctx.storage.sql.exec`, all rows at once.
    #[wasm_bindgen(method, catch)]
    fn exec(this: &Host, sql: &str, params: &Array) -> Result<Array, JsValue>;

    /// `ctx.storage.transactionSync` around the closure; kept if it returns true. Not caught: an exception other than
    /// the host's own rollback is a trap within the closure, after which nothing of this instance may run on.
    #[wasm_bindgen(method)]
    fn transaction(this: &Host, body: &mut dyn FnMut() -> bool) -> bool;

    /// `crypto.getRandomValues`.
    #[wasm_bindgen(method)]
    pub(crate) fn random(this: &Host, bytes: &mut [u8]);
}

/// [`Store`] over SqlStorage.
pub(crate) struct SqlStorage {
    host: Host,
    in_transaction: Cell<bool>,
}

impl SqlStorage {
    /// The store behind this host.
    pub(crate) const fn new(host: Host) -> Self {
        Self { host, in_transaction: Cell::new(false) }
    }
}

impl Store for SqlStorage {
    fn execute(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let bound = Array::new();
        for param in params {
            bound.push(&to_js(param)?);
        }
        let rows = self.host.exec(sql, &bound).map_err(|error| StoreError::database(message(&error)))?;
        rows.iter()
            .map(|row| {
                row.unchecked_into::<Array>().iter().enumerate().map(from_js).collect::<Result<_, _>>().map(Row::new)
            })
            .collect()
    }

    fn transaction<T, E: From<StoreError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if self.in_transaction.replace(true) {
            return Err(StoreError::database("a transaction inside a transaction").into());
        }
        let mut body = Some(body);
        let mut result = None;
        let kept = self.host.transaction(&mut || {
            result = body.take().map(|body| body());
            matches!(result, Some(Ok(_)))
        });
        self.in_transaction.set(false);
        match result {
            Some(Err(error)) => Err(error),
            Some(Ok(value)) if kept => Ok(value),
            _ => Err(StoreError::database("the transaction was not kept").into()),
        }
    }
}

fn to_js(value: &Value) -> Result<JsValue, StoreError> {
    Ok(match value {
        Value::Null => JsValue::NULL,
        Value::Integer(number) if number.unsigned_abs() > MAX_INTEGER.unsigned_abs() => {
            return Err(StoreError::TooLarge);
        }
        Value::Integer(number) => JsValue::from_f64(float(*number)),
        Value::Text(text) => JsValue::from_str(text),
        Value::Blob(bytes) => Uint8Array::from(bytes.as_slice()).into(),
    })
}

/// Exact within [`MAX_INTEGER`].
#[expect(clippy::as_conversions, reason = "there is no other conversion; exact, since MAX_INTEGER is 2^53 - 1")]
const fn float(number: i64) -> f64 {
    number as f64
}

fn from_js((index, value): (usize, JsValue)) -> Result<Value, StoreError> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    if let Some(number) = value.as_f64() {
        return integer(number).ok_or(StoreError::Column { index, expected: "a whole number below 2^53" });
    }
    if let Some(text) = value.as_string() {
        return Ok(Value::Text(text));
    }
    match value.dyn_into::<js_sys::ArrayBuffer>() {
        Ok(buffer) => Ok(Value::Blob(Uint8Array::new(&buffer).to_vec())),
        Err(_) => Err(StoreError::Column { index, expected: "null, a number, a text or bytes" }),
    }
}

fn integer(number: f64) -> Option<Value> {
    if number.trunc() != number || number.abs() > float(MAX_INTEGER) {
        return None;
    }
    #[expect(clippy::as_conversions, reason = "a whole number within MAX_INTEGER")]
    let number = number as i64;
    Some(Value::Integer(number))
}

/// What SQLite said; it names tables and columns, and holds no parameter.
fn message(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| "no reason given".to_owned(), |error| String::from(error.message()))
}
