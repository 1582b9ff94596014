//! The organisation as a gate, a locator and a directory see it.

mod authorize;
mod console;
mod forms;
mod identities;
mod keys;
mod kinds;
mod leases;
mod logins;
mod manage;
mod random;
mod refusals;
mod storage;
mod tokens;
mod wire;
mod world;
