//! Why something is no key and no signature.

/// Why something is no key, no name of a key and no signature. None of them holds any part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Of another length than this form has.
    #[error("wrong length: {actual}, not {expected}")]
    WrongLength {
        /// How long this form is, in the units of its text or bytes; the longest, where several are allowed.
        expected: usize,
        /// How long it was.
        actual: usize,
    },
    /// Not hexadecimal digits.
    #[error("not hexadecimal")]
    NotHexadecimal,
    /// Not base64url without padding, or with stray bits at its end.
    #[error("not base64url without padding")]
    NotBase64Url,
    /// None of the forms of a public key.
    #[error("not a public key: neither hexadecimal nor PEM nor JWK")]
    UnknownForm,
    /// Not one PEM document and nothing else (RFC 7468).
    #[error("not one PEM document")]
    NotPem,
    /// A PEM document that holds something else.
    #[error("the PEM label is not \"{expected}\"")]
    WrongPemLabel {
        /// The label of this form.
        expected: &'static str,
    },
    /// Not the DER of this structure, or with something after it.
    #[error("not the DER encoding of a key")]
    NotDer,
    /// The key is for another algorithm or curve.
    #[error("not a key on P-256")]
    WrongAlgorithm,
    /// Not a JSON object with the members that an EC key has, each once (RFC 7518, section 6.2).
    #[error("not a JWK of an elliptic curve key")]
    NotJwk,
    /// The JWK says that the key is for something else than signatures (`use`, `key_ops`, `alg`).
    #[error("the JWK is not for ES256 signatures")]
    WrongUse,
    /// A private key where a public one belongs: it must not be sent anywhere, and should be replaced.
    #[error("a private key where a public key belongs")]
    PrivateKeyGiven,
    /// A point that is not on the curve, or the identity.
    #[error("not a point on P-256")]
    NotOnCurve,
    /// Zero, or not below the order of the group.
    #[error("a scalar that is zero or not below the order of P-256")]
    ScalarOutOfRange,
    /// The private key is not that of the public key beside it.
    #[error("the private key does not belong to the public key beside it")]
    Mismatch,
    /// Not the DER of an ECDSA signature with nothing after it.
    #[error("not the DER encoding of a signature")]
    NotDerSignature,
    /// The library refused to write the key. It has no reason to.
    #[error("the key cannot be encoded")]
    Encoding,
}

/// A text no longer than any key; what is longer is refused before it is read.
pub(super) fn bounded(text: &str) -> Result<&str, KeyError> {
    if text.len() > super::MAX_KEY_TEXT_LEN {
        return Err(KeyError::WrongLength { expected: super::MAX_KEY_TEXT_LEN, actual: text.len() });
    }
    Ok(text)
}
