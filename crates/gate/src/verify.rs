//! `POST /v1/verify`: a resource server asks whether a credential that it was shown is good.
//!
//! Whoever asks needs `credentials:verify`, and knows the tokens of its own organisation alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use symbolon::id::{MemberId, OrganizationId, ShortId, TokenId};
use symbolon::json::{self, Step};
use symbolon::policy::{Freshness, Grant, Permission, Product};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::HttpResponse;
use symbolon::protocol::{Owner, Record};
use symbolon::signature::ContentDigest;
use symbolon::time::Timestamp;
use symbolon::token::Secret;

use crate::context::Context;
use crate::credential::{Credential, Presented, Side, Unreadable, presented};
use crate::decide::{self, Allowed, Demand, Refusal};
use crate::request::GateRequest;
use crate::signed::Body;
use crate::{manage, refusal};

/// How many permissions can be asked for at once.
const MAX_PERMISSIONS: usize = 32;
/// How many header fields a request to be verified may have.
const MAX_FIELDS: usize = 200;
/// How long a passphrase or resource may be, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// A credential to be checked: a secret, or a request that was signed or carries one. One of the two.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "VerifyCredential"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// The secret.
    credential: Option<String>,
    /// The request as it arrived.
    request: Option<Elsewhere>,
    /// The passphrase that came with it.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_TEXT_BYTES)))]
    passphrase: Option<String>,
    /// Permissions that it must have.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_PERMISSIONS)))]
    require: Vec<Permission>,
    /// The resource on which it must have them.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_TEXT_BYTES)))]
    resource: Option<String>,
    /// A stricter freshness than the kind's.
    freshness: Option<Freshness>,
}

/// A request that the resource server received.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReceivedRequest"))]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    /// Its method, in upper case.
    method: String,
    /// Its absolute URL.
    url: String,
    /// Its fields, one value or several to a name; at most 200 in all.
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    /// The digest of the body as the resource server computed it, in the form of a `Content-Digest` field; none: there
    /// is no body.
    content_digest: Option<String>,
}

/// The values of a field.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FieldValues"))]
#[serde(untagged)]
enum Values {
    /// One.
    One(String),
    /// Several, in their order.
    Many(Vec<String>),
}

/// Whether a credential is good, and if so whose it is; all else is null where it is not.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Verdict"))]
pub(crate) struct Verdict<'a> {
    /// Whether it is good, and permits what was required.
    valid: bool,
    /// `ok`, or the cause.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = verdicts())))]
    code: &'a str,
    /// The token.
    token: Option<Token<'a>>,
    /// Who acts.
    principal: Option<Principal<'a>>,
    /// Whose token it is.
    organization: Option<Organization>,
    /// The effective permissions that hold on every resource.
    permissions: Option<Vec<Permission>>,
    /// The effective permissions that hold on some resources alone.
    grants: Option<Vec<Grant>>,
}

/// What a resource server may know of a token.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "VerifiedToken"))]
struct Token<'a> {
    id: TokenId,
    /// The name of its kind.
    kind: &'a str,
    name: &'a str,
    /// The public first characters of its secret.
    prefix: &'a str,
    /// The names of the scopes that were chosen.
    scopes: &'a [String],
    /// The role that bounds it.
    role: Option<&'a str>,
    /// Null means that it does not end.
    expires_at: Option<Timestamp>,
}

/// Who acts.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "VerifiedPrincipal"))]
#[serde(tag = "type", rename_all = "snake_case")]
enum Principal<'a> {
    /// A member, through a token of theirs.
    Member { id: MemberId, name: &'a str, email: &'a str, role: Option<&'a str> },
    /// A token of the organisation.
    Token { id: TokenId, name: &'a str, role: Option<&'a str> },
}

/// Whose token it is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "VerifiedOrganization"))]
struct Organization {
    id: OrganizationId,
    short_id: ShortId,
}

/// Answers the call. It only asks, so the host may begin it anew.
pub(crate) async fn answer(context: &Context, request: &GateRequest, limit: u32) -> Result<HttpResponse, Refusal> {
    context.counting_at_its_end(answered(context, request, limit)).await
}

async fn answered(context: &Context, request: &GateRequest, limit: u32) -> Result<HttpResponse, Refusal> {
    let permissions = [Product::CredentialsVerify.permission()];
    let caller = decide::request(context, request, Side::Management, &manage::management(&permissions)).await?;
    let body = manage::body(context, request, limit).await?;
    let question = question(&body).map_err(|detail| Problem::new(Code::InvalidRequest).detail(detail))?;
    context.passes_on.set(true);
    let verdict = verify(context, &caller, question).await;
    let headers = vec![("server-timing".to_owned(), context.trace().server_timing())];
    match &verdict {
        Ok(allowed) => Ok(refusal::json(200, headers, &good(&allowed.record))),
        Err(refusal) if is_verdict(refusal.problem.code) => {
            let code = refusal.problem.code.as_str();
            Ok(refusal::json(200, headers, &Verdict::bad(code)))
        }
        Err(refusal) => Err(refusal.clone()),
    }
}

/// Reads the question. What is said of a fault tells its place and no value: that may be a part of a credential.
fn question(body: &str) -> Result<Question, String> {
    let tree = json::parse(body).map_err(|error| {
        let (line, column) = error.place().unwrap_or_default();
        let what = if error.twice().is_some() { "a field that is there twice" } else { "not JSON" };
        format!("{what}, at line {line} column {column}")
    })?;
    if !tree.is_object() {
        return Err("the body must be a JSON object".to_owned());
    }
    json::from_value(&tree).map_err(|error| match error.steps().next() {
        // The outermost step is a field of ours, as long as it is not the key that is wrong.
        Some(Step::Key(field)) if error.steps().count() > 1 || !error.is_about_key() => {
            format!("not what this call takes, in `{field}`")
        }
        _ => "not what this call takes: a field is missing, or is not known".to_owned(),
    })
}

/// Every code that a verdict can have.
#[cfg(feature = "schema")]
fn verdicts() -> Vec<&'static str> {
    let causes = Code::ALL.iter().filter(|code| is_verdict(**code)).map(|code| code.as_str());
    core::iter::once("ok").chain(causes).collect()
}

/// Whether a code is about the credential; all others are about the call.
fn is_verdict(code: Code) -> bool {
    matches!(code.status(), 401 | 403)
}

impl<'a> Verdict<'a> {
    const fn bad(code: &'a str) -> Self {
        Self { valid: false, code, token: None, principal: None, organization: None, permissions: None, grants: None }
    }
}

fn good(record: &Record) -> Verdict<'_> {
    let effective = record.effective();
    Verdict {
        valid: true,
        code: "ok",
        token: Some(Token {
            id: record.token,
            kind: &record.kind,
            name: &record.name,
            prefix: &record.prefix,
            scopes: &record.scopes,
            role: record.role.as_deref(),
            expires_at: record.expires_at,
        }),
        principal: Some(match &record.owner {
            Owner::Organization => {
                Principal::Token { id: record.token, name: &record.name, role: record.role.as_deref() }
            }
            Owner::Member { id, name, email } => {
                Principal::Member { id: *id, name, email, role: record.role.as_deref() }
            }
        }),
        organization: Some(Organization { id: record.organization, short_id: record.short_id }),
        permissions: Some(effective.unlimited().cloned().collect()),
        grants: Some(effective.limited().cloned().collect()),
    }
}

async fn verify(context: &Context, caller: &Allowed, question: Question) -> Result<Allowed, Refusal> {
    let Question { credential, request, passphrase, require, resource, freshness } = question;
    let too_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_TEXT_BYTES);
    if require.len() > MAX_PERMISSIONS {
        return Err(Problem::field("require", format!("at most {MAX_PERMISSIONS}")).into());
    }
    if too_long(&resource) {
        return Err(Problem::field("resource", format!("at most {MAX_TEXT_BYTES} bytes")).into());
    }
    if too_long(&passphrase) {
        return Err(Problem::field("passphrase", format!("at most {MAX_TEXT_BYTES} bytes")).into());
    }
    let demand = Demand {
        permissions: &require,
        resource: resource.as_deref(),
        freshness,
        native_signature: false,
        to_end_it: false,
        within: Some(caller.record.short_id),
    };
    let passphrase = passphrase.map(Secret::from_string);
    match (credential, request) {
        (Some(credential), None) => {
            let credential = Some(Credential::Bearer(Secret::from_string(credential), None));
            let shown = GateRequest::default();
            let found = Presented { credential, passphrase };
            decide::credential(context, &shown, Body::Told(None), found, &demand).await
        }
        (None, Some(elsewhere)) => {
            let digest = match &elsewhere.content_digest {
                None => None,
                Some(field) => Some(ContentDigest::parse(field).map_err(|_| {
                    Problem::field("request.content_digest", "a Content-Digest field with sha-256 or sha-512")
                })?),
            };
            let shown = shown(elsewhere)?;
            let mut found = presented(&shown, Side::Gateway, &context.gate.known).map_err(|error| match error {
                Unreadable::Problem(problem) => problem.into(),
                Unreadable::Signature(error) => Refusal::signature(error),
            })?;
            found.passphrase = passphrase.or(found.passphrase);
            decide::credential(context, &shown, Body::Told(digest.as_ref()), found, &demand).await
        }
        _ => Err(Problem::field("credential", "either a credential or a request").into()),
    }
}

fn shown(elsewhere: Elsewhere) -> Result<GateRequest, Problem> {
    let Elsewhere { method, url, headers, content_digest } = elsewhere;
    let headers: Vec<(String, String)> = headers
        .into_iter()
        .flat_map(|(name, values)| {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Many(values) => values,
            };
            values.into_iter().map(move |value| (name.clone(), value))
        })
        .take(MAX_FIELDS.saturating_add(1))
        .collect();
    if headers.len() > MAX_FIELDS {
        return Err(Problem::field("request.headers", format!("at most {MAX_FIELDS} fields")));
    }
    Ok(GateRequest { method, url, headers, has_body: content_digest.is_some(), client_address: None })
}
