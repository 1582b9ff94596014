//! One binary for all suites that need more than one crate or the independent vectors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod activity;
mod content_digest;
mod devguard;
mod digest;
mod documents;
mod ecdsa;
mod interop;
mod key;
mod policy_properties;
mod profile_properties;
mod properties;
mod rfc9421;
mod signature_properties;
mod signature_rules;
mod slow_hashes;
mod structured_fields;
mod whole;
mod wire;
