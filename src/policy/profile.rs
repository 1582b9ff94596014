//! A profile: what an organisation's tokens, scopes, roles and permissions are, as its TOML file declares them.

use serde::{Deserialize, Serialize};

use super::grant::{Grant, GrantSet, Permission};
use super::kind::Kind;
use super::name::Name;
use crate::protocol::lease::LeaseTerms;

/// A permission that can be asked of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PermissionInfo {
    /// The permission, without `*`.
    pub permission: Permission,
    /// What it permits, for people.
    pub description: String,
    /// Whether a token with it and without a passphrase calls for caution.
    pub sensitive: bool,
}

/// A named set of permissions that can be granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Its name: the key of its table.
    #[serde(skip_deserializing, default = "Name::unset")]
    pub name: Name,
    /// What people read.
    pub title: String,
    /// What it permits, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The permissions; a `*` stands for any.
    pub permissions: Vec<Permission>,
}

impl Scope {
    /// What it grants.
    #[must_use]
    pub fn grants(&self) -> GrantSet {
        self.permissions.iter().cloned().map(Grant::unlimited).collect()
    }
}

/// What a member, or a token with a fixed role, may do at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name: the key of its table.
    #[serde(skip_deserializing, default = "Name::unset")]
    pub name: Name,
    /// What people read.
    pub title: String,
    /// Who has it, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Its place among the roles: nobody gives a role above their own. The highest is the owners'.
    pub rank: u16,
    /// The permissions; a `*` stands for any.
    pub permissions: Vec<Permission>,
}

impl Role {
    /// The ceiling that it sets.
    #[must_use]
    pub fn grants(&self) -> GrantSet {
        self.permissions.iter().cloned().map(Grant::unlimited).collect()
    }
}

/// A family of resources: permissions that can be granted on a pattern, and what the pattern's parts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name: the key of its table.
    #[serde(skip_deserializing, default = "Name::unset")]
    pub name: Name,
    /// What people read.
    pub title: String,
    /// The permissions, without `*`. Each is in one family at most.
    pub permissions: Vec<Permission>,
    /// What the parts of a pattern are, in order; a pattern has exactly these. An empty list lets a pattern have any
    /// number of parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

/// Something that tokens are made for and lists can be filtered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name: the key of its table.
    #[serde(skip_deserializing, default = "Name::unset")]
    pub name: Name,
    /// What people read.
    pub title: String,
}

/// A wire adapter: the public paths of another system, which answer for organisations of a profile that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    /// DevGuard's `/api/v1/pats` and `/api/v1/whoami`.
    Devguard,
    /// HarborGuard's `/api/personal-access-tokens` and `/api/api-keys`.
    Harborguard,
    /// Semgrep's `/login` and `/api/agent`.
    Semgrep,
    /// Devtron's `/orchestrator/api-token`.
    Devtron,
}

/// At most so many, in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many: 1 to 10000.
    pub max: u16,
    /// In how many seconds: 1 to 86400.
    pub seconds: u32,
}

/// How many wrong passphrases lock a token, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// How many in a row: 1 to 100.
    pub max_wrong: u16,
    /// For how many seconds: 1 to 86400.
    pub lock_seconds: u32,
}

/// The limits of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Creations of tokens, for each member, token and client address. 10 in 60 seconds where not said.
    pub creation: Rate,
    /// Failed verifications, for each of the same. 20 in 60 seconds where not said.
    pub failed: Rate,
    /// Wrong passphrases. 5, and 900 seconds, where not said.
    pub passphrase: Lock,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            creation: Rate { max: 10, seconds: 60 },
            failed: Rate { max: 20, seconds: 60 },
            passphrase: Lock { max_wrong: 5, lock_seconds: 900 },
        }
    }
}

/// For how long edges may go by what they were told. What is longer costs fewer calls to the authority, and makes a
/// change that narrows wait longer: after a restart of the authority for twice the longest lease, with `stale_for_seconds`
/// and the margin, and that must be no more than 50 seconds, so that whoever asks for the change waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Leases {
    /// How long a lease runs, in milliseconds; with 0 every request asks. 2000 where not said.
    pub lease_millis: u32,
    /// How long a lease may run when there is much to do: at least the above. 10000 where not said, or the
    /// above where that is more.
    pub busy_lease_millis: Option<u32>,
    /// What covers the drift of clocks, their standing still and their steps back: at least 500. 500 where not said.
    pub margin_millis: u32,
    /// How much longer an edge may decide when the authority cannot be reached, in seconds: as far as the whole allows,
    /// 28 where nothing else is said. 0, not at all, where not said.
    pub stale_for_seconds: u32,
}

impl Leases {
    /// How long a lease may run when there is much to do, where nothing is said of it, in milliseconds.
    const USUALLY_BUSY_MILLIS: u32 = 10_000;

    /// How long a lease may run when there is much to do, in milliseconds.
    #[must_use]
    pub fn busy_millis(&self) -> u32 {
        self.busy_lease_millis.unwrap_or(self.lease_millis.max(Self::USUALLY_BUSY_MILLIS))
    }

    /// The same, as an authority grants them.
    #[must_use]
    pub fn terms(&self) -> LeaseTerms {
        LeaseTerms {
            lease_millis: self.lease_millis.into(),
            lease_max_millis: self.busy_millis().into(),
            margin_millis: self.margin_millis.into(),
            stale_millis: u64::from(self.stale_for_seconds).saturating_mul(1000),
        }
    }
}

impl Default for Leases {
    fn default() -> Self {
        Self { lease_millis: 2000, busy_lease_millis: None, margin_millis: 500, stale_for_seconds: 0 }
    }
}

/// A checked profile. Made by [`Profile::parse`] alone.
///
/// Scopes, families, services and kinds are in the order in which the file declares them, roles from the highest rank
/// down; every name that one part mentions is declared in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub(super) name: Name,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) revoke_by_private_key: bool,
    pub(super) adapters: Vec<Adapter>,
    pub(super) permissions: Vec<PermissionInfo>,
    pub(super) scopes: Vec<Scope>,
    pub(super) roles: Vec<Role>,
    pub(super) families: Vec<Family>,
    pub(super) services: Vec<Service>,
    pub(super) kinds: Vec<Kind>,
    pub(super) limits: Limits,
    pub(super) leases: Leases,
}

impl Profile {
    /// How large a file may be, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What people read.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it is for, in a sentence; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether posting a private key revokes its token. It sends a private key, so it is off where not said.
    #[must_use]
    pub const fn revoke_by_private_key(&self) -> bool {
        self.revoke_by_private_key
    }

    /// Whether the paths of this adapter answer for its organisations; else they answer 404.
    #[must_use]
    pub fn has_adapter(&self, adapter: Adapter) -> bool {
        self.adapters.contains(&adapter)
    }

    /// The permissions: those declared, then those of the product itself.
    #[must_use]
    pub fn permissions(&self) -> &[PermissionInfo] {
        &self.permissions
    }

    /// The scopes.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The scope of this name.
    #[must_use]
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// The roles, from the highest rank down.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The role with the highest rank: an organisation always keeps an active member who has it.
    #[must_use]
    pub fn owner_role(&self) -> Option<&Role> {
        self.roles.first()
    }

    /// The families of resources.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The family to which a permission belongs.
    #[must_use]
    pub fn family_of(&self, permission: &Permission) -> Option<&Family> {
        self.families.iter().find(|family| family.permissions.contains(permission))
    }

    /// The services.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind of this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The kind that onboarding makes.
    #[must_use]
    pub fn onboarding_kind(&self) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.onboarding.is_some())
    }

    /// The kind that a login on the command line makes.
    #[must_use]
    pub fn login_kind(&self) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.login.is_some())
    }

    /// The kind of an organisation's first token.
    #[must_use]
    pub fn setup_kind(&self) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.setup.is_some())
    }

    /// For how long edges may go by what they were told.
    #[must_use]
    pub const fn leases(&self) -> &Leases {
        &self.leases
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether this permission, which may hold a `*`, stands for at least one that is declared.
    #[must_use]
    pub fn declares(&self, permission: &Permission) -> bool {
        self.permissions.iter().any(|info| permission.contains(&info.permission))
    }
}
