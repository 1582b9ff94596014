//! `POST /oauth/revoke` (RFC 7009): whoever holds a token may end it.

use symbolon::problem::Code;
use symbolon::protocol::message::{HttpRequest, HttpResponse, Manage, OrganizationCall};
use symbolon::token::Secret;

use super::form::{Form, form};
use super::{OauthError, no_cache};
use crate::context::Context;
use crate::credential::{Credential, Presented};
use crate::decide;
use crate::request::{Address, GateRequest};
use crate::signed::Body;
use crate::{manage, refusal};

form! {
    /// Which token is to end (RFC 7009, section 2.1).
    pub(crate) struct RevocationRequest {
        /// Its secret.
        need token,
    }
}

/// An empty object.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Nothing {}

/// Revokes the token in the form. It says the same of a token that is unknown or ended already (section 2.2).
pub(crate) async fn revoke(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, OauthError> {
    let form = Form::read(context, request).await?;
    let token = Secret::from_string(RevocationRequest::of(&form)?.token.to_owned());
    let done = refusal::json(200, no_cache(), &Nothing {});
    let found = Presented { credential: Some(Credential::Bearer(token, None)), passphrase: None };
    let demand = manage::strict(true);
    let allowed = match decide::credential(context, request, Body::Told(None), found, &demand).await {
        Ok(allowed) => allowed,
        Err(refusal) => {
            return match refusal.problem.code {
                Code::AuthorityUnavailable => Err(OauthError::unavailable()),
                Code::RateLimited => Err(OauthError {
                    status: 429,
                    retry_after: refusal.problem.retry_after,
                    ..OauthError::new("slow_down", "Too many unknown tokens came from here.")
                }),
                _ => Ok(done),
            };
        }
    };
    let call = OrganizationCall::Manage(Manage {
        token: allowed.record.token,
        signed: false,
        passphrase_hash: None,
        // The form stays here: it holds the secret.
        request: HttpRequest {
            method: "POST".to_owned(),
            origin: address.origin.to_owned(),
            path: "/oauth/revoke".to_owned(),
            query: None,
            headers: Vec::new(),
            body: String::new(),
            client: context.client.clone(),
        },
    });
    let answer: HttpResponse = context.io.organization(allowed.record.short_id, &call).await?;
    if answer.status < 500 { Ok(done) } else { Err(OauthError::unavailable()) }
}
