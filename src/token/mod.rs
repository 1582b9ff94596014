//! The token string: its forms, how one is made from random bytes, how one is told from a typing error before anybody
//! is asked, and what is kept of it.
//!
//! A token is a prefix and a body. The native body names the organisation in a way that only this instance can have
//! written, carries 190 random bits, and ends in a checksum of all before it:
//!
//! ```text
//! sym_pat_ 0Abc9Z 3kQ1 v8…32 characters of base62…Wq 2LkPx9
//! prefix   │      │    random                        CRC-32 of all before it
//!          │      tag: HMAC-SHA-256 of the short id under the instance's secret
//!          the organisation's short id
//! ```
//!
//! So a typing error is refused without any look-up, a made-up organisation before any authority is asked, and the edge
//! knows which authority to ask. A hexadecimal body, the form of other systems, is random from end to end and tells
//! nothing.
//!
//! Not in scope: whether a token is known, and what it may do. Nothing here tells that.

mod base62;
mod bcrypt;
mod digest;
mod error;
mod format;
mod parse;
mod secret;

pub use crate::policy::SecretFormat;
pub use bcrypt::Bcrypt;
pub use digest::Digest;
pub use error::TokenError;
pub use format::Format;
pub use parse::{Inspected, Parsed, inspect, parse};
pub use secret::{InstanceSecret, Secret, TAG_LEN};

/// The most bytes that a credential can have. The longest that any format makes has 160.
pub const MAX_CREDENTIAL_LEN: usize = 256;
/// The most characters that a prefix can have; `workspace_token_` has 16.
pub const MAX_PREFIX_LEN: usize = 32;
/// The fewest hexadecimal digits that a body can have: 128 bits.
pub const MIN_HEX_DIGITS: usize = 32;
/// The most hexadecimal digits that a body can have: 512 bits, as many as generation takes.
pub const MAX_HEX_DIGITS: usize = 128;
/// The most characters of the random part that may be shown in lists and logs.
pub const MAX_SHOWN: usize = crate::policy::Kind::MAX_SHOWN;
/// The fewest bytes that an instance's secret can have: as strong as the SHA-256 that it is used with.
pub const MIN_INSTANCE_SECRET_LEN: usize = 32;
/// The most bytes that an instance's secret can have.
pub const MAX_INSTANCE_SECRET_LEN: usize = 128;
/// How many random bytes make any token: 64 give the 32 characters of a native one but with a chance of 2^-100.
pub const RANDOM_LEN: usize = 64;
