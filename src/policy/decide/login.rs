//! What a login from a command line asks for, and whether its approver may give it.
//!
//! A client asks with a `scope` (RFC 6749, section 3.3), before anybody knows which organisation it will be: so its words
//! are read here, by the profile of whoever is about to approve. They are the kind's own names: its scopes, and
//! permissions where the kind can be given them one by one. A word that cannot be given is never left out silently: a
//! token that cannot do what was asked would be found out much later.

use super::access::Actor;
use super::choice::{Asked, Chosen};
use crate::policy::{CeilingSource, GrantSet, Kind, Least, Name, Permission, PermissionInfo, Profile};
use crate::problem::Problem;
use crate::protocol::login::scope_words;

/// What a login would give, by the rules of its kind alone: whether the approver may give it is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAsk {
    /// What is asked for, as a creation takes it.
    pub asked: Asked,
    /// What would be stored.
    pub chosen: Chosen,
    /// Whether a scope said so; else it is the kind's least.
    pub is_said: bool,
    /// Whether that grants more than the kind's least does.
    pub beyond_least: bool,
}

impl Least {
    /// The same, as something to ask for: an empty list was left out.
    #[must_use]
    pub fn to_asked(&self) -> Asked {
        fn texts<T: ToString>(list: &[T]) -> Option<Vec<String>> {
            (!list.is_empty()).then(|| list.iter().map(T::to_string).collect())
        }
        Asked {
            scopes: texts(&self.scopes),
            permissions: texts(&self.permissions),
            grants: None,
            role: self.role.as_ref().map(ToString::to_string),
        }
    }
}

impl Profile {
    /// Reads what a login asks for: the kind's least where it says nothing, else exactly what it names, within the role
    /// of the kind's least where there is one.
    ///
    /// # Errors
    /// `invalid_request` about `scope`: it is no scope, or it names what a token of this kind cannot have; that, and
    /// what it can have, is said. Or the kind needs something that was not asked for.
    pub fn login_ask(&self, kind: &Kind, scope: Option<&str>) -> Result<LoginAsk, Problem> {
        let least = kind.login.as_ref().map(Least::to_asked).unwrap_or_default();
        let words = scope.map(scope_words).transpose().map_err(|error| Problem::field("scope", error.to_string()))?;
        let words = words.unwrap_or_default();
        let is_said = !words.is_empty();
        let asked = if is_said { self.named(kind, &words, least.role.clone())? } else { least.clone() };
        let chosen = self.choose(kind, &asked).map_err(|errors| {
            let why: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            let detail = format!("The login asks for too little: {}.", why.join("; "));
            Problem::fields(errors).detail(detail)
        })?;
        let beyond_least = is_said
            && self.choose(kind, &least).is_ok_and(|least| !self.granted(&least).contains(&self.granted(&chosen)));
        Ok(LoginAsk { asked, chosen, is_said, beyond_least })
    }

    /// Whether the actor may give what a login asks for, by the rule that holds for everything they grant.
    ///
    /// # Errors
    /// `insufficient_permission`: it is more than the actor has; what of it, and what they may give, is said.
    pub fn may_give_login(
        &self,
        kind: &Kind,
        actor: &Actor,
        ask: &LoginAsk,
        owner_role: Option<&str>,
    ) -> Result<(), Problem> {
        let Err(problem) = self.may_grant(actor, kind, &ask.chosen, owner_role) else { return Ok(()) };
        let role = ask.chosen.role.as_ref();
        let may = |one: &Chosen| self.may_grant(actor, kind, one, owner_role).is_ok();
        let above: Vec<String> = single(&ask.chosen.scopes, &ask.chosen.permissions, role)
            .filter(|(_, one)| !may(one))
            .map(|(name, _)| name)
            .collect();
        if !ask.is_said || above.is_empty() {
            return Err(problem);
        }
        let offered: Vec<String> = single(&kind.grants.scopes, &kind.grants.permissions, role)
            .filter(|(_, one)| may(one))
            .map(|(name, _)| name)
            .collect();
        let detail = format!(
            "The login asks for {}, which is more than you may give. You may give {}.",
            above.join(", "),
            listed(&offered)
        );
        Err(Problem { detail: Some(detail), ..problem })
    }

    /// What a token with this choice could do now, permission by permission, with the profile's words for each.
    pub fn could_do<'p>(
        &'p self,
        kind: &Kind,
        chosen: &Chosen,
        owner_role: Option<&str>,
    ) -> impl Iterator<Item = &'p PermissionInfo> + use<'p> {
        let effective = self.effective(kind, chosen, owner_role);
        // A permission on some resources is worth knowing of, too.
        self.permissions().iter().filter(move |info| effective.permits_somewhere(&info.permission))
    }

    /// What is granted with this choice and the owner's role does not permit as it is: what the token could do besides,
    /// from the moment on when its owner's role does. Nothing where no owner's role bounds the kind.
    pub fn could_do_later<'p>(
        &'p self,
        kind: &Kind,
        chosen: &Chosen,
        owner_role: Option<&str>,
    ) -> impl Iterator<Item = &'p PermissionInfo> + use<'p> {
        let follows = kind.ceiling == CeilingSource::OwnerRole;
        let granted = if follows { self.granted(chosen) } else { GrantSet::default() };
        let effective = self.effective(kind, chosen, owner_role);
        self.permissions().iter().filter(move |info| {
            granted.permits_somewhere(&info.permission) && !effective.permits_somewhere(&info.permission)
        })
    }

    /// The words as the lists that a creation takes.
    fn named(&self, kind: &Kind, words: &[&str], role: Option<String>) -> Result<Asked, Problem> {
        let (mut scopes, mut permissions, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for word in words {
            let list = if kind.grants.scopes.iter().any(|name| name == word) {
                &mut scopes
            } else if self.permission_of(kind, word).is_ok() {
                &mut permissions
            } else {
                &mut others
            };
            list.push((*word).to_owned());
        }
        if !others.is_empty() {
            let names = single(&kind.grants.scopes, &kind.grants.permissions, None).map(|(name, _)| name);
            let offered = listed(&names.collect::<Vec<_>>());
            let message = format!("asks for {}; offered is {offered}", others.join(", "));
            let detail = format!(
                "The login asks for {}, which a {} cannot have. It can have {offered}.",
                others.join(", "),
                kind.title
            );
            return Err(Problem::field("scope", message).detail(detail));
        }
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        Ok(Asked { scopes: some(scopes), permissions: some(permissions), grants: None, role })
    }
}

/// Each scope and each permission with its name, chosen alone.
fn single(scopes: &[Name], permissions: &[Permission], role: Option<&Name>) -> impl Iterator<Item = (String, Chosen)> {
    let role = role.cloned();
    let alone = Chosen { role, ..Chosen::default() };
    let of_permissions = alone.clone();
    let scopes =
        scopes.iter().map(move |name| (name.to_string(), Chosen { scopes: vec![name.clone()], ..alone.clone() }));
    let permissions = permissions.iter().map(move |permission| {
        (permission.to_string(), Chosen { permissions: vec![permission.clone()], ..of_permissions.clone() })
    });
    scopes.chain(permissions)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
