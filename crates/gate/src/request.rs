//! A request as the host hands it over, and what the host is to do with it.

use std::rc::Rc;

use serde::{Deserialize, Serialize, Serializer};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{Client, HttpResponse};

use crate::refusal;

/// How much of a user agent is kept, in bytes.
const MAX_USER_AGENT_BYTES: usize = 256;

/// A request; by default one of which nothing is known. Without `Debug`: it carries credentials.
#[derive(Clone, Default, Deserialize)]
pub struct GateRequest {
    /// The method, in its own case.
    pub method: String,
    /// The absolute URL, as the runtime hands it over.
    pub url: String,
    /// All header fields; a field that was sent twice may come twice, or joined by the runtime.
    pub headers: Vec<(String, String)>,
    /// Whether the request came with a body, be it empty.
    #[serde(default)]
    pub has_body: bool,
    /// The client's address, from the connection and never from a field that the client wrote.
    #[serde(default)]
    pub client_address: Option<String>,
}

/// What the host is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Send this. What tells a proxy who asks is the very same value each time, so that a host may keep it ready.
    Respond(#[serde(serialize_with = "told")] Rc<HttpResponse>),
    /// Send the request on to the origin, with the body that was received and without following redirects.
    Forward(Forward),
    /// Serve a static asset of the management side; where there is none, send this.
    Asset {
        /// Whether it is the console's one page, whatever the path: its script reads the address.
        console: bool,
        /// What to send where there is no such asset.
        missing: HttpResponse,
    },
}

fn told<S: Serializer>(response: &Rc<HttpResponse>, serializer: S) -> Result<S::Ok, S::Error> {
    response.as_ref().serialize(serializer)
}

impl Outcome {
    /// For a request that was let go ([`crate::Waiting`]), and whose host comes with an answer all the same.
    #[must_use]
    pub fn took_too_long() -> Self {
        Self::from(refusal::of(Problem::new(Code::AuthorityUnavailable).retry_after(1)))
    }
}

impl From<HttpResponse> for Outcome {
    fn from(response: HttpResponse) -> Self {
        Self::Respond(Rc::new(response))
    }
}

/// The changes to a request's header on its way to the origin: first what is removed, then what is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Fields to remove, in lower case.
    pub remove: Vec<String>,
    /// Fields to set, names in lower case, values printable ASCII.
    pub set: Vec<(String, String)>,
}

/// A URL, taken apart without changing a character of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address<'a> {
    /// Scheme and authority.
    pub(crate) origin: &'a str,
    /// The authority.
    pub(crate) authority: &'a str,
    /// The path, still percent-encoded, with its slash.
    pub(crate) path: &'a str,
    /// The query without its `?`.
    pub(crate) query: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// Of an absolute URL with a path; none for anything else, and none where something before the path could be read as
    /// the authority's by one and as another's part by somebody else.
    pub(crate) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let slash = rest.find('/')?;
        let (authority, target) = rest.split_at_checked(slash)?;
        if !is_authority(authority) {
            return None;
        }
        let origin = url.get(..scheme.len().checked_add(3)?.checked_add(slash)?)?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Some(Self { origin, authority, path, query })
    }

    /// The host name without port and closing dot, in lower case.
    pub(crate) fn host(&self) -> String {
        let host = match self.authority.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => name,
            _ => self.authority,
        };
        host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
    }
}

/// Whether this is a host and perhaps a port, of nothing but what those are written with: `http://host?/path` has no
/// path, though a slash follows.
fn is_authority(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !text.is_empty() && text.bytes().all(known)
}

impl GateRequest {
    /// The values of a field, named in lower case.
    pub(crate) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a field that may be there once; none also where it is there twice.
    pub(crate) fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Who asks.
    pub(crate) fn client(&self) -> Client {
        let cut = |text: &str| {
            let end = (0..=text.len().min(MAX_USER_AGENT_BYTES)).rev().find(|end| text.is_char_boundary(*end));
            text.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
        };
        Client { address: self.client_address.clone(), user_agent: self.values("user-agent").next().map(cut) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let address = Address::of("https://API.example.:8443/a%2Fb?x=1?").unwrap();
        assert_eq!(address.origin, "https://API.example.:8443");
        assert_eq!((address.path, address.query), ("/a%2Fb", Some("x=1?")));
        assert_eq!(address.host(), "api.example");
        assert_eq!(Address::of("http://[::1]:80/").unwrap().host(), "[::1]");
        assert_eq!(Address::of("http://[::1]/").unwrap().host(), "[::1]");
        for url in [
            "",
            "/a",
            "https://a",
            "https:/a/",
            "https:///a",
            "http://a@b/",
            "http://a?/b",
            "http://a#/b",
            "http://a\\/b",
        ] {
            assert_eq!(Address::of(url), None, "{url}");
        }
    }

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let agent = format!("{}é", "a".repeat(255));
        let request = GateRequest {
            method: "GET".to_owned(),
            url: String::new(),
            headers: vec![("User-Agent".to_owned(), agent)],
            has_body: false,
            client_address: None,
        };
        assert_eq!(request.client().user_agent.unwrap(), "a".repeat(255));
    }
}
