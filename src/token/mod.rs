//! The token string: its forms, how one is made from random bytes, how one is told from a typing error before anybody
//! is asked, and what is kept of it.

mod digest;
mod error;

pub use digest::Digest;
pub use error::TokenError;

/// The most bytes that a credential can have. The longest that any profile makes has well under 200.
pub const MAX_CREDENTIAL_LEN: usize = 256;
/// The most characters that a prefix can have; `workspace_token_` has 16.
pub const MAX_PREFIX_LEN: usize = 32;
/// The fewest hexadecimal digits that a body can have: 128 bits.
pub const MIN_HEX_DIGITS: usize = 32;
/// The most hexadecimal digits that a body can have: 512 bits, as many as generation takes.
pub const MAX_HEX_DIGITS: usize = 128;
/// The fewest bytes that an instance's secret can have: as strong as the tag's SHA-256.
pub const MIN_INSTANCE_SECRET_LEN: usize = 32;
/// The most bytes that an instance's secret can have.
pub const MAX_INSTANCE_SECRET_LEN: usize = 128;
