//! The names that a profile gives: of kinds, scopes, roles, families and services.

use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

/// A name that a profile gives to a kind, scope, role, family or service.
///
/// 1 to 64 lower-case letters, digits, `-` and `_`, beginning with a letter or digit: safe in a URL, a log line and a
/// space-separated list of scopes (RFC 6749, section 3.3). What people read is the title beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// The text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 lower-case letters, digits, '-' and '_', beginning with a letter or digit")]
pub struct NameError;

impl Name {
    /// How long one may be, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for the key of a table until [`super::Profile::parse`] puts the key there.
    pub(super) const fn unset() -> Self {
        Self(String::new())
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if first && rest && text.len() <= Self::MAX_LEN { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text::serde_as_text!(Name);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for text in ["a", "all", "managed_scans", "agent-ci", "2fa", &"a".repeat(64)] {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
        }
        for text in ["", "A", "-a", "_a", "a b", "a:b", "a/b", "é", &"a".repeat(65)] {
            assert_eq!(text.parse::<Name>(), Err(NameError), "{text}");
        }
    }
}
