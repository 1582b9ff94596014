//! What must hold between the parts of a profile, and which bounds each has.

use super::check_kind::check_kind;
use super::grant::Permission;
use super::name::Name;
use super::profile::{Leases, Profile, Rate};
use super::{Kind, Product};
use crate::json::Step;
use crate::protocol::lease::LeaseTerms;

/// The most permissions that a profile may declare besides the product's own.
const MAX_PERMISSIONS: usize = 512;
/// The most scopes, roles, families, services or kinds; and the most entries in a list of names.
pub(super) const MAX_NAMED: usize = 64;
/// How many of the names that are allowed an error tells at most.
const MAX_TOLD: usize = 32;
/// The most characters of a title.
const MAX_TITLE: usize = 100;
/// The most characters of any other text.
pub(super) const MAX_TEXT: usize = 500;
/// The most parts of a family's patterns.
const MAX_PARTS: usize = super::ResourcePattern::MAX_PARTS;

/// What was found, each with the path at fault.
pub(super) struct Findings {
    path: Vec<Step>,
    found: Vec<(Vec<Step>, String)>,
}

impl Findings {
    /// Notes what is wrong with the thing at hand.
    pub(super) fn here(&mut self, message: impl Into<String>) {
        self.found.push((self.path.clone(), message.into()));
    }

    /// Looks at a key of the thing at hand.
    pub(super) fn key(&mut self, key: &str, look: impl FnOnce(&mut Self)) {
        self.step(Step::Key(key.to_owned()), look);
    }

    /// Looks at an entry of the list at hand.
    pub(super) fn at(&mut self, at: usize, look: impl FnOnce(&mut Self)) {
        self.step(Step::At(at), look);
    }

    fn step(&mut self, step: Step, look: impl FnOnce(&mut Self)) {
        self.path.push(step);
        look(self);
        self.path.pop();
    }

    /// Notes what is wrong with a key, unless it holds.
    pub(super) fn must(&mut self, holds: bool, key: &str, message: impl Into<String>) {
        if !holds {
            self.key(key, |at| at.here(message));
        }
    }

    /// A list under a key: not too long, nothing twice, each entry looked at.
    pub(super) fn list<T: PartialEq>(&mut self, key: &str, list: &[T], look: impl Fn(&mut Self, &T)) {
        self.key(key, |at| {
            if list.len() > MAX_NAMED {
                at.here(format!("must have at most {MAX_NAMED} entries"));
                return;
            }
            for (place, entry) in list.iter().enumerate() {
                at.at(place, |at| {
                    if list.iter().take(place).any(|earlier| earlier == entry) {
                        at.here("is there already");
                    }
                    look(at, entry);
                });
            }
        });
    }

    /// Names under a key, all of which are declared as something else.
    pub(super) fn names<'n>(
        &mut self,
        key: &str,
        names: &[Name],
        declared: impl Iterator<Item = &'n Name>,
        what: &str,
    ) {
        let declared: Vec<&Name> = declared.collect();
        self.list(key, names, |at, name| {
            if !declared.contains(&name) {
                at.here(not_declared(what, &declared));
            }
        });
    }

    /// Permissions under a key, each of which stands for at least one that is declared.
    pub(super) fn permissions(&mut self, key: &str, permissions: &[Permission], profile: &Profile) {
        self.list(key, permissions, |at, permission| {
            if !profile.declares(permission) {
                at.here(format!(
                    "{permission} stands for no permission that is declared; {}",
                    there_are(permission, profile)
                ));
            }
        });
    }

    /// A text under a key.
    pub(super) fn text(&mut self, key: &str, text: &str, max: usize, needed: bool) {
        let chars = text.chars().count();
        self.must(chars <= max, key, format!("must have at most {max} characters"));
        self.must(!text.chars().any(char::is_control), key, "must not hold control characters");
        self.must(!needed || !text.trim().is_empty(), key, "must not be empty");
    }

    /// A title and a description.
    pub(super) fn words(&mut self, title: &str, description: &str) {
        self.text("title", title, MAX_TITLE, true);
        self.text("description", description, MAX_TEXT, false);
    }
}

fn not_declared(what: &str, declared: &[&Name]) -> String {
    if declared.is_empty() {
        return format!("the profile declares no {what}");
    }
    format!("no such {what}, expected one of {}", told(declared.iter().map(|name| name.as_str())))
}

/// Which permissions there are: those of the same resource, or else all.
fn there_are(permission: &Permission, profile: &Profile) -> String {
    let all = || profile.permissions.iter().map(|info| &info.permission);
    let of_it = || all().filter(|it| it.resource() == permission.resource()).map(Permission::as_str);
    match of_it().next() {
        Some(_) => format!("there are {}", told(of_it())),
        None => format!("there are {}", told(all().map(Permission::as_str))),
    }
}

/// Names, as many as are told of an error, and how many more there are.
fn told<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown: Vec<&str> = names.iter().copied().take(MAX_TOLD).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Everything that is wrong with a profile that could be read.
pub(super) fn check(profile: &Profile, sensitive: &[Permission]) -> Vec<(Vec<Step>, String)> {
    let mut findings = Findings { path: Vec::new(), found: Vec::new() };
    let at = &mut findings;
    at.words(&profile.title, &profile.description);
    at.list("adapters", &profile.adapters, |_, _| {});
    at.permissions("sensitive", sensitive, profile);
    check_limits(at, profile);
    check_leases(at, profile);
    check_permissions(at, profile);
    at.key("scopes", |at| {
        few(at, profile.scopes.len());
        for scope in &profile.scopes {
            at.key(scope.name.as_str(), |at| {
                at.words(&scope.title, &scope.description);
                at.permissions("permissions", &scope.permissions, profile);
                at.must(!scope.permissions.is_empty(), "permissions", "must not be empty");
            });
        }
    });
    check_roles(at, profile);
    check_families(at, profile);
    at.key("services", |at| {
        few(at, profile.services.len());
        for service in &profile.services {
            at.key(service.name.as_str(), |at| at.words(&service.title, ""));
        }
    });
    check_kinds(at, profile);
    findings.found
}

fn few(at: &mut Findings, count: usize) {
    if count > MAX_NAMED {
        at.here(format!("must have at most {MAX_NAMED} entries"));
    }
}

fn check_limits(at: &mut Findings, profile: &Profile) {
    let rate = |at: &mut Findings, key: &str, rate: Rate| {
        at.key(key, |at| {
            at.must((1..=10_000).contains(&rate.max), "max", "must be 1 to 10000");
            at.must((1..=86_400).contains(&rate.seconds), "seconds", "must be 1 to 86400");
        });
    };
    let limits = &profile.limits;
    at.key("limits", |at| {
        rate(at, "creation", limits.creation);
        rate(at, "failed", limits.failed);
        at.key("passphrase", |at| {
            at.must((1..=100).contains(&limits.passphrase.max_wrong), "max_wrong", "must be 1 to 100");
            at.must((1..=86_400).contains(&limits.passphrase.lock_seconds), "lock_seconds", "must be 1 to 86400");
        });
    });
}

fn check_leases(at: &mut Findings, profile: &Profile) {
    let Leases { lease_millis, busy_lease_millis, margin_millis, .. } = profile.leases;
    at.key("leases", |at| {
        let busy = busy_lease_millis.is_none_or(|busy| lease_millis <= busy);
        at.must(busy, "busy_lease_millis", "must be at least lease_millis");
        let least = LeaseTerms::MARGIN_LEAST_MILLIS;
        at.must(u64::from(margin_millis) >= least, "margin_millis", format!("must be at least {least}"));
        // Whoever takes something away waits for the answer; one that came too late would never come.
        let (wait, limit) = (profile.leases.terms().longest_wait_millis(), LeaseTerms::WAIT_LIMIT_MILLIS);
        if wait > limit {
            at.here(format!(
                "a change that takes something away could wait {wait} ms for its answer, and no more than {limit} are \
                 allowed: twice busy_lease_millis (10000 where not said), stale_for_seconds and margin_millis together"
            ));
        }
    });
}

fn check_permissions(at: &mut Findings, profile: &Profile) {
    at.key("permissions", |at| {
        let own = Product::ALL.len();
        let declared = profile.permissions.len().saturating_sub(own);
        if declared > MAX_PERMISSIONS {
            at.here(format!("must have at most {MAX_PERMISSIONS} entries"));
        }
        for info in profile.permissions.iter().take(declared) {
            at.key(info.permission.resource(), |at| {
                at.text(info.permission.action(), &info.description, MAX_TEXT, true);
                let taken = Product::ALL.iter().any(|own| own.as_str() == info.permission.as_str());
                at.must(!taken, info.permission.action(), "is one of the product's own, which every profile has");
            });
        }
    });
}

fn check_roles(at: &mut Findings, profile: &Profile) {
    at.key("roles", |at| {
        few(at, profile.roles.len());
        let Some(highest) = profile.roles.iter().max_by_key(|role| role.rank) else {
            return at.here("must have at least one entry");
        };
        for role in &profile.roles {
            at.key(role.name.as_str(), |at| {
                at.words(&role.title, &role.description);
                at.permissions("permissions", &role.permissions, profile);
                let same = profile.roles.iter().any(|other| other.name != role.name && other.rank == role.rank);
                at.must(!same, "rank", "another role has this rank");
            });
        }
        // Else nobody could manage the organisation, or give what nobody has, and nobody could come to.
        let grants = highest.grants();
        let lacks: Vec<&str> = profile
            .permissions
            .iter()
            .filter(|info| !grants.permits(&info.permission, None))
            .map(|info| info.permission.as_str())
            .collect();
        at.key(highest.name.as_str(), |at| {
            let message = format!("the highest role must have every permission; lacking: {}", lacks.join(", "));
            at.must(lacks.is_empty(), "permissions", message);
        });
    });
}

fn check_families(at: &mut Findings, profile: &Profile) {
    at.key("families", |at| {
        few(at, profile.families.len());
        for family in &profile.families {
            at.key(family.name.as_str(), |at| {
                at.words(&family.title, "");
                at.must(!family.permissions.is_empty(), "permissions", "must not be empty");
                at.permissions("permissions", &family.permissions, profile);
                at.list("permissions", &family.permissions, |at, permission| {
                    if permission.as_str().contains('*') {
                        at.here("must not hold '*'");
                    }
                    let first = profile.families.iter().find(|other| other.permissions.contains(permission));
                    if first.is_some_and(|first| first.name != family.name) {
                        at.here("belongs to another family already");
                    }
                });
                at.must(family.parts.len() <= MAX_PARTS, "parts", format!("must have at most {MAX_PARTS} entries"));
                at.list("parts", &family.parts, |at, part| {
                    if part.parse::<Name>().is_err() {
                        at.here(super::NameError.to_string());
                    }
                });
            });
        }
    });
}

fn check_kinds(at: &mut Findings, profile: &Profile) {
    at.key("kinds", |at| {
        few(at, profile.kinds.len());
        if profile.setup_kind().is_none() {
            at.here("one kind must have `setup`: it is the first token of an organisation");
        }
        for kind in &profile.kinds {
            at.key(kind.name.as_str(), |at| {
                check_kind(at, profile, kind);
                let clash = |other: &&Kind| {
                    let same = kind.prefix == other.prefix && kind.format == other.format;
                    other.name != kind.name && !same && kind.prefix.starts_with(&other.prefix)
                };
                if let Some(other) = profile.kinds.iter().find(clash) {
                    let message = format!("begins with the prefix of {}, whose format is another", other.name);
                    at.key("prefix", |at| at.here(message));
                }
                for (key, has) in PURPOSES {
                    let first = profile.kinds.iter().find(|kind| has(kind));
                    let second = has(kind) && first.is_some_and(|first| first.name != kind.name);
                    at.must(!second, key, "another kind has this already");
                }
            });
        }
    });
}

type Has = fn(&Kind) -> bool;

/// What one kind of a profile at most is made for.
const PURPOSES: [(&str, Has); 3] = [
    ("onboarding", |kind| kind.onboarding.is_some()),
    ("login", |kind| kind.login.is_some()),
    ("setup", |kind| kind.setup.is_some()),
];
