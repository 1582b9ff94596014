//! For tests inside workerd; compiled only with the feature `test-hooks`. The names begin with `test_`, and a test of
//! the build that is deployed looks for them.

#![expect(unreachable_pub, reason = "wasm-bindgen exports what is public, wherever it lies")]

use symbolon_authority::store::{Store, StoreError, contract};
use wasm_bindgen::prelude::*;

use crate::gate::Gate;
use crate::store::{Host, SqlStorage};

/// Traps as a panic does.
#[wasm_bindgen]
#[allow(clippy::panic, reason = "on purpose")]
pub fn test_trap() -> String {
    panic!("on purpose");
}

/// Traps after a first write of a transaction.
#[wasm_bindgen]
#[allow(clippy::panic, reason = "on purpose")]
pub fn test_trap_in_transaction(host: Host) -> String {
    let store = SqlStorage::new(host);
    let _never: Result<(), StoreError> = store.transaction(|| {
        store.execute("CREATE TABLE trapped (id INTEGER)", &[])?;
        panic!("on purpose");
    });
    String::new()
}

/// How many checks the store's contract has.
#[wasm_bindgen]
#[must_use]
pub fn test_contract_length() -> usize {
    contract::checks::<SqlStorage>().len()
}

/// Carries out one check of the store's contract over an empty database, and says what is wrong; `ok: ` and its name if
/// nothing is.
#[wasm_bindgen]
#[must_use]
pub fn test_contract(host: Host, index: usize) -> String {
    match contract::checks::<SqlStorage>().get(index) {
        None => "no such check".to_owned(),
        Some((name, check)) => match check(&SqlStorage::new(host)) {
            Ok(()) => format!("ok: {name}"),
            Err(wrong) => format!("{name}: {wrong}"),
        },
    }
}

/// What RustCrypto says of a signature, by the core's own check.
#[wasm_bindgen]
#[must_use]
pub fn test_p256(public_key: &str, message: &[u8], signature: &[u8]) -> bool {
    use symbolon::key::{PublicKey, Signature};
    match (PublicKey::from_hex(public_key), Signature::from_bytes(signature)) {
        (Ok(key), Ok(signature)) => key.verify(message, &signature),
        _ => false,
    }
}

#[wasm_bindgen]
impl Gate {
    /// Traps as a panic does.
    #[allow(clippy::panic, reason = "on purpose")]
    pub fn trap(&mut self) {
        panic!("on purpose");
    }
}

/// What the core says of a message's SHA-256, in hexadecimal.
#[wasm_bindgen]
#[must_use]
pub fn test_sha256(message: &[u8]) -> String {
    symbolon::token::Digest::of(message).to_string()
}

/// The 64 bytes of a signature in DER, as the core reads it.
#[wasm_bindgen]
#[must_use]
pub fn test_signature_from_der(der: &[u8]) -> Option<Vec<u8>> {
    symbolon::key::Signature::from_der(der).ok().map(|signature| signature.to_bytes().to_vec())
}
