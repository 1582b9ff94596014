//! Nobody gives what they do not have.

use super::access::Actor;
use super::choice::Chosen;
use crate::policy::{CeilingSource, Grant, GrantSet, Kind, Name, Profile, Role};
use crate::problem::{Code, Problem};

impl Profile {
    /// Whether the credential in use contains what a token with this choice would grant.
    ///
    /// For a token that inherits its owner's role, a permission with a `*` means as much of it as the role has, so that
    /// a viewer may have a token with all that a viewer may do; a permission that is named must be had. Besides, what
    /// is granted must lie within what was granted to the credential in use: else a narrow token could make a wide one
    /// that wakes up when the role rises.
    ///
    /// # Errors
    /// `insufficient_permission`, naming the first grant that is missing.
    pub fn may_grant(
        &self,
        actor: &Actor,
        kind: &Kind,
        chosen: &Chosen,
        owner_role: Option<&str>,
    ) -> Result<(), Problem> {
        if let Some(role) = &chosen.role {
            self.may_give_role(actor, role)?;
        }
        let granted = self.granted(chosen);
        let ceiling = self.ceiling(kind, chosen, owner_role);
        let required = if kind.ceiling == CeilingSource::OwnerRole {
            contains(&actor.granted, &granted)?;
            let (open, named): (Vec<Grant>, Vec<Grant>) =
                granted.iter().cloned().partition(|grant| grant.permission.as_str().contains('*'));
            let mut required = open.into_iter().collect::<GrantSet>().intersection(&ceiling);
            required.extend(named);
            required
        } else {
            granted.intersection(&ceiling)
        };
        if required.is_empty() && !granted.is_empty() {
            return Err(Problem::new(Code::InsufficientPermission)
                .detail("Nothing of what was asked lies within the role that bounds the token."));
        }
        contains(&actor.effective, &required)
    }

    /// Whether the actor's rank reaches this role. A key of the organisation without a role has no rank to be measured
    /// by, so it reaches the roles that permit nothing that the key does not: else whoever may make keys could reach
    /// above themselves through one. A role that is no longer declared ranks below all others.
    ///
    /// # Errors
    /// `insufficient_permission`: the role ranks above the actor's own, or permits more than the actor has.
    pub(super) fn may_give_role(&self, actor: &Actor, role: &Name) -> Result<(), Problem> {
        let rank = |name: &Name| self.role(name.as_str()).map_or(0, |role| role.rank);
        match (&actor.role, self.role(role.as_str())) {
            (Some(own), _) if rank(own) < rank(role) => {
                Err(Problem::new(Code::InsufficientPermission).detail(format!("The role {role} ranks above your own.")))
            }
            (None, Some(role)) => self.holds_all_of(actor, role),
            _ => Ok(()),
        }
    }

    /// Whether the credential in use permits what the role does: permission by permission, as far as they are declared,
    /// since a `*` of the role's is no more than those are.
    pub(super) fn holds_all_of(&self, actor: &Actor, role: &Role) -> Result<(), Problem> {
        let permitted = role.grants();
        self.permissions()
            .iter()
            .filter(|info| permitted.permits(&info.permission, None))
            .try_for_each(|info| actor.has(&info.permission))
    }
}

pub(super) fn contains(wide: &GrantSet, narrow: &GrantSet) -> Result<(), Problem> {
    match narrow.iter().find(|grant| !wide.contains(&GrantSet::from_iter([(*grant).clone()]))) {
        None => Ok(()),
        Some(grant) => {
            let on = grant.resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
            Err(Problem::new(Code::InsufficientPermission)
                .detail(format!("The credential in use does not have {}{on}, so it cannot grant it.", grant.permission))
                .required(grant.permission.as_str()))
        }
    }
}
