//! HTTP: one request out, one response in, both bounded, no redirect followed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use symbolon::signature::{Scheme, Target};
use ureq::http;

use crate::failure::Failure;
use crate::input::MAX_BODY_BYTES;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long an answer may take. A revocation answers when it holds everywhere, which takes some seconds.
const ANSWER: Duration = Duration::from_secs(120);
/// What we are called.
pub(crate) const USER_AGENT: &str = concat!("symbolon-cli/", env!("CARGO_PKG_VERSION"));

/// A server: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// Reads `https://host[:port]`, a slash at its end allowed. Plain http is for this machine alone, unless
    /// `allow_http` says otherwise: a token would travel readable.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Self, String> {
        let target = Target::parse(text).map_err(|error| format!("not the URL of a server: {error}"))?;
        if target.request_target() != "/" {
            return Err("the URL of a server has no path".to_owned());
        }
        check_scheme(&target, allow_http)?;
        Ok(Self(format!("{}://{}", target.scheme().as_str(), target.authority())))
    }

    /// The target of a path on this server.
    ///
    /// # Errors
    /// [`Failure::Input`] where the path is not canonical.
    pub(crate) fn target(&self, path: &str) -> Result<Target, Failure> {
        Target::parse(&format!("{}{path}", self.0)).map_err(|error| Failure::input(format!("{path}: {error}")))
    }

    /// As text, without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses to let a credential travel unencrypted, unless it stays on this machine.
///
/// # Errors
/// What is wrong, for people.
pub(crate) fn check_scheme(target: &Target, allow_http: bool) -> Result<(), String> {
    if target.scheme() == Scheme::Https || allow_http || is_loopback(target.authority()) {
        return Ok(());
    }
    Err("http sends credentials unencrypted to another machine: use https, or say --allow-http".to_owned())
}

/// Whether an authority names this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    if authority == "[::1]" || authority.starts_with("[::1]:") {
        return true;
    }
    let host = authority.split(':').next().unwrap_or_default();
    let v4 = host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    host == "localhost" || host.ends_with(".localhost") || v4
}

/// A request, complete.
#[derive(Clone)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: String,
    /// Where it goes.
    pub(crate) target: Target,
    /// Its fields, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// Its content; none where it has none.
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    /// A request without content.
    pub(crate) fn new(method: &str, target: Target) -> Self {
        Self { method: method.to_owned(), target, headers: Vec::new(), body: None }
    }

    /// Adds a field.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds content of this media type.
    pub(crate) fn body(mut self, media: &str, bytes: Vec<u8>) -> Self {
        self.body = Some(bytes);
        self.header("content-type", media)
    }

    /// Whether there is a field of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(found, _)| found.eq_ignore_ascii_case(name))
    }
}

/// A response, whole.
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// Its fields, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// Its content.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The first field of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The way out.
pub(crate) struct Transport(ureq::Agent);

impl Transport {
    /// A way out with the certificates that the system trusts.
    pub(crate) fn new() -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            // A credential goes where it was meant to go, and a signature fits one target alone.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .user_agent(USER_AGENT)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            .build();
        Self(config.new_agent())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`Failure::Input`] where the request cannot be written, [`Failure::Unreachable`] where no answer came or it is
    /// larger than [`MAX_BODY_BYTES`].
    pub(crate) fn send(&self, request: &Request) -> Result<Response, Failure> {
        let target = &request.target;
        let url = format!("{}://{}", target.scheme().as_str(), target.authority());
        let failed = |error: ureq::Error| Failure::Unreachable { url: url.clone(), why: explain(&error) };
        let mut builder = http::Request::builder().method(request.method.as_str()).uri(target.to_string());
        for (name, value) in &request.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        // The library's message would repeat the value, which may be a secret.
        let wrong = |_| Failure::input("A header or the method cannot be sent: it has characters that none may have");
        let local = is_loopback(target.authority());
        let mut response = match &request.body {
            Some(body) => {
                let request = builder.body(body.as_slice()).map_err(wrong)?;
                self.run(request, local).map_err(failed)?
            }
            None => {
                let request = builder.body(()).map_err(wrong)?;
                self.run(request, local).map_err(failed)?
            }
        };
        let body = response.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec().map_err(failed)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Ok(Response { status: response.status().as_u16(), headers: headers.collect(), body })
    }

    fn run(
        &self,
        request: http::Request<impl ureq::AsSendBody>,
        local: bool,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        // What stays on this machine goes through no proxy.
        let request = if local { self.0.configure_request(request).proxy(None).build() } else { request };
        self.0.run(request)
    }
}

fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the host is not known".to_owned(),
        ureq::Error::ConnectionFailed => "nothing answers there".to_owned(),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nothing answers there".to_owned()
        }
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::BodyExceedsLimit(limit) => format!("the answer is larger than {limit} bytes"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_scheme_host_and_port() {
        for (text, expected) in [
            ("https://Tokens.Example/", Ok("https://tokens.example")),
            ("https://tokens.example:443", Ok("https://tokens.example")),
            ("http://localhost:8787", Ok("http://localhost:8787")),
            ("http://127.0.0.2:1/", Ok("http://127.0.0.2:1")),
            ("http://[::1]:8787", Ok("http://[::1]:8787")),
            ("http://api.localhost", Ok("http://api.localhost")),
            ("http://tokens.example", Err("--allow-http")),
            ("http://localhost.evil.example", Err("--allow-http")),
            ("http://127.0.0.1.evil.example", Err("--allow-http")),
            ("https://tokens.example/console", Err("no path")),
            ("https://user:password@tokens.example", Err("names a user")),
            ("tokens.example", Err("not the URL")),
            ("ftp://tokens.example", Err("not the URL")),
        ] {
            match (BaseUrl::parse(text, false), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
                (result, _) => panic!("{text}: {result:?}"),
            }
        }
        assert!(BaseUrl::parse("http://tokens.example", true).is_ok());
    }
}
