//! From TOML to a checked profile, with a place in the file for everything that is wrong.
//!
//! The file is parsed once, with positions. Each named table is then read on its own, so that a mistake in one does
//! not hide those in others, and what was read is checked against the rest; a check names the path at fault, and the
//! path is looked up in what was parsed.

use core::fmt;
use core::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::check;
use super::grant::Permission;
use super::name::Name;
use super::profile::{Adapter, Leases, Limits, PermissionInfo, Profile};
use super::{Family, Kind, Product, Role, Scope, Service};
use crate::json::{self, Step};
use crate::order::sorted;
use drop::Dropped;

/// Something wrong in a profile's file, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ProfileError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters, from 1.
    pub column: usize,
    /// What it is about, such as `kinds.pat.expiry.max_seconds`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong in a profile's file, in the order of the file: at least one, at most 50.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct ProfileErrors(Vec<ProfileError>);

impl ProfileErrors {
    /// How many are told at most.
    pub const MAX: usize = 50;

    /// The errors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &ProfileError> {
        self.0.iter()
    }
}

impl fmt::Display for ProfileErrors {
    /// One error a line: `line:column: path: message`. Put the file's name before each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl core::error::Error for ProfileErrors {}

impl From<ProfileErrors> for crate::problem::Problem {
    /// `invalid_request`, each error in the field `profile`.
    fn from(errors: ProfileErrors) -> Self {
        let field = |error: ProfileError| crate::problem::FieldError {
            field: "profile".to_owned(),
            message: error.to_string(),
        };
        Self::fields(errors.0.into_iter().map(field).collect())
    }
}

/// The keys of a profile that are not tables of named things.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The profile's name.
    pub(super) name: Name,
    /// What people read.
    pub(super) title: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub(super) description: String,
    /// Whether posting a private key revokes its token. No where not said: it sends a private key.
    #[serde(default)]
    pub(super) revoke_by_private_key: bool,
    /// The wire adapters whose paths answer for organisations of this profile. None where not said.
    #[serde(default)]
    pub(super) adapters: Vec<Adapter>,
    /// The permissions that call for a passphrase; a `*` stands for any. None where not said.
    #[serde(default)]
    pub(super) sensitive: Vec<Permission>,
    /// The limits.
    #[serde(default)]
    pub(super) limits: Limits,
    /// For how long edges may go by what they were told.
    #[serde(default)]
    pub(super) leases: Leases,
}

/// Every key that a profile can have at its top: those of [`Head`], then the tables of named things.
const HEAD: &[&str] =
    &["name", "title", "description", "revoke_by_private_key", "adapters", "sensitive", "limits", "leases"];
/// The tables of named things.
const TABLES: &[&str] = &["permissions", "scopes", "roles", "families", "services", KINDS];
/// The table that no other names.
const KINDS: &str = "kinds";

impl Profile {
    /// Reads and checks a profile's file.
    ///
    /// # Errors
    /// Everything that is wrong, with its place: syntax first, alone; then unknown or missing keys and values of the
    /// wrong sort; with them, where all that other parts name could be read, names that are not declared, bounds, and
    /// rules that contradict each other, but none that may be wrong only because something else could not be read.
    pub fn parse(text: &str) -> Result<Self, ProfileErrors> {
        if text.len() > Self::MAX_BYTES {
            let message = format!("a profile has at most {} bytes", Self::MAX_BYTES);
            return Err(ProfileErrors(vec![ProfileError { line: 1, column: 1, path: String::new(), message }]));
        }
        let (root, syntax) = DeTable::parse_recoverable(text);
        let mut reader = Reader::new(text, root.get_ref());
        for error in syntax {
            reader.push(error.span().unwrap_or_default(), String::new(), error.message().to_owned());
        }
        reader.finish_stage()?;

        reader.unknown_keys();
        let head = reader.head(root.span());
        let profile = Self {
            permissions: reader.permissions(head.as_ref().map_or(&[], |head| head.sensitive.as_slice())),
            scopes: reader.named("scopes", |it: &mut Scope, name| it.name = name),
            roles: reader.named("roles", |it: &mut Role, name| it.name = name),
            families: reader.named("families", |it: &mut Family, name| it.name = name),
            services: reader.named("services", |it: &mut Service, name| it.name = name),
            kinds: reader.named(KINDS, |it: &mut Kind, name| it.name = name),
            name: head.as_ref().map_or_else(Name::unset, |head| head.name.clone()),
            title: head.as_ref().map(|head| head.title.clone()).unwrap_or_default(),
            description: head.as_ref().map(|head| head.description.clone()).unwrap_or_default(),
            revoke_by_private_key: head.as_ref().is_some_and(|head| head.revoke_by_private_key),
            adapters: head.as_ref().map(|head| head.adapters.clone()).unwrap_or_default(),
            limits: head.as_ref().map(|head| head.limits).unwrap_or_default(),
            leases: head.as_ref().map(|head| head.leases).unwrap_or_default(),
        };
        if reader.names_lack {
            reader.finish_stage()?;
        }

        let sensitive = head.map(|head| head.sensitive).unwrap_or_default();
        for (path, message) in check(&profile, &sensitive) {
            if !reader.follows(&path) {
                reader.push_at(&path, message);
            }
        }
        reader.finish_stage()?;
        let mut profile = profile;
        profile.roles = sorted(profile.roles, |a, b| a.rank > b.rank);
        Ok(profile)
    }
}

struct Reader<'t> {
    text: &'t str,
    root: &'t DeTable<'t>,
    errors: Vec<ProfileError>,
    /// Something is lacking that other parts may name: what they name cannot be judged.
    names_lack: bool,
    /// Where something was left out: what is found wrong there, or below, may follow from that.
    unsure: Vec<Vec<Step>>,
    /// A kind could not be read, so nothing is known of all kinds together.
    kinds_lack: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, root: &'t DeTable<'t>) -> Self {
        Self { text, root, errors: Vec::new(), names_lack: false, unsure: Vec::new(), kinds_lack: false }
    }

    /// Whether a finding may be there only because something could not be read.
    fn follows(&self, path: &[Step]) -> bool {
        let all_kinds = [Step::Key(KINDS.to_owned())];
        self.unsure.iter().any(|unsure| path.starts_with(unsure)) || (self.kinds_lack && path == all_kinds)
    }

    fn push(&mut self, span: Range<usize>, path: String, message: String) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
        self.errors.push(ProfileError { line, column, path, message });
    }

    fn push_at(&mut self, path: &[Step], message: String) {
        let place = within(None, Some(self.root), path, false).unwrap_or_default();
        self.push(place, print(path), message);
    }

    /// Ends a stage: what was found wrong so far is told.
    fn finish_stage(&mut self) -> Result<(), ProfileErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let mut errors = sorted(core::mem::take(&mut self.errors), |a, b| a < b);
        errors.truncate(ProfileErrors::MAX);
        Err(ProfileErrors(errors))
    }

    fn unknown_keys(&mut self) {
        for (key, _) in self.root.iter() {
            if !HEAD.iter().chain(TABLES).any(|known| *known == key.get_ref()) {
                let known: Vec<&str> = HEAD.iter().chain(TABLES).copied().collect();
                let message = format!("unknown key, expected one of {}", known.join(", "));
                self.push(key.span(), key.get_ref().to_string(), message);
                // It may be the misspelt name of a table.
                self.names_lack = true;
            }
        }
    }

    fn head(&mut self, span: Range<usize>) -> Option<Head> {
        let known = self.root.iter().filter(|(key, _)| HEAD.contains(&key.get_ref().as_ref()));
        let mut head = Map::new();
        for (key, value) in known {
            head.insert(key.get_ref().to_string(), self.tree(value, "")?);
        }
        let found = self.read_on(&Value::Object(head), &[], None, span.start..span.start);
        self.names_lack |= found.is_none();
        found
    }

    fn read<T: DeserializeOwned>(&mut self, value: &Spanned<DeValue<'t>>, path: &[Step]) -> Option<T> {
        let tree = self.tree(value, &print(path))?;
        self.read_on(&tree, path, Some(value.get_ref()), value.span())
    }

    /// Reads a tree; each part of it that cannot be read is told and left out, as long as something comes of the rest.
    /// `value` is what stands in the file, none for the whole of it, and `span` the place of what has none of its own.
    fn read_on<T: DeserializeOwned>(
        &mut self,
        tree: &Value,
        path: &[Step],
        value: Option<&DeValue<'t>>,
        span: Range<usize>,
    ) -> Option<T> {
        let mut dropped = Dropped::default();
        for _ in 0..ProfileErrors::MAX {
            let error = match json::from_value(&dropped.rest(tree)) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let mut way = dropped.way(tree, &error);
            if !dropped.explains(&error, &way) {
                let table = value.map_or(Some(self.root), DeValue::as_table);
                let place = within(value, table, &way, error.is_about_key()).unwrap_or(span.clone());
                self.push(place, print(&[path, &way].concat()), error.message().to_owned());
            }
            // A variant's name is all that its table has.
            if error.is_about_key() && error.message().starts_with("unknown variant") {
                way.pop();
            }
            let (last, around) = way.split_last()?;
            let is_surplus = error.is_about_key() && error.message().starts_with("unknown field");
            if !is_surplus {
                let top = path.is_empty() && around.is_empty();
                let unsure = if top { core::slice::from_ref(last) } else { around };
                self.unsure.push([path, unsure].concat());
            }
            dropped.push(way);
        }
        None
    }

    /// The value as the tree from which all types are read; what no type can hold is told.
    fn tree(&mut self, value: &Spanned<DeValue<'t>>, path: &str) -> Option<Value> {
        match tree(value) {
            Ok(tree) => Some(tree),
            Err((span, message)) => {
                self.push(span, path.to_owned(), message.to_owned());
                None
            }
        }
    }

    /// The entries of a table, in the order of the file.
    fn entries(&mut self, table: &'t DeValue<'t>, span: Range<usize>, path: &str) -> Vec<Entry<'t>> {
        let Some(table) = table.as_table() else {
            self.push(span, path.to_owned(), "must be a table".to_owned());
            self.names_lack = true;
            return Vec::new();
        };
        sorted(table.iter(), |(a, _), (b, _)| a.span().start < b.span().start)
    }

    fn section(&mut self, section: &str) -> Vec<Entry<'t>> {
        match self.root.get(section) {
            Some(value) => self.entries(value.get_ref(), value.span(), section),
            None => Vec::new(),
        }
    }

    fn named<T: DeserializeOwned>(&mut self, section: &str, put_name: impl Fn(&mut T, Name)) -> Vec<T> {
        let mut read_all = Vec::new();
        for (key, value) in self.section(section) {
            let path = [Step::Key(section.to_owned()), Step::Key(key.get_ref().to_string())];
            let name =
                key.get_ref().parse::<Name>().map_err(|error| self.push(key.span(), print(&path), error.to_string()));
            let read = self.read::<T>(value, &path);
            if let (Ok(name), Some(mut read)) = (name, read) {
                put_name(&mut read, name);
                read_all.push(read);
            } else if section == KINDS {
                self.kinds_lack = true;
            } else {
                self.names_lack = true;
            }
        }
        read_all
    }

    /// `[permissions.<resource>]` with `<action> = "<description>"`, and then those of the product itself.
    fn permissions(&mut self, sensitive: &[Permission]) -> Vec<PermissionInfo> {
        let (mut declared, before) = (Vec::new(), self.errors.len());
        for (resource, actions) in self.section("permissions") {
            let at = [Step::Key("permissions".to_owned()), Step::Key(resource.get_ref().to_string())];
            for (action, description) in self.entries(actions.get_ref(), actions.span(), &print(&at)) {
                let way = [&at[..], &[Step::Key(action.get_ref().to_string())]].concat();
                let path = print(&way);
                let text = format!("{}:{}", resource.get_ref(), action.get_ref());
                match text.parse::<Permission>() {
                    Ok(_) if text.contains('*') => {
                        self.push(action.span(), path, "what is declared has no '*'".to_owned());
                    }
                    Ok(permission) => {
                        declared.extend(self.read::<String>(description, &way).map(|text| (permission, text)))
                    }
                    Err(error) => self.push(action.span(), path, error.to_string()),
                }
            }
        }
        self.names_lack |= self.errors.len() > before;
        let product = Product::ALL.iter().map(|own| (own.permission(), own.description().to_owned()));
        let all = declared.into_iter().chain(product);
        all.map(|(permission, description)| {
            let sensitive = sensitive.iter().any(|wide| wide.contains(&permission));
            PermissionInfo { permission, description, sensitive }
        })
        .collect()
    }
}

type Entry<'t> = (&'t Spanned<std::borrow::Cow<'t, str>>, &'t Spanned<DeValue<'t>>);

/// A value of the file as a tree; else the place of what has no place in a profile, and what it is.
fn tree(value: &Spanned<DeValue<'_>>) -> Result<Value, (Range<usize>, &'static str)> {
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map_err(|_| (value.span(), "the number is too large"))?.into()
        }
        DeValue::Float(_) => return Err((value.span(), "a profile has whole numbers alone")),
        DeValue::Datetime(_) => return Err((value.span(), "a profile has no dates")),
        DeValue::Array(items) => Value::Array(items.iter().map(tree).collect::<Result<_, _>>()?),
        DeValue::Table(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key.get_ref().to_string(), tree(value)?);
            }
            Value::Object(object)
        }
    })
}

/// Where in a value, or in the whole file, a way leads as far as there is one: to a key itself, or to what it has; none
/// where it does not even begin.
fn within<'v>(
    mut value: Option<&'v DeValue<'v>>,
    mut table: Option<&'v DeTable<'v>>,
    way: &[Step],
    is_about_key: bool,
) -> Option<Range<usize>> {
    let mut span = None;
    for (at, step) in way.iter().enumerate() {
        let next = match step {
            Step::Key(key) => table.and_then(|table| table.get_key_value(key.as_str())).map(|(k, v)| (k.span(), v)),
            Step::At(at) => value.and_then(|value| value.get(*at)).map(|v| (v.span(), v)),
        };
        let Some((key, next)) = next else { break };
        let is_key = is_about_key && at.saturating_add(1) == way.len();
        span = Some(if is_key { key } else { next.span() });
        value = Some(next.get_ref());
        table = next.get_ref().as_table();
    }
    span
}

fn print(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::At(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text
}

mod drop;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
