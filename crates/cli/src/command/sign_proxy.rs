//! `symbolon sign-proxy`: a local server that signs what passes and sends it on, for tools that cannot sign.
//!
//! Whoever reaches it acts with the key, so it listens on this machine alone, answers only to the name that it was
//! started with (a web page could point a name of its own at it), and refuses what a browser sends for a page.
//! Bodies are held whole, since their digest is signed: at most `--max-body` bytes each way.

use std::io::{Cursor, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use clap::Args;
use serde_json::json;
use symbolon::key::PrivateKey;
use symbolon::problem::{Code, Problem};
use symbolon::signature::Target;
use tiny_http::{Header, Response, Server};

use crate::args::Global;
use crate::credential::{self, Credential};
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::settings::Settings;
use crate::signing::{self, Options};
use crate::system;
use crate::transport::{self, BaseUrl, Transport};

use super::organization;
use super::signer::Signer;

/// How many requests are worked on at once.
const WORKERS: usize = 8;
/// Fields that concern one connection (RFC 9110, section 7.6.1), or the way to a proxy (section 11.7).
const OF_CONNECTIONS: &[&str] = &[
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "proxy-authorization",
    "proxy-authenticate",
    "proxy-authentication-info",
];
/// Fields of a request that are made anew here.
const MADE_HERE: &[&str] = &["host", "expect", "content-digest", "signature", "signature-input", "x-fingerprint"];
/// Fields that a browser sends for a page, and nothing else does.
const OF_BROWSERS: &[&str] = &["origin", "sec-fetch-site", "sec-fetch-mode"];
/// Fields that are credentials: a request has one, and here it is the signature.
const CREDENTIALS: &[&str] = &["authorization", "x-api-key"];

/// What `symbolon sign-proxy` takes.
#[derive(Debug, Args)]
pub(crate) struct SignProxy {
    /// The server to which everything is sent on, such as https://api.example.com
    #[arg(value_name = "URL")]
    to: String,
    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach: each of them then acts with your key
    #[arg(long)]
    allow_others: bool,
    /// How large a body may be, in bytes, each way
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024 * 1024)]
    max_body: usize,
    #[command(flatten)]
    signer: Signer,
}

/// What every worker needs.
struct Proxy {
    to: BaseUrl,
    /// What `Host` must say.
    hosts: Vec<String>,
    any_host: bool,
    key: PrivateKey,
    options: Options,
    transport: Transport,
    max_body: usize,
}

/// Serves until it is interrupted.
///
/// # Errors
/// [`Failure::Input`], [`Failure::NoCredential`], and [`Failure::Local`] where it cannot listen.
pub(crate) fn run(command: SignProxy, global: &Global, output: &mut Output) -> Result<(), Failure> {
    if !command.listen.ip().is_loopback() && !command.allow_others {
        return Err(Failure::input(format!("{} is reached by other machines: say --allow-others", command.listen)));
    }
    let to = BaseUrl::parse(&command.to, global.allow_http)
        .map_err(|why| Failure::input(format!("{}: {why}", command.to)))?;
    let settings = Settings::resolve(global)?;
    let in_use = credential::required(global, &settings)?;
    let title = in_use.title();
    let Credential::Key(key) = in_use.credential else {
        return Err(Failure::input(format!("{title} cannot sign: say --private-key FILE")));
    };
    let options = command.signer.options(organization(&settings))?;
    let cannot = |error: &dyn std::fmt::Display| Failure::local(format!("listening on {}", command.listen), error);
    let listener = TcpListener::bind(command.listen).map_err(|error| cannot(&error))?;
    let address = listener.local_addr().map_err(|error| cannot(&error))?;
    let server = Server::from_listener(listener, None).map_err(|error| cannot(&error))?;
    let port = address.port();
    let proxy = Arc::new(Proxy {
        to,
        hosts: vec![
            address.to_string(),
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
        ],
        any_host: command.allow_others,
        key,
        options,
        transport: Transport::new(),
        max_body: command.max_body,
    });
    if output.is_json() {
        output.document_line(&json!({ "listening": format!("http://{address}"), "to": proxy.to.as_str() }))?;
    } else {
        output.line(&format!("http://{address}"))?;
        output.note(Style::Dim, &format!("signs what it gets and sends it to {}; Ctrl-C ends it", proxy.to));
    }
    output.flush()?;
    let server = Arc::new(server);
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (server, proxy) = (server.clone(), proxy.clone());
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    proxy.serve(request);
                }
            })
        })
        .collect();
    for worker in workers {
        let _ended = worker.join();
    }
    Err(Failure::local("serving", "the listener has closed"))
}

impl Proxy {
    fn serve(&self, mut request: tiny_http::Request) {
        let response = match self.pass(&mut request) {
            Ok(response) => response,
            Err(problem) => {
                let body = serde_json::to_vec(&problem).unwrap_or_default();
                let headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
                transport::Response { status: problem.status, headers, body }
            }
        };
        let headers = response
            .headers
            .iter()
            .filter(|(name, _)| !is_of_connection(&response.headers, name))
            .filter_map(|(name, value)| Header::from_bytes(name.as_bytes(), value.as_bytes()).ok());
        // An answer to HEAD has no content, and says how long that of GET would be (RFC 9110, section 9.3.2).
        let said = response.header("content-length").and_then(|length| length.trim().parse().ok());
        let length = match (request.method(), said) {
            (tiny_http::Method::Head, Some(said)) => said,
            _ => response.body.len(),
        };
        let answer =
            Response::new(response.status.into(), headers.collect(), Cursor::new(response.body), Some(length), None);
        // Whoever asked may have gone.
        let _told = request.respond(answer);
    }

    fn pass(&self, request: &mut tiny_http::Request) -> Result<transport::Response, Problem> {
        let refused = |code: Code, why: &str| Problem::new(code).detail(format!("sign-proxy: {why}"));
        let fields: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|header| (header.field.as_str().as_str().to_ascii_lowercase(), header.value.as_str().to_owned()))
            .collect();
        let first = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        // Two readers may take different ones (RFC 9112, sections 3.2 and 6.3): such a request is nobody's to sign.
        let count = |name: &str| fields.iter().filter(|(found, _)| found == name).count();
        let framed = count("content-length").saturating_add(count("transfer-encoding"));
        if count("host") != 1 || framed > 1 {
            return Err(refused(Code::InvalidRequest, "it needs one Host, and one length at most"));
        }
        let path = self.path(request.url(), first("host").unwrap_or_default())?;
        if OF_BROWSERS.iter().any(|name| first(name).is_some()) {
            return Err(refused(Code::InsufficientPermission, "a web page may not use it"));
        }
        if CREDENTIALS.iter().any(|name| first(name).is_some()) {
            return Err(refused(Code::MalformedCredential, "the request brings a credential of its own"));
        }
        let target = Target::parse(&format!("{}{path}", self.to))
            .map_err(|error| refused(Code::InvalidRequest, &error.to_string()))?;
        let mut outgoing = transport::Request::new(request.method().as_str(), target);
        for (name, value) in &fields {
            if !MADE_HERE.contains(&name.as_str()) && !is_of_connection(&fields, name) {
                outgoing = outgoing.header(name, value);
            }
        }
        outgoing.body = self.body(request, &first)?;
        let nonce = system::random().map_err(|_| Problem::new(Code::Internal))?;
        let signed = signing::sign(outgoing, &self.key, &self.options, system::now(), &nonce)
            .map_err(|failure| refused(Code::InvalidRequest, &failure.to_string()))?;
        let response = self.transport.send(&signed.request).map_err(|failure| {
            let mut problem = refused(Code::AuthorityUnavailable, &failure.to_string());
            // RFC 9110, section 15.6.3: whom we asked gave no usable answer.
            problem.status = 502;
            problem
        })?;
        if response.body.len() > self.max_body {
            let mut problem = refused(Code::TooLarge, &format!("the answer is larger than {} bytes", self.max_body));
            problem.status = 502;
            return Err(problem);
        }
        Ok(response)
    }

    /// The path and query of a request that is meant for us: in origin form under one of our names, or in absolute form,
    /// as tools send it that take this for their HTTP proxy, to us or to the server that we sign for.
    fn path<'r>(&self, target: &'r str, host: &str) -> Result<&'r str, Problem> {
        let refused = |why: &str| Problem::new(Code::InvalidRequest).detail(format!("sign-proxy: {why}"));
        let ours = |authority: &str| self.hosts.iter().any(|known| known.eq_ignore_ascii_case(authority));
        // What follows the server's address must begin a path, or it could name another server.
        if target.starts_with('/') {
            return if self.any_host || ours(host) { Ok(target) } else { Err(refused("this Host is not mine")) };
        }
        if let Some(path) = target.strip_prefix(self.to.as_str()).filter(|path| path.starts_with('/')) {
            return Ok(path);
        }
        let named = target.strip_prefix("http://").and_then(|rest| Some((rest, rest.find('/')?)));
        match named.and_then(|(rest, at)| rest.split_at_checked(at)) {
            Some((authority, path)) if ours(authority) => Ok(path),
            _ => Err(refused("the target is neither a path nor on the server that it signs for")),
        }
    }

    fn body<'f>(
        &self,
        request: &mut tiny_http::Request,
        first: &impl Fn(&str) -> Option<&'f str>,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let has_content =
            first("content-length").is_some_and(|length| length.trim() != "0") || first("transfer-encoding").is_some();
        let too_large =
            || Problem::new(Code::TooLarge).detail(format!("sign-proxy: a body has at most {} bytes", self.max_body));
        if request.body_length().is_some_and(|length| length > self.max_body) {
            return Err(too_large());
        }
        let limit = u64::try_from(self.max_body).unwrap_or(u64::MAX).saturating_add(1);
        let mut body = Vec::new();
        let read = request.as_reader().take(limit).read_to_end(&mut body);
        read.map_err(|_| Problem::new(Code::InvalidRequest).detail("sign-proxy: the body ended early"))?;
        if body.len() > self.max_body {
            return Err(too_large());
        }
        Ok((has_content || !body.is_empty()).then_some(body))
    }
}

/// Whether a field concerns one connection: by itself, or because `Connection` names it.
fn is_of_connection(fields: &[(String, String)], name: &str) -> bool {
    OF_CONNECTIONS.contains(&name)
        || fields.iter().any(|(field, list)| field == "connection" && connection_names(list, name))
}

/// Whether `Connection` names this field as its own (RFC 9110, section 7.6.1).
fn connection_names(list: &str, name: &str) -> bool {
    list.split(',').any(|option| option.trim().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_connection_are_not_passed_on() {
        assert!(connection_names("close, X-Hop", "x-hop"));
        assert!(!connection_names("close", "x-hop"));
    }
}
