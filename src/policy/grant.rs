//! Permissions, resource patterns and sets of grants: the algebra under every decision.
//!
//! Three questions are asked of a set of grants: does it permit this ([`GrantSet::permits`]), does it contain that
//! other set ([`GrantSet::contains`], for delegation), and what do two sets share ([`GrantSet::intersection`], for
//! *granted ∩ ceiling*). Containment is decided grant by grant: a set is held to contain another only if each grant of
//! the other lies within a single grant of its own, so it may say no where a union would cover, and never says yes
//! where one would not.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Why a text is no permission or resource pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Not `resource:action`.
    #[error("a permission is resource:action, each of lower-case letters, digits, '-', '_' and '.', or '*' for any")]
    Permission,
    /// Not a list of parts.
    #[error(
        "a resource is one to 8 parts joined by '/', each of 1 to 128 visible characters; '*' stands for any part, or ends a part as a prefix"
    )]
    Pattern,
}

/// `resource:action`, for example `scans:view`; `*` stands for any in either place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    text: String,
    colon: usize,
}

impl Permission {
    /// How long one may be, in bytes: enough for names, short enough to print.
    pub const MAX_LEN: usize = 100;

    /// The permission that contains all others: `*:*`.
    #[must_use]
    pub fn any() -> Self {
        Self { text: "*:*".to_owned(), colon: 1 }
    }

    /// What is acted upon, or `*`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// What is done, or `*`.
    #[must_use]
    pub fn action(&self) -> &str {
        self.text.get(self.colon.saturating_add(1)..).unwrap_or_default()
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether whoever has this has `other` too.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let part = |mine: &str, theirs: &str| mine == "*" || mine == theirs;
        part(self.resource(), other.resource()) && part(self.action(), other.action())
    }

    /// What both permit, if anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let resource = meet(self.resource(), other.resource())?;
        let action = meet(self.action(), other.action())?;
        Some(Self { text: format!("{resource}:{action}"), colon: resource.len() })
    }
}

/// What two names share, where `*` is any name.
fn meet<'a>(a: &'a str, b: &'a str) -> Option<&'a str> {
    match (a, b) {
        ("*", other) | (other, "*") => Some(other),
        (a, b) if a == b => Some(a),
        _ => None,
    }
}

impl FromStr for Permission {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let name = |part: &str| {
            part == "*"
                || (!part.is_empty()
                    && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')))
        };
        match text.split_once(':') {
            Some((resource, action)) if text.len() <= Self::MAX_LEN && name(resource) && name(action) => {
                Ok(Self { colon: resource.len(), text: text.to_owned() })
            }
            _ => Err(GrantError::Permission),
        }
    }
}

/// Which resources a grant is about: parts joined by `/`, matched part by part, the same number of them.
///
/// `*` alone matches any part; at the end of a part it matches any rest: `team-a/*/check*`. A resource that a request
/// names is a pattern without `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourcePattern(String);

impl ResourcePattern {
    /// How many parts one may have.
    pub const MAX_PARTS: usize = 8;
    /// How long a part may be, in bytes.
    pub const MAX_PART_LEN: usize = 128;

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every resource that `other` matches is matched by this one.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let mut mine = self.0.split('/');
        let mut theirs = other.0.split('/');
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if part_contains(a, b) => {}
                _ => return false,
            }
        }
    }

    /// Whether this matches the resource that a request names. A `*` in the resource is an ordinary character here,
    /// so that a request cannot widen itself.
    #[must_use]
    pub fn matches(&self, resource: &str) -> bool {
        let mut mine = self.0.split('/');
        let mut theirs = resource.split('/');
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
                _ => return false,
            }
        }
    }

    /// The resources that both match, if any.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let mut mine = self.0.split('/');
        let mut theirs = other.0.split('/');
        let mut parts = Vec::new();
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return Some(Self(parts.join("/"))),
                (Some(a), Some(b)) if part_contains(a, b) => parts.push(b),
                (Some(a), Some(b)) if part_contains(b, a) => parts.push(a),
                _ => return None,
            }
        }
    }
}

fn part_matches(pattern: &str, part: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => part.starts_with(prefix) && !part.is_empty(),
        None => pattern == part,
    }
}

fn part_contains(a: &str, b: &str) -> bool {
    match a.strip_suffix('*') {
        Some(prefix) => b.starts_with(prefix),
        None => a == b,
    }
}

impl FromStr for ResourcePattern {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let part = |part: &str| {
            let name = part.strip_suffix('*').unwrap_or(part);
            !part.is_empty()
                && part.len() <= Self::MAX_PART_LEN
                && name.chars().all(|c| c != '*' && !c.is_control() && !c.is_whitespace())
        };
        if text.split('/').count() <= Self::MAX_PARTS && text.split('/').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(GrantError::Pattern)
        }
    }
}

macro_rules! text_form {
    ($name:ident, $text:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text: fn(&Self) -> &str = $text;
                f.write_str(text(self))
            }
        }

        crate::text::serde_as_text!($name);
    };
}

text_form!(Permission, |it| &it.text);
text_form!(ResourcePattern, |it| &it.0);

/// A permission, on every resource or limited to those that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What may be done.
    pub permission: Permission,
    /// On what; none means without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourcePattern>,
}

impl Grant {
    /// The permission without limit of resource.
    #[must_use]
    pub const fn unlimited(permission: Permission) -> Self {
        Self { permission, resource: None }
    }

    /// Whether whoever has this has `other` too.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.permission.contains(&other.permission)
            && match (&self.resource, &other.resource) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(mine), Some(theirs)) => mine.contains(theirs),
            }
    }

    /// What both permit, if anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let permission = self.permission.intersection(&other.permission)?;
        let resource = match (&self.resource, &other.resource) {
            (None, other) | (other, None) => other.clone(),
            (Some(a), Some(b)) => Some(a.intersection(b)?),
        };
        Some(Self { permission, resource })
    }
}

/// A set of grants. The empty set permits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantSet(BTreeSet<Grant>);

impl GrantSet {
    /// The set that permits everything.
    #[must_use]
    pub fn all() -> Self {
        Self::from_iter([Grant::unlimited(Permission::any())])
    }

    /// Whether it permits nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The grants, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }

    /// What it permits on every resource, in order.
    pub fn unlimited(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter().filter(|grant| grant.resource.is_none()).map(|grant| &grant.permission)
    }

    /// What it permits on some resources alone, in order.
    pub fn limited(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter().filter(|grant| grant.resource.is_some())
    }

    /// Whether it permits `permission` on `resource`. A grant limited to a pattern permits nothing where the request
    /// names no resource.
    #[must_use]
    pub fn permits(&self, permission: &Permission, resource: Option<&str>) -> bool {
        self.0.iter().any(|grant| {
            grant.permission.contains(permission)
                && match (&grant.resource, resource) {
                    (None, _) => true,
                    (Some(pattern), Some(resource)) => pattern.matches(resource),
                    (Some(_), None) => false,
                }
        })
    }

    /// Whether it permits `permission` at all, be it on some resources alone.
    #[must_use]
    pub fn permits_somewhere(&self, permission: &Permission) -> bool {
        self.0.iter().any(|grant| grant.permission.contains(permission))
    }

    /// Whether each grant of `other` lies within a grant of this set.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|theirs| self.0.iter().any(|mine| mine.contains(theirs)))
    }

    /// What both permit: *granted ∩ ceiling*. Grants that lie within another of the result are left out.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let shared: Self = self.0.iter().flat_map(|a| other.0.iter().filter_map(move |b| a.intersection(b))).collect();
        let within_another = |grant: &Grant| shared.0.iter().any(|wider| wider != grant && wider.contains(grant));
        shared.0.iter().filter(|grant| !within_another(grant)).cloned().collect()
    }
}

impl FromIterator<Grant> for GrantSet {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        // One by one: to collect them, the standard library would sort them first (`order`).
        let mut set = Self::default();
        set.extend(grants);
        set
    }
}

impl Extend<Grant> for GrantSet {
    fn extend<I: IntoIterator<Item = Grant>>(&mut self, grants: I) {
        self.0.extend(grants);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> GrantSet {
        texts
            .iter()
            .map(|text| match text.split_once('@') {
                Some((permission, resource)) => {
                    Grant { permission: permission.parse().unwrap(), resource: Some(resource.parse().unwrap()) }
                }
                None => Grant::unlimited(text.parse().unwrap()),
            })
            .collect()
    }

    #[test]
    fn what_is_permitted() {
        let check = |set: &[&str], permission: &str, resource: Option<&str>, expected: bool| {
            assert_eq!(
                grants(set).permits(&permission.parse().unwrap(), resource),
                expected,
                "{set:?} {permission} {resource:?}"
            );
        };
        check(&[], "a:b", None, false);
        check(&["*:*"], "a:b", Some("x/y"), true);
        check(&["a:*"], "a:b", None, true);
        check(&["a:*"], "b:b", None, false);
        check(&["*:view"], "a:view", None, true);
        check(&["*:view"], "a:edit", None, false);
        check(&["a:b@team/*"], "a:b", None, false);
        check(&["a:b@team/*"], "a:b", Some("team/x"), true);
        check(&["a:b@team/*"], "a:b", Some("team/x/y"), false);
        check(&["a:b@team/*"], "a:b", Some("team/"), false);
        check(&["a:b@team/pre*"], "a:b", Some("team/prefix"), true);
        check(&["a:b@team/pre*"], "a:b", Some("team/p"), false);
        check(&["a:b@team/x"], "a:b", Some("team/*"), false);
    }

    #[test]
    fn what_contains_what() {
        let check = |wide: &[&str], narrow: &[&str], expected: bool| {
            assert_eq!(grants(wide).contains(&grants(narrow)), expected, "{wide:?} {narrow:?}");
        };
        check(&["*:*"], &["a:b", "c:d@x/y"], true);
        check(&["a:b"], &["a:*"], false);
        check(&["a:b"], &[], true);
        check(&[], &["a:b"], false);
        check(&["a:b@x/*"], &["a:b"], false);
        check(&["a:b@x/*"], &["a:b@x/y*"], true);
        check(&["a:b@x/y*"], &["a:b@x/*"], false);
        check(&["a:b@*"], &["a:b@x/y"], false);
    }

    #[test]
    fn what_is_shared() {
        let check = |a: &[&str], b: &[&str], expected: &[&str]| {
            assert_eq!(grants(a).intersection(&grants(b)), grants(expected), "{a:?} {b:?}");
            assert_eq!(grants(b).intersection(&grants(a)), grants(expected), "{b:?} {a:?}");
        };
        check(&["*:view"], &["a:*"], &["a:view"]);
        check(&["a:view"], &["a:edit"], &[]);
        check(&["*:*"], &["a:view", "a:view@x"], &["a:view"]);
        check(&["a:b@x/*"], &["a:b@x/p*", "a:b@y/z"], &["a:b@x/p*"]);
        check(&["a:b@x/*"], &["*:*"], &["a:b@x/*"]);
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", "a", ":", "a:", ":b", "a:b:c", "A:b", "a b:c", "a*:b", "**:b"] {
            assert_eq!(text.parse::<Permission>(), Err(GrantError::Permission), "{text}");
        }
        for text in ["", "/", "a/", "/a", "a//b", "a*b", "**", "a b", "a/b/c/d/e/f/g/h/i"] {
            assert_eq!(text.parse::<ResourcePattern>(), Err(GrantError::Pattern), "{text}");
        }
    }
}
