//! What no type can say: the introduction, and how calls are grouped.

use serde_json::{Value, json};
use symbolon::protocol::contract::Operation;

pub(crate) const INTRODUCTION: &str = "\
Issues, verifies, edits, rotates and revokes access tokens, and says of a request whether it may pass.

Bodies and answers are JSON with names in snake_case, but for the forms of OAuth; times are RFC 3339 in UTC; ids are \
UUIDs. A refusal is a problem document (RFC 9457) whose `code` is stable; a 401 carries `WWW-Authenticate`, a 405 `Allow`, \
and what may be tried again later `Retry-After`. Lists are pages: `next_cursor` of one is `cursor` of the next.

A change that takes something away answers when it holds at every edge. That can take as long as a lease lives, two \
seconds where nothing else is set.

The paths by which clients of other systems are served are those systems' own, in the form of each: an organisation answers for those of its own profile alone, and `not_found` for the others.";

/// Each group, the beginnings of its paths, and what it is about.
const TAGS: &[(&str, &[&str], &str)] = &[
    ("Tokens", &["/v1/tokens", "/v1/keys", "/v1/onboarding"], "What clients present."),
    (
        "Verification",
        &["/v1/verify", "/v1/forward-auth", "/v1/routes"],
        "For resource servers, proxies and the gateway.",
    ),
    ("Identity", &["/v1/whoami", "/v1/kinds"], "Who the credential is, and what there can be."),
    ("Members", &["/v1/members", "/v1/invitations"], "Who takes part."),
    ("Profile", &["/v1/profile"], "What an organisation's tokens are."),
    ("Activity", &["/v1/activity"], "What was done, by whom, in a chain of hashes."),
    ("Setup", &["/v1/setup", "/v1/organizations"], "Organisations."),
    ("OAuth", &["/oauth/", "/.well-known/"], "Logins of devices, introspection, revocation, metadata."),
    ("Logins", &["/v1/device"], "A member decides on a login from a command line."),
    ("Sessions", &["/v1/sessions", "/v1/passkeys", "/v1/identities", "/v1/sign-in"], "Sign-in to the console."),
    ("DevGuard", &["/api/v1/"], "As clients of DevGuard ask, under its profile."),
    (
        "HarborGuard",
        &["/api/personal-access-tokens", "/api/api-keys"],
        "As clients of HarborGuard ask, under its profile.",
    ),
    ("Semgrep", &["/api/agent/"], "As clients of Semgrep ask, under its profile."),
    ("Devtron", &["/orchestrator/"], "As clients of Devtron ask, under its profile."),
    ("Service", &["/healthz"], "Whether it is up."),
];

pub(crate) fn tags() -> Value {
    TAGS.iter().map(|(name, _, about)| json!({ "name": name, "description": about })).collect()
}

pub(crate) fn tag(path: &str) -> &'static str {
    let found = TAGS.iter().find(|(_, beginnings, _)| beginnings.iter().any(|beginning| path.starts_with(beginning)));
    found.map_or("Service", |(name, _, _)| name)
}

/// The fields in which proxies tell of the request that they ask about.
pub(crate) fn proxy_fields(operation: Operation) -> Vec<Value> {
    let field = |name: &str, about: &str| json!({ "name": name, "in": "header", "required": false, "schema": { "type": "string" }, "description": about });
    match operation {
        Operation::ForwardAuth => vec![
            field("X-Original-Method", "nginx: the request's method."),
            field("X-Original-URL", "nginx: the request's absolute URL."),
            field("X-Forwarded-Method", "Traefik and Caddy: the request's method."),
            field("X-Forwarded-Proto", "Traefik, Caddy and Envoy: the request's scheme."),
            field("X-Forwarded-Host", "Traefik and Caddy: the request's host."),
            field("X-Forwarded-Uri", "Traefik and Caddy: the request's path and query."),
        ],
        Operation::ForwardAuthPath => vec![field("X-Forwarded-Proto", "The request's scheme.")],
        _ => Vec::new(),
    }
}
