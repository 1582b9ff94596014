//! Refusals: which statuses a call can have, and the responses that calls share.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::contract::description::{Access, Description, Errors, JSON};

/// The media type of RFC 9457.
const PROBLEM: &str = "application/problem+json";

/// The statuses of refusals, each with the name of its response and what it means.
const STATUSES: &[(u16, &str, &str)] = &[
    (400, "InvalidRequest", "The request is not of the form that is asked for; `errors` names the fields."),
    (401, "Unauthorized", "The credential is missing or not good; `code` says why."),
    (403, "Forbidden", "The credential does not permit this; `required` names the permission."),
    (404, "NotFound", "There is no such thing, or not one for you to know of."),
    (409, "Conflict", "It conflicts with what is there, or cannot be changed."),
    (413, "TooLarge", "The request is too large."),
    (429, "RateLimited", "Too many requests; `Retry-After` says when to try again."),
    (500, "Internal", "Our own fault."),
    (503, "Unavailable", "The authority cannot be reached, so nothing can be decided. Try again in a moment."),
];

/// The causes that every call with this access has besides its own.
fn usual(access: Access, said: &Description) -> Vec<Code> {
    let mut codes = vec![Code::Internal];
    let bare = said.body.is_none() && access == Access::Open;
    if !bare {
        codes.extend([Code::InvalidRequest, Code::TooLarge, Code::AuthorityUnavailable, Code::RateLimited]);
    }
    match access {
        Access::Open => {}
        Access::Credential | Access::Signature | Access::Session | Access::Page | Access::Proxy => {
            codes.extend([Code::MissingCredential, Code::InsufficientPermission]);
        }
    }
    codes
}

/// The refusals of a call, by status.
pub(crate) fn responses(access: Access, said: &Description, oauth_error: &Value, method: &str) -> Map<String, Value> {
    let mut responses: BTreeMap<u16, Value> = BTreeMap::new();
    let codes: Vec<Code> = match said.errors {
        Errors::Oauth(_) => vec![Code::Internal],
        Errors::Problem | Errors::Both(_) => usual(access, said).into_iter().chain(said.refusals.clone()).collect(),
    };
    for status in codes.into_iter().map(Code::status) {
        let response = match &said.foreign_errors {
            _ if method == "HEAD" => without_body(status),
            Some(schema) => foreign(status, schema),
            None => reference(status),
        };
        responses.insert(status, response);
    }
    if let Errors::Oauth(statuses) | Errors::Both(statuses) = said.errors {
        for status in statuses {
            let both = responses.contains_key(status);
            responses.insert(*status, of_oauth(*status, oauth_error, both));
        }
    }
    responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect()
}

fn of_oauth(status: u16, error: &Value, both: bool) -> Value {
    let mut content = json!({ JSON: { "schema": error } });
    if let Some(content) = content.as_object_mut().filter(|_| both) {
        content.insert(PROBLEM.to_owned(), json!({ "schema": schema(status) }));
    }
    json!({
        "description": format!("{} `error` says why (RFC 6749, section 5.2).", meaning(status)),
        "headers": fields(status), "content": content,
    })
}

/// A refusal in another system's form.
fn foreign(status: u16, schema: &Value) -> Value {
    json!({
        "description": meaning(status), "headers": fields(status),
        "content": { JSON: { "schema": schema } },
    })
}

fn reference(status: u16) -> Value {
    let name = STATUSES.iter().find(|(known, _, _)| *known == status).map_or("Internal", |(_, name, _)| name);
    json!({ "$ref": format!("#/components/responses/{name}") })
}

fn without_body(status: u16) -> Value {
    json!({ "description": meaning(status), "headers": fields(status) })
}

fn meaning(status: u16) -> &'static str {
    STATUSES.iter().find(|(known, _, _)| *known == status).map_or("", |(_, _, meaning)| meaning)
}

/// The responses that calls share.
pub(crate) fn components() -> Value {
    let response = |(status, name, meaning): &(u16, &str, &str)| {
        let examples: Map<String, Value> =
            codes(*status).map(|code| (code.as_str().to_owned(), json!({ "value": example(code) }))).collect();
        let response = json!({
            "description": meaning,
            "headers": fields(*status),
            "content": { PROBLEM: { "schema": schema(*status), "examples": examples } },
        });
        ((*name).to_owned(), response)
    };
    Value::Object(STATUSES.iter().map(response).collect())
}

fn codes(status: u16) -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(move |code| code.status() == status)
}

fn schema(status: u16) -> Value {
    let codes: Vec<&str> = codes(status).map(Code::as_str).collect();
    json!({
        "allOf": [
            { "$ref": "#/components/schemas/Problem" },
            { "properties": { "status": { "const": status }, "code": { "enum": codes } } },
        ],
    })
}

fn example(code: Code) -> Problem {
    match code {
        Code::InvalidRequest => Problem::field("name", "must have 1 to 255 characters, no control characters"),
        Code::InsufficientPermission => Problem::new(code).required("tokens:create"),
        Code::RateLimited | Code::Locked => Problem::new(code).retry_after(42),
        Code::AuthorityUnavailable => Problem::new(code).retry_after(1),
        code => Problem::new(code),
    }
}

/// The fields of a refusal's header.
fn fields(status: u16) -> Value {
    let field = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    match status {
        401 => json!({
            "WWW-Authenticate": field("WWW-Authenticate"), "Accept-Signature": field("Accept-Signature"),
            "Retry-After": field("Retry-After"),
        }),
        403 => json!({ "WWW-Authenticate": field("WWW-Authenticate") }),
        429 | 503 => json!({ "Retry-After": field("Retry-After") }),
        _ => json!({}),
    }
}

/// The fields that refusals share.
pub(crate) fn headers() -> Value {
    json!({
        "WWW-Authenticate": {
            "description": "RFC 6750, section 3.", "schema": { "type": "string" },
        },
        "Accept-Signature": {
            "description": "What a signature must cover (RFC 9421, section 5), where one would help.",
            "schema": { "type": "string" },
        },
        "Retry-After": { "description": "In how many seconds to try again.", "schema": { "type": "string", "pattern": "^[0-9]+$" } },
    })
}
