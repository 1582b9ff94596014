//! `symbolon sign-proxy`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Child;

use serde_json::json;

use crate::request::{KEY, is_signed};
use crate::support::{Double, World, json as answer};

/// A proxy that is listening; it ends with the test.
struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    fn start(world: &World, to: &str, extra: &[&str]) -> Self {
        let mut child = world.start(&[&["sign-proxy", to][..], extra].concat());
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, address }
    }

    /// Sends this head and body, and returns the status and the answer.
    fn send(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = head.replace("HOST", &self.address);
        let close = if head.contains("Connection: ") { "" } else { "\r\nConnection: close" };
        write!(stream, "{head}{close}\r\n\r\n{body}").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (text.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default(), text)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
fn what_passes_is_signed_for_where_it_goes() {
    let server = Double::new(|got| answer(201, &json!({ "got": got.text() })));
    let world = World::new().with("SYMBOLON_PRIVATE_KEY", KEY);
    let proxy = Proxy::start(&world, &server.url, &[]);
    for (head, body) in [
        ("GET /a%2Fb?c=d HTTP/1.1\r\nHost: HOST\r\nX-Note: hello\r\nX-Hop: 1\r\nConnection: close, X-Hop", ""),
        ("POST /a HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 7", "{\"a\":1}"),
        ("POST /a HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
        ("POST /a HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0", ""),
        ("GET /a HTTP/1.1\r\nHost: HOST\r\nSignature: a=:AA==:\r\nContent-Digest: sha-256=:AA==:", ""),
    ] {
        let (status, text) = proxy.send(head, body);
        assert_eq!(status, 201, "{head}: {text}");
        let got = server.got().pop().unwrap();
        assert!(is_signed(&got, &server.url), "{got:?}");
        assert_eq!(got.header("host"), server.url.strip_prefix("http://"));
        assert_eq!(got.header("x-hop"), None);
    }
}

#[test]
fn who_may_not_use_it_is_refused_and_nothing_is_sent() {
    let server = Double::new(|_| answer(200, &json!({})));
    let world = World::new().with("SYMBOLON_PRIVATE_KEY", KEY);
    let proxy = Proxy::start(&world, &server.url, &["--max-body", "8"]);
    for (head, body, status) in [
        ("GET / HTTP/1.1\r\nHost: rebound.example", "", 400),
        ("GET / HTTP/1.1\r\nHost: HOST\r\nOrigin: https://evil.example", "", 403),
        ("GET / HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: cross-site", "", 403),
        ("GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer x", "", 401),
        ("GET /a/../b HTTP/1.1\r\nHost: HOST", "", 400),
        ("POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 9", "123456789", 413),
        ("POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked", "9\r\n123456789\r\n0\r\n\r\n", 413),
    ] {
        let (found, text) = proxy.send(head, body);
        assert_eq!(found, status, "{head}: {text}");
        assert!(text.contains("\"code\""), "{text}");
    }
    assert!(server.got().is_empty());
}

#[test]
fn an_answer_that_is_too_large_or_does_not_come_is_a_502() {
    let server = Double::new(|_| answer(200, &json!("a".repeat(100))));
    let world = World::new().with("SYMBOLON_PRIVATE_KEY", KEY);
    let head = "GET / HTTP/1.1\r\nHost: HOST";
    let proxy = Proxy::start(&world, &server.url, &["--max-body", "8"]);
    assert_eq!(proxy.send(head, "").0, 502);
    let proxy = Proxy::start(&world, "http://127.0.0.1:1", &[]);
    assert_eq!(proxy.send(head, "").0, 502);
}

#[test]
fn bad_input_starts_nothing() {
    let world = World::new().with("SYMBOLON_PRIVATE_KEY", KEY);
    let proxy = |extra: &[&str]| world.run(&[&["sign-proxy"][..], extra].concat());
    proxy(&["https://api.example", "--listen", "0.0.0.0:0"]).fails(2, "--allow-others");
    proxy(&["http://api.example"]).fails(2, "--allow-http");
    proxy(&["https://api.example/path"]).fails(2, "no path");
    proxy(&["https://api.example", "--listen", "nonsense"]).fails(2, "--listen");
    proxy(&["https://api.example", "--component", "@nonsense"]).fails(2, "@nonsense");
    proxy(&[]).fails(2, "URL");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy(&["https://api.example", "--listen", &taken.local_addr().unwrap().to_string()]).fails(9, "listening on");
    World::new().run(&["sign-proxy", "https://api.example"]).fails(3, "No credential");
    World::new().with("SYMBOLON_TOKEN", "x").run(&["sign-proxy", "https://api.example"]).fails(2, "cannot sign");
}
