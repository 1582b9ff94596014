//! From a problem to an HTTP response: RFC 9457 for the body, RFC 6750 for the challenge.

use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::HttpResponse;

use crate::decide::Refusal;

/// The response to a request that is refused.
pub(crate) fn response(refusal: &Refusal) -> HttpResponse {
    let Refusal { problem, accept } = refusal;
    let mut headers = Vec::new();
    if matches!(problem.status, 401 | 403) {
        headers.push(("www-authenticate".to_owned(), challenge(problem)));
    }
    // A signature helps where none was sent or the one that was does not hold, not against a state or a permission.
    let helps = matches!(
        problem.code,
        Code::MissingCredential
            | Code::MalformedCredential
            | Code::SignatureInvalid
            | Code::SignatureStale
            | Code::DigestMismatch
    );
    if let Some(accept) = accept.as_ref().filter(|_| helps) {
        headers.push(("accept-signature".to_owned(), accept.clone()));
    }
    if let Some(seconds) = problem.retry_after {
        headers.push(("retry-after".to_owned(), seconds.to_string()));
    }
    media(problem.status, "application/problem+json", headers, problem)
}

/// The response to a problem that is not about a credential.
pub(crate) fn of(problem: Problem) -> HttpResponse {
    response(&Refusal::from(problem))
}

/// `WWW-Authenticate` (RFC 6750, section 3): without an error code where no credential was sent.
fn challenge(problem: &Problem) -> String {
    let mut challenge = String::from("Bearer realm=\"symbolon\"");
    let error = match problem.code {
        Code::MissingCredential => return challenge,
        Code::InsufficientPermission => "insufficient_scope",
        _ => "invalid_token",
    };
    challenge.push_str(", error=\"");
    challenge.push_str(error);
    challenge.push_str("\", error_description=\"");
    // The title is a constant of ours: nothing of the request gets into a quoted string.
    challenge.push_str(problem.code.title());
    challenge.push('"');
    if let Some(required) = problem.required.as_ref().filter(|_| problem.code == Code::InsufficientPermission) {
        challenge.push_str(", scope=\"");
        challenge.push_str(required);
        challenge.push('"');
    }
    challenge
}

/// A response with a JSON body that nobody may keep, and with these header fields besides.
pub(crate) fn json(status: u16, headers: Vec<(String, String)>, body: &impl serde::Serialize) -> HttpResponse {
    media(status, "application/json", headers, body)
}

fn media(status: u16, media: &str, mut headers: Vec<(String, String)>, body: &impl serde::Serialize) -> HttpResponse {
    let Ok(body) = serde_json::to_string(body) else {
        return HttpResponse { status: 500, headers: vec![no_store()], body: String::new() };
    };
    headers.extend([("content-type".to_owned(), media.to_owned()), no_store()]);
    HttpResponse { status, headers, body }
}

/// Nobody on its way may keep the response (RFC 9111, section 5.2.2.5).
pub(crate) fn no_store() -> (String, String) {
    ("cache-control".to_owned(), "no-store".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(response: &HttpResponse, name: &str) -> Option<String> {
        response.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn a_challenge_says_no_more_than_rfc_6750() {
        let check = |problem: Problem, status, challenge: Option<&str>| {
            let response = of(problem);
            assert_eq!((response.status, header(&response, "www-authenticate").as_deref()), (status, challenge));
            assert_eq!(header(&response, "cache-control").as_deref(), Some("no-store"));
            assert_eq!(header(&response, "content-type").as_deref(), Some("application/problem+json"));
        };
        check(Problem::new(Code::MissingCredential), 401, Some("Bearer realm=\"symbolon\""));
        check(
            Problem::new(Code::Expired),
            401,
            Some("Bearer realm=\"symbolon\", error=\"invalid_token\", error_description=\"The token has expired.\""),
        );
        check(
            Problem::new(Code::InsufficientPermission).required("api:read"),
            403,
            Some(
                "Bearer realm=\"symbolon\", error=\"insufficient_scope\", \
                 error_description=\"The token does not permit this.\", scope=\"api:read\"",
            ),
        );
        check(Problem::new(Code::NotFound), 404, None);
        check(Problem::new(Code::AuthorityUnavailable), 503, None);
    }

    #[test]
    fn a_signature_is_asked_for_where_it_could_help() {
        for (code, helps) in [(Code::MissingCredential, true), (Code::SignatureInvalid, true), (Code::Revoked, false)] {
            let refusal = Refusal::new(code).accepting("sig=()".to_owned());
            assert_eq!(header(&response(&refusal), "accept-signature").is_some(), helps, "{code}");
        }
        let locked = of(Problem::new(Code::Locked).retry_after(9));
        assert_eq!(header(&locked, "retry-after").as_deref(), Some("9"));
    }
}
