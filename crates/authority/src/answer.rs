//! Answering calls: JSON in, JSON out, our own faults failed.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::machine::{CallId, Effect};
use crate::store::StoreError;

/// The answer as JSON.
pub(crate) fn json(answer: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(answer).map_err(|error| StoreError::database(format!("an answer is no JSON: {error}")))
}

/// Reads a call, carries it out and replies; or gives it up.
pub(crate) fn to_call<C: DeserializeOwned>(
    id: CallId,
    call: &str,
    carry_out: impl FnOnce(&C) -> Result<String, StoreError>,
) -> Effect {
    match read(call).and_then(|call| carry_out(&call)) {
        Ok(json) => Effect::Reply { id, json },
        Err(error) => Effect::Fail { id, fault: error.to_string() },
    }
}

/// Reads a call. The asker is our own code, so a call that cannot be read is our fault; what is said of it names
/// fields and not what they hold.
pub(crate) fn read<C: DeserializeOwned>(call: &str) -> Result<C, StoreError> {
    symbolon::json::read(call).map_err(|error| {
        let (line, column) = error.place().unwrap_or_default();
        StoreError::database(format!("a call cannot be read: line {line} column {column} {}", error.path()))
    })
}
