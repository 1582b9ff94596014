//! The two secrets: a token's, and the instance's.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Digest, MAX_INSTANCE_SECRET_LEN, MIN_INSTANCE_SECRET_LEN, TokenError, base62};
use crate::id::ShortId;

/// A whole token string, as it is shown once to whoever made it. Wiped from memory when it is dropped.
///
/// It cannot be printed or compared; what is compared is its [`Digest`].
///
/// ```compile_fail
/// fn printed(secret: &symbolon::token::Secret) -> String { format!("{secret:?}") }
/// ```
/// ```compile_fail
/// fn compared(a: &symbolon::token::Secret, b: &symbolon::token::Secret) -> bool { a == b }
/// ```
#[derive(ZeroizeOnDrop)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text that holds a secret; it is not looked into.
    #[must_use]
    pub fn from_string(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) const fn from_zeroizing(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The token string, to be handed to its owner and written nowhere.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.expose())
    }
}

/// The secret of an instance, under which organisations are named in native tokens. Wiped from memory when it is
/// dropped.
///
/// Whoever has it can write tokens that make the edge ask an authority; by itself it makes no token valid, but whoever may
/// write to the directory as well makes rows that edges believe ([`directory`](crate::protocol::directory)). When it is
/// changed, all native tokens of the instance become unknown.
///
/// ```compile_fail
/// fn printed(secret: &symbolon::token::InstanceSecret) -> String { format!("{secret:?}") }
/// ```
#[derive(ZeroizeOnDrop)]
pub struct InstanceSecret(Zeroizing<Vec<u8>>);

/// How many characters the tag of an organisation has.
pub const TAG_LEN: usize = 4;

impl InstanceSecret {
    /// What the tag is computed over, before the short id: so that no other use of the same secret gives the same
    /// bytes.
    const DOMAIN: &str = "symbolon organization tag";

    /// From 32 to 128 bytes of a cryptographic source of randomness.
    ///
    /// # Errors
    /// [`TokenError::NotAnInstanceSecret`] for fewer or more.
    pub fn new(bytes: &[u8]) -> Result<Self, TokenError> {
        if (MIN_INSTANCE_SECRET_LEN..=MAX_INSTANCE_SECRET_LEN).contains(&bytes.len()) {
            Ok(Self(Zeroizing::new(bytes.to_vec())))
        } else {
            Err(TokenError::NotAnInstanceSecret)
        }
    }

    /// HMAC-SHA-256 under this secret of something that the instance must recognise as its own. `domain` says what it
    /// is, and is another for each use; it holds no zero byte.
    ///
    /// # Errors
    /// [`TokenError::NotAnInstanceSecret`], for which there is no known cause.
    pub fn code(&self, domain: &str, parts: &[&[u8]]) -> Result<[u8; 32], TokenError> {
        // HMAC takes keys of any length; the error has no cause.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| TokenError::NotAnInstanceSecret)?;
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        for part in parts {
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }

    /// The four characters after an organisation's short id in every native token: one in 62^4, some 15 million, is
    /// right.
    ///
    /// # Errors
    /// As [`InstanceSecret::code`].
    pub fn tag(&self, organization: &ShortId) -> Result<[u8; TAG_LEN], TokenError> {
        let code = self.code(Self::DOMAIN, &[organization.as_str().as_bytes()])?;
        let first = code.first_chunk().copied().unwrap_or_default();
        Ok(base62::digits(u64::from_be_bytes(first)))
    }

    /// Whether this is the organisation's tag, in a time that does not depend on where it differs.
    #[must_use]
    pub fn is_tag(&self, organization: &ShortId, tag: &str) -> bool {
        self.tag(organization).is_ok_and(|expected| expected.ct_eq(tag.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(Secret: ZeroizeOnDrop);
    assert_impl_all!(InstanceSecret: ZeroizeOnDrop);
    assert_not_impl_any!(Secret: Clone, PartialEq, core::fmt::Debug, core::fmt::Display, serde::Serialize);
    assert_not_impl_any!(InstanceSecret: Clone, PartialEq, core::fmt::Debug, core::fmt::Display, serde::Serialize);

    #[test]
    fn an_instance_secret_is_long_enough() {
        for (length, good) in [(0, false), (31, false), (32, true), (128, true), (129, false)] {
            let made = InstanceSecret::new(&vec![7; length]);
            assert_eq!(made.err(), (!good).then_some(TokenError::NotAnInstanceSecret), "{length}");
        }
    }

    #[test]
    fn a_tag_belongs_to_one_organisation_and_one_instance() {
        let (one, other) = (InstanceSecret::new(&[1; 32]).unwrap(), InstanceSecret::new(&[2; 32]).unwrap());
        let (a, b): (ShortId, ShortId) = ("AAAAAA".parse().unwrap(), "AAAAAB".parse().unwrap());
        let tag = String::from_utf8(one.tag(&a).unwrap().to_vec()).unwrap();
        // Computed with Python's hmac module.
        assert_eq!(tag, "z7r1");
        assert!(one.is_tag(&a, &tag));
        assert!(!one.is_tag(&b, &tag));
        assert!(!other.is_tag(&a, &tag));
        assert!(!one.is_tag(&a, tag.get(..3).unwrap()));
        assert!(!one.is_tag(&a, ""));
    }
}
