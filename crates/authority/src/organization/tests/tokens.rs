//! Founding, creation, reading, editing, revocation.

use serde_json::json;
use symbolon::problem::Code;
use symbolon::protocol::RecordState;
use symbolon::protocol::message::{Ask, Lookup, OrganizationCall};

use super::world::{World, found, request};

#[test]
fn a_field_that_is_there_twice_is_named() {
    let (mut world, secret) = World::founded("symbolon");
    let mut twice = request("POST", "/v1/tokens", &json!({"kind": "pat", "name": "a", "scopes": ["read"]}));
    twice.body = twice.body.replacen('{', "{\"name\": \"b\", ", 1);
    let id = world.begin_request(&secret, twice);
    let (status, problem) = world.response(id);
    assert_eq!((status, &problem["errors"]), (400, &json!([{"field": "name", "message": "is there twice"}])));
    let mut broken = request("POST", "/v1/tokens", &json!({}));
    broken.body = "{".to_owned();
    let id = world.begin_request(&secret, broken);
    assert!(world.response(id).1["detail"].as_str().unwrap().contains("not JSON (line 1"));
}

#[test]
fn an_object_that_nobody_founded_writes_nothing_and_knows_nothing() {
    let mut world = World::empty();
    assert!(world.record("sym_pat_x").is_none());
    assert!(!crate::organization::schema::exists(world.store).unwrap());
    assert_eq!((world.alarm, world.timers.len(), world.directory.len()), (None, 0, 0));
}

#[test]
fn founding_makes_an_owner_with_a_token_that_may_manage() {
    let (mut world, secret) = World::founded("symbolon");
    let (status, me) = world.http(&secret, "GET", "/v1/whoami", &json!(null));
    assert_eq!(status, 200, "{me}");
    assert_eq!(me["organization"]["slug"], "acme");
    assert_eq!(me["principal"]["type"], "member");
    assert_eq!(me["principal"]["email"], "ann@acme.example");
    assert_eq!(me["principal"]["role"], "owner");
    assert_eq!(me["token"]["status"], "active");
    let (made, second) = world.create(&secret, &json!({"kind": "pat", "name": "laptop", "scopes": ["read"]}));
    assert_eq!(made["owner"]["type"], "member");
    assert!(second.starts_with("sym_pat_Acme42"));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_lost_answer_to_founding_can_be_asked_for_until_the_token_was_used() {
    let (mut world, first) = World::founded("symbolon");
    let again = world.found(&found("symbolon")).unwrap();
    let second = again["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(world.record(&first).unwrap().bearer(&symbolon::token::Digest::of(&first), world.now).is_none());
    assert_eq!(world.http(&second, "GET", "/v1/whoami", &json!(null)).0, 200);
    assert_eq!(world.found(&found("symbolon")), Err(Code::Conflict));
    // Where an edge may believe in the former secret, the new one is told when none does.
    let (mut world, first) = World::founded("symbolon");
    let lookup = Some(Lookup::Digest(symbolon::token::Digest::of(&first)));
    world.ask(Ask { lookup, lease: true, ..Ask::default() });
    let call = world.begin(&OrganizationCall::Found(Box::new(found("symbolon"))));
    world.pass(2_400);
    assert!(!world.replies.contains_key(&call));
    world.pass(100);
    assert!(world.replies.remove(&call).unwrap().contains("secret"));
    let (mut world, _) = World::founded("symbolon");
    let other = symbolon::protocol::message::Found { owner_name: "Eve".into(), ..found("symbolon") };
    assert_eq!(world.found(&other), Err(Code::Conflict));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn every_built_in_profile_can_be_founded() {
    for profile in symbolon::policy::BUILTIN_NAMES {
        let (mut world, secret) = World::founded(profile);
        let (status, me) = world.http(&secret, "GET", "/v1/whoami", &json!(null));
        assert_eq!(status, 200, "{profile}: {me}");
        let (status, kinds) = world.http(&secret, "GET", "/v1/kinds", &json!(null));
        assert_eq!(status, 200, "{profile}: {kinds}");
        world.pass(120_000);
        world.check_invariants();
    }
}

#[test]
fn a_revoked_token_stays_readable_and_is_told_apart() {
    let (mut world, secret) = World::founded("symbolon");
    let (made, second) = world.create(&secret, &json!({"kind": "key", "name": "ci", "scopes": ["read"]}));
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    let (status, revoked) = world.http(&secret, "DELETE", &path, &json!(null));
    assert_eq!((status, &revoked["status"]), (200, &json!("revoked")));
    assert!(revoked["holds_everywhere_at"].is_string());
    assert_eq!(world.record(&second).unwrap().state, RecordState::Revoked);
    assert_eq!(world.http(&second, "GET", "/v1/whoami", &json!(null)).1["code"], "revoked");
    assert_eq!(world.http(&secret, "GET", &path, &json!(null)).1["status"], "revoked");
    assert_eq!(world.http(&secret, "DELETE", &path, &json!(null)).0, 200);
    world.pass(120_000);
    world.check_invariants();
}
