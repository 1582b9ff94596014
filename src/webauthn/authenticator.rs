//! What the authenticator says (WebAuthn Level 3, section 6.1): fixed bytes, then perhaps a credential and extensions.

use sha2::{Digest as _, Sha256};

use super::{MAX_AUTHENTICATOR_DATA_LEN, MAX_CREDENTIAL_ID_LEN, WebAuthnError, cose};
use crate::key::PublicKey;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKUP_STATE: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// How many bytes the authenticator's model has.
const AAGUID_LEN: usize = 16;

/// What the authenticator says, taken apart.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
    /// The new credential's id and key.
    pub(super) credential: Option<(&'a [u8], PublicKey)>,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it: nothing may be missing, and nothing may follow.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WebAuthnError> {
        if bytes.len() > MAX_AUTHENTICATOR_DATA_LEN {
            return Err(WebAuthnError::AuthenticatorData);
        }
        let mut rest = bytes;
        let rp_id_hash: [u8; 32] = *take(&mut rest)?;
        let [flags] = *take::<1>(&mut rest)?;
        let sign_count = u32::from_be_bytes(*take(&mut rest)?);
        let has = |flag: u8| flags & flag != 0;
        let mut credential = None;
        if has(HAS_CREDENTIAL) {
            take::<AAGUID_LEN>(&mut rest)?;
            let length = usize::from(u16::from_be_bytes(*take(&mut rest)?));
            if length == 0 || length > MAX_CREDENTIAL_ID_LEN {
                return Err(WebAuthnError::AuthenticatorData);
            }
            let (id, after) = rest.split_at_checked(length).ok_or(WebAuthnError::AuthenticatorData)?;
            let (key, after) = cose::public_key(after)?;
            credential = Some((id, key));
            rest = after;
        }
        if has(HAS_EXTENSIONS) {
            rest = cose::skip_map(rest)?;
        }
        if !rest.is_empty() {
            return Err(WebAuthnError::AuthenticatorData);
        }
        let (backup_eligible, backed_up) = (has(BACKUP_ELIGIBLE), has(BACKUP_STATE));
        Ok(Self { rp_id_hash, flags, sign_count, backup_eligible, backed_up, credential })
    }

    /// RP id, user present, user verified, backup flags: section 7.1, steps 14 to 18; section 7.2, steps 15 to 18.
    pub(super) fn check(&self, rp_id: &str) -> Result<(), WebAuthnError> {
        let expected: [u8; 32] = Sha256::digest(rp_id).into();
        if self.rp_id_hash != expected {
            return Err(WebAuthnError::RpId);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(WebAuthnError::UserAbsent);
        }
        if self.flags & USER_VERIFIED == 0 {
            return Err(WebAuthnError::UserNotVerified);
        }
        if self.backed_up && !self.backup_eligible {
            return Err(WebAuthnError::BackupFlags);
        }
        Ok(())
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], WebAuthnError> {
    let (taken, after) = rest.split_first_chunk().ok_or(WebAuthnError::AuthenticatorData)?;
    *rest = after;
    Ok(taken)
}
