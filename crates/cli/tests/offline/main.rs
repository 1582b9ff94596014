//! The real binary, every command that needs no Symbolon server, with good and bad input.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests read the environment, and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod deploy;
mod docs;
mod failures;
mod key;
mod login;
mod profile;
mod proxy;
mod request;
mod routes;
mod settings;
mod verify;
