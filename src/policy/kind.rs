//! A kind: a declared sort of token, with every rule that holds for it.
//!
//! The types here are the TOML format of `[kinds.<name>]`, field by field. What is left out has the safe value that
//! its comment names. They are made by [`super::Profile::parse`] alone, which has checked them.

use serde::{Deserialize, Serialize};

use super::grant::Permission;
use super::name::Name;
use super::signature_rules::SignatureRules;
use super::text_rules::{DescriptionRules, NameRules, PassphraseRules};

/// How a client proves that it holds a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// It sends the secret.
    Bearer,
    /// It signs the request with a private key (RFC 9421).
    Signature,
}

/// What the secret of a bearer token looks like after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SecretFormat {
    /// The native body: organisation, random part and checksum, in base62.
    Native,
    /// So many lower-case hexadecimal digits, all random: 32 to 128, and even.
    Hex(u8),
}

/// Who owns a token of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// The member who made it; it stops with them.
    Member,
    /// The organisation; it survives its creator, who stays recorded.
    Organization,
}

/// What bounds a token besides what was granted to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CeilingSource {
    /// The owner's role as it is now, at every request.
    OwnerRole,
    /// The role chosen at creation; where none was chosen, nothing more.
    FixedRole,
    /// Nothing more: what was granted is all.
    Everything,
}

/// What must be chosen when a token of this kind is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// At least one scope, permission, grant or role.
    #[default]
    Any,
    /// At least one scope.
    Scopes,
    /// At least one permission.
    Permissions,
    /// A role.
    Role,
    /// Nothing: the token may be made without anything, and then permits nothing until it is edited.
    Nothing,
}

/// What can be granted to a token of this kind. What is left out cannot be granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Grantable {
    /// The scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Name>,
    /// The permissions, each alone; a `*` stands for any that the profile declares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// The families of resources whose permissions can be granted on a pattern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<Name>,
    /// The roles, of which one can be chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Name>,
    /// What must be chosen. `any` where not said.
    pub needed: Needed,
    /// The scope that is granted, explicitly, when nothing at all was said about what to grant (`default_grant`).
    /// None where not said: then nothing said is an error, as far as something is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_grant: Option<Name>,
}

/// Which roles may do what with tokens of this kind, besides having the permission for it.
///
/// An actor with a role (a member, or a token with a fixed role) must be listed; `None` lists every role. A token of
/// the organisation without a role is bound by its permissions alone, which somebody with a role gave to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// Who may make one. Every role where not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<Vec<Name>>,
    /// Who may see and manage those that are their own. Every role where not said; of no use for tokens of the
    /// organisation, which are nobody's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<Vec<Name>>,
    /// Who may see all of them. Nobody where not said.
    pub see: Vec<Name>,
    /// Who may edit, switch off and revoke all of them. Nobody where not said. A member's own token is rotated by that
    /// member alone, and others may only narrow or revoke it, whatever is listed here.
    pub manage: Vec<Name>,
}

/// The permissions that management of this kind asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Verbs {
    /// To see them. `tokens:view` where not said.
    pub view: Permission,
    /// To make one (`creation_permission`). `tokens:create` where not said.
    pub create: Permission,
    /// To edit one. `tokens:edit` where not said.
    pub edit: Permission,
    /// To rotate or regenerate one. `tokens:rotate` where not said.
    pub rotate: Permission,
    /// To revoke one. `tokens:revoke` where not said.
    pub revoke: Permission,
}

impl Default for Verbs {
    fn default() -> Self {
        use super::product::Product;
        Self {
            view: Product::TokensView.permission(),
            create: Product::TokensCreate.permission(),
            edit: Product::TokensEdit.permission(),
            rotate: Product::TokensRotate.permission(),
            revoke: Product::TokensRevoke.permission(),
        }
    }
}

/// When a token of this kind ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ExpiryRules {
    /// Whether it must end. No where not said.
    pub required: bool,
    /// The longest that it may live, in seconds from now; none means no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<u32>,
    /// What a form offers, in seconds from now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub presets_seconds: Vec<u32>,
    /// How long it lives where nothing was said, in seconds; none means without end, or, where an end is required,
    /// that one must be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_seconds: Option<u32>,
}

/// A new secret for the same token, the old one living on for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateRules {
    /// How long the old secret may live on, in seconds, at most.
    pub max_grace_seconds: u32,
    /// How long it does where nothing is said, in seconds. 0 where not said.
    #[serde(default)]
    pub default_grace_seconds: u32,
}

/// A field of a token that can be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "EditableField"))]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Its name.
    Name,
    /// Its description.
    Description,
    /// Its scopes.
    Scopes,
    /// Its permissions.
    Permissions,
    /// Its grants on resources.
    Grants,
    /// Its role.
    Role,
    /// When it ends.
    ExpiresAt,
    /// Whether it is switched on.
    Active,
    /// Its passphrase.
    Passphrase,
    /// The service that it is for.
    Service,
}

impl Field {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Description => "description",
            Self::Scopes => "scopes",
            Self::Permissions => "permissions",
            Self::Grants => "grants",
            Self::Role => "role",
            Self::ExpiresAt => "expires_at",
            Self::Active => "active",
            Self::Passphrase => "passphrase",
            Self::Service => "service",
        }
    }
}

/// A header that can carry a token's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// `Authorization: Bearer …` (RFC 6750, section 2.1).
    Authorization,
    /// `X-API-Key: …`
    XApiKey,
    /// `token: …`
    Token,
    /// `api-token: …`
    ApiToken,
}

impl Header {
    /// Every header that can carry a secret.
    pub const ALL: &[Self] = &[Self::Authorization, Self::XApiKey, Self::Token, Self::ApiToken];
    /// The header that carries a token's passphrase, where it has one.
    pub const PASSPHRASE: &str = "x-token-passphrase";
    /// The header that names a signing key where the signature does not, if the kind allows it.
    pub const FINGERPRINT: &str = "x-fingerprint";

    /// Its name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::XApiKey => "x-api-key",
            Self::Token => "token",
            Self::ApiToken => "api-token",
        }
    }
}

/// How sure the edge must be that its copy of a token still holds. In order of strictness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// The directory alone: no bound on how stale it is.
    Eventual,
    /// A lease of the authority: what was narrowed is refused once the change has returned.
    #[default]
    Immediate,
    /// The authority is asked every time.
    Strict,
}

impl Freshness {
    /// The stricter of the two: a verification may ask for more than its kind has, never for less.
    #[must_use]
    pub fn at_least(self, asked: Option<Self>) -> Self {
        asked.map_or(self, |asked| self.max(asked))
    }
}

/// What is counted of a token's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// When, from where and by which client it was last used.
    LastUsed,
    /// How often it was used.
    UseCount,
}

/// What a form asks to confirm, and documentation says, in the profile's words. What is left out is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CautionTexts {
    /// Of a token without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_expiry: Option<String>,
    /// Of a token with every scope that the kind can have, or with one that grants everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_scope: Option<String>,
    /// Of a token with a grant that the profile lists as sensitive, and no passphrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive_without_passphrase: Option<String>,
}

/// What a token gets that is made by onboarding, by a login or by setup: the least that its purpose needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Least {
    /// The scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Name>,
    /// The permissions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Name>,
    /// The environment variable in which its users expect it; the snippet shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// How long it lives, in seconds from now; none means what the kind's rules give where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_seconds: Option<u32>,
}

/// A declared sort of token, with its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name: the key of its table.
    #[serde(skip_deserializing, default = "Name::unset")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub name: Name,
    /// What people read.
    pub title: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// What its secrets begin with: 2 to 32 letters, digits and `_`, ending with `_`. No kind's prefix begins with
    /// another's, but kinds with the same format may share one: the record tells them apart.
    pub prefix: String,
    /// What follows the prefix. `native` where not said.
    #[serde(default = "SecretFormat::native")]
    pub format: SecretFormat,
    /// How many characters of a secret may be shown, prefix included: at most 8 more than the prefix. The prefix and
    /// four more where not said. In a native token, those that name the organisation are public, and shown besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_length: Option<u8>,
    /// The ways to prove that one holds it.
    pub proofs: Vec<Proof>,
    /// Who owns it.
    pub owner: Ownership,
    /// What bounds it.
    pub ceiling: CeilingSource,
    /// What can be granted.
    #[serde(default)]
    pub grants: Grantable,
    /// Which roles may make, see and manage it.
    #[serde(default)]
    pub access: Access,
    /// The permissions that this asks for.
    #[serde(default)]
    pub verbs: Verbs,
    /// When it ends.
    #[serde(default)]
    pub expiry: ExpiryRules,
    /// Its name.
    #[serde(default)]
    pub naming: NameRules,
    /// Its description.
    #[serde(default)]
    pub describing: DescriptionRules,
    /// Its passphrase; none means that it has none. None where not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<PassphraseRules>,
    /// Whether it may name one of the profile's services. No where not said.
    #[serde(default)]
    pub service: bool,
    /// Whether it can be made switched off. No where not said.
    #[serde(default)]
    pub create_inactive: bool,
    /// What can be edited. Nothing where not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edit: Vec<Field>,
    /// Whether it can be rotated, and how. No where not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<RotateRules>,
    /// Whether it can be regenerated: a new secret and expiry, the old secret stopping at once. No where not said.
    #[serde(default)]
    pub regenerate: bool,
    /// The headers that carry it, the first found in this order. `authorization` where not said.
    #[serde(default = "Header::usual")]
    pub headers: Vec<Header>,
    /// How fresh a decision must be. `immediate` where not said.
    #[serde(default)]
    pub freshness: Freshness,
    /// What a signed request must look like, where `signature` is one of its proofs. The native rules where not said.
    #[serde(default)]
    pub signature: SignatureRules,
    /// What is counted. Both where not said.
    #[serde(default = "Count::both")]
    pub counts: Vec<Count>,
    /// What it is recommended for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recommended_for: Vec<String>,
    /// What must be confirmed in a form.
    #[serde(default)]
    pub cautions: CautionTexts,
    /// What onboarding gives it; none means that onboarding does not make this kind. One kind of a profile at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding: Option<Least>,
    /// What a login on the command line gives it; none means that logins do not make this kind. One kind at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Least>,
    /// What the first token of an organisation gets, with which its owner begins; none means that it is not of this
    /// kind. Exactly one kind of a profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<Least>,
}

impl Kind {
    /// The most characters of a secret that may be shown after its prefix.
    pub const MAX_SHOWN: usize = 8;

    /// How many characters of a secret are shown, prefix included.
    #[must_use]
    pub fn display_length(&self) -> usize {
        self.display_length.map_or_else(|| self.prefix.len().saturating_add(4), usize::from)
    }

    /// Whether a token of this kind can be proved in this way.
    #[must_use]
    pub fn has_proof(&self, proof: Proof) -> bool {
        self.proofs.contains(&proof)
    }

    /// Whether this field can be edited.
    #[must_use]
    pub fn can_edit(&self, field: Field) -> bool {
        self.edit.contains(&field)
    }
}

impl SecretFormat {
    const fn native() -> Self {
        Self::Native
    }
}

impl Header {
    fn usual() -> Vec<Self> {
        vec![Self::Authorization]
    }
}

impl Count {
    fn both() -> Vec<Self> {
        vec![Self::LastUsed, Self::UseCount]
    }
}
