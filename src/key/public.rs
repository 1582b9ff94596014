//! The public half.

use core::fmt;
use core::str::FromStr;

use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Fingerprint, KeyError, Signature, Thumbprint, jwk, pem};

/// A P-256 public key: a point on the curve other than the identity.
///
/// It is small, and copied freely. As text, and in every record that is kept, it is 128 lowercase hexadecimal digits:
/// x, then y.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// How many bytes a coordinate has.
const FIELD_LEN: usize = 32;

impl PublicKey {
    /// How many hexadecimal digits it has.
    pub const HEX_LEN: usize = 128;
    /// How many bytes it has in the uncompressed form of SEC 1.
    pub const SEC1_LEN: usize = 65;
    /// How many leading zero bytes can be missing, both coordinates together, in [`PublicKey::from_stripped_hex`]; one
    /// key in some 2^37 has more.
    pub const MAX_STRIPPED: usize = 4;

    /// Reads 128 hexadecimal digits in either case: x, then y, without the `04` of SEC 1.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotHexadecimal`], [`KeyError::NotOnCurve`].
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        if text.len() != Self::HEX_LEN {
            return Err(KeyError::WrongLength { expected: Self::HEX_LEN, actual: text.len() });
        }
        let mut point = [0; Self::HEX_LEN / 2];
        base16ct::mixed::decode(text, &mut point).map_err(|_| KeyError::NotHexadecimal)?;
        match point.as_chunks() {
            ([x, y], []) => Self::from_coordinates(x, y),
            _ => Err(KeyError::NotOnCurve),
        }
    }

    /// Reads the digits as DevGuard's Go client writes them: x, then y, each without its leading zero bytes. Where one
    /// ends and the other begins is found by trying: no other division is on the curve (but with a chance of 2^-253).
    ///
    /// # Errors
    /// As [`PublicKey::from_hex`]; [`KeyError::WrongLength`] also where more than [`PublicKey::MAX_STRIPPED`] bytes are
    /// missing.
    pub fn from_stripped_hex(text: &str) -> Result<Self, KeyError> {
        let wrong_length = KeyError::WrongLength { expected: Self::HEX_LEN, actual: text.len() };
        let missing = Self::HEX_LEN.checked_sub(text.len()).ok_or(wrong_length)?;
        let (missing, odd) = (missing / 2, missing % 2);
        if odd != 0 || missing > Self::MAX_STRIPPED {
            return Err(wrong_length);
        }
        let mut digits = [0; Self::HEX_LEN / 2];
        let digits = base16ct::mixed::decode(text, &mut digits).map_err(|_| KeyError::NotHexadecimal)?;
        // x lacks none of the missing bytes, or one, or two…, and y the others.
        (0..=missing)
            .find_map(|of_x| {
                let (x, y) = digits.split_at_checked(FIELD_LEN.checked_sub(of_x)?)?;
                Self::from_coordinates(&padded(x)?, &padded(y)?).ok()
            })
            .ok_or(KeyError::NotOnCurve)
    }

    /// Reads both coordinates, in big-endian order.
    ///
    /// # Errors
    /// [`KeyError::NotOnCurve`].
    pub fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let point = p256::Sec1Point::from_affine_coordinates(x.into(), y.into(), false);
        VerifyingKey::from_sec1_point(&point).map(Self).map_err(|_| KeyError::NotOnCurve)
    }

    /// Reads the octets of SEC 1, section 2.3.4, uncompressed or compressed.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`]; [`KeyError::NotOnCurve`], also for the identity and for hybrid and compact forms.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, KeyError> {
        match (bytes.first(), bytes.len()) {
            (Some(4), Self::SEC1_LEN) | (Some(2 | 3), 33) => {
                VerifyingKey::from_sec1_bytes(bytes).map(Self).map_err(|_| KeyError::NotOnCurve)
            }
            (Some(0), 1) | (_, Self::SEC1_LEN | 33) => Err(KeyError::NotOnCurve),
            (_, actual) => Err(KeyError::WrongLength { expected: Self::SEC1_LEN, actual }),
        }
    }

    /// Reads a PEM document `PUBLIC KEY` with an SPKI (RFC 5480).
    ///
    /// # Errors
    /// [`KeyError::WrongLength`] above [`MAX_KEY_TEXT_LEN`](super::MAX_KEY_TEXT_LEN), [`KeyError::NotPem`],
    /// [`KeyError::WrongPemLabel`], [`KeyError::PrivateKeyGiven`], [`KeyError::NotDer`], [`KeyError::WrongAlgorithm`],
    /// and those of [`PublicKey::from_sec1`].
    pub fn from_spki_pem(text: &str) -> Result<Self, KeyError> {
        pem::public_key(text)
    }

    /// Reads a JWK (RFC 7518, section 6.2.1). Members without a meaning here are passed over, `d` is not.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotJwk`], [`KeyError::WrongAlgorithm`] where `kty` is not `EC` or `crv`
    /// not `P-256`, [`KeyError::WrongUse`], [`KeyError::PrivateKeyGiven`], [`KeyError::NotBase64Url`],
    /// [`KeyError::NotOnCurve`].
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        jwk::public_key(text)
    }

    /// 128 lowercase hexadecimal digits: x, then y.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let (x, y) = self.coordinates();
        let mut text = base16ct::lower::encode_string(&x);
        text.push_str(&base16ct::lower::encode_string(&y));
        text
    }

    /// The uncompressed form of SEC 1: `04`, x, y. It is what WebCrypto imports as `raw`.
    #[must_use]
    pub fn to_sec1(&self) -> [u8; Self::SEC1_LEN] {
        let mut bytes = [0; Self::SEC1_LEN];
        let (x, y) = self.coordinates();
        let whole = core::iter::once(4).chain(x).chain(y);
        bytes.iter_mut().zip(whole).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// A PEM document `PUBLIC KEY` with an SPKI (RFC 5480), lines ended by a line feed.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for which there is no known cause.
    pub fn to_spki_pem(&self) -> Result<String, KeyError> {
        p256::PublicKey::from(self.0).to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Encoding)
    }

    /// A JWK with its required members alone, in the canonical form of RFC 7638.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        jwk::canonical(self)
    }

    /// x and y, in big-endian order.
    #[must_use]
    pub fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        let point = self.0.to_sec1_point(false);
        // An uncompressed point has both: it is no identity.
        (point.x().map(|x| (*x).into()).unwrap_or_default(), point.y().map(|y| (*y).into()).unwrap_or_default())
    }

    /// Its name after RFC 7638, as a native `keyid` carries it.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.to_jwk())
    }

    /// Its name in DevGuard, which its clients send as `X-Fingerprint`.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.to_hex())
    }

    /// The name by which DevGuard's Go client calls this key, where that is another one: it strips the leading zero
    /// bytes of x and y before it hashes, which concerns about one key in 128.
    #[must_use]
    pub fn stripped_fingerprint(&self) -> Option<Fingerprint> {
        let (x, y) = self.coordinates();
        let mut text = base16ct::lower::encode_string(stripped(&x));
        text.push_str(&base16ct::lower::encode_string(stripped(&y)));
        (text.len() < Self::HEX_LEN).then(|| Fingerprint::of(&text))
    }

    /// Whether the signature is one of this key over this message (SHA-256), with high or low s.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        self.0.verify(message, &signature.0).is_ok()
    }

    pub(super) const fn of(key: VerifyingKey) -> Self {
        Self(key)
    }
}

fn stripped(field: &[u8; FIELD_LEN]) -> &[u8] {
    let zeros = field.iter().take_while(|byte| **byte == 0).count();
    field.get(zeros..).unwrap_or_default()
}

/// A number from at most 32 bytes; none from more.
fn padded(bytes: &[u8]) -> Option<[u8; FIELD_LEN]> {
    let mut field = [0; FIELD_LEN];
    field.get_mut(FIELD_LEN.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(field)
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// Reads what a person pastes, in any of the forms: 128 hexadecimal digits, SEC 1 in hexadecimal, PEM or JWK, with
    /// white space around it.
    ///
    /// # Errors
    /// Those of the form that it begins like; [`KeyError::UnknownForm`].
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let mut sec1 = [0; Self::SEC1_LEN];
        match (text.as_bytes().first(), text.len()) {
            (Some(b'-'), _) => Self::from_spki_pem(text),
            (Some(b'{'), _) => Self::from_jwk(text),
            (_, Self::HEX_LEN) => Self::from_hex(text),
            (_, 130 | 66) => match base16ct::mixed::decode(text, &mut sec1) {
                Ok(bytes) => Self::from_sec1(bytes),
                Err(_) => Err(KeyError::NotHexadecimal),
            },
            _ => Err(KeyError::UnknownForm),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    /// Reads 128 hexadecimal digits, and none of the other forms: a record is written in one way.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text).map_err(serde::de::Error::custom)
    }
}
