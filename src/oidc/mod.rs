//! OpenID Connect: what a relying party checks of its provider and of an ID token (OpenID Connect Core 1.0 and
//! Discovery 1.0, with RFC 9207 for the issuer in the answer).
//!
//! In scope: the code flow with PKCE, a provider found by discovery, ID tokens signed with RS256 or ES256 by a key of
//! the provider's set. Everything is asked for and checked by name: an algorithm that is not listed here, `none` above
//! all, is no algorithm.
//!
//! Not in scope: encrypted tokens, other flows, signatures with the client's secret, registration of clients, logout.
//! Access tokens are used once, for the claims that a provider keeps out of its ID tokens, and thrown away.
//!
//! Nothing is fetched and no signature is computed here: [`Provider`] and [`Keys`] are read from what a host has
//! fetched, and [`IdToken::check`] is called once [`IdToken::algorithm`], the key that [`Keys::find`] gives and the
//! host's own cryptography agree on the signature.

mod claims;
mod error;
mod id_token;
mod keys;
mod provider;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions)]
mod tests;

pub use claims::{Expected, Identity, Profile};
pub use error::OidcError;
pub use id_token::{Algorithm, IdToken};
pub use keys::{Key, Keys};
pub use provider::{ClientAuthentication, Provider, is_issuer};

/// The most bytes of a discovery document; large providers have some 3,000.
pub const MAX_DISCOVERY_LEN: u32 = 64 * 1024;
/// The most bytes of a key set.
pub const MAX_KEYS_LEN: u32 = 128 * 1024;
/// The most bytes of the token endpoint's answer, and of the claims of a person.
pub const MAX_ANSWER_LEN: u32 = 64 * 1024;
/// The most bytes of an ID token.
pub const MAX_ID_TOKEN_LEN: usize = 16 * 1024;
/// How far the provider's clock may be from ours, in seconds.
pub const MAX_SKEW_SECONDS: i64 = 60;
/// How long ago somebody may have shown themselves to the provider to be let in by it, in seconds: a week, which is how
/// long a session of the console lasts at most.
pub const MAX_SIGN_IN_AGE_SECONDS: i64 = 604_800;
