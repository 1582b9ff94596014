//! How tokens live on and end: rotation and its grace, regeneration, names used again, kinds that are never changed, and
//! profiles that living tokens need.

use serde_json::{Value as Json, json};
use symbolon::policy::builtin;

use super::call::Call;
use super::world::World;

fn id(token: &Json) -> String {
    token["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_grace_ends_with_the_report_of_the_new_secrets_first_use() {
    let (mut world, owner) = World::set_up(3, "symbolon");
    let (token, old) = world.create(&owner, &json!({"kind": "key", "name": "k", "scopes": ["read"]}));
    let path = format!("/v1/tokens/{}/rotate", id(&token));
    let (status, rotated) = world.post(&owner, &path, &json!({"grace_seconds": 3600}));
    assert_eq!((status, &rotated["token"]["id"]), (200, &token["id"]), "the same token: {rotated}");
    let new = rotated["secret"].as_str().unwrap().to_owned();
    // The old one's uses, also after the rotation, are no reason to end it.
    assert_eq!([world.code(0, &old), world.code(1, &old)], ["ok", "ok"]);
    world.background(0);
    world.background(1);
    assert_eq!(world.code(2, &old), "ok");
    assert_eq!(world.code(2, &new), "ok");
    world.background(2);
    for edge in 0..3 {
        assert_eq!([world.code(edge, &old), world.code(edge, &new)], ["unknown_token", "ok"], "edge {edge}");
    }
    let (_, log) = world.get(&owner, "/v1/activity?action=token.rotate_end");
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    // Unused, a grace ends by itself.
    let (_, again) = world.post(&owner, &path, &json!({"grace_seconds": 60}));
    world.pass(59_000);
    assert_eq!(world.code(0, &new), "ok");
    world.pass(2_000);
    assert_eq!(world.code(0, &new), "unknown_token");
    assert_eq!(world.code(0, again["secret"].as_str().unwrap()), "ok");
}

#[test]
fn a_regenerated_token_has_another_secret_and_end_and_the_old_one_stops_everywhere() {
    for (profile, body) in [
        ("symbolon", json!({"kind": "key", "name": "k", "scopes": ["read"]})),
        ("devtron", json!({"kind": "token", "name": "k-1", "role": "super_admin"})),
    ] {
        let (mut world, owner) = World::set_up(2, profile);
        let (token, old) = world.create(&owner, &body);
        assert_eq!([world.code(0, &old), world.code(1, &old)], ["ok", "ok"], "{profile}");
        let body = json!({"expires_at": "2027-02-01T00:00:00Z"});
        let (status, made) = world.post(&owner, &format!("/v1/tokens/{}/regenerate", id(&token)), &body);
        assert_eq!((status, &made["token"]["expires_at"]), (200, &body["expires_at"]), "{made}");
        for edge in [0, 1] {
            assert_eq!(world.code(edge, &old), "unknown_token", "{profile}");
            assert_eq!(world.code(edge, made["secret"].as_str().unwrap()), "ok", "{profile}");
        }
    }
}

#[test]
fn a_name_that_is_used_again_revives_nothing() {
    for (profile, body) in [
        ("symbolon", json!({"kind": "pat", "name": "ci", "scopes": ["read"]})),
        ("devtron", json!({"kind": "token", "name": "ci1", "role": "super_admin"})),
        ("harborguard", json!({"kind": "key", "name": "ci", "role": "viewer"})),
    ] {
        let (mut world, owner) = World::set_up(2, profile);
        let (first, old) = world.create(&owner, &body);
        assert_eq!(world.delete(&owner, &format!("/v1/tokens/{}", id(&first))).0, 200);
        let (second, new) = world.create(&owner, &body);
        assert!(first["id"] != second["id"] && old != new);
        for edge in [0, 1] {
            assert_eq!([world.code(edge, &old), world.code(edge, &new)], ["revoked", "ok"], "{profile}");
        }
        let patched = world.patch(&owner, &format!("/v1/tokens/{}", id(&first)), &json!({"active": true}));
        assert_ne!(patched.0, 200, "{profile}: nothing brings it back");
    }
}

#[test]
fn kinds_without_edits_are_only_replaced() {
    let (mut world, owner) = World::set_up(1, "devpilot");
    let body = json!({"kind": "access_token", "name": "deploys", "scopes": ["basic_deployment"]});
    let (token, secret) = world.create(&owner, &body);
    let path = format!("/v1/tokens/{}", id(&token));
    for change in [
        json!({"name": "another"}),
        json!({"scopes": ["all"]}),
        json!({"active": false}),
        json!({"expires_at": "2027-02-01T00:00:00Z"}),
        json!({"passphrase": "eight888"}),
    ] {
        let (status, refused) = world.patch(&owner, &path, &change);
        assert_eq!(refused["code"], "not_editable", "{status} {change}");
    }
    for renewal in ["rotate", "regenerate"] {
        let (status, refused) = world.post(&owner, &format!("{path}/{renewal}"), &json!({}));
        assert_eq!(refused["code"], "not_editable", "{status} {renewal}");
    }
    let (_, shown) = world.get(&owner, &path);
    assert_eq!([&shown["name"], &shown["scopes"]], [&token["name"], &token["scopes"]]);
    assert_eq!(world.code(0, &secret), "ok");
}

#[test]
fn a_profile_that_would_break_living_tokens_is_refused_with_their_list() {
    let (mut world, owner) = World::set_up(1, "symbolon");
    let (reader, _) = world.create(&owner, &json!({"kind": "pat", "name": "reader", "scopes": ["verify"]}));
    let (ended, _) = world.create(&owner, &json!({"kind": "key", "name": "ended", "scopes": ["verify"]}));
    assert_eq!(world.delete(&owner, &format!("/v1/tokens/{}", id(&ended))).0, 200);
    let text = builtin("semgrep").unwrap();
    let replace = Call::new("PUT", "/v1/profile").bearer(&owner).json(&json!({"profile": text}));
    let (status, refused) = world.send(0, replace);
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")), "{refused}");
    let named = refused["errors"].to_string();
    assert!(named.contains(&id(&reader)), "the one that lives: {named}");
    assert!(!named.contains(&id(&ended)), "and not the one that ended: {named}");
    assert_eq!(world.get(&owner, "/v1/profile").1["name"], "symbolon");
}
