//! Making a token: every rule of its kind, in one call.

use super::access::Actor;
use super::choice::{Asked, Chosen};
use super::delegate::contains;
use crate::policy::{CeilingSource, GrantSet, Kind, Name, Needed, Ownership, Permission, Product, Profile, Proof};
use crate::problem::{FieldError, Problem};
use crate::time::Timestamp;

/// When a token is to end, as asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiryAsked {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// Never, explicitly.
    Never,
    /// Then.
    At(Timestamp),
}

/// By which way a token is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// It is created here; the kind's creation permission is needed.
    #[default]
    Create,
    /// It is brought in with the hash of its secret; `tokens:import` is needed instead.
    Import,
    /// The same, and it is to belong to another member than the one who acts.
    ImportFor,
}

/// A token to be made, as asked. A passphrase is known here by its length alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// By which way.
    pub via: Via,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// What it is to grant.
    pub asked: Asked,
    /// When it is to end.
    pub expires: ExpiryAsked,
    /// How many characters its passphrase has; none if it is to have none.
    pub passphrase_chars: Option<usize>,
    /// How it is to be proved: by a public key that came with the request, or by a secret.
    pub proof: Proof,
    /// Whether it is to be switched on; `true` where nothing was said.
    pub active: Option<bool>,
    /// The service that it is for.
    pub service: Option<String>,
}

/// A token that may be made, as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// Its name.
    pub name: String,
    /// Its description; none rather than empty.
    pub description: Option<String>,
    /// What was chosen, explicitly.
    pub chosen: Chosen,
    /// What that grants.
    pub granted: GrantSet,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it is switched on.
    pub active: bool,
    /// The service that it is for.
    pub service: Option<Name>,
    /// What calls for caution.
    pub cautions: Vec<Caution>,
}

/// Something that a form has confirmed before it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CautionCode {
    /// The token never ends.
    NoExpiry,
    /// It has every scope that it could have, or one that grants everything.
    EveryScope,
    /// It grants something sensitive, and has no passphrase.
    SensitiveWithoutPassphrase,
}

/// A caution with the profile's words for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Caution {
    /// Which.
    pub code: CautionCode,
    /// What the profile says of it.
    pub text: String,
}

impl Profile {
    /// Decides whether the actor may make this token, and how it is to be stored.
    ///
    /// `owner_role` is the current role of the member whose the token is to be, for kinds that members own: of the one who
    /// acts, or of the one for whom it is imported.
    ///
    /// What is imported for another, the actor must have without regard to that member's role, which may rise; and that
    /// member must be one whom the actor may manage, in a role that has tokens of this kind.
    ///
    /// # Errors
    /// `insufficient_permission` where the actor may not make this kind or does not have what it would grant;
    /// `invalid_request` with every field at fault.
    pub fn approve(
        &self,
        kind: &Kind,
        actor: &Actor,
        creation: &Creation,
        owner_role: Option<&str>,
        now: Timestamp,
    ) -> Result<Approved, Problem> {
        let import = Product::TokensImport.permission();
        let permission: &Permission = match creation.via {
            Via::Create => &kind.verbs.create,
            Via::Import | Via::ImportFor => &import,
        };
        let another = creation.via == Via::ImportFor;
        if another {
            kind.may_bring_in(actor, permission)?;
        } else {
            kind.may_create(actor, permission)?;
        }

        let mut errors = Vec::new();
        let mut keep = |result: Result<(), FieldError>| errors.extend(result.err());
        if another {
            keep(kind.check_owner(owner_role));
        }
        let name = creation.name.clone().or_else(|| kind.naming.default.clone()).unwrap_or_default();
        keep(kind.check_name(&name));
        let description = creation.description.clone().filter(|text| !text.is_empty());
        keep(kind.check_description(description.as_deref()));
        keep(kind.check_passphrase(creation.passphrase_chars));
        keep(kind.check_proof(creation.proof));
        let expires_at =
            kind.check_expiry(creation.expires, now, now).map_err(|error| keep(Err(error))).unwrap_or_default();
        let active = creation.active.unwrap_or(true);
        if !active && !kind.create_inactive {
            keep(field("active", "a token of this kind is switched on when it is made"));
        }
        let service =
            self.check_service(kind, creation.service.as_deref()).map_err(|error| keep(Err(error))).unwrap_or_default();
        let chosen = self.choose(kind, &creation.asked).map_err(|more| errors.extend(more)).unwrap_or_default();
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        self.may_grant(actor, kind, &chosen, owner_role)?;
        let granted = self.granted(&chosen);
        if another {
            if let Some(role) = owner_role.and_then(|role| self.role(role)) {
                self.may_manage_member(actor, &role.name)?;
            }
            contains(&actor.effective, &granted)?;
        }
        let cautions = self.cautions(kind, &chosen, expires_at, creation.passphrase_chars.is_some());
        Ok(Approved { name, description, chosen, granted, expires_at, active, service, cautions })
    }

    /// What calls for caution in such a token, as far as the kind has words for it. A form asks to confirm each.
    #[must_use]
    pub fn cautions(
        &self,
        kind: &Kind,
        chosen: &Chosen,
        expires_at: Option<Timestamp>,
        has_passphrase: bool,
    ) -> Vec<Caution> {
        // The owner's role may rise, so for a token that inherits it, what was granted counts.
        let granted = match kind.ceiling {
            CeilingSource::OwnerRole => self.granted(chosen),
            CeilingSource::FixedRole | CeilingSource::Everything => self.effective(kind, chosen, None),
        };
        let whole = granted.contains(&GrantSet::all());
        // Every scope, or one that contains all others that the kind can have.
        let mut scopes = kind.grants.scopes.iter().filter_map(|name| self.scope(name.as_str()));
        let every = kind.grants.scopes.len() > 1 && scopes.all(|scope| granted.contains(&scope.grants()));
        // A grant on a pattern is as sensitive as the same permission without one.
        let sensitive =
            self.permissions().iter().any(|info| info.sensitive && granted.permits_somewhere(&info.permission));
        let texts = &kind.cautions;
        [
            (CautionCode::NoExpiry, expires_at.is_none(), &texts.no_expiry),
            (CautionCode::EveryScope, whole || every, &texts.every_scope),
            (
                CautionCode::SensitiveWithoutPassphrase,
                sensitive && !has_passphrase,
                &texts.sensitive_without_passphrase,
            ),
        ]
        .into_iter()
        .filter(|(_, applies, _)| *applies)
        .filter_map(|(code, _, text)| text.clone().map(|text| Caution { code, text }))
        .collect()
    }

    pub(super) fn check_service(&self, kind: &Kind, asked: Option<&str>) -> Result<Option<Name>, FieldError> {
        let Some(asked) = asked else { return Ok(None) };
        if !kind.service {
            return Err(error("service", "a token of this kind is for no service"));
        }
        match self.service(asked) {
            Some(service) => Ok(Some(service.name.clone())),
            None => {
                let names: Vec<&str> = self.services().iter().map(|service| service.name.as_str()).collect();
                Err(error("service", format!("must be one of {}", names.join(", "))))
            }
        }
    }
}

impl Kind {
    /// Checks a name against the kind's bounds, counted in characters.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check_name(&self, name: &str) -> Result<(), FieldError> {
        let rules = &self.naming;
        let chars = name.chars().count();
        if chars < usize::from(rules.min) || chars > usize::from(rules.max) {
            return field("name", format!("must have {} to {} characters", rules.min, rules.max));
        }
        if name.chars().any(char::is_control) || name.trim().is_empty() {
            return field("name", "must not be blank or hold control characters");
        }
        match &rules.pattern {
            Some(pattern) if !pattern.matches(name) => field("name", format!("must be made of characters, {pattern}")),
            _ => Ok(()),
        }
    }

    /// Checks a description against the kind's bounds, counted in characters.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check_description(&self, description: Option<&str>) -> Result<(), FieldError> {
        let rules = &self.describing;
        let text = description.unwrap_or_default();
        if rules.required && text.trim().is_empty() {
            return field("description", "must be given");
        }
        if text.chars().count() > usize::from(rules.max) {
            return field("description", format!("must have at most {} characters", rules.max));
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return field("description", "must not hold control characters");
        }
        Ok(())
    }

    /// Checks the length of a passphrase, in characters.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check_passphrase(&self, chars: Option<usize>) -> Result<(), FieldError> {
        match (&self.passphrase, chars) {
            (_, None) => Ok(()),
            (None, Some(_)) => field("passphrase", "a token of this kind has no passphrase"),
            (Some(rules), Some(chars)) if chars < usize::from(rules.min) || chars > usize::from(rules.max) => {
                field("passphrase", format!("must have {} to {} characters", rules.min, rules.max))
            }
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// Whether a member in this role can have a token of this kind.
    fn check_owner(&self, role: Option<&str>) -> Result<(), FieldError> {
        let listed = |roles: &Option<Vec<Name>>| {
            roles.as_ref().is_none_or(|roles| role.is_some_and(|role| roles.iter().any(|name| *name == role)))
        };
        if self.owner != Ownership::Member {
            return field("owner", "a token of this kind belongs to the organisation");
        }
        if role.is_none() || !listed(&self.access.create) || !listed(&self.access.own) {
            return field("owner", "the member's role has no tokens of this kind");
        }
        Ok(())
    }

    fn check_proof(&self, proof: Proof) -> Result<(), FieldError> {
        match proof {
            proof if self.has_proof(proof) => Ok(()),
            Proof::Signature => field("public_key", "a token of this kind is a secret, and has no public key"),
            Proof::Bearer => field("public_key", "a token of this kind needs a public key"),
        }
    }

    /// When a token ends, from what was asked. The longest life counts from `issued_at`, when its secret was made.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check_expiry(
        &self,
        asked: ExpiryAsked,
        issued_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, FieldError> {
        let rules = &self.expiry;
        let at = match asked {
            ExpiryAsked::At(at) => Some(at),
            ExpiryAsked::Never => None,
            ExpiryAsked::Unsaid => rules.default_seconds.map(|seconds| issued_at.plus_seconds(i64::from(seconds))),
        };
        let latest = rules.max_seconds.map(|seconds| issued_at.plus_seconds(i64::from(seconds)));
        match (at, latest) {
            (None, _) if rules.required => field("expires_at", "must be given: a token of this kind ends"),
            (Some(at), _) if at <= now => field("expires_at", "must be in the future"),
            (Some(at), Some(latest)) if at > latest => field("expires_at", format!("must be no later than {latest}")),
            (at, _) => Ok(at),
        }
    }

    /// Whether a token of this kind may be made without granting anything.
    #[must_use]
    pub fn may_be_empty(&self) -> bool {
        self.grants.needed == Needed::Nothing
    }
}

pub(super) fn error(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

fn field<T>(field: &str, message: impl Into<String>) -> Result<T, FieldError> {
    Err(error(field, message))
}
