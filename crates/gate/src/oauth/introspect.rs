//! `POST /oauth/introspect` (RFC 7662).

use serde_json::{Value, json};
use symbolon::policy::Product;
use symbolon::protocol::message::HttpResponse;
use symbolon::protocol::{Owner, Record};
use symbolon::token::Secret;

use super::form::Form;
use super::json_headers;
use crate::context::Context;
use crate::credential::{Credential, Presented, Side};
use crate::decide::{self, Demand, Refusal};
use crate::request::{Address, GateRequest};
use crate::signed::Body;
use crate::{manage, refusal};

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
    let token = match form.need("token") {
        Ok(token) => Secret::from_string(token.to_owned()),
        Err(error) => return Ok(error.response()),
    };
    let demand = Demand { within: Some(caller.record.short_id), ..manage::management(&[]) };
    let found = Presented { credential: Some(Credential::Bearer(token, None)), passphrase: None };
    let shown = GateRequest {
        method: String::new(),
        url: String::new(),
        headers: Vec::new(),
        has_body: false,
        client_address: None,
    };
    let document = match decide::credential(context, &shown, Body::Told(None), found, &demand).await {
        Ok(allowed) => active(&allowed.record, address.origin),
        // RFC 7662, section 2.2: nothing is told of a token that is not good, nor why.
        Err(refusal) if matches!(refusal.problem.code.status(), 401 | 403) => json!({"active": false}),
        Err(refusal) => return Err(refusal),
    };
    Ok(refusal::json(200, json_headers(), &document))
}

fn active(record: &Record, issuer: &str) -> Value {
    let seconds = |time: symbolon::time::Timestamp| time.as_seconds();
    let (subject, username) = match &record.owner {
        Owner::Member { id, email, .. } => (id.to_string(), Some(email.as_str())),
        Owner::Organization => (record.token.to_string(), None),
    };
    let mut document = json!({
        "active": true,
        "scope": record.scopes.join(" "),
        "token_type": "Bearer",
        "sub": subject,
        "iss": issuer,
        "jti": record.token,
        "organization": record.organization,
        "kind": record.kind,
    });
    if let Some(object) = document.as_object_mut() {
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        add("username", username.map(Value::from));
        add("exp", record.expires_at.map(|time| Value::from(seconds(time))));
        add("nbf", record.not_before.map(|time| Value::from(seconds(time))));
    }
    document
}
