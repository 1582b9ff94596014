//! Why a text is no token.

use crate::problem::Code;

/// Why a text is no token, or a format no format. None of them holds any part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than [`MAX_CREDENTIAL_LEN`](super::MAX_CREDENTIAL_LEN).
    #[error("a credential has at most {} bytes", super::MAX_CREDENTIAL_LEN)]
    TooLong,
    /// It begins with none of the prefixes that are known here.
    #[error("not a token with any known prefix")]
    UnknownPrefix,
    /// After its prefix it has another length than its format says.
    #[error("a token of this format has another length")]
    WrongLength,
    /// After its prefix it has a character that its format does not have.
    #[error("a character that tokens of this format do not have")]
    WrongAlphabet,
    /// Its checksum is not that of what stands before it: a typing error, or cut and pasted wrongly.
    #[error("the checksum is wrong: the token was not copied exactly")]
    WrongChecksum,
    /// It names an organisation in a way that this instance never does.
    #[error("not a token of this instance")]
    ForeignOrganization,
    /// Too few of the random bytes could be used; take fresh ones.
    #[error("too few random bytes")]
    TooLittleRandomness,
    /// A prefix is 1 to 32 letters, digits and `_`, and ends with `_`.
    #[error("not a prefix: 1 to {} letters, digits and _, ending with _", super::MAX_PREFIX_LEN)]
    NotAPrefix,
    /// A hexadecimal body has an even number of digits, from 32 to 128.
    #[error(
        "a hexadecimal body has an even number of digits from {} to {}",
        super::MIN_HEX_DIGITS,
        super::MAX_HEX_DIGITS
    )]
    NotADigitCount,
    /// The secret of an instance has 32 to 128 bytes.
    #[error(
        "an instance secret has from {} to {} bytes",
        super::MIN_INSTANCE_SECRET_LEN,
        super::MAX_INSTANCE_SECRET_LEN
    )]
    NotAnInstanceSecret,
    /// Not 64 lowercase hexadecimal digits.
    #[error("not a SHA-256 in lowercase hexadecimal")]
    NotADigest,
    /// Not a bcrypt hash in modular crypt form.
    #[error("not a bcrypt hash of the form $2a$, $2b$ or $2y$")]
    NotABcryptHash,
    /// A bcrypt hash whose cost is above [`Bcrypt::MAX_COST`](super::Bcrypt::MAX_COST).
    #[error("a bcrypt hash has a cost of at most {}", super::Bcrypt::MAX_COST)]
    CostTooHigh,
}

impl TokenError {
    /// What a client is told whose credential this is.
    ///
    /// An organisation that cannot be is told apart from a typing error: that credential has the right form, and
    /// nobody has it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::ForeignOrganization => Code::UnknownToken,
            Self::TooLong | Self::UnknownPrefix | Self::WrongLength | Self::WrongAlphabet | Self::WrongChecksum => {
                Code::MalformedCredential
            }
            Self::NotAPrefix | Self::NotADigitCount | Self::NotADigest | Self::NotABcryptHash | Self::CostTooHigh => {
                Code::InvalidRequest
            }
            Self::TooLittleRandomness | Self::NotAnInstanceSecret => Code::Internal,
        }
    }
}
