//! SHA-256 of a body as it streams, which WebCrypto cannot do.

use sha2::{Digest as _, Sha256};
use wasm_bindgen::prelude::wasm_bindgen;

/// A running SHA-256.
#[wasm_bindgen]
#[derive(Default)]
pub struct BodyDigest(Sha256);

#[wasm_bindgen]
impl BodyDigest {
    /// Of nothing yet.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of these bytes too.
    pub fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    /// The 32 bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// SHA-256 at once, for hosts without WebCrypto.
#[wasm_bindgen]
#[must_use]
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}
