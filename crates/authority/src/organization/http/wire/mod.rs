//! The public paths of other systems, for organisations whose profile speaks for them.
//!
//! An adapter translates: a call of the system into calls of the contract, the contract's documents into the system's.
//! Every rule is the contract's; what the system calls its fields is said here. Errors stay problem documents: the gate
//! gives them the system's form, as it does with its own.

mod devguard;
mod devtron;
pub(crate) mod documents;
mod harborguard;
mod semgrep;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use symbolon::policy::Adapter;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::HttpRequest;
use symbolon::time::Timestamp;

use super::{Held, Outcome, Until};
use crate::organization::failure::{Failure, Result};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::store::Store;

/// How large the body of a call may be, in bytes.
const MAX_BODY_LEN: usize = 16 * 1024;
/// How many pages of tokens a list without pages holds.
const MAX_PAGES: u32 = 50;

/// The system whose path this is, and what follows its common beginning, without a slash at the end.
pub(crate) fn system(path: &str) -> Option<(Adapter, Vec<&str>)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (adapter, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => (Adapter::Devguard, rest),
        ["api", "personal-access-tokens" | "api-keys", ..] => {
            (Adapter::Harborguard, parts.get(1..).unwrap_or_default())
        }
        ["api", "agent", rest @ ..] => (Adapter::Semgrep, rest),
        ["orchestrator", "api-token", rest @ ..] => (Adapter::Devtron, rest),
        _ => return None,
    };
    Some((adapter, rest.to_vec()))
}

/// Whether a call makes a token.
pub(crate) fn creates(request: &HttpRequest) -> bool {
    request.method == "POST" && !ends_itself(request) && system(&request.path).is_some()
}

/// Whether a call ends the token that it was proved with.
pub(crate) fn ends_itself(request: &HttpRequest) -> bool {
    matches!(system(&request.path), Some((Adapter::Devguard, rest)) if rest == ["pats", "revoke-by-private-key"])
}

/// Carries a call out.
pub(crate) fn handle<S: Store>(
    session: &mut Session<'_, '_, S>,
    adapter: Adapter,
    rest: &[&str],
    ready: Option<Ready>,
) -> Result<Outcome> {
    if !session.profile.has_adapter(adapter) {
        return Err(Code::NotFound.into());
    }
    match adapter {
        Adapter::Devguard => devguard::handle(session, rest, ready),
        Adapter::Harborguard => harborguard::handle(session, rest, ready),
        Adapter::Semgrep => semgrep::handle(session, rest),
        Adapter::Devtron => devtron::handle(session, rest, ready),
    }
}

/// A call of the contract, as the one who acts.
struct Call<'a> {
    method: &'static str,
    path: &'a str,
    query: Option<String>,
    body: Json,
}

impl<'a> Call<'a> {
    const fn new(method: &'static str, path: &'a str) -> Self {
        Self { method, path, query: None, body: Json::Null }
    }

    fn with(self, body: Json) -> Self {
        Self { body, ..self }
    }

    fn run<S: Store>(self, session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
        let request = HttpRequest {
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            query: self.query,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: if self.body.is_null() { String::new() } else { self.body.to_string() },
            ..session.request.clone()
        };
        let mut inner = session.with_request(&request);
        super::handle(&mut inner, ready)
    }
}

/// The body of a call.
fn fields<S: Store>(session: &Session<'_, '_, S>) -> Result<Map<String, Json>> {
    let text = &session.request.body;
    if text.len() > MAX_BODY_LEN {
        return Err(Problem::new(Code::TooLarge).detail(format!("A body has at most {MAX_BODY_LEN} bytes.")).into());
    }
    match symbolon::json::parse(text) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(Problem::new(Code::InvalidRequest).detail("The body must be a JSON object.").into()),
    }
}

/// Puts a field into a body of the contract, under its name there, if it was sent.
fn put(body: &mut Map<String, Json>, name: &str, value: Option<Json>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value);
    }
}

/// A time in the contract's form, from a number of milliseconds since 1970.
fn time(name: &str, millis: Option<i64>) -> Result<Json> {
    millis
        .filter(|millis| (0..=MAX_MILLIS).contains(millis))
        .map(|millis| Json::String(Timestamp::from_millis(millis).to_string()))
        .ok_or_else(|| Problem::field(name, "must be a time").into())
}

/// The last moment of the year 9999, in milliseconds since 1970.
const MAX_MILLIS: i64 = 253_402_300_799_999;

/// The document of an answer, in the system's form and with its status.
fn answered<T: Serialize>(outcome: Outcome, status: u16, translate: impl FnOnce(&Json) -> T) -> Result<Outcome> {
    Ok(match outcome {
        Outcome::Reply(response) if response.status >= 400 => Outcome::Reply(response),
        Outcome::Reply(response) => {
            let document = symbolon::json::parse(&response.body).unwrap_or_default();
            super::reply(status, &translate(&document))?
        }
        Outcome::Held(held) => {
            let document = super::value(&translate(&held.document))?;
            Outcome::Held(Held { document, status, tells: false, headers: Vec::new(), ..held })
        }
        claim => claim,
    })
}

/// All tokens of a kind that the one who acts may see, the newest first, those left out that were revoked.
fn tokens<S: Store>(session: &mut Session<'_, '_, S>, filter: &str) -> Result<Vec<Json>> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    for _ in 0..MAX_PAGES {
        let query = Some(format!("limit=200&{filter}{cursor}"));
        let page = match (Call { query, ..Call::new("GET", "/v1/tokens") }).run(session, None)? {
            Outcome::Reply(response) => symbolon::json::parse(&response.body).unwrap_or_default(),
            _ => return Err(Failure::Broken("a list was not answered at once")),
        };
        let found = page.get("items").and_then(Json::as_array).cloned().unwrap_or_default();
        items.extend(found.into_iter().filter(|token| token.get("status").is_none_or(|status| status != "revoked")));
        match page.get("next_cursor").and_then(Json::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(items)
}

/// Revokes a token of this kind. One that was revoked before is not there any more for the system's clients; they are
/// told so when that holds everywhere.
fn revoke<S: Store, T: Serialize>(
    session: &mut Session<'_, '_, S>,
    kind: &str,
    id: &str,
    translate: impl FnOnce(&Json) -> T,
) -> Result<Outcome> {
    let found = match id.parse() {
        Ok(id) => Token::find(session.store, session.context.now, id)?.filter(|token| token.kind == kind),
        Err(_) => None,
    };
    let Some(token) = found else { return Err(Code::NotFound.into()) };
    let outcome = match Call::new("DELETE", &format!("/v1/tokens/{}", token.id)).run(session, None) {
        // These systems tell whoever asks that the token is somebody else's.
        Err(Failure::Problem(problem)) if problem.code == Code::NotFound => {
            return Err(Problem::new(Code::InsufficientPermission).detail("The token is somebody else's.").into());
        }
        outcome => outcome?,
    };
    if token.revoked_at.is_some() {
        return Ok(Outcome::Held(Held {
            until: Until::NarrowedBefore(token.version),
            tells: false,
            eventual: false,
            status: 404,
            headers: vec![("content-type".to_owned(), "application/problem+json".to_owned())],
            document: super::value(&Problem::new(Code::NotFound))?,
        }));
    }
    answered(outcome, 200, translate)
}

/// Gives the faults of a request the names that the system's clients know.
fn renamed(failure: Failure, names: &[(&str, &str)]) -> Failure {
    let Failure::Problem(mut problem) = failure else { return failure };
    for error in &mut problem.errors {
        if let Some((_, name)) = names.iter().find(|(ours, _)| *ours == error.field) {
            (*name).clone_into(&mut error.field);
        }
    }
    Failure::Problem(problem)
}

/// A member of a document; `null` where it is not there.
fn part(document: &Json, name: &str) -> Json {
    document.get(name).cloned().unwrap_or_default()
}

/// A text of a document, if there is one.
fn maybe(document: &Json, name: &str) -> Option<String> {
    document.get(name).and_then(Json::as_str).map(str::to_owned)
}

/// A text of a document; empty where there is none.
fn text(document: &Json, name: &str) -> String {
    maybe(document, name).unwrap_or_default()
}

/// A time of a document as milliseconds since 1970.
fn millis(document: &Json, name: &str) -> Option<i64> {
    let text = document.get(name).and_then(Json::as_str)?;
    text.parse::<Timestamp>().ok().map(Timestamp::as_millis)
}
