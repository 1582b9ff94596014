//! Requests and outcomes as plain lines, for every request's way in and for most outcomes' way out.
//!
//! Nothing is escaped and nothing is parsed twice: no line can hold a line feed, since no method, URL or field of HTTP
//! can (RFC 9110, section 5.5), and what does is not read or written here. Only the last part, a response's body, may
//! hold any.

use core::fmt::Write as _;

use symbolon::protocol::message::HttpResponse;
use symbolon_gate::{Forward, GateRequest, Outcome};

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
/// - What is passed on: `forward`, the number of names to remove, these names, then names and values to set.
pub(crate) fn outcome(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Respond(response) => respond(response),
        Outcome::Forward(changes) => forward(changes),
        Outcome::Asset { .. } => None,
    }
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
