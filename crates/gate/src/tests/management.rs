//! The management hosts: where calls lead, and what is refused on the way.

use symbolon::protocol::RecordState;
use symbolon::protocol::message::{InstanceCall, Manage};

use crate::testing::{MANAGEMENT, SETUP_CODE, World, bearer, request, signed, token};
use crate::{GateRequest, Outcome};

fn with_json(mut request: GateRequest) -> GateRequest {
    request.has_body = true;
    request.headers.push(("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()));
    request
}

#[test]
fn a_call_goes_to_the_authority_with_who_asks_and_what() {
    let mut world = World::new();
    world.body = br#"{"kind":"pat"}"#.to_vec();
    let mut call = with_json(bearer("POST", &format!("{MANAGEMENT}/v1/tokens?dry=1")));
    call.headers.push(("Idempotency-Key".to_owned(), "k".to_owned()));
    call.headers.push(("Cookie".to_owned(), "c".to_owned()));
    let (status, body) = world.respond(call);
    assert_eq!(
        (status, world.calls.as_slice()),
        (200, &["organization", "body", "organization"].map(str::to_owned)[..])
    );
    let manage: Manage = serde_json::from_value(body).unwrap();
    assert_eq!((manage.token, manage.signed), (world.records[0].token, false));
    let request = manage.request;
    assert_eq!(
        (request.method.as_str(), request.origin.as_str(), request.path.as_str()),
        ("POST", MANAGEMENT, "/v1/tokens")
    );
    assert_eq!((request.query.as_deref(), request.body.as_str()), (Some("dry=1"), r#"{"kind":"pat"}"#));
    assert_eq!(request.client.address.as_deref(), Some("192.0.2.1"));
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "idempotency-key"]);
}

#[test]
fn every_call_is_confirmed_by_its_authority() {
    let mut world = World::new();
    let whoami = || bearer("GET", &format!("{MANAGEMENT}/v1/whoami"));
    for _ in 0..2 {
        assert_eq!(world.code(whoami()), "ok");
        assert_eq!(world.calls, ["organization", "organization"]);
    }
    world.change(|record| record.state = RecordState::Revoked);
    assert_eq!(world.code(whoami()), "revoked");
    world.down.insert("organization");
    assert_eq!(world.code(whoami()), "authority_unavailable");
    assert_eq!(world.code(request("GET", &format!("{MANAGEMENT}/v1/whoami"), &[])), "missing_credential");
}

#[test]
fn the_instance_is_asked_for_what_is_the_instances() {
    let mut world = World::new();
    world.body = serde_json::json!({ "setup_code": SETUP_CODE }).to_string().into_bytes();
    let (_, body) = world.respond(with_json(request("POST", &format!("{MANAGEMENT}/v1/setup"), &[])));
    assert!(matches!(serde_json::from_value(body).unwrap(), InstanceCall::Setup { .. }));
    assert_eq!(world.calls, ["body", "instance"]);
    let (_, body) = world.respond(with_json(bearer("PUT", &format!("{MANAGEMENT}/v1/routes"))));
    let InstanceCall::Manage { token, effective, .. } = serde_json::from_value(body).unwrap() else { panic!() };
    assert_eq!((token, effective), (world.records[0].token, world.records[0].effective()));
    assert_eq!(world.code(request("POST", &format!("{MANAGEMENT}/v1/organizations"), &[])), "missing_credential");
}

#[test]
fn paths_and_methods_are_told_apart() {
    for (method, path, code) in [
        ("GET", "/healthz", "ok"),
        ("HEAD", "/healthz", "ok"),
        ("POST", "/healthz", "method_not_allowed"),
        ("GET", "/v1/nothing", "not_found"),
        ("GET", "/v1/", "not_found"),
        ("GET", "/v1/tokens/", "not_found"),
        ("GET", "/v1/tokens/x/y", "not_found"),
        ("GET", "/v1/setup", "method_not_allowed"),
        ("HEAD", "/v1/setup", "method_not_allowed"),
        ("HEAD", "/v1/tokens", "ok"),
        ("HEAD", "/v1/routes", "ok"),
        ("HEAD", "/api/v1/pats/", "ok"),
        ("GET", "/v1/invitations", "ok"),
        ("PUT", "/v1/tokens", "method_not_allowed"),
        ("DELETE", "/v1/tokens/x", "ok"),
        ("GET", "/things", "asset"),
        ("GET", "/assets/index-0a1b.js", "asset"),
        ("GET", "/", "console"),
        ("HEAD", "/setup", "console"),
        ("GET", "/login", "console"),
        ("GET", "/tokens/0198", "console"),
        ("GET", "/invitations/0198", "console"),
        ("GET", "/tokens/", "asset"),
        ("GET", "/tokens/x/y", "asset"),
        ("GET", "/members/x", "asset"),
        ("POST", "/setup", "not_found"),
        ("POST", "/", "not_found"),
        ("GET", "/oauth/token", "method_not_allowed"),
        ("GET", "/oauth/nothing", "not_found"),
        ("GET", "/v1/device", "ok"),
        ("POST", "/v1/device/deny", "ok"),
        ("GET", "/v1/invitations/x/accept", "method_not_allowed"),
    ] {
        assert_eq!(World::new().code(bearer(method, &format!("{MANAGEMENT}{path}"))), code, "{method} {path}");
    }
    let Outcome::Respond(response) = World::new().handle(bearer("PUT", &format!("{MANAGEMENT}/v1/tokens"))) else {
        panic!()
    };
    assert!(response.headers.contains(&("allow".to_owned(), "GET, HEAD, POST".to_owned())));
}

#[test]
fn what_head_asks_for_is_asked_for_as_get() {
    let mut world = World::new();
    for method in ["GET", "HEAD"] {
        let (_, body) = world.respond(bearer(method, &format!("{MANAGEMENT}/v1/tokens?limit=1")));
        let manage: Manage = serde_json::from_value(body).unwrap();
        assert_eq!((manage.request.method.as_str(), manage.request.query.as_deref()), ("GET", Some("limit=1")));
    }
}

#[test]
fn a_body_is_json_and_bounded() {
    let tokens = format!("{MANAGEMENT}/v1/tokens");
    let mut world = World::new();
    world.body = b"kind=pat".to_vec();
    let mut form = bearer("POST", &tokens);
    form.has_body = true;
    assert_eq!(world.code(form.clone()), "invalid_request");
    form.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    assert_eq!(world.code(form), "invalid_request");
    world.body = vec![0xff];
    assert_eq!(world.code(with_json(bearer("POST", &tokens))), "invalid_request");
    world.body = vec![b' '; 256 * 1024 + 1];
    assert_eq!(world.code(with_json(bearer("POST", &tokens))), "too_large");
    assert_eq!(world.code(with_json(bearer("POST", &format!("{tokens}/import")))), "ok");
    // Whoever may not call is not read.
    assert_eq!(world.code(with_json(request("POST", &tokens, &[]))), "missing_credential");
    assert_eq!(world.calls, Vec::<String>::new());
}

#[test]
fn a_key_ends_its_own_token_in_whatever_state() {
    let url = format!("{MANAGEMENT}/v1/tokens/revoke-by-key");
    for state in [RecordState::Active, RecordState::Inactive, RecordState::OwnerSuspended, RecordState::Revoked] {
        let mut world = World::with(|record| {
            record.state = state;
            record.passphrase = Some("a hash".to_owned());
        });
        let (status, body) = world.respond(signed("POST", &url, None, "n"));
        let manage: Manage = serde_json::from_value(body).unwrap();
        assert_eq!((status, manage.signed), (200, true), "{state:?}");
    }
    assert_eq!(World::new().code(bearer("POST", &url)), "signature_invalid");
}

#[test]
fn what_ends_a_token_is_accepted_once() {
    let mut world = World::with(|record| record.state = RecordState::Revoked);
    let call = signed("POST", &format!("{MANAGEMENT}/v1/tokens/revoke-by-key"), None, "n");
    assert_eq!(world.code(call.clone()), "ok");
    assert_eq!(world.code(call), "replayed");
}

#[test]
fn a_passphrase_is_hashed_here_when_the_authority_asks_for_it() {
    use argon2::{Argon2, PasswordVerifier as _};
    let mut world = World::new();
    let tokens = format!("{MANAGEMENT}/v1/tokens");
    let hash = |world: &mut World, body: &str| {
        world.body = body.as_bytes().to_vec();
        let (status, body) = world.respond(with_json(bearer("POST", &tokens)));
        (status, serde_json::from_value::<Manage>(body).ok().and_then(|manage| manage.passphrase_hash))
    };
    // Not of its own accord, whatever is sent and wherever to.
    assert_eq!(hash(&mut world, r#"{"passphrase":"correct horse"}"#), (200, None));
    world.wants_hash = true;
    let (_, first) = hash(&mut world, r#"{"passphrase":"correct h\u006frse"}"#);
    let first = first.unwrap();
    assert_eq!(world.calls, ["organization", "body", "organization", "organization"]);
    assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
    assert!(Argon2::default().verify_password(b"correct horse", first.as_str()).is_ok());
    assert_ne!(hash(&mut world, r#"{"passphrase":"correct horse"}"#).1.unwrap(), first, "another salt");
    let long = format!(r#"{{"passphrase":"{}"}}"#, "x".repeat(10_000));
    for body in ["{}", r#"{"passphrase":null}"#, r#"{"passphrase":7}"#, "passphrase", &long] {
        assert_eq!(hash(&mut world, body), (500, None), "{body}");
    }
}

#[test]
fn an_invitation_leads_to_its_organisation_without_a_credential() {
    let mut world = World::new();
    let accept = || with_json(request("POST", &format!("{MANAGEMENT}/v1/invitations/x/accept"), &[]));
    world.body = serde_json::json!({"secret": token(), "name": "Zoë"}).to_string().into_bytes();
    assert_eq!(world.code(accept()), "ok");
    assert_eq!(world.calls, ["body", "organization"]);
    for bad in [r#"{"secret":"sym_inv_made_up"}"#, r#"{"secret":""}"#] {
        world.body = bad.as_bytes().to_vec();
        assert_eq!(world.code(accept()), "not_found");
        assert_eq!(world.calls, ["body"], "nobody is asked");
    }
    world.body = b"{}".to_vec();
    assert_eq!(world.code(accept()), "invalid_request");
}
