//! The documents of answers.

use serde::Serialize;
use symbolon::id::{IdentityId, InvitationId, MemberId, OrganizationId, PasskeyId, TokenId};
use symbolon::policy::{Caution, Grant, Name, Permission, PermissionInfo};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;

use crate::organization::member::Status;

/// A token, without anything secret.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Token"))]
pub(crate) struct TokenDocument {
    pub(crate) id: TokenId,
    /// The name of its kind.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The public first characters of its secret; of a key, of its thumbprint.
    pub(crate) prefix: String,
    /// Whose it is.
    pub(crate) owner: OwnerDocument,
    /// Who made it; null where nobody is known.
    pub(crate) created_by: Option<CreatorDocument>,
    /// The names of the scopes that were chosen.
    pub(crate) scopes: Vec<Name>,
    /// The single permissions that were chosen.
    pub(crate) permissions: Vec<Permission>,
    /// The permissions on resources that were chosen.
    pub(crate) grants: Vec<Grant>,
    /// The role that bounds it: chosen for it, or its owner's as it is now.
    pub(crate) role: Option<String>,
    pub(crate) service: Option<Name>,
    /// The thumbprint (RFC 7638) of its public key; null for a secret.
    pub(crate) fingerprint: Option<String>,
    pub(crate) has_passphrase: bool,
    /// What it is now.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = super::super::list::STATUSES)))]
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    /// Null means that it does not end.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    /// Null where it was not used, or its kind does not count that.
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) last_used_ip: Option<String>,
    /// The user agent that used it last, as it called itself.
    pub(crate) last_used_agent: Option<String>,
    /// Null where its kind does not count that.
    pub(crate) use_count: Option<u64>,
}

/// Whose a token is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TokenOwner"))]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum OwnerDocument {
    Member { id: MemberId, name: String },
    Organization,
}

/// Who made a token: the member, if one acted, and the token that was used.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TokenCreator"))]
pub(crate) struct CreatorDocument {
    pub(crate) member: Option<MemberReference>,
    pub(crate) token: Option<TokenId>,
}

/// A member, named.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct MemberReference {
    pub(crate) id: MemberId,
    pub(crate) name: String,
}

/// The answer to a creation, a rotation or a regeneration. The secret is shown once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CreatedToken {
    pub(crate) token: TokenDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Shown this once; absent where a public key was registered, or the request was repeated.
    pub(crate) secret: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    /// What its kind asks people to confirm.
    pub(crate) cautions: Vec<Caution>,
}

/// The answer to an import, in the order of the request.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ImportedTokens {
    pub(crate) tokens: Vec<TokenDocument>,
}

/// A member.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Member"))]
pub(crate) struct MemberDocument {
    pub(crate) id: MemberId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
}

/// The organisation.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Organization"))]
pub(crate) struct OrganizationDocument {
    pub(crate) id: OrganizationId,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) short_id: String,
    pub(crate) profile: String,
    pub(crate) created_at: Timestamp,
}

/// Who the credential is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct WhoAmI {
    pub(crate) organization: OrganizationDocument,
    pub(crate) principal: PrincipalDocument,
    /// The token in use; null for a session of the console.
    pub(crate) token: Option<TokenDocument>,
    /// The effective permissions that hold on every resource.
    pub(crate) permissions: Vec<Permission>,
    /// The effective permissions that hold on some resources alone.
    pub(crate) grants: Vec<Grant>,
}

/// Who acts.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Principal"))]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum PrincipalDocument {
    /// A member, through a token of theirs.
    Member { id: MemberId, name: String, email: String, role: String },
    /// A token of the organisation.
    Token { id: TokenId, name: String, role: Option<Name> },
}

/// What to sign to register a public key.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "KeyChallenge"))]
pub(crate) struct Challenge {
    pub(crate) challenge: String,
    pub(crate) expires_at: Timestamp,
}

/// A passkey.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Passkey"))]
pub(crate) struct PasskeyDocument {
    pub(crate) id: PasskeyId,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// A member's passkeys.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PasskeyList"))]
pub(crate) struct Passkeys {
    pub(crate) items: Vec<PasskeyDocument>,
    pub(crate) recovery_codes_left: u32,
}

/// A new passkey. The codes are shown once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct AddedPasskey {
    pub(crate) passkey: PasskeyDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_codes: Option<Vec<String>>,
}

/// New recovery codes, shown once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct RecoveryCodes {
    pub(crate) recovery_codes: Vec<String>,
}

/// A session in the console.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Session"))]
pub(crate) struct SessionDocument {
    pub(crate) id: TokenId,
    /// How it began.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["passkey", "recovery_code"])))]
    pub(crate) method: &'static str,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Timestamp,
    /// When it ends unless it is used again.
    pub(crate) expires_at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) current: bool,
}

/// The session in use, and what its page needs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CurrentSession {
    pub(crate) session: SessionDocument,
    pub(crate) member: MemberDocument,
    pub(crate) organization: OrganizationDocument,
    /// To be repeated in `X-Symbolon-CSRF` by whatever changes something.
    pub(crate) csrf_token: String,
    /// Until when steps that want a fresh passkey are allowed.
    pub(crate) fresh_until: Option<Timestamp>,
    /// With what it becomes fresh again; null where there is nothing.
    pub(crate) confirm_with: Option<&'static str>,
}

/// Who a member is at a provider of identities.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Identity"))]
pub(crate) struct IdentityDocument {
    pub(crate) id: IdentityId,
    pub(crate) issuer: String,
    /// The address that the provider gave when it was linked.
    pub(crate) email: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// How members sign in to the console.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SignInRules"))]
pub(crate) struct SignInDocument {
    /// Whether a provider's verified address makes a member's identity known, the first time.
    pub(crate) link_by_email: bool,
}

/// A profile as it was written.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Profile"))]
pub(crate) struct ProfileDocument<'a> {
    pub(crate) name: &'a str,
    /// The text of its file, in TOML.
    pub(crate) profile: &'a str,
}

/// A new organisation, its owner and its first token. The secret is shown once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FoundedOrganization"))]
pub(crate) struct FoundedDocument<'a> {
    pub(crate) organization: OrganizationDocument,
    pub(crate) owner: MemberDocument,
    pub(crate) token: TokenDocument,
    /// Shown this once.
    pub(crate) secret: &'a str,
    /// Where the first token is the organisation's: with it nobody makes a passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_in: Option<FirstSignInDocument>,
}

/// The answer to a change that must hold: the document as it is now, and since when it holds.
// For the schema alone: the time is put in when it is known.
#[cfg(feature = "schema")]
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Changed{T}")]
pub(crate) struct Changed<T> {
    #[serde(flatten)]
    document: T,
    /// Since when the change holds everywhere; null where a kind goes by the directory alone, so that nobody can say.
    holds_everywhere_at: Option<Timestamp>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// What to pass as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// What asks for a login from a command line, and what it would get.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PendingLogin"))]
pub(crate) struct AskingDocument {
    /// What the client calls itself: anybody may say anything.
    pub(crate) client_id: Option<String>,
    /// What it asked for, in its own words: anybody may say anything. None: the kind's least.
    pub(crate) asked_scope: Option<String>,
    /// From where it asks; none where it has not asked yet.
    pub(crate) asked_from: Option<Client>,
    /// From where you ask.
    pub(crate) you: Client,
    pub(crate) expires_at: Timestamp,
    /// The kind of the token that it would get.
    pub(crate) kind: String,
    /// The scopes that it would get.
    pub(crate) scopes: Vec<Name>,
    /// The permissions that it would get besides.
    pub(crate) permissions: Vec<Permission>,
    /// What it could then do in your name, permission by permission.
    pub(crate) allows: Vec<PermissionInfo>,
    /// What it is granted besides, and could do from the moment on when your role permits it.
    pub(crate) later: Vec<PermissionInfo>,
    /// Whether it asks for more than a login of this organisation needs.
    pub(crate) beyond_least: bool,
    /// Stands for the kind, and for what it would get with all that this means: to be given back in an approval. None
    /// where it cannot be had at all.
    pub(crate) shown: Option<String>,
    /// Why you cannot approve it; none where you can. To approve it all the same denies it.
    pub(crate) refusal: Option<String>,
}

/// The answer to an onboarding. The secret is shown once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OnboardedToken"))]
pub(crate) struct OnboardedDocument {
    pub(crate) token: TokenDocument,
    /// Shown this once; absent where the request was repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    /// The environment variable in which the system's clients expect the secret.
    pub(crate) variable: String,
    /// A step of a pipeline, with the secret taken from the pipeline's own store.
    pub(crate) snippet: String,
}

/// An invitation, without its secret.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Invitation"))]
pub(crate) struct InvitationDocument {
    pub(crate) id: InvitationId,
    pub(crate) email: String,
    pub(crate) role: String,
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["open", "accepted", "expired", "revoked"])))]
    pub(crate) status: &'static str,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// The answer to an invitation: the link is shown once.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CreatedInvitation"))]
pub(crate) struct InvitedDocument {
    pub(crate) invitation: InvitationDocument,
    /// Shown this once; absent where the request was repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    /// What to send them; the secret stands behind `#`, which no browser sends to a server. Absent where that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// How a new member begins who can have no token: with any of these they sign in to the console, and make a passkey.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FirstSignIn"))]
pub(crate) struct FirstSignInDocument {
    /// The organisation's short name, which signing in with a recovery code asks for.
    pub(crate) organization: String,
    /// Each signs in once; they stop when the first passkey brings new ones. Shown this once.
    pub(crate) recovery_codes: Vec<String>,
}

/// The answer to an invitation that was accepted: the member, and a first token where the profile lets their role have
/// one; else recovery codes.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AcceptedInvitation"))]
pub(crate) struct AcceptedDocument {
    pub(crate) member: MemberDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<TokenDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Shown this once.
    pub(crate) secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_in: Option<FirstSignInDocument>,
}
