//! I1 and I2: edges that hold leases, an authority that is superseded, and all that can go wrong between them.
//!
//! One token is watched. It is made, narrowed (revoked, suspended), widened again and narrowed again; a second one
//! changes too, so that lists of changes have more than one entry. An edge may ask at any time, with or without need:
//! that is more than the gate does. Questions and answers arrive in any order, late, never or twice, and at any
//! instance that still runs.
//!
//! A superseded instance goes on from its memory until a durable write of it fails; then it answers no more, as behind
//! the output gate of a Durable Object. One that crashes is one that is silent from some moment on, so crashes need no
//! step of their own. Whether a row becomes durable at once or later makes no difference to the answer that it holds
//! back: a later one is one that the network delayed.

mod authority;
mod bounds;
mod edge;
mod world;

pub use bounds::{Broken, Changes, Lease, Network};
pub use world::Step;
