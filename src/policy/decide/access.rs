//! Who acts, and whether they may make, see or manage tokens of a kind.

use crate::id::{MemberId, TokenId};
use crate::policy::{GrantSet, Kind, Name, Ownership, Permission, Product, Profile};
use crate::problem::{Code, Problem};

/// Who acts, with the credential in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The member who acts; none for a token of the organisation.
    pub member: Option<MemberId>,
    /// The token in use; none for a session of the console.
    pub token: Option<TokenId>,
    /// The member's role as it is now, or the token's fixed role.
    pub role: Option<Name>,
    /// What was granted to the credential in use, the ceiling left aside; everything, for a session.
    pub granted: GrantSet,
    /// What the credential in use may do: *granted ∩ ceiling*.
    pub effective: GrantSet,
}

/// The token that something is done with: what it is, and whose.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its kind.
    pub kind: &'a Kind,
    /// The member who owns it; none where the organisation does.
    pub owner: Option<MemberId>,
    /// The owner's role as it is now.
    pub owner_role: Option<&'a str>,
}

/// What can be done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// To see it.
    View,
    /// To edit it.
    Edit,
    /// To rotate or regenerate it.
    Rotate,
    /// To revoke it.
    Revoke,
}

impl Actor {
    /// Whether the credential in use has this permission of the product itself.
    ///
    /// # Errors
    /// `insufficient_permission`, naming it.
    pub fn needs(&self, product: Product) -> Result<(), Problem> {
        self.has(&product.permission())
    }

    /// Whether the credential in use has this permission, on everything.
    ///
    /// # Errors
    /// `insufficient_permission`, naming it.
    pub fn has(&self, permission: &Permission) -> Result<(), Problem> {
        if self.effective.permits(permission, None) {
            Ok(())
        } else {
            Err(Problem::new(Code::InsufficientPermission).required(permission.as_str()))
        }
    }

    /// Whether the token belongs to the member who acts.
    #[must_use]
    pub fn owns(&self, owner: Option<MemberId>) -> bool {
        owner.is_some() && owner == self.member
    }

    /// Whether the roles listed are no bar. One who has no role is bound by permissions alone.
    fn listed(&self, roles: &[Name]) -> bool {
        self.role.as_ref().is_none_or(|role| roles.contains(role))
    }

    fn listed_or_any(&self, roles: Option<&[Name]>) -> bool {
        roles.is_none_or(|roles| self.listed(roles))
    }
}

impl Profile {
    /// Whether the actor may say which requests reach the application, and with which permission.
    ///
    /// A route that is added, changed or taken away can open any request to anybody: patterns overlap, and the first
    /// that fits decides. So it takes `routes:edit` and every permission of the application that the profile declares, each on every
    /// resource: who has them is given nothing by any table.
    ///
    /// # Errors
    /// `insufficient_permission`, naming the first that is missing.
    pub fn may_route(&self, actor: &Actor) -> Result<(), Problem> {
        actor.needs(Product::RoutesEdit)?;
        let own = self.permissions().iter().filter(|info| !Product::is_own(&info.permission));
        match own.map(|info| &info.permission).find(|permission| !actor.effective.permits(permission, None)) {
            None => Ok(()),
            Some(missing) => Err(Problem::new(Code::InsufficientPermission)
                .detail("Routes can open the whole application, so changing them takes every permission for it.")
                .required(missing.as_str())),
        }
    }
}

impl Kind {
    /// The permission that a verb asks for.
    #[must_use]
    pub const fn permission_for(&self, verb: Verb) -> &Permission {
        match verb {
            Verb::View => &self.verbs.view,
            Verb::Edit => &self.verbs.edit,
            Verb::Rotate => &self.verbs.rotate,
            Verb::Revoke => &self.verbs.revoke,
        }
    }

    /// Whether the actor may make or import a token of this kind at all.
    ///
    /// # Errors
    /// `insufficient_permission`: the permission is missing, the role is not one of those listed, or the token would
    /// belong to a member and none acts.
    pub fn may_create(&self, actor: &Actor, permission: &Permission) -> Result<(), Problem> {
        self.may_bring_in(actor, permission)?;
        if self.owner == Ownership::Member && actor.member.is_none() {
            return Err(Problem::new(Code::InsufficientPermission)
                .detail(format!("A {} belongs to the member who makes it, and no member is acting.", self.title)));
        }
        Ok(())
    }

    /// The same, where it is not the actor's to have.
    pub(super) fn may_bring_in(&self, actor: &Actor, permission: &Permission) -> Result<(), Problem> {
        actor.has(permission)?;
        if actor.listed_or_any(self.access.create.as_deref()) {
            return Ok(());
        }
        Err(Problem::new(Code::InsufficientPermission)
            .detail(format!("Your role may not create a {}.", self.title))
            .required(permission.as_str()))
    }

    /// Whether the actor sees this token of the kind. What one does not see is `not_found`.
    #[must_use]
    pub fn may_see(&self, actor: &Actor, owner: Option<MemberId>) -> bool {
        actor.effective.permits(&self.verbs.view, None)
            && (actor.listed(&self.access.see)
                || (actor.owns(owner) && actor.listed_or_any(self.access.own.as_deref())))
    }

    /// Whether the actor may do this with the token. A member's own token is rotated by that member alone.
    ///
    /// # Errors
    /// `insufficient_permission`.
    pub fn may(&self, verb: Verb, actor: &Actor, owner: Option<MemberId>) -> Result<(), Problem> {
        let permission = self.permission_for(verb);
        actor.has(permission)?;
        let refused = |why: &str| {
            Err(Problem::new(Code::InsufficientPermission).detail(why.to_owned()).required(permission.as_str()))
        };
        if actor.owns(owner) {
            return if actor.listed_or_any(self.access.own.as_deref()) {
                Ok(())
            } else {
                refused("Your role may not manage tokens of this kind.")
            };
        }
        let (roles, personal) = match verb {
            Verb::View => (&self.access.see, false),
            Verb::Rotate => (&self.access.manage, owner.is_some()),
            Verb::Edit | Verb::Revoke => (&self.access.manage, false),
        };
        if personal {
            return refused("A member's own token is rotated by that member alone.");
        }
        if actor.listed(roles) { Ok(()) } else { refused("Your role may not manage others' tokens of this kind.") }
    }
}
