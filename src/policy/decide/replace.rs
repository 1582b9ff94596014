//! Replacing a profile: what live tokens and members name must still be there.

use serde::Serialize;

use super::choice::Chosen;
use crate::policy::{Name, Profile, Proof};

/// Something that a live token or member names, and a profile does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "what", content = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missing {
    /// The kind.
    Kind(String),
    /// A way of proof, which the kind no longer has.
    Proof(Proof),
    /// The kind belongs to another sort of owner now.
    Owner(String),
    /// The kind's secrets have another form now.
    Format(String),
    /// A scope.
    Scope(String),
    /// A permission.
    Permission(String),
    /// A role.
    Role(String),
    /// A service.
    Service(String),
}

impl Profile {
    /// What a live token names that this profile, put in place of `old`, does not have. A profile may replace another
    /// only if the answer is empty for every live token and every member.
    #[must_use]
    pub fn missing_for_token(
        &self,
        old: &Self,
        kind: &str,
        proof: Proof,
        chosen: &Chosen,
        service: Option<&Name>,
    ) -> Vec<Missing> {
        let mut missing = Vec::new();
        match (self.kind(kind), old.kind(kind)) {
            (None, _) => missing.push(Missing::Kind(kind.to_owned())),
            (Some(new), old) => {
                if !new.has_proof(proof) {
                    missing.push(Missing::Proof(proof));
                }
                if old.is_some_and(|old| old.owner != new.owner) {
                    missing.push(Missing::Owner(kind.to_owned()));
                }
                let same = |old: &crate::policy::Kind| old.prefix == new.prefix && old.format == new.format;
                if proof == Proof::Bearer && !old.is_none_or(same) {
                    missing.push(Missing::Format(kind.to_owned()));
                }
            }
        }
        let scopes = chosen.scopes.iter().filter(|name| self.scope(name.as_str()).is_none());
        missing.extend(scopes.map(|name| Missing::Scope(name.to_string())));
        let permissions = chosen.permissions.iter().chain(chosen.grants.iter().map(|grant| &grant.permission));
        missing.extend(permissions.filter(|p| !self.declares(p)).map(|p| Missing::Permission(p.to_string())));
        missing.extend(chosen.role.iter().flat_map(|role| self.missing_for_member(role.as_str())));
        let service = service.filter(|name| self.service(name.as_str()).is_none());
        missing.extend(service.map(|name| Missing::Service(name.to_string())));
        missing
    }

    /// What a member with this role names that this profile does not have.
    #[must_use]
    pub fn missing_for_member(&self, role: &str) -> Option<Missing> {
        self.role(role).is_none().then(|| Missing::Role(role.to_owned()))
    }
}
