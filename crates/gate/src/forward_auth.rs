//! `ANY /v1/forward-auth/…`: a proxy asks whether a request that it received may pass.
//!
//! Each proxy says in fields of its own what the request was. Those fields are believed from a proxy that shows the
//! shared secret, and from nobody else; each must be there exactly once, and no other proxy's is ever read. The route
//! table decides, as it does on gateway hosts. Every answer that lets a request pass sets every identity header, so
//! that a proxy which copies them overwrites whatever the client sent.

use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::HttpResponse;
use symbolon::token::Digest;

use crate::context::Context;
use crate::decide::Refusal;
use crate::request::{Address, GateRequest};
use crate::{gateway, identity};

/// The field with the secret that proxy and gate share.
const SECRET: &str = "x-symbolon-proxy-secret";
/// Below what proxies ask.
const PATHS: &str = "/v1/forward-auth/";
/// What Envoy puts the path of the request behind.
const ENVOY: &str = "/v1/forward-auth/envoy";

/// A proxy that can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// `auth_request`, with `X-Original-Method` and `X-Original-URL` set in its configuration.
    Nginx,
    /// `forwardAuth`: `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`.
    Traefik,
    /// The HTTP service of `ext_authz`: method, host and path of the request itself, the path behind ours, and
    /// `X-Forwarded-Proto`. Envoy must normalise paths itself (`normalize_path`), or it passes on another than we judge.
    Envoy,
    /// `forward_auth`: `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`.
    Caddy,
}

/// Whether a proxy asks elsewhere than below [`PATHS`]: a client's path that was put behind ours has climbed out of it
/// (the runtime resolves dot segments), and a success of another call would be taken for a yes.
pub(crate) fn is_astray(request: &GateRequest, path: &str) -> bool {
    request.values(SECRET).next().is_some() && !path.starts_with(PATHS)
}

/// Answers the call: 200 with the identity, or the refusal.
pub(crate) async fn answer(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
    proxy: Proxy,
) -> Result<HttpResponse, Refusal> {
    let Some(secret) = &context.gate.proxy_secret else { return Err(Refusal::new(Code::NotFound)) };
    let shown = request.single(SECRET).unwrap_or_default();
    if !Digest::of(shown).matches(&Digest::of(secret)) {
        return Err(Problem::new(Code::MissingCredential).detail("the proxy did not show its secret").into());
    }
    context.passes_on.set(true);
    let (method, url) = asked_about(request, address, proxy)?;
    let headers = request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(SECRET)).cloned().collect();
    // The body stays with the proxy. A signed request that could have one must cover its digest, and that cannot be
    // checked here: it is refused, not waved through.
    let has_body = !matches!(method.as_str(), "GET" | "HEAD");
    let original = GateRequest { method, url, headers, has_body, client_address: request.client_address.clone() };
    let place = Address::of(&original.url).ok_or_else(|| malformed("the request's URL"))?;
    let allowed = gateway::authorize(context, &original, &original.method, place.path).await?;
    // The digest that was signed was held against what came with this call, which is not what the proxy passes on: a
    // signature over the empty body would let any body pass.
    if has_body && allowed.as_ref().is_some_and(|allowed| allowed.signed) {
        return Err(Problem::new(Code::DigestMismatch).detail("the body is not here to be checked").into());
    }
    let mut headers = match &allowed {
        Some(allowed) => identity::headers(&allowed.record),
        None => identity::nobody(),
    };
    headers.push(("cache-control".to_owned(), "no-store".to_owned()));
    Ok(HttpResponse { status: 200, headers, body: String::new() })
}

/// Method and URL of the request that the proxy asks about.
fn asked_about(request: &GateRequest, address: Address<'_>, proxy: Proxy) -> Result<(String, String), Refusal> {
    let field = |name: &str| {
        let value = request.single(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| malformed(name))
    };
    Ok(match proxy {
        Proxy::Nginx => (field("x-original-method")?.to_owned(), field("x-original-url")?.to_owned()),
        Proxy::Traefik | Proxy::Caddy => {
            let (scheme, host) = (field("x-forwarded-proto")?, field("x-forwarded-host")?);
            let url = format!("{scheme}://{host}{}", field("x-forwarded-uri")?);
            (field("x-forwarded-method")?.to_owned(), url)
        }
        Proxy::Envoy => {
            let path = address.path.strip_prefix(ENVOY).unwrap_or_default();
            let query = address.query.map(|query| format!("?{query}")).unwrap_or_default();
            let url = format!("{}://{}{path}{query}", field("x-forwarded-proto")?, address.authority);
            (request.method.clone(), url)
        }
    })
}

fn malformed(what: &str) -> Refusal {
    Problem::new(Code::InvalidRequest).detail(format!("the proxy must send {what}, once")).into()
}
