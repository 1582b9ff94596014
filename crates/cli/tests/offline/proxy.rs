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
        ("GET /a HTTP/1.1\r\nHost: HOST\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Authorization: Basic x", ""),
        ("GET http://HOST/a HTTP/1.1\r\nHost: HOST\r\nKeep-Alive: timeout=1", ""),
        // As a tool sends it that takes this for its HTTP proxy.
        ("GET SERVER/a HTTP/1.1\r\nHost: elsewhere", ""),
    ] {
        let (status, text) = proxy.send(&head.replace("SERVER", &server.url), body);
        assert_eq!(status, 201, "{head}: {text}");
        let got = server.got().pop().unwrap();
        assert!(is_signed(&got, &server.url), "{got:?}");
        assert_eq!(got.header("host"), server.url.strip_prefix("http://"));
        for dropped in ["x-hop", "connection", "te", "upgrade", "proxy-authorization", "keep-alive"] {
            assert_eq!(got.header(dropped), None, "{head}: {got:?}");
        }
    }
}

#[test]
fn an_answer_comes_back_whole_without_what_was_the_connection_s() {
    // By the letter: a library would not send fields of its connection.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let is_head = lines.next().unwrap().starts_with("HEAD");
            lines.find(String::is_empty).unwrap();
            let body = if is_head { String::new() } else { "a".repeat(100_000) };
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
                 Proxy-Authenticate: Basic\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Digest: sha-256=:AA==:\r\n\
                 Signature: sig=:AA==:\r\nLocation: /elsewhere\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    let world = World::new().with("SYMBOLON_PRIVATE_KEY", KEY);
    let proxy = Proxy::start(&world, &url, &[]);
    let (status, text) = proxy.send("GET / HTTP/1.1\r\nHost: HOST", "");
    let text = text.to_ascii_lowercase();
    assert_eq!(status, 200);
    for kept in ["set-cookie: a=1", "set-cookie: b=2", "content-digest: ", "signature: ", "location: /elsewhere"] {
        assert!(text.contains(kept), "{kept} in {text:.900}");
    }
    for dropped in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert!(!text.contains(dropped), "{dropped} in {text:.900}");
    }
    let content: usize = text.split("\r\n").filter(|line| line.len() > 900).map(str::len).sum();
    assert_eq!(content, 100_000, "{text:.900}");
    let (status, head) = proxy.send("HEAD / HTTP/1.1\r\nHost: HOST", "");
    assert_eq!((status, head.split("\r\n\r\n").nth(1)), (200, Some("")), "{head:.900}");
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
        ("GET http://evil.example/ HTTP/1.1\r\nHost: HOST", "", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example", "", 400),
        ("GET http://HOST.evil.example/ HTTP/1.1\r\nHost: HOST", "", 400),
        ("GET http://HOST HTTP/1.1\r\nHost: HOST", "", 400),
        ("GET .evil.example/ HTTP/1.1\r\nHost: HOST", "", 400),
        ("GET 0/ HTTP/1.1\r\nHost: HOST", "", 400),
        ("GET @evil.example/ HTTP/1.1\r\nHost: HOST", "", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: HOST", "", 400),
        ("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443", "", 400),
        ("GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST", "", 400),
        ("GET / HTTP/1.1", "", 400),
        ("POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 4", "1234", 400),
        ("POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n", 400),
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
