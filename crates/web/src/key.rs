//! Keys that live in WebAssembly: for every form that they are written in, and for hosts without WebCrypto.

use js_sys::Error;
use symbolon::key::{self, KeyError, Signature};
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

use crate::error::{error, of_key};
use crate::stack::wiped;
use symbolon::problem::Code;

/// A private key. `free()` wipes it.
#[wasm_bindgen]
pub struct SecretKey(key::PrivateKey);

#[wasm_bindgen]
impl SecretKey {
    /// A new key from `crypto.getRandomValues`.
    ///
    /// # Errors
    /// `internal` where the host has no source of randomness.
    pub fn generate() -> Result<SecretKey, Error> {
        wiped(|| {
            let mut random = Zeroizing::new([0; key::PrivateKey::LEN]);
            loop {
                getrandom::fill(random.as_mut_slice())
                    .map_err(|_| error(Code::Internal, "this host has no crypto.getRandomValues"))?;
                // Once in 2^32 the bytes are no scalar: fresh ones are.
                match key::PrivateKey::from_random(&random) {
                    Ok(key) => return Ok(Self(key)),
                    Err(KeyError::ScalarOutOfRange) => {}
                    Err(cause) => return Err(of_key(cause)),
                }
            }
        })
    }

    /// Reads the scalar's 32 bytes.
    ///
    /// # Errors
    /// `invalid_request`, with what is wrong.
    #[wasm_bindgen(js_name = fromBytes)]
    pub fn from_bytes(bytes: &[u8]) -> Result<SecretKey, Error> {
        wiped(|| key::PrivateKey::from_bytes(bytes).map(Self).map_err(of_key))
    }

    /// The scalar's 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        wiped(|| self.0.to_bytes().to_vec())
    }

    /// The public half, as the 65 octets of SEC 1.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        wiped(|| self.0.public_key().to_sec1().to_vec())
    }

    /// Signs: the 64 bytes r and s, with the nonce of RFC 6979.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        wiped(|| self.0.sign(message).to_bytes().to_vec())
    }
}

/// Whether the signature, r and s in 64 bytes, is one of this key, given as the 65 octets of SEC 1. What is no key and
/// what is no signature matches nothing.
#[wasm_bindgen]
#[must_use]
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match (key::PublicKey::from_sec1(public_key), Signature::from_bytes(signature)) {
        (Ok(key), Ok(signature)) => key.verify(message, &signature),
        _ => false,
    }
}
