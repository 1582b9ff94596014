//! What the instance asks of the organisation that was made by setup.

use serde_json::{Value as Json, json};
use symbolon::id::TokenId;
use symbolon::problem::Code;
use symbolon::protocol::message::{Authorize, Authorized, Client, InstanceAct, OrganizationCall};

use super::console::{self, sign_in};
use super::world::World;

fn ask(world: &mut World, token: TokenId, details: Json) -> Result<(), (Code, Option<String>)> {
    let client = Client { address: Some("192.0.2.7".to_owned()), user_agent: None };
    let call = OrganizationCall::Authorize(Authorize { token, act: InstanceAct::ReplaceRoutes, details, client });
    match serde_json::from_str(&world.call(&call)).unwrap() {
        Authorized::Granted => Ok(()),
        Authorized::Refused { problem } => Err((problem.code, problem.required)),
    }
}

fn written(world: &mut World, secret: &str) -> Vec<Json> {
    let (_, page) = world.http(secret, "GET", "/v1/activity?action=routes.replace", &json!(null));
    page["items"].as_array().unwrap().clone()
}

#[test]
fn what_is_done_to_the_instance_is_decided_and_written_down_here() {
    let (mut world, secret) = World::founded("symbolon");
    let owner = world.record(&secret).unwrap().token;
    assert_eq!(ask(&mut world, owner, json!({"routes": 3})), Ok(()));
    assert_eq!(ask(&mut world, owner, Json::Null), Ok(()), "nothing changes");
    let entries = written(&mut world, &secret);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["details"], json!({"routes": 3}));
    assert!(entries[0]["actor"]["member"].is_string() && entries[0]["actor"]["token"] == json!(owner));
    assert_eq!(entries[0]["address"], "192.0.2.7");

    let (made, reader) = world.create(&secret, &json!({"kind": "pat", "name": "r", "scopes": ["read"]}));
    let id = world.record(&reader).unwrap().token;
    let missing = Err((Code::InsufficientPermission, Some("routes:edit".to_owned())));
    assert_eq!(ask(&mut world, id, json!({})), missing);
    world.http(&secret, "DELETE", &format!("/v1/tokens/{}", made["id"].as_str().unwrap()), &json!(null));
    assert_eq!(ask(&mut world, id, json!({})), Err((Code::Revoked, None)));
    let nobodys = TokenId::new(world.now, &[9; 10]);
    assert_eq!(ask(&mut world, nobodys, json!({})), Err((Code::UnknownToken, None)));
    assert_eq!(written(&mut world, &secret).len(), 1);
}

#[test]
fn a_session_needs_a_fresh_passkey_for_it() {
    let (mut world, secret, mut passkey, _) = console::world();
    let session = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let id = console::record(&mut world, &session).unwrap().token;
    assert_eq!(ask(&mut world, id, json!({"routes": 1})), Ok(()));
    world.now = world.now.plus_seconds(300);
    let stale = Err((Code::InsufficientPermission, Some("session:fresh".to_owned())));
    assert_eq!(ask(&mut world, id, json!({"routes": 2})), stale);
    assert_eq!(written(&mut world, &secret).len(), 1);
}

/// What was done to the whole application by somebody who could read it alone: a table that opens all of it.
#[test]
fn routes_are_changed_by_whoever_has_all_that_they_could_open() {
    let (mut world, secret) = World::founded("symbolon");
    let mut key = |permissions: &[&str]| {
        let (_, key) = world.create(&secret, &json!({"kind": "key", "name": "r", "permissions": permissions}));
        let id = world.record(&key).unwrap().token;
        (ask(&mut world, id, json!({"routes": 1})), ask(&mut world, id, Json::Null))
    };
    let missing = |required: &str| Err((Code::InsufficientPermission, Some(required.to_owned())));
    assert_eq!(key(&["routes:edit"]), (missing("api:read"), Ok(())), "the same table again opens nothing");
    assert_eq!(key(&["routes:edit", "api:read"]).0, missing("api:write"));
    assert_eq!(key(&["api:read", "api:write"]).0, missing("routes:edit"));
    assert_eq!(key(&["routes:edit", "api:read", "api:write"]).0, Ok(()));
    assert_eq!(written(&mut world, &secret).len(), 1);
}

#[test]
fn the_first_token_of_every_profile_may_write_routes() {
    for name in symbolon::policy::BUILTIN_NAMES {
        let (mut world, secret) = World::founded(name);
        let owner = world.record(&secret).unwrap().token;
        assert_eq!(ask(&mut world, owner, json!({"routes": 1})), Ok(()), "{name}");
    }
}
