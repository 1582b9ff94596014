//! Decisions about tokens: who may do what, and what comes of it.
//!
//! Pure functions of a checked [`Profile`](super::Profile), the actor, and records handed in. The authority asks them
//! inside its transaction and then writes what they answer; nothing here is remembered. Whether an actor's own
//! credential is valid has been decided before.

mod access;
mod choice;
mod create;
mod delegate;
mod edit;
mod given;
mod login;
mod loosen;
mod members;
mod renew;
mod replace;
#[cfg(test)]
mod tests;
mod widen;

pub use access::{Actor, Subject, Verb};
pub use choice::{Asked, AskedGrant, Chosen};
pub use create::{Approved, Caution, CautionCode, Creation, ExpiryAsked, Via};
pub use edit::{Change, Edit, Edited, Shift, State};
pub use given::LoginGiven;
pub use login::LoginAsk;
pub use replace::Missing;
