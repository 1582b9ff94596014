//! The management hosts: `/v1/…`, `/oauth/…`, the paths of other systems, health, and the static assets of the console.
//!
//! A call is verified here, strictly, and then carried to the authority that it is about, which reads the token again
//! in its own transaction and decides. Nothing is ever passed on to an origin.

use std::rc::Rc;

use symbolon::policy::{Freshness, Permission};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::contract::{self, Operation};
use symbolon::protocol::message::{HttpRequest, HttpResponse, InstanceCall, Manage, OrganizationCall};

use crate::context::Context;
use crate::credential::Side;
use crate::decide::{self, Demand, Refusal};
use crate::forward_auth::{self, Proxy};
use crate::ports::BodyError;
use crate::request::{Address, GateRequest, Outcome};
use crate::wire::{self, Errors};
use crate::{oauth, oidc};
use crate::{passphrase, refusal, session, verify};

/// How large the body of a call may be, in bytes: a profile with its escapes fits.
pub(crate) const MAX_BODY_BYTES: u32 = 256 * 1024;
/// How large the body of setup may be, in bytes: a profile of 64 KiB, and the rest.
const MAX_SETUP_BYTES: u32 = 80 * 1024;
/// How large a body may be that somebody without a credential sends, in bytes: what an authenticator answers is the
/// largest.
pub(crate) const MAX_STRANGERS_BYTES: u32 = 16 * 1024;
/// How large an import may be, in bytes.
const MAX_IMPORT_BYTES: u32 = 1024 * 1024;
/// The fields of a request that an authority reads.
const FIELDS_FOR_AUTHORITIES: &[&str] = &["content-type", "idempotency-key"];

/// What a path and method lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Health,
    /// To the instance, without a credential.
    Setup,
    /// To the instance, by an authenticated principal.
    Instance,
    /// To the organisation of whoever asks.
    Organization {
        limit: u32,
    },
    /// To the organisation of the key that ends its own token.
    RevokeByKey,
    /// Done here.
    Verify,
    /// Done here, for a proxy.
    ForwardAuth(Proxy),
    /// To the organisation of the invitation in the body, without a credential.
    AcceptInvitation,
    /// A login of a device begins.
    DeviceAuthorization,
    /// A device asks for its token.
    DeviceToken,
    /// A client that made up its own key asks for its token.
    CollectWithKey,
    /// Done here.
    Introspect,
    /// To the organisation of the token in the form.
    Revoke,
    /// Done here.
    Metadata,
    /// To the organisation of whoever asks, in the form of another system.
    Wire(Errors),
    /// To the organisation of the private key in the body.
    RevokeByPrivateKey,
    /// Done here, for the console.
    SignInOptions,
    /// To the organisation of the passkey.
    SignIn,
    /// To the organisation that the body names.
    Recover,
    /// Done here, for the console.
    OidcProvider,
    /// Done here: somebody goes to the provider to sign in.
    OidcSignIn,
    /// To the organisation of whoever asks, which says whether they may; then to the provider.
    OidcPermitted,
    /// Somebody comes back from the provider: to the organisation that they named.
    OidcCallback,
}

/// What a call of the contract leads to; none for a proxy that is not known.
pub(crate) fn call(operation: Operation, argument: &str) -> Option<Call> {
    Some(match operation {
        Operation::Health => Call::Health,
        Operation::Setup => Call::Setup,
        Operation::CreateOrganization | Operation::ReadRoutes | Operation::ReplaceRoutes => Call::Instance,
        Operation::Verify => Call::Verify,
        Operation::ForwardAuth => Call::ForwardAuth(Proxy::named(argument)?),
        Operation::ForwardAuthPath => Call::ForwardAuth(Proxy::Envoy),
        Operation::RevokeByKey => Call::RevokeByKey,
        Operation::AcceptInvitation => Call::AcceptInvitation,
        Operation::SignIn => Call::SignIn,
        Operation::SignInOptions => Call::SignInOptions,
        Operation::RecoverSession => Call::Recover,
        Operation::ReadProvider => Call::OidcProvider,
        Operation::SignInAtProvider => Call::OidcSignIn,
        Operation::BeginConfirm | Operation::BeginIdentity => Call::OidcPermitted,
        Operation::ReturnFromProvider => Call::OidcCallback,
        Operation::AuthorizeDevice => Call::DeviceAuthorization,
        Operation::CollectToken => Call::DeviceToken,
        Operation::Introspect => Call::Introspect,
        Operation::RevokeSelf => Call::Revoke,
        Operation::ReadMetadata => Call::Metadata,
        Operation::ImportTokens => Call::Organization { limit: MAX_IMPORT_BYTES },
        // All else is decided by the organisation of whoever shows a credential.
        _ => wire::call(operation).unwrap_or(Call::Organization { limit: MAX_BODY_BYTES }),
    })
}

/// What a path and method lead to, or the methods that the path has instead; none where there is no such path.
fn routed(method: &str, path: &str) -> Option<Result<Call, String>> {
    let found = contract::find(path)?;
    match found.operation(method) {
        Some(operation) => call(operation, found.argument).map(Ok),
        None => Some(Err(found.allow())),
    }
}

/// Whether a path is one of the console's addresses. They are named here, so that a path that nobody knows stays
/// `not_found` for whoever calls the interface, with a page's address or another system's.
fn is_console(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        [""] => true,
        [page] => matches!(
            *page,
            "setup"
                | "sign-in"
                | "tokens"
                | "members"
                | "activity"
                | "onboarding"
                | "playground"
                | "account"
                | "device"
                | "login"
        ),
        ["tokens" | "invitations", id] => !id.is_empty(),
        // Where Semgrep's client sends people for their tokens.
        ["orgs", "-", "settings", "tokens"] => true,
        _ => false,
    }
}

/// The proxy whose question has this path.
pub(crate) fn proxy(path: &str) -> Option<Proxy> {
    // Every verification passes here: one comparison tells most of them from the proxies'.
    if !path.starts_with(forward_auth::PATHS) {
        return None;
    }
    let found = contract::find(path)?;
    match call(found.operation("GET")?, found.argument)? {
        Call::ForwardAuth(proxy) => Some(proxy),
        _ => None,
    }
}

/// That requests are answered here.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Health {
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ok"])))]
    status: &'static str,
}

/// Answers a request on a management host.
pub(crate) async fn handle(context: &Context, request: &mut GateRequest, address: Address<'_>) -> Outcome {
    if forward_auth::is_astray(request, address.path) {
        return refusal::of(Problem::new(Code::NotFound)).into();
    }
    let Some(routed) = routed(&request.method, address.path) else {
        let missing = refusal::of(Problem::new(Code::NotFound));
        let asset = matches!(request.method.as_str(), "GET" | "HEAD")
            && !["/v1/", "/oauth/", "/.well-known/"].iter().any(|own| address.path.starts_with(own));
        return if asset { Outcome::Asset { console: is_console(address.path), missing } } else { missing.into() };
    };
    let call = match routed {
        Ok(call) => call,
        Err(allowed) => {
            let mut response = refusal::of(Problem::new(Code::MethodNotAllowed));
            response.headers.push(("allow".to_owned(), allowed));
            return response.into();
        }
    };
    let response = match answer(context, request, address, call).await {
        Ok(response) => response,
        Err(refusal) => Rc::new(refusal::response(&refusal)),
    };
    match call {
        Call::Wire(errors) => wire::translate(errors, Rc::unwrap_or_clone(response)).into(),
        _ => Outcome::Respond(response),
    }
}

async fn answer(
    context: &Context,
    request: &mut GateRequest,
    address: Address<'_>,
    call: Call,
) -> Result<Rc<HttpResponse>, Refusal> {
    let answered: Result<HttpResponse, Refusal> = match call {
        Call::Health => Ok(refusal::json(200, Vec::new(), &Health { status: "ok" })),
        Call::Setup => setup(context, request, address).await.map(uncached),
        Call::Instance => {
            let allowed = decide::request(context, request, Side::Management, &strict(false)).await?;
            let request = http_request(context, request, address, MAX_BODY_BYTES).await?;
            let call = InstanceCall::Manage {
                organization: allowed.record.organization,
                token: allowed.record.token,
                effective: allowed.record.effective(),
                request,
            };
            Ok(uncached(context.io.instance(&call).await?))
        }
        Call::Organization { limit } => {
            let allowed = decide::request(context, request, Side::Management, &strict(false)).await?;
            organization(context, request, address, &allowed, limit).await
        }
        Call::RevokeByKey => {
            let allowed = decide::request(context, request, Side::Management, &strict(true)).await?;
            if !allowed.signed {
                let detail = "sign the request with the private key of the token to be revoked";
                return Err(Problem::new(Code::SignatureInvalid).detail(detail).into());
            }
            organization(context, request, address, &allowed, MAX_BODY_BYTES).await
        }
        Call::Verify => verify::answer(context, request, MAX_BODY_BYTES).await,
        Call::ForwardAuth(proxy) => return forward_auth::answer(context, request, address, proxy).await,
        Call::AcceptInvitation => accept_invitation(context, request, address).await.map(uncached),
        Call::DeviceAuthorization => Ok(of_oauth(oauth::authorize(context, request, address).await)),
        Call::DeviceToken => Ok(of_oauth(oauth::token(context, request).await)),
        Call::CollectWithKey => oauth::collect_with_key(context, request).await,
        Call::Introspect => oauth::introspect(context, request, address).await,
        Call::Revoke => Ok(of_oauth(oauth::revoke(context, request, address).await)),
        Call::Metadata => Ok(oauth::metadata(address)),
        Call::Wire(_) => {
            if context.gate.admin_key.is_none() && wire::is_unnamed_signature(request) {
                return Err(Refusal::new(Code::UnknownToken));
            }
            // Their clients sign as their own servers ask them to.
            let demand = Demand { native_signature: false, ..strict(false) };
            let allowed = decide::request(context, request, Side::Management, &demand).await?;
            organization(context, request, address, &allowed, wire::MAX_BODY_BYTES).await
        }
        Call::SignInOptions => session::options(context, request, address).await,
        Call::SignIn => session::sign_in(context, request, address).await.map(uncached),
        Call::Recover => session::recover(context, request, address).await.map(uncached),
        Call::OidcProvider => Ok(oidc::describe(context)),
        Call::OidcSignIn => oidc::sign_in(context, request, address).await,
        Call::OidcPermitted => {
            let allowed = decide::request(context, request, Side::Management, &strict(false)).await?;
            let response = organization(context, request, address, &allowed, MAX_BODY_BYTES).await?;
            oidc::permitted(context, address, response).await
        }
        Call::OidcCallback => Ok(oidc::callback(context, request, address).await),
        Call::RevokeByPrivateKey => wire::revoke_by_private_key(context, request, address).await.map(uncached),
    };
    answered.map(Rc::new)
}

/// Judges the setup code here, so that nobody without it is heard by the one object that all gateways ask for their
/// routes; the instance judges it again.
async fn setup(context: &Context, request: &GateRequest, address: Address<'_>) -> Result<HttpResponse, Refusal> {
    #[derive(serde::Deserialize)]
    struct Body {
        setup_code: Option<String>,
    }
    let Some(expected) = &context.gate.setup_code else {
        let detail = "Setup is closed: this instance is configured without a setup code of 16 bytes or more.";
        return Err(Problem::new(Code::InsufficientPermission).detail(detail).into());
    };
    context.limited()?;
    let request = http_request(context, request, address, MAX_SETUP_BYTES).await?;
    let body = match symbolon::json::read::<Body>(&request.body) {
        Ok(body) => body,
        Err(error) => {
            context.unknown();
            return Err(match error.twice() {
                Some(name) => Problem::field(name, "is there twice"),
                None => Problem::field("", "must be a JSON object, with the setup code as a text"),
            }
            .into());
        }
    };
    if !expected.is(body.setup_code.as_deref().unwrap_or_default()) {
        context.unknown();
        return Err(Problem::new(Code::UnknownToken).detail("The setup code is not this instance's.").into());
    }
    context.for_stranger(context.io.instance(&InstanceCall::Setup { request })).await
}

/// Finds the organisation of an invitation by its secret, which names it as a native token does.
async fn accept_invitation(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    #[derive(serde::Deserialize)]
    struct Body {
        secret: String,
    }
    let request = http_request(context, request, address, MAX_STRANGERS_BYTES).await?;
    let body: Body = symbolon::json::read(&request.body).map_err(|_| Problem::field("secret", "must be a text"))?;
    let known = context.gate.known.read(&body.secret).ok().and_then(|name| name.organization);
    let Some(organization) = known else { return Err(Problem::new(Code::NotFound).into()) };
    let call = OrganizationCall::AcceptInvitation { request };
    context.for_stranger(context.io.organization(organization, &call)).await
}

fn of_oauth(result: Result<HttpResponse, oauth::OauthError>) -> HttpResponse {
    result.unwrap_or_else(|error| error.response())
}

/// What a call that is carried to an authority asks of its credential.
pub(crate) fn strict(to_end_it: bool) -> Demand<'static> {
    Demand { freshness: Some(Freshness::Strict), to_end_it, ..management(&[]) }
}

/// What every management call asks of its credential.
pub(crate) fn management(permissions: &[Permission]) -> Demand<'_> {
    Demand { permissions, resource: None, freshness: None, native_signature: true, to_end_it: false, within: None }
}

async fn organization(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
    allowed: &decide::Allowed,
    limit: u32,
) -> Result<HttpResponse, Refusal> {
    let request = http_request(context, request, address, limit).await?;
    let (token, signed) = (allowed.record.token, allowed.signed);
    let mut manage = Manage { token, signed, passphrase_hash: None, request };
    let call = OrganizationCall::Manage(manage.clone());
    let mut response: HttpResponse = context.io.organization(allowed.record.short_id, &call).await?;
    if response.status == HttpResponse::WANTS_HASH {
        // Only now, and once: whoever asks may set a passphrase, and has not set too many.
        manage.passphrase_hash = Some(passphrase::hash_of_body(context, &manage.request)?);
        response = context.io.organization(allowed.record.short_id, &OrganizationCall::Manage(manage)).await?;
    }
    if response.status == HttpResponse::WANTS_HASH { Err(Refusal::new(Code::Internal)) } else { Ok(uncached(response)) }
}

/// An authority's answer, never to be kept by anybody on its way.
fn uncached(mut response: HttpResponse) -> HttpResponse {
    if !response.headers.iter().any(|(name, _)| name == "cache-control") {
        response.headers.push(refusal::no_store());
    }
    response
}

pub(crate) async fn http_request(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
    limit: u32,
) -> Result<HttpRequest, Refusal> {
    let body = body(context, request, limit).await?;
    let headers = FIELDS_FOR_AUTHORITIES
        .iter()
        .filter_map(|name| request.single(name).map(|value| ((*name).to_owned(), value.to_owned())))
        .collect();
    Ok(HttpRequest {
        // An authority answers what GET would be; the host leaves the body out.
        method: if request.method == "HEAD" { "GET" } else { &request.method }.to_owned(),
        origin: address.origin.to_owned(),
        path: address.path.to_owned(),
        query: address.query.map(str::to_owned),
        headers,
        body,
        client: context.client.clone(),
    })
}

/// The body of a call: JSON, or nothing.
pub(crate) async fn body(context: &Context, request: &GateRequest, limit: u32) -> Result<String, Refusal> {
    if !request.has_body {
        return Ok(String::new());
    }
    let body = context.io.body_text(limit).await.map_err(|error| match error {
        BodyError::TooLarge => Problem::new(Code::TooLarge).detail(format!("at most {limit} bytes")),
        BodyError::NotText => Problem::field("", "must be UTF-8"),
        BodyError::Broken => Problem::new(Code::InvalidRequest).detail("the body broke off"),
    })?;
    let is_json = request.single("content-type").is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim_matches([' ', '\t']).eq_ignore_ascii_case("application/json")
    });
    // Some clients send an empty body with DELETE; it says nothing, whatever it is said to be.
    if is_json || body.is_empty() {
        Ok(body)
    } else {
        Err(Problem::new(Code::InvalidRequest)
            .detail("the body must be JSON, with Content-Type: application/json")
            .into())
    }
}
