//! Kinds that a profile declares no more, or declares otherwise, and the tokens that had them.

use serde_json::{Value as Json, json};
use symbolon::protocol::RecordState;

use super::world::World;

/// The default profile with a kind more.
fn with_extra(freshness: &str) -> String {
    let usual = symbolon::policy::builtin("symbolon").unwrap();
    format!(
        r#"{usual}
[kinds.extra]
title = "Extra"
description = "A kind that comes and goes"
prefix = "sym_ext_"
proofs = ["bearer"]
owner = "organization"
ceiling = "everything"
freshness = "{freshness}"
grants = {{ scopes = ["read"], needed = "scopes" }}
access = {{ create = ["owner"], see = ["owner"], manage = ["owner"] }}
rotate = {{ max_grace_seconds = 60 }}
"#
    )
}

fn put(world: &mut World, secret: &str, profile: &str) -> Json {
    let (status, answer) = world.http(secret, "PUT", "/v1/profile", &json!({ "profile": profile }));
    assert_eq!(status, 200, "{answer}");
    answer
}

#[test]
fn a_revoked_token_whose_kind_is_gone_stays_revoked_and_keeps_nothing_back() {
    let (mut world, secret) = World::founded(&with_extra("immediate"));
    let body = json!({"kind": "extra", "name": "x", "scopes": ["read"]});
    let (token, old) = world.create(&secret, &body);
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    assert_eq!(world.http(&secret, "DELETE", &path, &json!(null)).0, 200);
    put(&mut world, &secret, "symbolon");
    let record = world.record(&old).unwrap();
    assert_eq!(record.state, RecordState::Revoked);
    assert!(!record.permits(&"api:read".parse().unwrap(), None));
    // Whoever asks again is answered as before; so is whoever looks.
    let (status, again) = world.http(&secret, "DELETE", &path, &json!(null));
    assert_eq!((status, &again["status"]), (200, &json!("revoked")), "{again}");
    assert_eq!(world.http(&secret, "GET", &path, &json!(null)).1["kind"], "extra");
    let list = world.http(&secret, "GET", "/v1/tokens?status=revoked", &json!(null)).1;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let (_, viewer) = world.create(&secret, &json!({"kind": "key", "name": "v", "role": "viewer"}));
    assert_eq!(world.http(&viewer, "GET", &path, &json!(null)).0, 404);
    assert_eq!(world.http(&old, "GET", "/v1/whoami", &json!(null)).1["code"], "revoked");
    // The directory is told of it, and of all that changes after it.
    world.create(&secret, &json!({"kind": "pat", "name": "y", "scopes": ["read"]}));
    world.pass(600_000);
    world.check_invariants();
}

#[test]
fn nobody_says_when_a_change_holds_of_a_token_whose_kind_was_eventual_once() {
    let (mut world, secret) = World::founded("symbolon");
    let says_when = |answer: &Json| {
        let at = answer.as_object().unwrap().get("holds_everywhere_at").expect("it is told");
        assert!(at.is_string() || at.is_null(), "{answer}");
        at.is_string()
    };
    assert!(!says_when(&put(&mut world, &secret, &with_extra("eventual"))), "from here on the directory is believed");
    let body = json!({"kind": "extra", "name": "x", "scopes": ["read"]});
    let (old, _) = world.create(&secret, &body);
    assert!(!says_when(&put(&mut world, &secret, &with_extra("immediate"))));
    let (new, _) = world.create(&secret, &body);
    let mut end = |token: &Json| {
        let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
        world.http(&secret, "DELETE", &path, &json!(null)).1
    };
    // The directory may give the record of before at any time, which says itself that it need not be confirmed.
    assert!(!says_when(&end(&old)));
    assert!(says_when(&end(&new)), "of this one it never had such a record");
    assert!(says_when(&put(&mut world, &secret, "symbolon")), "none of them lives");
    world.pass(600_000);
    world.check_invariants();
}

#[test]
fn nobody_says_when_a_member_is_stopped_whose_tokens_were_eventual_once() {
    let usual = symbolon::policy::builtin("symbolon").unwrap();
    let (mut world, secret) =
        World::founded(&usual.replace("[kinds.pat]\n", "[kinds.pat]\nfreshness = \"eventual\"\n"));
    put(&mut world, &secret, "symbolon");
    let (_, members) = world.http(&secret, "GET", "/v1/members", &json!(null));
    let path = format!("/v1/members/{}", members["items"][0]["id"].as_str().unwrap());
    let (status, edited) = world.http(&secret, "PATCH", &path, &json!({"name": "Another"}));
    assert_eq!((status, &edited["holds_everywhere_at"]), (200, &json!(null)));
    let body = json!({"name": "M", "email": "m@example.com", "role": "viewer"});
    let other = world.http(&secret, "POST", "/v1/members", &body).1;
    let path = format!("/v1/members/{}", other["id"].as_str().unwrap());
    assert!(world.http(&secret, "PATCH", &path, &json!({"status": "suspended"})).1["holds_everywhere_at"].is_string());
}

#[test]
fn a_row_that_cannot_be_made_keeps_no_other_back() {
    let (mut world, secret) = World::founded(&with_extra("immediate"));
    let (token, _) = world.create(&secret, &json!({"kind": "extra", "name": "x", "scopes": ["read"]}));
    world.pass(120_000);
    // What cannot be: a live token of a kind that there is not.
    world.store_execute(&format!("UPDATE token SET kind = 'none' WHERE id = '{}'", token["id"].as_str().unwrap()));
    world.store_execute("INSERT INTO outbox (key, token, version, due_at) SELECT key, token, 1, 0 FROM credential");
    let (_, made) = world.create(&secret, &json!({"kind": "pat", "name": "y", "scopes": ["read"]}));
    world.pass(600_000);
    let digest = symbolon::token::Digest::of(&made).to_string();
    assert!(world.directory.keys().any(|key| key.contains(&digest)), "{:?}", world.directory.keys());
    let left = crate::store::Store::execute(world.store, "SELECT token FROM outbox", &[]).unwrap();
    assert_eq!(left.len(), 1, "it alone waits");
}
