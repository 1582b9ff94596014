//! Reading a body: a JSON object with known fields, every fault named with its field, and no value repeated.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use symbolon::policy::{AskedGrant, Change};
use symbolon::problem::{Code, FieldError, Problem};
use symbolon::protocol::message::HttpRequest;
use symbolon::time::Timestamp;

use super::contract::{PossessionProof, PublicKeyText};
use crate::organization::member::Status;

/// How large a body may be, in bytes.
const MAX_BODY_LEN: usize = 64 * 1024;
/// How large one may be that holds a profile, in bytes: the largest profile with its escapes.
pub(crate) const MAX_PROFILE_BODY_LEN: usize = 256 * 1024;
/// The most faults that are named at once.
const MAX_ERRORS: usize = 32;

/// Something that a field can hold, and how to say so.
pub(crate) trait Shape: DeserializeOwned {
    const EXPECTED: &'static str;
}

macro_rules! shapes {
    ($($type:ty: $expected:literal),+ $(,)?) => {
        $(impl Shape for $type { const EXPECTED: &'static str = $expected; })+
    };
}

shapes! {
    String: "a text",
    bool: "true or false",
    u32: "a whole number, not negative",
    Timestamp: "a time in RFC 3339 such as 2026-01-31T12:00:00Z",
    Vec<String>: "a list of texts",
    Vec<AskedGrant>: "a list of {permission, resource}",
    Vec<Map<String, Value>>: "a list of objects",
    Map<String, Value>: "an object",
    PublicKeyText: "128 hexadecimal digits, a public key in PEM, or a JWK",
    PossessionProof: "a signature in base64, or {challenge, signature}",
    Status: "active or suspended",
}

impl<T: Shape> Shape for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
}

impl<T: Shape> Shape for Change<T> {
    const EXPECTED: &'static str = T::EXPECTED;
}

/// The fields of a body while they are read.
pub(crate) struct Fields {
    rest: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    pub(crate) const fn new(object: Map<String, Value>) -> Self {
        Self { rest: object, errors: Vec::new() }
    }

    /// A field that may be left out.
    pub(crate) fn optional<T: Shape + Default>(&mut self, name: &'static str) -> T {
        match self.rest.remove(name) {
            None => T::default(),
            Some(value) => self.read(name, value).unwrap_or_default(),
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T: Shape + Default>(&mut self, name: &'static str) -> T {
        match self.rest.remove(name) {
            None => {
                self.fault(name, "is required".to_owned());
                T::default()
            }
            Some(value) => self.read(name, value).unwrap_or_default(),
        }
    }

    fn read<T: Shape>(&mut self, name: &'static str, value: Value) -> Option<T> {
        // The library's own message repeats what it read, which may be a secret.
        let read = symbolon::json::from_value(&value).ok();
        if read.is_none() {
            self.fault(name, format!("must be {}", T::EXPECTED));
        }
        read
    }

    fn fault(&mut self, name: &str, message: String) {
        self.errors.push(FieldError { field: name.to_owned(), message });
    }

    /// Names every field that is not known, and every other fault.
    pub(crate) fn finish(mut self, known: &[&str]) -> Result<(), Problem> {
        let unknown: Vec<String> = self.rest.keys().take(MAX_ERRORS).cloned().collect();
        for name in unknown {
            let shown: String = name.chars().take(64).collect();
            self.fault(&shown, format!("is not known here; there are {}", known.join(", ")));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }
}

/// A body that can be read.
pub(crate) trait Body: Sized {
    /// Reads it from its fields.
    ///
    /// # Errors
    /// `invalid_request` with every fault.
    fn read(object: Map<String, Value>) -> Result<Self, Problem>;
}

/// A body: its fields, whether each must be there, and what it holds. `as` says what the document shows in its place,
/// where the field itself is looked at later.
macro_rules! request {
    ($(#[doc = $doc:literal])* $vis:vis struct $name:ident {
        $($(#[doc = $field_doc:literal])* $mode:ident $field:ident: $type:ty $(as $shown:ty)?,)+
    }) => {
        $(#[doc = $doc])*
        $vis struct $name { $($(#[doc = $field_doc])* pub(crate) $field: $type,)+ }

        impl crate::organization::http::body::Body for $name {
            fn read(
                object: serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, symbolon::problem::Problem> {
                let mut fields = crate::organization::http::body::Fields::new(object);
                let read = Self { $($field: fields.$mode(stringify!($field)),)+ };
                fields.finish(&[$(stringify!($field)),+])?;
                Ok(read)
            }
        }

        #[cfg(feature = "schema")]
        impl crate::organization::http::body::Optional for $name {
            const OPTIONAL: bool = $(crate::organization::http::body::is_optional(stringify!($mode)) &&)+ true;
        }

        #[cfg(feature = "schema")]
        crate::organization::http::body::described!($name [$($doc)*] $({
            stringify!($field), $mode, [$($field_doc)*], crate::organization::http::body::shown!($type $(, $shown)?)
        })+);
    };
}

/// Whether a body may be left out: every field of it may.
#[cfg(feature = "schema")]
pub(crate) trait Optional {
    const OPTIONAL: bool;
}

/// Whether this is the word for a field that may be left out.
#[cfg(feature = "schema")]
pub(crate) const fn is_optional(mode: &str) -> bool {
    matches!(mode.as_bytes(), b"optional")
}

/// The schema of an object: for each field its name, whether it must be there, what is said of it, and what it holds.
#[cfg(feature = "schema")]
macro_rules! described {
    ($name:ident [$($doc:literal)*] $({ $field:expr, $mode:ident, [$($field_doc:literal)*], $shown:ty })+) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut object = crate::organization::http::schema::Object::new(&[$($doc),*]);
                $(object.member(
                    $field,
                    stringify!($mode) == "required",
                    &[$($field_doc),*],
                    generator.subschema_for::<$shown>(),
                );)+
                object.finish()
            }
        }
    };
}
#[cfg(feature = "schema")]
pub(crate) use described;

/// The second type, or else the first.
#[cfg(feature = "schema")]
macro_rules! shown {
    ($type:ty) => {
        $type
    };
    ($type:ty, $shown:ty) => {
        $shown
    };
}
pub(crate) use request;
#[cfg(feature = "schema")]
pub(crate) use shown;

/// The body of a request, which must be a JSON object; an empty body is an empty object.
///
/// # Errors
/// `too_large`, or `invalid_request` with every fault.
pub(crate) fn read<T: Body>(request: &HttpRequest) -> Result<T, Problem> {
    read_up_to(request, MAX_BODY_LEN)
}

/// The same, with another bound.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_up_to<T: Body>(request: &HttpRequest, max_len: usize) -> Result<T, Problem> {
    if request.body.len() > max_len {
        return Err(Problem::new(Code::TooLarge).detail(format!("A body has at most {max_len} bytes.")));
    }
    if request.body.trim().is_empty() {
        return T::read(Map::new());
    }
    let media = header(request, "content-type").unwrap_or("application/json");
    let media = media.split(';').next().unwrap_or_default().trim();
    if !matches!(media.to_ascii_lowercase().as_str(), "application/json" | "application/merge-patch+json") {
        return Err(Problem::new(Code::InvalidRequest).detail("The body must be application/json."));
    }
    match symbolon::json::parse(&request.body) {
        Ok(Value::Object(object)) => T::read(object),
        Ok(_) => Err(Problem::new(Code::InvalidRequest).detail("The body must be a JSON object.")),
        Err(error) => {
            if let Some(name) = error.twice() {
                return Err(Problem::field(name, "is there twice"));
            }
            let (line, column) = error.place().unwrap_or_default();
            let detail = format!("The body is not JSON (line {line}, column {column}).");
            Err(Problem::new(Code::InvalidRequest).detail(detail))
        }
    }
}

/// A field of the request.
pub(crate) fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}
