//! What went wrong, said the same way in Rust, over HTTP and in JavaScript.
//!
//! A [`Code`] is stable: clients compare it. A [`Problem`] is the document of RFC 9457 that carries it. No problem
//! ever holds a secret, and whoever presents no valid credential learns no more than the code says.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $title:literal;)+) => {
        /// The stable name of a cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ProblemCode"))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// One sentence for people, the same for every occurrence (RFC 9457, section 3.1.3).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    /// The request carries no credential.
    MissingCredential = "missing_credential", 401, "The request carries no credential.";
    /// The credential is not of any known form, or two different ones were sent.
    MalformedCredential = "malformed_credential", 401, "The credential is malformed.";
    /// No such token, or not one for the asker to know of.
    UnknownToken = "unknown_token", 401, "The token is not known.";
    /// The token's time has ended, or not yet begun.
    Expired = "expired", 401, "The token has expired.";
    /// The token was revoked.
    Revoked = "revoked", 401, "The token has been revoked.";
    /// The token is switched off.
    Inactive = "inactive", 401, "The token is not active.";
    /// The member who owns the token is suspended or removed.
    OwnerSuspended = "owner_suspended", 401, "The token's owner is suspended.";
    /// The token may not do this.
    InsufficientPermission = "insufficient_permission", 403, "The token does not permit this.";
    /// The token wants its passphrase beside it.
    PassphraseRequired = "passphrase_required", 401, "The token needs its passphrase.";
    /// The passphrase is not the token's.
    PassphraseWrong = "passphrase_wrong", 401, "The passphrase is wrong.";
    /// The signature does not verify, or does not cover what it must.
    SignatureInvalid = "signature_invalid", 401, "The signature is not valid.";
    /// The signature is too old, or from the future.
    SignatureStale = "signature_stale", 401, "The signature is outside its time window.";
    /// The body is not the one that was signed.
    DigestMismatch = "digest_mismatch", 401, "The body does not match its digest.";
    /// The signed request was accepted before.
    Replayed = "replayed", 401, "The signed request was used before.";
    /// Too many wrong passphrases: the token is locked for a while.
    Locked = "locked", 401, "The token is locked for a while.";
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests.";
    /// The organisation's authority cannot be reached, so nothing can be decided.
    AuthorityUnavailable = "authority_unavailable", 503, "The authority cannot be reached.";
    /// The request is not of the form that the contract asks for.
    InvalidRequest = "invalid_request", 400, "The request is not valid.";
    /// No such thing, or not one for the asker to know of.
    NotFound = "not_found", 404, "Not found.";
    /// The thing exists already, or has changed meanwhile.
    Conflict = "conflict", 409, "The request conflicts with what is there.";
    /// This kind of token does not let that be changed.
    NotEditable = "not_editable", 409, "This cannot be changed.";
    /// The request is larger than the bound.
    TooLarge = "too_large", 413, "The request is too large.";
    /// The method is not one that this path has.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here.";
    /// Our own fault; details are in the log, not here.
    Internal = "internal", 500, "Something went wrong on our side.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field of the request and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// Where: a JSON path such as `expires_at` or `grants[2].resource`.
    pub field: String,
    /// What is wrong and what is allowed, for people; never the value of a secret.
    pub message: String,
}

/// A problem document (RFC 9457) with Symbolon's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// A URI reference that names the kind of problem: `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: Code,
    /// What this occurrence is about and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The fields at fault, with `invalid_request`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds to wait before trying again, with `rate_limited`, `locked` and `authority_unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The permission that was missing, with `insufficient_permission`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<String>,
}

impl Problem {
    /// A problem of this code, with nothing more said.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: None,
            errors: Vec::new(),
            retry_after: None,
            required: None,
        }
    }

    /// Says what this occurrence is about and what to do next.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// An `invalid_request` about one field.
    #[must_use]
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// An `invalid_request` about several fields.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(Code::InvalidRequest) }
    }

    /// Says when to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Names the permission that was missing.
    #[must_use]
    pub fn required(mut self, permission: impl Into<String>) -> Self {
        self.required = Some(permission.into());
        self
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail.as_deref().unwrap_or(&self.title))
    }
}

impl core::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_on_the_wire_is_the_same_everywhere() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(serde_json::from_value::<Code>(code.as_str().into()).unwrap(), *code);
        }
    }

    #[test]
    fn a_problem_is_a_document_of_rfc_9457() {
        let problem = Problem::field("name", "must have 1 to 255 characters");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "type": "/problems/invalid_request", "title": "The request is not valid.", "status": 400,
                "code": "invalid_request", "errors": [{"field": "name", "message": "must have 1 to 255 characters"}],
            })
        );
    }
}
