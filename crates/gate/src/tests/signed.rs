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

/// DevGuard's own client, request by request: vectors D2 (with a body) and D3 (without).
#[test]
fn devguards_requests_are_let_through_once() {
    use symbolon::key::PrivateKey;
    use symbolon::policy::{Profile, builtin};
    use symbolon::protocol::{Proof, ProofKind};
    use symbolon::time::Timestamp;

    let key = PrivateKey::from_hex("32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995").unwrap();
    let public_key = key.public_key();
    let profile = Profile::parse(builtin("devguard").unwrap()).unwrap();
    let mut world = World::with(|record| {
        record.rules = profile.kind("pat").unwrap().edge_rules();
        record.proofs =
            vec![Proof { kind: ProofKind::Key { public_key, thumbprint: public_key.thumbprint() }, until: None }];
    });
    let fingerprint = "16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380";
    world.place(&Lookup::Alias(fingerprint.to_owned()));
    world.now = Timestamp::from_seconds(1_700_000_000);
    let vectors = [
        (
            "POST",
            r#"{"hello":"world"}"#,
            "sha-256=:k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=:",
            "rR0wOVdWbF8Ks74RGF5F4RK+XCw8Tfo/o3m6ByDHvCivvFv96cu3G5Q6YuFh+i+KdS8JKmR63nLGKc4nRN0/Kw==",
        ),
        (
            "GET",
            "",
            "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
            "kqTyvWIqT/VROIT6cVYGvZolKuVXHQagsKIbmhsvjciqYmSpQ5/ffC6+iFJjf6pZ3AQ/ejIUIF/L2ZH/IomD6A==",
        ),
    ];
    for (method, body, digest, signature) in vectors {
        let send = |world: &mut World, body: &str| {
            world.body = body.as_bytes().to_vec();
            let mut request = crate::testing::request(
                method,
                THINGS,
                &[
                    ("X-Fingerprint", fingerprint),
                    ("Content-Digest", digest),
                    (
                        "Signature-Input",
                        r#"sig77=("@method" "content-digest");created=1700000000;alg="ecdsa-p256-sha256""#,
                    ),
                    ("Signature", &format!("sig77=:{signature}:")),
                ],
            );
            request.has_body = !body.is_empty();
            world.code(request)
        };
        assert_eq!(send(&mut world, "another"), "digest_mismatch");
        assert_eq!(send(&mut world, body), "forward");
        assert_eq!(send(&mut world, body), "replayed");
    }
}
