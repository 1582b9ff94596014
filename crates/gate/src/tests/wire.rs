//! The paths of other systems.

use serde_json::{Value, json};
use symbolon::protocol::message::{Lookup, Manage};
use symbolon::signature::{Component, Parameter, SignSpec};

use crate::GateRequest;
use crate::testing::{MANAGEMENT, NOW, World, bearer, private_key, request, signed_with};

fn managed(world: &mut World, request: GateRequest) -> Manage {
    let (status, body) = world.respond(request);
    assert_eq!(status, 200, "{body}");
    serde_json::from_value(body).unwrap()
}

#[test]
fn calls_go_to_the_authority_as_they_came() {
    let mut world = World::new();
    for (method, path) in [
        ("GET", "/api/v1/pats/"),
        ("POST", "/api/v1/pats"),
        ("DELETE", "/api/v1/pats/x/"),
        ("GET", "/api/v1/whoami/"),
        ("POST", "/api/personal-access-tokens"),
        ("DELETE", "/api/api-keys/x"),
        ("GET", "/api/agent/deployments/current"),
        ("GET", "/api/agent/identity"),
        ("GET", "/orchestrator/api-token"),
        ("PUT", "/orchestrator/api-token/7"),
    ] {
        let manage = managed(&mut world, bearer(method, &format!("{MANAGEMENT}{path}")));
        assert_eq!((manage.request.method.as_str(), manage.request.path.as_str()), (method, path));
    }
    for (method, path) in [("PUT", "/api/v1/pats/x"), ("POST", "/api/v1/whoami"), ("DELETE", "/orchestrator/api-token")]
    {
        assert_eq!(world.respond(bearer(method, &format!("{MANAGEMENT}{path}"))).0, 405, "{method} {path}");
    }
}

#[test]
fn a_refusal_has_the_form_of_the_path() {
    let mut world = World::new();
    let refused = |world: &mut World, path: &str| world.respond(request("GET", &format!("{MANAGEMENT}{path}"), &[]));
    let (status, body) = refused(&mut world, "/api/api-keys");
    assert_eq!((status, &body["error"]["code"]), (401, &json!("UNAUTHORIZED")));
    let (status, body) = refused(&mut world, "/orchestrator/api-token");
    assert_eq!((status, &body["code"], &body["errors"][0]["code"]), (401, &json!(401), &json!("missing_credential")));
    let (status, body) = refused(&mut world, "/api/v1/pats");
    assert_eq!((status, &body["code"]), (401, &json!("missing_credential")));
}

/// A request as DevGuard's client signs it.
fn sig77(method: &str, path: &str, body: &str, fingerprint: Option<&str>) -> GateRequest {
    let mut request = signed_with(method, &format!("{MANAGEMENT}{path}"), Some(body), |_, _| SignSpec {
        label: "sig77".to_owned(),
        components: vec![Component::named("@method").unwrap(), Component::named("content-digest").unwrap()],
        parameters: vec![Parameter::Created(NOW.as_seconds()), Parameter::Alg("ecdsa-p256-sha256".to_owned())],
    });
    request.headers.extend(fingerprint.map(|text| ("X-Fingerprint".to_owned(), text.to_owned())));
    request
}

/// A world whose key is DevGuard's kind.
fn devguard() -> World {
    let mut world = World::with(|record| {
        record.rules.signature = symbolon::policy::Profile::parse(symbolon::policy::builtin("devguard").unwrap())
            .unwrap()
            .kind("pat")
            .unwrap()
            .signature
            .clone();
    });
    world.place(&Lookup::Alias(private_key().public_key().fingerprint().to_string()));
    world
}

#[test]
fn a_request_signed_as_devguards_client_signs_is_accepted_once() {
    let mut world = devguard();
    let fingerprint = private_key().public_key().fingerprint().to_string();
    let call = sig77("POST", "/api/v1/pats/", "{}", Some(&fingerprint));
    world.body = b"{}".to_vec();
    assert!(managed(&mut world, call.clone()).signed);
    assert_eq!(world.code(call), "replayed");
    assert_eq!(world.code(sig77("POST", "/v1/tokens", "{}", Some(&fingerprint))), "signature_invalid", "native alone");
    assert_eq!(world.code(sig77("GET", "/api/v1/pats/", "{}", None)), "unknown_token", "the instance's administrator");
}

#[test]
fn a_request_that_names_no_key_is_of_the_key_that_is_configured() {
    let mut world = devguard();
    world.body = b"{}".to_vec();
    let key = private_key().public_key();
    let nobody = symbolon::key::PrivateKey::from_hex(&"05".repeat(32)).unwrap().public_key();
    for (admin, expected) in [(None, "unknown_token"), (Some(nobody), "unknown_token"), (Some(key), "")] {
        world.gate = crate::testing::gate_of(1, admin);
        if expected.is_empty() {
            assert!(managed(&mut world, sig77("POST", "/api/v1/pats/", "{}", None)).signed);
            assert_eq!(world.code(sig77("POST", "/api/v1/pats/", "{}", None)), "replayed");
            // What is named, be it wrongly, is not the administrator.
            let strange = sig77("POST", "/api/v1/pats/", "{}", Some("no fingerprint"));
            assert_eq!(world.code(strange), "signature_invalid");
            assert_eq!(world.code(sig77("POST", "/v1/tokens", "{}", None)), "signature_invalid", "native alone");
        } else {
            assert_eq!(world.code(sig77("POST", "/api/v1/pats/", "{}", None)), expected);
        }
    }
}

#[test]
fn a_private_key_that_is_posted_goes_no_further() {
    let post = |world: &mut World, body: Value| {
        world.body = body.to_string().into_bytes();
        let mut call = request("POST", &format!("{MANAGEMENT}/api/v1/pats/revoke-by-private-key/"), &[]);
        call.has_body = true;
        call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        world.respond(call)
    };
    let mut world = World::new();
    world.place(&Lookup::Thumbprint(private_key().public_key().thumbprint()));
    let hex = private_key().to_hex();
    let (status, body) = post(&mut world, json!({"privkey": *hex}));
    let manage: Manage = serde_json::from_value(body).unwrap();
    assert_eq!((status, manage.token, manage.signed), (200, world.records[0].token, true));
    assert_eq!((manage.request.body.as_str(), manage.request.query), ("", None));
    for call in &world.managed {
        assert!(!serde_json::to_string(call).unwrap().contains(&*hex));
    }
    assert_eq!(post(&mut world, json!({"privkey": "02".repeat(32)})).0, 401);
    for bad in [json!({}), json!({"privkey": ""}), json!({"privkey": "zz"}), json!({"privkey": "0".repeat(64)})] {
        let (status, body) = post(&mut world, bad);
        assert_eq!((status, &body["code"]), (400, &json!("invalid_request")));
    }
}
