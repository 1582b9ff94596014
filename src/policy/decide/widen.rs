//! Replacing a profile: nobody widens anything by more than they have.
//!
//! Whoever may edit a profile could give everything to themselves, so what the new file would let anybody do beyond
//! the old one is measured by the credential in use:
//!
//! - A scope, a role, or what onboarding, logins and invitations give, may gain a permission that the credential has. So may what
//!   tokens of a kind can be given at all. What is new gains all that it has. A `*` is had by whoever has that `*` or a
//!   wider one: a list of all that it stands for today would not be what it stands for tomorrow.
//! - A role may come to reach others, by its rank, that the actor reaches. What the roles above the actor's own permit,
//!   and their ranks, are not theirs to change, not even to narrow.
//! - A permission is declared, or ceases to be, only by one who has it. Else one could come to have everything by
//!   leaving no more than one has, or see to it that nobody has.
//! - All else that guards tokens, of a kind or of the whole organisation, is loosened, and kinds are added, only by one
//!   who has *everything*: every permission declared so far, on every resource, in the highest role. A token without a
//!   role has what it was given. Only such a one, and the holder of a `*` that covers it, has a permission that did not
//!   exist before.
//!
//! *effective = granted ∩ ceiling* grows with either side, so none of what a token or a member may do afterwards was
//! beyond both what it could before and what the actor had.

use super::access::Actor;
use crate::policy::{Grant, GrantSet, Kind, Least, Permission, PermissionInfo, Profile, Role};
use crate::problem::{Code, FieldError, Problem};

/// How many gains are told at most.
const MAX_TOLD: usize = 50;

impl Profile {
    /// Whether the actor may put `new` in place of this profile, as far as it widens anything. Whether what lives still
    /// fits is another question ([`Profile::missing_for_token`]).
    ///
    /// # Errors
    /// `insufficient_permission`, saying which scope, role, kind or rule would gain what; at most 50 of them.
    pub fn may_replace(&self, actor: &Actor, new: &Self) -> Result<(), Problem> {
        let Some(lacking) = self.lacking(actor) else { return Ok(()) };
        let mut gains = Gains { actor, lacking, required: None, told: Vec::new() };
        self.declarations(new, &mut gains);
        for scope in new.scopes() {
            let old = self.scope(scope.name.as_str()).map(|old| old.grants()).unwrap_or_default();
            gains.permissions(&format!("scopes.{}", scope.name), &old, &scope.permissions);
        }
        for role in new.roles() {
            let old = self.role(role.name.as_str()).map(Role::grants).unwrap_or_default();
            gains.permissions(&format!("roles.{}", role.name), &old, &role.permissions);
        }
        self.ranks(new, &mut gains);
        for kind in new.kinds() {
            self.kind_gains(new, kind, &mut gains);
        }
        for rule in self.loosened(new) {
            gains.guarded(&rule, "would be looser");
        }
        gains.finish()
    }

    /// What the actor lacks of everything.
    fn lacking(&self, actor: &Actor) -> Option<Lacking> {
        let owners = self.owner_role().map(|role| &role.name);
        if actor.role.is_some() && actor.role.as_ref() != owners {
            return Some(Lacking::Role);
        }
        self.permissions()
            .iter()
            .find(|info| !actor.effective.permits(&info.permission, None))
            .map(|info| Lacking::Permission(info.permission.clone()))
    }

    fn declarations(&self, new: &Self, gains: &mut Gains<'_>) {
        for (here, there, what) in
            [(self, new, "would be declared no longer"), (new, self, "would be a new permission")]
        {
            for PermissionInfo { permission, .. } in here.permissions() {
                let kept = there.permissions().iter().any(|info| info.permission == *permission);
                if !kept && !gains.actor.effective.permits(permission, None) {
                    let path = format!("permissions.{}.{}", permission.resource(), permission.action());
                    gains.lacks(&path, permission, what);
                }
            }
        }
    }

    fn ranks(&self, new: &Self, gains: &mut Gains<'_>) {
        let reached = |role: &Role| self.may_give_role(gains.actor, &role.name).is_ok();
        let mut told = Vec::new();
        for old in self.roles().iter().filter(|old| !reached(old)) {
            let now = new.role(old.name.as_str());
            if now.is_none_or(|now| now.rank != old.rank || now.grants() != old.grants()) {
                told.push((format!("roles.{}", old.name), "would be changed, and ranks above your own".to_owned()));
            }
            // Whoever comes to stand beside or above this role manages its members.
            let Some(now) = now else { continue };
            for other in new.roles().iter().filter(|other| other.name != old.name && other.rank >= now.rank) {
                if self.role(other.name.as_str()).is_none_or(|other| other.rank < old.rank) {
                    told.push((
                        format!("roles.{}.rank", other.name),
                        format!("would reach the role {}, which ranks above your own", old.name),
                    ));
                }
            }
        }
        for (path, message) in told {
            gains.tell(path, message);
        }
    }

    fn kind_gains(&self, new: &Self, kind: &Kind, gains: &mut Gains<'_>) {
        let path = format!("kinds.{}", kind.name);
        let Some(old) = self.kind(kind.name.as_str()) else {
            return gains.guarded(&path, "would be a new kind");
        };
        for rule in old.loosened(kind) {
            gains.guarded(&format!("{path}.{rule}"), "would be looser");
        }
        let reach: Vec<Permission> = new.grantable(kind).unlimited().cloned().collect();
        gains.permissions(&format!("{path}.grants"), &self.grantable(old), &reach);
        for (key, before, after) in [
            ("onboarding", &old.onboarding, &kind.onboarding),
            ("login", &old.login, &kind.login),
            ("setup", &old.setup, &kind.setup),
        ] {
            let Some(after) = after else { continue };
            let had = before.as_ref().map(|before| self.least(before)).unwrap_or_default();
            let gets: Vec<Permission> = new.least(after).unlimited().cloned().collect();
            gains.permissions(&format!("{path}.{key}"), &had, &gets);
            let role = before.as_ref().and_then(|before| before.role.as_ref());
            if let Some(now) = after.role.as_ref().filter(|now| Some(*now) != role) {
                let permits = new.role(now.as_str()).map(|role| role.permissions.clone()).unwrap_or_default();
                gains.permissions(&format!("{path}.{key}.role"), &GrantSet::default(), &permits);
            }
        }
    }

    /// All that tokens of a kind can be given, each on every resource.
    fn grantable(&self, kind: &Kind) -> GrantSet {
        let can = &kind.grants;
        let scopes = can.scopes.iter().filter_map(|name| self.scope(name.as_str())).flat_map(|it| &it.permissions);
        let roles = can.roles.iter().filter_map(|name| self.role(name.as_str())).flat_map(|it| &it.permissions);
        let families = self.families().iter().filter(|family| can.families.contains(&family.name));
        let all = scopes.chain(roles).chain(&can.permissions).chain(families.flat_map(|it| &it.permissions));
        all.cloned().map(Grant::unlimited).collect()
    }

    /// What a token made for a purpose gets, a role left aside.
    fn least(&self, least: &Least) -> GrantSet {
        let scopes = least.scopes.iter().filter_map(|name| self.scope(name.as_str())).flat_map(|it| &it.permissions);
        scopes.chain(&least.permissions).cloned().map(Grant::unlimited).collect()
    }
}

/// What an actor lacks of everything.
enum Lacking {
    /// The highest role.
    Role,
    /// A permission.
    Permission(Permission),
}

struct Gains<'a> {
    actor: &'a Actor,
    lacking: Lacking,
    required: Option<Permission>,
    told: Vec<FieldError>,
}

impl Gains<'_> {
    fn tell(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.told.push(FieldError { field: field.into(), message: message.into() });
    }

    fn lacks(&mut self, path: &str, permission: &Permission, what: &str) {
        self.required.get_or_insert_with(|| permission.clone());
        self.tell(path, format!("{what}, and the credential in use does not have {permission}"));
    }

    /// Tells each permission that neither was there before nor is the actor's.
    fn permissions(&mut self, path: &str, old: &GrantSet, new: &[Permission]) {
        for permission in new {
            let one = GrantSet::from_iter([Grant::unlimited(permission.clone())]);
            if !old.contains(&one) && !self.actor.effective.contains(&one) {
                self.lacks(path, permission, &format!("would gain {permission}"));
            }
        }
    }

    /// Tells of something that needs everything.
    fn guarded(&mut self, path: &str, what: &str) {
        match &self.lacking {
            Lacking::Role => self.tell(path, format!("{what}, which needs the highest role")),
            Lacking::Permission(permission) => {
                let permission = permission.clone();
                self.lacks(path, &permission, &format!("{what}, which needs every permission there is"));
            }
        }
    }

    fn finish(mut self) -> Result<(), Problem> {
        if self.told.is_empty() {
            return Ok(());
        }
        self.told.truncate(MAX_TOLD);
        let problem = Problem::new(Code::InsufficientPermission)
            .detail("The profile would let somebody do what the credential in use may not.");
        Err(Problem { errors: self.told, required: self.required.map(|it| it.to_string()), ..problem })
    }
}
