//! Digests of content: the fields `Content-Digest` and `Repr-Digest` (RFC 9530), with sha-256 and sha-512.
//!
//! Bodies are hashed where they are (at the edge by WebCrypto, while they stream), so checking takes digests that were
//! computed already, and parsing says which are needed.

use sha2::{Digest, Sha256, Sha512};

use crate::problem::Code;

use super::error::SignatureError;
use super::fields;
use super::message::{self, Field};

/// An algorithm of RFC 9530 that is known here. The others there are unsafe or obsolete, and skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// `sha-256`.
    Sha256,
    /// `sha-512`.
    Sha512,
}

impl DigestAlgorithm {
    /// The name in the registry of RFC 9530.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
        }
    }
}

/// Why content does not match its digest field, or nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The field is not a dictionary of byte sequences of the right lengths, with each key once.
    #[error("the digest field is malformed")]
    Malformed,
    /// The field names no algorithm that is known here.
    #[error("the digest field has neither sha-256 nor sha-512")]
    NoKnownAlgorithm,
    /// The content has another digest.
    #[error("the content does not match its {} digest", .0.as_str())]
    Mismatch(DigestAlgorithm),
    /// The digest that the field needs was not computed.
    #[error("the {} digest of the content was not computed", .0.as_str())]
    NotComputed(DigestAlgorithm),
}

impl DigestError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Malformed => Code::MalformedCredential,
            Self::NoKnownAlgorithm | Self::Mismatch(_) => Code::DigestMismatch,
            // The verifier's own omission, not the client's.
            Self::NotComputed(_) => Code::Internal,
        }
    }
}

/// Digests of content, as computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BodyDigests {
    /// SHA-256, where it was computed.
    pub sha256: Option<[u8; 32]>,
    /// SHA-512, where it was computed.
    pub sha512: Option<[u8; 64]>,
}

impl BodyDigests {
    /// SHA-256 of the content, as our own signers send it.
    #[must_use]
    pub fn sha256(body: &[u8]) -> Self {
        Self { sha256: Some(Sha256::digest(body).into()), sha512: None }
    }

    /// What a field needs of the content.
    #[must_use]
    pub fn for_field(field: &ContentDigest, body: &[u8]) -> Self {
        Self {
            sha256: field.sha256.map(|_| Sha256::digest(body).into()),
            sha512: field.sha512.map(|_| Sha512::digest(body).into()),
        }
    }

    /// The value of a `Content-Digest` or `Repr-Digest` field with these digests.
    #[must_use]
    pub fn to_field(&self) -> String {
        let mut value = String::new();
        let digests = [
            (DigestAlgorithm::Sha256, self.sha256.as_ref().map(|digest| digest.as_slice())),
            (DigestAlgorithm::Sha512, self.sha512.as_ref().map(|digest| digest.as_slice())),
        ];
        for (algorithm, digest) in digests {
            let Some(digest) = digest else { continue };
            if !value.is_empty() {
                value.push_str(", ");
            }
            value.push_str(algorithm.as_str());
            value.push('=');
            value.push_str(&fields::print_bytes(digest));
        }
        value
    }
}

/// A parsed `Content-Digest` or `Repr-Digest`: at least one known digest, and perhaps others, which are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    sha256: Option<[u8; 32]>,
    sha512: Option<[u8; 64]>,
}

impl ContentDigest {
    /// Reads a field's whole value (its lines joined by commas).
    ///
    /// # Errors
    /// [`DigestError::Malformed`], [`DigestError::NoKnownAlgorithm`].
    pub fn parse(value: &str) -> Result<Self, DigestError> {
        if value.len() > super::MAX_FIELD_BYTES {
            return Err(DigestError::Malformed);
        }
        let dictionary = fields::parse_dictionary("content-digest", value).map_err(|_| DigestError::Malformed)?;
        let mut found = Self { sha256: None, sha512: None };
        for (key, member) in &dictionary {
            let Some(bytes) = member.bare.as_ref().and_then(|bare| bare.as_byte_sequence()) else {
                return Err(DigestError::Malformed);
            };
            match key.as_str() {
                "sha-256" => found.sha256 = Some(bytes.try_into().map_err(|_| DigestError::Malformed)?),
                "sha-512" => found.sha512 = Some(bytes.try_into().map_err(|_| DigestError::Malformed)?),
                _ => {}
            }
        }
        match found {
            Self { sha256: None, sha512: None } => Err(DigestError::NoKnownAlgorithm),
            found => Ok(found),
        }
    }

    /// Reads the field of this name (in lower case) from a message's field lines; none where there is none.
    ///
    /// # Errors
    /// As [`ContentDigest::parse`], and [`SignatureError`] where the lines themselves are at fault.
    pub fn of_fields(fields: &[Field<'_>], name: &str) -> Result<Option<Self>, SignatureError> {
        match message::combined(fields, name)? {
            Some(value) => Ok(Some(Self::parse(&value)?)),
            None => Ok(None),
        }
    }

    /// The algorithms whose digests are needed to check content against this field: all known ones that it lists.
    pub fn algorithms(&self) -> impl Iterator<Item = DigestAlgorithm> {
        let sha256 = self.sha256.map(|_| DigestAlgorithm::Sha256);
        sha256.into_iter().chain(self.sha512.map(|_| DigestAlgorithm::Sha512))
    }

    /// The digests that the field lists, for whoever was told them instead of the content.
    #[must_use]
    pub const fn digests(&self) -> BodyDigests {
        BodyDigests { sha256: self.sha256, sha512: self.sha512 }
    }

    /// Whether the content is the one that the field describes: every known digest that it lists must match.
    ///
    /// Digests of content are public, so they are compared plainly.
    ///
    /// # Errors
    /// [`DigestError::Mismatch`], [`DigestError::NotComputed`].
    pub fn check(&self, body: &BodyDigests) -> Result<(), DigestError> {
        compare(DigestAlgorithm::Sha256, self.sha256.as_ref(), body.sha256.as_ref())?;
        compare(DigestAlgorithm::Sha512, self.sha512.as_ref(), body.sha512.as_ref())
    }
}

fn compare<T: PartialEq>(
    algorithm: DigestAlgorithm,
    listed: Option<&T>,
    computed: Option<&T>,
) -> Result<(), DigestError> {
    match (listed, computed) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(DigestError::NotComputed(algorithm)),
        (Some(listed), Some(computed)) if listed == computed => Ok(()),
        (Some(_), Some(_)) => Err(DigestError::Mismatch(algorithm)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "sha-256=:k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=:";

    fn check(field: &str, body: &[u8]) -> Result<(), DigestError> {
        let parsed = ContentDigest::parse(field)?;
        parsed.check(&BodyDigests::for_field(&parsed, body))
    }

    #[test]
    fn every_known_digest_must_match_and_unknown_ones_are_skipped() {
        let body = br#"{"hello":"world"}"#;
        let sha512 = BodyDigests { sha512: Some(Sha512::digest(body).into()), sha256: None }.to_field();
        assert_eq!(BodyDigests::sha256(body).to_field(), HELLO);
        assert_eq!(check(HELLO, body), Ok(()));
        assert_eq!(check(&format!("md5=:AAAA:, {HELLO};x=1, {sha512}"), body), Ok(()));
        assert_eq!(check(HELLO, b""), Err(DigestError::Mismatch(DigestAlgorithm::Sha256)));
        let other = BodyDigests { sha512: Some(Sha512::digest(b"").into()), sha256: None }.to_field();
        let mismatch = Err(DigestError::Mismatch(DigestAlgorithm::Sha512));
        assert_eq!(check(&format!("{HELLO}, {other}"), body), mismatch);
    }

    #[test]
    fn an_empty_body_has_a_digest_like_any_other() {
        assert_eq!(check("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", b""), Ok(()));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        for (field, error) in [
            ("", DigestError::NoKnownAlgorithm),
            ("md5=:AAAA:", DigestError::NoKnownAlgorithm),
            ("sha-256", DigestError::Malformed),
            ("sha-256=\"k6I5\"", DigestError::Malformed),
            ("sha-256=:k6I5:", DigestError::Malformed),
            ("sha-256=(:k6I5:)", DigestError::Malformed),
            (&format!("{HELLO}, {HELLO}"), DigestError::Malformed),
            (&format!("{HELLO},"), DigestError::Malformed),
        ] {
            assert_eq!(ContentDigest::parse(field), Err(error), "{field}");
        }
        let parsed = ContentDigest::parse(HELLO).unwrap();
        assert_eq!(parsed.check(&BodyDigests::default()), Err(DigestError::NotComputed(DigestAlgorithm::Sha256)));
    }
}
