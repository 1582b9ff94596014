//! An ID token on the wire: a JWS in compact form (RFC 7515, section 7.1).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;

use super::claims::Claims;
use super::{Expected, Identity, MAX_ID_TOKEN_LEN, OidcError};
use crate::json;

/// An algorithm that is taken (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// Its name in a header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// An ID token whose signature nobody has checked yet: nothing of its claims can be had before [`IdToken::check`].
#[derive(Clone, Debug)]
pub struct IdToken {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: String,
    signature: Vec<u8>,
    claims: Vec<u8>,
}

/// The members of a header that matter; `crit` names extensions that must be understood, and none is.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
    b64: Option<serde_json::Value>,
}

impl IdToken {
    /// Takes one apart.
    ///
    /// # Errors
    /// [`OidcError::Malformed`], or [`OidcError::Algorithm`] where it is signed otherwise, or not at all.
    pub fn parse(text: &str) -> Result<Self, OidcError> {
        if text.len() > MAX_ID_TOKEN_LEN {
            return Err(OidcError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(OidcError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(OidcError::Malformed)?;
        let bytes = |text: &str| Base64UrlUnpadded::decode_vec(text).map_err(|_| OidcError::Malformed);
        let header: Header = json::read_slice(&bytes(header)?).map_err(|_| OidcError::Malformed)?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(OidcError::Malformed);
        }
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return Err(OidcError::Algorithm),
        };
        Ok(Self {
            algorithm,
            kid: header.kid,
            signed: signed.to_owned(),
            signature: bytes(signature)?,
            claims: bytes(claims)?,
        })
    }

    /// With what it says that it is signed.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key with which it says that it is signed.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What was signed.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// The signature's bytes.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Checks the claims (OpenID Connect Core 1.0, section 3.1.3.7). `genuine`: whether the signature was found right
    /// with a key of the provider's for [`IdToken::algorithm`].
    ///
    /// # Errors
    /// [`OidcError::Signature`] if it was not; else what is wrong with the claims.
    pub fn check(&self, genuine: bool, expected: &Expected<'_>) -> Result<Identity, OidcError> {
        if !genuine {
            return Err(OidcError::Signature);
        }
        let claims: Claims = json::read_slice(&self.claims).map_err(|_| OidcError::Malformed)?;
        claims.check(expected)
    }
}
