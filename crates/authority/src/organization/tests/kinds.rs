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
