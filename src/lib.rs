//! The core of Symbolon: access tokens for an API, verified at the edge.
//!
//! Everything here is pure. Bytes, the time, random bytes and stored records come in as arguments and decisions go
//! out; there is no I/O, no clock, no randomness, no `async` and no JavaScript. So the same code runs natively, in
//! a deterministic simulation, in workerd and in a browser. `ARCHITECTURE.md` is the map of the whole.
#![forbid(unsafe_code)]

pub mod activity;
pub mod id;
pub mod json;
pub mod key;
pub mod oidc;
mod order;
pub mod policy;
pub mod problem;
pub mod protocol;
pub mod signature;
mod text;
pub mod time;
pub mod token;
pub mod webauthn;
