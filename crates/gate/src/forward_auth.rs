//! `ANY /v1/forward-auth/…`: a proxy asks whether a request that it received may pass.
//!
//! Each proxy says in fields of its own what the request was. Those fields are believed from a proxy that shows the
//! secret of its kind, and from nobody else; each must be there exactly once, and no other proxy's is ever read. A secret
//! names the kind that it is for: a client whose path Envoy puts behind ours, and which climbs to another proxy's path,
//! would otherwise choose by which fields, of its own making, its request is judged. The route
//! table decides, as it does on gateway hosts. Every answer that lets a request pass sets every identity header, so
//! that a proxy which copies them overwrites whatever the client sent.

use std::rc::Rc;

use symbolon::policy::Header;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::SharedSecret;
use symbolon::protocol::message::HttpResponse;

use crate::context::Context;
use crate::decide::Refusal;
use crate::gateway;
use crate::request::{Address, GateRequest};

/// The field with the secret that proxy and gate share, which names the kind of the proxy.
const SECRET: &str = "x-symbolon-proxy-secret";
/// Below what proxies ask.
pub(crate) const PATHS: &str = "/v1/forward-auth/";
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

/// The fields of a proxy's question that can be of any matter, in lower case: those of the proxy, of a credential, of
/// whoever asks, and those that `Accept-Signature` goes by. A signature may cover others: [`covers_further`].
pub(crate) fn fields(proxy: Proxy) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match proxy {
        Proxy::Nginx => &["x-original-method", "x-original-url"],
        Proxy::Traefik | Proxy::Caddy => {
            &["x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri", "x-forwarded-method"]
        }
        Proxy::Envoy => &["x-forwarded-proto"],
    };
    let credentials = Header::ALL.iter().map(|header| header.as_str());
    own.iter().copied().chain(credentials).chain(FIELDS.iter().copied())
}

const FIELDS: &[&str] = &[
    SECRET,
    Header::PASSPHRASE,
    Header::FINGERPRINT,
    "signature",
    "signature-input",
    "user-agent",
    "content-digest",
    "content-type",
    "content-encoding",
];

/// Whether a signature may cover a field that is not among [`fields`]. A yes may be wrong, a no is not: every name that
/// it covers stands in quotation marks before the last closing parenthesis.
pub(crate) fn covers_further(request: &GateRequest, proxy: Proxy) -> bool {
    request.values("signature-input").any(|input| {
        let names = input.rsplit_once(')').map_or(input, |(names, _)| names);
        let known = |name: &str| name.starts_with('@') || fields(proxy).any(|field| field == name);
        names.contains('\\') || !names.split('"').skip(1).step_by(2).all(known)
    })
}

/// Whether a proxy asks elsewhere than below [`PATHS`]: a client's path that was put behind ours has climbed out of it
/// (the runtime resolves dot segments), and a success of another call would be taken for a yes.
pub(crate) fn is_astray(request: &GateRequest, path: &str) -> bool {
    request.values(SECRET).next().is_some() && !path.starts_with(PATHS)
}

impl Proxy {
    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "nginx" => Some(Self::Nginx),
            "traefik" => Some(Self::Traefik),
            "envoy" => Some(Self::Envoy),
            "caddy" => Some(Self::Caddy),
            _ => None,
        }
    }
}

/// The secrets by which proxies show themselves: for each kind those that are good for it alone.
#[derive(Default)]
pub struct ProxySecrets(Vec<(Proxy, SharedSecret)>);

/// A setting that holds no secrets of proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a proxy's secret is nginx:, traefik:, envoy: or caddy: and {} bytes or more; several are separated by spaces",
    SharedSecret::MIN_LEN
)]
pub struct BadProxySecret;

impl ProxySecrets {
    /// Reads a setting: `nginx:SECRET`, several of them separated by spaces. Such a one is shown whole.
    ///
    /// # Errors
    /// [`BadProxySecret`]: one names no kind of proxy, or is too short.
    pub fn read(setting: &str) -> Result<Self, BadProxySecret> {
        let read = |shown: &str| {
            let (kind, secret) = shown.split_once(':')?;
            SharedSecret::new(secret)?;
            Some((Proxy::named(kind)?, SharedSecret::new(shown)?))
        };
        setting
            .split_ascii_whitespace()
            .map(|shown| read(shown).ok_or(BadProxySecret))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether this is a secret of such a proxy; none where it has none.
    fn shows(&self, proxy: Proxy, shown: &str) -> Option<bool> {
        let of_kind = || self.0.iter().filter(|(kind, _)| *kind == proxy);
        of_kind().next()?;
        Some(of_kind().any(|(_, secret)| secret.is(shown)))
    }
}

/// Answers the call: 200 with the identity, or the refusal. It takes the fields out of the request.
pub(crate) async fn answer(
    context: &Context,
    request: &mut GateRequest,
    address: Address<'_>,
    proxy: Proxy,
) -> Result<Rc<HttpResponse>, Refusal> {
    let shown = request.single(SECRET).unwrap_or_default();
    let shows = context.gate.proxy_secrets.shows(proxy, shown).ok_or_else(|| Refusal::new(Code::NotFound))?;
    if !shows {
        return Err(Problem::new(Code::MissingCredential).detail("the proxy did not show its secret").into());
    }
    context.passes_on.set(true);
    let (method, url) = asked_about(request, address, proxy)?;
    let mut headers = core::mem::take(&mut request.headers);
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case(SECRET));
    // The body stays with the proxy. A signed request that could have one must cover its digest, and that cannot be
    // checked here: it is refused, not waved through.
    let has_body = !matches!(method.as_str(), "GET" | "HEAD");
    let original = GateRequest { method, url, headers, has_body, client_address: request.client_address.take() };
    let place = Address::of(&original.url).ok_or_else(|| malformed("the request's URL"))?;
    let allowed = gateway::authorize(context, &original, &original.method, place.path).await?;
    // The digest that was signed was held against what came with this call, which is not what the proxy passes on: a
    // signature over the empty body would let any body pass.
    if has_body && allowed.as_ref().is_some_and(|allowed| allowed.signed) {
        return Err(Problem::new(Code::DigestMismatch).detail("the body is not here to be checked").into());
    }
    let mut state = context.gate.state.borrow_mut();
    let identity = match allowed {
        Some(allowed) => state.identity(&allowed.record),
        None => state.nobody(),
    };
    Ok(Rc::clone(&identity.answer))
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
            let target = field("x-forwarded-uri")?;
            // Put together, one could become a part of the other.
            if host.contains('/') || !target.starts_with('/') {
                return Err(malformed("the request's host and its path with a slash"));
            }
            (field("x-forwarded-method")?.to_owned(), format!("{scheme}://{host}{target}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_names_its_proxy() {
        let secrets = ProxySecrets::read("nginx:0123456789abcdef  envoy:0123456789abcdef").unwrap();
        assert_eq!(secrets.shows(Proxy::Nginx, "nginx:0123456789abcdef"), Some(true));
        assert_eq!(secrets.shows(Proxy::Nginx, "envoy:0123456789abcdef"), Some(false));
        assert_eq!(secrets.shows(Proxy::Envoy, "nginx:0123456789abcdef"), Some(false));
        assert_eq!(secrets.shows(Proxy::Envoy, ""), Some(false));
        assert_eq!(secrets.shows(Proxy::Caddy, "nginx:0123456789abcdef"), None);
        assert_eq!(ProxySecrets::read("").unwrap().shows(Proxy::Nginx, ""), None, "nothing is no secret");
        for bad in
            ["0123456789abcdef", "nginx:", "nginx:0123456789abcde", "apache:0123456789abcdef", ":0123456789abcdef"]
        {
            assert_eq!(ProxySecrets::read(bad).err(), Some(BadProxySecret), "{bad}");
        }
    }
}
