//! The calls of other systems as their clients send them.

use serde_json::{Value as Json, json};
use symbolon::protocol::message::{Manage, OrganizationCall};

use super::world::{World, request};

/// D2 of DevGuard's vectors: its public key and the fingerprint that its client sends.
const PUBLIC_KEY: &str = "b6739b6208dd8914008c35242fc947de5a9fda875a41ad5244771df0e7173516e2203d68f454cad8f076e1df22919573d0f42de66c1c79b60628f3459df25ac3";
const FINGERPRINT: &str = "16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380";

/// Somebody else in the organisation, with this role.
fn another(world: &mut World, owner: &str, role: &str) -> String {
    let body = json!({"email": "bob@acme.example", "role": role});
    let (status, invited) = world.http(owner, "POST", "/v1/invitations", &body);
    assert_eq!(status, 201, "{invited}");
    let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
    let body = json!({"secret": invited["secret"], "name": "Bob"});
    let id = world.begin(&OrganizationCall::AcceptInvitation { request: request("POST", &path, &body) });
    world.response(id).1["secret"].as_str().unwrap().to_owned()
}

#[test]
fn a_system_answers_for_its_own_profiles_alone() {
    for (path, profile) in [
        ("/api/v1/pats/", "devguard"),
        ("/api/v1/whoami", "devguard"),
        ("/api/personal-access-tokens", "harborguard"),
        ("/api/api-keys", "harborguard"),
        ("/api/agent/deployments/current", "semgrep"),
        ("/orchestrator/api-token", "devtron"),
    ] {
        for other in symbolon::policy::BUILTIN_NAMES {
            let (mut world, secret) = World::founded(other);
            let (status, answer) = world.http(&secret, "GET", path, &json!(null));
            assert_eq!(status, if *other == profile { 200 } else { 404 }, "{path} with {other}: {answer}");
        }
    }
}

#[test]
fn devguards_tokens_are_made_listed_and_deleted() {
    let (mut world, owner) = World::founded("devguard");
    let expiry = world.now.as_seconds() + 3600;
    let body = json!({"description": "scanner", "scopes": "scan manage", "expiryDateUnix": expiry});
    let (status, made) = world.http(&owner, "POST", "/api/v1/pats/", &body);
    assert_eq!(status, 200, "{made}");
    let secret = made["bearerToken"].as_str().unwrap().to_owned();
    assert!(secret.len() == 68 && secret.starts_with("dvg_"), "{secret}");
    assert_eq!((&made["description"], &made["scopes"]), (&json!("scanner"), &json!("manage scan")));
    assert_eq!((&made["expiryDateUnix"], &made["fingerprint"]), (&json!(expiry), &Json::Null));

    let list = world.http(&owner, "GET", "/api/v1/pats", &json!(null)).1;
    let listed = &list.as_array().unwrap()[0];
    assert_eq!((&listed["id"], &listed["bearerToken"]), (&made["id"], &Json::Null), "the secret is shown once");
    let me = world.http(&secret, "GET", "/api/v1/whoami/", &json!(null)).1;
    assert_eq!(me["actorType"], "user");

    let path = format!("/api/v1/pats/{}/", made["id"].as_str().unwrap());
    assert_eq!(world.http(&owner, "DELETE", &path, &json!(null)), (200, json!({})));
    assert_eq!(world.http(&secret, "GET", "/api/v1/whoami/", &json!(null)).1["code"], "revoked");
    assert_eq!(world.http(&owner, "DELETE", &path, &json!(null)).0, 404);
    assert_eq!(world.http(&owner, "DELETE", "/api/v1/pats/nothing/", &json!(null)).0, 404);
    let list = world.http(&owner, "GET", "/api/v1/pats/", &json!(null)).1;
    assert_eq!(list.as_array().unwrap().len(), 1, "what was deleted is not there any more");
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn devguards_rules_hold_in_its_own_form() {
    let (mut world, owner) = World::founded("devguard");
    let now = world.now.as_seconds();
    let good = json!({"description": "x", "scopes": "scan", "expiryDateUnix": now + 300});
    let with = |field: &str, value: Json| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("scopes", json!("")), "scopes"),
        (with("scopes", json!("scan everything")), "scopes"),
        (with("expiryDateUnix", json!(now)), "expiryDateUnix"),
        (with("expiryDateUnix", json!(now + 31_537_000)), "expiryDateUnix"),
        (with("expiryDateUnix", Json::Null), "expiryDateUnix"),
        (with("expiryDateUnix", json!("soon")), "expiryDateUnix"),
        (with("description", json!("")), "description"),
        (with("pubKey", json!("00")), "pubKey"),
    ] {
        let (status, problem) = world.http(&owner, "POST", "/api/v1/pats/", &body);
        assert_eq!(status, 400, "{body}");
        assert!(problem["errors"][0]["field"].as_str().unwrap().starts_with(field), "{body}: {problem}");
        world.now = world.now.plus_seconds(10);
    }
    let year = with("expiryDateUnix", json!(world.now.as_seconds() + 31_536_000));
    assert_eq!(world.http(&owner, "POST", "/api/v1/pats/", &year).0, 200);
    // All calls but whoami need `manage`.
    let (_, scan) = world
        .create(&owner, &json!({"kind": "pat", "name": "s", "scopes": ["scan"], "expires_at": "2027-06-01T00:00:00Z"}));
    assert_eq!(world.http(&scan, "POST", "/api/v1/pats/", &good).0, 403);
    assert_eq!(world.http(&scan, "GET", "/api/v1/pats/", &json!(null)).0, 403);
    assert_eq!(world.http(&scan, "GET", "/api/v1/whoami/", &json!(null)).0, 200);
    // Somebody else's is told apart from one that is not there.
    let member = another(&mut world, &owner, "member");
    let (status, mine) = world.http(&owner, "POST", "/api/v1/pats/", &with("expiryDateUnix", json!(now + 3600)));
    assert_eq!(status, 200, "{mine}");
    let path = format!("/api/v1/pats/{}/", mine["id"].as_str().unwrap());
    assert_eq!(world.http(&member, "DELETE", &path, &json!(null)).0, 403);
}

#[test]
fn devguards_keys_are_registered_without_a_proof_once_in_the_instance() {
    let (mut world, owner) = World::founded("devguard");
    let body = json!({
        "description": "laptop", "scopes": "scan", "pubKey": PUBLIC_KEY, "expiryDateUnix": world.now.as_seconds() + 60,
    });
    let (status, made) = world.http(&owner, "POST", "/api/v1/pats/", &body);
    assert_eq!((status, &made["fingerprint"]), (200, &json!(FINGERPRINT)), "{made}");
    assert_eq!(made.get("bearerToken"), None);
    assert!(world.locator.contains_key(&format!("a:{FINGERPRINT}")), "found by the fingerprint");
    assert_eq!(world.http(&owner, "POST", "/api/v1/pats/", &body).0, 409);
    // Of a coordinate that begins with a zero byte its Go client leaves that out.
    let stripped = "986ae2506f1ff104d04230861d8f4b498f4bc4c6d009b30f7544dc129b82d28d3cccc0a6460e0ae328a4d97d3c7b61d86fc6289c189f2525110c441bb07e97";
    let body = json!({"description": "go", "scopes": "scan", "pubKey": stripped, "expiryDateUnix": world.now.as_seconds() + 60});
    let made = world.http(&owner, "POST", "/api/v1/pats/", &body).1;
    assert_eq!(made["fingerprint"], "137d5bb167b6f6212db793a533f6665aaecd3ec287b6ca0e3b22ba38d860be51", "{made}");
    // The contract itself wants a proof.
    let other = "c600494b2ba7254dbfc160ea9f36dbe8b111e7170592f95dba2c2f6ca64caf4aa4e5e6f9b6d82e7b1376fad7c418831689182832f7e25f15fa2a2b6dcb5159eb";
    let body = json!({"kind": "pat", "name": "x", "scopes": ["scan"], "public_key": other, "expires_at": "2027-06-01T00:00:00Z"});
    assert_eq!(world.http(&owner, "POST", "/v1/tokens", &body).0, 400);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_posted_private_key_ends_its_token_where_that_is_switched_on() {
    let call = |world: &mut World, id: &Json, signed: bool| {
        let token = serde_json::from_value(id.clone()).unwrap();
        let request = request("POST", "/api/v1/pats/revoke-by-private-key/", &json!(null));
        let id = world.begin(&OrganizationCall::Manage(Manage { token, signed, passphrase_hash: None, request }));
        world.response(id)
    };
    let builtin = symbolon::policy::builtin("devguard").unwrap();
    let on = builtin.replace("revoke_by_private_key = false", "revoke_by_private_key = true");
    for (profile, status) in [(builtin, 404), (on.as_str(), 200)] {
        let (mut world, owner) = World::founded(profile);
        let body = json!({
            "description": "laptop", "scopes": "scan", "pubKey": PUBLIC_KEY,
            "expiryDateUnix": world.now.as_seconds() + 60,
        });
        let made = world.http(&owner, "POST", "/api/v1/pats/", &body).1;
        assert_eq!(call(&mut world, &made["id"], true).0, status);
        if status == 200 {
            assert_eq!(call(&mut world, &made["id"], true).0, 200, "repeated");
            assert_eq!(call(&mut world, &made["id"], false).0, 401, "only by its key");
        }
    }
}

#[test]
fn harborguards_tokens_and_keys_are_made_listed_and_deleted() {
    let (mut world, owner) = World::founded("harborguard");
    let body = json!({"name": "laptop-cli", "expiresAt": "2027-06-01T00:00:00Z", "permissions": ["scans:view"]});
    let (status, made) = world.http(&owner, "POST", "/api/personal-access-tokens", &body);
    assert_eq!(status, 201, "{made}");
    let (pat, secret) = (&made["data"], made["data"]["token"].as_str().unwrap());
    assert!(secret.len() == 55 && secret.starts_with("hg_pat_"), "{secret}");
    assert_eq!((&pat["prefix"], &pat["permissions"]), (&json!(secret.get(..10)), &json!(["scans:view"])));
    let (status, made) = world.http(&owner, "POST", "/api/api-keys", &json!({"name": "pipeline", "role": "ci"}));
    assert_eq!(status, 201, "{made}");
    let (key, key_secret) = (&made["data"], made["data"]["token"].as_str().unwrap());
    assert!(key_secret.len() == 54 && key_secret.starts_with("hg_ak_"), "{key_secret}");
    assert_eq!((&key["role"], &key["createdBy"], &key["expiresAt"]), (&json!("ci"), &json!("Ann"), &Json::Null));

    let list = world.http(&owner, "GET", "/api/api-keys", &json!(null)).1;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert!(!list.to_string().contains(key_secret));
    let pats = world.http(&owner, "GET", "/api/personal-access-tokens", &json!(null)).1;
    assert!(pats["data"].as_array().unwrap().iter().any(|token| token["id"] == pat["id"]));

    let path = |resource: &str, item: &Json| format!("/api/{resource}/{}", item["id"].as_str().unwrap());
    assert_eq!(world.http(&owner, "DELETE", &path("api-keys", pat), &json!(null)).0, 404, "of the other sort");
    assert_eq!(world.http(&owner, "DELETE", &path("api-keys", key), &json!(null)).0, 200);
    assert_eq!(world.http(&owner, "DELETE", &path("personal-access-tokens", pat), &json!(null)).0, 200);
    assert_eq!(world.http(key_secret, "GET", "/v1/whoami", &json!(null)).1["code"], "revoked");
    let (status, problem) = world.http(
        &owner,
        "POST",
        "/api/api-keys",
        &json!({"name": "x", "role": "ci", "expiresAt": "tomorrow", "y": 1}),
    );
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (400, 2));
    assert!(problem["errors"].as_array().unwrap().iter().any(|error| error["field"] == "expiresAt"), "{problem}");
    // Ten creations in a minute.
    for n in 0..7 {
        assert_eq!(world.http(&owner, "POST", "/api/api-keys", &json!({"name": format!("k{n}"), "role": "ci"})).0, 201);
    }
    let limited = world.http(&owner, "POST", "/api/api-keys", &json!({"name": "k", "role": "ci"}));
    assert_eq!((limited.0, &limited.1["code"]), (429, &json!("rate_limited")));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn semgreps_client_learns_its_deployment_and_who_it_is() {
    let (mut world, owner) = World::founded("semgrep");
    let (status, current) = world.http(&owner, "GET", "/api/agent/deployments/current", &json!(null));
    assert_eq!(status, 200);
    let deployment = &current["deployment"];
    assert_eq!((&deployment["name"], &deployment["display_name"]), (&json!("acme"), &json!("Acme")));
    assert!(deployment["id"].is_u64());
    let again = world.http(&owner, "GET", "/api/agent/deployments/current", &json!(null)).1;
    assert_eq!(again, current, "always the same number");
    assert_eq!(world.http(&owner, "GET", "/api/agent/identity", &json!(null)).1["identity"], "Ann");
}

#[test]
fn devtrons_tokens_have_numbers_that_are_never_used_again() {
    let (mut world, owner) = World::founded("devtron");
    let create = |world: &mut World, name: &str, expiry: i64| {
        let body = json!({"name": name, "description": "d", "expireAtInMs": expiry});
        world.http(&owner, "POST", "/orchestrator/api-token", &body)
    };
    let list = |world: &mut World| {
        let (status, answer) = world.http(&owner, "GET", "/orchestrator/api-token", &json!(null));
        assert_eq!((status, &answer["code"], &answer["status"]), (200, &json!(200), &json!("OK")));
        answer["result"].as_array().unwrap().clone()
    };
    let (status, made) = create(&mut world, "ci-build", 0);
    assert_eq!((status, &made["result"]["success"]), (200, &json!(true)), "{made}");
    assert_eq!(made["result"]["userIdentifier"], "API-TOKEN:ci-build");
    let first = made["result"]["token"].as_str().unwrap().to_owned();
    let item = list(&mut world).into_iter().find(|item| item["name"] == "ci-build").unwrap();
    let number = item["id"].as_u64().unwrap();
    assert_eq!((&item["expireAtInMs"], &item["userId"]), (&json!(0), &json!(number)));
    let keys: Vec<&String> = item.as_object().unwrap().keys().collect();
    let fields = "description expireAtInMs id lastUsedAt lastUsedByIp name updatedAt userId userIdentifier";
    assert_eq!(keys, fields.split(' ').collect::<Vec<_>>());
    assert_eq!(item["userIdentifier"], "API-TOKEN:ci-build");
    let made_at = world.now;
    assert_eq!(item["updatedAt"], json!(made_at), "nothing has changed since");
    assert!(world.record(&first).unwrap().effective().iter().next().is_none(), "it permits nothing yet");

    // The same end: in place, no secret. Another end: a new secret, and the old one stops.
    let path = format!("/orchestrator/api-token/{number}");
    world.pass(60_000);
    let updated_at = |world: &mut World| {
        let item = list(world).into_iter().find(|item| item["id"] == number).unwrap();
        item["updatedAt"].as_str().unwrap().parse::<symbolon::time::Timestamp>().unwrap()
    };
    assert_eq!(updated_at(&mut world), made_at);
    let edited_at = world.now;
    let (status, edited) = world.http(&owner, "PUT", &path, &json!({"description": "e", "expireAtInMs": 0}));
    assert_eq!((status, &edited["result"]), (200, &json!({"success": true})));
    assert_eq!(updated_at(&mut world), edited_at, "a description in place");
    world.pass(60_000);
    assert_eq!(updated_at(&mut world), edited_at, "time alone changes nothing");
    let renewed_at = world.now;
    let end = world.now.plus_seconds(86_400).as_millis();
    let (status, renewed) = world.http(&owner, "PUT", &path, &json!({"description": "f", "expireAtInMs": end}));
    assert_eq!(status, 200, "{renewed}");
    let second = renewed["result"]["token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(world.record(&second).unwrap().bearer(&symbolon::token::Digest::of(&first), world.now).is_none());
    let item = list(&mut world).into_iter().find(|item| item["id"] == number).unwrap();
    assert_eq!((&item["description"], &item["expireAtInMs"]), (&json!("f"), &json!(end)));
    assert_eq!(updated_at(&mut world), renewed_at, "a new end, and a new secret");
    world.pass(60_000);
    let granted_at = world.now;
    let native = format!("/v1/tokens/{}", world.record(&second).unwrap().token);
    let grants = json!([{"permission": "apps:view", "resource": "team-a/*/checkout"}]);
    let (status, patched) = world.http(&owner, "PATCH", &native, &json!({ "grants": grants }));
    assert_eq!((status, &patched["grants"]), (200, &grants), "{patched}");
    assert_eq!(updated_at(&mut world), granted_at, "what it permits");
    assert!(world.record(&second).unwrap().effective().iter().next().is_some());

    let (status, deleted) = world.http(&owner, "DELETE", &path, &json!(null));
    assert_eq!((status, &deleted["result"]), (200, &json!({"success": true})));
    assert_eq!(world.http(&owner, "DELETE", &path, &json!(null)).0, 404);
    // The name is free again; neither the number nor the secret comes back.
    assert_eq!(create(&mut world, "ci-build", 0).0, 200);
    let again = list(&mut world).into_iter().find(|item| item["name"] == "ci-build").unwrap();
    assert!(again["id"].as_u64().unwrap() > number);
    assert_eq!(world.http(&second, "GET", "/orchestrator/api-token", &json!(null)).1["code"], "revoked");

    for (name, expiry, field) in [("ab", 0, "name"), ("Upper", 0, "name"), ("good-name", 1, "expireAtInMs")] {
        let (status, problem) = create(&mut world, name, expiry);
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
    for path in ["/orchestrator/api-token/99", "/orchestrator/api-token/x"] {
        assert_eq!(world.http(&owner, "PUT", path, &json!({})).0, 404);
    }
    world.pass(120_000);
    world.check_invariants();
}
