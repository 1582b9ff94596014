//! Verification at the edge: a request in, a decision out.
//!
//! The gate's rules are `async` functions over an effect board ([`Task`]): they run to their end on every call, hold no
//! lock and share no promise, and the host carries out what they ask for. Records, calls and answers are those of
//! `symbolon::protocol`.

pub mod effect;
mod task;

pub use task::{Io, Step, Task};
