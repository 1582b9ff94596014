//! A provider's description of itself (OpenID Connect Discovery 1.0, section 3; RFC 8414).

use serde::Deserialize;

use super::OidcError;
use crate::json;

/// The longest address that is taken, in bytes.
const MAX_URL_LEN: usize = 2048;

/// How a client shows itself at the token endpoint (OpenID Connect Core 1.0, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: in the `Authorization` field. The default of the standard.
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}

/// A provider, as far as the code flow needs it. Every address is `https`, or all are of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where a code is exchanged.
    pub token_endpoint: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// Where the claims of a person are, if it has such a place.
    pub userinfo_endpoint: Option<String>,
    /// Whether it names itself in its answers (RFC 9207, section 3): then an answer that does not is another's.
    pub names_itself: bool,
    /// How a client with a secret shows itself.
    pub client_authentication: ClientAuthentication,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Provider {
    /// Where the description of an issuer is (Discovery, section 4).
    #[must_use]
    pub fn address(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
    }

    /// Reads a description.
    ///
    /// # Errors
    /// [`OidcError::Issuer`] where it is another issuer's (Discovery, section 4.3: exactly the same text),
    /// [`OidcError::Discovery`] where it lacks something, has an address that is not taken, or says that it knows no
    /// code flow or no PKCE with S256.
    pub fn parse(issuer: &str, json: &str) -> Result<Self, OidcError> {
        let document: Document = json::read(json).map_err(|_| OidcError::Discovery)?;
        if document.issuer != issuer {
            return Err(OidcError::Issuer);
        }
        let has = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|each| each == name))
        };
        let flow = has(&document.response_types_supported, "code");
        // Where it does not say, it is asked all the same: a provider must pass over what it does not know.
        let pkce = has(&document.code_challenge_methods_supported, "S256");
        let addresses = [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri]
            .into_iter()
            .chain(document.userinfo_endpoint.as_ref())
            .all(|url| is_address(url, is_local(issuer)));
        if !(flow && pkce && addresses) {
            return Err(OidcError::Discovery);
        }
        let methods = &document.token_endpoint_auth_methods_supported;
        let client_authentication = if has(methods, "client_secret_basic") {
            ClientAuthentication::Basic
        } else if has(methods, "client_secret_post") {
            ClientAuthentication::Post
        } else {
            return Err(OidcError::Discovery);
        };
        Ok(Self {
            authorization_endpoint: document.authorization_endpoint,
            token_endpoint: document.token_endpoint,
            jwks_uri: document.jwks_uri,
            userinfo_endpoint: document.userinfo_endpoint,
            names_itself: document.authorization_response_iss_parameter_supported,
            client_authentication,
        })
    }
}

/// Whether a text can be an issuer: an `https` address without query and fragment, or one of this machine.
#[must_use]
pub fn is_issuer(text: &str) -> bool {
    is_address(text, true) && !text.contains('?')
}

/// Whether an address may be fetched: `https`, or `http` on this machine where that is allowed.
fn is_address(url: &str, local: bool) -> bool {
    let clean =
        url.len() <= MAX_URL_LEN && url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['#', '\\']);
    let secure = url.strip_prefix("https://").is_some_and(|rest| is_authority(authority(rest)));
    clean && (secure || (local && is_local(url)))
}

fn is_local(url: &str) -> bool {
    let Some(authority) = url.strip_prefix("http://").map(authority) else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// A host with an optional port, and nobody's name before it.
fn is_authority(authority: &str) -> bool {
    !authority.is_empty() && !authority.contains('@') && !authority.starts_with(':')
}
