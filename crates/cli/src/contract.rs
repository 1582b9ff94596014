//! The answers of the HTTP interface, as far as the command line reads them. Members that are not known here are kept
//! in what `--json` prints, and passed over otherwise.

use serde::Deserialize;
use symbolon::id::OrganizationId;
use symbolon::policy::{Grant, Name, Permission};
use symbolon::time::Timestamp;

/// A token, without anything secret.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    pub(crate) prefix: String,
    pub(crate) owner: Owner,
    #[serde(default)]
    pub(crate) created_by: Option<Creator>,
    #[serde(default)]
    pub(crate) scopes: Vec<Name>,
    #[serde(default)]
    pub(crate) permissions: Vec<Permission>,
    #[serde(default)]
    pub(crate) grants: Vec<Grant>,
    #[serde(default)]
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) service: Option<String>,
    #[serde(default)]
    pub(crate) fingerprint: Option<String>,
    #[serde(default)]
    pub(crate) has_passphrase: bool,
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) not_before: Option<Timestamp>,
    #[serde(default)]
    pub(crate) revoked_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) last_used_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) last_used_ip: Option<String>,
    #[serde(default)]
    pub(crate) last_used_agent: Option<String>,
    #[serde(default)]
    pub(crate) use_count: Option<u64>,
}

/// Whose a token is.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Owner {
    Member { name: String },
    Organization,
}

/// Who made a token.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Creator {
    #[serde(default)]
    pub(crate) member: Option<Named>,
}

/// Something with a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// The answer to a creation, a rotation or a regeneration.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CreatedToken {
    pub(crate) token: Token,
    #[serde(default)]
    pub(crate) secret: Option<String>,
    #[serde(default)]
    pub(crate) cautions: Vec<Caution>,
}

/// What the maker of a token should know.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Caution {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) text: String,
}

/// Who the credential is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WhoAmI {
    pub(crate) organization: Organization,
    pub(crate) principal: Principal,
    pub(crate) token: Token,
    /// What it may do on every resource.
    #[serde(default)]
    pub(crate) permissions: Vec<Permission>,
    /// What it may do on some resources alone.
    #[serde(default)]
    pub(crate) grants: Vec<Grant>,
}

/// The organisation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) short_id: String,
    pub(crate) profile: String,
}

/// Who acts.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Principal {
    Member { name: String, email: String, role: String },
    Token { name: String },
}

/// What to sign to register a public key.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) challenge: String,
}

/// A member.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
}

/// The answer to an invitation.
#[derive(Clone, Deserialize)]
pub(crate) struct Invited {
    pub(crate) link: String,
}

/// What the check of the activity log's chain found.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ChainCheck {
    pub(crate) valid: bool,
    pub(crate) entries: u64,
    pub(crate) head: String,
    #[serde(default)]
    pub(crate) broken_at: Option<u64>,
}

/// The organisation's profile.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OwnProfile {
    pub(crate) name: String,
    /// Its file.
    pub(crate) profile: String,
}

/// The route table.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RouteTable {
    pub(crate) routes: Vec<symbolon::protocol::message::Route>,
}

/// A page of a list; the items stay as they are until they are shown.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<serde_json::Value>,
    #[serde(default)]
    pub(crate) next_cursor: Option<String>,
}

/// What `POST /v1/verify` says of a credential.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Verification {
    pub(crate) valid: bool,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) token: Option<VerifiedToken>,
    #[serde(default)]
    pub(crate) permissions: Option<Vec<Permission>>,
    #[serde(default)]
    pub(crate) grants: Option<Vec<Grant>>,
}

/// What a verification tells of a token.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VerifiedToken {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// What a login begins with (RFC 8628, section 3.2).
#[derive(Clone, Deserialize)]
pub(crate) struct DeviceAuthorization {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    #[serde(default)]
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) expires_in: u64,
    #[serde(default = "default_interval")]
    pub(crate) interval: u64,
}

/// RFC 8628, section 3.2: five seconds where nothing is said.
const fn default_interval() -> u64 {
    5
}

/// A token, granted (RFC 6749, section 5.1).
#[derive(Clone, Deserialize)]
pub(crate) struct Granted {
    pub(crate) access_token: String,
}

/// Why no token is granted (RFC 6749, section 5.2; RFC 8628, section 3.5).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OAuthError {
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) error_description: Option<String>,
}
