//! What comes back with the browser: the query of the provider's answer, and the cookie of what was begun.

use symbolon::oidc::OidcError;
use symbolon::protocol::identity::{FLOW_COOKIE, Flow};

use super::Failed;
use crate::context::Context;
use crate::request::GateRequest;

/// The longest query, in bytes.
const MAX_QUERY_LEN: usize = 8192;
/// The most parameters of a query; providers add some of their own.
const MAX_PARAMETERS: usize = 32;

/// The provider's answer (RFC 6749, section 4.1.2; RFC 9207, section 2). Without `Debug`: it holds a code.
pub(super) struct Answer(Vec<(String, String)>);

impl Answer {
    /// Reads a query; none where a parameter is there twice (RFC 6749, section 3.1), or it is too long.
    pub(super) fn read(query: &str) -> Option<Self> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        if query.len() > MAX_QUERY_LEN {
            return None;
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters.len() >= MAX_PARAMETERS || parameters.iter().any(|(seen, _)| *seen == name) {
                return None;
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Some(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// `state`; empty where there is none.
    pub(super) fn state(&self) -> &str {
        self.get("state").unwrap_or_default()
    }

    /// The code, where the answer is this issuer's. `names_itself`: whether the provider says so in every answer.
    pub(super) fn code(&self, issuer: &str, names_itself: bool) -> Result<&str, Failed> {
        // RFC 9207, section 2.4: also with an error.
        match self.get("iss") {
            Some(named) if named != issuer => return Err(OidcError::Issuer.into()),
            None if names_itself => return Err(OidcError::Issuer.into()),
            _ => {}
        }
        if self.get("error").is_some() {
            return Err(Failed::Denied);
        }
        self.get("code").filter(|code| !code.is_empty()).ok_or(Failed::Flow)
    }
}

/// What this browser has begun; none where its cookie is missing, there twice, another's or too old.
pub(super) fn flow(context: &Context, request: &GateRequest) -> Option<Flow> {
    let mut cookies = request
        .values("cookie")
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim_matches([' ', '\t']).split_once('='))
        .filter(|(name, _)| *name == FLOW_COOKIE)
        .map(|(_, value)| value);
    match (cookies.next(), cookies.next()) {
        (Some(value), None) => Flow::from_cookie(&context.gate.known.secret, context.io.now(), value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_issuers_own() {
        const ISSUER: &str = "https://login.example";
        let code = |query: &str, names_itself| {
            let answer = Answer::read(query).unwrap();
            answer.code(ISSUER, names_itself).map(str::to_owned).map_err(|failed| failed.as_str())
        };
        let own = "iss=https%3A%2F%2Flogin.example";
        assert_eq!(code("code=a%2Bb&state=s", false), Ok("a+b".to_owned()));
        assert_eq!(code(&format!("code=a&{own}"), true), Ok("a".to_owned()));
        assert_eq!(code("code=a", true), Err("issuer"));
        assert_eq!(code("code=a&iss=https%3A%2F%2Fevil.example", false), Err("issuer"));
        assert_eq!(code("error=access_denied&iss=https%3A%2F%2Fevil.example", false), Err("issuer"));
        assert_eq!(code("error=access_denied", false), Err("denied"));
        assert_eq!(code("state=s", false), Err("flow"));
        assert_eq!(code("code=", false), Err("flow"));
        assert!(Answer::read("code=a&code=b").is_none());
        assert!(Answer::read(&"a".repeat(MAX_QUERY_LEN + 1)).is_none());
    }
}
