//! A bcrypt hash as other systems keep it of a secret: only read here. The hashing is slow, and the gate's.

use core::fmt;
use core::str::FromStr;

use base64ct::{Base64Bcrypt, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Digest, TokenError};

/// A bcrypt hash in modular crypt form: `$2a$`, `$2b$` or `$2y$`, two digits of cost, 22 characters of salt and 31 of
/// hash. For secrets without NUL and of at most 72 bytes, as every token is, the three are the same function; `$2x$`,
/// which one old implementation wrote, is another and is not taken.
///
/// It is a text with one spelling for each hash that a system wrote: bits that the salt's last character could have
/// besides are refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Bcrypt {
    text: String,
    cost: u32,
    salt: [u8; Self::SALT_LEN],
    hash: [u8; Self::HASH_LEN],
}

impl Bcrypt {
    /// The least cost that the function has.
    pub const MIN_COST: u32 = 4;
    /// The highest cost that is taken in: 4096 rounds, some 380 ms of CPU in WebAssembly for one try. Each step more
    /// doubles it, and whoever presents a wrong secret decides that it is spent.
    pub const MAX_COST: u32 = 12;
    /// How many bytes of a secret count. The function reads no more; what is longer was cut by whoever made the hash.
    pub const MAX_SECRET_LEN: usize = 72;
    /// How many bytes the salt has.
    pub const SALT_LEN: usize = 16;
    /// How many bytes of the result are kept.
    pub const HASH_LEN: usize = 23;
    /// How many characters the text has.
    const TEXT_LEN: usize = 60;
    /// How many of them are the salt.
    const SALT_CHARS: usize = 22;

    /// The logarithm of the number of rounds: [`Bcrypt::MIN_COST`] to [`Bcrypt::MAX_COST`].
    #[must_use]
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// The salt.
    #[must_use]
    pub const fn salt(&self) -> &[u8; Self::SALT_LEN] {
        &self.salt
    }

    /// The result.
    #[must_use]
    pub const fn hash(&self) -> &[u8; Self::HASH_LEN] {
        &self.hash
    }

    /// The modular crypt form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What names this hash where many are told apart: the SHA-256 of salt and result, so that the version's letter makes
    /// no other name.
    #[must_use]
    pub fn name(&self) -> Digest {
        let parts: Vec<u8> = self.salt.iter().chain(&self.hash).copied().collect();
        Digest::of(parts)
    }
}

impl FromStr for Bcrypt {
    type Err = TokenError;

    /// Reads the modular crypt form.
    ///
    /// # Errors
    /// [`TokenError::NotABcryptHash`], [`TokenError::CostTooHigh`].
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let malformed = TokenError::NotABcryptHash;
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| text.strip_prefix(version)).ok_or(malformed)?;
        let (cost, encoded) = rest.split_once('$').ok_or(malformed)?;
        if text.len() != Self::TEXT_LEN || cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed);
        }
        let cost = cost.parse().map_err(|_| malformed)?;
        if cost < Self::MIN_COST {
            return Err(malformed);
        }
        if cost > Self::MAX_COST {
            return Err(TokenError::CostTooHigh);
        }
        let (salt, hash) = encoded.split_at_checked(Self::SALT_CHARS).ok_or(malformed)?;
        let bytes = |text: &str| Base64Bcrypt::decode_vec(text).map_err(|_| malformed);
        Ok(Self {
            text: text.to_owned(),
            cost,
            salt: bytes(salt)?.try_into().map_err(|_| malformed)?,
            hash: bytes(hash)?.try_into().map_err(|_| malformed)?,
        })
    }
}

impl fmt::Display for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without the hash: it is no secret, and no business of a log.
impl fmt::Debug for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bcrypt").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Serialize for Bcrypt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Bcrypt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn a_hash_is_read_and_printed_as_it_was() {
        let hash: Bcrypt = TEXT.parse().unwrap();
        assert_eq!((hash.cost(), hash.to_string().as_str()), (5, TEXT));
        let other: Bcrypt = TEXT.replace("$2a$", "$2y$").parse().unwrap();
        assert_eq!(hash.name(), other.name());
        assert!(!format!("{hash:?}").contains("CCC"));
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<Bcrypt>(&json).unwrap(), hash);
    }

    #[test]
    fn what_is_no_bcrypt_hash_is_refused() {
        for text in [
            String::new(),
            TEXT.replace("$2a$", "$2x$"),
            TEXT.replace("$2a$", "$2$"),
            TEXT.replace("$05$", "$03$"),
            TEXT.replace("$05$", "$+5$"),
            TEXT.replace("$05$", "$5$"),
            TEXT.replace('.', "="),
            TEXT.trim_end_matches(char::is_alphanumeric).to_owned(),
            format!("{TEXT}W"),
            TEXT.replace('E', "é"),
        ] {
            assert_eq!(text.parse::<Bcrypt>(), Err(TokenError::NotABcryptHash), "{text}");
        }
        assert_eq!(TEXT.replace("$05$", "$12$").parse::<Bcrypt>().unwrap().cost(), Bcrypt::MAX_COST);
        for cost in ["13", "31", "99"] {
            let text = TEXT.replace("$05$", &format!("${cost}$"));
            assert_eq!(text.parse::<Bcrypt>(), Err(TokenError::CostTooHigh), "{text}");
        }
    }
}
