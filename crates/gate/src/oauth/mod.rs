//! `/oauth/…`: logins of devices (RFC 8628), introspection (RFC 7662), revocation (RFC 7009) and the metadata that says
//! where they are (RFC 8414).
//!
//! Requests are forms, answers JSON, and errors have the form of RFC 6749, section 5.2. There are no registered clients:
//! a device collects with its device code, a token is revoked by whoever holds it, and whoever introspects shows a
//! credential of their own that may verify others.

mod device;
mod form;
mod introspect;
mod revoke;

use serde::Serialize;
use symbolon::problem::Problem;
use symbolon::protocol::message::HttpResponse;

#[cfg(feature = "schema")]
pub(crate) use device::{
    AccessToken, CollectedToken, DeviceAuthorization, DeviceAuthorizationRequest, DeviceTokenRequest, Poll,
};
pub(crate) use device::{authorize, collect_with_key, token};
pub(crate) use introspect::introspect;
#[cfg(feature = "schema")]
pub(crate) use introspect::{Introspection, IntrospectionRequest};
pub(crate) use revoke::revoke;
#[cfg(feature = "schema")]
pub(crate) use revoke::{Nothing, RevocationRequest};

use crate::refusal;
use crate::request::Address;

/// The grant type of RFC 8628, section 3.4.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Where the calls of OAuth are, and what they take (RFC 8414, section 2).
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorizationServerMetadata"))]
pub(crate) struct Metadata<'a> {
    issuer: &'a str,
    device_authorization_endpoint: String,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    grant_types_supported: [&'static str; 1],
    response_types_supported: [String; 0],
    token_endpoint_auth_methods_supported: [&'static str; 1],
    introspection_endpoint_auth_methods_supported: [&'static str; 1],
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    service_documentation: String,
}

/// The metadata.
pub(crate) fn metadata(address: Address<'_>) -> HttpResponse {
    let origin = address.origin;
    let document = Metadata {
        issuer: origin,
        device_authorization_endpoint: format!("{origin}/oauth/device_authorization"),
        token_endpoint: format!("{origin}/oauth/token"),
        introspection_endpoint: format!("{origin}/oauth/introspect"),
        revocation_endpoint: format!("{origin}/oauth/revoke"),
        grant_types_supported: [DEVICE_GRANT],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: ["none"],
        introspection_endpoint_auth_methods_supported: ["Bearer"],
        revocation_endpoint_auth_methods_supported: ["none"],
        service_documentation: format!("{origin}/docs"),
    };
    refusal::json(200, no_cache(), &document)
}

/// What the answers of a token endpoint have besides (RFC 6749, section 5.1).
fn no_cache() -> Vec<(String, String)> {
    vec![("pragma".to_owned(), "no-cache".to_owned())]
}

/// An error in the form of RFC 6749, section 5.2.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OauthError"))]
pub(crate) struct ErrorDocument<'a> {
    /// The stable code, such as `authorization_pending`.
    error: &'a str,
    /// What is wrong, for people.
    error_description: &'a str,
}

/// An error (RFC 6749, section 5.2).
pub(crate) struct OauthError {
    status: u16,
    error: &'static str,
    description: String,
    retry_after: Option<u32>,
}

impl OauthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: 400, error, description: description.into(), retry_after: None }
    }

    /// Nothing can be said now.
    fn unavailable() -> Self {
        Self { status: 503, retry_after: Some(1), ..Self::new("temporarily_unavailable", "Try again in a moment.") }
    }

    /// The response to it.
    pub(crate) fn response(&self) -> HttpResponse {
        let mut headers = no_cache();
        if let Some(seconds) = self.retry_after {
            headers.push(("retry-after".to_owned(), seconds.to_string()));
        }
        let body = ErrorDocument { error: self.error, error_description: &self.description };
        refusal::json(self.status, headers, &body)
    }
}

impl From<Problem> for OauthError {
    /// What is limited.
    fn from(problem: Problem) -> Self {
        let description = problem.detail.unwrap_or(problem.title);
        Self { status: problem.status, retry_after: problem.retry_after, ..Self::new("slow_down", description) }
    }
}

impl From<crate::ports::Unavailable> for OauthError {
    fn from(_: crate::ports::Unavailable) -> Self {
        Self::unavailable()
    }
}
