//! `POST /oauth/introspect` (RFC 7662).

use serde::Serialize;
use symbolon::id::{OrganizationId, TokenId};
use symbolon::policy::Product;
use symbolon::protocol::message::HttpResponse;
use symbolon::protocol::{Owner, Record};
use symbolon::time::Timestamp;
use symbolon::token::Secret;

use super::form::{Form, form};
use super::no_cache;
use crate::context::Context;
use crate::credential::{Credential, Presented, Side};
use crate::decide::{self, Demand, Refusal};
use crate::request::{Address, GateRequest};
use crate::signed::Body;
use crate::{manage, refusal};

form! {
    /// Which token is asked about (RFC 7662, section 2.1).
    pub(crate) struct IntrospectionRequest {
        /// Its secret.
        need token,
    }
}

/// What a token is (RFC 7662, section 2.2). Nothing but `active` where it is not good.
#[derive(Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Introspection<'a> {
    /// Whether it is good.
    active: bool,
    /// The names of its scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// Its member, or the token itself where it is the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<TokenId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<OrganizationId>,
    /// The name of its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    /// Its member's mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    /// When it ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it begins, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

/// Says what a token is: to whoever may verify others' credentials, of their own organisation alone.
pub(crate) async fn introspect(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    let permissions = [Product::CredentialsVerify.permission()];
    let caller = decide::request(context, request, Side::Management, &manage::management(&permissions)).await?;
    context.passes_on.set(true);
    let form = match Form::read(context, request).await {
        Ok(form) => form,
        Err(error) => return Ok(error.response()),
    };
    let token = match IntrospectionRequest::of(&form) {
        Ok(asked) => Secret::from_string(asked.token.to_owned()),
        Err(error) => return Ok(error.response()),
    };
    let demand = Demand { within: Some(caller.record.short_id), ..manage::management(&[]) };
    let found = Presented { credential: Some(Credential::Bearer(token, None)), passphrase: None };
    let shown = GateRequest::default();
    let decided = decide::credential(context, &shown, Body::Told(None), found, &demand).await;
    let document = match &decided {
        Ok(allowed) => active(&allowed.record, address.origin),
        // RFC 7662, section 2.2: nothing is told of a token that is not good, nor why.
        Err(refusal) if matches!(refusal.problem.code.status(), 401 | 403) => Introspection::default(),
        Err(refusal) => return Err(refusal.clone()),
    };
    Ok(refusal::json(200, no_cache(), &document))
}

fn active<'a>(record: &'a Record, issuer: &'a str) -> Introspection<'a> {
    let (subject, username) = match &record.owner {
        Owner::Member { id, email, .. } => (id.to_string(), Some(email.as_str())),
        Owner::Organization => (record.token.to_string(), None),
    };
    Introspection {
        active: true,
        scope: Some(record.scopes.join(" ")),
        token_type: Some("Bearer"),
        sub: Some(subject),
        iss: Some(issuer),
        jti: Some(record.token),
        organization: Some(record.organization),
        kind: Some(&record.kind),
        username,
        exp: record.expires_at.map(Timestamp::as_seconds),
        nbf: record.not_before.map(Timestamp::as_seconds),
    }
}
