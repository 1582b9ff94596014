//! The instance's answers over HTTP.

use serde::Serialize;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::HttpResponse;

use crate::answer;
use crate::machine::{CallId, Effect};
use crate::store::StoreError;

pub(super) fn reply(id: CallId, response: HttpResponse) -> Effect {
    match answer::json(&response) {
        Ok(json) => Effect::Reply { id, json },
        Err(fault) => Effect::Fail { id, fault: fault.to_string() },
    }
}

pub(super) fn document(status: u16, document: &impl Serialize) -> Result<HttpResponse, StoreError> {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Ok(HttpResponse { status, headers, body: answer::json(document)? })
}

/// A problem document (RFC 9457). 401 carries `WWW-Authenticate` (RFC 9110, section 15.5.2).
pub(super) fn problem(problem: &Problem) -> HttpResponse {
    let mut headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
    if problem.status == 401 {
        headers.push(("www-authenticate".to_owned(), "Bearer realm=\"symbolon\"".to_owned()));
    }
    if let Some(seconds) = problem.retry_after {
        headers.push(("retry-after".to_owned(), seconds.to_string()));
    }
    HttpResponse { status: problem.status, headers, body: serde_json::to_string(problem).unwrap_or_default() }
}

pub(super) fn method_not_allowed(allow: &str) -> HttpResponse {
    let mut response = problem(&Problem::new(Code::MethodNotAllowed));
    response.headers.push(("allow".to_owned(), allow.to_owned()));
    response
}
