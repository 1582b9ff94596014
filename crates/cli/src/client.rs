//! The management interface, called with the credential in use.

use serde::de::DeserializeOwned;
use serde_json::Value;
use symbolon::id::ShortId;
use symbolon::problem::Problem;
use zeroize::Zeroizing;

use crate::contract::Page;
use crate::credential::{Credential, InUse};
use crate::failure::Failure;
use crate::signing::{self, Options};
use crate::system;
use crate::transport::{BaseUrl, Request, Response, Transport};

/// How many items a page of a list has: what the interface allows.
const PAGE: u32 = 200;
/// How much of an answer that is no problem document is shown, in characters.
const EXCERPT: usize = 120;

/// A server, and who we are to it.
pub(crate) struct Client {
    transport: Transport,
    base: BaseUrl,
    credential: InUse,
    organization: Option<ShortId>,
}

/// An answer: as it came, for programs, and as it is read.
pub(crate) struct Answer<T> {
    /// As it came.
    pub(crate) raw: Value,
    /// As it is read.
    pub(crate) read: T,
}

impl Client {
    /// A client of this server with this credential.
    pub(crate) fn new(base: BaseUrl, credential: InUse, organization: Option<ShortId>) -> Self {
        Self { transport: Transport::new(), base, credential, organization }
    }

    /// The credential in use.
    pub(crate) const fn credential(&self) -> &InUse {
        &self.credential
    }

    /// Reads something.
    ///
    /// # Errors
    /// [`Failure::Problem`] with what the server said, [`Failure::Unreachable`].
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, Failure> {
        self.read(&self.send("GET", path, None, &[])?)
    }

    /// Changes something.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer<T>, Failure> {
        self.read(&self.send(method, path, body, &[])?)
    }

    /// Creates something, with a key by which the server knows a repetition of the same request.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Answer<T>, Failure> {
        let headers: Vec<(&str, &str)> = idempotency_key.iter().map(|key| ("idempotency-key", *key)).collect();
        self.read(&self.send("POST", path, Some(body), &headers)?)
    }

    /// The items of a list from its beginning, at most `limit` of them, over as many pages as it takes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn list(&self, path: &str, query: &Query, limit: usize) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.clone();
            let wanted = u32::try_from(limit.saturating_sub(items.len())).unwrap_or(PAGE).min(PAGE);
            query.add("limit", Some(&wanted.to_string()));
            query.add("cursor", cursor.as_deref());
            let page: Answer<Page> = self.get(&query.on(path))?;
            items.extend(page.read.items);
            cursor = page.read.next_cursor;
            if cursor.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    /// Sends a request with the credential.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Response, Failure> {
        let mut request = Request::new(method, self.base.target(path)?).header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if let Some(body) = body {
            request = request.body("application/json", body.to_string().into_bytes());
        }
        let request = authorize(request, &self.credential.credential, self.organization)?;
        let response = self.transport.send(&request)?;
        self.checked(response)
    }

    /// Ends a token by the token itself (RFC 7009).
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn revoke(&self, secret: &str) -> Result<(), Failure> {
        let form = Zeroizing::new(format!("token={}", encoded(secret)));
        let request = Request::new("POST", self.base.target("/oauth/revoke")?)
            .body("application/x-www-form-urlencoded", form.as_bytes().to_vec());
        let request = authorize(request, &self.credential.credential, self.organization)?;
        let response = self.transport.send(&request)?;
        self.checked(response).map(drop)
    }

    fn checked(&self, response: Response) -> Result<Response, Failure> {
        match response.status {
            200..=299 => Ok(response),
            _ => Err(failure(&self.base, &self.credential.title(), &response)),
        }
    }

    fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<Answer<T>, Failure> {
        read(&self.base, response)
    }
}

/// Adds the credential to a request to the management interface.
///
/// # Errors
/// [`Failure::Input`] where the request cannot be signed.
pub(crate) fn authorize(
    request: Request,
    credential: &Credential,
    organization: Option<ShortId>,
) -> Result<Request, Failure> {
    match credential {
        Credential::Bearer(secret) => {
            let value = Zeroizing::new(format!("Bearer {}", secret.as_str()));
            Ok(request.header("authorization", value.as_str()))
        }
        Credential::Key(key) => {
            let options = Options { organization, ..Options::default() };
            Ok(signing::sign(request, key, &options, system::now(), &*system::random()?)?.request)
        }
    }
}

/// Reads the JSON of an answer.
///
/// # Errors
/// [`Failure::Unreachable`] where it is not what the contract says.
pub(crate) fn read<T: DeserializeOwned>(base: &BaseUrl, response: &Response) -> Result<Answer<T>, Failure> {
    let unexpected = |why: String| Failure::Unreachable { url: base.to_string(), why };
    let raw: Value = serde_json::from_slice(&response.body)
        .map_err(|_| unexpected(format!("answered {} without JSON: is it a Symbolon server?", response.status)))?;
    let read = T::deserialize(&raw).map_err(|error| unexpected(format!("answered what is not understood: {error}")))?;
    Ok(Answer { raw, read })
}

/// What an answer that is no success means.
pub(crate) fn failure(base: &BaseUrl, context: &str, response: &Response) -> Failure {
    if let Ok(problem) = serde_json::from_slice::<Problem>(&response.body) {
        return Failure::Problem { context: context.to_owned(), problem: Box::new(problem) };
    }
    let text: String = String::from_utf8_lossy(&response.body).chars().take(EXCERPT).collect();
    let mut why = format!("answered {} and no problem document: is it a Symbolon server?", response.status);
    if let Some(location) = response.header("location") {
        why = format!("answered {} and points to {location}: give the address that it points to", response.status);
    } else if !text.trim().is_empty() {
        why.push_str(&format!(" It says: {}", text.trim()));
    }
    Failure::Unreachable { url: base.to_string(), why }
}

/// The parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a parameter, if it has a value.
    pub(crate) fn add(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&encoded(value));
        }
    }

    /// The path with this query.
    pub(crate) fn on(&self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3): fit for a segment and for a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_hold_any_text() {
        let mut query = Query::default();
        query.add("q", Some("a&b=ü /"));
        query.add("kind", None);
        query.add("limit", Some("5"));
        assert_eq!(query.on("/v1/tokens"), "/v1/tokens?q=a%26b%3D%C3%BC%20%2F&limit=5");
    }

    #[test]
    fn an_answer_from_something_else_is_told_as_such() {
        let base = BaseUrl::parse("https://tokens.example", false).unwrap();
        let response = |status, body: &str, headers: Vec<(String, String)>| Response {
            status,
            headers,
            body: body.as_bytes().to_vec(),
        };
        let text = failure(&base, "x", &response(502, "<h1>Bad gateway</h1>", Vec::new())).to_string();
        assert!(text.contains("answered 502") && text.contains("Bad gateway"), "{text}");
        let moved = vec![("location".to_owned(), "https://new.example/".to_owned())];
        let text = failure(&base, "x", &response(301, "", moved)).to_string();
        assert!(text.contains("points to https://new.example/"), "{text}");
        assert!(read::<Value>(&base, &response(200, "<html>", Vec::new())).is_err());
    }
}
