//! What a `keyid` says about whose key it is.

use core::fmt;

use crate::id::ShortId;
use crate::key::Thumbprint;

/// A `keyid`, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyId {
    /// The native form, `<organisation short id>.<RFC 7638 thumbprint>`: it says whom to ask.
    Native {
        /// The organisation's short id.
        organization: ShortId,
        /// The key's thumbprint.
        thumbprint: Thumbprint,
    },
    /// A thumbprint alone, which the locator finds.
    Thumbprint(Thumbprint),
    /// Any other text; it means what a profile makes of it.
    Other(String),
}

impl From<&str> for KeyId {
    fn from(text: &str) -> Self {
        if let Ok(thumbprint) = text.parse() {
            return Self::Thumbprint(thumbprint);
        }
        text.split_once('.')
            .and_then(|(organization, thumbprint)| {
                Some(Self::Native { organization: organization.parse().ok()?, thumbprint: thumbprint.parse().ok()? })
            })
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native { organization, thumbprint } => write!(f, "{}.{thumbprint}", organization.as_str()),
            Self::Thumbprint(thumbprint) => thumbprint.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_are_told_apart_and_printed_as_they_were() {
        let thumbprint = "IIjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMoE";
        let native = format!("Ab3xZ9.{thumbprint}");
        assert!(
            matches!(KeyId::from(native.as_str()), KeyId::Native { organization, .. } if organization.as_str() == "Ab3xZ9")
        );
        assert!(matches!(KeyId::from(thumbprint), KeyId::Thumbprint(_)));
        let others = ["", ".", "sig77", "Ab3xZ9.", "Ab3xZ9.x", "Ab3x!9.IIjH0YUh96ftNwT0qcBYJ2YHrPzRjMGK9Cw3xsYlMoE"];
        for text in others {
            assert_eq!(KeyId::from(text), KeyId::Other(text.to_owned()));
        }
        for text in [native.as_str(), thumbprint].into_iter().chain(others) {
            assert_eq!(KeyId::from(text).to_string(), text);
        }
    }
}
