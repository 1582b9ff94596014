//! The bodies and documents of the HTTP interface: what is read and written, and what the OpenAPI document says of it, are
//! made from these types alone. The paths are [`symbolon::protocol::contract`]'s.

mod documents;
mod requests;
mod webauthn;

pub(crate) use documents::*;
pub(crate) use requests::*;
pub(crate) use webauthn::*;
