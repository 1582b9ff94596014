//! Gate and authority together, through the messages that they send each other: what neither shows alone.

mod activity;
mod call;
mod imports;
mod lives;
mod passphrases;
mod random;
mod world;
