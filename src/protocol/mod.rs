//! What the edge and the authority say to each other, and the rules by which an edge may go on believing it.
//!
//! [`Record`] is what an edge keeps of a token. [`message`] holds the calls and their answers: the gate and the
//! authority know each other by these alone. Everything here is data; adapters move it.

pub mod contract;
pub mod directory;
mod epoch;
pub mod identity;
pub mod imported;
pub mod lease;
pub mod login;
pub mod message;
mod network;
mod record;
pub mod route;
pub mod session;
mod shared_secret;
pub mod uses;

pub use epoch::{Epoch, Version};
pub use network::Network;
pub use record::{Owner, Proof, ProofKind, Record, RecordState};
pub use shared_secret::SharedSecret;
