//! Why a ceremony was refused.

/// Why a registration or a sign-in with a passkey was refused: the first check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebAuthnError {
    /// The client's data is no JSON of the expected form, or too long.
    #[error("the client's data cannot be read")]
    ClientData,
    /// The client's data is of the other ceremony.
    #[error("the client's data is of another ceremony")]
    Type,
    /// The challenge is not the one that was handed out.
    #[error("the challenge is another")]
    Challenge,
    /// The page was of another origin.
    #[error("the origin is another")]
    Origin,
    /// The page was inside a frame of another origin.
    #[error("the page was inside another origin's frame")]
    CrossOrigin,
    /// The attestation object is not of the expected form, or too long.
    #[error("the attestation object cannot be read")]
    AttestationObject,
    /// An attestation came, though none was asked for.
    #[error("an attestation was sent, and none is taken")]
    Attestation,
    /// The authenticator's data is not of the expected form, or too long.
    #[error("the authenticator's data cannot be read")]
    AuthenticatorData,
    /// The passkey is of another RP id.
    #[error("the passkey belongs to another host")]
    RpId,
    /// Nobody was present (flag UP).
    #[error("nobody was present")]
    UserAbsent,
    /// The person was not verified (flag UV).
    #[error("the person was not verified")]
    UserNotVerified,
    /// A passkey that cannot be backed up says that it is (flags BE and BS).
    #[error("the backup flags contradict each other")]
    BackupFlags,
    /// The passkey's backup eligibility is not what it was at registration.
    #[error("the backup eligibility has changed")]
    BackupEligibilityChanged,
    /// No credential came with a registration.
    #[error("no credential was sent")]
    NoCredential,
    /// The key is not one for ES256.
    #[error("the key is not one for ES256")]
    Key,
    /// The signature is not one by the passkey.
    #[error("the signature is not one by this passkey")]
    Signature,
    /// The counter did not grow: there may be a copy of the passkey.
    #[error("the counter went from {kept} to {shown}: there may be a copy of the passkey")]
    Cloned {
        /// The counter at the last use.
        kept: u32,
        /// The counter now.
        shown: u32,
    },
}

impl WebAuthnError {
    /// A stable name for the activity log.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ClientData => "client_data",
            Self::Type => "type",
            Self::Challenge => "challenge",
            Self::Origin => "origin",
            Self::CrossOrigin => "cross_origin",
            Self::AttestationObject => "attestation_object",
            Self::Attestation => "attestation",
            Self::AuthenticatorData => "authenticator_data",
            Self::RpId => "rp_id",
            Self::UserAbsent => "user_absent",
            Self::UserNotVerified => "user_not_verified",
            Self::BackupFlags => "backup_flags",
            Self::BackupEligibilityChanged => "backup_eligibility",
            Self::NoCredential => "no_credential",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Cloned { .. } => "cloned",
        }
    }
}
