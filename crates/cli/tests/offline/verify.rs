//! `symbolon verify` against a public key.

use crate::request::KEY;
use crate::support::World;

/// A world with a signed request in `request` and the key's public half in `public`.
fn signed(method: &str, body: Option<&str>, extra: &[&str]) -> World {
    let world = World::new().with("SYMBOLON_PRIVATE_KEY", KEY);
    let mut arguments = vec!["request", method, "https://api.example/a?b=c", "--dry-run", "--json"];
    if let Some(body) = body {
        arguments.extend(["-d", body]);
    }
    arguments.extend(extra);
    let shown = world.run(&arguments).good().json();
    let mut text = format!("{method} /a?b=c HTTP/1.1\r\nHost: api.example\r\n");
    for header in shown["headers"].as_array().unwrap() {
        text.push_str(&format!("{}: {}\r\n", header[0].as_str().unwrap(), header[1].as_str().unwrap()));
    }
    if let Some(body) = body {
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    } else {
        text.push_str("\r\n");
    }
    world.write("request", text);
    let public = world.pipe(&["key", "convert", "-", "--to", "pem", "--public-only"], KEY).good().out;
    world.write("public", public);
    world
}

#[test]
fn what_was_signed_is_valid() {
    for (method, body) in [("GET", None), ("POST", Some("{\"a\":1}"))] {
        let world = signed(method, body, &[]);
        let valid = world.run(&["verify", "request", "--public-key", "public"]).good();
        assert!(valid.out.contains("The signature is valid"), "{valid:?}");
        let text = world.read("request");
        let json = world.pipe(&["verify", "--public-key", "public", "--json"], &text).good().json();
        assert_eq!((&json["valid"], &json["code"]), (&true.into(), &"ok".into()));
    }
}

#[test]
fn what_was_changed_is_not_and_the_reason_is_told() {
    let world = signed("POST", Some("{\"a\":1}"), &[]);
    let text = world.read("request");
    let other = "2b".repeat(32);
    let check = |text: &str, extra: &[&str], code: &str| {
        world.write("changed", text);
        let mut arguments = vec!["verify", "changed", "--public-key"];
        let key: &[&str] = if extra.is_empty() { &["public"] } else { extra };
        arguments.extend(key);
        world.run(&arguments).fails(1, code);
        arguments.push("--json");
        let json = world.run(&arguments).json();
        assert_eq!((&json["valid"], &json["code"]), (&false.into(), &code.into()));
    };
    check(&text.replace("{\"a\":1}", "{\"a\":2}"), &[], "digest_mismatch");
    check(&text.replace("/a?b=c", "/a?b=d"), &[], "signature_invalid");
    check(&text.replace("POST", "PUT"), &[], "signature_invalid");
    check(&text, &["public", "--at", "2020-01-01T00:00:00Z"], "signature_stale");
    check(&text, &["public", "--at", "2099-01-01T00:00:00Z"], "signature_stale");
    world.write("other", &other);
    check(&text, &["other"], "signature_invalid");
    let unsigned = "GET / HTTP/1.1\r\nHost: api.example\r\n\r\n";
    world.write("changed", unsigned);
    world.run(&["verify", "changed", "--public-key", "public"]).fails(1, "not signed");
}

/// A request as another system's client sends it, from that system's documents.
#[test]
fn a_profile_s_form_is_verified_by_its_rules() {
    let world = signed("GET", None, &[]);
    world.write(
        "foreign",
        "POST /api/v1/scan HTTP/1.1\nHost: api.example\nX-Fingerprint: 16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380\n\
         Content-Digest: sha-256=:k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=:\n\
         Signature-Input: sig77=(\"@method\" \"content-digest\");created=1700000000;alg=\"ecdsa-p256-sha256\"\n\
         Signature: sig77=:rR0wOVdWbF8Ks74RGF5F4RK+XCw8Tfo/o3m6ByDHvCivvFv96cu3G5Q6YuFh+i+KdS8JKmR63nLGKc4nRN0/Kw==:\n\
         Content-Length: 17\n\n{\"hello\":\"world\"}\n",
    );
    let at = "2023-11-14T22:13:21Z";
    let arguments = ["verify", "foreign", "--public-key", "public", "--at", at];
    world.run(&[&arguments[..], &["--profile", "devguard"]].concat()).good();
    world.run(&arguments).fails(1, "no `nonce` parameter");
    let late = ["verify", "foreign", "--public-key", "public", "--profile", "devguard", "--at", "2023-11-14T22:14:00Z"];
    world.run(&late).fails(1, "signature_stale");
}

#[test]
fn what_cannot_be_read_is_told() {
    let world = signed("GET", None, &[]);
    world.write("empty", "");
    world.run(&["verify", "empty", "--public-key", "public"]).fails(2, "no empty line");
    world.run(&["verify", "missing", "--public-key", "public"]).fails(9, "missing");
    world.run(&["verify", "request", "--public-key", "missing"]).fails(9, "missing");
    world.run(&["verify", "request", "--public-key", "public", "--at", "now"]).fails(2, "--at");
    world.run(&["verify", "request", "--public-key", "public", "--require", "a:b"]).fails(2, "--require");
}
