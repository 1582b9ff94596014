//! Logins from a command line, between a member, this authority and a login object; onboarding and invitations.

use serde_json::{Value as Json, json};
use symbolon::id::TokenId;
use symbolon::protocol::login::{Approval, Asking, LoginCall, LoginToken, Shown};
use symbolon::protocol::message::{Client, Manage, OrganizationCall};

use super::console::{Authenticator, call, register, sign_in};
use super::world::{World, request};

const KEY: &str = "8d5e7f0a-6c3b-4f2e-9a1d-0b2c3d4e5f60";

fn asking(world: &World) -> Shown {
    asking_for(world, None)
}

fn asking_for(world: &World, scope: Option<&str>) -> Shown {
    Shown::Found(Asking {
        client_id: Some("cli".into()),
        scope: scope.map(ToOwned::to_owned),
        client: Some(Client { address: Some("203.0.113.9".into()), user_agent: Some("cli/1".into()) }),
        expires_at: world.now.plus_seconds(600),
    })
}

/// What the login object was told by the last approval.
fn approval(world: &World) -> Approval {
    match world.logins.last() {
        Some((_, LoginCall::Decide { approval: Some(approval), .. })) => *approval,
        other => panic!("{other:?}"),
    }
}

/// The secret of a session of this token's owner, begun a moment ago.
fn person(world: &mut World, secret: &str) -> String {
    // Another passkey, and another challenge, for each token.
    let byte = secret.bytes().last().unwrap();
    let mut passkey = Authenticator::new(byte);
    register(world, secret, &mut passkey);
    sign_in(world, &mut passkey, byte).secret.unwrap()
}

fn approve(world: &mut World, session: &str) -> Approval {
    world.login_answer = Some(asking(world));
    let answer = call(world, session, "POST", "/v1/device/approve", &json!({"user_code": "bcdf-ghjk"}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    approval(world)
}

fn collect(world: &mut World, token: TokenId) -> (u16, Json) {
    let id = world.begin(&OrganizationCall::CollectLogin { token });
    world.response(id)
}

fn collected(world: &mut World, token: TokenId) -> LoginToken {
    let (status, answer) = collect(world, token);
    assert_eq!(status, 201, "{answer}");
    serde_json::from_value(answer).unwrap()
}

#[test]
fn a_login_gets_the_kinds_least_as_the_member_who_approved() {
    for (profile, scope) in [("symbolon", "read"), ("devguard", "scan"), ("semgrep", "cli")] {
        let (mut world, secret) = World::founded(profile);
        let session = person(&mut world, &secret);
        let approval = approve(&mut world, &session);
        assert_eq!(approval.organization.as_str(), "Acme42");
        let tokens = world.http(&secret, "GET", "/v1/tokens", &json!(null)).1;
        assert_eq!(tokens["items"].as_array().unwrap().len(), 1, "nothing is made before it is collected");
        let made = collected(&mut world, approval.token);
        assert_eq!((made.scopes.as_slice(), made.user_name.as_str()), (&[scope.to_owned()][..], "Ann"), "{profile}");
        let (status, me) = world.http(&made.secret, "GET", "/v1/whoami", &json!(null));
        assert_eq!((status, &me["token"]["id"]), (200, &json!(approval.token)));
        assert_eq!(me["principal"]["email"], "ann@acme.example");
        let log = world.http(&secret, "GET", "/v1/activity", &json!(null)).1;
        if profile == "symbolon" {
            assert_eq!(log["items"][0]["action"], "token.create");
            assert_eq!(log["items"][0]["details"]["login"]["asked_from"]["address"], "203.0.113.9");
            assert_eq!(log["items"][1]["action"], "login.approve");
        }
        world.pass(120_000);
        world.check_invariants();
    }
}

/// Approves a login that asks for this scope, and collects it.
fn granted(world: &mut World, session: &str, scope: &str) -> LoginToken {
    world.login_answer = Some(asking_for(world, Some(scope)));
    let answer = call(world, session, "POST", "/v1/device/approve", &json!({"user_code": "bcdf-ghjk"}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = approval(world).token;
    collected(world, token)
}

/// Approves a login that asks for this scope, which is refused, and denied to its client.
fn denied(world: &mut World, session: &str, scope: &str) -> (u16, Json) {
    world.logins.clear();
    world.login_answer = Some(asking_for(world, Some(scope)));
    let shown = call(world, session, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null));
    assert_eq!(shown.status, 200, "{}", shown.body);
    let answer = call(world, session, "POST", "/v1/device/approve", &json!({"user_code": "bcdf-ghjk"}));
    // The page says the same before anything is decided.
    assert_eq!(shown.body["refusal"], answer.body["detail"], "{}", answer.body);
    let told: Vec<_> = world.logins.iter().map(|(_, call)| call).collect();
    assert!(matches!(
        told[..],
        [LoginCall::Show { .. }, LoginCall::Show { .. }, LoginCall::Decide { approval: None, .. }]
    ));
    let log = call(world, session, "GET", "/v1/activity", &json!(null)).body;
    let entry = &log["items"][0];
    // A role without the log sees none.
    if !entry.is_null() {
        assert_eq!((&entry["action"], &entry["details"]["asked_scope"]), (&json!("login.deny"), &json!(scope)));
        assert_eq!(entry["details"]["because"], answer.body["code"]);
    }
    (answer.status, answer.body)
}

/// Somebody else with this role, signed in a moment ago.
fn somebody(world: &mut World, owner: &str, role: &str) -> String {
    let body = json!({"email": format!("{role}@acme.example"), "role": role});
    let (status, invited) = world.http(owner, "POST", "/v1/invitations", &body);
    assert_eq!(status, 201, "{invited}");
    let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
    let (_, made) = accept(world, &path, &json!({"secret": invited["secret"], "name": "Bob"}));
    person(world, made["secret"].as_str().unwrap())
}

#[test]
fn a_login_gets_exactly_what_it_asks_for_and_its_approver_saw() {
    let (mut world, secret) = World::founded("symbolon");
    let session = person(&mut world, &secret);
    world.login_answer = Some(asking_for(&world, Some("manage read")));
    let shown = call(&mut world, &session, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).body;
    assert_eq!((&shown["asked_scope"], &shown["scopes"]), (&json!("manage read"), &json!(["manage", "read"])));
    assert_eq!((&shown["beyond_least"], &shown["refusal"]), (&json!(true), &json!(null)));
    let allows = shown["allows"].as_array().unwrap();
    let of = |permission: &str| allows.iter().find(|info| info["permission"] == permission);
    assert_eq!(of("api:read").unwrap()["sensitive"], json!(false));
    assert_eq!(of("tokens:create").unwrap()["sensitive"], json!(true));
    assert!(!of("tokens:create").unwrap()["description"].as_str().unwrap().is_empty());
    assert_eq!(of("api:write"), None, "not asked for");

    let made = granted(&mut world, &session, "manage read");
    assert_eq!(made.scopes, ["manage", "read"]);
    // What was asked for can be done: a login from a command line that makes tokens.
    let create = json!({"kind": "pat", "name": "laptop", "scopes": ["read"]});
    let (status, answer) = world.http(&made.secret, "POST", "/v1/tokens", &create);
    assert_eq!(status, 201, "{answer}");
    let log = world.http(&secret, "GET", "/v1/activity?action=login.approve", &json!(null)).1;
    assert_eq!(log["items"][0]["details"]["asked_scope"], "manage read");

    // Less than the least, where there is less: and permissions one by one, where the kind has them.
    let (mut world, secret) = World::founded("harborguard");
    let session = person(&mut world, &secret);
    world.login_answer = Some(asking_for(&world, Some("scans:view")));
    let shown = call(&mut world, &session, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).body;
    assert_eq!((&shown["permissions"], &shown["beyond_least"]), (&json!(["scans:view"]), &json!(false)));
    assert_eq!(shown["allows"].as_array().unwrap().len(), 1);
    assert_eq!(granted(&mut world, &session, "scans:view").scopes, ["scans:view"]);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn what_a_login_could_do_after_a_promotion_is_shown_before_it_is_approved() {
    let (mut world, owner) = World::founded("symbolon");
    let viewer = somebody(&mut world, &owner, "viewer");
    world.login_answer = Some(asking_for(&world, Some("manage")));
    let shown = call(&mut world, &viewer, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).body;
    let has = |list: &str, permission: &str| {
        let found = shown[list].as_array().unwrap().iter().find(|info| info["permission"] == permission);
        found.map(|info| info["sensitive"] == true)
    };
    assert_eq!(shown["refusal"], json!(null), "it is theirs to give");
    assert_eq!((has("allows", "tokens:create"), has("later", "tokens:create")), (Some(true), None), "{shown}");
    assert_eq!((has("allows", "profile:edit"), has("later", "profile:edit")), (None, Some(true)), "{shown}");
    assert_eq!((has("allows", "activity:view"), has("later", "activity:view")), (None, Some(false)), "{shown}");
    assert_eq!((has("allows", "api:write"), has("later", "api:write")), (None, None), "not asked for: {shown}");

    let made = granted(&mut world, &viewer, "manage");
    assert_eq!(world.http(&made.secret, "GET", "/v1/activity", &json!(null)).0, 403);
    let members = world.http(&owner, "GET", "/v1/members", &json!(null)).1;
    let bob = members["items"].as_array().unwrap().iter().find(|one| one["role"] == "viewer").unwrap();
    let path = format!("/v1/members/{}", bob["id"].as_str().unwrap());
    assert_eq!(world.http(&owner, "PATCH", &path, &json!({"role": "owner"})).0, 200);
    let now = world.http(&made.secret, "GET", "/v1/whoami", &json!(null)).1;
    let every = |list: &Json| list.as_array().unwrap().iter().map(|one| one["permission"].clone()).collect::<Vec<_>>();
    let told = [every(&shown["allows"]), every(&shown["later"])].concat();
    let can = |permission: &Json| {
        let resource = permission.as_str().unwrap().split(':').next().unwrap();
        let list = now["permissions"].as_array().unwrap();
        list.iter().any(|one| one == permission || *one == json!(format!("{resource}:*")))
    };
    assert!(told.iter().all(can), "what was told is what came of it: {told:?} {now}");
    assert_eq!(world.http(&made.secret, "GET", "/v1/activity", &json!(null)).0, 200);

    // Nothing is to come for whoever has it all.
    let session = person(&mut world, &owner);
    world.login_answer = Some(asking_for(&world, Some("manage")));
    let shown = call(&mut world, &session, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).body;
    assert_eq!(shown["later"], json!([]));
}

#[test]
fn a_login_that_asks_for_what_there_is_not_is_denied() {
    for (profile, scope, offered) in [
        ("symbolon", "read bogus", "read, write, verify, manage"),
        // A permission, where the kind has scopes alone.
        ("symbolon", "api:write", "read, write, verify, manage"),
        ("devguard", "SCAN", "scan, manage"),
        // Another kind's.
        ("semgrep", "api", "cli"),
        ("harborguard", "scans:bogus", "all, *:*"),
    ] {
        let (mut world, secret) = World::founded(profile);
        let session = person(&mut world, &secret);
        let (status, problem) = denied(&mut world, &session, scope);
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{problem}");
        assert_eq!(problem["errors"][0]["field"], "scope", "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(scope.split(' ').next_back().unwrap()) && detail.contains(offered), "{detail}");
    }
}

#[test]
fn a_login_that_asks_for_more_than_its_approver_has_is_denied() {
    let (mut world, owner) = World::founded("symbolon");
    let developer = somebody(&mut world, &owner, "developer");
    let (status, problem) = denied(&mut world, &developer, "write verify");
    assert_eq!((status, &problem["code"]), (403, &json!("insufficient_permission")), "{problem}");
    assert_eq!(problem["required"], "credentials:verify");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("asks for verify,") && detail.contains("You may give read, write, manage."), "{detail}");
    // What is theirs to give, they give: bounded by their role, as everything of theirs is.
    assert_eq!(granted(&mut world, &developer, "write manage").scopes, ["manage", "write"]);

    // Decided anew when it is collected: somebody's role may have fallen since.
    world.login_answer = Some(asking_for(&world, Some("write")));
    assert_eq!(
        call(&mut world, &developer, "POST", "/v1/device/approve", &json!({"user_code": "BCDF-GHJK"})).status,
        200
    );
    let token = approval(&world).token;
    let members = world.http(&owner, "GET", "/v1/members", &json!(null)).1;
    let bob = members["items"].as_array().unwrap().iter().find(|one| one["role"] == "developer").unwrap();
    let path = format!("/v1/members/{}", bob["id"].as_str().unwrap());
    assert_eq!(world.http(&owner, "PATCH", &path, &json!({"role": "viewer"})).0, 200);
    assert_eq!(collect(&mut world, token).1["code"], "insufficient_permission");
}

#[test]
fn a_name_that_is_refused_leaves_the_login_waiting() {
    let (mut world, secret) = World::founded("symbolon");
    let session = person(&mut world, &secret);
    world.login_answer = Some(asking_for(&world, Some("read")));
    let body = json!({"user_code": "BCDF-GHJK", "name": "n".repeat(300)});
    let answer = call(&mut world, &session, "POST", "/v1/device/approve", &body);
    assert_eq!((answer.status, &answer.body["errors"][0]["field"]), (400, &json!("name")), "{}", answer.body);
    assert!(matches!(world.logins[..], [(_, LoginCall::Show { .. })]), "nothing was decided");
}

#[test]
fn both_sides_of_a_login_are_shown() {
    let (mut world, secret) = World::founded("devguard");
    world.login_answer = Some(asking(&world));
    let (status, shown) = world.http(&secret, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null));
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["asked_from"]["address"], "203.0.113.9");
    assert_eq!(shown["you"]["address"], "192.0.2.1");
    assert_eq!((&shown["kind"], &shown["scopes"]), (&json!("pat"), &json!(["scan"])));
    assert_eq!((&shown["asked_scope"], &shown["beyond_least"]), (&json!(null), &json!(false)));
    assert!(matches!(world.logins.last(), Some((_, LoginCall::Show { .. }))));
}

#[test]
fn a_lost_answer_gets_another_secret_and_a_used_login_nothing() {
    let (mut world, secret) = World::founded("devguard");
    let session = person(&mut world, &secret);
    let token = approve(&mut world, &session).token;
    let first = collected(&mut world, token);
    let second = collected(&mut world, token);
    assert_ne!(first.secret, second.secret);
    assert!(
        world.record(&first.secret).unwrap().bearer(&symbolon::token::Digest::of(&first.secret), world.now).is_none()
    );
    world.store_execute("UPDATE token SET use_count = 1");
    assert_eq!(collect(&mut world, token).0, 409);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn only_a_person_with_a_fresh_passkey_approves() {
    let (mut world, secret) = World::founded("symbolon");
    let session = person(&mut world, &secret);
    let body = json!({"user_code": "BCDF-GHJK"});
    world.login_answer = Some(asking(&world));
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "reader", "scopes": ["read"]}));
    let everything = json!({"kind": "key", "name": "robot", "role": "owner", "scopes": ["read", "write", "manage"]});
    let (_, robot) = world.create(&secret, &everything);
    // The owner's own token with every scope, a lesser one, and one of the organisation's: none is a person.
    for token in [&secret, &reader, &robot] {
        let (status, problem) = world.http(token, "POST", "/v1/device/approve", &body);
        assert_eq!((status, &problem["code"]), (403, &json!("insufficient_permission")), "{problem}");
        assert_eq!(problem["required"], "session:fresh");
        assert!(problem["detail"].as_str().unwrap().contains("/device"), "{problem}");
    }
    // A key, however its request was signed.
    let token = world.record(&secret).unwrap().token;
    let signed =
        Manage { token, signed: true, passphrase_hash: None, request: request("POST", "/v1/device/approve", &body) };
    let id = world.begin(&OrganizationCall::Manage(signed));
    assert_eq!(world.response(id).1["required"], "session:fresh");
    assert!(world.logins.is_empty(), "no login was even looked at");

    world.now = world.now.plus_seconds(300);
    world.login_answer = Some(asking(&world));
    let stale = call(&mut world, &session, "POST", "/v1/device/approve", &body);
    assert_eq!((stale.status, &stale.body["required"]), (403, &json!("session:fresh")));
    assert!(world.logins.is_empty());
    // Looking, and refusing, is for whoever may log in.
    assert_eq!(world.http(&secret, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).0, 200);
    assert_eq!(world.http(&secret, "POST", "/v1/device/deny", &body).0, 200);
}

#[test]
fn what_was_approved_is_decided_again_when_it_is_collected() {
    let (mut world, secret) = World::founded("symbolon");
    let (status, invited) =
        world.http(&secret, "POST", "/v1/invitations", &json!({"email": "bob@acme.example", "role": "developer"}));
    assert_eq!(status, 201, "{invited}");
    let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
    let (_, made) = accept(&mut world, &path, &json!({"secret": invited["secret"], "name": "Bob"}));
    let session = person(&mut world, made["secret"].as_str().unwrap());
    let approval = approve(&mut world, &session);
    let path = format!("/v1/members/{}", made["member"]["id"].as_str().unwrap());
    let set = |world: &mut World, status: &str| {
        assert_eq!(world.http(&secret, "PATCH", &path, &json!({"status": status})).0, 200);
    };
    set(&mut world, "suspended");
    let (status, problem) = collect(&mut world, approval.token);
    assert_eq!((status, &problem["code"]), (401, &json!("owner_suspended")), "{problem}");

    let session = person(&mut world, &secret);
    let approval = approve(&mut world, &session);
    world.now = world.now.plus_seconds(700);
    assert_eq!(collect(&mut world, approval.token).1["code"], "expired");
    let other = TokenId::new(world.now, &[1; 10]);
    assert_eq!(collect(&mut world, other).0, 202, "not written yet");
}

/// The built-in profile with one thing put for another.
fn profile_with(from: &str, to: &str) -> Json {
    let text = symbolon::policy::builtin("symbolon").unwrap();
    assert!(text.contains(from), "{from}");
    json!({"profile": text.replacen(from, to, 1)})
}

const LEAST: &str = "login = { scopes = [\"read\"]";
const READ: &str = "Read through the protected API\"\npermissions = [\"api:read\"]";

#[test]
fn a_login_is_collected_as_it_was_approved_whatever_the_profile_says_since() {
    // What the profile puts in its place, and with which scopes its token is made; none: it is denied.
    for (scope, from, to, scopes) in [
        // Another least: what was approved was the former.
        (None, LEAST, "login = { scopes = [\"manage\"]", Some(vec!["read"])),
        // The scope means more.
        (None, READ, "Read\"\npermissions = [\"api:read\", \"tokens:create\"]", None),
        (Some("read"), READ, "Read\"\npermissions = [\"*:*\"]", None),
        // There is more, and none of it is in what was approved.
        (
            Some("manage"),
            "[families.api]",
            "[permissions.vault]\nopen = \"Open the vault\"\n\n[families.api]",
            Some(vec!["manage"]),
        ),
        // It means less: that is what its token gets.
        (
            Some("write"),
            "change and delete through the protected API\"\npermissions = [\"api:read\", \"api:write\"]",
            "change and delete\"\npermissions = [\"api:write\"]",
            Some(vec!["write"]),
        ),
        // It can no longer be chosen for this kind.
        (
            Some("verify"),
            "grants = { scopes = [\"read\", \"write\", \"verify\", \"manage\"], needed",
            "grants = { scopes = [\"read\", \"write\", \"manage\"], needed",
            None,
        ),
        // Nothing bounds the kind any more.
        (None, "owner = \"member\"\nceiling = \"owner_role\"", "owner = \"member\"\nceiling = \"everything\"", None),
        // Logins give another kind.
        (
            None,
            "[kinds.pat]\n",
            "[kinds.cli]\ntitle = \"Login\"\ndescription = \"A login\"\nprefix = \"sym_cli_\"\nproofs = [\"bearer\"]\n\
             owner = \"member\"\nceiling = \"owner_role\"\ngrants = { scopes = [\"read\"], needed = \"scopes\" }\n\
             login = { scopes = [\"read\"], variable = \"SYMBOLON_TOKEN\" }\n\n[kinds.pat]\n",
            None,
        ),
    ] {
        let (mut world, owner) = World::founded("symbolon");
        let session = person(&mut world, &owner);
        world.login_answer = Some(asking_for(&world, scope));
        let answer = call(&mut world, &session, "POST", "/v1/device/approve", &json!({"user_code": "BCDF-GHJK"}));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = approval(&world).token;
        let mut body = profile_with(from, to);
        if scopes.is_none() && scope == Some("verify") {
            let least = "setup = { scopes = [\"read\", \"write\", \"verify\", \"manage\"] }";
            let text = body["profile"].as_str().unwrap().replacen(least, "setup = { scopes = [\"read\"] }", 1);
            body = json!({ "profile": text });
        }
        if to.starts_with("[kinds.cli]") {
            let text = body["profile"].as_str().unwrap();
            let (before, pat) = text.split_once("[kinds.pat]").unwrap();
            let pat = pat.replacen("login = { scopes = [\"read\"], variable = \"SYMBOLON_TOKEN\" }\n", "", 1);
            body = json!({"profile": format!("{before}[kinds.pat]{pat}")});
        }
        let (status, problem) = world.http(&owner, "PUT", "/v1/profile", &body);
        assert_eq!(status, 200, "{to}: {problem}");
        world.pass(120_000);
        match scopes {
            Some(scopes) => assert_eq!(collected(&mut world, token).scopes, scopes, "{to}"),
            None => {
                let (status, problem) = collect(&mut world, token);
                assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{to}: {problem}");
                let tokens = world.http(&owner, "GET", "/v1/tokens", &json!(null)).1;
                assert_eq!(tokens["items"].as_array().unwrap().len(), 1, "{to}: nothing is made");
            }
        }
        world.pass(120_000);
        world.check_invariants();
    }
    // Nobody can say what was approved.
    let (mut world, owner) = World::founded("symbolon");
    let session = person(&mut world, &owner);
    let token = approve(&mut world, &session).token;
    world.store_execute("UPDATE login SET details = json_remove(details, '$.granted')");
    assert_eq!(collect(&mut world, token).1["code"], "conflict");
}

#[test]
fn a_login_lasts_no_longer_than_it_was_approved_to() {
    for (seconds, lasts) in [(31_536_000, 7_776_000), (3_600, 3_600)] {
        let (mut world, owner) = World::founded("symbolon");
        let session = person(&mut world, &owner);
        let token = approve(&mut world, &session).token;
        let to = format!("default_seconds = {seconds}");
        let (status, problem) =
            world.http(&owner, "PUT", "/v1/profile", &profile_with("default_seconds = 7776000", &to));
        assert_eq!(status, 200, "{problem}");
        world.pass(120_000);
        let made = collected(&mut world, token);
        assert_eq!(made.expires_at, Some(world.now.plus_seconds(lasts)));
    }
}

#[test]
fn what_is_approved_is_what_was_shown() {
    let (mut world, owner) = World::founded("symbolon");
    let session = person(&mut world, &owner);
    world.login_answer = Some(asking(&world));
    let look = |world: &mut World| call(world, &session, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).body;
    let seen = look(&mut world)["shown"].clone();
    assert_eq!(look(&mut world)["shown"], seen);
    let (status, problem) =
        world.http(&owner, "PUT", "/v1/profile", &profile_with(LEAST, "login = { scopes = [\"manage\"]"));
    assert_eq!(status, 200, "{problem}");
    world.pass(120_000);
    world.logins.clear();
    let say = |shown: &Json| json!({"user_code": "BCDF-GHJK", "shown": shown});
    for other in [&seen, &json!(""), &json!("x")] {
        let answer = call(&mut world, &session, "POST", "/v1/device/approve", &say(other));
        assert_eq!((answer.status, &answer.body["code"]), (409, &json!("conflict")), "{}", answer.body);
        assert!(answer.body["detail"].as_str().unwrap().contains("look again"), "{}", answer.body);
    }
    assert!(world.logins.iter().all(|(_, call)| matches!(call, LoginCall::Show { .. })), "nothing was decided");
    let now = look(&mut world);
    assert_ne!(now["shown"], seen);
    assert_eq!(now["scopes"], json!(["manage"]));
    let answer = call(&mut world, &session, "POST", "/v1/device/approve", &say(&now["shown"]));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = approval(&world).token;
    assert_eq!(collected(&mut world, token).scopes, ["manage"]);

    // Where it cannot be had at all, nothing stands for it.
    world.login_answer = Some(asking_for(&world, Some("bogus")));
    assert_eq!(look(&mut world)["shown"], json!(null));
}

#[test]
fn codes_are_checked_and_guesses_counted() {
    let (mut world, secret) = World::founded("devguard");
    let session = person(&mut world, &secret);
    for (body, status) in [
        (json!({}), 400),
        (json!({"user_code": "AAAA-AAAA"}), 400),
        (json!({"user_code": "BCDF-GHJK", "cli_token": KEY}), 400),
        // Not a system whose clients make up their own keys.
        (json!({"cli_token": KEY}), 404),
    ] {
        let answer = call(&mut world, &session, "POST", "/v1/device/approve", &body);
        assert_eq!(answer.status, status, "{body}");
    }
    assert!(world.logins.is_empty());
    world.login_answer = Some(Shown::Decided);
    assert_eq!(world.http(&secret, "POST", "/v1/device/deny", &json!({"user_code": "BCDF-GHJK"})).0, 409);
    world.login_answer = Some(Shown::Unasked);
    let answer = call(&mut world, &session, "POST", "/v1/device/approve", &json!({"user_code": "BCDF-GHJK"}));
    assert_eq!((answer.status, &answer.body["code"]), (409, &json!("conflict")));
    assert!(answer.body["detail"].as_str().unwrap().contains("start the client first"), "{}", answer.body);
    world.login_answer = None;
    assert_eq!(world.http(&secret, "POST", "/v1/device/deny", &json!({"user_code": "BCDF-GHJK"})).0, 503);
    world.login_answer = Some(Shown::Unknown);
    for _ in 0..20 {
        assert_eq!(world.http(&secret, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null)).0, 404);
    }
    let (status, problem) = world.http(&secret, "GET", "/v1/device?user_code=BCDF-GHJK", &json!(null));
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
}

#[test]
fn semgreps_key_is_approved_and_denied() {
    let (mut world, secret) = World::founded("semgrep");
    let session = person(&mut world, &secret);
    world.login_answer = Some(asking(&world));
    let answer = call(&mut world, &session, "POST", "/v1/device/approve", &json!({"cli_token": KEY}));
    assert_eq!((answer.status, &answer.body["kind"]), (200, &json!("cli")));
    let token = approval(&world).token;
    let made = collected(&mut world, token);
    assert!(made.secret.starts_with("sgp_"));
    let (status, answer) = world.http(&secret, "POST", "/v1/device/deny", &json!({"cli_token": KEY}));
    assert_eq!((status, answer["asked_from"]["address"].as_str()), (200, Some("203.0.113.9")));
    let log = world.http(&secret, "GET", "/v1/activity", &json!(null)).1;
    assert_eq!(log["items"][0]["action"], "login.deny");
}

#[test]
fn onboarding_makes_a_token_with_what_is_needed_and_no_more() {
    let check = |profile: &str, body: Json, kind: &str, scope: &str, variable: &str| {
        let (mut world, secret) = World::founded(profile);
        let (status, made) = world.http(&secret, "POST", "/v1/onboarding", &body);
        assert_eq!(status, 201, "{profile}: {made}");
        assert_eq!((&made["token"]["kind"], &made["token"]["scopes"]), (&json!(kind), &json!([scope])), "{profile}");
        assert_eq!(made["variable"], variable);
        let (snippet, value) = (made["snippet"].as_str().unwrap(), made["secret"].as_str().unwrap());
        assert!(snippet.contains(variable) && !snippet.contains(value), "{snippet}");
        assert_eq!(world.record(value).unwrap().scopes, [scope]);
        world.pass(120_000);
        world.check_invariants();
        made
    };
    let made = check("symbolon", json!({"repository": "acme/shop"}), "ci", "read", "SYMBOLON_TOKEN");
    assert_eq!(
        (&made["token"]["name"], &made["token"]["owner"]["type"]),
        (&json!("acme/shop"), &json!("organization"))
    );
    let made = check("devguard", json!({}), "pat", "scan", "DEVGUARD_TOKEN");
    assert_eq!(made["token"]["owner"]["type"], "member", "a personal token");
    let made = check("semgrep", json!({"service": "managed_scans"}), "service", "ci", "SEMGREP_APP_TOKEN");
    assert_eq!((&made["token"]["service"], &made["token"]["name"]), (&json!("managed_scans"), &json!("Semgrep CI")));

    let (mut world, secret) = World::founded("semgrep");
    let (status, _) = world.http(&secret, "POST", "/v1/onboarding", &json!({"service": "nothing"}));
    assert_eq!(status, 400);
    let (mut world, secret) = World::founded("devtron");
    assert_eq!(world.http(&secret, "POST", "/v1/onboarding", &json!({})).0, 404);
}

fn accept(world: &mut World, path: &str, body: &Json) -> (u16, Json) {
    let id = world.begin(&OrganizationCall::AcceptInvitation { request: request("POST", path, body) });
    world.response(id)
}

#[test]
fn who_is_invited_becomes_a_member_once() {
    for profile in ["symbolon", "devguard", "harborguard", "semgrep", "devtron", "devpilot"] {
        let (mut world, owner) = World::founded(profile);
        let roles = world.http(&owner, "GET", "/v1/kinds", &json!(null)).1["roles"].clone();
        let role = roles.as_array().unwrap().last().unwrap()["name"].clone();
        let body = json!({"email": "Bob@acme.example", "role": role});
        let (status, invited) = world.http(&owner, "POST", "/v1/invitations", &body);
        assert_eq!(status, 201, "{profile}: {invited}");
        let secret = invited["secret"].as_str().unwrap();
        assert!(invited["link"].as_str().unwrap().ends_with(&format!("#{secret}")));
        let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
        let wrong = json!({"secret": format!("{secret}x"), "name": "Eve"});
        assert_eq!(accept(&mut world, &path, &wrong).0, 404, "{profile}");
        let right = json!({"secret": secret, "name": "Bob"});
        let (status, accepted) = accept(&mut world, &path, &right);
        assert_eq!(status, 201, "{profile}: {accepted}");
        assert_eq!((&accepted["member"]["email"], &accepted["member"]["role"]), (&json!("bob@acme.example"), &role));
        if let Some(first) = accepted["secret"].as_str() {
            let (status, me) = world.http(first, "GET", "/v1/whoami", &json!(null));
            assert_eq!(
                (status, &me["principal"]["name"], &me["principal"]["role"]),
                (200, &json!("Bob"), &role),
                "{profile}"
            );
        }
        // There is a way in for everybody: a token, or, where the role may have none, codes to sign in and make a passkey.
        let codes = accepted["sign_in"]["recovery_codes"].as_array().map_or(0, Vec::len);
        assert_eq!(codes, if accepted["secret"].is_null() { 10 } else { 0 }, "{profile}");
        assert!(codes == 0 || accepted["sign_in"]["organization"] == "acme", "{profile}");
        assert_eq!(accept(&mut world, &path, &right).0, 404, "{profile}: a link is good once");
        let again = world.http(&owner, "POST", "/v1/invitations", &body);
        assert_eq!(again.0, 409, "{profile}: {again:?}");
        let list = world.http(&owner, "GET", "/v1/invitations", &json!(null)).1;
        assert_eq!((&list["items"][0]["status"], list.to_string().contains(secret)), (&json!("accepted"), false));
        world.pass(120_000);
        world.check_invariants();
    }
}

#[test]
fn an_invitation_is_worth_what_its_inviter_still_may() {
    let (mut world, owner) = World::founded("symbolon");
    let (made, inviter) =
        world.create(&owner, &json!({"kind": "key", "name": "hr", "role": "admin", "scopes": ["read", "manage"]}));
    let invite = |world: &mut World, secret: &str, role: &str| {
        world.http(secret, "POST", "/v1/invitations", &json!({"email": "bob@acme.example", "role": role}))
    };
    assert_eq!(invite(&mut world, &inviter, "owner").0, 403, "above the inviter's own");
    let (status, invited) = invite(&mut world, &inviter, "viewer");
    assert_eq!(status, 201, "{invited}");
    let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
    let body = json!({"secret": invited["secret"], "name": "Bob"});
    let token = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(world.http(&owner, "DELETE", &token, &json!(null)).0, 200);
    assert_eq!(accept(&mut world, &path, &body).1["code"], "revoked");

    let (_, invited) = invite(&mut world, &owner, "viewer");
    let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
    world.now = world.now.plus_seconds(604_800);
    let body = json!({"secret": invited["secret"], "name": "Bob"});
    assert_eq!(accept(&mut world, &path, &body).0, 404, "a link is good for a week");
}

#[test]
fn a_holder_ends_its_token_as_often_as_it_likes() {
    let (mut world, owner) = World::founded("symbolon");
    let (_, secret) = world.create(&owner, &json!({"kind": "pat", "name": "laptop", "scopes": ["read"]}));
    for _ in 0..2 {
        let id = world.begin_http(&secret, "POST", "/oauth/revoke", &json!(null));
        assert_eq!(world.response(id).0, 200);
    }
    assert_eq!(world.http(&secret, "GET", "/v1/whoami", &json!(null)).1["code"], "revoked");
}

#[test]
fn who_fails_too_often_waits_until_they_may_manage_again() {
    let (mut world, owner) = World::founded("symbolon");
    let (made, secret) = world.create(&owner, &json!({"kind": "pat", "name": "laptop", "scopes": ["read"]}));
    let failed = |world: &mut World, number: u64, count: u64, code: &str| {
        let ask = json!({"ask": {"uses": {"isolate": "i", "number": number, "uses": [], "refusals": [{
            "token": made["id"], "code": code, "count": count, "last_at": world.now, "client": {"address": "203.0.113.9"},
        }]}}});
        let call: OrganizationCall = serde_json::from_value(ask).unwrap();
        world.call(&call);
    };
    let whoami = |world: &mut World, secret: &str| world.http(secret, "GET", "/v1/whoami", &json!(null));
    failed(&mut world, 1, 19, "passphrase_wrong");
    failed(&mut world, 2, 1_000, "insufficient_permission");
    assert_eq!(whoami(&mut world, &secret).0, 200, "what it may not do is no failed verification");
    failed(&mut world, 3, 1, "expired");
    let id = world.begin_http(&secret, "GET", "/v1/whoami", &json!(null));
    let response: symbolon::protocol::message::HttpResponse =
        serde_json::from_str(&world.replies.remove(&id).unwrap()).unwrap();
    assert_eq!(response.status, 429);
    assert!(response.headers.contains(&("retry-after".into(), "61".into())));
    assert_eq!(whoami(&mut world, &owner).0, 200, "nor does a dead token hold its member up");
    let id = world.begin_http(&secret, "POST", "/v1/tokens/revoke-by-key", &json!(null));
    assert_ne!(world.response(id).0, 429, "to end a token is never held up");
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(world.http(&owner, "DELETE", &path, &json!(null)).0, 200);
    world.now = world.now.plus_seconds(60);
    assert_eq!(whoami(&mut world, &owner).0, 200);
}
