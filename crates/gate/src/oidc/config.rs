//! The provider, as the operator of the instance configured it.

use symbolon::oidc::is_issuer;
use zeroize::Zeroizing;

/// The longest of these texts, in bytes.
const MAX_LEN: usize = 1024;

/// Why a provider cannot be configured so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OidcConfigError {
    /// Not an issuer.
    #[error("OIDC_ISSUER must be an https address without query, or http on this machine")]
    Issuer,
    /// No name of a client.
    #[error("OIDC_CLIENT_ID must be the client's name with the provider")]
    Client,
    /// A text is too long.
    #[error("what is configured of the provider is too long")]
    TooLong,
}

/// A provider of identities. Without `Debug`: it holds a secret.
pub struct OidcConfig {
    issuer: String,
    client_id: String,
    client_secret: Option<Zeroizing<String>>,
    name: String,
}

impl OidcConfig {
    /// A provider.
    /// - `issuer`: its address, as it writes it itself;
    /// - `client_id`: our name there;
    /// - `client_secret`: none for a public client, which PKCE alone protects;
    /// - `name`: what the button says; none: the issuer's host.
    ///
    /// # Errors
    /// [`OidcConfigError`].
    pub fn new(
        issuer: String,
        client_id: String,
        client_secret: Option<String>,
        name: Option<String>,
    ) -> Result<Self, OidcConfigError> {
        if !is_issuer(&issuer) {
            return Err(OidcConfigError::Issuer);
        }
        if client_id.is_empty() {
            return Err(OidcConfigError::Client);
        }
        let client_secret = client_secret.filter(|secret| !secret.is_empty()).map(Zeroizing::new);
        let host = || issuer.split('/').nth(2).unwrap_or_default().to_owned();
        let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(host);
        let secret_len = client_secret.as_ref().map_or(0, |secret| secret.len());
        if [issuer.len(), client_id.len(), secret_len, name.len()].iter().any(|len| *len > MAX_LEN) {
            return Err(OidcConfigError::TooLong);
        }
        Ok(Self { issuer, client_id, client_secret, name })
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn client_secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(|secret| secret.as_str())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
