//! The session's cookie: where it counts, and what it takes besides.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::json;
use symbolon::id::MemberId;
use symbolon::protocol::session::{Challenge, Purpose, SignIn, UserHandle, csrf_token};
use symbolon::token::{Digest, Format, SecretFormat};

use crate::GateRequest;
use crate::testing::{GATEWAY, MANAGEMENT, World, bearer, known, organization, request, token};

fn session() -> String {
    let format = Format::new("sym_ses_", SecretFormat::Native).unwrap();
    format.generate(&organization(), &known().secret, &[9; 64]).unwrap().expose().to_owned()
}

/// A world that has the session beside the token.
fn world() -> World {
    let mut world = World::new();
    let digest = Digest::of(session());
    world.sessions.insert(digest);
    let mut record = world.records[0].clone();
    record.proofs =
        vec![symbolon::protocol::Proof { kind: symbolon::protocol::ProofKind::Bearer { digest }, until: None }];
    record.rules.headers = Vec::new();
    record.rules.counts = Vec::new();
    world.records.push(record);
    world
}

fn with_cookie(method: &str, path: &str, more: &[(&str, &str)]) -> GateRequest {
    let cookie = format!("a=1; __Host-symbolon={}; b=2", session());
    let headers: Vec<(&str, &str)> = [("Cookie", cookie.as_str())].into_iter().chain(more.iter().copied()).collect();
    request(method, &format!("{MANAGEMENT}{path}"), &headers)
}

#[test]
fn the_cookie_is_a_credential_on_management_hosts_alone() {
    let mut world = world();
    assert_eq!(world.code(with_cookie("GET", "/v1/whoami", &[])), "ok");
    assert_eq!(world.calls, ["organization", "organization"], "asked for each time");
    assert_eq!(world.code(with_cookie("GET", "/v1/whoami", &[])), "ok");
    assert_eq!(world.calls, ["organization", "organization"], "asked for each time");
    let cookie = format!("__Host-symbolon={}", session());
    let gateway = request("GET", &format!("{GATEWAY}/things"), &[("cookie", &cookie)]);
    assert_eq!(world.code(gateway), "missing_credential");
    for (name, value) in [("authorization", format!("Bearer {}", session())), ("x-api-key", session())] {
        let call = request("GET", &format!("{MANAGEMENT}/v1/whoami"), &[(name, &value)]);
        assert_eq!(world.code(call), "unknown_token", "{name}");
    }
    let cookie = format!("__Host-symbolon={}", token());
    let call = request("GET", &format!("{MANAGEMENT}/v1/whoami"), &[("cookie", &cookie)]);
    assert_eq!(world.code(call), "malformed_credential", "a token is none");
    let twice = [("cookie", &*format!("__Host-symbolon={0}; __Host-symbolon={0}", session()))];
    assert_eq!(world.code(request("GET", &format!("{MANAGEMENT}/v1/whoami"), &twice)), "malformed_credential");
    world.sessions.clear();
    assert_eq!(world.code(with_cookie("GET", "/v1/whoami", &[])), "unknown_token");
}

#[test]
fn a_verification_knows_no_session() {
    let mut world = world();
    world.body = json!({ "credential": session() }).to_string().into_bytes();
    let mut call = bearer("POST", &format!("{MANAGEMENT}/v1/verify"));
    call.has_body = true;
    call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let (status, verdict) = world.respond(call);
    assert_eq!((status, &verdict["code"]), (200, &json!("unknown_token")));
}

#[test]
fn what_changes_something_must_come_from_a_page_of_ours() {
    let mut world = world();
    let csrf = csrf_token(&Digest::of(session()));
    let other = csrf_token(&Digest::of("other"));
    let good: &[(&str, &str)] =
        &[("origin", MANAGEMENT), ("sec-fetch-site", "same-origin"), ("x-symbolon-csrf", &csrf)];
    for method in ["POST", "PATCH", "DELETE"] {
        let path = if method == "POST" { "/v1/tokens" } else { "/v1/tokens/x" };
        assert_eq!(world.code(with_cookie(method, path, good)), "ok");
        assert_eq!(world.code(with_cookie(method, path, &[good[0], good[2]])), "ok", "an older browser");
        let forged: &[&[(&str, &str)]] = &[
            &[],
            &[good[0], good[1]],
            &[good[1], good[2]],
            &[("origin", "https://evil.example"), good[1], good[2]],
            &[("origin", "null"), good[1], good[2]],
            &[("origin", "http://tokens.example"), good[2]],
            &[good[0], good[0], good[2]],
            &[good[0], ("sec-fetch-site", "cross-site"), good[2]],
            &[good[0], ("sec-fetch-site", "same-site"), good[2]],
            &[good[0], ("sec-fetch-site", "none"), good[2]],
            &[good[0], good[1], ("x-symbolon-csrf", &other)],
            &[good[0], good[1], ("x-symbolon-csrf", "")],
        ];
        for headers in forged {
            let (status, problem) = world.respond(with_cookie(method, path, headers));
            assert_eq!((status, &problem["required"]), (403, &json!("session:same-origin")), "{headers:?}");
            assert!(world.calls.is_empty(), "nobody was asked");
        }
    }
}

#[test]
fn a_token_beside_the_cookie_is_what_counts() {
    let mut world = world();
    let bearer = format!("Bearer {}", token());
    // Without any sign of its page: the cookie is not what was taken.
    assert_eq!(world.code(with_cookie("POST", "/v1/tokens", &[("authorization", &bearer)])), "ok");
    let refused = with_cookie("GET", "/v1/whoami", &[("authorization", "Bearer nobodys")]);
    assert_eq!(world.code(refused), "malformed_credential");
}

fn with_json(world: &mut World, path: &str, body: &serde_json::Value, headers: &[(&str, &str)]) -> GateRequest {
    world.body = body.to_string().into_bytes();
    let mut call = request("POST", &format!("{MANAGEMENT}{path}"), headers);
    call.has_body = true;
    call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    call
}

#[test]
fn options_ask_nobody_and_make_challenges_of_ours() {
    let mut world = world();
    let call = with_json(&mut world, "/v1/sessions/options", &json!({}), &[]);
    let (status, first) = world.respond(call.clone());
    assert_eq!((status, world.calls.as_slice()), (200, &["body".to_owned()][..]));
    assert_eq!(first["public_key"]["rpId"], "tokens.example");
    assert_eq!(first["public_key"]["userVerification"], "required");
    assert_eq!(first["challenge_id"], first["public_key"]["challenge"]);
    let challenge = first["challenge_id"].as_str().unwrap();
    assert!(Challenge::check(&known().secret, Purpose::SignIn, world.now, challenge).is_ok());
    assert_ne!(world.respond(call).1["challenge_id"], first["challenge_id"]);
}

#[test]
fn a_sign_in_goes_where_its_passkey_belongs() {
    let mut world = world();
    let handle = UserHandle { organization: organization(), member: MemberId::from_bytes([1; 16]) };
    let handle = handle.encode();
    let body = |handle: &str| json!({ "credential": { "response": { "userHandle": handle } } });
    let same = [("origin", MANAGEMENT)];
    let mut call = with_json(&mut world, "/v1/sessions", &body(&handle), &same);
    call.headers.push(("cookie".to_owned(), format!("__Host-symbolon={}", session())));
    let (status, carried) = world.respond(call);
    let carried: SignIn = serde_json::from_value(carried).unwrap();
    assert_eq!((status, carried.replaces), (201, Some(Digest::of(session()))), "the session that was there ends");
    for made_up in [Base64UrlUnpadded::encode_string(&[b'A'; 24]), Base64UrlUnpadded::encode_string(&[b'-'; 22])] {
        let call = with_json(&mut world, "/v1/sessions", &body(&made_up), &same);
        assert_eq!(world.code(call), "unknown_token");
        assert_eq!(world.calls, ["body"], "no authority was asked for what names none");
    }
    for headers in [&[][..], &[("origin", "https://evil.example")], &[same[0], ("sec-fetch-site", "cross-site")]] {
        let call = with_json(&mut world, "/v1/sessions", &body(&handle), headers);
        assert_eq!(world.code(call), "insufficient_permission", "nobody is signed in by another site");
    }
}

#[test]
fn a_recovery_goes_to_the_organisation_that_it_names() {
    let mut world = world();
    let same = [("origin", MANAGEMENT)];
    let call = with_json(&mut world, "/v1/sessions/recover", &json!({ "organization": "acme" }), &same);
    assert_eq!(world.respond(call).0, 201);
    assert_eq!(world.calls, ["body", "instance", "organization"]);
    let call = with_json(&mut world, "/v1/sessions/recover", &json!({ "organization": "other" }), &same);
    assert_eq!(world.code(call), "unknown_token");
    let call = with_json(&mut world, "/v1/sessions/recover", &json!({ "organization": "acme" }), &[]);
    assert_eq!(world.code(call), "insufficient_permission");
}
