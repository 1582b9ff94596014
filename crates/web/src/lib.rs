//! The core for JavaScript: signing, verifying and P-256, as the npm package `symbolon` calls them.
//!
//! Two modules of WebAssembly come from here, one for each cargo feature: `rules` is what RFC 9421 and 9530 say, without
//! any cryptography, which WebCrypto does; `curve` is P-256 and SHA-256 for what WebCrypto cannot do.
//!
//! An adapter, and no more: text and bytes come in, the core decides, and text, bytes and plain values go out. The clock
//! is an argument here too; randomness comes from `crypto.getRandomValues`, for `SecretKey::generate` alone. What a
//! caller of the package sees is written by hand in `npm/src`, which owns every promise, every request and every stored
//! key.
//!
//! Secrets: memory is wiped when it is freed, the buffers in which wasm-bindgen hands texts over included, and the stack
//! is wiped after every call that handled a private key (`stack`). Strings in the JavaScript heap are beyond reach.

#[cfg(any(feature = "curve", feature = "rules"))]
mod error;

#[cfg(feature = "curve")]
mod digest;
#[cfg(feature = "curve")]
mod key;
#[cfg(feature = "rules")]
mod sign;
#[cfg(feature = "curve")]
mod stack;
#[cfg(feature = "rules")]
mod verify;

#[cfg(all(test, target_family = "wasm", feature = "curve", feature = "rules"))]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests may panic"
)]
mod tests;

#[cfg(feature = "curve")]
pub use digest::{BodyDigest, sha256};
#[cfg(feature = "curve")]
pub use key::{SecretKey, verify};
#[cfg(feature = "rules")]
pub use sign::prepare;
#[cfg(feature = "rules")]
pub use verify::Verification;

#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<rlsf::SmallGlobalTlsf> =
    zeroizing_alloc::ZeroAlloc(rlsf::SmallGlobalTlsf::new());
