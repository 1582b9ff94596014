//! What anybody with a valid credential may know of a profile: all that a form or a page of documentation needs
//! (`GET /v1/kinds`).

use serde::Serialize;

use super::grant::Permission;
use super::kind::{
    CautionTexts, CeilingSource, Count, ExpiryRules, Field, Freshness, Header, Kind, Least, Ownership, Proof,
    RotateRules,
};
use super::name::Name;
use super::profile::{Family, PermissionInfo, Profile, Service};
use super::signature_rules::SignatureRules;
use super::text_rules::{DescriptionRules, NameRules, PassphraseRules};
use super::{Actor, Needed};

/// A profile, for those who use its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Kinds"))]
pub struct PublicProfile<'p> {
    /// Its name.
    pub name: &'p Name,
    /// What people read.
    pub title: &'p str,
    /// What it is for.
    pub description: &'p str,
    /// The kinds.
    pub kinds: Vec<PublicKind<'p>>,
    /// The scopes.
    pub scopes: Vec<PublicScope<'p>>,
    /// The permissions, those of the product itself among them.
    pub permissions: &'p [PermissionInfo],
    /// The roles, from the highest rank down.
    pub roles: Vec<PublicRole<'p>>,
    /// The families of resources.
    pub families: &'p [Family],
    /// The services.
    pub services: &'p [Service],
}

/// A scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Scope"))]
pub struct PublicScope<'p> {
    /// Its name.
    pub name: &'p Name,
    /// What people read.
    pub title: &'p str,
    /// What it permits, in a sentence.
    pub description: &'p str,
    /// The permissions.
    pub permissions: &'p [Permission],
    /// Whether one of them is sensitive.
    pub sensitive: bool,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Role"))]
pub struct PublicRole<'p> {
    /// Its name.
    pub name: &'p Name,
    /// What people read.
    pub title: &'p str,
    /// Who has it.
    pub description: &'p str,
    /// Its rank.
    pub rank: u16,
    /// The permissions.
    pub permissions: &'p [Permission],
}

/// A kind, with every rule that a form needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Kind"))]
pub struct PublicKind<'p> {
    /// Its name.
    pub name: &'p Name,
    /// What people read.
    pub title: &'p str,
    /// What it is for.
    pub description: &'p str,
    /// What its secrets begin with.
    pub prefix: &'p str,
    /// The ways of proof.
    pub proofs: &'p [Proof],
    /// Who owns it.
    pub owner: Ownership,
    /// What bounds it.
    pub ceiling: CeilingSource,
    /// What can be granted: the names of scopes.
    pub scopes: &'p [Name],
    /// What can be granted: permissions, a `*` spelt out.
    pub permissions: Vec<&'p Permission>,
    /// What can be granted: the names of families.
    pub families: &'p [Name],
    /// What can be granted: the names of roles.
    pub roles: &'p [Name],
    /// What must be chosen.
    pub needed: Needed,
    /// The scope that is granted where nothing was said.
    pub default_grant: Option<&'p Name>,
    /// When it ends.
    pub expiry: &'p ExpiryRules,
    /// Its name's rules.
    pub naming: &'p NameRules,
    /// Its description's rules.
    pub describing: &'p DescriptionRules,
    /// Its passphrase's rules; null means that it has none.
    pub passphrase: Option<&'p PassphraseRules>,
    /// Whether it may name a service.
    pub service: bool,
    /// Whether it can be made switched off.
    pub create_inactive: bool,
    /// What can be edited.
    pub edit: &'p [Field],
    /// Its rotation's rules; null means that it is not rotated.
    pub rotate: Option<&'p RotateRules>,
    /// Whether it can be regenerated.
    pub regenerate: bool,
    /// The headers that carry it.
    pub headers: Vec<&'static str>,
    /// How fresh a decision is.
    pub freshness: Freshness,
    /// What a signed request must look like, as it is applied; null where it is not signed.
    pub signature: Option<SignatureRules>,
    /// What is counted.
    pub counts: &'p [Count],
    /// What it is recommended for.
    pub recommended_for: &'p [String],
    /// What must be confirmed.
    pub cautions: &'p CautionTexts,
    /// What onboarding gives it; null where it does not.
    pub onboarding: Option<&'p Least>,
    /// What a login gives it; null where it does not.
    pub login: Option<&'p Least>,
    /// Whether the one who asks may create it.
    pub can_create: bool,
}

impl Profile {
    /// The profile for one who asks.
    #[must_use]
    pub fn public(&self, actor: &Actor) -> PublicProfile<'_> {
        PublicProfile {
            name: self.name(),
            title: self.title(),
            description: self.description(),
            kinds: self.kinds().iter().map(|kind| self.public_kind(kind, actor)).collect(),
            scopes: self
                .scopes()
                .iter()
                .map(|scope| PublicScope {
                    name: &scope.name,
                    title: &scope.title,
                    description: &scope.description,
                    permissions: &scope.permissions,
                    sensitive: self.permissions().iter().any(|info| {
                        info.sensitive && scope.permissions.iter().any(|wide| wide.contains(&info.permission))
                    }),
                })
                .collect(),
            permissions: self.permissions(),
            roles: self
                .roles()
                .iter()
                .map(|role| PublicRole {
                    name: &role.name,
                    title: &role.title,
                    description: &role.description,
                    rank: role.rank,
                    permissions: &role.permissions,
                })
                .collect(),
            families: self.families(),
            services: self.services(),
        }
    }

    fn public_kind<'p>(&'p self, kind: &'p Kind, actor: &Actor) -> PublicKind<'p> {
        let can = &kind.grants;
        let grantable = |info: &&PermissionInfo| can.permissions.iter().any(|wide| wide.contains(&info.permission));
        PublicKind {
            name: &kind.name,
            title: &kind.title,
            description: &kind.description,
            prefix: &kind.prefix,
            proofs: &kind.proofs,
            owner: kind.owner,
            ceiling: kind.ceiling,
            scopes: &can.scopes,
            permissions: self.permissions().iter().filter(grantable).map(|info| &info.permission).collect(),
            families: &can.families,
            roles: &can.roles,
            needed: can.needed,
            default_grant: can.default_grant.as_ref(),
            expiry: &kind.expiry,
            naming: &kind.naming,
            describing: &kind.describing,
            passphrase: kind.passphrase.as_ref(),
            service: kind.service,
            create_inactive: kind.create_inactive,
            edit: &kind.edit,
            rotate: kind.rotate.as_ref(),
            regenerate: kind.regenerate,
            headers: kind.headers.iter().map(|header: &Header| header.as_str()).collect(),
            freshness: kind.freshness,
            signature: kind.has_proof(Proof::Signature).then(|| kind.signature.applied()),
            counts: &kind.counts,
            recommended_for: &kind.recommended_for,
            cautions: &kind.cautions,
            onboarding: kind.onboarding.as_ref(),
            login: kind.login.as_ref(),
            can_create: kind.may_create(actor, &kind.verbs.create).is_ok(),
        }
    }
}
