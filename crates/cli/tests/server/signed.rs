//! Keys at the server: registering, signing, verifying, revoking by the key itself, the proxy.

use std::io::{BufRead as _, BufReader};

use crate::{admin, create, stranger, url};

const KEY: &[&str] = &["--kind", "key", "--permission", "api:read", "--expires", "90d", "--key", "key.pem"];

#[test]
fn a_key_is_registered_by_its_possession_and_ends_itself() {
    let world = admin();
    world.run(&["key", "generate", "--out", "key.pem"]).good();
    let (_, secret) = create(&world, &[KEY, &["--name", "key"]].concat());
    assert_eq!(secret, "", "a key has no secret to show");
    world.run(&[&["token", "create", "--name", "again"][..], KEY].concat()).fails(7, "conflict");

    let mine = stranger();
    let key = mine.write("key.pem", world.read("key.pem"));
    let org = world.variable("SYMBOLON_ORG");
    for organization in [&[][..], &["--org", &org]] {
        let who = mine.run(&[&["whoami", "--private-key", &key][..], organization].concat()).good();
        assert!(who.out.contains("api:read"), "{who:?}");
        let sent = mine.run(&[&["request", "GET", "/v1/whoami?", "--private-key", &key][..], organization].concat());
        assert!(sent.good().out.contains("\"permissions\""));
    }
    // Less than the management calls ask for.
    let partly = ["request", "GET", "/v1/whoami", "--private-key", &key, "--component", "@method"];
    mine.run(&partly).fails(4, "signature_invalid");

    let revoked = mine.run(&["token", "revoke", "--private-key", &key, "--yes"]).good();
    assert!(revoked.out.contains("Revoked: key"), "{revoked:?}");
    mine.run(&["whoami", "--private-key", &key]).fails(4, "the key of --private-key: revoked");
    // Repeating it says the same.
    mine.run(&["token", "revoke", "--private-key", &key, "--yes"]).good();
}

#[test]
fn the_server_verifies_a_request_that_somebody_else_received() {
    let world = admin();
    world.run(&["key", "generate", "--out", "key.pem"]).good();
    create(&world, &[KEY, &["--name", "verified"]].concat());
    let mine = stranger();
    let key = mine.write("key.pem", world.read("key.pem"));
    let arguments =
        ["request", "POST", "https://api.example/a", "-d", "{}", "--dry-run", "--json", "--private-key", &key];
    let signed = mine.run(&[&arguments[..], &["--org", &world.variable("SYMBOLON_ORG")]].concat()).good().json();
    let mut text = "POST /a HTTP/1.1\r\nHost: api.example\r\nContent-Length: 2\r\n".to_owned();
    for header in signed["headers"].as_array().unwrap() {
        text.push_str(&format!("{}: {}\r\n", header[0].as_str().unwrap(), header[1].as_str().unwrap()));
    }
    let changed = world.pipe(&["verify", "--require", "api:read"], &format!("{text}\r\n[]"));
    changed.fails(1, "digest_mismatch");
    let valid = world.pipe(&["verify", "--require", "api:read"], &format!("{text}\r\n{{}}")).good();
    assert!(valid.out.contains("verified (key,"), "{valid:?}");
    world.pipe(&["verify"], &format!("{text}\r\n{{}}")).fails(1, "replayed");
}

#[test]
fn the_proxy_signs_for_a_tool_that_cannot() {
    let world = admin();
    world.run(&["key", "generate", "--out", "key.pem"]).good();
    create(&world, &[KEY, &["--name", "proxied"]].concat());
    let mine = stranger();
    let key = mine.write("key.pem", world.read("key.pem"));
    let mut child = mine.start(&["sign-proxy", url(), "--private-key", &key]);
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let mut answer = ureq::get(format!("{}/v1/whoami", line.trim())).call().unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(body.contains("\"name\":\"proxied\""), "{body}");
}
