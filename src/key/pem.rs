//! Keys in PEM: PKCS#8 and SPKI, one document of bounded size, with the right label.

use p256::NistP256;
use p256::elliptic_curve::ALGORITHM_OID;
use p256::pkcs8::der::Decode as _;
use p256::pkcs8::der::pem::{self, PemLabel};
use p256::pkcs8::spki::AlgorithmIdentifierRef;
use p256::pkcs8::{AssociatedOid as _, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::error::bounded;
use super::{KeyError, PrivateKey, PublicKey};

/// The DER inside a PEM document. It is wiped in any case, also of public keys: nobody knows what was pasted.
fn decode(text: &str, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = bounded(text)?;
    // The library skips what stands before the document, as RFC 7468 allows. That is where other things hide.
    if !text.starts_with("-----BEGIN ") {
        return Err(KeyError::NotPem);
    }
    // Lines have 64 characters (RFC 7468, section 2), but some writers of PEM make them longer, all alike.
    let mut decoder = pem::Decoder::new_detect_wrap(text.as_bytes()).map_err(|_| KeyError::NotPem)?;
    if decoder.type_label() != expected {
        return Err(KeyError::WrongPemLabel { expected });
    }
    let mut der = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut der).map_err(|_| KeyError::NotPem)?;
    if decoder.is_finished() { Ok(der) } else { Err(KeyError::NotPem) }
}

fn on_p256(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), KeyError> {
    algorithm.assert_oids(ALGORITHM_OID, NistP256::OID).map_err(|_| KeyError::WrongAlgorithm)
}

/// PKCS#8 (RFC 5958) around an EC private key (RFC 5915). Every place where the public key may stand beside is looked
/// at, and must agree.
pub(super) fn private_key(text: &str) -> Result<PrivateKey, KeyError> {
    let document = decode(text, PrivateKeyInfoRef::PEM_LABEL)?;
    let info = PrivateKeyInfoRef::from_der(&document).map_err(|_| KeyError::NotDer)?;
    on_p256(&info.algorithm)?;
    let inner = EcPrivateKey::from_der(info.private_key.as_bytes()).map_err(|_| KeyError::NotDer)?;
    if let Some(EcParameters::NamedCurve(curve)) = inner.parameters
        && curve != NistP256::OID
    {
        return Err(KeyError::WrongAlgorithm);
    }
    let key = PrivateKey::from_bytes(inner.private_key)?;
    let beside = [inner.public_key, info.public_key.as_ref().map(|bits| bits.as_bytes().unwrap_or_default())];
    for public in beside.into_iter().flatten() {
        if PublicKey::from_sec1(public)? != key.public_key() {
            return Err(KeyError::Mismatch);
        }
    }
    Ok(key)
}

/// SPKI (RFC 5480).
pub(super) fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let document = decode(text, SubjectPublicKeyInfoRef::PEM_LABEL).map_err(|error| match error {
        KeyError::WrongPemLabel { .. } if text.contains("PRIVATE KEY") => KeyError::PrivateKeyGiven,
        error => error,
    })?;
    let info = SubjectPublicKeyInfoRef::from_der(&document).map_err(|_| KeyError::NotDer)?;
    on_p256(&info.algorithm)?;
    PublicKey::from_sec1(info.subject_public_key.as_bytes().ok_or(KeyError::NotDer)?)
}
