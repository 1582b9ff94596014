//! Keys as JWK (RFC 7517; RFC 7518, section 6.2), read as strictly as the other forms.

use std::borrow::Cow;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::bounded;
use super::{KeyError, PrivateKey, PublicKey};

/// A coordinate or a scalar: 32 bytes, in 43 characters. RFC 7518 wants the whole length, leading zeros included.
const FIELD_LEN: usize = 32;
const FIELD_TEXT_LEN: usize = 43;

/// The members that matter. A member that comes twice is an error of serde's; members not named here are passed over.
#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow)]
    y: Option<Cow<'a, str>>,
    /// Borrowed alone: written with escapes it would be unescaped into memory that nobody wipes, and is refused.
    d: Option<&'a str>,
    #[serde(borrow)]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "use")]
    purpose: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key_ops: Option<Vec<Cow<'a, str>>>,
}

impl<'a> Jwk<'a> {
    fn read(text: &'a str, operation: &str) -> Result<Self, KeyError> {
        let jwk: Self = serde_json::from_str(bounded(text)?).map_err(|_| KeyError::NotJwk)?;
        if jwk.kty != "EC" || jwk.crv.as_deref() != Some("P-256") {
            return Err(KeyError::WrongAlgorithm);
        }
        let for_signatures = jwk.alg.as_deref().is_none_or(|alg| alg == "ES256")
            && jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|each| each == operation));
        if for_signatures { Ok(jwk) } else { Err(KeyError::WrongUse) }
    }

    fn point(&self) -> Result<PublicKey, KeyError> {
        let x = field(self.x.as_deref().ok_or(KeyError::NotJwk)?)?;
        let y = field(self.y.as_deref().ok_or(KeyError::NotJwk)?)?;
        PublicKey::from_coordinates(&x, &y)
    }
}

fn field(text: &str) -> Result<Zeroizing<[u8; FIELD_LEN]>, KeyError> {
    if text.len() != FIELD_TEXT_LEN {
        return Err(KeyError::WrongLength { expected: FIELD_TEXT_LEN, actual: text.len() });
    }
    let mut bytes = Zeroizing::new([0; FIELD_LEN]);
    Base64UrlUnpadded::decode(text, bytes.as_mut_slice()).map_err(|_| KeyError::NotBase64Url)?;
    Ok(bytes)
}

pub(super) fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let jwk = Jwk::read(text, "verify")?;
    if jwk.d.is_some() {
        return Err(KeyError::PrivateKeyGiven);
    }
    jwk.point()
}

pub(super) fn private_key(text: &str) -> Result<PrivateKey, KeyError> {
    let jwk = Jwk::read(text, "sign")?;
    let public = jwk.point()?;
    let key = PrivateKey::from_bytes(field(jwk.d.ok_or(KeyError::NotJwk)?)?.as_slice())?;
    if key.public_key() == public { Ok(key) } else { Err(KeyError::Mismatch) }
}

/// The form whose hash is the thumbprint: the required members in the order of their names, and no spaces (RFC 7638,
/// section 3). It is a JWK like any other, and the one that is given out.
pub(super) fn canonical(key: &PublicKey) -> String {
    let (x, y) = key.coordinates();
    let (x, y) = (Base64UrlUnpadded::encode_string(&x), Base64UrlUnpadded::encode_string(&y));
    format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
}

pub(super) fn with_secret(key: &PrivateKey) -> Zeroizing<String> {
    let (x, y) = key.public_key().coordinates();
    let d = Zeroizing::new(Base64UrlUnpadded::encode_string(key.to_bytes().as_slice()));
    // Written piece by piece into room enough, since a text that grows leaves copies behind.
    let mut jwk = Zeroizing::new(String::with_capacity(256));
    for piece in [
        r#"{"crv":"P-256","d":""#,
        &d,
        r#"","kty":"EC","x":""#,
        &Base64UrlUnpadded::encode_string(&x),
        r#"","y":""#,
        &Base64UrlUnpadded::encode_string(&y),
        r#""}"#,
    ] {
        jwk.push_str(piece);
    }
    jwk
}
