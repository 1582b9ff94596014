//! Why a provider or an ID token was refused.

/// Why a provider, its answer or its ID token was refused: the first check that failed. The name is stable, and the
/// console has words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// The discovery document cannot be read, or lacks what the code flow needs.
    #[error("the provider's description cannot be used")]
    Discovery,
    /// Something is of another issuer: the discovery document, the answer (RFC 9207) or the ID token.
    #[error("the issuer is another")]
    Issuer,
    /// The key set cannot be read.
    #[error("the provider's keys cannot be read")]
    Keys,
    /// The token endpoint's answer cannot be read, or it refused.
    #[error("the provider gave no token")]
    Answer,
    /// The ID token is not of the form of a signed JWT, or too long.
    #[error("the ID token cannot be read")]
    Malformed,
    /// The ID token is not signed with RS256 or ES256.
    #[error("the ID token's algorithm is not taken")]
    Algorithm,
    /// The provider has no key of this name and kind.
    #[error("the ID token's key is not the provider's")]
    UnknownKey,
    /// The signature is not right.
    #[error("the ID token's signature is wrong")]
    Signature,
    /// The ID token is for somebody else (`aud`, `azp`).
    #[error("the ID token is for another client")]
    Audience,
    /// The ID token has ended, or is from the future (`exp`, `iat`, `nbf`).
    #[error("the ID token is outside its time")]
    Time,
    /// The ID token answers another request (`nonce`).
    #[error("the ID token answers another request")]
    Nonce,
    /// There is no `sub`, or not one that names anybody.
    #[error("the ID token names nobody")]
    Subject,
    /// The person was to show themselves anew, and did not (`auth_time`).
    #[error("the sign-in at the provider is too old")]
    Stale,
    /// The person was to show themselves anew, and the provider does not say whether they did: `auth_time` is missing,
    /// which it must give where `max_age` was asked for (OpenID Connect Core 1.0, section 2).
    #[error("the provider does not say when the person signed in there")]
    NoAuthTime,
}

impl OidcError {
    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Issuer => "issuer",
            Self::Keys => "keys",
            Self::Answer => "answer",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Audience => "audience",
            Self::Time => "time",
            Self::Nonce => "nonce",
            Self::Subject => "subject",
            Self::Stale => "stale",
            Self::NoAuthTime => "no_auth_time",
        }
    }
}
