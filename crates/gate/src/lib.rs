//! Verification at the edge: a request in, a decision out.
//!
//! The gate's rules are `async` functions over an effect board ([`Task`]): they run to their end on every call, hold no
//! lock and share no promise, and the host carries out what they ask for. Records, calls and answers are those of
//! `symbolon::protocol`; the rules by which a record may be believed are its leases.
//!
//! ```text
//! credential ─▶ lookup (confirm) ─▶ decide: possession, state, passphrase, replay, permission
//!                                     ├─ manage: /v1 on management hosts, verify, forward_auth
//!                                     └─ gateway: routes, identity, on to the origin
//! ```

mod context;
mod credential;
mod decide;
#[cfg(feature = "schema")]
pub mod describe;
pub mod effect;
mod forward_auth;
mod gate;
mod gateway;
mod identity;
mod imported;
mod ledger;
mod limit;
mod lookup;
mod manage;
mod oauth;
mod oidc;
mod passphrase;
mod ports;
mod refusal;
mod request;
mod session;
mod signed;
pub mod slow;
mod state;
mod task;
mod verify;
mod waiting;
mod wire;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use forward_auth::{BadProxySecret, ProxySecrets};
pub use gate::{Gate, GateConfig};
pub use oidc::{OidcConfig, OidcConfigError};
pub use ports::{BodyError, Unavailable};
pub use request::{Forward, GateRequest, Outcome};
pub use task::{Io, Step, Task};
pub use waiting::{Waiting, WaitsFor};
