//! The OpenAPI 3.1 document of the HTTP interface.
//!
//! The routes come from `symbolon::protocol::contract`, which gate and authority route by; what is said of each call from
//! the types that read its body and write its answer; who may make it from what the gate asks. Here they are only put
//! together.

#[cfg(feature = "conformance")]
mod conformance;
mod refusals;
mod words;

use serde_json::{Map, Value, json};
use symbolon::policy::{Header, schema};
use symbolon::problem::Problem;
use symbolon::protocol::contract::description::{Access, Answer, Description, NameTaken, Parameter, Schemas, text};
use symbolon::protocol::contract::{Operation, ROUTES, Route};
use symbolon::protocol::session::{COOKIE, CSRF_HEADER};

#[cfg(feature = "conformance")]
pub use conformance::{Conformance, Exchange, Mismatch};

/// The methods that a document can name, for the paths that take any.
const ANY: &[&str] = &["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"];

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two schemas have one name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// A call of the table that nobody describes, or that two describe.
    #[error("{0} is described by {1} instead of by one")]
    Described(&'static str, usize),
}

/// The document.
///
/// # Errors
/// [`Error`]: a call was added to the table, and its description was not, or wants the name of another schema.
pub fn document() -> Result<Value, Error> {
    let mut schemas = Schemas::default();
    schemas.written::<Problem>();
    let oauth_error = symbolon_gate::describe::oauth_error(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let description = describe(route.operation, &mut schemas)?;
        let path = paths.entry(template(route.path)).or_insert_with(|| path_item(route.path));
        let Some(path) = path.as_object_mut() else { continue };
        for (index, method) in methods(route).iter().enumerate() {
            let operation = operation(route, method, index > 0, &description, &oauth_error);
            path.insert(method.to_ascii_lowercase(), operation);
        }
    }
    let definitions: Map<String, Value> = schemas.definitions()?.into_iter().collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Symbolon",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Access tokens for an API, verified at the edge",
            "description": words::INTRODUCTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This instance" }],
        "tags": words::tags(),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": refusals::components(),
            "headers": refusals::headers(),
            "parameters": { "Passphrase": {
                "name": Header::PASSPHRASE, "in": "header", "required": false, "schema": { "type": "string" },
                "description": "The token's passphrase, where it has one.",
            } },
            "securitySchemes": security_schemes(),
        },
    }))
}

/// The JSON Schema of a profile's file.
#[must_use]
pub fn profile_schema() -> Value {
    schema()
}

/// A document as it is kept in a file.
#[must_use]
pub fn print(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// What authority or gate says of a call: one of them.
fn describe(operation: Operation, schemas: &mut Schemas) -> Result<Description, Error> {
    let mut all =
        [symbolon_authority::describe(operation, schemas), symbolon_gate::describe::describe(operation, schemas)]
            .into_iter()
            .flatten();
    let foreign = symbolon_gate::describe::foreign_errors(operation, schemas);
    match (all.next(), all.next()) {
        (Some(description), None) => Ok(match foreign {
            Some(schema) => description.foreign_errors(schema),
            None => description,
        }),
        (first, second) => Err(Error::Described(
            operation.name(),
            [first.is_some(), second.is_some()].into_iter().filter(|it| *it).count(),
        )),
    }
}

fn methods(route: &Route) -> &'static [&'static str] {
    if route.methods.contains(&"*") { ANY } else { route.methods }
}

/// A path as the document has it: what takes the rest is one parameter there, since there is no other way to say it.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

fn path_item(path: &str) -> Value {
    let parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| match name {
            "id" => json!({
                "name": "id", "in": "path", "required": true, "description": "An id, as lists and answers name it.",
                "schema": { "type": "string", "format": "uuid" },
            }),
            "proxy" => json!({
                "name": "proxy", "in": "path", "required": true, "description": "Which proxy asks.",
                "schema": { "type": "string", "enum": ["nginx", "traefik", "caddy", "envoy"] },
            }),
            "number" => json!({
                "name": "number", "in": "path", "required": true, "description": "A token's number, as lists name it.",
                "schema": { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            }),
            rest => json!({
                "name": rest.trim_start_matches('*'), "in": "path", "required": true,
                "description": "The rest of the path, slashes included.", "schema": { "type": "string" },
            }),
        })
        .collect();
    if parameters.is_empty() { json!({}) } else { json!({ "parameters": parameters }) }
}

fn operation(route: &Route, method: &str, further: bool, said: &Description, oauth_error: &Value) -> Value {
    let access = symbolon_gate::describe::access(route.operation);
    let (summary, description) = headline(route.operation);
    let mut operation = Map::new();
    operation.insert("tags".to_owned(), json!([words::tag(route.path)]));
    operation.insert("operationId".to_owned(), identifier(route.operation, further.then_some(method)).into());
    operation.insert("summary".to_owned(), summary.into());
    if !description.is_empty() {
        operation.insert("description".to_owned(), description.into());
    }
    operation.insert("security".to_owned(), security(access, method));
    let mut parameters: Vec<Value> = said.query.iter().map(|it| parameter(it, "query")).collect();
    parameters.extend(said.headers.iter().map(|it| parameter(it, "header")));
    parameters.extend(words::proxy_fields(route.operation));
    if access == Access::Credential {
        parameters.push(json!({ "$ref": "#/components/parameters/Passphrase" }));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(body) = &said.body {
        operation.insert(
            "requestBody".to_owned(),
            json!({
                "required": !body.optional,
                "content": { body.media: { "schema": body.schema, "example": body.example } },
            }),
        );
    }
    let mut responses: Map<String, Value> =
        said.answers.iter().map(|it| (it.status.to_string(), answer(it, method))).collect();
    responses.extend(refusals::responses(access, said, oauth_error, method));
    operation.insert("responses".to_owned(), responses.into());
    operation.into()
}

/// The first line of what the table says of a call, and the rest.
fn headline(operation: Operation) -> (String, String) {
    let lines = operation.documentation();
    let (first, rest) = lines.split_first().unwrap_or((&"", &[]));
    (first.trim().to_owned(), text(rest).trim().to_owned())
}

/// `ListTokens` as `listTokens`; a further method of the same call is added to it.
fn identifier(operation: Operation, further: Option<&str>) -> String {
    let mut chars = operation.name().chars();
    let mut text: String = chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect();
    if let Some(method) = further {
        let mut chars = method.chars();
        text.extend(chars.next());
        text.extend(chars.map(|c| c.to_ascii_lowercase()));
    }
    text
}

fn parameter(parameter: &Parameter, place: &str) -> Value {
    json!({
        "name": parameter.name, "in": place, "required": parameter.required, "schema": parameter.schema,
        "description": text(parameter.documentation),
    })
}

fn answer(answer: &Answer, method: &str) -> Value {
    let mut object = Map::new();
    object.insert("description".to_owned(), answer.meaning.into());
    if !answer.headers.is_empty() {
        let headers: Map<String, Value> = answer
            .headers
            .iter()
            .map(|(name, says)| (name.clone(), json!({ "description": says, "schema": { "type": "string" } })))
            .collect();
        object.insert("headers".to_owned(), headers.into());
    }
    if let Some((media, schema)) = answer.content.as_ref().filter(|_| method != "HEAD") {
        object.insert("content".to_owned(), json!({ *media: { "schema": schema } }));
    }
    object.into()
}

fn security(access: Access, method: &str) -> Value {
    let session =
        if matches!(method, "GET" | "HEAD") { json!({ "session": [] }) } else { json!({ "session": [], "csrf": [] }) };
    let signature = json!({ "signature": [], "signatureInput": [] });
    match access {
        Access::Open | Access::Page => json!([]),
        Access::Credential => json!([{ "bearer": [] }, { "apiKey": [] }, signature, session]),
        Access::Signature => json!([signature]),
        Access::Session => json!([session]),
        Access::Proxy => json!([{ "proxy": [] }]),
    }
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "sym_<kind>_… or as the profile's kinds begin",
            "description": "A token's secret (RFC 6750).",
        },
        "apiKey": {
            "type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "A token's secret, for kinds whose clients send it so. Kinds of other systems have further fields: \
                `GET /v1/kinds` names the headers of each.",
        },
        "signature": {
            "type": "apiKey", "in": "header", "name": "Signature",
            "description": "RFC 9421 with `ecdsa-p256-sha256`, by a token's private key: `keyid` is the organisation's short id, \
                a point and the key's thumbprint. A refusal says in `Accept-Signature` what to cover: `@method`, `@authority`, \
                `@path` and `@query`, with `created` and a `nonce`; and with a body `content-digest` (RFC 9530) and \
                `content-type`.",
        },
        "signatureInput": {
            "type": "apiKey", "in": "header", "name": "Signature-Input", "description": "What `Signature` covers.",
        },
        "session": {
            "type": "apiKey", "in": "cookie", "name": COOKIE,
            "description": "The console's session. Browsers send it by themselves, so whatever changes something also carries \
                the page's `Origin`, which must be this host's, and `X-Symbolon-CSRF`.",
        },
        "csrf": {
            "type": "apiKey", "in": "header", "name": CSRF_HEADER,
            "description": "The `csrf_token` of `GET /v1/sessions/current`.",
        },
        "proxy": {
            "type": "apiKey", "in": "header", "name": "X-Symbolon-Proxy-Secret",
            "description": "The secret that a proxy shares with the instance.",
        },
    })
}

#[cfg(test)]
mod tests;
