//! The gate as a whole, against a world in memory.

mod bearer;
mod counts;
mod fields;
mod freshness;
mod gateway;
mod limits;
mod management;
mod oauth;
mod oidc;
mod session;
mod signed;
mod together;
mod verify;
mod wire;
