//! A secret that whoever runs an instance sets, and somebody else shows: the setup code, and that of a proxy.

use subtle::ConstantTimeEq as _;

use crate::token::Digest;

/// A secret from the instance's settings, to be compared with what is shown. Its SHA-256 alone is held.
///
/// ```compile_fail
/// fn printed(secret: &symbolon::protocol::SharedSecret) -> String { format!("{secret:?}") }
/// ```
#[derive(Clone)]
pub struct SharedSecret(Digest);

impl SharedSecret {
    /// The fewest bytes. What is shorter, an empty setting above all, would be guessed, or be met by a field that is
    /// not there.
    pub const MIN_LEN: usize = 16;

    /// Takes a secret; none if it is shorter than [`Self::MIN_LEN`].
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (text.len() >= Self::MIN_LEN).then(|| Self(Digest::of(text)))
    }

    /// Whether this is it. By the digests, so that not even its length shows in the time that it takes.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        Digest::of(given).ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_none_and_only_itself_is_it() {
        assert!(SharedSecret::new("").is_none());
        assert!(SharedSecret::new("fifteen bytes .").is_none());
        let secret = SharedSecret::new("sixteen bytes ..").unwrap();
        assert!(secret.is("sixteen bytes .."));
        for other in ["", "sixteen bytes .", "sixteen bytes ...", "Sixteen bytes .."] {
            assert!(!secret.is(other), "{other}");
        }
    }
}
