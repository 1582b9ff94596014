//! Passkeys: what a relying party checks of a registration and of a sign-in (WebAuthn Level 3, sections 7.1 and 7.2).
//!
//! In scope: ES256 alone, user presence and verification required, attestation `none`, one origin and one RP id, both
//! exact, no use inside frames of other origins. What the caller has to do besides is said at [`register`] and
//! [`authenticate`]: to use each challenge once, to know the credential and its member, to keep the counter.
//!
//! Not in scope: attestation statements and their trust paths, other algorithms, extensions; none is asked for, and
//! their outputs are passed over (section 7.1, step 20, and 7.2, step 23, allow that).
//!
//! It is written here, on [`key`](crate::key) and a CBOR reader, because the library that was tried for it
//! (`webauthn_rp` 0.3) reads the clock while it verifies, which panics on `wasm32-unknown-unknown`, and brings RSA,
//! Ed25519, P-384 and a second P-256 along.

mod authenticator;
mod client_data;
mod cose;
mod error;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions)]
mod tests;

use sha2::{Digest as _, Sha256};

use crate::key::{PublicKey, Signature};
use authenticator::AuthenticatorData;
use client_data::Ceremony;
pub use error::WebAuthnError;

/// The most bytes of a client's data; browsers send some 200.
pub const MAX_CLIENT_DATA_LEN: usize = 4096;
/// The most bytes of an authenticator's data or an attestation object; without an attestation they have some 200.
pub const MAX_AUTHENTICATOR_DATA_LEN: usize = 8192;
/// The longest credential id, in bytes (section 7.1, step 25).
pub const MAX_CREDENTIAL_ID_LEN: usize = 1023;
/// The longest signature in DER, in bytes: two numbers of 33 bytes with their headers.
const MAX_SIGNATURE_LEN: usize = 72;

/// What a ceremony must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The challenge, in base64url as it was handed out.
    pub challenge: &'a str,
    /// The origin of the page: scheme, host and port, as a browser serialises it.
    pub origin: &'a str,
    /// The RP id: a host name.
    pub rp_id: &'a str,
}

/// A passkey that was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The credential's id, as the authenticator chose it.
    pub credential_id: Vec<u8>,
    /// Its public key.
    pub public_key: PublicKey,
    /// The signature counter; 0 where the authenticator has none.
    pub sign_count: u32,
    /// Whether it may be copied to the person's other devices (flag BE). It never changes.
    pub backup_eligible: bool,
    /// Whether it has been copied (flag BS).
    pub backed_up: bool,
}

/// A passkey as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// Its public key.
    pub public_key: &'a PublicKey,
    /// The counter at its last use.
    pub sign_count: u32,
    /// Flag BE, as it was registered.
    pub backup_eligible: bool,
}

/// What is to be kept after a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The new counter.
    pub sign_count: u32,
    /// Flag BS, as it is now.
    pub backed_up: bool,
}

/// Checks a registration: `client_data` and `attestation_object` as the browser hands them over.
///
/// The caller has made sure that the challenge was its own, for this very member, has not expired and was not used
/// before, and afterwards that nobody has registered this credential id (section 7.1, steps 8 and 26).
///
/// # Errors
/// [`WebAuthnError`]: the first check of section 7.1 that fails.
pub fn register(
    expected: &Expected<'_>,
    client_data: &[u8],
    attestation_object: &[u8],
) -> Result<Registered, WebAuthnError> {
    // Steps 5 to 11: the client's data.
    client_data::check(Ceremony::Create, expected, client_data)?;
    // Step 12: the hash of the client's data. Only an attestation would be signed over it, and none is taken.
    // Step 13: the attestation object; step 22 and 24: its format is `none`, with an empty statement.
    let data = cose::attestation_object(attestation_object)?;
    let data = AuthenticatorData::read(&data)?;
    // Steps 14 to 18: RP id, user present, user verified, backup flags.
    data.check(expected.rp_id)?;
    // Step 19: a credential is there; step 20: of an algorithm that was asked for.
    let (credential_id, public_key) = data.credential.ok_or(WebAuthnError::NoCredential)?;
    // Step 25: its id is not too long. The reader has seen to that.
    Ok(Registered {
        credential_id: credential_id.to_vec(),
        public_key,
        sign_count: data.sign_count,
        backup_eligible: data.backup_eligible,
        backed_up: data.backed_up,
    })
}

/// Checks a sign-in: `client_data`, `authenticator_data` and `signature` (in DER) as the browser hands them over.
///
/// The caller has found the passkey by its credential id, compared its member with the user handle (section 7.2, step
/// 6), and made sure that the challenge was its own, has not expired and was not used before (step 12). It then keeps
/// what comes back (step 26), and must keep nothing where this fails.
///
/// # Errors
/// [`WebAuthnError`]: the first check of section 7.2 that fails. [`WebAuthnError::Cloned`] only after the signature has
/// matched: it then says something about the passkey, not about whoever asks.
pub fn authenticate(
    expected: &Expected<'_>,
    kept: &Kept<'_>,
    client_data: &[u8],
    authenticator_data: &[u8],
    signature: &[u8],
) -> Result<Authenticated, WebAuthnError> {
    // Steps 9 to 14: the client's data.
    client_data::check(Ceremony::Get, expected, client_data)?;
    let data = AuthenticatorData::read(authenticator_data)?;
    // Steps 15 to 18: RP id, user present, user verified, backup flags.
    data.check(expected.rp_id)?;
    // Step 19: the backup eligibility is what it was at registration.
    if data.backup_eligible != kept.backup_eligible {
        return Err(WebAuthnError::BackupEligibilityChanged);
    }
    // Steps 20 and 21: the signature over the authenticator's data and the hash of the client's.
    if signature.len() > MAX_SIGNATURE_LEN {
        return Err(WebAuthnError::Signature);
    }
    let signature = Signature::from_der(signature).map_err(|_| WebAuthnError::Signature)?;
    let mut message = authenticator_data.to_vec();
    message.extend_from_slice(&Sha256::digest(client_data));
    if !kept.public_key.verify(&message, &signature) {
        return Err(WebAuthnError::Signature);
    }
    // Step 22: the counter grows, unless the authenticator has none and never had.
    if (data.sign_count != 0 || kept.sign_count != 0) && data.sign_count <= kept.sign_count {
        return Err(WebAuthnError::Cloned { kept: kept.sign_count, shown: data.sign_count });
    }
    Ok(Authenticated { sign_count: data.sign_count, backed_up: data.backed_up })
}
