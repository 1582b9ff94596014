//! The HTTP interface in one place: routes, and the types of bodies. The router and the OpenAPI document are made from
//! this alone.

use serde::{Deserialize, Serialize};
use symbolon::id::{IdentityId, InvitationId, MemberId, OrganizationId, PasskeyId, TokenId};
use symbolon::policy::{AskedGrant, Caution, Change, Grant, Name, Permission};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;

use super::body::request;
use crate::organization::member::Status;

/// A call of the management interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    WhoAmI,
    ListKinds,
    ListTokens,
    CreateToken,
    ImportTokens,
    RevokeByKey,
    ReadToken,
    EditToken,
    RevokeToken,
    RotateToken,
    RegenerateToken,
    CreateChallenge,
    ListMembers,
    CreateMember,
    EditMember,
    RemoveMember,
    ReadProfile,
    ReplaceProfile,
    ListActivity,
    VerifyActivity,
    ExportActivity,
    ShowDevice,
    ApproveDevice,
    DenyDevice,
    Onboard,
    CreateInvitation,
    ListInvitations,
    RevokeInvitation,
    RevokeSelf,
    BeginPasskey,
    AddPasskey,
    ListPasskeys,
    RemovePasskey,
    RenewRecoveryCodes,
    ListSessions,
    ReadSession,
    ConfirmSession,
    EndSession,
    BeginConfirm,
    ListIdentities,
    BeginIdentity,
    RemoveIdentity,
    ReadSignIn,
    ReplaceSignIn,
}

/// A route: method, path, where `{id}` stands for one part, and what it calls.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) operation: Operation,
}

const fn route(method: &'static str, path: &'static str, operation: Operation) -> Route {
    Route { method, path, operation }
}

/// Every route, the first that fits wins.
pub(crate) const ROUTES: &[Route] = &[
    route("GET", "/v1/whoami", Operation::WhoAmI),
    route("GET", "/v1/kinds", Operation::ListKinds),
    route("GET", "/v1/tokens", Operation::ListTokens),
    route("POST", "/v1/tokens", Operation::CreateToken),
    route("POST", "/v1/tokens/import", Operation::ImportTokens),
    route("POST", "/v1/tokens/revoke-by-key", Operation::RevokeByKey),
    route("GET", "/v1/tokens/{id}", Operation::ReadToken),
    route("PATCH", "/v1/tokens/{id}", Operation::EditToken),
    route("DELETE", "/v1/tokens/{id}", Operation::RevokeToken),
    route("POST", "/v1/tokens/{id}/rotate", Operation::RotateToken),
    route("POST", "/v1/tokens/{id}/regenerate", Operation::RegenerateToken),
    route("POST", "/v1/keys/challenge", Operation::CreateChallenge),
    route("GET", "/v1/members", Operation::ListMembers),
    route("POST", "/v1/members", Operation::CreateMember),
    route("PATCH", "/v1/members/{id}", Operation::EditMember),
    route("DELETE", "/v1/members/{id}", Operation::RemoveMember),
    route("GET", "/v1/profile", Operation::ReadProfile),
    route("PUT", "/v1/profile", Operation::ReplaceProfile),
    route("GET", "/v1/activity", Operation::ListActivity),
    route("GET", "/v1/activity/verify", Operation::VerifyActivity),
    route("GET", "/v1/activity/export", Operation::ExportActivity),
    route("GET", "/v1/device", Operation::ShowDevice),
    route("POST", "/v1/device/approve", Operation::ApproveDevice),
    route("POST", "/v1/device/deny", Operation::DenyDevice),
    route("POST", "/v1/onboarding", Operation::Onboard),
    route("GET", "/v1/invitations", Operation::ListInvitations),
    route("POST", "/v1/invitations", Operation::CreateInvitation),
    route("DELETE", "/v1/invitations/{id}", Operation::RevokeInvitation),
    route("POST", "/oauth/revoke", Operation::RevokeSelf),
    route("POST", "/v1/passkeys/options", Operation::BeginPasskey),
    route("POST", "/v1/passkeys/recovery-codes", Operation::RenewRecoveryCodes),
    route("GET", "/v1/passkeys", Operation::ListPasskeys),
    route("POST", "/v1/passkeys", Operation::AddPasskey),
    route("DELETE", "/v1/passkeys/{id}", Operation::RemovePasskey),
    route("GET", "/v1/sessions", Operation::ListSessions),
    route("GET", "/v1/sessions/current", Operation::ReadSession),
    route("POST", "/v1/sessions/current/confirm", Operation::ConfirmSession),
    route("POST", "/v1/sessions/current/oidc", Operation::BeginConfirm),
    route("DELETE", "/v1/sessions/{id}", Operation::EndSession),
    route("GET", "/v1/identities", Operation::ListIdentities),
    route("POST", "/v1/identities", Operation::BeginIdentity),
    route("DELETE", "/v1/identities/{id}", Operation::RemoveIdentity),
    route("GET", "/v1/sign-in", Operation::ReadSignIn),
    route("PUT", "/v1/sign-in", Operation::ReplaceSignIn),
];

request! {
    /// `POST /v1/tokens`.
    pub(crate) struct CreateToken {
        required kind: String,
        optional name: Option<String>,
        optional description: Option<String>,
        optional scopes: Option<Vec<String>>,
        optional permissions: Option<Vec<String>>,
        optional grants: Option<Vec<AskedGrant>>,
        optional role: Option<String>,
        optional service: Option<String>,
        optional expires_at: Change<Timestamp>,
        optional not_before: Option<Timestamp>,
        optional passphrase: Option<String>,
        optional public_key: Option<PublicKeyText>,
        optional proof: Option<PossessionProof>,
        optional active: Option<bool>,
    }
}

request! {
    /// `POST /v1/tokens/import`: each entry is an [`ImportToken`].
    pub(crate) struct ImportTokens {
        required tokens: Vec<serde_json::Map<String, serde_json::Value>>,
    }
}

request! {
    /// A token of another system.
    pub(crate) struct ImportToken {
        required kind: String,
        optional owner: Option<String>,
        optional sha256: Option<String>,
        optional bcrypt: Option<String>,
        optional prefix: Option<String>,
        optional name: Option<String>,
        optional description: Option<String>,
        optional scopes: Option<Vec<String>>,
        optional permissions: Option<Vec<String>>,
        optional grants: Option<Vec<AskedGrant>>,
        optional role: Option<String>,
        optional service: Option<String>,
        optional expires_at: Change<Timestamp>,
        optional active: Option<bool>,
    }
}

request! {
    /// `PATCH /v1/tokens/{id}`: a merge patch (RFC 7396).
    pub(crate) struct EditToken {
        optional name: Change<String>,
        optional description: Change<String>,
        optional scopes: Change<Vec<String>>,
        optional permissions: Change<Vec<String>>,
        optional grants: Change<Vec<AskedGrant>>,
        optional role: Change<String>,
        optional expires_at: Change<Timestamp>,
        optional active: Change<bool>,
        optional passphrase: Change<String>,
        optional service: Change<String>,
    }
}

request! {
    /// `POST /v1/tokens/{id}/rotate`.
    pub(crate) struct RotateToken {
        optional grace_seconds: Option<u32>,
    }
}

request! {
    /// `POST /v1/tokens/{id}/regenerate`.
    pub(crate) struct RegenerateToken {
        optional expires_at: Change<Timestamp>,
    }
}

request! {
    /// `POST /v1/members`.
    pub(crate) struct CreateMember {
        required name: String,
        required email: String,
        required role: String,
    }
}

request! {
    /// `PATCH /v1/members/{id}`.
    pub(crate) struct EditMember {
        optional name: Option<String>,
        optional email: Option<String>,
        optional role: Option<String>,
        optional status: Option<Status>,
    }
}

request! {
    /// `POST /v1/passkeys`: `credential` is what the browser's `toJSON()` gives.
    pub(crate) struct AddPasskey {
        required challenge_id: String,
        required name: String,
        required credential: serde_json::Map<String, serde_json::Value>,
    }
}

request! {
    /// `POST /v1/sessions`.
    pub(crate) struct CreateSession {
        required challenge_id: String,
        required credential: serde_json::Map<String, serde_json::Value>,
    }
}

request! {
    /// `POST /v1/sessions/current/confirm`.
    pub(crate) struct ConfirmSession {
        required challenge_id: String,
        required credential: serde_json::Map<String, serde_json::Value>,
    }
}

request! {
    /// `POST /v1/sessions/current/oidc` and `POST /v1/identities`: the console's address to come back to.
    pub(crate) struct BeginVisit {
        optional next: Option<String>,
    }
}

request! {
    /// `PUT /v1/sign-in`.
    pub(crate) struct ReplaceSignIn {
        required link_by_email: bool,
    }
}

request! {
    /// `POST /v1/sessions/recover`: `organization` has led here already.
    pub(crate) struct RecoverSession {
        required organization: String,
        required email: String,
        required recovery_code: String,
    }
}

request! {
    /// `PUT /v1/profile`.
    pub(crate) struct ReplaceProfile {
        required profile: String,
    }
}

request! {
    /// `POST /v1/device/approve` and `/deny`: one of the two codes.
    pub(crate) struct DecideDevice {
        optional user_code: Option<String>,
        optional cli_token: Option<String>,
        optional name: Option<String>,
    }
}

request! {
    /// `POST /v1/onboarding`.
    pub(crate) struct Onboard {
        optional service: Option<String>,
        optional repository: Option<String>,
    }
}

request! {
    /// `POST /v1/invitations`.
    pub(crate) struct CreateInvitation {
        required email: String,
        required role: String,
    }
}

request! {
    /// `POST /v1/invitations/{id}/accept`.
    pub(crate) struct AcceptInvitation {
        required secret: String,
        required name: String,
    }
}

/// A public key: 128 hexadecimal digits, SPKI in PEM, or a JWK as text or as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PublicKeyText {
    Text(String),
    Jwk(serde_json::Map<String, serde_json::Value>),
}

/// A signature over a challenge, in base64 or base64url, which may name its challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PossessionProof {
    Signature(String),
    Named(NamedProof),
}

/// A signature and the challenge that it is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedProof {
    pub(crate) challenge: String,
    pub(crate) signature: String,
}

/// A token, without anything secret.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TokenDocument {
    pub(crate) id: TokenId,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) prefix: String,
    pub(crate) owner: OwnerDocument,
    pub(crate) created_by: Option<CreatorDocument>,
    pub(crate) scopes: Vec<Name>,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) role: Option<String>,
    pub(crate) service: Option<Name>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) has_passphrase: bool,
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) last_used_ip: Option<String>,
    pub(crate) use_count: Option<u64>,
}

/// Whose a token is.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum OwnerDocument {
    Member { id: MemberId, name: String },
    Organization,
}

/// Who made a token: the member, if one acted, and the token that was used.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CreatorDocument {
    pub(crate) member: Option<MemberReference>,
    pub(crate) token: Option<TokenId>,
}

/// A member, named.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MemberReference {
    pub(crate) id: MemberId,
    pub(crate) name: String,
}

/// The answer to a creation, a rotation or a regeneration. The secret is shown once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CreatedToken {
    pub(crate) token: TokenDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cautions: Vec<Caution>,
}

/// The answer to an import, in the order of the request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ImportedTokens {
    pub(crate) tokens: Vec<TokenDocument>,
}

/// A member.
#[derive(Clone, Debug, Serialize)]
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
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum PrincipalDocument {
    /// A member, through a token of theirs.
    Member { id: MemberId, name: String, email: String, role: String },
    /// A token of the organisation.
    Token { id: TokenId, name: String, role: Option<Name> },
}

/// What to sign to register a public key.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Challenge {
    pub(crate) challenge: String,
    pub(crate) expires_at: Timestamp,
}

/// An entry of the activity log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ActivityDocument {
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: ActivityActor,
    pub(crate) action: String,
    pub(crate) token: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) details: serde_json::Value,
    pub(crate) prev_hash: String,
    pub(crate) hash: String,
}

/// Who did it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ActivityActor {
    pub(crate) member: Option<String>,
    pub(crate) token: Option<String>,
}

/// What to hand to `navigator.credentials`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PasskeyOptions {
    pub(crate) challenge_id: String,
    pub(crate) public_key: serde_json::Value,
}

/// A passkey.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PasskeyDocument {
    pub(crate) id: PasskeyId,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// A member's passkeys.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Passkeys {
    pub(crate) items: Vec<PasskeyDocument>,
    pub(crate) recovery_codes_left: u32,
}

/// A new passkey. The codes are shown once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AddedPasskey {
    pub(crate) passkey: PasskeyDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_codes: Option<Vec<String>>,
}

/// New recovery codes, shown once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecoveryCodes {
    pub(crate) recovery_codes: Vec<String>,
}

/// A session in the console.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SessionDocument {
    pub(crate) id: TokenId,
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
pub(crate) struct CurrentSession {
    pub(crate) session: SessionDocument,
    pub(crate) member: MemberDocument,
    pub(crate) organization: OrganizationDocument,
    /// To be repeated in `X-Symbolon-CSRF` by whatever changes something.
    pub(crate) csrf_token: String,
    /// Until when steps that want a fresh passkey are allowed.
    pub(crate) fresh_until: Option<Timestamp>,
    /// With what it becomes fresh again: `passkey`, `oidc`, or nothing.
    pub(crate) confirm_with: Option<&'static str>,
}

/// Who a member is at a provider of identities.
#[derive(Clone, Debug, Serialize)]
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
pub(crate) struct SignInDocument {
    /// Whether a provider's verified address makes a member's identity known, the first time.
    pub(crate) link_by_email: bool,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// What to pass as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// What asks for a login from a command line, and what it would get.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AskingDocument {
    /// What the client calls itself: anybody may say anything.
    pub(crate) client_id: Option<String>,
    /// What it asked for.
    pub(crate) asked_scope: Option<String>,
    /// From where it asks; none where it has not asked yet.
    pub(crate) asked_from: Option<Client>,
    /// From where you ask.
    pub(crate) you: Client,
    pub(crate) expires_at: Timestamp,
    /// The kind of the token that it would get.
    pub(crate) kind: String,
    pub(crate) scopes: Vec<Name>,
    pub(crate) permissions: Vec<Permission>,
}

/// The answer to an onboarding. The secret is shown once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OnboardedDocument {
    pub(crate) token: TokenDocument,
    /// Once: a repetition under the same Idempotency-Key is answered without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    /// The environment variable in which the system's clients expect the secret.
    pub(crate) variable: String,
    /// A step of a pipeline, with the secret taken from the pipeline's own store.
    pub(crate) snippet: String,
}

/// An invitation, without its secret.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InvitationDocument {
    pub(crate) id: InvitationId,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) status: &'static str,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// The answer to an invitation: the link is shown once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InvitedDocument {
    pub(crate) invitation: InvitationDocument,
    pub(crate) secret: String,
    pub(crate) link: String,
}

/// The answer to an invitation that was accepted: the member, and a first token where the profile lets their role have
/// one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AcceptedDocument {
    pub(crate) member: MemberDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<TokenDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
}
