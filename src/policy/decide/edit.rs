//! Editing a token, and what an edit does to those who hold it: does it narrow, does it widen?

use serde::{Deserialize, Deserializer};

use super::access::{Actor, Subject, Verb};
use super::choice::{AskedGrant, Chosen};
use super::create::ExpiryAsked;
use crate::policy::{Field, Kind, Name, Profile};
use crate::problem::{Code, FieldError, Problem};
use crate::time::Timestamp;

/// What an edit says of a field: nothing, `null`, or a value (RFC 7396). Give the field `#[serde(default)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Nothing: it stays.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Change<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Change_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Option::<T>::json_schema(generator)
    }
}

/// An edit, as asked. A passphrase is known here by its length alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Its name.
    pub name: Change<String>,
    /// Its description.
    pub description: Change<String>,
    /// Its scopes.
    pub scopes: Change<Vec<String>>,
    /// Its permissions.
    pub permissions: Change<Vec<String>>,
    /// Its grants on resources.
    pub grants: Change<Vec<AskedGrant>>,
    /// Its role.
    pub role: Change<String>,
    /// When it ends.
    pub expires_at: Change<Timestamp>,
    /// Whether it is switched on.
    pub active: Change<bool>,
    /// Its passphrase: how many characters a new one has.
    pub passphrase_chars: Change<usize>,
    /// The service that it is for.
    pub service: Change<String>,
}

/// What of a token can be edited, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// What was chosen for it.
    pub chosen: Chosen,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When its secret was made: the creation, or the last rotation or regeneration. No edit moves it.
    pub issued_at: Timestamp,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether it has a passphrase.
    pub has_passphrase: bool,
    /// The service that it is for.
    pub service: Option<Name>,
}

/// What a change does to what is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// It can turn a yes into a no: it must hold everywhere before it is answered.
    pub narrows: bool,
    /// It can turn a no into a yes: whoever asks must have what it grants.
    pub widens: bool,
}

impl Shift {
    /// Both changes together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { narrows: self.narrows || other.narrows, widens: self.widens || other.widens }
    }

    /// The change undone.
    #[must_use]
    pub const fn reverse(self) -> Self {
        Self { narrows: self.widens, widens: self.narrows }
    }
}

/// An edit that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The token after it.
    pub after: State,
    /// The fields that change, in order; none if nothing does.
    pub changed: Vec<Field>,
    /// What it does to what is accepted.
    pub shift: Shift,
}

impl Profile {
    /// What changing a token from one state to another does to what is accepted. Where containment cannot be told
    /// grant by grant, it is taken to do both.
    ///
    /// The owner's role does not matter: that it rises or falls is another change.
    #[must_use]
    pub fn shift(&self, kind: &Kind, before: &State, after: &State) -> Shift {
        let granted = (self.granted(&before.chosen), self.granted(&after.chosen));
        // A role of the owner's is the same on both sides, so its ceiling is left out by naming none.
        let ceiling = (self.ceiling(kind, &before.chosen, None), self.ceiling(kind, &after.chosen, None));
        let step = |narrows: bool, widens: bool| Shift { narrows, widens };
        let end = |state: &State| state.expires_at.unwrap_or(Timestamp::MAX);
        step(!granted.1.contains(&granted.0), !granted.0.contains(&granted.1))
            .and(step(!ceiling.1.contains(&ceiling.0), !ceiling.0.contains(&ceiling.1)))
            .and(step(end(after) < end(before), end(before) < end(after)))
            .and(step(before.active && !after.active, !before.active && after.active))
            .and(step(!before.has_passphrase && after.has_passphrase, before.has_passphrase && !after.has_passphrase))
    }

    /// Decides whether the actor may make this edit, and what comes of it.
    ///
    /// # Errors
    /// `insufficient_permission`: the actor may not edit it, would give what they do not have, or would do more to
    /// another member's own token than narrow it. `not_editable`: the kind does not let these fields be changed.
    /// `invalid_request` with every field at fault.
    pub fn edit(
        &self,
        subject: Subject<'_>,
        actor: &Actor,
        before: &State,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<Edited, Problem> {
        let Subject { kind, owner, owner_role } = subject;
        kind.may(Verb::Edit, actor, owner)?;
        let after = self.after(kind, before, edit, now)?;
        let replaced = before.has_passphrase && matches!(edit.passphrase_chars, Change::Set(_));
        let changed = changed_fields(before, &after, replaced);
        let fixed: Vec<FieldError> = changed
            .iter()
            .filter(|field| !kind.can_edit(**field))
            .map(|field| FieldError {
                field: field.as_str().to_owned(),
                message: format!("cannot be changed on a {}: create another token and revoke this one", kind.title),
            })
            .collect();
        if !fixed.is_empty() {
            return Err(Problem { errors: fixed, ..Problem::new(Code::NotEditable) });
        }
        // Another passphrase refuses the old one and accepts the new one.
        let shift = self.shift(kind, before, &after).and(Shift { narrows: replaced, widens: replaced });
        if owner.is_some() && !actor.owns(owner) && !changed.is_empty() {
            let tells = changed.iter().any(|f| matches!(f, Field::Name | Field::Description | Field::Service));
            if shift.widens || tells {
                return Err(Problem::new(Code::InsufficientPermission)
                    .detail("Another member's own token can only be narrowed or revoked."));
            }
        }
        // A role is a rank too, also where it adds nothing to what the token may do.
        if let Some(role) = after.chosen.role.as_ref().filter(|_| changed.contains(&Field::Role)) {
            self.may_give_role(actor, role)?;
        }
        if shift.widens {
            self.may_grant(actor, kind, &after.chosen, owner_role)?;
        }
        Ok(Edited { after, changed, shift })
    }

    fn after(&self, kind: &Kind, before: &State, edit: &Edit, now: Timestamp) -> Result<State, Problem> {
        let mut after = before.clone();
        let mut errors: Vec<FieldError> = Vec::new();
        let mut keep = |result: Result<(), FieldError>| errors.extend(result.err());
        let cannot = |field: &str| -> Result<(), FieldError> { Err(super::create::error(field, "cannot be null")) };

        match &edit.name {
            Change::Keep => {}
            Change::Clear => keep(cannot("name")),
            Change::Set(name) => {
                keep(kind.check_name(name));
                after.name.clone_from(name);
            }
        }
        if edit.description != Change::Keep {
            after.description = value(&edit.description).cloned().filter(|text| !text.is_empty());
            keep(kind.check_description(after.description.as_deref()));
        }
        match edit.active {
            Change::Keep => {}
            Change::Clear => keep(cannot("active")),
            Change::Set(active) => after.active = active,
        }
        if edit.passphrase_chars != Change::Keep {
            let chars = value(&edit.passphrase_chars).copied();
            keep(kind.check_passphrase(chars));
            after.has_passphrase = chars.is_some();
        }
        let expiry = match edit.expires_at {
            Change::Keep => None,
            Change::Clear => Some(ExpiryAsked::Never),
            // The time that it has is no change, even where it has passed.
            Change::Set(at) if Some(at) == before.expires_at => None,
            Change::Set(at) => Some(ExpiryAsked::At(at)),
        };
        match expiry.map(|asked| kind.check_expiry(asked, before.issued_at, now)).transpose() {
            Ok(None) => {}
            Ok(Some(at)) => after.expires_at = at,
            Err(error) => keep(Err(error)),
        }
        if edit.service != Change::Keep {
            match self.check_service(kind, value(&edit.service).map(String::as_str)) {
                Ok(service) => after.service = service,
                Err(error) => keep(Err(error)),
            }
        }
        if edit.touches_choice() {
            let mut asked = before.chosen.to_asked();
            apply(&mut asked.scopes, &edit.scopes);
            apply(&mut asked.permissions, &edit.permissions);
            apply(&mut asked.grants, &edit.grants);
            apply(&mut asked.role, &edit.role);
            // What a kind grants by default is for creation; an edit that clears everything asks for nothing.
            let nothing = asked == super::Asked::default();
            let asked = if nothing { super::Asked { scopes: Some(Vec::new()), ..asked } } else { asked };
            match self.choose(kind, &asked) {
                Ok(chosen) => after.chosen = chosen,
                Err(more) => errors.extend(more),
            }
        }
        if errors.is_empty() { Ok(after) } else { Err(Problem::fields(errors)) }
    }
}

impl Edit {
    fn touches_choice(&self) -> bool {
        self.scopes != Change::Keep
            || self.permissions != Change::Keep
            || self.grants != Change::Keep
            || self.role != Change::Keep
    }
}

const fn value<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
    }
}

fn apply<T: Clone>(slot: &mut Option<T>, change: &Change<T>) {
    match change {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(value) => *slot = Some(value.clone()),
    }
}

fn changed_fields(before: &State, after: &State, passphrase_replaced: bool) -> Vec<Field> {
    [
        (Field::Name, before.name != after.name),
        (Field::Description, before.description != after.description),
        (Field::Scopes, before.chosen.scopes != after.chosen.scopes),
        (Field::Permissions, before.chosen.permissions != after.chosen.permissions),
        (Field::Grants, before.chosen.grants != after.chosen.grants),
        (Field::Role, before.chosen.role != after.chosen.role),
        (Field::ExpiresAt, before.expires_at != after.expires_at),
        (Field::Active, before.active != after.active),
        (Field::Passphrase, passphrase_replaced || before.has_passphrase != after.has_passphrase),
        (Field::Service, before.service != after.service),
    ]
    .into_iter()
    .filter_map(|(field, changed)| changed.then_some(field))
    .collect()
}
