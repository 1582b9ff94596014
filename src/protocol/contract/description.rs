//! What an OpenAPI document says of a call besides its route: gathered from the types that read and write it. Native
//! tools only.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use crate::problem::Code;

/// JSON, as every body and answer is where nothing else is said.
pub const JSON: &str = "application/json";
/// A form (RFC 6749, appendix B).
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Where named schemas stand in the document.
const COMPONENTS: &str = "/components/schemas";

/// Makes the schemas of all calls, the named ones once.
pub struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

/// Two types want the same name for schemas that differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two schemas have the name {0}")]
pub struct NameTaken(pub String);

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = COMPONENTS.into();
            settings.meta_schema = None;
        });
        Self { read: settings.clone().into_generator(), written: settings.for_serialize().into_generator() }
    }
}

impl Schemas {
    /// The schema of what is sent to us.
    pub fn read<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// The schema of what we send.
    pub fn written<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// The named schemas.
    ///
    /// # Errors
    /// [`NameTaken`]: rename one of the types.
    pub fn definitions(mut self) -> Result<BTreeMap<String, Value>, NameTaken> {
        let mut all: BTreeMap<String, Value> = self.written.take_definitions(true).into_iter().collect();
        for (name, schema) in self.read.take_definitions(true) {
            if all.get(&name).is_some_and(|other| *other != schema) {
                return Err(NameTaken(name));
            }
            all.insert(name, schema);
        }
        Ok(all)
    }
}

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever shows a token, a signature or a session.
    Credential,
    /// Whoever signs the request.
    Signature,
    /// A session of the console alone.
    Session,
    /// A page of this host, before there is a session.
    Page,
    /// A proxy that shows the secret it shares with the instance.
    Proxy,
}

/// A query parameter or header field of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is for, line by line.
    pub documentation: &'static [&'static str],
    /// Whether it must be there.
    pub required: bool,
    /// Its schema.
    pub schema: Value,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Its media type.
    pub media: &'static str,
    /// Its schema.
    pub schema: Value,
    /// Whether it may be left out: every member may.
    pub optional: bool,
    /// A body that would be read.
    pub example: Value,
}

/// An answer that is no refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// Media type and schema; none where it has no body.
    pub content: Option<(&'static str, Value)>,
    /// Fields of its header, and what they say.
    pub headers: Vec<(String, &'static str)>,
}

/// How refusals are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// As a problem document.
    #[default]
    Problem,
    /// As RFC 6749, section 5.2 has it; with these statuses.
    Oauth(&'static [u16]),
    /// Those of the credential as a problem document, those of the form as RFC 6749 has it, with these statuses.
    Both(&'static [u16]),
}

/// What is said of a call besides its route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Parameters of the query.
    pub query: Vec<Parameter>,
    /// Fields of the header.
    pub headers: Vec<Parameter>,
    /// The body.
    pub body: Option<Body>,
    /// The answers.
    pub answers: Vec<Answer>,
    /// The causes of refusals, besides those that every call with its access has.
    pub refusals: Vec<Code>,
    /// How refusals are written.
    pub errors: Errors,
    /// The schema of refusals in another system's form, in JSON, instead.
    pub foreign_errors: Option<Value>,
}

impl Description {
    /// Of a call with this answer.
    #[must_use]
    pub fn of(status: u16, meaning: &'static str, schema: Value) -> Self {
        Self::default().and(status, meaning, Some((JSON, schema)))
    }

    /// A further answer.
    #[must_use]
    pub fn and(mut self, status: u16, meaning: &'static str, content: Option<(&'static str, Value)>) -> Self {
        self.answers.push(Answer { status, meaning, content, headers: Vec::new() });
        self
    }

    /// The header fields of the answer that was said last.
    #[must_use]
    pub fn with(self, headers: &[(&str, &'static str)]) -> Self {
        self.with_all(headers.iter().map(|(name, says)| ((*name).to_owned(), *says)))
    }

    /// The same, where their names are made.
    #[must_use]
    pub fn with_all(mut self, headers: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.extend(headers);
        }
        self
    }

    /// A body that must be there.
    #[must_use]
    pub fn reads(mut self, media: &'static str, schema: Value, example: Value) -> Self {
        self.body = Some(Body { media, schema, optional: false, example });
        self
    }

    /// A body that may be left out.
    #[must_use]
    pub fn may_read(mut self, media: &'static str, schema: Value, example: Value) -> Self {
        self.body = Some(Body { media, schema, optional: true, example });
        self
    }

    /// Query parameters.
    #[must_use]
    pub fn query(mut self, parameters: Vec<Parameter>) -> Self {
        self.query = parameters;
        self
    }

    /// A header field of the request.
    #[must_use]
    pub fn header(mut self, parameter: Parameter) -> Self {
        self.headers.push(parameter);
        self
    }

    /// Causes of refusals.
    #[must_use]
    pub fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend_from_slice(codes);
        self
    }

    /// Refusals are in another system's form.
    #[must_use]
    pub fn foreign_errors(mut self, schema: Value) -> Self {
        self.foreign_errors = Some(schema);
        self
    }

    /// How refusals are written.
    #[must_use]
    pub const fn errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }
}

/// A comment's lines as one text.
#[must_use]
pub fn text(documentation: &[&str]) -> String {
    let mut text = String::new();
    for line in documentation.iter().map(|line| line.trim()) {
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text
}
