//! What lives in Durable Objects, as state machines over SQLite.
//!
//! A machine takes an event and returns effects ([`machine`]); its state is in SQLite behind a small port ([`store`]).
//! There is no I/O, no clock and no `async` here, so the same code runs in workerd, in native tests and in a
//! deterministic simulation.
#![forbid(unsafe_code)]

mod answer;
pub mod instance;
mod leased;
mod leases;
pub mod locator;
pub mod login;
pub mod machine;
pub mod organization;
pub mod replay;
mod schema;
pub mod store;
mod strangers;
#[cfg(test)]
mod test_host;

/// What the OpenAPI document says of a call; none where no authority answers it.
#[cfg(feature = "schema")]
#[must_use]
pub fn describe(
    operation: symbolon::protocol::contract::Operation,
    schemas: &mut symbolon::protocol::contract::description::Schemas,
) -> Option<symbolon::protocol::contract::description::Description> {
    organization::describe(operation, schemas).or_else(|| instance::describe::describe(operation, schemas))
}
