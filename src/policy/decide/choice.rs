//! From what was asked to what is granted: names are resolved, and stored explicitly.

use serde::{Deserialize, Serialize};

use crate::order::sorted;
use crate::policy::{CeilingSource, Grant, GrantSet, Kind, Name, Needed, Permission, Profile, ResourcePattern};
use crate::problem::FieldError;

/// A grant as it was asked for, not yet looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AskedGrant {
    /// The permission, which belongs to one of the kind's families.
    pub permission: String,
    /// The pattern; always needed, so that a narrow grant is never saved as a wide one.
    pub resource: String,
}

/// What was asked to be granted, not yet looked at. `None` was left out, which is not the same as an empty list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// Names of scopes.
    pub scopes: Option<Vec<String>>,
    /// Permissions.
    pub permissions: Option<Vec<String>>,
    /// Permissions on patterns.
    pub grants: Option<Vec<AskedGrant>>,
    /// The name of a role.
    pub role: Option<String>,
}

/// What was chosen for a token, as it is stored: explicit, checked, in order and without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chosen {
    /// The scopes.
    pub scopes: Vec<Name>,
    /// The permissions.
    pub permissions: Vec<Permission>,
    /// The permissions on patterns.
    pub grants: Vec<Grant>,
    /// The role.
    pub role: Option<Name>,
}

/// The most entries in any list of what is asked.
const MAX_LISTED: usize = 256;

impl Profile {
    /// Resolves what was asked for a token of this kind.
    ///
    /// Where nothing at all was said, the kind's `default_grant` is chosen, explicitly; without one, that is an error
    /// as far as the kind needs something. A list that was given and is empty never stands for more than itself.
    ///
    /// # Errors
    /// Each field at fault, with what is allowed: an unknown name, one that this kind cannot have, a pattern that does
    /// not fit its family, more than 256 entries, or nothing chosen.
    pub fn choose(&self, kind: &Kind, asked: &Asked) -> Result<Chosen, Vec<FieldError>> {
        let mut errors = Errors(Vec::new());
        let mut chosen = Chosen {
            scopes: errors.list("scopes", asked.scopes.as_deref(), |text| Self::scope_of(kind, text)),
            permissions: errors.list("permissions", asked.permissions.as_deref(), |text| {
                self.permission_of(kind, text).map_err(|message| (String::new(), message))
            }),
            grants: errors.list("grants", asked.grants.as_deref(), |grant| self.grant_of(kind, grant)),
            role: asked.role.as_deref().and_then(|text| match Self::role_of(kind, text) {
                Ok(name) => Some(name),
                Err(message) => {
                    errors.push("role", message);
                    None
                }
            }),
        };
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        let said_nothing = asked == &Asked::default();
        if said_nothing && let Some(scope) = &kind.grants.default_grant {
            chosen.scopes.push(scope.clone());
        }
        errors.missing(kind, asked, &chosen);
        if errors.0.is_empty() { Ok(chosen) } else { Err(errors.0) }
    }

    /// What a choice grants: its scopes as they are declared now, its permissions and its grants; or, where a role
    /// alone was chosen, everything that the role permits. A scope that is no longer declared grants nothing.
    #[must_use]
    pub fn granted(&self, chosen: &Chosen) -> GrantSet {
        if chosen.role.is_some() && chosen.is_role_alone() {
            return GrantSet::all();
        }
        let mut granted: GrantSet =
            chosen.permissions.iter().cloned().map(Grant::unlimited).chain(chosen.grants.iter().cloned()).collect();
        for scope in chosen.scopes.iter().filter_map(|name| self.scope(name.as_str())) {
            granted.extend(scope.permissions.iter().cloned().map(Grant::unlimited));
        }
        granted
    }

    /// What bounds a token: its owner's role as it is now, the role chosen for it, or nothing. A role that is no longer
    /// declared, or an owner without one, bounds it to nothing at all.
    #[must_use]
    pub fn ceiling(&self, kind: &Kind, chosen: &Chosen, owner_role: Option<&str>) -> GrantSet {
        let of =
            |role: Option<&str>| role.and_then(|name| self.role(name)).map_or_else(GrantSet::default, |r| r.grants());
        match (kind.ceiling, &chosen.role) {
            (CeilingSource::OwnerRole, _) => of(owner_role),
            (CeilingSource::FixedRole, Some(role)) => of(Some(role.as_str())),
            (CeilingSource::FixedRole, None) | (CeilingSource::Everything, _) => GrantSet::all(),
        }
    }

    /// The one formula: *effective = granted ∩ ceiling*.
    #[must_use]
    pub fn effective(&self, kind: &Kind, chosen: &Chosen, owner_role: Option<&str>) -> GrantSet {
        self.granted(chosen).intersection(&self.ceiling(kind, chosen, owner_role))
    }

    fn scope_of(kind: &Kind, text: &str) -> Result<Name, (String, String)> {
        match kind.grants.scopes.iter().find(|name| **name == text) {
            Some(name) => Ok(name.clone()),
            None => Err((String::new(), not_one_of(&kind.grants.scopes, "a token of this kind has no scopes"))),
        }
    }

    fn role_of(kind: &Kind, text: &str) -> Result<Name, String> {
        match kind.grants.roles.iter().find(|name| **name == text) {
            Some(name) => Ok(name.clone()),
            None => Err(not_one_of(&kind.grants.roles, "a token of this kind has no role of its own")),
        }
    }

    pub(super) fn permission_of(&self, kind: &Kind, text: &str) -> Result<Permission, String> {
        let permission: Permission = text.parse().map_err(|error: crate::policy::GrantError| error.to_string())?;
        if kind.grants.permissions.iter().any(|allowed| allowed.contains(&permission)) && self.declares(&permission) {
            return Ok(permission);
        }
        Err(not_one_of(&kind.grants.permissions, "a token of this kind has no permissions of its own"))
    }

    fn grant_of(&self, kind: &Kind, asked: &AskedGrant) -> Result<Grant, (String, String)> {
        let at = |part: &str, message: String| (format!(".{part}"), message);
        let permission: Permission =
            asked.permission.parse().map_err(|error: crate::policy::GrantError| at("permission", error.to_string()))?;
        let Some(family) = self.family_of(&permission).filter(|family| kind.grants.families.contains(&family.name))
        else {
            let allowed: Vec<_> = self
                .families()
                .iter()
                .filter(|family| kind.grants.families.contains(&family.name))
                .flat_map(|family| &family.permissions)
                .collect();
            return Err(at("permission", not_one_of(&allowed, "a token of this kind has no grants on resources")));
        };
        let resource: ResourcePattern =
            asked.resource.parse().map_err(|error: crate::policy::GrantError| at("resource", error.to_string()))?;
        if !family.parts.is_empty() && resource.as_str().split('/').count() != family.parts.len() {
            return Err(at("resource", format!("must have the parts {}", family.parts.join("/"))));
        }
        Ok(Grant { permission, resource: Some(resource) })
    }
}

impl Chosen {
    /// Whether there are neither scopes nor permissions nor grants.
    pub(super) const fn is_role_alone(&self) -> bool {
        self.scopes.is_empty() && self.permissions.is_empty() && self.grants.is_empty()
    }

    /// The same, as something to ask for: an empty list was left out.
    pub(super) fn to_asked(&self) -> Asked {
        fn some<T, U>(list: &[T], each: impl Fn(&T) -> U) -> Option<Vec<U>> {
            (!list.is_empty()).then(|| list.iter().map(each).collect())
        }
        Asked {
            scopes: some(&self.scopes, ToString::to_string),
            permissions: some(&self.permissions, ToString::to_string),
            grants: some(&self.grants, |grant| AskedGrant {
                permission: grant.permission.to_string(),
                resource: grant.resource.as_ref().map_or_else(String::new, ToString::to_string),
            }),
            role: self.role.as_ref().map(ToString::to_string),
        }
    }
}

/// "must be one of …", or what to say where there is nothing to choose from.
fn not_one_of<T: ToString>(allowed: &[T], none: &str) -> String {
    if allowed.is_empty() {
        return none.to_owned();
    }
    let allowed: Vec<String> = allowed.iter().map(T::to_string).collect();
    format!("must be one of {}", allowed.join(", "))
}

struct Errors(Vec<FieldError>);

impl Errors {
    fn push(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// Reads a list, each entry once, in order; an error says which entry and which part of it.
    fn list<T, U: Ord>(
        &mut self,
        field: &str,
        asked: Option<&[T]>,
        read: impl Fn(&T) -> Result<U, (String, String)>,
    ) -> Vec<U> {
        let asked = asked.unwrap_or_default();
        if asked.len() > MAX_LISTED {
            self.push(field, format!("must have at most {MAX_LISTED} entries"));
            return Vec::new();
        }
        let mut read_all = Vec::with_capacity(asked.len());
        for (at, entry) in asked.iter().enumerate() {
            match read(entry) {
                Ok(value) => read_all.push(value),
                Err((part, message)) => self.push(format!("{field}[{at}]{part}"), message),
            }
        }
        let mut read_all = sorted(read_all, |a, b| a < b);
        read_all.dedup();
        read_all
    }

    /// Says what had to be chosen and was not.
    fn missing(&mut self, kind: &Kind, asked: &Asked, chosen: &Chosen) {
        let can = &kind.grants;
        match can.needed {
            Needed::Scopes if chosen.scopes.is_empty() => self.push("scopes", "at least one scope must be chosen"),
            Needed::Permissions if chosen.permissions.is_empty() => {
                self.push("permissions", "at least one permission must be chosen");
            }
            Needed::Role if chosen.role.is_none() => {
                self.push("role", not_one_of(&can.roles, "a role must be chosen"));
            }
            Needed::Any if chosen.is_role_alone() && chosen.role.is_none() => {
                // A list that was given, and is empty, is what to point at.
                let field = match can {
                    _ if asked.scopes.is_some() => "scopes",
                    _ if asked.permissions.is_some() => "permissions",
                    _ if asked.grants.is_some() => "grants",
                    _ if !can.scopes.is_empty() => "scopes",
                    _ if !can.permissions.is_empty() => "permissions",
                    _ if !can.families.is_empty() => "grants",
                    _ => "role",
                };
                self.push(field, "something must be granted: a token that permits nothing is not made");
            }
            _ => {}
        }
        // A role alone grants all that it permits; a list that was given, and is empty, must not come to mean that.
        if self.0.is_empty() && chosen.role.is_some() && chosen.is_role_alone() {
            let given = [
                ("scopes", asked.scopes.is_some()),
                ("permissions", asked.permissions.is_some()),
                ("grants", asked.grants.is_some()),
            ];
            for (field, _) in given.into_iter().filter(|(_, given)| *given) {
                self.push(field, "must not be empty: leave it out to grant all that the role permits");
            }
        }
    }
}
