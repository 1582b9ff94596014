//! A provider's keys (RFC 7517; RFC 7518, sections 6.2 and 6.3).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;

use super::{Algorithm, OidcError};
use crate::json;
use crate::key::PublicKey;

/// The most keys of a set that are looked at.
const MAX_KEYS: usize = 64;
/// The shortest and the longest modulus, in bytes: 2048 bits (RFC 7518, section 3.3) and 8192.
const MODULUS_LEN: core::ops::RangeInclusive<usize> = 256..=1024;
/// The longest exponent, in bytes.
const MAX_EXPONENT_LEN: usize = 8;

/// A key that can check a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// For ES256.
    P256(PublicKey),
    /// For RS256: modulus and exponent in base64url, without leading zeros.
    Rsa {
        /// The modulus, 2048 to 8192 bits.
        modulus: String,
        /// The exponent.
        exponent: String,
    },
}

/// A provider's key set. What is in it for another purpose, or of another kind, is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(Vec<(Option<String>, Algorithm, Key)>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Keys {
    /// Reads a set.
    ///
    /// # Errors
    /// [`OidcError::Keys`] if it is none. A key that cannot be read is passed over: sets hold keys of many kinds.
    pub fn parse(json: &str) -> Result<Self, OidcError> {
        let set: Set = json::read(json).map_err(|_| OidcError::Keys)?;
        let read = |value: serde_json::Value| json::from_value::<Jwk>(&value).ok().and_then(|jwk| jwk.read());
        Ok(Self(set.keys.into_iter().take(MAX_KEYS).filter_map(read).collect()))
    }

    /// The key of this name for this algorithm; where no name is given, the only one for it.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let fits = |(name, of, _): &&(Option<String>, Algorithm, Key)| {
            *of == algorithm && kid.is_none_or(|kid| name.as_deref() == Some(kid))
        };
        let mut found = self.0.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some((_, _, key)), None) => Some(key),
            _ => None,
        }
    }
}

impl Jwk {
    fn read(self) -> Option<(Option<String>, Algorithm, Key)> {
        let (algorithm, key) = match self.kty.as_str() {
            "EC" if self.crv.as_deref() == Some("P-256") => {
                let coordinate = |text: Option<&str>| -> Option<[u8; 32]> {
                    Base64UrlUnpadded::decode_vec(text?).ok()?.try_into().ok()
                };
                let key = PublicKey::from_coordinates(&coordinate(self.x.as_deref())?, &coordinate(self.y.as_deref())?);
                (Algorithm::Es256, Key::P256(key.ok()?))
            }
            "RSA" => {
                let number = |text: Option<&str>| -> Option<Vec<u8>> {
                    let bytes = Base64UrlUnpadded::decode_vec(text?).ok()?;
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    bytes.get(zeros..).map(<[u8]>::to_vec)
                };
                let (modulus, exponent) = (number(self.n.as_deref())?, number(self.e.as_deref())?);
                // An exponent of 1 would make every message its own signature, and an even one is none.
                let odd = exponent.last().is_some_and(|byte| byte % 2 == 1) && exponent != [1];
                if !MODULUS_LEN.contains(&modulus.len()) || exponent.len() > MAX_EXPONENT_LEN || !odd {
                    return None;
                }
                let text = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
                (Algorithm::Rs256, Key::Rsa { modulus: text(&modulus), exponent: text(&exponent) })
            }
            _ => return None,
        };
        let for_this = self.alg.as_deref().is_none_or(|alg| alg == algorithm.as_str())
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|each| each == "verify"));
        for_this.then_some((self.kid, algorithm, key))
    }
}
