//! The private half.

use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{KeyError, PublicKey, Signature, jwk, pem};

/// A P-256 private key: a scalar from 1 to n − 1. Wiped from memory when it is dropped.
///
/// It cannot be printed, compared or copied by accident; what gives it out says so in its name and wipes itself.
///
/// ```compile_fail
/// fn printed(key: &symbolon::key::PrivateKey) -> String { format!("{key:?}") }
/// ```
/// ```compile_fail
/// fn compared(a: &symbolon::key::PrivateKey, b: &symbolon::key::PrivateKey) -> bool { a == b }
/// ```
/// ```compile_fail
/// fn copied(key: &symbolon::key::PrivateKey) -> symbolon::key::PrivateKey { key.clone() }
/// ```
#[derive(ZeroizeOnDrop)]
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// How many bytes it has.
    pub const LEN: usize = 32;
    /// How many hexadecimal digits it has.
    pub const HEX_LEN: usize = 64;

    /// A new key from 32 bytes of a cryptographic source of randomness. All keys are equally likely, because bytes that
    /// are no scalar are refused rather than reduced (FIPS 186-5, appendix A.2.2): take fresh ones then, which happens
    /// once in 2^32.
    ///
    /// # Errors
    /// [`KeyError::ScalarOutOfRange`].
    pub fn from_random(random: &[u8; Self::LEN]) -> Result<Self, KeyError> {
        Self::from_bytes(random)
    }

    /// Reads the scalar's 32 bytes, in big-endian order.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::ScalarOutOfRange`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; Self::LEN] =
            bytes.try_into().map_err(|_| KeyError::WrongLength { expected: Self::LEN, actual: bytes.len() })?;
        SigningKey::from_bytes(bytes.into()).map(Self).map_err(|_| KeyError::ScalarOutOfRange)
    }

    /// Reads the scalar's 64 hexadecimal digits, in either case.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotHexadecimal`], [`KeyError::ScalarOutOfRange`].
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        if text.len() != Self::HEX_LEN {
            return Err(KeyError::WrongLength { expected: Self::HEX_LEN, actual: text.len() });
        }
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        base16ct::mixed::decode(text, bytes.as_mut_slice()).map_err(|_| KeyError::NotHexadecimal)?;
        Self::from_bytes(bytes.as_slice())
    }

    /// Reads the scalar's hexadecimal digits as clients write them that leave leading zeros out: 1 to 64.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotHexadecimal`], [`KeyError::ScalarOutOfRange`].
    pub fn from_stripped_hex(text: &str) -> Result<Self, KeyError> {
        let mut digits = Zeroizing::new([b'0'; Self::HEX_LEN]);
        match Self::HEX_LEN.checked_sub(text.len()).and_then(|missing| digits.get_mut(missing..)) {
            Some(end) if !text.is_empty() => end.copy_from_slice(text.as_bytes()),
            _ => return Err(KeyError::WrongLength { expected: Self::HEX_LEN, actual: text.len() }),
        }
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        base16ct::mixed::decode(digits.as_slice(), bytes.as_mut_slice()).map_err(|_| KeyError::NotHexadecimal)?;
        Self::from_bytes(bytes.as_slice())
    }

    /// Reads a PEM document `PRIVATE KEY` with an unencrypted PKCS#8 (RFC 5958). A public key beside it must belong to
    /// it. The older `EC PRIVATE KEY` is not read: `openssl pkcs8 -topk8 -nocrypt` turns it into this form.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotPem`], [`KeyError::WrongPemLabel`], [`KeyError::NotDer`],
    /// [`KeyError::WrongAlgorithm`], [`KeyError::ScalarOutOfRange`], [`KeyError::NotOnCurve`], [`KeyError::Mismatch`].
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        pem::private_key(text)
    }

    /// Reads a JWK (RFC 7518, section 6.2.2). Members without a meaning here are passed over.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], [`KeyError::NotJwk`], [`KeyError::WrongAlgorithm`] where `kty` is not `EC` or `crv`
    /// not `P-256`, [`KeyError::WrongUse`], [`KeyError::NotBase64Url`], [`KeyError::ScalarOutOfRange`],
    /// [`KeyError::NotOnCurve`], [`KeyError::Mismatch`] where `d` does not belong to `x` and `y`.
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        jwk::private_key(text)
    }

    /// The scalar's 32 bytes, in big-endian order.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The scalar's 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(base16ct::lower::encode_string(self.to_bytes().as_slice()))
    }

    /// A PEM document `PRIVATE KEY` with a PKCS#8 that holds the public key too, lines ended by a line feed.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for which there is no known cause.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        p256::SecretKey::from(&self.0).to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Encoding)
    }

    /// A JWK with its required members alone.
    #[must_use]
    pub fn to_jwk(&self) -> Zeroizing<String> {
        jwk::with_secret(self)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(*self.0.verifying_key())
    }

    /// Signs a message with SHA-256 and the nonce of RFC 6979: the same message gives the same signature, and no
    /// randomness is needed.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message))
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(PrivateKey: ZeroizeOnDrop, Send, Sync);
    assert_not_impl_any!(PrivateKey: Clone, Copy, PartialEq, core::fmt::Debug, core::fmt::Display, serde::Serialize);
}
