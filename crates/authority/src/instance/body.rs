//! What is asked for when an organisation is made: reading it, and saying what is wrong with it.

use serde::{Deserialize, Serialize};
use symbolon::json::{self, JsonError};
use symbolon::policy::Profile;
use symbolon::problem::{Code, FieldError, Problem};
use symbolon::protocol::message::HttpRequest;
use symbolon::token::Digest;

use super::Refusal;

/// The most bytes of a body; a profile of one's own is the largest part of it.
const MAX_BODY_LEN: usize = Profile::MAX_BYTES + 16 * 1024;
const MIN_SLUG_LEN: usize = 2;
const MAX_SLUG_LEN: usize = 40;
/// The most characters of a name.
const MAX_NAME_LEN: usize = 255;
/// The longest mail address (RFC 5321, section 4.5.3.1.3, without its angle brackets).
const MAX_EMAIL_LEN: usize = 254;

/// `POST /v1/setup` and `POST /v1/organizations`.
///
/// What is asked for when an organisation is made.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FoundOrganization"))]
#[serde(deny_unknown_fields)]
pub(super) struct Founding {
    /// The setup code; of no matter for a further organisation.
    // Not part of what tells two bodies apart: it is checked.
    #[serde(default, skip_serializing)]
    pub(super) setup_code: Option<String>,
    pub(super) organization: Organization,
    pub(super) owner: Owner,
}

/// The organisation to be made.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NewOrganization"))]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    /// Its name in addresses: lower-case letters, digits and hyphens.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[a-z0-9-]{2,40}$")))]
    pub(super) slug: String,
    /// 1 to 255 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 255)))]
    pub(super) name: String,
    /// The name of a built-in profile, or the text of one's own in TOML.
    #[serde(default = "Organization::default_profile")]
    pub(super) profile: String,
}

/// Its first member.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NewOwner"))]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    /// 1 to 255 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 255)))]
    pub(super) name: String,
    /// A mail address.
    #[cfg_attr(feature = "schema", schemars(length(max = 254)))]
    pub(super) email: String,
}

impl Organization {
    fn default_profile() -> String {
        "symbolon".to_owned()
    }
}

impl Founding {
    /// Reads a body.
    pub(super) fn read(request: &HttpRequest) -> Result<Self, Refusal> {
        let body: Self = json(request, MAX_BODY_LEN)?;
        let errors = body.errors();
        if errors.is_empty() { Ok(body) } else { Err(Problem::fields(errors).into()) }
    }

    /// What tells it from another body, however either is spelt.
    pub(super) fn hash(&self) -> String {
        Digest::of(serde_json::to_string(self).unwrap_or_default()).to_string()
    }

    fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut check = |good: bool, field: &str, message: &str| {
            if !good {
                errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
            }
        };
        let slug = &self.organization.slug;
        check(
            (MIN_SLUG_LEN..=MAX_SLUG_LEN).contains(&slug.len())
                && slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
            "organization.slug",
            "2 to 40 lower-case letters, digits and hyphens",
        );
        let name = "1 to 255 characters, none of them a control character, and no space at either end";
        check(is_name(&self.organization.name), "organization.name", name);
        check(is_name(&self.owner.name), "owner.name", name);
        check(is_email(&self.owner.email), "owner.email", "a mail address such as ada@example.com");
        check(
            !self.organization.profile.is_empty() && self.organization.profile.len() <= Profile::MAX_BYTES,
            "organization.profile",
            "the name of a built-in profile, or the text of one's own with at most 64 KiB",
        );
        errors
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= MAX_NAME_LEN
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

/// Whether a text can be a mail address: enough to catch a slip, no more.
fn is_email(text: &str) -> bool {
    text.len() <= MAX_EMAIL_LEN
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.split('.').count() >= 2
                && domain.split('.').all(|label| !label.is_empty())
        })
}

/// Reads a JSON body.
pub(super) fn json<T: for<'de> Deserialize<'de>>(request: &HttpRequest, max_len: usize) -> Result<T, Refusal> {
    if request.body.len() > max_len {
        return Err(Problem::new(Code::TooLarge).into());
    }
    json::read(&request.body).map_err(|error| {
        let problem = match error.place() {
            None => Problem::field(field_of(&error), without_values(&error)),
            Some(_) => match error.twice() {
                Some(name) => Problem::field(name, "is there twice"),
                None => Problem::field("", "the body is not JSON"),
            },
        };
        problem.into()
    })
}

/// The field that an error is about: the one that it names between backticks, else the one in which it was found.
fn field_of(error: &JsonError) -> String {
    let text = error.message();
    match text.strip_prefix("unknown field ").or_else(|| text.strip_prefix("missing field ")) {
        Some(rest) => rest.split('`').nth(1).unwrap_or_default().chars().take(64).collect(),
        None => error.path().chars().take(64).collect(),
    }
}

/// What an error of serde says, but never a value that was sent.
fn without_values(error: &JsonError) -> &'static str {
    let text = error.message();
    if text.starts_with("unknown field ") {
        "there is no such field"
    } else if text.starts_with("missing field ") {
        "required"
    } else {
        "must be a value of another type"
    }
}
