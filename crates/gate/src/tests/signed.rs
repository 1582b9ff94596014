//! Signed requests.

use symbolon::policy::{Replay, SignatureRules};
use symbolon::protocol::Record;
use symbolon::protocol::message::Lookup;
use symbolon::signature::{Component, Parameter, SignSpec};

use crate::testing::{GATEWAY, MANAGEMENT, NOW, World, native_key_id, private_key, signed, signed_with, token};
use crate::{GateRequest, Outcome};

const THINGS: &str = "https://api.example/things?x=1";

fn spec(components: &[&str], parameters: Vec<Parameter>) -> SignSpec {
    let components = components.iter().map(|name| Component::named(name).unwrap()).collect();
    SignSpec { label: "sig77".to_owned(), components, parameters }
}

fn keyed(rest: Vec<Parameter>) -> Vec<Parameter> {
    let mut parameters = vec![Parameter::Created(NOW.as_seconds()), Parameter::KeyId(native_key_id().to_string())];
    parameters.extend(rest);
    parameters
}

#[test]
fn a_signed_request_is_let_through() {
    let mut world = World::new();
    assert_eq!(world.code(signed("GET", THINGS, None, "n1")), "forward");
    assert_eq!(world.calls, ["instance", "organization", "verify"]);
    assert_eq!(world.code(signed("GET", THINGS, None, "n1")), "forward", "GET inside its window");
    assert_eq!(world.calls, ["verify"]);
    world.body = b"{}".to_vec();
    assert_eq!(world.code(signed("POST", THINGS, Some("{}"), "n2")), "forward");
    assert_eq!(world.calls, ["verify", "digests", "replay"]);
}

#[test]
fn what_changes_something_is_accepted_once() {
    let mut world = World::new();
    world.body = b"{}".to_vec();
    assert_eq!(world.code(signed("POST", THINGS, Some("{}"), "n")), "forward");
    assert_eq!(world.code(signed("POST", THINGS, Some("{}"), "n")), "replayed");
    assert_eq!(world.code(signed("POST", THINGS, Some("{}"), "m")), "forward");
    world.down.insert("replay");
    assert_eq!(world.code(signed("POST", THINGS, Some("{}"), "o")), "authority_unavailable");
    let mut world = World::with(|record| record.rules.signature.replay = Replay::Once);
    assert_eq!(world.code(signed("GET", THINGS, None, "n")), "forward");
    assert_eq!(world.code(signed("GET", THINGS, None, "n")), "replayed");
}

#[test]
fn without_a_nonce_the_signature_itself_is_remembered() {
    let mut world = World::with(|record| record.rules.signature.replay = Replay::Once);
    let plain =
        || signed_with("GET", THINGS, None, |_, _| spec(&["@method", "@authority", "@path", "@query"], keyed(vec![])));
    assert_eq!(world.code(plain()), "forward");
    assert_eq!(world.code(plain()), "replayed");
}

#[track_caller]
fn check(change: impl FnOnce(&mut GateRequest), expected: &str) {
    let mut world = World::new();
    world.body = b"{}".to_vec();
    let mut request = signed("POST", THINGS, Some("{}"), "n");
    change(&mut request);
    assert_eq!(world.code(request), expected);
}

fn replace(request: &mut GateRequest, name: &str, from: &str, to: &str) {
    for (found, value) in &mut request.headers {
        if found == name {
            assert!(value.contains(from));
            *value = value.replace(from, to);
        }
    }
}

#[test]
fn what_was_changed_is_refused() {
    check(|_| {}, "forward");
    check(|request| request.method = "PUT".to_owned(), "not_found");
    check(|request| request.url = format!("{GATEWAY}/things?x=2"), "signature_invalid");
    check(|request| request.url = format!("{GATEWAY}/things"), "signature_invalid");
    check(|request| request.url = "https://api.example:8443/things?x=1".to_owned(), "signature_invalid");
    check(|request| replace(request, "Content-Type", "json", "text"), "signature_invalid");
    check(|request| replace(request, "Content-Digest", "sha-256=:", "sha-256=:A"), "malformed_credential");
    check(|request| replace(request, "Signature-Input", "nonce=\"n\"", "nonce=\"m\""), "signature_invalid");
    check(|request| replace(request, "Signature-Input", "Acme42.", "Acme43."), "unknown_token");
    check(|request| replace(request, "Signature-Input", "Acme42.", "Acme42."), "forward");
    check(|request| replace(request, "Signature", "sig=:", "sig=:AAAA"), "malformed_credential");
    check(|request| replace(request, "Signature", "sig=", "other="), "malformed_credential");
    check(|request| request.headers.push(("Signature".to_owned(), "sig=:AA==:".to_owned())), "malformed_credential");
    check(
        |request| request.headers.push(("Authorization".to_owned(), format!("Bearer {}", token()))),
        "malformed_credential",
    );
    check(|request| request.headers.push(("Content-Encoding".to_owned(), "gzip".to_owned())), "signature_invalid");
    check(|request| request.url = format!("{GATEWAY}/things?x=%zz"), "malformed_credential");
}

#[test]
fn another_body_does_not_match_its_digest() {
    let mut world = World::new();
    world.body = b"{} ".to_vec();
    assert_eq!(world.code(signed("POST", THINGS, Some("{}"), "n")), "digest_mismatch");
    assert_eq!(world.replays.len(), 0);
    // Nobody's body is read but whose signature holds.
    let mut request = signed("POST", THINGS, Some("{}"), "n");
    replace(&mut request, "Signature-Input", "nonce=\"n\"", "nonce=\"m\"");
    assert_eq!(world.code(request), "signature_invalid");
    assert!(!world.calls.contains(&"digests".to_owned()));
}

#[test]
fn a_window_ends() {
    for (seconds, code) in [(60, "forward"), (61, "signature_stale"), (-5, "forward"), (-6, "signature_stale")] {
        let mut world = World::new();
        world.now = NOW.plus_seconds(seconds);
        assert_eq!(world.code(signed("GET", THINGS, None, "n")), code, "{seconds}");
    }
}

#[track_caller]
fn rules(change: impl FnOnce(&mut SignatureRules), components: &[&str], parameters: Vec<Parameter>, code: &str) {
    let mut world = World::with(|record: &mut Record| change(&mut record.rules.signature));
    assert_eq!(world.code(signed_with("GET", THINGS, None, |_, _| spec(components, keyed(parameters)))), code);
}

#[test]
fn the_kind_says_what_must_be_signed() {
    let native = ["@method", "@authority", "@path", "@query"];
    rules(|_| {}, &native, vec![], "forward");
    rules(|_| {}, &native[..3], vec![], "signature_invalid");
    rules(|rules| rules.components = vec!["@method".to_owned()], &native[..1], vec![], "forward");
    rules(|rules| rules.nonce_required = true, &native, vec![], "signature_invalid");
    rules(|rules| rules.nonce_required = true, &native, vec![Parameter::Nonce("n".to_owned())], "forward");
    rules(|rules| rules.tag = Some("symbolon".to_owned()), &native, vec![], "signature_invalid");
    rules(|rules| rules.labels = vec!["other".to_owned()], &native, vec![], "signature_invalid");
    rules(|rules| rules.labels = vec!["sig77".to_owned()], &native, vec![], "forward");
    rules(|_| {}, &native, vec![Parameter::Alg("ecdsa-p256-sha256".to_owned())], "forward");
    rules(|_| {}, &native, vec![Parameter::Alg("ed25519".to_owned())], "signature_invalid");
}

#[test]
fn a_refusal_says_what_to_sign() {
    let mut world = World::new();
    let short = signed_with("GET", THINGS, None, |_, _| spec(&["@method"], keyed(vec![])));
    let Outcome::Respond(response) = world.handle(short) else { panic!() };
    let accept = response.headers.iter().find(|(name, _)| name == "accept-signature").unwrap();
    assert_eq!(
        accept.1,
        r#"sig=("@method" "@authority" "@path" "@query");created;alg="ecdsa-p256-sha256";tag="symbolon""#
    );
    assert!(response.body.contains("@authority"), "{}", response.body);
}

#[test]
fn a_bare_thumbprint_and_a_fingerprint_are_found_by_the_locator() {
    let native = ["@method", "@authority", "@path", "@query"];
    let thumbprint = private_key().public_key().thumbprint();
    let named = |key: Option<&str>| {
        let mut parameters = vec![Parameter::Created(NOW.as_seconds())];
        parameters.extend(key.map(|key| Parameter::KeyId(key.to_owned())));
        signed_with("GET", THINGS, None, |_, _| spec(&native, parameters))
    };
    let mut world = World::new();
    assert_eq!(world.code(named(Some(&thumbprint.to_string()))), "unknown_token");
    world.place(&Lookup::Thumbprint(thumbprint));
    assert_eq!(world.code(named(Some(&thumbprint.to_string()))), "forward");
    assert_eq!(world.calls, ["directory", "locator", "organization", "verify"]);
    assert_eq!(world.code(named(Some("sig77"))), "unknown_token");
    assert_eq!(world.code(named(None)), "signature_invalid");

    let fingerprint = private_key().public_key().fingerprint().to_string();
    let alias = Lookup::Alias(fingerprint.clone());
    for (allowed, code) in [(true, "forward"), (false, "unknown_token")] {
        let mut world = World::with(|record| record.rules.signature.fingerprint_header = allowed);
        world.place(&alias);
        for mut request in [named(Some("sig77")), named(None)] {
            request.headers.push(("X-Fingerprint".to_owned(), fingerprint.to_uppercase()));
            assert_eq!(world.code(request), code);
        }
    }
}

#[test]
fn management_wants_full_signatures_whatever_the_kind_says() {
    let whoami = format!("{MANAGEMENT}/v1/whoami");
    let loose = |record: &mut Record| record.rules.signature.components = vec!["@method".to_owned()];
    let mut world = World::with(loose);
    assert_eq!(world.code(signed("GET", &whoami, None, "n")), "ok");
    let nonce = || vec![Parameter::Nonce("m".to_owned())];
    for (components, parameters, code) in [
        (&["@method"][..], nonce(), "signature_invalid"),
        (&["@method", "@authority", "@path", "@query"], vec![], "signature_invalid"),
        (&["@method", "@authority", "@path", "@query"], nonce(), "ok"),
    ] {
        let request = signed_with("GET", &whoami, None, |_, _| spec(components, keyed(parameters)));
        assert_eq!(world.code(request), code, "{components:?}");
    }
}
