//! The real gate and the real authorities in a deterministic simulation.
//!
//! One seed is one run: a hundred isolates and more, each a `Gate` with a clock of its own; four organisations with 2,000
//! tokens, the instance, locators and replay memories, each a machine over SQLite in memory; a directory that is as stale
//! as chance wants; and a network that loses, doubles, delays and reorders. Instances die at any event, lose what they
//! wrote, or are superseded and go on answering from memory; isolates begin anew; clocks drift, stand still and step
//! back. There is one thread and no clock but the world's, so a seed replays exactly.
//!
//! What is held against the truth (`truth`): no request is accepted on the strength of what had been removed (I1), nor
//! refused where it stood all along (I2); uses are never more than they were, and exact where nothing was lost (I3); the
//! directory says the newest a minute after the last change (I4); no signed request is accepted twice (I5); what was
//! answered is there; and everything is answered. [`Variant`]s show that a run can fail.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a development tool: whatever is not as it must be ends the run, which is what it is for"
)]

mod change;
mod clock;
mod directory;
mod disk;
mod edge;
mod event;
mod fault;
mod isolate;
mod judge;
mod load;
mod object;
mod plan;
mod run;
mod template;
mod truth;
mod variant;
mod workload;
mod world;

pub use load::{Cost, Load, cost};
pub use run::{Failure, run};
pub use variant::Variant;
pub use world::Counts;
