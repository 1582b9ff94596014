//! Requests and outcomes as plain lines, for every request's way in and for most outcomes' way out.
//!
//! Nothing is escaped and nothing is parsed twice: no line can hold a line feed, since no method, URL or field of HTTP
//! can (RFC 9110, section 5.5), and what does is not read or written here. Only the last part, a response's body, may
//! hold any.

use core::fmt::Write as _;
use core::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;
use symbolon::protocol::message::HttpResponse;
use symbolon_gate::effect::{Effect, EffectId};
use symbolon_gate::{Forward, GateRequest, Outcome};

/// How many answers the host keeps ready: those of so many tokens that are in use.
const MAX_READY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(499);
/// How long one may be, in bytes, to be kept.
const MAX_READY_BYTES: usize = 4096;

/// The answers to proxies that the host keeps ready, each under a number: making one costs more than verifying a token.
/// They have no body and hold no credential ([`is_identity`]). The gate gives the very same one each time, so each is
/// known by where it lies, and is held so that nothing else comes to lie there.
pub(crate) struct Ready(LruCache<*const HttpResponse, (Rc<HttpResponse>, u32)>);

impl Ready {
    pub(crate) fn new() -> Self {
        // It grows as it is filled.
        let mut numbers = LruCache::unbounded();
        numbers.resize(MAX_READY);
        Self(numbers)
    }

    /// The number of an answer that the host has.
    pub(crate) fn number(&mut self, outcome: &Outcome) -> Option<u32> {
        let Outcome::Respond(response) = outcome else { return None };
        self.0.get(&Rc::as_ptr(response)).map(|(_, number)| *number)
    }

    /// `=`, the number under which the host is to keep this answer, and on the lines below the answer.
    fn tell(&mut self, response: &Rc<HttpResponse>, text: &str) -> String {
        let number = if self.0.len() < MAX_READY.get() {
            u32::try_from(self.0.len()).unwrap_or_default()
        } else {
            self.0.pop_lru().map_or(0, |(_, (_, number))| number)
        };
        self.0.put(Rc::as_ptr(response), (Rc::clone(response), number));
        format!("={number}\n{text}")
    }
}

/// Writes a wait for nothing but a check of a signature, which a request that is signed always has: `verify`, the task
/// and the effect, the key in hexadecimal, r and s as 128 hexadecimal digits, and after the last line feed what was
/// signed. None for any other wait.
pub(crate) fn waiting(task: u32, effects: &[(EffectId, Effect)]) -> Option<String> {
    let [(EffectId(effect), Effect::VerifyP256 { public_key, message, signature })] = effects else { return None };
    let message = core::str::from_utf8(message).ok()?;
    let mut text = String::with_capacity(message.len().saturating_add(320));
    let signature = base16ct::lower::encode_string(signature);
    write!(text, "verify\n{task}\n{effect}\n{public_key}\n{signature}\n").ok()?;
    text.push_str(message);
    Some(text)
}

/// Reads a request: method, URL, `1` if it has a body, the client's address or nothing, the number of fields, then the
/// name and the value of each, all on lines of their own.
///
/// None where the number of lines is not as announced.
pub(crate) fn request(text: &str) -> Option<GateRequest> {
    let mut lines = text.split('\n');
    let method = lines.next()?.to_owned();
    let url = lines.next()?.to_owned();
    let has_body = lines.next()? == "1";
    let client_address = lines.next().filter(|address| !address.is_empty()).map(str::to_owned);
    let count: usize = lines.next()?.parse().ok()?;
    let mut headers = Vec::new();
    while let Some(name) = lines.next() {
        headers.push((name.to_owned(), lines.next()?.to_owned()));
    }
    (headers.len() == count).then_some(GateRequest { method, url, headers, has_body, client_address })
}

/// Writes an outcome; none where it must go as JSON.
/// - A response: its status, the length of its fields in bytes, its fields (name and value on lines of their own, each
///   line with its end), and then the body.
///   One that tells a proxy who asks goes by way of [`Ready`].
/// - What is passed on: `forward`, the number of names to remove, these names, then names and values to set.
pub(crate) fn outcome(outcome: &Outcome, ready: &mut Ready) -> Option<String> {
    match outcome {
        Outcome::Respond(response) => respond(response).map(|text| {
            let keeps = is_identity(response) && text.len() <= MAX_READY_BYTES;
            if keeps { ready.tell(response, &text) } else { text }
        }),
        Outcome::Forward(changes) => forward(changes),
        Outcome::Asset { .. } => None,
    }
}

/// Whether a response tells a proxy who asks, and nothing else: no body, no cookie, no place to go on to.
fn is_identity(HttpResponse { status, headers, body }: &HttpResponse) -> bool {
    let own = |name: &str| name == "cache-control" || name.starts_with("x-symbolon-");
    *status == 200 && body.is_empty() && headers.iter().all(|(name, _)| own(name))
}

fn respond(HttpResponse { status, headers, body }: &HttpResponse) -> Option<String> {
    // ASCII, so that bytes here are characters there.
    headers.iter().all(|(name, value)| is_line(name) && is_line(value)).then_some(())?;
    let line = |total: usize, text: &str| total.saturating_add(text.len()).saturating_add(1);
    let length = headers.iter().fold(0, |total, (name, value)| line(line(total, name), value));
    let mut text = String::with_capacity(length.saturating_add(body.len()).saturating_add(16));
    writeln!(text, "{status}\n{length}").ok()?;
    for (name, value) in headers {
        push_line(&mut text, name);
        push_line(&mut text, value);
    }
    text.push_str(body);
    Some(text)
}

fn forward(Forward { remove, set }: &Forward) -> Option<String> {
    let mut lines = remove.iter().chain(set.iter().flat_map(|(name, value)| [name, value]));
    lines.all(|line| is_line(line)).then_some(())?;
    let mut text = String::with_capacity(512);
    writeln!(text, "forward\n{}", remove.len()).ok()?;
    remove.iter().for_each(|name| push_line(&mut text, name));
    for (name, value) in set {
        push_line(&mut text, name);
        push_line(&mut text, value);
    }
    Some(text)
}

fn is_line(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii() && byte != b'\n')
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
