//! Signing in at a provider (OpenID Connect, code flow with PKCE): from the console's button to the session.
//!
//! The provider is the instance's, as its operator configured it; which of its people are members, each organisation
//! says. `symbolon::oidc` holds what is checked, `symbolon::protocol::identity` what goes with the browser; here are the
//! steps and what has to be fetched for them. A visit ends in a redirect to the console, whatever comes of it: with a
//! session, or with the name of what went wrong.

mod answer;
mod config;
mod fetch;

use symbolon::oidc::{MAX_SIGN_IN_AGE_SECONDS, OidcError};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::identity::{
    Errand, FLOW_COOKIE, Flow, Permitted, Recognised, RefusedIdentity, Returned, Visit,
};
use symbolon::protocol::message::{HttpResponse, InstanceCall, Named, OrganizationCall};

pub use config::{OidcConfig, OidcConfigError};
pub(crate) use fetch::Cache;

use crate::context::Context;
use crate::decide::Refusal;
use crate::manage::{MAX_BODY_BYTES, http_request};
use crate::ports::Unavailable;
use crate::request::{Address, GateRequest};
use crate::{refusal, session};

/// Where the provider sends people back to.
const CALLBACK: &str = "/v1/sessions/oidc/callback";
/// What is asked for: who somebody is, and their mail address.
const SCOPE: &str = "openid email";

/// Why a visit has led nowhere, by the name that the console has words for.
enum Failed {
    /// What the provider said is not taken.
    Checked(OidcError),
    /// The member is not let in.
    Refused(RefusedIdentity),
    /// The browser brought back another visit than it began, or none, or too late.
    Flow,
    /// The person or the provider said no.
    Denied,
    /// The provider, or somebody of ours, cannot be reached.
    Unavailable,
}

impl Failed {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Checked(error) => error.as_str(),
            Self::Refused(reason) => reason.as_str(),
            Self::Flow => "flow",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<OidcError> for Failed {
    fn from(error: OidcError) -> Self {
        Self::Checked(error)
    }
}

impl From<Unavailable> for Failed {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// The instance's provider of identities; null where there is none.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SignInProvider<'a> {
    provider: Option<Provider<'a>>,
}

/// A provider of identities.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Provider<'a> {
    /// What people know it by.
    name: &'a str,
}

/// The organisation to sign in to.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SignInAtProvider"))]
pub(crate) struct Wanted {
    /// Its name in addresses.
    organization: String,
    /// The console's address to come back to.
    #[serde(default)]
    next: Option<String>,
}

/// `GET /v1/sessions/oidc`: whether one can sign in that way, for the page that offers it.
pub(crate) fn describe(context: &Context) -> HttpResponse {
    let provider = context.gate.oidc.as_ref().map(|config| Provider { name: config.name() });
    refusal::json(200, Vec::new(), &SignInProvider { provider })
}

/// `POST /v1/sessions/oidc`: begins a visit to sign in. Nobody learns whether there is an organisation of this name.
pub(crate) async fn sign_in(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    session::same_origin(request)?;
    context.limited()?;
    let call = http_request(context, request, address, MAX_BODY_BYTES).await?;
    let body: Wanted = symbolon::json::read(&call.body)
        .map_err(|_| Problem::field("organization", "must be its name in addresses"))?;
    if body.organization.is_empty() || body.organization.len() > MAX_SLUG_LEN {
        return Err(Problem::field("organization", "must be its name in addresses").into());
    }
    let errand = Errand::SignIn { organization: body.organization };
    begin(context, address, Permitted { errand, next: body.next }).await
}

/// The longest name of an organisation that is carried along, in bytes.
const MAX_SLUG_LEN: usize = 64;

/// Goes on with what an organisation has let a member begin.
pub(crate) async fn permitted(
    context: &Context,
    address: Address<'_>,
    response: HttpResponse,
) -> Result<HttpResponse, Refusal> {
    if response.status != 200 {
        return Ok(response);
    }
    let permitted: Permitted = symbolon::json::read(&response.body).map_err(|_| Unavailable)?;
    begin(context, address, permitted).await
}

/// Where to send the browser, with the cookie of what is under way.
async fn begin(context: &Context, address: Address<'_>, permitted: Permitted) -> Result<HttpResponse, Refusal> {
    let Some(config) = &context.gate.oidc else {
        return Err(Problem::new(Code::NotFound).detail("No provider is configured here.").into());
    };
    let provider = fetch::provider(context, config).await.map_err(|failed| match failed {
        Failed::Unavailable => Problem::new(Code::AuthorityUnavailable).detail("The provider cannot be reached."),
        _ => Problem::new(Code::AuthorityUnavailable).detail("The provider's description cannot be used."),
    })?;
    let random = context.gate.state.borrow_mut().salt();
    let flow = Flow::begin(permitted.errand, permitted.next, context.io.now(), &random);
    let instance = &context.gate.known.secret;
    let made = || -> Result<(String, String), symbolon::token::TokenError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", config.client_id())
            .append_pair("redirect_uri", &redirect_uri(address))
            .append_pair("scope", SCOPE)
            .append_pair("state", &flow.state(instance)?)
            .append_pair("nonce", &flow.nonce(instance)?)
            .append_pair("code_challenge", &flow.challenge(instance)?)
            .append_pair("code_challenge_method", "S256");
        // Asking for any age has the provider say when the person showed themselves there (section 2, `auth_time`).
        let longest = if flow.is_anew() { 0 } else { MAX_SIGN_IN_AGE_SECONDS };
        query.append_pair("max_age", &longest.to_string());
        if flow.is_anew() {
            // For providers that ask by this alone (section 3.1.2.1). What counts is `auth_time`.
            query.append_pair("prompt", "login");
        }
        Ok((query.finish(), flow.to_cookie(instance)?))
    };
    let (query, cookie) = made().map_err(|_| Refusal::new(Code::Internal))?;
    let endpoint = &provider.authorization_endpoint;
    let location = format!("{endpoint}{}{query}", if endpoint.contains('?') { '&' } else { '?' });
    let headers = vec![flow_cookie(&cookie, Flow::LIFE_SECONDS)];
    Ok(refusal::json(200, headers, &Visit { location }))
}

/// `GET /v1/sessions/oidc/callback`: the person comes back.
pub(crate) async fn callback(context: &Context, request: &GateRequest, address: Address<'_>) -> HttpResponse {
    let flow = answer::flow(context, request);
    let came = match &flow {
        Some(flow) => came_back(context, request, address, flow).await,
        None => Err(Failed::Flow),
    };
    let (location, session) = match (came, &flow) {
        (Ok(session), flow) => {
            let next = flow.as_ref().and_then(|flow| flow.next.clone());
            (next.unwrap_or_else(|| "/tokens".to_owned()), session)
        }
        (Err(failed), flow) => {
            if !matches!(failed, Failed::Unavailable | Failed::Denied) {
                context.unknown();
            }
            // Whoever was signed in still is.
            let within = flow.as_ref().is_some_and(Flow::is_anew);
            let page = if within { "/account" } else { "/sign-in" };
            (format!("{page}?problem={}", failed.as_str()), None)
        }
    };
    let mut headers = vec![
        ("location".to_owned(), location),
        refusal::no_store(),
        // Whatever came of it, this visit is over.
        flow_cookie("", 0),
    ];
    headers.extend(session.map(|cookie| ("set-cookie".to_owned(), cookie)));
    HttpResponse { status: 303, headers, body: String::new() }
}

/// Checks what the browser and the provider have brought, and lets the organisation decide.
async fn came_back(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
    flow: &Flow,
) -> Result<Option<String>, Failed> {
    let Some(config) = &context.gate.oidc else { return Err(Failed::Unavailable) };
    if context.limited().is_err() {
        return Err(Failed::Refused(RefusedIdentity::RateLimited));
    }
    let instance = &context.gate.known.secret;
    let answer = answer::Answer::read(address.query.unwrap_or_default()).ok_or(Failed::Flow)?;
    if !flow.is_state(instance, answer.state()) {
        return Err(Failed::Flow);
    }
    let provider = fetch::provider(context, config).await?;
    let code = answer.code(config.issuer(), provider.names_itself)?;
    let identity = fetch::identity(context, config, &provider, flow, &redirect_uri(address), code).await?;
    let organization = match &flow.errand {
        Errand::Confirm { organization, .. } | Errand::Link { organization, .. } => *organization,
        Errand::SignIn { organization } => {
            let call = InstanceCall::Locate { slug: organization.clone() };
            let named: Named = context.io.instance(&call).await?;
            named.organization.ok_or(Failed::Refused(RefusedIdentity::UnknownMember))?
        }
    };
    let returned = Returned {
        errand: flow.errand.clone(),
        state: answer.state().to_owned(),
        until: flow.until(),
        identity,
        client: context.client.clone(),
        replaces: session::replaces(context, request, organization),
    };
    let call = OrganizationCall::Returned(Box::new(returned));
    match context.io.organization(organization, &call).await? {
        Recognised::Session { set_cookie } => Ok(Some(set_cookie)),
        Recognised::Linked => Ok(None),
        Recognised::Refused { reason } => Err(Failed::Refused(reason)),
    }
}

fn redirect_uri(address: Address<'_>) -> String {
    format!("{}{CALLBACK}", address.origin)
}

fn flow_cookie(value: &str, seconds: i64) -> (String, String) {
    let cookie = format!("{FLOW_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    ("set-cookie".to_owned(), cookie)
}
