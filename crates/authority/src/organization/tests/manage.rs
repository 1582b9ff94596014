//! Editing, renewal, idempotency, lists, members, the profile and the activity log, over the HTTP interface.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use symbolon::protocol::RecordState;
use symbolon::protocol::message::Ask;
use symbolon::token::Digest;

use super::world::{World, request};
use crate::store::Store;

fn path(token: &Json) -> String {
    format!("/v1/tokens/{}", token["id"].as_str().unwrap())
}

#[test]
fn an_unknown_field_is_named_and_so_is_every_other_fault() {
    let (mut world, secret) = World::founded("symbolon");
    let body = json!({"name": 7, "scopes": "read", "scope": ["read"], "expires_at": "tomorrow"});
    let (status, refused) = world.http(&secret, "POST", "/v1/tokens", &body);
    assert_eq!(status, 400);
    let fields: BTreeSet<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, BTreeSet::from(["kind", "name", "scopes", "scope", "expires_at"]));
    let mut large = request("POST", "/v1/tokens", &json!({"kind": "pat"}));
    large.body.push_str(&" ".repeat(70_000));
    let call = world.begin_request(&secret, large);
    assert_eq!(world.response(call).0, 413);
    for (method, path, expected) in [
        ("GET", "/v1/nothing", "not_found"),
        ("PUT", "/v1/tokens", "method_not_allowed"),
        ("GET", "/v1/tokens/01890a5d-ac96-774b-bcce-b302099a8057", "not_found"),
        ("GET", "/v1/tokens/x", "not_found"),
    ] {
        assert_eq!(world.http(&secret, method, path, &json!(null)).1["code"], expected, "{method} {path}");
    }
}

#[test]
fn an_edit_changes_what_the_kind_allows_and_says_when_it_holds() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, second) = world.create(
        &secret,
        &json!({"kind": "key", "name": "ci", "scopes": ["read", "write"], "passphrase": "correct horse"}),
    );
    assert_eq!(token["has_passphrase"], true);
    let (status, edited) = world.http(&secret, "PATCH", &path(&token), &json!({"scopes": ["read"], "name": "ci 2"}));
    assert_eq!((status, &edited["scopes"], &edited["name"]), (200, &json!(["read"]), &json!("ci 2")));
    assert!(edited["holds_everywhere_at"].is_string());
    let record = world.record(&second).unwrap();
    assert!(!record.permits(&"api:write".parse().unwrap(), None));
    let (status, off) = world.http(&secret, "PATCH", &path(&token), &json!({"active": false, "passphrase": null}));
    assert_eq!((status, &off["status"], &off["has_passphrase"]), (200, &json!("inactive"), &json!(false)));
    assert_eq!(world.record(&second).unwrap().state, RecordState::Inactive);
    let (status, refused) = world.http(&secret, "PATCH", &path(&token), &json!({"kind": "pat"}));
    assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!("kind")));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn nobody_gives_what_they_do_not_have() {
    let (mut world, secret) = World::founded("symbolon");
    let (narrow, weak) = world.create(&secret, &json!({"kind": "pat", "name": "weak", "scopes": ["manage"]}));
    let body = json!({"kind": "key", "name": "strong", "scopes": ["write"]});
    let (status, refused) = world.http(&weak, "POST", "/v1/tokens", &body);
    assert_eq!((status, &refused["code"]), (403, &json!("insufficient_permission")));
    let (status, _) = world.http(&weak, "PATCH", &path(&narrow), &json!({"scopes": ["manage", "write"]}));
    assert_eq!(status, 403);
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "reader", "scopes": ["read"]}));
    assert_eq!(world.http(&reader, "GET", &path(&narrow), &json!(null)).0, 404, "others' tokens are not told of");
    assert_eq!(world.http(&reader, "GET", "/v1/tokens", &json!(null)).1["items"], json!([]));
    assert_eq!(world.http(&reader, "DELETE", &path(&narrow), &json!(null)).0, 404);
}

#[test]
fn a_rotation_keeps_the_old_secret_for_its_grace_and_a_regeneration_does_not() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, first) = world.create(&secret, &json!({"kind": "key", "name": "k", "scopes": ["read"]}));
    let rotate = format!("{}/rotate", path(&token));
    let (status, rotated) = world.http(&secret, "POST", &rotate, &json!({"grace_seconds": 3600}));
    assert_eq!((status, &rotated["token"]["id"]), (200, &token["id"]));
    let second = rotated["secret"].as_str().unwrap().to_owned();
    let living = |world: &mut World, secret: &str| {
        let now = world.now;
        world.record(secret).unwrap().bearer(&Digest::of(secret), now).is_some()
    };
    assert!(living(&mut world, &first) && living(&mut world, &second));
    world.pass(3_600_000);
    assert!(!living(&mut world, &first) && living(&mut world, &second));
    let regenerate = format!("{}/regenerate", path(&token));
    let (status, made) = world.http(&secret, "POST", &regenerate, &json!({"expires_at": "2027-03-01T00:00:00Z"}));
    assert_eq!((status, &made["token"]["expires_at"]), (200, &json!("2027-03-01T00:00:00Z")));
    let third = made["secret"].as_str().unwrap().to_owned();
    assert!(!living(&mut world, &second) && living(&mut world, &third));
    assert_eq!(world.http(&secret, "POST", &rotate, &json!({"grace_seconds": 99_999_999})).0, 400);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn the_same_idempotency_key_makes_one_token() {
    let (mut world, secret) = World::founded("symbolon");
    let send = |world: &mut World, body: &Json, key: &str| {
        let mut request = request("POST", "/v1/tokens", body);
        request.headers.push(("idempotency-key".into(), key.into()));
        let call = world.begin_request(&secret, request);
        world.response(call)
    };
    let body = json!({"kind": "pat", "name": "a", "scopes": ["read"]});
    let (status, first) = send(&mut world, &body, "one");
    assert_eq!(status, 201);
    assert!(first["secret"].is_string());
    let (status, again) = send(&mut world, &body, "one");
    assert_eq!((status, &again["token"]["id"]), (201, &first["token"]["id"]));
    assert!(again.get("secret").is_none());
    let other = json!({"kind": "pat", "name": "b", "scopes": ["read"]});
    assert_eq!(send(&mut world, &other, "one").0, 409);
    assert_ne!(send(&mut world, &body, "two").1["token"]["id"], first["token"]["id"]);
    world.pass(86_400_001);
    assert_ne!(send(&mut world, &body, "one").1["token"]["id"], first["token"]["id"], "a day later it is a new key");
}

#[test]
fn whatever_is_created_is_created_once_under_a_key() {
    for (profile, path, body, id) in [
        ("symbolon", "/v1/onboarding", json!({"repository": "acme/shop"}), "/token/id"),
        ("devguard", "/v1/onboarding", json!({"repository": "acme/shop"}), "/token/id"),
        ("symbolon", "/v1/members", json!({"name": "Bob", "email": "b@acme.example", "role": "viewer"}), "/id"),
        ("symbolon", "/v1/invitations", json!({"email": "b@acme.example", "role": "viewer"}), "/invitation/id"),
        (
            "harborguard",
            "/v1/tokens/import",
            json!({"tokens": [{"kind": "pat", "name": "a", "scopes": ["all"], "sha256": Digest::of("x").to_string()}]}),
            "/tokens/0/id",
        ),
    ] {
        let (mut world, secret) = World::founded(profile);
        let send = |world: &mut World, body: &Json, key: &str| {
            let mut request = request("POST", path, body);
            request.headers.push(("idempotency-key".into(), key.into()));
            let call = world.begin_request(&secret, request);
            world.response(call)
        };
        let (status, first) = send(&mut world, &body, "one");
        assert_eq!(status, 201, "{path}: {first}");
        let (status, again) = send(&mut world, &body, "one");
        assert_eq!((status, again.pointer(id)), (201, first.pointer(id)), "{path}: {again}");
        assert!(again.pointer(id).is_some_and(Json::is_string), "{path}: {again}");
        assert!(again.get("secret").is_none() && again.get("link").is_none(), "{path}: {again}");
        let mut other = body.clone();
        other["surplus"] = json!(1);
        assert_eq!(send(&mut world, &other, "one").0, 400, "{path}: what cannot be read is told first");
        let rows = world.store.execute("SELECT count(*) FROM idempotency", &[]).unwrap();
        assert_eq!(rows[0].get::<u32>(0).unwrap(), 1, "{path}");
        world.pass(120_000);
        world.check_invariants();
    }
}

#[test]
fn creations_are_limited() {
    let (mut world, secret) = World::founded("symbolon");
    let body = json!({"kind": "pat", "name": "a", "scopes": ["read"]});
    for _ in 0..10 {
        world.create(&secret, &body);
    }
    let (status, refused) = world.http(&secret, "POST", "/v1/tokens", &body);
    assert_eq!((status, &refused["code"]), (429, &json!("rate_limited")));
    assert!(refused["retry_after"].as_u64().unwrap() <= 61);
    world.pass(60_001);
    world.create(&secret, &body);
}

#[test]
fn lists_have_filters_and_pages_that_meet() {
    let (mut world, secret) = World::founded("symbolon");
    for (index, name) in ["delta", "Alpha", "charlie", "bravo", "alpha 100%"].iter().enumerate() {
        world.pass(10_000);
        let kind = if index % 2 == 0 { "key" } else { "pat" };
        world.create(&secret, &json!({"kind": kind, "name": name, "scopes": ["read"]}));
    }
    let names = |world: &mut World, query: &str| -> Vec<String> {
        let (status, page) = world.http(&secret, "GET", &format!("/v1/tokens?{query}"), &json!(null));
        assert_eq!(status, 200, "{query}: {page}");
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&mut world, "sort=created_at&kind=key"), ["delta", "charlie", "alpha 100%"]);
    assert_eq!(names(&mut world, "q=ALPHA&sort=name"), ["Alpha", "alpha 100%"]);
    assert_eq!(names(&mut world, "q=100%25"), ["alpha 100%"]);
    assert_eq!(names(&mut world, "owner=organization&limit=1"), ["alpha 100%"]);
    assert_eq!(names(&mut world, "status=revoked"), Vec::<String>::new());
    assert_eq!(names(&mut world, "owner=me&sort=name"), ["Alpha", "bravo", "setup"]);
    for sort in
        ["created_at", "-created_at", "name", "-name", "last_used_at", "-last_used_at", "expires_at", "-expires_at"]
    {
        let all = names(&mut world, &format!("sort={sort}"));
        assert_eq!(all.len(), 6);
        let (mut seen, mut query) = (Vec::new(), format!("sort={sort}&limit=2"));
        loop {
            let page = world.http(&secret, "GET", &format!("/v1/tokens?{query}"), &json!(null)).1;
            seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("sort={sort}&limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, all, "{sort}");
    }
    for query in ["sort=id", "status=dead", "limit=0", "owner=x", "cursor=x", "page=2"] {
        assert_eq!(world.http(&secret, "GET", &format!("/v1/tokens?{query}"), &json!(null)).0, 400, "{query}");
    }
}

#[test]
fn a_members_tokens_follow_their_role_and_status() {
    let (mut world, secret) = World::founded("symbolon");
    let (status, bob) = world.http(
        &secret,
        "POST",
        "/v1/members",
        &json!({"name": "Bob", "email": "BOB@acme.example", "role": "owner"}),
    );
    assert_eq!((status, &bob["email"]), (201, &json!("bob@acme.example")));
    let again = json!({"name": "Bob", "email": "bob@acme.example", "role": "viewer"});
    assert_eq!(world.http(&secret, "POST", "/v1/members", &again).0, 409);
    let ann = world.http(&secret, "GET", "/v1/whoami", &json!(null)).1["principal"]["id"].as_str().unwrap().to_owned();
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "r", "scopes": ["write"]}));
    // With another owner there, Ann can be demoted; her tokens follow at once.
    let (status, demoted) = world.http(&secret, "PATCH", &format!("/v1/members/{ann}"), &json!({"role": "viewer"}));
    assert_eq!((status, &demoted["role"]), (200, &json!("viewer")));
    assert!(demoted["holds_everywhere_at"].is_string());
    let record = world.record(&reader).unwrap();
    assert!(!record.permits(&"api:write".parse().unwrap(), None) && record.permits(&"api:read".parse().unwrap(), None));
    assert_eq!(world.http(&secret, "GET", "/v1/members", &json!(null)).0, 403);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn whoever_wakes_a_member_has_what_they_have() {
    let (mut world, secret) = World::founded("symbolon");
    let bob = json!({"name": "Bob", "email": "b@acme.example", "role": "owner"});
    let bob = world.http(&secret, "POST", "/v1/members", &bob).1["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/members/{bob}");
    let manage = json!({"kind": "pat", "name": "m", "scopes": ["manage"]});
    let (_, manage) = world.create(&secret, &manage);
    let key = json!({"kind": "key", "name": "k", "permissions": ["members:edit", "members:remove"]});
    let (_, key) = world.create(&secret, &key);
    assert_eq!(world.http(&key, "PATCH", &path, &json!({"status": "suspended"})).0, 403, "a key has no rank");
    assert_eq!(world.http(&key, "DELETE", &path, &json!(null)).0, 403);
    assert_eq!(world.http(&manage, "PATCH", &path, &json!({"status": "suspended"})).0, 200, "it narrows");
    assert_eq!(world.http(&manage, "PATCH", &path, &json!({"status": "active"})).0, 403, "it widens");
    assert_eq!(world.http(&manage, "PATCH", &path, &json!({"name": "Robert"})).0, 200);
    assert_eq!(world.http(&secret, "PATCH", &path, &json!({"status": "active"})).0, 200);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn the_last_owner_stays() {
    let (mut world, secret) = World::founded("symbolon");
    let ann = world.http(&secret, "GET", "/v1/whoami", &json!(null)).1["principal"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/members/{ann}");
    assert_eq!(world.http(&secret, "DELETE", &path, &json!(null)).0, 409);
    assert_eq!(world.http(&secret, "PATCH", &path, &json!({"status": "suspended"})).0, 409);
    assert_eq!(world.http(&secret, "PATCH", &path, &json!({"role": "admin"})).0, 409);
    let body = json!({"name": "Bob", "email": "b@acme.example", "role": "owner"});
    assert_eq!(world.http(&secret, "POST", "/v1/members", &body).0, 201);
    let (status, removed) = world.http(&secret, "DELETE", &path, &json!(null));
    assert_eq!((status, &removed["status"]), (200, &json!("removed")));
    assert_eq!(world.record(&secret).unwrap().state, RecordState::OwnerSuspended);
    assert_eq!(world.http(&secret, "GET", "/v1/whoami", &json!(null)).1["code"], "owner_suspended");
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_profile_is_replaced_unless_something_that_lives_needs_the_old_one() {
    let (mut world, secret) = World::founded("symbolon");
    let (status, refused) = world.http(&secret, "PUT", "/v1/profile", &json!({"profile": "devtron"}));
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")), "{refused}");
    assert!(refused["errors"][0]["field"].as_str().unwrap().starts_with("tokens."));
    let (status, refused) = world.http(&secret, "PUT", "/v1/profile", &json!({"profile": "name = 7"}));
    assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!("profile")));
    let text = symbolon::policy::builtin("symbolon").unwrap();
    let wider =
        text.replace("permissions = [\"api:read\"]\n\n[scopes.write]", "permissions = [\"api:*\"]\n\n[scopes.write]");
    assert_ne!(text, wider);
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "r", "scopes": ["read"]}));
    assert!(!world.record(&reader).unwrap().permits(&"api:write".parse().unwrap(), None));
    let (status, done) = world.http(&secret, "PUT", "/v1/profile", &json!({"profile": wider}));
    assert_eq!(status, 200, "{done}");
    assert!(world.record(&reader).unwrap().permits(&"api:write".parse().unwrap(), None));
    assert_eq!(world.http(&secret, "GET", "/v1/profile", &json!(null)).1["profile"], json!(wider));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_profile_gives_nobody_what_the_credential_in_use_does_not_have() {
    let (mut world, secret) = World::founded("symbolon");
    let (_, manager) = world.create(&secret, &json!({"kind": "pat", "name": "m", "scopes": ["manage"]}));
    let text = symbolon::policy::builtin("symbolon").unwrap();
    let scope = |permits: &str| {
        text.replacen(
            "permissions = [\"api:read\"]\n\n[scopes.write]",
            &format!("permissions = {permits}\n\n[scopes.write]"),
            1,
        )
    };
    let manage = "\"routes:*\", \"organizations:*\"]";
    let itself = text.replacen(manage, &manage.replace(']', ", \"api:*\"]"), 1);
    assert_ne!(itself, text);
    let mut put = |by: &str, text: &str| world.http(by, "PUT", "/v1/profile", &json!({ "profile": text }));
    for (text, field, required) in [
        (itself, "scopes.manage", "api:*"),
        (scope("[\"api:read\", \"api:write\"]"), "scopes.read", "api:write"),
        (text.replacen("ceiling = \"owner_role\"", "ceiling = \"everything\"", 1), "kinds.pat.ceiling", "api:read"),
        (format!("{text}\n[limits]\ncreation = {{ max = 1000, seconds = 1 }}\n"), "limits.creation", "api:read"),
    ] {
        let (status, refused) = put(&manager, &text);
        assert_eq!((status, &refused["code"]), (403, &json!("insufficient_permission")), "{refused}");
        assert_eq!(
            (&refused["errors"][0]["field"], &refused["required"]),
            (&json!(field), &json!(required)),
            "{refused}"
        );
    }
    // What it has it may give; and it may narrow.
    assert_eq!(put(&manager, &scope("[\"api:read\", \"tokens:view\"]")).0, 200);
    assert_eq!(put(&manager, &scope("[\"tokens:view\"]")).0, 200);
    assert_eq!(put(&manager, text).0, 403, "to widen it again takes one who has it");
    assert_eq!(put(&secret, text).0, 200);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_profile_that_narrows_waits_for_what_was_granted() {
    let (mut world, secret) = World::founded("symbolon");
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "r", "scopes": ["read"]}));
    let answer = world.ask(Ask { lease: true, ..Ask::default() });
    assert!(answer.lease_millis > 0);
    let text = symbolon::policy::builtin("symbolon").unwrap();
    let narrower = text.replacen(
        "permissions = [\"api:read\"]\n\n[scopes.write]",
        "permissions = [\"tokens:view\"]\n\n[scopes.write]",
        1,
    );
    let call = world.begin_http(&secret, "PUT", "/v1/profile", &json!({ "profile": narrower }));
    assert!(!world.record(&reader).unwrap().permits(&"api:read".parse().unwrap(), None));
    assert!(!world.replies.contains_key(&call), "an edge may go by what was before");
    assert_eq!(world.response(call).0, 200);
}

#[test]
fn the_activity_log_tells_every_change_and_shows_tampering() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, made) =
        world.create(&secret, &json!({"kind": "key", "name": "k", "scopes": ["read"], "passphrase": "correct horse"}));
    world.http(&secret, "DELETE", &path(&token), &json!(null));
    let (_, page) = world.http(&secret, "GET", "/v1/activity?limit=2", &json!(null));
    let actions = |page: &Json| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&page), ["token.revoke", "token.create"]);
    assert_eq!(page["items"][0]["token"], token["id"]);
    assert_eq!(page["items"][0]["address"], "192.0.2.1");
    let next = format!("/v1/activity?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(actions(&world.http(&secret, "GET", &next, &json!(null)).1), ["token.create", "organization.found"]);
    let filtered = format!("/v1/activity?token={}&action=token.create", token["id"].as_str().unwrap());
    assert_eq!(actions(&world.http(&secret, "GET", &filtered, &json!(null)).1), ["token.create"]);
    let export = world.http(&secret, "GET", "/v1/activity/export", &json!(null)).1;
    let lines = export.as_str().unwrap();
    assert_eq!(lines.lines().count(), 4);
    for hidden in [made.as_str(), secret.as_str(), "correct horse", "argon2", &Digest::of(&made).to_string()] {
        assert!(!lines.contains(hidden), "no secret, and no hash of one");
    }
    let verify = |world: &mut World| world.http(&secret, "GET", "/v1/activity/verify", &json!(null)).1;
    assert_eq!(verify(&mut world)["valid"], true);
    for (break_it, at) in [
        ("UPDATE activity SET details = '{}' WHERE seq = 3", 3),
        ("UPDATE activity SET actor_token = NULL WHERE seq = 3", 3),
        ("DELETE FROM activity WHERE seq = 2", 2),
        ("DELETE FROM activity WHERE seq = 4", 4),
        ("INSERT INTO activity SELECT 5, id, at, actor_member, actor_token, action, token, member, address, user_agent,
            details, hash, hash FROM activity WHERE seq = 4", 5),
    ] {
        let undo = world.store.transaction(|| {
            world.store.execute(break_it, &[])?;
            let found = crate::organization::activity::verify(world.store, "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap());
            assert_eq!(found.map(|found| (found.valid, found.broken_at)), Ok((false, Some(at))), "{break_it}");
            Err::<(), _>(crate::store::StoreError::database("undo"))
        });
        assert!(undo.is_err());
    }
    assert_eq!(verify(&mut world)["entries"], 4);
}

#[test]
fn a_passphrase_is_locked_after_five_wrong_tries_and_the_lock_ends() {
    use symbolon::protocol::message::{Attempted, Client, OrganizationCall};
    let (mut world, secret) = World::founded("symbolon");
    let (_, made) =
        world.create(&secret, &json!({"kind": "pat", "name": "p", "scopes": ["read"], "passphrase": "correct horse"}));
    let token = world.record(&made).unwrap().token;
    let attempt = |world: &mut World| -> Attempted {
        serde_json::from_str(&world.call(&OrganizationCall::Attempt { token, client: Default::default() })).unwrap()
    };
    let settle = |world: &mut World, right| {
        world.call(&OrganizationCall::Settle { token, right, client: Client::default() });
    };
    for _ in 0..4 {
        assert_eq!(attempt(&mut world), Attempted::Reserved);
        settle(&mut world, false);
    }
    assert_eq!(attempt(&mut world), Attempted::Reserved);
    settle(&mut world, true);
    for _ in 0..5 {
        assert_eq!(attempt(&mut world), Attempted::Reserved, "a right one clears the count");
    }
    let full = Attempted::Locked { until: world.now.plus_seconds(30) };
    assert_eq!(attempt(&mut world), full, "many at once are no way around");
    for _ in 0..5 {
        settle(&mut world, false);
    }
    let until = world.now.plus_seconds(900);
    assert_eq!(attempt(&mut world), Attempted::Locked { until });
    assert_eq!(world.record(&made).unwrap().locked_until, Some(until));
    world.pass(900_000);
    assert_eq!(attempt(&mut world), Attempted::Reserved);
    // Tries that a gate took with it were wrong, after a while.
    for _ in 0..4 {
        attempt(&mut world);
    }
    world.pass(30_000);
    assert_eq!(attempt(&mut world), Attempted::Locked { until: world.now.plus_seconds(900) });
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn how_many_wrong_passphrases_lock_and_for_how_long_is_the_profiles_to_say() {
    use symbolon::protocol::message::{Attempted, Client, OrganizationCall};
    let limits = "[limits]\npassphrase = { max_wrong = 2, lock_seconds = 60 }\n\n[permissions.api]";
    let profile = symbolon::policy::builtin("symbolon").unwrap().replace("[permissions.api]", limits);
    let (mut world, secret) = World::founded(&profile);
    let (_, made) =
        world.create(&secret, &json!({"kind": "pat", "name": "p", "scopes": ["read"], "passphrase": "correct horse"}));
    let token = world.record(&made).unwrap().token;
    for _ in 0..2 {
        let reserved = world.call(&OrganizationCall::Attempt { token, client: Client::default() });
        assert_eq!(serde_json::from_str::<Attempted>(&reserved).unwrap(), Attempted::Reserved);
        world.call(&OrganizationCall::Settle { token, right: false, client: Client::default() });
    }
    assert_eq!(world.record(&made).unwrap().locked_until, Some(world.now.plus_seconds(60)));
    world.pass(60_000);
    let after = world.call(&OrganizationCall::Attempt { token, client: Client::default() });
    assert_eq!(serde_json::from_str::<Attempted>(&after).unwrap(), Attempted::Reserved);
}

#[test]
fn a_passphrase_is_hashed_for_whoever_may_set_one_and_not_without_end() {
    let (mut world, secret) = World::founded("symbolon");
    let body = |passphrase: &str| json!({"kind": "key", "name": "k", "scopes": ["read"], "passphrase": passphrase});
    let (token, _) = world.create(&secret, &body("correct horse"));
    assert_eq!(world.hashes, 1);
    let own = path(&token);
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "r", "scopes": ["read"]}));
    for (secret, method, path, body, status) in [
        (&secret, "POST", "/v1/tokens", body("short"), 400),
        (&secret, "POST", "/v1/tokens", body(&"x".repeat(2_000)), 400),
        (&secret, "POST", "/v1/tokens/x/rotate", body("correct horse"), 400),
        (&secret, "POST", "/v1/tokens/import", body("correct horse"), 400),
        (&secret, "PATCH", "/v1/tokens/x", json!({"passphrase": "correct horse"}), 404),
        (&reader, "POST", "/v1/tokens", body("correct horse"), 403),
        (&reader, "PATCH", &own, json!({"passphrase": "correct horse"}), 404),
    ] {
        assert_eq!(world.http(secret, method, path, &body).0, status, "{method} {path}");
    }
    assert_eq!(world.hashes, 1, "nothing was hashed for those");
    let mut statuses = Vec::new();
    for number in 0..12 {
        let (status, _) = world.http(&secret, "PATCH", &own, &json!({"passphrase": format!("correct horse {number}")}));
        statuses.push(status);
    }
    assert_eq!((statuses[0], statuses[11]), (200, 429), "{statuses:?}");
    assert!(world.hashes <= 10, "as many as there may be creations");
}
