//! Errors on their way out: a JavaScript `Error` whose name is the stable code. The package makes classes of them.

use js_sys::Error;
#[cfg(feature = "curve")]
use symbolon::key::KeyError;
use symbolon::problem::Code;
#[cfg(feature = "rules")]
use symbolon::signature::{DigestError, SignatureError};

/// An `Error` with a code for its name.
pub(crate) fn error(code: Code, message: &str) -> Error {
    let error = Error::new(message);
    error.set_name(code.as_str());
    error
}

#[cfg(feature = "curve")]
/// A key that was handed in is the caller's own: what is wrong with it may be told.
pub(crate) fn of_key(cause: KeyError) -> Error {
    error(Code::InvalidRequest, &cause.to_string())
}

#[cfg(feature = "rules")]
/// The core's own words, except where they would bring the printing of dates along.
pub(crate) fn of_signature(cause: &SignatureError) -> Error {
    let message = match cause {
        SignatureError::FromFuture { .. } => "the signature was created in the future".to_owned(),
        SignatureError::Stale { .. } => "the signature's window has ended".to_owned(),
        SignatureError::Missing => "the message is not signed".to_owned(),
        SignatureError::Malformed { name } => format!("the field {name} is not a valid structured field"),
        SignatureError::TooLarge { what, .. } => format!("{what}: too large or too many"),
        SignatureError::DuplicateKey { name, key } => format!("{key} occurs twice in the field {name}"),
        SignatureError::UnmatchedLabel { label, missing_in } => {
            format!("the label {label} does not occur in the field {missing_in}")
        }
        SignatureError::DuplicateComponent { component } => format!("the component {component} is covered twice"),
        SignatureError::UnknownComponent { component } => format!("{component} cannot be signed here"),
        SignatureError::AbsentComponent { component } => format!("the message has no single {component}"),
        SignatureError::FieldCharacters { name } => format!("the field {name} has characters that cannot be signed"),
        SignatureError::MalformedParameter { name } => format!("the signature parameter {name} is malformed"),
        SignatureError::MissingParameter { name } => format!("the signature has no {name} parameter"),
        SignatureError::Algorithm { .. } => "the signature is said to be of another algorithm".to_owned(),
        SignatureError::Length { .. } => "the signature does not have the 64 bytes of r and s".to_owned(),
        SignatureError::Ambiguous { labels } => format!("several signatures could be meant: {}", labels.join(", ")),
        SignatureError::Unexpected { what } => format!("the signature's {what} is not the expected one"),
        SignatureError::Uncovered { components } => {
            format!("the signature does not cover {}", components.join(", "))
        }
        SignatureError::UnknownKey => "the key is not known".to_owned(),
        SignatureError::Mismatch => "the signature does not match".to_owned(),
        SignatureError::Digest(DigestError::Malformed) => "the digest field is malformed".to_owned(),
        SignatureError::Digest(DigestError::NoKnownAlgorithm) => {
            "the digest field has neither sha-256 nor sha-512".to_owned()
        }
        SignatureError::Digest(_) => "the content does not match its digest".to_owned(),
        SignatureError::Target(cause) => cause.to_string(),
        _ => cause.code().title().to_owned(),
    };
    error(cause.code(), &message)
}
