//! Names of public keys: hashes of them in two ways.

use core::fmt;
use core::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::KeyError;

/// The name of a public key after RFC 7638: SHA-256 of its JWK with the required members alone.
///
/// As text it is 43 characters of base64url without padding, and nothing else is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; Self::LEN]);

/// The name of a public key in DevGuard: SHA-256 of the key's 128 lowercase hexadecimal digits, as ASCII.
///
/// As text it is 64 lowercase hexadecimal digits, and nothing else is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; Self::LEN]);

impl Thumbprint {
    /// How many bytes it has.
    pub const LEN: usize = 32;
    /// How many characters it has as text.
    pub const TEXT_LEN: usize = 43;

    /// Of a JWK in the canonical form of RFC 7638, section 3.
    pub(super) fn of(canonical_jwk: &str) -> Self {
        Self(Sha256::digest(canonical_jwk).into())
    }
}

impl Fingerprint {
    /// How many bytes it has.
    pub const LEN: usize = 32;
    /// How many characters it has as text.
    pub const TEXT_LEN: usize = 64;

    /// Of a public key's hexadecimal digits, which must be lowercase.
    pub(super) fn of(lowercase_hex: &str) -> Self {
        Self(Sha256::digest(lowercase_hex).into())
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl FromStr for Thumbprint {
    type Err = KeyError;

    /// Reads 43 characters of base64url.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotBase64Url`].
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() != Self::TEXT_LEN {
            return Err(KeyError::WrongLength { expected: Self::TEXT_LEN, actual: text.len() });
        }
        let mut bytes = [0; Self::LEN];
        Base64UrlUnpadded::decode(text, &mut bytes).map_err(|_| KeyError::NotBase64Url)?;
        Ok(Self(bytes))
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;

    /// Reads 64 lowercase hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotHexadecimal`].
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() != Self::TEXT_LEN {
            return Err(KeyError::WrongLength { expected: Self::TEXT_LEN, actual: text.len() });
        }
        let mut bytes = [0; Self::LEN];
        base16ct::lower::decode(text, &mut bytes).map_err(|_| KeyError::NotHexadecimal)?;
        Ok(Self(bytes))
    }
}

macro_rules! as_bytes_and_text {
    ($name:ident) => {
        impl $name {
            /// One that was kept, from its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        crate::text::serde_as_text!($name);
    };
}

as_bytes_and_text!(Thumbprint);
as_bytes_and_text!(Fingerprint);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_has_one_spelling() {
        let text = "IIjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMoE";
        let thumbprint: Thumbprint = text.parse().unwrap();
        assert_eq!(thumbprint.to_string(), text);
        assert_eq!(serde_json::to_value(thumbprint).unwrap(), text);
        assert_eq!(serde_json::from_value::<Thumbprint>(text.into()).unwrap(), thumbprint);
        // Two stray bits at the end, and the other alphabet.
        for other in ["IIjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMoF", "+IjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMoE"] {
            assert_eq!(other.parse::<Thumbprint>(), Err(KeyError::NotBase64Url), "{other}");
        }
        for other in ["", "IIjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMo", "IIjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMoE="]
        {
            let expected = KeyError::WrongLength { expected: 43, actual: other.len() };
            assert_eq!(other.parse::<Thumbprint>(), Err(expected), "{other}");
        }
    }

    #[test]
    fn a_fingerprint_has_one_spelling() {
        let text = "a888cdf9fba93f6e2d1b3aa799204eb22f820b2e58519d5573062590895fd184";
        let fingerprint: Fingerprint = text.parse().unwrap();
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(serde_json::to_value(fingerprint).unwrap(), text);
        assert_eq!(serde_json::from_value::<Fingerprint>(text.into()).unwrap(), fingerprint);
        assert_eq!(text.to_uppercase().parse::<Fingerprint>(), Err(KeyError::NotHexadecimal));
        assert_eq!(
            text.get(2..).unwrap().parse::<Fingerprint>(),
            Err(KeyError::WrongLength { expected: 64, actual: 62 })
        );
    }
}
