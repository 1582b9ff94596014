//! Reading a form (`application/x-www-form-urlencoded`).

use super::OauthError;
use crate::context::Context;
use crate::ports::BodyError;
use crate::request::GateRequest;

/// How large a form may be, in bytes.
const MAX_FORM_BYTES: u32 = 16 * 1024;
/// How many fields it may have.
const MAX_FIELDS: usize = 32;

/// The fields of a form, each once (RFC 6749, section 3.2). Without `Debug`: it holds credentials.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a request.
    pub(super) async fn read(context: &Context, request: &GateRequest) -> Result<Self, OauthError> {
        let invalid = |why: &str| OauthError::new("invalid_request", why);
        let is_form = request.single("content-type").is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default();
            essence.trim_matches([' ', '\t']).eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        if !is_form {
            return Err(invalid("The body must be application/x-www-form-urlencoded."));
        }
        let body = context.io.body_text(MAX_FORM_BYTES).await.map_err(|error| match error {
            BodyError::TooLarge => OauthError { status: 413, ..invalid("The body is too large.") },
            BodyError::NotText | BodyError::Broken => invalid("The body cannot be read."),
        })?;
        Self::parse(&body).ok_or_else(|| invalid("A field is there twice, or there are too many."))
    }

    fn parse(body: &str) -> Option<Self> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body.as_bytes()) {
            if fields.len() >= MAX_FIELDS || fields.iter().any(|(seen, _)| *seen == name) {
                return None;
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Some(Self(fields))
    }

    /// A field that is there and not empty: an empty one counts as left out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, value)| found == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::new("invalid_request", format!("The field {name} is required.")))
    }
}

/// A form's fields: `need` must be there, `get` may be.
macro_rules! form {
    ($(#[doc = $doc:literal])+ $vis:vis struct $name:ident {
        $($(#[doc = $field_doc:literal])+ $mode:ident $field:ident,)+
    }) => {
        $(#[doc = $doc])+
        $vis struct $name<'f> { $($field: $crate::oauth::form::field_type!($mode 'f),)+ }

        impl<'f> $name<'f> {
            fn of(form: &'f $crate::oauth::form::Form) -> Result<Self, $crate::oauth::OauthError> {
                Ok(Self { $($field: $crate::oauth::form::field!($mode form, $field),)+ })
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name<'_> {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let text = symbolon::protocol::contract::description::text;
                let mut properties = serde_json::Map::new();
                let mut required: Vec<&str> = Vec::new();
                $(
                    properties.insert(
                        stringify!($field).to_owned(),
                        serde_json::json!({ "type": "string", "description": text(&[$($field_doc),+]) }),
                    );
                    if stringify!($mode) == "need" {
                        required.push(stringify!($field));
                    }
                )+
                schemars::json_schema!({
                    "description": text(&[$($doc),+]), "type": "object", "properties": properties, "required": required,
                })
            }
        }
    };
}
macro_rules! field_type {
    (need $life:lifetime) => { &$life str };
    (get $life:lifetime) => { Option<&$life str> };
}
macro_rules! field {
    (need $form:ident, $field:ident) => {
        $form.need(stringify!($field))?
    };
    (get $form:ident, $field:ident) => {
        $form.get(stringify!($field))
    };
}
pub(super) use {field, field_type, form};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_there_once() {
        let form = Form::parse("token=a%2Bb+c&client_id=&x=%C3%A9").unwrap();
        assert_eq!((form.get("token"), form.get("client_id"), form.get("x")), (Some("a+b c"), None, Some("é")));
        assert!(Form::parse("").unwrap().get("token").is_none());
        assert!(Form::parse("token=a&token=b").is_none());
        let many: String = (0..=MAX_FIELDS).map(|n| format!("f{n}=1&")).collect();
        assert!(Form::parse(&many).is_none());
    }
}
