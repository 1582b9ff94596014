//! A request as it stands in a file: HTTP/1.1, by the letter (RFC 9112).

use symbolon::signature::{Scheme, Target};

use crate::failure::Failure;
use crate::transport::Request;

/// How many fields a request may have.
const MAX_HEADERS: usize = 128;

/// Reads a request: its head, an empty line, and its content. Lines may end with a line feed alone, as editors write
/// them. `scheme` is that of the target, which HTTP/1.1 does not say.
///
/// # Errors
/// [`Failure::Input`] with what is wrong.
pub(crate) fn parse(bytes: &[u8], scheme: Scheme) -> Result<Request, Failure> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut slots);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err(Failure::input("The request has no empty line after its head")),
        Err(error) => return Err(Failure::input(format!("It is not an HTTP/1.1 request: {error}"))),
    };
    let (Some(method), Some(path)) = (head.method, head.path) else {
        return Err(Failure::input("The request has no method or no target"));
    };
    let mut headers = Vec::with_capacity(head.headers.len());
    for field in head.headers.iter() {
        // What is not ASCII cannot be covered; as Latin-1 it is at least told apart.
        let value = field.value.iter().map(|byte| char::from(*byte)).collect();
        headers.push((field.name.to_ascii_lowercase(), value));
    }
    let target = target(path, &headers, scheme)?;
    let rest = bytes.get(length..).unwrap_or_default();
    let body = content(rest, &headers)?;
    Ok(Request { method: method.to_owned(), target, headers, body })
}

fn one<'h>(headers: &'h [(String, String)], name: &str) -> Result<Option<&'h str>, Failure> {
    let mut found = headers.iter().filter(|(field, _)| field == name).map(|(_, value)| value.trim());
    let first = found.next();
    if found.next().is_some() {
        return Err(Failure::input(format!("The request has {name} twice")));
    }
    Ok(first)
}

fn target(path: &str, headers: &[(String, String)], scheme: Scheme) -> Result<Target, Failure> {
    let wrong = |error| Failure::input(format!("The target cannot be verified: {error}"));
    if !path.starts_with('/') {
        return Target::parse(path).map_err(wrong);
    }
    let host = one(headers, "host")?.ok_or_else(|| Failure::input("The request has no Host"))?;
    Target::from_origin_form(scheme, host, path).map_err(wrong)
}

fn content(rest: &[u8], headers: &[(String, String)]) -> Result<Option<Vec<u8>>, Failure> {
    if one(headers, "transfer-encoding")?.is_some() {
        return Err(Failure::input("Give the content as it is, without Transfer-Encoding"));
    }
    let Some(length) = one(headers, "content-length")? else {
        return Ok((!rest.is_empty()).then(|| rest.to_vec()));
    };
    let length: usize = length.parse().map_err(|_| Failure::input("Content-Length is not a number"))?;
    // Editors end a file with a line feed, which is not content.
    let content = rest
        .get(..length)
        .ok_or_else(|| Failure::input(format!("Content-Length says {length} bytes, but there are {}", rest.len())))?;
    Ok(Some(content.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &str, Option<&str>), &str>) {
        let parsed = parse(text.as_bytes(), Scheme::Https);
        match (parsed, expected) {
            (Ok(request), Ok((method, target, body))) => {
                assert_eq!(request.method, method);
                assert_eq!(request.target.to_string(), target);
                assert_eq!(request.body.as_deref(), body.map(str::as_bytes));
            }
            (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{text:?}: {failure}"),
            (Ok(_), Err(part)) => panic!("{text:?} is read, not refused with {part}"),
            (Err(failure), Ok(_)) => panic!("{text:?}: {failure}"),
        }
    }

    #[test]
    fn requests_are_read_by_the_letter() {
        check("GET /a?b HTTP/1.1\r\nHost: x.example\r\n\r\n", Ok(("GET", "https://x.example/a?b", None)));
        check("GET http://x.example/a HTTP/1.1\nHost: y\n\n", Ok(("GET", "http://x.example/a", None)));
        check(
            "POST / HTTP/1.1\nHost: x.example\nContent-Length: 2\n\n{}\n",
            Ok(("POST", "https://x.example/", Some("{}"))),
        );
        check("POST / HTTP/1.1\nHost: x.example\n\n{}\n", Ok(("POST", "https://x.example/", Some("{}\n"))));
        check("GET / HTTP/1.1\nHost: x.example\n", Err("no empty line"));
        check("GET / HTTP/1.1\n\n", Err("no Host"));
        check("GET / HTTP/1.1\nHost: a\nHost: b\n\n", Err("host twice"));
        check("GET /../a HTTP/1.1\nHost: a\n\n", Err("dot segment"));
        check("POST / HTTP/1.1\nHost: a\nContent-Length: 9\n\n{}", Err("there are 2"));
        check("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n", Err("Transfer-Encoding"));
        check("GET nonsense", Err("no empty line"));
        check("GET / HTTP/3.0\nHost: a\n\n", Err("not an HTTP"));
        check("", Err("no empty line"));
    }
}
