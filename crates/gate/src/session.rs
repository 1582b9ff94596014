//! The console's session: its cookie as a credential on management hosts, protection against requests that another
//! site has forged, and signing in.
//!
//! A browser sends the cookie by itself, so a request that changes something must also show that a page of our own
//! origin made it. Whoever presents a token or a signature is taken at that; the cookie beside it counts for nothing.

use serde::Serialize;
use symbolon::id::ShortId;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{HttpRequest, HttpResponse, InstanceCall, Named, OrganizationCall};
use symbolon::protocol::session::{
    COOKIE, CSRF_HEADER, Challenge, Purpose, SAME_ORIGIN, SECRET_PREFIX, SignIn, UserHandle, is_csrf_token, rp_id,
};
use symbolon::token::{Digest, Secret};

use crate::context::Context;
use crate::credential::Known;
use crate::decide::Refusal;
use crate::manage::{MAX_STRANGERS_BYTES, http_request};
use crate::refusal;
use crate::request::{Address, GateRequest};

/// The secret in the cookie, if there is one.
///
/// # Errors
/// `malformed_credential`: it is none of ours, or there are two.
pub(crate) fn presented(request: &GateRequest, known: &Known) -> Result<Option<Secret>, Problem> {
    let malformed = |detail: &str| Problem::new(Code::MalformedCredential).detail(detail);
    let mut cookies = request
        .values("cookie")
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim_matches([' ', '\t']).split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value);
    match (cookies.next(), cookies.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(malformed("the session's cookie was sent twice")),
        (Some(text), None) if text.starts_with(SECRET_PREFIX) && known.read(text).is_ok() => {
            Ok(Some(Secret::from_string(text.to_owned())))
        }
        (Some(_), None) => Err(malformed("the session's cookie is none of ours")),
    }
}

/// Refuses a request with the cookie that a page of another origin may have caused.
///
/// # Errors
/// `insufficient_permission`, which requires `session:same-origin`.
pub(crate) fn guard(request: &GateRequest, secret: &Secret) -> Result<(), Problem> {
    if matches!(request.method.as_str(), "GET" | "HEAD") {
        return Ok(());
    }
    same_origin(request)?;
    let shown = request.single(CSRF_HEADER).unwrap_or_default();
    if is_csrf_token(&secret.digest(), shown) {
        Ok(())
    } else {
        Err(forged("X-Symbolon-CSRF must hold the csrf_token of GET /v1/sessions/current"))
    }
}

/// Refuses a request that no page of our own origin made. Browsers send `Origin` with every request that is not a GET
/// or HEAD, and `Sec-Fetch-Site` where they know it.
pub(crate) fn same_origin(request: &GateRequest) -> Result<(), Problem> {
    let own = Address::of(&request.url).map(|address| address.origin);
    if own.is_none() || request.single("origin") != own {
        return Err(forged("Origin must be this host's own"));
    }
    if request.values("sec-fetch-site").any(|site| site != "same-origin") {
        return Err(forged("Sec-Fetch-Site must be same-origin"));
    }
    Ok(())
}

fn forged(detail: &str) -> Problem {
    Problem::new(Code::InsufficientPermission).required(SAME_ORIGIN).detail(detail)
}

/// What to hand to `navigator.credentials.get`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SignInOptions<'a> {
    /// To be sent back with the passkey.
    challenge_id: &'a str,
    public_key: RequestOptions<'a>,
}

/// `PublicKeyCredentialRequestOptionsJSON` (WebAuthn Level 3, section 5.5).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PasskeyRequestOptions"))]
struct RequestOptions<'a> {
    challenge: &'a str,
    rp_id: &'a str,
    /// In milliseconds.
    timeout: i64,
    user_verification: &'static str,
    /// Empty: any passkey of this host will do.
    allow_credentials: [String; 0],
}

/// `POST /v1/sessions/options`: what a browser is to be asked to sign in with. Nobody is asked for it, and nobody learns
/// which organisations or members there are: any passkey of this host will do.
pub(crate) async fn options(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    // It may name an organisation, which changes nothing.
    http_request(context, request, address, MAX_STRANGERS_BYTES).await?;
    let random = context.gate.state.borrow_mut().salt();
    let challenge = Challenge::make(&context.gate.known.secret, Purpose::SignIn, context.io.now(), &random)
        .map_err(|_| Refusal::new(Code::Internal))?;
    let answer = SignInOptions {
        challenge_id: &challenge,
        public_key: RequestOptions {
            challenge: &challenge,
            rp_id: rp_id(address.origin),
            timeout: Challenge::LIFE_SECONDS.saturating_mul(1000),
            user_verification: "required",
            allow_credentials: [],
        },
    };
    Ok(refusal::json(200, Vec::new(), &answer))
}

/// `POST /v1/sessions`: to the organisation that the user handle names.
pub(crate) async fn sign_in(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    same_origin(request)?;
    let call = http_request(context, request, address, MAX_STRANGERS_BYTES).await?;
    let body = symbolon::json::parse(&call.body).map_err(|_| not_json())?;
    let Some(text) = body.pointer("/credential/response/userHandle").and_then(serde_json::Value::as_str) else {
        return Err(Problem::field("credential.response.userHandle", "is required").into());
    };
    let Some(handle) = UserHandle::decode(text) else {
        context.stranger()?;
        return Err(Problem::new(Code::UnknownToken).detail("This passkey is not known here.").into());
    };
    context.for_stranger(carry(context, request, handle.organization, call)).await
}

/// `POST /v1/sessions/recover`: to the organisation of this name.
pub(crate) async fn recover(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    #[derive(serde::Deserialize)]
    struct Body {
        organization: String,
    }
    same_origin(request)?;
    let call = http_request(context, request, address, MAX_STRANGERS_BYTES).await?;
    let body = symbolon::json::parse(&call.body).map_err(|_| not_json())?;
    if !body.is_object() {
        return Err(not_json().into());
    }
    let body: Body = symbolon::json::from_value(&body)
        .map_err(|_| Problem::field("organization", "must be its name in addresses"))?;
    context.for_stranger(recover_in(context, request, body.organization, call)).await
}

async fn recover_in(
    context: &Context,
    request: &GateRequest,
    slug: String,
    call: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let named: Named = context.io.instance(&InstanceCall::Locate { slug }).await?;
    let Some(organization) = named.organization else {
        // As for a code that is wrong.
        let detail = "Address and recovery code do not match, or it was used.";
        return Err(Problem::new(Code::UnknownToken).detail(detail).into());
    };
    carry(context, request, organization, call).await
}

async fn carry(
    context: &Context,
    request: &GateRequest,
    organization: ShortId,
    call: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let sign_in = SignIn { request: call, replaces: replaces(context, request, organization) };
    Ok(context.io.organization(organization, &OrganizationCall::SignIn(Box::new(sign_in))).await?)
}

/// The session that the browser still has in this organisation: the new one takes its place, so that none is left over
/// that somebody else may know.
pub(crate) fn replaces(context: &Context, request: &GateRequest, organization: ShortId) -> Option<Digest> {
    let secret = presented(request, &context.gate.known).ok().flatten()?;
    let name = context.gate.known.read(secret.expose()).ok()?;
    (name.organization == Some(organization)).then_some(name.digest)
}

fn not_json() -> Problem {
    Problem::new(Code::InvalidRequest).detail("the body must be a JSON object")
}
