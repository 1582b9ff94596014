//! The gate as a whole, against a world in memory.

mod bearer;
mod freshness;
mod gateway;
mod management;
mod signed;
mod verify;
