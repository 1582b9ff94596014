//! What is kept of a bearer secret.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::TokenError;

/// The SHA-256 of a whole credential, prefix included: all that is kept of it.
///
/// As text it is 64 lowercase hexadecimal digits, and nothing else is read. It names a record in the directory, so it
/// can be compared and sorted like any name; where the other side was chosen by whoever asks, [`Digest::matches`]
/// compares without telling by its time where they differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; Self::LEN]);

impl Digest {
    /// How many bytes it has.
    pub const LEN: usize = 32;

    /// The digest of a credential.
    ///
    /// ```
    /// # use symbolon::token::Digest;
    /// let digest = Digest::of("dvg_testtoken");
    /// assert_eq!(digest.to_string(), "aad2ad7b65f202f2952ba3e0715db8e8c41dad6ca5e0cc8a266b5146efbe37c5");
    /// ```
    #[must_use]
    pub fn of(credential: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(credential.as_ref()).into())
    }

    /// A digest that was kept or imported, from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = TokenError;

    /// Reads 64 lowercase hexadecimal digits.
    ///
    /// # Errors
    /// [`TokenError::NotADigest`] for anything else.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let mut bytes = [0; Self::LEN];
        match base16ct::lower::decode(text, &mut bytes) {
            Ok(read) if read.len() == Self::LEN => Ok(Self(bytes)),
            _ => Err(TokenError::NotADigest),
        }
    }
}

crate::text::serde_as_text!(Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of("dvg_testtoken");
        let text = digest.to_string();
        assert_eq!(text, "aad2ad7b65f202f2952ba3e0715db8e8c41dad6ca5e0cc8a266b5146efbe37c5");
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(format!("{digest:?}"), text);
        assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
        for other in [
            "",
            text.get(1..).unwrap(),
            text.get(2..).unwrap(),
            &format!("{text}00"),
            &text.to_uppercase(),
            &text.replace('a', "g"),
        ] {
            assert_eq!(other.parse::<Digest>(), Err(TokenError::NotADigest), "{other}");
        }
        assert!(serde_json::from_str::<Digest>("7").is_err());
    }

    #[test]
    fn digests_match_when_they_are_the_same() {
        let digest = Digest::of("one");
        assert!(digest.matches(&Digest::from_bytes(*digest.as_bytes())));
        for bit in 0..256 {
            let mut bytes = *digest.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!digest.matches(&Digest::from_bytes(bytes)));
        }
    }
}
