//! What a page hands to `navigator.credentials`, in the JSON forms of WebAuthn Level 3.

use serde::Serialize;

/// What to hand to `navigator.credentials.create`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PasskeyOptions {
    /// To be sent back with the passkey.
    pub(crate) challenge_id: String,
    pub(crate) public_key: CreationOptions,
}

/// `PublicKeyCredentialCreationOptionsJSON` (WebAuthn Level 3, section 5.4).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PasskeyCreationOptions"))]
pub(crate) struct CreationOptions {
    pub(crate) rp: RelyingParty,
    pub(crate) user: User,
    pub(crate) challenge: String,
    pub(crate) pub_key_cred_params: [Algorithm; 1],
    /// In milliseconds.
    pub(crate) timeout: i64,
    pub(crate) exclude_credentials: Vec<Descriptor>,
    pub(crate) authenticator_selection: Selection,
    pub(crate) attestation: &'static str,
}

/// The host.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct RelyingParty {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// The member, as the authenticator keeps and shows them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PasskeyUser"))]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
}

/// An algorithm of COSE.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PasskeyAlgorithm"))]
pub(crate) struct Algorithm {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// -7 is ES256.
    pub(crate) alg: i32,
}

/// A passkey that is registered already.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PasskeyDescriptor"))]
pub(crate) struct Descriptor {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) transports: Vec<String>,
}

/// Which authenticators will do.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthenticatorSelection"))]
pub(crate) struct Selection {
    pub(crate) resident_key: &'static str,
    pub(crate) require_resident_key: bool,
    pub(crate) user_verification: &'static str,
}
