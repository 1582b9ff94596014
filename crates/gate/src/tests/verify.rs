//! `POST /v1/verify`.

use serde_json::{Value, json};
use symbolon::policy::Freshness;
use symbolon::protocol::message::Lookup;
use symbolon::protocol::{Owner, Proof, ProofKind, Record, RecordState, directory};
use symbolon::signature::BodyDigests;
use symbolon::token::Digest;

use crate::testing::{self, MANAGEMENT, World, bearer, grants, record, signed, token_id, token_of};
use crate::{GateRequest, Outcome};

fn shown() -> String {
    token_of(testing::organization(), 9)
}

/// A world with a second token of the same organisation: the one that is shown.
fn world(change: impl FnOnce(&mut Record)) -> World {
    let mut world = World::new();
    let mut other = record();
    other.token = token_id(2);
    other.granted = grants(&["api:read"]);
    other.owner = Owner::Member {
        id: "01890000-0000-7000-8000-000000000001".parse().unwrap(),
        name: "Zoë".to_owned(),
        email: "zoe@a.example".to_owned(),
    };
    other.proofs = vec![Proof { kind: ProofKind::Bearer { digest: Digest::of(shown()) }, until: None }];
    change(&mut other);
    world.records.push(other);
    world
}

fn ask(world: &mut World, question: &Value) -> (u16, Value) {
    world.body = question.to_string().into_bytes();
    world.respond(call())
}

fn call() -> GateRequest {
    let mut request = bearer("POST", &format!("{MANAGEMENT}/v1/verify"));
    request.has_body = true;
    request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    request
}

#[track_caller]
fn code(world: &mut World, question: &Value, expected: &str) {
    let (status, body) = ask(world, question);
    assert_eq!((status, body["code"].as_str().unwrap()), (200, expected), "{body}");
    assert_eq!(body["valid"], expected == "ok");
    assert_eq!(body["token"].is_null(), expected != "ok");
}

#[test]
fn a_good_credential_is_described() {
    let mut world = world(|_| {});
    let (status, body) = ask(&mut world, &json!({"credential": shown(), "require": ["api:read"]}));
    assert_eq!(status, 200);
    assert_eq!((&body["valid"], &body["code"]), (&json!(true), &json!("ok")));
    assert_eq!(body["token"]["id"], json!(token_id(2)));
    assert_eq!(body["principal"]["email"], "zoe@a.example");
    assert_eq!(body["organization"]["short_id"], "Acme42");
    assert_eq!(body["permissions"], json!(["api:read"]));
    world.body = json!({"credential": shown()}).to_string().into_bytes();
    let Outcome::Respond(response) = world.handle(call()) else { panic!() };
    let timing = response.headers.iter().find(|(name, _)| name == "server-timing").unwrap();
    assert_eq!(timing.1, "memory;dur=0, memory;dur=0");
    assert!(!response.body.contains(&shown()));
}

#[test]
fn the_answer_says_who_was_asked() {
    let timing = |world: &mut World, question: &Value| {
        world.body = question.to_string().into_bytes();
        let Outcome::Respond(response) = world.handle(call()) else { panic!() };
        let field = response.headers.iter().find(|(name, _)| name == "server-timing");
        field.unwrap().1.replace(";dur=0", "")
    };
    let shown = || shown();
    let mut world = world(|_| {});
    // First whoever asks is verified, then what they show.
    assert_eq!(timing(&mut world, &json!({"credential": shown()})), "authority, authority");
    assert_eq!(timing(&mut world, &json!({"credential": shown()})), "memory, memory");
    assert_eq!(timing(&mut world, &json!({"credential": shown(), "freshness": "strict"})), "memory, authority");
    // What is `eventual` goes by the directory alone, once an isolate knows that it is.
    let mut world = self::world(|_| {});
    for record in &mut world.records {
        record.rules.freshness = Freshness::Eventual;
    }
    for (record, secret) in world.records.iter().zip([testing::token(), shown()]) {
        let key = Lookup::Digest(Digest::of(&secret)).locator_key().unwrap();
        let row = directory::write(&testing::instance_secret(), &key, record).unwrap();
        world.directory.insert(key, row);
    }
    assert_eq!(timing(&mut world, &json!({"credential": shown()})), "authority, authority");
    world.now = world.now.plus_millis(10_000);
    assert_eq!(timing(&mut world, &json!({"credential": shown()})), "directory, directory");
    // A question may ask for more than the kind does.
    assert_eq!(timing(&mut world, &json!({"credential": shown(), "freshness": "strict"})), "directory, authority");
}

#[test]
fn a_bad_credential_has_its_code_and_no_more() {
    let question = json!({"credential": shown(), "require": ["api:read"]});
    code(&mut world(|_| {}), &question, "ok");
    code(&mut world(|record| record.state = RecordState::Revoked), &question, "revoked");
    code(&mut world(|record| record.granted = grants(&["a:b"])), &question, "insufficient_permission");
    code(&mut world(|record| record.proofs.clear()), &question, "unknown_token");
    code(&mut world(|_| {}), &json!({"credential": "nothing"}), "malformed_credential");
    code(&mut world(|record| record.passphrase = Some("a hash".to_owned())), &question, "passphrase_required");
    let wrong = json!({"credential": shown(), "passphrase": "x"});
    code(&mut world(|record| record.passphrase = Some("a hash".to_owned())), &wrong, "passphrase_wrong");
}

#[test]
fn another_organisations_token_is_unknown() {
    // One that names its organisation is not even asked about.
    let foreign = token_of("Other1".parse().unwrap(), 9);
    let mut world = world(|_| {});
    let mut other = record();
    other.short_id = "Other1".parse().unwrap();
    other.organization = "01890000-0000-7000-8000-0000000000bb".parse().unwrap();
    other.proofs = vec![Proof { kind: ProofKind::Bearer { digest: Digest::of(&foreign) }, until: None }];
    world.records.push(other);
    code(&mut world, &json!({"credential": foreign}), "unknown_token");
    assert_eq!(world.calls, ["organization", "body"], "the caller's own record, and no other");
}

#[test]
fn whoever_asks_needs_the_permission() {
    let question = json!({"credential": shown()});
    let mut world = world(|_| {});
    world.records[0].granted = grants(&["api:read", "tokens:*"]);
    let (status, body) = ask(&mut world, &question);
    assert_eq!(
        (status, &body["code"], &body["required"]),
        (403, &json!("insufficient_permission"), &json!("credentials:verify"))
    );
}

#[test]
fn a_question_that_cannot_be_read_is_refused_and_not_repeated() {
    let mut world = world(|_| {});
    for question in [
        json!({}),
        json!(["secret", null, null, [], null, null]),
        json!({"credential": "secret", "request": {"method": "GET", "url": "https://a.example/"}}),
        json!({"credential": 7}),
        json!({"credential": "secret", "require": ["not a permission"]}),
        json!({"credential": "secret", "freshness": "lax"}),
        json!({"credential": "secret", "what": 1}),
        json!({"credential": "secret", "require": vec!["a:b"; 33]}),
        json!({"credential": "secret", "passphrase": "a".repeat(2000)}),
        json!({"request": {"method": "GET", "url": "https://a.example/", "content_digest": "x"}}),
    ] {
        let (status, body) = ask(&mut world, &question);
        assert_eq!((status, &body["code"]), (400, &json!("invalid_request")), "{question}");
        assert!(!body.to_string().contains("secret"), "{body}");
    }
}

fn elsewhere(request: &GateRequest, digest: Option<&str>) -> Value {
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    json!({"request": {"method": request.method, "url": request.url, "headers": headers, "content_digest": digest}})
}

#[test]
fn a_request_that_was_received_elsewhere_is_verified() {
    let url = "https://resource.example/x?y";
    let mut world = world(|_| {});
    let bearer =
        json!({"request": {"method": "GET", "url": url, "headers": {"Authorization": format!("Bearer {}", shown())}}});
    code(&mut world, &bearer, "ok");
    code(&mut world, &json!({"request": {"method": "GET", "url": url}}), "missing_credential");
    code(&mut world, &elsewhere(&signed("GET", url, None, "n"), None), "ok");

    let digest = BodyDigests::sha256(b"{}").to_field();
    let post = || signed("POST", url, Some("{}"), "n");
    code(&mut world, &elsewhere(&post(), Some(&digest)), "ok");
    code(&mut world, &elsewhere(&post(), Some(&digest)), "replayed");
    let other = BodyDigests::sha256(b"[]").to_field();
    code(&mut world, &elsewhere(&post(), Some(&other)), "digest_mismatch");
    code(&mut world, &elsewhere(&post(), None), "digest_mismatch");
    // A body whose digest was not signed.
    code(&mut world, &elsewhere(&signed("POST", url, None, "m"), Some(&digest)), "signature_invalid");
    let mut moved = signed("GET", url, None, "n");
    moved.url = "https://resource.example/z".to_owned();
    code(&mut world, &elsewhere(&moved, None), "signature_invalid");
}

#[test]
fn it_may_ask_for_a_stricter_freshness_only() {
    let mut world = world(|_| {});
    ask(&mut world, &json!({"credential": shown()}));
    ask(&mut world, &json!({"credential": shown(), "freshness": "strict"}));
    assert_eq!(world.calls, ["body", "organization"]);
    ask(&mut world, &json!({"credential": shown(), "freshness": "eventual"}));
    assert_eq!(world.calls, ["body"]);
    world.down.insert("organization");
    let (status, body) = ask(&mut world, &json!({"credential": shown(), "freshness": "strict"}));
    assert_eq!((status, &body["code"]), (503, &json!("authority_unavailable")));
}
