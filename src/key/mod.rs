//! P-256 key pairs: in and out of every form that they are kept and sent in, signing, and verifying.
//!
//! In scope: ECDSA over P-256 with SHA-256 (FIPS 186-5), deterministic (RFC 6979), as the 64 bytes r||s that RFC 9421
//! speaks of, section 3.3.4. Private keys are read from and written to hexadecimal, PKCS#8 in PEM (RFC 5958, RFC 7468)
//! and JWK (RFC 7517, RFC 7518); public keys hexadecimal, SPKI in PEM (RFC 5480), JWK and SEC 1. Every form is read
//! strictly: what is accepted is a point on the curve other than the identity, or a scalar from 1 to n − 1, of exactly
//! the right length and with nothing after it.
//!
//! Not in scope: other curves, ECDH, encrypted private keys, and where keys are stored.
//!
//! Checks at the edge go through the host's WebCrypto; the check here serves the hosts that have none. Both give the
//! same answer on every vector, high s included: RFC 9421 knows no low-s rule, so what must be told apart is told apart
//! by [`Signature::replay_key`].

mod error;
mod jwk;
mod pem;
mod private;
mod public;
mod signature;
#[cfg(test)]
#[allow(clippy::string_slice, clippy::arithmetic_side_effects)]
mod tests;
mod thumbprint;

pub use error::KeyError;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use signature::Signature;
pub use thumbprint::{Fingerprint, Thumbprint};

/// The most bytes that a key in text form can have. The longest that is written here, PKCS#8 in PEM, has 241; foreign
/// ones carry attributes, other members or carriage returns.
pub const MAX_KEY_TEXT_LEN: usize = 4096;
