//! Epoch leases: how an edge may go on believing what it was told, and how an authority knows when it no longer does.
//!
//! An authority counts its changes in an epoch. An edge that wants to decide on its own takes a *lease*: "as of epoch
//! e, for L". The edge counts L from before it sent the question, on its own clock; the authority from after it
//! answered, on its own. So the edge's lease ends first, and the clocks need only run at about the same rate. A change
//! that narrows is answered when every lease given under an older epoch has ended.
//!
//! Both sides are here as pure state machines over readings of a clock that are handed in: [`Edge`] with [`Memory`]
//! for an isolate, [`Lessor`] for an authority. Adapters move the messages and start the timers. docs/revocation.md
//! has the protocol as a whole, its proof and its assumptions; the tests check the same machines in a model checker
//! and in a simulation.

mod edge;
mod lessor;
mod memory;

pub use edge::{Edge, HighWater, Question, Reading, Received};
pub use lessor::{Grant, Horizon, LeaseTerms, Lessor, Quiet};
pub use memory::{Memory, Stamp};
