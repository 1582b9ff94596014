//! What must hold for a kind.

use super::check::{Findings, MAX_TEXT};
use super::grant::Permission;
use super::kind::{CeilingSource, Field, Kind, Least, Needed, Ownership, Proof, SecretFormat};
use super::name::Name;
use super::profile::Profile;
use super::signature_rules::SignatureRules;
use super::text_rules::{DescriptionRules, NameRules, PassphraseRules};
use super::{Asked, ExpiryAsked, Grantable};

/// The longest grace of a rotation: 90 days.
const MAX_GRACE_SECONDS: u32 = 90 * 86_400;
/// The most components that a signature can be asked to cover, and the most presets.
const MAX_LISTED: usize = 16;
/// The most characters of a prefix.
const MAX_PREFIX: usize = 32;

pub(super) fn check_kind(at: &mut Findings, profile: &Profile, kind: &Kind) {
    at.words(&kind.title, &kind.description);
    check_form(at, kind);
    check_ownership(at, profile, kind);
    at.key("grants", |at| check_grants(at, profile, kind));
    check_verbs(at, profile, kind);
    at.key("expiry", |at| check_expiry(at, kind));
    check_texts(at, kind);
    at.must(!kind.service || !profile.services.is_empty(), "service", "the profile declares no service");
    at.must(
        !kind.create_inactive || kind.can_edit(Field::Active),
        "create_inactive",
        "needs `active` in `edit`: else it could never be switched on",
    );
    check_edit(at, kind);
    if let Some(rotate) = &kind.rotate {
        at.key("rotate", |at| {
            let (max, default) = (rotate.max_grace_seconds, rotate.default_grace_seconds);
            at.must(max <= MAX_GRACE_SECONDS, "max_grace_seconds", format!("must be at most {MAX_GRACE_SECONDS}"));
            at.must(default <= max, "default_grace_seconds", "must be at most `max_grace_seconds`");
        });
    }
    at.list("counts", &kind.counts, |_, _| {});
    if kind.has_proof(Proof::Signature) {
        at.key("signature", |at| check_signature(at, &kind.signature));
    } else {
        at.must(
            kind.signature == SignatureRules::default(),
            "signature",
            "is of no use without `signature` among the proofs",
        );
    }
    for (key, least) in [("onboarding", &kind.onboarding), ("login", &kind.login), ("setup", &kind.setup)] {
        if let Some(least) = least {
            at.key(key, |at| check_least(at, profile, kind, least));
        }
    }
    if kind.login.is_some() {
        at.must(kind.owner == Ownership::Member, "login", "a login makes a token for the member who logs in");
    }
}

/// Prefix, body, proofs and headers.
fn check_form(at: &mut Findings, kind: &Kind) {
    let prefix = kind.prefix.as_str();
    let plain = prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    at.must(
        plain && prefix.ends_with('_') && prefix.len() <= MAX_PREFIX && prefix.len() > 1,
        "prefix",
        format!("must be 2 to {MAX_PREFIX} letters, digits and '_', ending with '_'"),
    );
    if let SecretFormat::Hex(digits) = kind.format {
        at.must(
            (32..=128).contains(&digits) && digits % 2 == 0,
            "format",
            "must have 32 to 128 digits, an even number",
        );
    }
    let most = prefix.len().saturating_add(Kind::MAX_SHOWN);
    at.must(
        (prefix.len()..=most).contains(&kind.display_length()),
        "display_length",
        format!("must be {} to {most}", prefix.len()),
    );
    at.must(!kind.proofs.is_empty(), "proofs", "must not be empty");
    at.list("proofs", &kind.proofs, |_, _| {});
    at.must(!kind.has_proof(Proof::Bearer) || !kind.headers.is_empty(), "headers", "must not be empty");
    at.list("headers", &kind.headers, |_, _| {});
}

/// Owner, ceiling and access.
fn check_ownership(at: &mut Findings, profile: &Profile, kind: &Kind) {
    let of_member = kind.owner == Ownership::Member;
    let message = "`owner_role` is for kinds that members own";
    at.must(of_member || kind.ceiling != CeilingSource::OwnerRole, "ceiling", message);
    at.key("access", |at| {
        let roles = |at: &mut Findings, key: &str, names: &[Name]| {
            at.names(key, names, profile.roles.iter().map(|role| &role.name), "role");
        };
        let access = &kind.access;
        for (key, names) in [("create", access.create.as_deref()), ("own", access.own.as_deref())] {
            if let Some(names) = names {
                roles(at, key, names);
            }
        }
        roles(at, "see", &access.see);
        roles(at, "manage", &access.manage);
        at.must(of_member || access.own.is_none(), "own", "tokens of the organisation are nobody's own");
        at.must(of_member || !access.see.is_empty(), "see", "must not be empty: else nobody could see them");
        at.must(of_member || !access.manage.is_empty(), "manage", "must not be empty: else nobody could revoke them");
    });
}

fn check_grants(at: &mut Findings, profile: &Profile, kind: &Kind) {
    let can: &Grantable = &kind.grants;
    at.names("scopes", &can.scopes, profile.scopes.iter().map(|scope| &scope.name), "scope");
    at.permissions("permissions", &can.permissions, profile);
    at.names("families", &can.families, profile.families.iter().map(|family| &family.name), "family");
    at.names("roles", &can.roles, profile.roles.iter().map(|role| &role.name), "role");
    let fixed = kind.ceiling == CeilingSource::FixedRole;
    at.must(fixed || can.roles.is_empty(), "roles", "a role is chosen where the ceiling is `fixed_role`");
    at.must(!fixed || !can.roles.is_empty(), "roles", "must not be empty where the ceiling is `fixed_role`");
    let possible = match can.needed {
        Needed::Scopes => !can.scopes.is_empty(),
        Needed::Permissions => !can.permissions.is_empty(),
        Needed::Role => !can.roles.is_empty(),
        Needed::Any => {
            !(can.scopes.is_empty() && can.permissions.is_empty() && can.families.is_empty() && can.roles.is_empty())
        }
        Needed::Nothing => true,
    };
    at.must(possible, "needed", "what is needed cannot be granted: list it here");
    if let Some(name) = &can.default_grant {
        at.must(can.scopes.contains(name), "default_grant", "must be one of `scopes`");
        let suffices = matches!(can.needed, Needed::Any | Needed::Scopes | Needed::Nothing);
        at.must(suffices, "default_grant", "a scope is not what is needed");
    }
}

fn check_verbs(at: &mut Findings, profile: &Profile, kind: &Kind) {
    let verbs = &kind.verbs;
    let each = [
        ("view", &verbs.view),
        ("create", &verbs.create),
        ("edit", &verbs.edit),
        ("rotate", &verbs.rotate),
        ("revoke", &verbs.revoke),
    ];
    at.key("verbs", |at| {
        for (key, permission) in each {
            at.must(is_one(profile, permission), key, "must be a permission that is declared, without '*'");
        }
    });
}

fn is_one(profile: &Profile, permission: &Permission) -> bool {
    profile.permissions.iter().any(|info| info.permission == *permission)
}

fn check_expiry(at: &mut Findings, kind: &Kind) {
    let rules = &kind.expiry;
    let fits = |seconds: u32| seconds > 0 && rules.max_seconds.is_none_or(|max| seconds <= max);
    let message = "must be above 0, and at most `max_seconds`";
    at.must(rules.max_seconds != Some(0), "max_seconds", "must be above 0");
    at.must(rules.max_seconds.is_none() || rules.required, "max_seconds", "needs `required = true`");
    at.must(
        rules.presets_seconds.len() <= MAX_LISTED,
        "presets_seconds",
        format!("must have at most {MAX_LISTED} entries"),
    );
    at.list("presets_seconds", &rules.presets_seconds, |at, seconds| {
        if !fits(*seconds) {
            at.here(message);
        }
    });
    at.must(rules.default_seconds.is_none_or(fits), "default_seconds", message);
}

fn check_texts(at: &mut Findings, kind: &Kind) {
    let naming = &kind.naming;
    at.key("naming", |at| {
        at.must(naming.min >= 1 && naming.min <= naming.max, "min", "must be 1 to `max`");
        at.must(naming.max <= NameRules::MAX, "max", format!("must be at most {}", NameRules::MAX));
        let error = naming.default.as_deref().and_then(|name| kind.check_name(name).err());
        let message = error.map(|error| error.message);
        at.must(message.is_none(), "default", message.unwrap_or_default());
    });
    let describing = &kind.describing;
    at.key("describing", |at| {
        at.must(describing.max <= DescriptionRules::MAX, "max", format!("must be at most {}", DescriptionRules::MAX));
        at.must(!describing.required || describing.max > 0, "required", "needs `max` above 0");
    });
    if let Some(rules) = &kind.passphrase {
        at.key("passphrase", |at| {
            let (min, max) = (PassphraseRules::MIN, PassphraseRules::MAX);
            at.must(rules.min >= min && rules.min <= rules.max, "min", format!("must be {min} to `max`"));
            at.must(rules.max <= max, "max", format!("must be at most {max}"));
        });
    }
    at.list("recommended_for", &kind.recommended_for, |at, text| {
        if text.chars().count() > MAX_TEXT || text.trim().is_empty() {
            at.here(format!("must have 1 to {MAX_TEXT} characters"));
        }
    });
    let texts = &kind.cautions;
    at.key("cautions", |at| {
        for (key, text) in [
            ("no_expiry", &texts.no_expiry),
            ("every_scope", &texts.every_scope),
            ("sensitive_without_passphrase", &texts.sensitive_without_passphrase),
        ] {
            if let Some(text) = text {
                at.text(key, text, MAX_TEXT, true);
            }
        }
        let pointless = texts.sensitive_without_passphrase.is_some() && kind.passphrase.is_none();
        at.must(!pointless, "sensitive_without_passphrase", "needs `passphrase`");
    });
}

fn check_edit(at: &mut Findings, kind: &Kind) {
    let can = &kind.grants;
    at.list("edit", &kind.edit, |at, field| {
        let possible = match field {
            Field::Scopes => !can.scopes.is_empty(),
            Field::Permissions => !can.permissions.is_empty(),
            Field::Grants => !can.families.is_empty(),
            Field::Role => !can.roles.is_empty(),
            Field::Passphrase => kind.passphrase.is_some(),
            Field::Service => kind.service,
            Field::Description => kind.describing.max > 0,
            Field::Name | Field::ExpiresAt | Field::Active => true,
        };
        if !possible {
            at.here("a token of this kind has nothing of the sort");
        }
    });
}

fn check_signature(at: &mut Findings, rules: &SignatureRules) {
    for (key, components) in [("components", &rules.components), ("components_with_body", &rules.components_with_body)]
    {
        at.must(components.len() <= MAX_LISTED, key, format!("must have at most {MAX_LISTED} entries"));
        at.list(key, components, |at, name| {
            let field = !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b));
            if !field && !SignatureRules::DERIVED.contains(&name.as_str()) {
                let derived = SignatureRules::DERIVED.join(", ");
                at.here(format!("must be a header's name in lower case, or one of {derived}"));
            }
        });
    }
    let digest = "content-digest";
    let covered = rules.components.iter().chain(&rules.components_with_body).any(|name| name == digest);
    at.must(covered, "components_with_body", format!("must have {digest}: a body is always covered"));
    at.must((1..=3600).contains(&rules.max_age_seconds), "max_age_seconds", "must be 1 to 3600");
    at.must(rules.max_future_seconds <= 300, "max_future_seconds", "must be at most 300");
    at.must((1..=3600).contains(&rules.max_window_seconds), "max_window_seconds", "must be 1 to 3600");
    at.must(rules.tag.as_deref().is_none_or(is_sf_text), "tag", "must be 1 to 64 printable ASCII characters");
    // A label is a key of a dictionary (RFC 8941, section 3.1.2).
    at.list("labels", &rules.labels, |at, label| {
        let first = label.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'*');
        let rest = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b));
        if !first || !rest || label.len() > 64 {
            at.here(
                "must be 1 to 64 of lower-case letters, digits, '_', '-', '.' and '*', beginning with a letter or '*'",
            );
        }
    });
}

fn is_sf_text(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn check_least(at: &mut Findings, profile: &Profile, kind: &Kind, least: &Least) {
    let variable = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    at.must(
        least.variable.as_deref().is_none_or(variable),
        "variable",
        "must be 1 to 64 capital letters, digits and '_'",
    );
    at.must(kind.has_proof(Proof::Bearer), "scopes", "is given as a secret: `bearer` must be among the proofs");
    let now = crate::time::Timestamp::EPOCH;
    // A default that does not hold is told where it is.
    let own = least.expires_seconds.is_some() || kind.expiry.default_seconds.is_none();
    if let Some(error) = kind.check_expiry(least.expires(now), now, now).err().filter(|_| own) {
        at.key("expires_seconds", |at| at.here(error.message));
    }
    if let Err(errors) = profile.choose(kind, &least.asked()) {
        for error in errors {
            let (field, place) = error.field.split_once('[').unwrap_or((&error.field, ""));
            at.key(field, |at| match place.trim_end_matches(']').parse() {
                Ok(place) => at.at(place, |at| at.here(error.message)),
                Err(_) => at.here(error.message),
            });
        }
    }
}

impl Least {
    /// When it ends, as something to ask for.
    #[must_use]
    pub fn expires(&self, now: crate::time::Timestamp) -> ExpiryAsked {
        self.expires_seconds
            .map_or(ExpiryAsked::Unsaid, |seconds| ExpiryAsked::At(now.plus_seconds(i64::from(seconds))))
    }

    /// The same, as something to ask for.
    #[must_use]
    pub fn asked(&self) -> Asked {
        fn some<T: ToString>(list: &[T]) -> Option<Vec<String>> {
            (!list.is_empty()).then(|| list.iter().map(T::to_string).collect())
        }
        Asked {
            scopes: some(&self.scopes),
            permissions: some(&self.permissions),
            grants: None,
            role: self.role.as_ref().map(ToString::to_string),
        }
    }
}
