//! The documents of other systems' calls: what their clients send, and what they read.

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// What a system's client sends: its fields as the system calls them, whatever they hold, which the contract judges under
/// its own names. `as` says what the document shows.
macro_rules! form {
    ($(#[doc = $doc:literal])* struct $name:ident {
        $($(#[doc = $field_doc:literal])* $mode:ident $field:ident: $theirs:literal as $shown:ty,)+
    }) => {
        $(#[doc = $doc])*
        pub(crate) struct $name { $(pub(super) $field: Option<Json>,)+ }

        impl $name {
            /// Takes its fields out of a body.
            pub(super) fn take(body: &mut Map<String, Json>) -> Self {
                Self { $($field: body.remove($theirs),)+ }
            }
        }

        #[cfg(feature = "schema")]
        impl crate::organization::http::body::Optional for $name {
            const OPTIONAL: bool = false;
        }

        #[cfg(feature = "schema")]
        crate::organization::http::body::described!($name [$($doc)*] $({
            $theirs, $mode, [$($field_doc)*], $shown
        })+);
    };
}

form! {
    /// A token as DevGuard's clients ask for one.
    struct DevguardNewToken {
        /// What it is for: it is the token's name.
        required description: "description" as String,
        /// Scopes, with blanks between them.
        required scopes: "scopes" as String,
        /// When it ends, in seconds since 1970: at most a year from now.
        required expires: "expiryDateUnix" as u64,
        /// The public key, hex(X) and hex(Y); without one a secret is made.
        optional public_key: "pubKey" as Option<String>,
    }
}

form! {
    /// A token or key as HarborGuard's clients ask for one.
    struct HarborguardNewToken {
        /// Its name.
        required name: "name" as String,
        /// What it is for.
        optional description: "description" as String,
        /// Permissions, such as `scans:view`.
        optional permissions: "permissions" as Vec<String>,
        /// The role of an API key.
        optional role: "role" as String,
        /// When it ends; null is never.
        optional expires: "expiresAt" as Option<symbolon::time::Timestamp>,
    }
}

form! {
    /// A token as Devtron's clients ask for one.
    struct DevtronNewToken {
        /// Its name.
        required name: "name" as String,
        /// What it is for.
        optional description: "description" as String,
        /// When it ends, in milliseconds since 1970; 0 is never.
        required expires: "expireAtInMs" as u64,
    }
}

form! {
    /// How Devtron's clients change a token.
    struct DevtronEdit {
        /// What it is for.
        optional description: "description" as String,
        /// When it ends, in milliseconds since 1970; 0 is never. Another than now makes a new secret.
        optional expires: "expireAtInMs" as u64,
    }
}

/// An object without members.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DevguardNothing"))]
pub(crate) struct Nothing {}

/// A token as DevGuard's clients see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DevguardToken {
    pub(super) id: String,
    pub(super) created_at: String,
    pub(super) description: String,
    /// The key's fingerprint; null for a secret.
    pub(super) fingerprint: Option<String>,
    pub(super) last_used_at: Option<String>,
    /// When it ends, in seconds since 1970.
    pub(super) expiry_date_unix: Option<i64>,
    /// Scopes, with blanks between them.
    pub(super) scopes: String,
    /// The secret: in the answer that makes it, and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bearer_token: Option<String>,
}

/// Who acts, as DevGuard's clients see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DevguardActor {
    pub(super) actor_id: String,
    /// `user` or `token`.
    pub(super) actor_type: &'static str,
}

/// What HarborGuard's answers stand in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Harborguard{T}Answer"))]
pub(crate) struct Data<T> {
    pub(super) data: T,
}

/// A token or key as HarborGuard's clients see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct HarborguardToken {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) prefix: String,
    pub(super) role: Option<String>,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) status: String,
    pub(super) created_at: String,
    /// The name of the member who made it.
    pub(super) created_by: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) last_used_at: Option<String>,
    /// The secret: in the answer that makes it, and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
}

/// A token that was revoked, as HarborGuard's clients see it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct HarborguardRevoked {
    pub(super) id: String,
    pub(super) revoked: bool,
}

/// The organisation of a token, as Semgrep's clients see it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SemgrepDeployment {
    pub(super) deployment: Deployment,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SemgrepDeploymentDetails"))]
pub(crate) struct Deployment {
    /// Always the same for one organisation.
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) display_name: String,
}

/// Whose token it is, as Semgrep's clients see it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SemgrepIdentity {
    pub(super) identity: Option<String>,
    pub(super) token: Option<String>,
    pub(super) organization: String,
}

/// What Devtron's answers stand in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Devtron{T}Answer"))]
pub(crate) struct Envelope<T> {
    code: u16,
    status: &'static str,
    pub(super) result: T,
    /// Empty: nothing is wrong.
    errors: [(); 0],
}

impl<T> Envelope<T> {
    pub(super) const fn of(result: T) -> Self {
        Self { code: 200, status: "OK", result, errors: [] }
    }
}

/// A token as Devtron's clients see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DevtronToken {
    pub(super) id: u64,
    pub(super) user_id: u64,
    pub(super) user_identifier: String,
    pub(super) name: String,
    pub(super) description: String,
    /// In milliseconds since 1970; 0 is never.
    pub(super) expire_at_in_ms: i64,
    pub(super) last_used_at: String,
    pub(super) last_used_by_ip: String,
    pub(super) updated_at: String,
}

/// A token that was made, as Devtron's clients see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DevtronMade {
    pub(super) success: bool,
    /// The secret: in this answer, and in no other.
    pub(super) token: String,
    pub(super) user_id: u64,
    pub(super) user_identifier: String,
}

/// What became of a change, as Devtron's clients see it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DevtronDone {
    pub(super) success: bool,
    /// The new secret, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
}
