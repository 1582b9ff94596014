//! Holds real requests and answers against the document: what is sent is what is described, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use symbolon::protocol::contract;

use crate::{Error, document, template};

/// The document, ready to be held against exchanges.
pub struct Conformance {
    document: Value,
    /// The named schemas, but objects with no member that is not described.
    components: Value,
    /// Validators by where their schema stands.
    ready: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// A request and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The request's method.
    pub method: &'a str,
    /// Its path, as it stands in the URL.
    pub path: &'a str,
    /// Its body.
    pub sent: &'a str,
    /// The answer's status.
    pub status: u16,
    /// The answer's media type, if it has a body.
    pub media: Option<&'a str>,
    /// The answer's body.
    pub body: &'a str,
}

/// Something that the document does not say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(String);

impl Conformance {
    /// With the document of the product.
    ///
    /// # Errors
    /// As [`document`].
    pub fn new() -> Result<Self, Error> {
        let document = document()?;
        let mut components = document.pointer("/components/schemas").cloned().unwrap_or_default();
        close(&mut components);
        Ok(Self { document, components, ready: Mutex::default() })
    }

    /// Whether an exchange is as described; one about a path that is not of the contract is.
    ///
    /// # Errors
    /// [`Mismatch`]: a status, a media type or a member that is not described; or a body that was taken although the
    /// document says that it is not valid.
    pub fn check(&self, exchange: Exchange<'_>) -> Result<(), Mismatch> {
        let Exchange { method, path, sent, status, media, body } = exchange;
        let Some(found) = contract::find(path) else { return Ok(()) };
        let at = format!("{method} {path} {status}");
        let item = pointer(&["paths", &template(found.pattern())]);
        let operation = format!("{item}/{}", method.to_ascii_lowercase());
        if self.document.pointer(&operation).is_none() {
            let refused = status == 405 && found.operation(method).is_none();
            return if refused { Ok(()) } else { Err(Mismatch(format!("{at}: no such operation"))) };
        }
        let response = self.followed(format!("{operation}/responses/{status}"));
        let Some(described) = self.document.pointer(&response) else {
            return Err(Mismatch(format!("{at}: no such status: {body}")));
        };
        match (media, described.get("content").and_then(Value::as_object)) {
            (None, None) => {}
            (Some(media), Some(content)) if content.contains_key(media) => {
                if media == "application/json" || media.ends_with("+json") {
                    self.validate(&format!("{response}/content/{}/schema", escape(media)), body, &at)?;
                }
            }
            (media, content) => {
                let known: Vec<&String> = content.into_iter().flat_map(Map::keys).collect();
                return Err(Mismatch(format!("{at}: {media:?} instead of {known:?}")));
            }
        }
        let content = format!("{operation}/requestBody/content/{}/schema", escape("application/json"));
        if status < 300 && !sent.trim().is_empty() && self.document.pointer(&content).is_some() {
            self.validate(&content, sent, &format!("{at}, what was sent"))?;
        }
        Ok(())
    }

    fn followed(&self, place: String) -> String {
        let target = self.document.pointer(&place).and_then(|value| value.get("$ref")).and_then(Value::as_str);
        target.and_then(|target| target.strip_prefix('#')).map_or(place, str::to_owned)
    }

    fn validate(&self, place: &str, text: &str, at: &str) -> Result<(), Mismatch> {
        let value: Value = serde_json::from_str(text).map_err(|error| Mismatch(format!("{at}: {error}")))?;
        let validator = self.validator(place).map_err(|error| Mismatch(format!("{place}: {error}")))?;
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(Mismatch(format!("{at}: {errors:?} in {text}"))) }
    }

    fn validator(&self, place: &str) -> Result<Arc<Validator>, String> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = ready.get(place) {
            return Ok(Arc::clone(validator));
        }
        let mut schema = self.document.pointer(place).cloned().ok_or("there is no schema")?;
        let object = schema.as_object_mut().ok_or("the schema is no object")?;
        object.insert("components".to_owned(), json!({ "schemas": self.components }));
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
        let validator = Arc::new(options.build(&schema).map_err(|error| error.to_string())?);
        ready.insert(place.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

fn pointer(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", escape(part))).collect()
}

/// A part of a JSON pointer (RFC 6901, section 3).
fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Lets no object have members that are not described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            let described = object.get("properties").is_some_and(Value::is_object);
            let is_object = object.get("type").is_some_and(|sort| sort == "object");
            if described && is_object && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}
