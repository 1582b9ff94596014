//! Members: who may give which role, and that an owner always remains.

use super::access::Actor;
use crate::policy::{Name, Profile};
use crate::problem::{Code, Problem};

impl Profile {
    /// Whether the actor may give a member this role: it exists, ranks no higher than the actor's own, and permits
    /// nothing that the credential in use does not.
    ///
    /// # Errors
    /// `invalid_request` with the roles there are; `insufficient_permission`.
    pub fn may_set_role(&self, actor: &Actor, role: &str) -> Result<Name, Problem> {
        let Some(role) = self.role(role) else {
            let names: Vec<&str> = self.roles().iter().map(|role| role.name.as_str()).collect();
            return Err(Problem::field("role", format!("must be one of {}", names.join(", "))));
        };
        self.may_give_role(actor, &role.name)?;
        self.holds_all_of(actor, role)?;
        Ok(role.name.clone())
    }

    /// Whether the actor may change, suspend or remove a member who has this role: nobody reaches above their own
    /// rank, and a key without one reaches those who may do nothing that it may not. A role that is no longer declared
    /// ranks below all others.
    ///
    /// # Errors
    /// `insufficient_permission`.
    pub fn may_manage_member(&self, actor: &Actor, role: &Name) -> Result<(), Problem> {
        self.may_give_role(actor, role)
    }

    /// Whether an organisation with these members, each by role and whether active, still has an owner: an active
    /// member with the highest role. Ask it of the members as they would be.
    ///
    /// # Errors
    /// `conflict`.
    pub fn keeps_owner<'a>(&self, members: impl IntoIterator<Item = (&'a str, bool)>) -> Result<(), Problem> {
        let owner = self.owner_role().map(|role| role.name.as_str());
        if members.into_iter().any(|(role, active)| active && Some(role) == owner) {
            Ok(())
        } else {
            Err(Problem::new(Code::Conflict)
                .detail("The last owner cannot be removed, demoted or suspended: make another member an owner first."))
        }
    }

    /// What changing a member's role does to their tokens that inherit it.
    #[must_use]
    pub fn role_shift(&self, before: &str, after: &str) -> super::Shift {
        let grants = |name: &str| self.role(name).map(|role| role.grants()).unwrap_or_default();
        let (before, after) = (grants(before), grants(after));
        super::Shift { narrows: !after.contains(&before), widens: !before.contains(&after) }
    }
}
