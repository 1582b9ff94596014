//! The bodies of requests.

use serde::{Deserialize, Serialize};
use symbolon::policy::{AskedGrant, Change};
use symbolon::time::Timestamp;

use crate::organization::http::body::request;
use crate::organization::member::Status;

/// An object that is looked at later.
type Object = serde_json::Map<String, serde_json::Value>;

request! {
    /// A token to be made. What its kind allows and requires is in `GET /v1/kinds`.
    pub(crate) struct CreateToken {
        /// The name of a kind.
        required kind: String,
        /// Its name; the kind says whether it must be there, how long it is, and what it is otherwise.
        optional name: Option<String>,
        /// What it is for.
        optional description: Option<String>,
        /// The names of scopes.
        optional scopes: Option<Vec<String>>,
        /// Single permissions, such as `api:read`.
        optional permissions: Option<Vec<String>>,
        /// Permissions that are limited to resources.
        optional grants: Option<Vec<AskedGrant>>,
        /// The name of a role that bounds it, where the kind has one.
        optional role: Option<String>,
        /// The service that it is for, where the kind has services.
        optional service: Option<String>,
        /// When it ends; null means never, where the kind allows that. Left out: as the kind says.
        optional expires_at: Change<Timestamp>,
        /// When it begins.
        optional not_before: Option<Timestamp>,
        /// What must be sent beside the secret.
        optional passphrase: Option<String>,
        /// The public key of a token that signs: there is no secret then.
        optional public_key: Option<PublicKeyText>,
        /// With `public_key`: that its private half is yours.
        optional proof: Option<PossessionProof>,
        /// False makes it switched off.
        optional active: Option<bool>,
    }
}

request! {
    /// Tokens of another system, 1 to 100.
    pub(crate) struct ImportTokens {
        /// Each with one hash.
        required tokens: Vec<Object> as Vec<ImportToken>,
    }
}

request! {
    /// A token of another system: the hash of its secret, and otherwise what a new token has.
    pub(crate) struct ImportToken {
        /// The name of a kind.
        required kind: String,
        /// Whose it becomes, by their id, where members own tokens of the kind: your own where nothing is said.
        optional owner: Option<String>,
        /// The SHA-256 of the secret, in 64 lower-case hexadecimal digits.
        optional sha256: Option<String>,
        /// Or its bcrypt hash.
        optional bcrypt: Option<String>,
        /// The secret's public first characters; with `bcrypt` it is found by them.
        optional prefix: Option<String>,
        /// Its name.
        optional name: Option<String>,
        /// What it is for.
        optional description: Option<String>,
        /// The names of scopes.
        optional scopes: Option<Vec<String>>,
        /// Single permissions.
        optional permissions: Option<Vec<String>>,
        /// Permissions that are limited to resources.
        optional grants: Option<Vec<AskedGrant>>,
        /// The name of a role that bounds it.
        optional role: Option<String>,
        /// The service that it is for.
        optional service: Option<String>,
        /// When it ends; null means never.
        optional expires_at: Change<Timestamp>,
        /// False makes it switched off.
        optional active: Option<bool>,
    }
}

request! {
    /// A merge patch (RFC 7396): what is left out stays, and null takes away what can be without.
    pub(crate) struct EditToken {
        /// Its name.
        optional name: Change<String>,
        /// What it is for.
        optional description: Change<String>,
        /// The names of scopes.
        optional scopes: Change<Vec<String>>,
        /// Single permissions.
        optional permissions: Change<Vec<String>>,
        /// Permissions that are limited to resources.
        optional grants: Change<Vec<AskedGrant>>,
        /// The name of a role that bounds it.
        optional role: Change<String>,
        /// When it ends; null means never.
        optional expires_at: Change<Timestamp>,
        /// False switches it off, true on again.
        optional active: Change<bool>,
        /// What must be sent beside the secret.
        optional passphrase: Change<String>,
        /// The service that it is for.
        optional service: Change<String>,
    }
}

request! {
    /// How a secret is replaced.
    pub(crate) struct RotateToken {
        /// How long the old secret lives on, in seconds, as far as the kind allows; nothing said means not at all.
        optional grace_seconds: Option<u32>,
    }
}

request! {
    /// How a secret is replaced, and until when it holds.
    pub(crate) struct RegenerateToken {
        /// When the token ends from now on; null means never, where the kind allows that.
        optional expires_at: Change<Timestamp>,
    }
}

request! {
    /// Somebody who takes part from now on.
    pub(crate) struct CreateMember {
        /// 1 to 255 characters.
        required name: String,
        /// Their mail address.
        required email: String,
        /// The name of a role, at most your own.
        required role: String,
    }
}

request! {
    /// What changes about a member.
    pub(crate) struct EditMember {
        /// 1 to 255 characters.
        optional name: Option<String>,
        /// Their mail address.
        optional email: Option<String>,
        /// The name of a role, at most your own.
        optional role: Option<String>,
        /// Active or suspended: a member is removed by DELETE.
        optional status: Option<Status>,
    }
}

request! {
    /// A passkey that was just made.
    pub(crate) struct AddPasskey {
        /// From the options that it was made with.
        required challenge_id: String,
        /// What you call it, 1 to 255 characters.
        required name: String,
        /// What the browser's `toJSON()` gives: `RegistrationResponseJSON` of WebAuthn Level 3.
        required credential: Object,
    }
}

request! {
    /// A passkey that answers a challenge.
    pub(crate) struct CreateSession {
        /// From the options that it was asked with.
        required challenge_id: String,
        /// What the browser's `toJSON()` gives: `AuthenticationResponseJSON` of WebAuthn Level 3.
        required credential: Object,
    }
}

request! {
    /// A passkey that answers a challenge once more.
    pub(crate) struct ConfirmSession {
        /// From the options that it was asked with.
        required challenge_id: String,
        /// What the browser's `toJSON()` gives: `AuthenticationResponseJSON` of WebAuthn Level 3.
        required credential: Object,
    }
}

request! {
    /// A visit to the provider.
    pub(crate) struct BeginVisit {
        /// The console's address to come back to.
        optional next: Option<String>,
    }
}

request! {
    /// How members sign in from now on.
    pub(crate) struct ReplaceSignIn {
        /// Whether a provider's verified address makes a member's identity known, the first time.
        required link_by_email: bool,
    }
}

request! {
    /// A recovery code in place of a passkey.
    pub(crate) struct RecoverSession {
        /// The organisation's name in addresses.
        required organization: String,
        /// Your mail address.
        required email: String,
        /// One of the codes that came with the first passkey.
        required recovery_code: String,
    }
}

request! {
    /// The profile from now on.
    pub(crate) struct ReplaceProfile {
        /// The name of a built-in one, or the text of a file in TOML.
        required profile: String,
    }
}

request! {
    /// A login that waits, by one of its two codes.
    pub(crate) struct DecideDevice {
        /// What the device shows, such as `BCDF-GHJK`.
        optional user_code: Option<String>,
        /// The key that a client made up: a random UUID.
        optional cli_token: Option<String>,
        /// The name of the token that is made.
        optional name: Option<String>,
        /// `shown` of what was looked at, to approve nothing else: it is refused where it would mean something else now.
        optional shown: Option<String>,
    }
}

request! {
    /// What a pipeline's token is for.
    pub(crate) struct Onboard {
        /// One of the profile's services.
        optional service: Option<String>,
        /// The repository, after which the token is named: 1 to 200 characters.
        optional repository: Option<String>,
    }
}

request! {
    /// Who is invited.
    pub(crate) struct CreateInvitation {
        /// Their mail address.
        required email: String,
        /// The name of a role, at most your own.
        required role: String,
    }
}

request! {
    /// Who accepts.
    pub(crate) struct AcceptInvitation {
        /// What stands behind `#` in the invitation's link.
        required secret: String,
        /// Your name, 1 to 255 characters.
        required name: String,
    }
}

/// A public key: 128 hexadecimal digits, SPKI in PEM, or a JWK as text or as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PublicKey"))]
pub(crate) enum PublicKeyText {
    /// 128 hexadecimal digits, SPKI in PEM, or a JWK as text.
    Text(String),
    /// A JWK (RFC 7517).
    Jwk(Object),
}

/// A signature over a challenge, in base64 or base64url, which may name its challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) enum PossessionProof {
    /// The 64 bytes r and s.
    Signature(String),
    /// The same, with its challenge.
    Named(NamedProof),
}

/// A signature and the challenge that it is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct NamedProof {
    /// What `POST /v1/keys/challenge` answered.
    pub(crate) challenge: String,
    /// The 64 bytes r and s, in base64 or base64url.
    pub(crate) signature: String,
}
