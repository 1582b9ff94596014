//! Why a signature was not accepted, or could not be made.

use crate::problem::Code;

use super::{DigestError, TargetError};
use crate::time::Timestamp;

/// Why a signed message is refused, or cannot be signed. The facts in it come from the message, never from a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The message has neither `Signature-Input` nor `Signature`.
    #[error("the message is not signed")]
    Missing,
    /// A field is not the structured field that it must be (RFC 9651).
    #[error("the field `{name}` is not a valid structured field")]
    Malformed {
        /// The field, in lower case.
        name: String,
    },
    /// Something is longer or more numerous than its bound.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// A field or what is counted.
        what: String,
        /// The bound, in bytes or pieces.
        limit: usize,
    },
    /// A key or a label occurs twice in one field.
    #[error("`{key}` occurs twice in the field `{name}`")]
    DuplicateKey {
        /// The field, in lower case.
        name: String,
        /// The key or label.
        key: String,
    },
    /// A label stands in only one of `Signature-Input` and `Signature`.
    #[error("the label `{label}` does not occur in the field `{missing_in}`")]
    UnmatchedLabel {
        /// The label.
        label: String,
        /// The field that lacks it.
        missing_in: &'static str,
    },
    /// A component is covered twice (RFC 9421, section 2).
    #[error("the component {component} is covered twice")]
    DuplicateComponent {
        /// The component identifier.
        component: String,
    },
    /// A component identifier that is not known, or with parameters that it cannot have.
    #[error("{component} is not a component that can be signed here")]
    UnknownComponent {
        /// The component identifier.
        component: String,
    },
    /// The message does not have what a component names, or has it more than once.
    #[error("the message has no single {component}")]
    AbsentComponent {
        /// The component identifier.
        component: String,
    },
    /// A field whose value is not printable ASCII was to be covered or read.
    #[error("the field `{name}` has characters that cannot be signed")]
    FieldCharacters {
        /// The field, in lower case.
        name: String,
    },
    /// A parameter of the signature has the wrong type, occurs twice or exceeds its bound (RFC 9421, section 2.3).
    #[error("the signature parameter `{name}` is malformed")]
    MalformedParameter {
        /// The parameter.
        name: String,
    },
    /// A parameter that the policy requires is absent.
    #[error("the signature has no `{name}` parameter")]
    MissingParameter {
        /// The parameter.
        name: &'static str,
    },
    /// `alg` names another algorithm.
    #[error("the signature is said to be `{found}`, not `ecdsa-p256-sha256`")]
    Algorithm {
        /// What `alg` says.
        found: String,
    },
    /// The signature is not the 64 bytes of r and s (RFC 9421, section 3.3.4); ASN.1 DER is not spoken there.
    #[error("the signature has {found} bytes, not the 64 of r and s")]
    Length {
        /// How many bytes it has.
        found: usize,
    },
    /// Several signatures could be meant.
    #[error("the message has several signatures that could be meant: {}", labels.join(", "))]
    Ambiguous {
        /// Their labels.
        labels: Vec<String>,
    },
    /// The label or tag is not one that the policy allows.
    #[error("the signature's {what} is not the expected one")]
    Unexpected {
        /// `label` or `tag`.
        what: &'static str,
    },
    /// The signature does not cover what it must.
    #[error("the signature does not cover {}", components.join(", "))]
    Uncovered {
        /// The component identifiers that are missing.
        components: Vec<String>,
    },
    /// `created` lies further ahead than clocks may differ.
    #[error("the signature was created {} ms after the time of its verification", created.millis_since(*now))]
    FromFuture {
        /// When it says that it was created.
        created: Timestamp,
        /// The time of the verification.
        now: Timestamp,
    },
    /// The signature's window has ended.
    #[error("the signature's window ended {} ms before the time of its verification", now.millis_since(*end))]
    Stale {
        /// The last moment at which it was good.
        end: Timestamp,
        /// The time of the verification.
        now: Timestamp,
    },
    /// No key is known by this `keyid`.
    #[error("the key is not known")]
    UnknownKey,
    /// The signature does not match the message and the key.
    #[error("the signature does not match")]
    Mismatch,
    /// The body does not match its digest, or the digest cannot be read.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The target is not canonical.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl SignatureError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Missing => Code::MissingCredential,
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::DuplicateKey { .. }
            | Self::UnmatchedLabel { .. }
            | Self::DuplicateComponent { .. }
            | Self::UnknownComponent { .. }
            | Self::FieldCharacters { .. }
            | Self::MalformedParameter { .. }
            | Self::Length { .. }
            | Self::Ambiguous { .. }
            | Self::Target(_) => Code::MalformedCredential,
            Self::AbsentComponent { .. }
            | Self::MissingParameter { .. }
            | Self::Algorithm { .. }
            | Self::Unexpected { .. }
            | Self::Uncovered { .. }
            | Self::Mismatch => Code::SignatureInvalid,
            Self::UnknownKey => Code::UnknownToken,
            Self::FromFuture { .. } | Self::Stale { .. } => Code::SignatureStale,
            Self::Digest(error) => error.code(),
        }
    }

    pub(super) fn malformed(name: &str) -> Self {
        Self::Malformed { name: name.to_owned() }
    }
}
