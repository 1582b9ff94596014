//! What the origin is told of who asks, and what of the request it must not see.

use std::rc::Rc;

use symbolon::policy::Header;
use symbolon::protocol::message::HttpResponse;
use symbolon::protocol::{Owner, Record};

use crate::credential::Known;
use crate::refusal;
use crate::request::{Forward, GateRequest};

/// What the names of identity headers begin with; nobody but us may send one.
const IDENTITY: &str = "x-symbolon-";
/// What follows, in this order.
const NAMES: [&str; 8] = ["organization", "token", "kind", "owner", "member-email", "role", "permissions", "scopes"];
/// What the names of the product's cookies begin with, the host-only mark aside.
const COOKIE: &str = "symbolon";
/// How long one identity header may become, in bytes.
const MAX_VALUE_BYTES: usize = 4096;
/// What concerns one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// What makes some servers answer for another method or another path than the one that was judged.
const OVERRIDES: &[&str] = &[
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-uri",
    "x-rewrite-url",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-uri",
];

/// Names and values of header fields.
pub(crate) type Fields = Vec<(String, String)>;

/// What is told of who asks.
pub(crate) struct Identity {
    /// All identity headers.
    pub(crate) fields: Fields,
    /// What a proxy is answered that asks whether a request may pass.
    pub(crate) answer: Rc<HttpResponse>,
}

impl Identity {
    /// Of a token.
    pub(crate) fn of(record: &Record) -> Self {
        Self::with(headers(record))
    }

    /// Of nobody.
    pub(crate) fn nobody() -> Self {
        Self::with(nobody())
    }

    fn with(fields: Fields) -> Self {
        let headers = fields.iter().cloned().chain([refusal::no_store()]).collect();
        Self { fields, answer: Rc::new(HttpResponse { status: 200, headers, body: String::new() }) }
    }
}

/// All identity headers of a token, each with a value, be it empty: whoever copies them from an answer overwrites what
/// a client sent.
fn headers(record: &Record) -> Fields {
    let (owner, email) = match &record.owner {
        Owner::Organization => ("organization".to_owned(), ""),
        Owner::Member { id, email, .. } => (id.to_string(), email.as_str()),
    };
    let permissions = record
        .effective()
        .iter()
        .map(|grant| match &grant.resource {
            Some(resource) => format!("{}@{}", grant.permission.as_str(), resource.as_str()),
            None => grant.permission.as_str().to_owned(),
        })
        .collect::<Vec<_>>();
    let values = [
        encode(&record.organization.to_string()),
        encode(&record.token.to_string()),
        encode(&record.kind),
        encode(&owner),
        encode(email),
        encode(record.role.as_deref().unwrap_or_default()),
        list(permissions.iter().map(String::as_str)),
        list(record.scopes.iter().map(String::as_str)),
    ];
    NAMES.iter().zip(values).map(|(name, value)| (format!("{IDENTITY}{name}"), value)).collect()
}

/// All identity headers, of nobody.
fn nobody() -> Fields {
    NAMES.iter().map(|name| (format!("{IDENTITY}{name}"), String::new())).collect()
}

/// The names of all identity headers.
#[cfg(feature = "schema")]
pub(crate) fn names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| format!("{IDENTITY}{name}"))
}

/// Names joined by spaces. What would make the value too long is left out: fewer, never more.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut value = String::new();
    for name in names {
        let name = encode(name);
        if value.len().saturating_add(name.len()) >= MAX_VALUE_BYTES {
            break;
        }
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str(&name);
    }
    value
}

/// Percent-encodes what is no visible ASCII, and the percent sign itself.
fn encode(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => value.push_str("%25"),
            b'!'..=b'~' => value.push(char::from(byte)),
            _ => value.push_str(&format!("%{byte:02X}")),
        }
    }
    value
}

/// How a request changes on its way to the origin. `identity`: the headers of who asks; none on a public route. `signed`: whether the
/// request's signature was the credential.
pub(crate) fn forward(request: &GateRequest, known: &Known, identity: Option<&Fields>, signed: bool) -> Forward {
    let connection: Vec<String> = request
        .values("connection")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim_matches([' ', '\t']).to_ascii_lowercase())
        .collect();
    let mut forward = Forward { remove: Vec::new(), set: identity.cloned().unwrap_or_default() };
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        // Many servers read `X_Symbolon_Token` and `X-Symbolon-Token` as one, and PHP `X.Symbolon.Token` as well.
        let read_as: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let bare = |list: &[&str]| list.contains(&read_as.as_str());
        let removed = read_as.starts_with(IDENTITY)
            || bare(HOP_BY_HOP)
            || bare(OVERRIDES)
            || connection.contains(&name)
            || read_as == Header::PASSPHRASE
            || (signed && bare(&["signature", "signature-input"]))
            || is_credential(&read_as, value, known, identity.is_some());
        if removed && !forward.remove.contains(&name) {
            forward.remove.push(name);
        } else if name == "cookie"
            && let Some(rest) = without_own_cookies(value)
        {
            forward.remove.push(name.clone());
            if !rest.is_empty() {
                forward.set.push((name, rest));
            }
        }
    }
    forward
}

/// Whether a field carries a credential of ours: on a route that asked for one, any bearer; else what can only be one.
fn is_credential(name: &str, value: &str, known: &Known, asked: bool) -> bool {
    let value = value.trim_matches([' ', '\t']);
    match name {
        "authorization" => match value.split_once([' ', '\t']) {
            Some((scheme, text)) if scheme.eq_ignore_ascii_case("bearer") => asked || known.claims(text.trim()),
            _ => false,
        },
        _ => Header::ALL.iter().any(|header| header.as_str() == name) && known.claims(value),
    }
}

/// A `Cookie` field without the product's own cookies; none where it has none of them.
fn without_own_cookies(value: &str) -> Option<String> {
    let own = |cookie: &&str| {
        let name = cookie.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        let name = name.strip_prefix("__host-").or_else(|| name.strip_prefix("__secure-")).unwrap_or(&name);
        name.starts_with(COOKIE)
    };
    let cookies: Vec<&str> = value.split(';').map(str::trim).collect();
    let kept: Vec<&str> = cookies.iter().copied().filter(|cookie| !own(cookie)).collect();
    (kept.len() < cookies.len()).then(|| kept.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{known, record, request, token};

    fn removed(headers: &[(&str, &str)], record: Option<&Record>) -> Vec<String> {
        forward(&request("GET", "https://a.example/", headers), &known(), record.map(super::headers).as_ref(), false)
            .remove
    }

    #[test]
    fn what_the_origin_must_not_see_is_removed() {
        let (record, token) = (record(), token());
        let bearer = format!("bearer {token}");
        for (headers, names) in [
            (
                &[("X-Symbolon-Token", "forged"), ("x_symbolon_role", "owner")][..],
                &["x-symbolon-token", "x_symbolon_role"][..],
            ),
            (&[("X_Symbolon-NEW", "forged")], &["x_symbolon-new"]),
            (&[("X.Symbolon.Role", "owner"), ("x.http_method", "PUT")], &["x.symbolon.role", "x.http_method"]),
            (&[("Authorization", &bearer), ("X-Token-Passphrase", "secret")], &["authorization", "x-token-passphrase"]),
            (&[("x-api-key", &token), ("token", &token), ("api-token", &token)], &["x-api-key", "token", "api-token"]),
            (&[("Authorization", "Bearer of-somebody-else")], &["authorization"]),
            (&[("Authorization", "Basic YTpi"), ("token", "csrf"), ("accept", "*/*")], &[]),
            (&[("Connection", "close, X-Secret"), ("x-secret", "1")], &["connection", "x-secret"]),
            (
                &[("te", "trailers"), ("upgrade", "h2c"), ("transfer-encoding", "chunked")],
                &["te", "upgrade", "transfer-encoding"],
            ),
            (
                &[("X-HTTP-Method-Override", "DELETE"), ("x_http_method", "PUT")],
                &["x-http-method-override", "x_http_method"],
            ),
            (&[("X-Original-URL", "/admin"), ("X-Rewrite-URL", "/admin")], &["x-original-url", "x-rewrite-url"]),
            (&[("signature", "sig=::"), ("signature-input", "sig=()")], &[]),
        ] {
            assert_eq!(removed(headers, Some(&record)), names, "{headers:?}");
        }
        // On a public route the origin may have bearers of its own; ours are for us alone.
        assert_eq!(removed(&[("Authorization", "Bearer of-the-origin")], None), Vec::<String>::new());
        assert_eq!(
            removed(&[("Authorization", &bearer), ("x-symbolon-role", "owner")], None),
            ["authorization", "x-symbolon-role"]
        );
        let signed = forward(
            &request("GET", "https://a.example/", &[("Signature", "sig=::")]),
            &known(),
            Some(&super::headers(&record)),
            true,
        );
        assert_eq!(signed.remove, ["signature"]);
    }

    #[test]
    fn own_cookies_stay_here() {
        let check = |value: &str, expected: Option<&str>| {
            assert_eq!(without_own_cookies(value).as_deref(), expected, "{value}");
        };
        check("a=1; b=2", None);
        check("a=1; __Host-symbolon=secret; b=2", Some("a=1; b=2"));
        check("symbolon_session=secret", Some(""));
        let cookie = [("Cookie", "a=1; __Host-Symbolon=secret")];
        let found = forward(&request("GET", "https://a.example/", &cookie), &known(), None, false);
        assert_eq!(
            (found.remove, found.set),
            (vec!["cookie".to_owned()], vec![("cookie".to_owned(), "a=1".to_owned())])
        );
    }

    #[test]
    fn identity_is_visible_ascii_and_complete() {
        let mut record = record();
        record.owner = Owner::Member {
            id: "01890000-0000-7000-8000-000000000001".parse().unwrap(),
            name: "Zoë".to_owned(),
            email: "zoë 100%@a.example\r\nx: y".to_owned(),
        };
        let found = headers(&record);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "x-symbolon-organization",
                "x-symbolon-token",
                "x-symbolon-kind",
                "x-symbolon-owner",
                "x-symbolon-member-email",
                "x-symbolon-role",
                "x-symbolon-permissions",
                "x-symbolon-scopes",
            ]
        );
        assert_eq!(found[4].1, "zo%C3%AB%20100%25@a.example%0D%0Ax:%20y");
        record.owner = Owner::Organization;
        assert_eq!((headers(&record)[3].1.as_str(), headers(&record)[4].1.as_str()), ("organization", ""));
    }
}
