//! The protocol of docs/revocation.md in a model checker.
//!
//! What decides is the product's own code: [`Edge`](symbolon::protocol::lease::Edge) with its high-water mark and
//! memory, [`Lessor`](symbolon::protocol::lease::Lessor), the [tally](symbolon::protocol::uses) of uses. The world
//! around it is modelled: a network that loses, doubles and reorders, clocks that lag, stand still and step back, the
//! durable store, instances of an authority that are superseded and go on answering, a directory that serves any old
//! value. `stateright` visits every state that can be reached within stated bounds.
//!
//! Time is counted in ticks of a second, and everything that a clock may do wrong is at least a tick, so that drift
//! takes the form of a clock that loses whole ticks.
//!
//! So that a check which passes means something, each rule of the protocol can also be broken here, in the code that
//! moves messages and starts timers ([`lease::Broken`] and its like); the tests demand a counterexample for each.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: what goes wrong here must fail loudly, and its figures are printed"
)]

mod check;
pub mod directory;
pub mod lease;
pub mod once;
pub mod uses;

pub use check::{Figures, find, prove};
