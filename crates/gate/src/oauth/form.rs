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
