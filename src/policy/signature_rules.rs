//! What a signed request must look like for a kind: components, window, labels and replay (RFC 9421).

use serde::{Deserialize, Serialize};

/// When a signed request that was accepted once may be accepted again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// `window` for GET and HEAD, `once` for all other methods.
    #[default]
    ByMethod,
    /// As often as one likes inside its window.
    Window,
    /// Never, anywhere.
    Once,
}

impl Replay {
    /// Whether a request with this method is accepted once only. Methods are case-sensitive (RFC 9110, section 9.1).
    #[must_use]
    pub fn is_once(self, method: &str) -> bool {
        match self {
            Self::ByMethod => !matches!(method, "GET" | "HEAD"),
            Self::Window => false,
            Self::Once => true,
        }
    }
}

/// What a signed request must look like. Where nothing is said, what the native signers send, without insisting on
/// `nonce`, `expires` and `tag`, which are optional.
///
/// `created` is always required: without it there is no window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SignatureRules {
    /// The components that must be covered, as RFC 9421 names them, without quotes.
    pub components: Vec<String>,
    /// Those that must be covered besides, where the request has a body. A body must always be covered by its digest.
    pub components_with_body: Vec<String>,
    /// How long after `created` it holds, in seconds: 1 to 3600.
    pub max_age_seconds: u16,
    /// How far `created` may lie in the future, in seconds: at most 300.
    pub max_future_seconds: u16,
    /// The most that `expires` may be after `created`, in seconds: 1 to 3600.
    pub max_window_seconds: u16,
    /// Whether there must be a nonce.
    pub nonce_required: bool,
    /// The tag that the signature must have; none means any or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The labels of which it must have one; an empty list means any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Whether one that was accepted may be accepted again.
    pub replay: Replay,
    /// Whether the header X-Fingerprint may name the key, for signatures without `keyid`.
    pub fingerprint_header: bool,
    /// The strict mode: full native components, nonce and tag are required, whatever the rest says, and any label will
    /// do. For organisations whose clients all sign natively.
    pub strict: bool,
}

impl Default for SignatureRules {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            components: names(Self::NATIVE),
            components_with_body: names(Self::NATIVE_WITH_BODY),
            max_age_seconds: 60,
            max_future_seconds: 5,
            max_window_seconds: 300,
            nonce_required: false,
            tag: None,
            labels: Vec::new(),
            replay: Replay::ByMethod,
            fingerprint_header: false,
            strict: false,
        }
    }
}

impl SignatureRules {
    /// What the native signers always cover.
    pub const NATIVE: &[&str] = &["@method", "@authority", "@path", "@query"];
    /// What they cover besides, where there is a body.
    pub const NATIVE_WITH_BODY: &[&str] = &["content-digest", "content-type"];
    /// The tag that they set.
    pub const NATIVE_TAG: &str = "symbolon";
    /// The derived components that can be required (RFC 9421, section 2.2); all else is a field's name in lower case.
    pub const DERIVED: &[&str] =
        &["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"];

    /// The rules as they are applied: in strict mode, the full native ones with this window; else as declared.
    #[must_use]
    pub fn applied(&self) -> Self {
        if !self.strict {
            return self.clone();
        }
        Self {
            max_age_seconds: self.max_age_seconds,
            max_future_seconds: self.max_future_seconds,
            max_window_seconds: self.max_window_seconds,
            nonce_required: true,
            tag: Some(Self::NATIVE_TAG.to_owned()),
            replay: self.replay,
            strict: true,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_accepted_once() {
        for (replay, method, once) in [
            (Replay::ByMethod, "GET", false),
            (Replay::ByMethod, "HEAD", false),
            (Replay::ByMethod, "POST", true),
            (Replay::ByMethod, "get", true),
            (Replay::Window, "POST", false),
            (Replay::Once, "GET", true),
        ] {
            assert_eq!(replay.is_once(method), once, "{replay:?} {method}");
        }
    }

    #[test]
    fn strict_mode_overrides_what_was_loosened() {
        let loose = SignatureRules {
            components: vec!["@method".to_owned()],
            components_with_body: vec!["content-digest".to_owned()],
            max_age_seconds: 10,
            labels: vec!["sig77".to_owned()],
            replay: Replay::Once,
            fingerprint_header: true,
            ..SignatureRules::default()
        };
        assert_eq!(loose.applied(), loose);
        let strict = SignatureRules { strict: true, ..loose }.applied();
        assert_eq!(strict.components, SignatureRules::NATIVE);
        assert_eq!(strict.components_with_body, SignatureRules::NATIVE_WITH_BODY);
        assert_eq!(strict.tag.as_deref(), Some("symbolon"));
        assert_eq!((strict.max_age_seconds, strict.replay), (10, Replay::Once));
        assert!(strict.nonce_required && strict.labels.is_empty() && !strict.fingerprint_header);
    }
}
