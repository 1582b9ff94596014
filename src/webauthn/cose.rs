//! The CBOR in a registration: the attestation object (WebAuthn Level 3, section 6.5.4) and the key (RFC 9052, section
//! 7; RFC 9053, section 7.1.1).

use minicbor::Decoder;
use minicbor::data::Type;

use super::{MAX_AUTHENTICATOR_DATA_LEN, WebAuthnError};
use crate::key::PublicKey;

/// The most members of a key; ES256 has five.
const MAX_KEY_MEMBERS: u64 = 16;

/// The authenticator's data out of an attestation object of the format `none`.
pub(super) fn attestation_object(bytes: &[u8]) -> Result<Vec<u8>, WebAuthnError> {
    let unreadable = WebAuthnError::AttestationObject;
    if bytes.len() > MAX_AUTHENTICATOR_DATA_LEN {
        return Err(unreadable);
    }
    let mut decoder = Decoder::new(bytes);
    let (mut format, mut statement, mut data) = (None, None, None);
    // CTAP's canonical CBOR has definite lengths alone, and each member once.
    if decoder.map().map_err(|_| unreadable)? != Some(3) {
        return Err(unreadable);
    }
    for _ in 0..3 {
        match decoder.str().map_err(|_| unreadable)? {
            "fmt" if format.is_none() => format = Some(decoder.str().map_err(|_| unreadable)?),
            "attStmt" if statement.is_none() => {
                statement = Some(decoder.probe().map().map_err(|_| unreadable)?);
                decoder.skip().map_err(|_| unreadable)?;
            }
            "authData" if data.is_none() => data = Some(decoder.bytes().map_err(|_| unreadable)?),
            _ => return Err(unreadable),
        }
    }
    if decoder.position() != bytes.len() {
        return Err(unreadable);
    }
    match (format, statement, data) {
        (Some("none"), Some(Some(0)), Some(data)) => Ok(data.to_vec()),
        (Some(_), Some(_), Some(_)) => Err(WebAuthnError::Attestation),
        _ => Err(unreadable),
    }
}

/// Reads the key that the bytes begin with, and what follows it.
pub(super) fn public_key(bytes: &[u8]) -> Result<(PublicKey, &[u8]), WebAuthnError> {
    let unreadable = WebAuthnError::AuthenticatorData;
    let mut decoder = Decoder::new(bytes);
    let members = decoder.map().map_err(|_| unreadable)?.ok_or(unreadable)?;
    if members > MAX_KEY_MEMBERS {
        return Err(unreadable);
    }
    let (mut kind, mut algorithm, mut curve, mut x, mut y) = (None, None, None, None, None);
    for _ in 0..members {
        match decoder.i64().map_err(|_| unreadable)? {
            1 if kind.is_none() => kind = Some(decoder.i64().map_err(|_| WebAuthnError::Key)?),
            3 if algorithm.is_none() => algorithm = Some(decoder.i64().map_err(|_| WebAuthnError::Key)?),
            -1 if curve.is_none() => curve = Some(integer(&mut decoder)?),
            -2 if x.is_none() => x = Some(coordinate(&mut decoder)?),
            -3 if y.is_none() => y = Some(coordinate(&mut decoder)?),
            // RFC 9052, section 7: a member that comes twice; and none other than these may be in a key of a credential
            // (WebAuthn Level 3, section 6.5.1.1).
            _ => return Err(WebAuthnError::Key),
        }
    }
    // EC2, ES256, P-256.
    let (Some(2), Some(-7), Some(1), Some(x), Some(y)) = (kind, algorithm, curve, x, y) else {
        return Err(WebAuthnError::Key);
    };
    let key = PublicKey::from_coordinates(&x, &y).map_err(|_| WebAuthnError::Key)?;
    let rest = bytes.get(decoder.position()..).ok_or(unreadable)?;
    Ok((key, rest))
}

/// Passes over a map, and says what follows it.
pub(super) fn skip_map(bytes: &[u8]) -> Result<&[u8], WebAuthnError> {
    let unreadable = WebAuthnError::AuthenticatorData;
    let mut decoder = Decoder::new(bytes);
    if decoder.datatype().map_err(|_| unreadable)? != Type::Map {
        return Err(unreadable);
    }
    decoder.skip().map_err(|_| unreadable)?;
    bytes.get(decoder.position()..).ok_or(unreadable)
}

/// A number; a byte string there is another type's key, such as RSA's modulus.
fn integer(decoder: &mut Decoder<'_>) -> Result<i64, WebAuthnError> {
    decoder.i64().map_err(|_| WebAuthnError::Key)
}

/// A coordinate of 32 bytes; a compressed y (true or false) is not taken, as WebAuthn asks for the uncompressed form.
fn coordinate(decoder: &mut Decoder<'_>) -> Result<[u8; 32], WebAuthnError> {
    decoder.bytes().ok().and_then(|bytes| bytes.try_into().ok()).ok_or(WebAuthnError::Key)
}
