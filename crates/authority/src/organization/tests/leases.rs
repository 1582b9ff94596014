//! Leases, takeovers, use counts and the directory, when things go wrong.

use serde_json::json;
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::{Ask, Changes, Client, Lookup, OrganizationCall, Use, UseBatch};
use symbolon::token::Digest;

use super::world::World;
use crate::machine::Event;
use crate::store::Store as _;

pub(super) fn wants_lease(world: &mut World, secret: &str) -> symbolon::protocol::message::Answer {
    let lookup = Some(Lookup::Digest(Digest::of(secret)));
    world.ask(Ask { lookup, lease: true, ..Ask::default() })
}

#[test]
fn a_revocation_is_answered_when_the_leases_have_run_out() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, second) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    let answer = wants_lease(&mut world, &second);
    assert_eq!(answer.lease_millis, 2000);
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let sent = world.now;
    let call = world.begin_http(&secret, "DELETE", &path, &json!(null));
    world.pass(2_499);
    assert!(!world.replies.contains_key(&call), "an edge may still believe");
    world.pass(1_000);
    let (status, revoked) = world.response(call);
    assert_eq!(status, 200);
    let holds = revoked["holds_everywhere_at"].as_str().unwrap().parse().unwrap();
    assert!(sent.plus_millis(2_500) <= holds && holds <= world.now);
    // With nothing outstanding a narrowing is answered at once.
    world.pass(60_000);
    let call = world.begin_http(&secret, "DELETE", &path, &json!(null));
    assert!(world.replies.contains_key(&call));
}

#[test]
fn a_machine_that_could_not_be_opened_tries_again() {
    let (mut world, secret) = World::founded("symbolon");
    world.restart();
    let rename = |from: &str, to: &str| format!("ALTER TABLE organization RENAME COLUMN {from} TO {to}");
    world.store.execute(&rename("horizon", "unreadable"), &[]).unwrap();
    world.alarm = None;
    world.begin(&OrganizationCall::Ask(Ask::default()));
    assert_eq!((world.replies.len(), world.faults.len()), (0, 1), "the fence is written, the row cannot be read");
    world.event(Event::Alarm);
    assert!(world.alarm.is_some(), "what the outbox has to do is not forgotten");
    world.store.execute(&rename("unreadable", "horizon"), &[]).unwrap();
    assert!(world.record(&secret).is_some());
}

#[test]
fn a_repeated_revocation_needs_a_write() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, _) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let mut written = Vec::new();
    for _ in 0..3 {
        let call = world.begin_http(&secret, "DELETE", &path, &json!(null));
        assert_eq!(world.response(call).0, 200);
        let rows = world.store.execute("SELECT instances FROM organization", &[]).unwrap();
        written.push(rows[0].get::<u64>(0).unwrap());
    }
    assert!(written.is_sorted_by(|before, after| before < after), "a superseded machine fails by it: {written:?}");
}

#[test]
fn an_edit_that_is_repeated_waits_like_the_first() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, second) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    wants_lease(&mut world, &second);
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let first = world.begin_http(&secret, "PATCH", &path, &json!({"active": false}));
    let again = world.begin_http(&secret, "PATCH", &path, &json!({"active": false}));
    world.pass(2_000);
    assert!(!world.replies.contains_key(&first));
    assert!(!world.replies.contains_key(&again), "whoever asks again may have lost the first answer");
    assert_eq!(world.response(again).0, 200);
}

#[test]
fn who_asks_again_waits_with_who_asked_first_while_leases_are_renewed() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, second) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    let (other, _) = world.create(&secret, &json!({"kind": "pat", "name": "y", "scopes": ["read"]}));
    let path = |token: &serde_json::Value| format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let busy = |world: &mut World, millis: i64| {
        for _ in 0..millis / 100 {
            world.pass(100);
            wants_lease(world, &second);
        }
    };
    busy(&mut world, 1_000);
    let first = world.begin_http(&secret, "DELETE", &path(&token), &json!(null));
    busy(&mut world, 1_000);
    let again = world.begin_http(&secret, "DELETE", &path(&token), &json!(null));
    let unlike = world.begin_http(&secret, "DELETE", &path(&other), &json!(null));
    busy(&mut world, 1_400);
    assert!(!world.replies.contains_key(&first) && !world.replies.contains_key(&again));
    busy(&mut world, 100);
    assert_eq!(world.response(first).0, 200);
    assert!(world.replies.contains_key(&again), "it holds since the first time");
    let (_, told) = world.response(again);
    assert_eq!(told["holds_everywhere_at"], json!(world.now), "and that is what is said of it");
    let late = world.begin_http(&secret, "DELETE", &path(&token), &json!(null));
    assert!(world.replies.contains_key(&late), "nothing is left to wait for");
    assert!(!world.replies.contains_key(&unlike), "another change waits for what was granted before it");
    busy(&mut world, 1_000);
    assert!(world.replies.contains_key(&unlike));
}

#[test]
fn every_repeated_narrowing_waits_with_the_first() {
    let (mut world, secret) = World::founded("symbolon");
    let body = json!({"name": "M", "email": "m@example.com", "role": "developer"});
    let member = world.http(&secret, "POST", "/v1/members", &body).1;
    let path = format!("/v1/members/{}", member["id"].as_str().unwrap());
    let text =
        symbolon::policy::builtin("symbolon").unwrap().replace("default_seconds = 7776000", "default_seconds = 604800");
    let role = json!({"role": "viewer"});
    let profile = json!({ "profile": text });
    for (method, path, body) in
        [("PATCH", path.as_str(), &role), ("PUT", "/v1/profile", &profile), ("DELETE", path.as_str(), &json!(null))]
    {
        wants_lease(&mut world, &secret);
        let first = world.begin_http(&secret, method, path, body);
        world.pass(1_000);
        wants_lease(&mut world, &secret);
        let again = world.begin_http(&secret, method, path, body);
        world.pass(1_500);
        assert_eq!(world.response(first).0, 200, "{method} {path}");
        assert_eq!(world.response(again).0, 200, "{method} {path}");
        assert!(world.timers.len() <= 1, "but for what is granted, nothing is waited for");
    }
}

#[test]
fn terms_that_would_wait_longer_than_anybody_are_refused() {
    let (mut world, secret) = World::founded("symbolon");
    let usual = symbolon::policy::builtin("symbolon").unwrap();
    let put = |world: &mut World, leases: &str| {
        let body = json!({ "profile": format!("{usual}\n[leases]\n{leases}\n") });
        world.http(&secret, "PUT", "/v1/profile", &body)
    };
    for leases in
        ["stale_for_seconds = 29", "busy_lease_millis = 30000", "margin_millis = 60000", "lease_millis = 4294967295"]
    {
        let (status, refused) = put(&mut world, leases);
        assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "{leases}");
        let told = refused["errors"][0]["message"].as_str().unwrap();
        assert!(told.contains("leases") && told.contains("50000"), "{told}");
    }
    for leases in ["stale_for_seconds = 28", "busy_lease_millis = 2000\nstale_for_seconds = 44"] {
        assert_eq!(put(&mut world, leases).0, 200, "{leases}");
    }
    // The longest that there is: the authority is replaced under the longest leases.
    for _ in 0..6000 {
        wants_lease(&mut world, &secret);
    }
    world.pass(1_000);
    wants_lease(&mut world, &secret);
    world.restart();
    let call = world.begin_http(&secret, "PUT", "/v1/profile", &json!({ "profile": "symbolon" }));
    world.pass(i64::try_from(LeaseTerms::WAIT_LIMIT_MILLIS).unwrap());
    assert!(world.replies.contains_key(&call));
}

#[test]
fn a_rotation_is_answered_before_its_grace_ends_only_where_edges_will_know_of_the_end() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, second) = world.create(&secret, &json!({"kind": "key", "name": "x", "scopes": ["read"]}));
    let path = format!("/v1/tokens/{}/rotate", token["id"].as_str().unwrap());
    for (grace, at_once) in [(1, false), (0, false), (60, true)] {
        wants_lease(&mut world, &second);
        let call = world.begin_http(&secret, "POST", &path, &json!({"grace_seconds": grace}));
        assert_eq!(world.replies.contains_key(&call), at_once, "{grace}");
        assert_eq!(world.response(call).0, 200);
    }
}

#[test]
fn the_profile_sets_the_lease_and_a_change_of_it_waits_for_what_was_granted() {
    let profile = |lease: u32| {
        let usual = symbolon::policy::builtin("symbolon").unwrap();
        format!("{usual}\n[leases]\nlease_millis = {lease}\nstale_for_seconds = 3\n")
    };
    let (mut world, secret) = World::founded(&profile(8_000));
    let answer = wants_lease(&mut world, &secret);
    assert_eq!((answer.lease_millis, answer.stale_millis), (8_000, 3_000));
    let call = world.begin_http(&secret, "PUT", "/v1/profile", &json!({ "profile": profile(500) }));
    let answer = wants_lease(&mut world, &secret);
    assert_eq!((answer.lease_millis, answer.stale_millis), (500, 3_000));
    world.pass(11_000);
    assert!(!world.replies.contains_key(&call), "a lease of 8 s, 3 s of stale, and the margin");
    assert_eq!(world.response(call).0, 200);
    world.restart();
    assert_eq!(wants_lease(&mut world, &secret).lease_millis, 500);
}

#[test]
fn changes_are_listed_since_an_epoch_as_far_as_the_log_goes() {
    let (mut world, secret) = World::founded("symbolon");
    let epoch = wants_lease(&mut world, &secret).epoch;
    let since = |world: &mut World, since| world.ask(Ask { since: Some(since), lease: true, ..Ask::default() }).changes;
    assert_eq!(since(&mut world, epoch), Changes::Since { since: epoch, tokens: Vec::new() });
    let (_, made) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    let id = world.record(&made).unwrap().token;
    assert_eq!(since(&mut world, epoch), Changes::Since { since: epoch, tokens: vec![id] });
    // Also one that touched no token has its epoch.
    let before = wants_lease(&mut world, &secret).epoch;
    let invitation = json!({"email": "eve@acme.example", "role": "viewer"});
    assert_eq!(world.http(&secret, "POST", "/v1/invitations", &invitation).0, 201);
    let after = wants_lease(&mut world, &secret).epoch;
    assert!(after > before);
    assert_eq!(since(&mut world, after), Changes::Since { since: after, tokens: Vec::new() });
    assert_eq!(since(&mut world, before), Changes::Since { since: before, tokens: Vec::new() });
}

#[test]
fn a_machine_that_takes_over_waits_for_what_the_former_one_said() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, second) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    wants_lease(&mut world, &second);
    world.restart();
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    wants_lease(&mut world, &second);
    world.pass(1_500);
    let call = world.begin_http(&secret, "DELETE", &path, &json!(null));
    world.pass(2_900);
    assert!(!world.replies.contains_key(&call), "the horizon was two leases long");
    let again = world.begin_http(&secret, "DELETE", &path, &json!(null));
    world.pass(100);
    assert!(world.replies.contains_key(&call), "the takeover is waited for once, from its fence on");
    assert_eq!(world.response(again).0, 200);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn use_counts_are_counted_once() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, made) = world.create(&secret, &json!({"kind": "key", "name": "x", "scopes": ["read"]}));
    let record = world.record(&made).unwrap();
    let client = Client { address: Some("192.0.2.9".into()), user_agent: Some("curl/8".into()) };
    let at = world.now;
    let batch = |number, count, version, newest| UseBatch {
        isolate: "0123456789abcdef0123456789abcdef".into(),
        number,
        uses: vec![Use { token: record.token, count, last_at: at, client: client.clone(), version, newest }],
        refusals: Vec::new(),
    };
    for (number, count, total) in [(1, 3, 3), (1, 3, 3), (2, 4, 7), (1, 3, 7)] {
        let uses = Some(batch(number, count, record.version, false));
        assert_eq!(world.ask(Ask { uses, ..Ask::default() }).counted, Some(number));
        let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
        let read = world.http(&secret, "GET", &path, &json!(null)).1;
        assert_eq!((&read["use_count"], &read["last_used_ip"]), (&json!(total), &json!("192.0.2.9")));
        assert_eq!((&read["last_used_at"], &read["last_used_agent"]), (&json!(at), &json!("curl/8")));
    }
    // The first use of a rotation's new secret ends the grace, a use of the same secret before it does not.
    let rotate = format!("/v1/tokens/{}/rotate", token["id"].as_str().unwrap());
    let rotated = world.http(&secret, "POST", &rotate, &json!({"grace_seconds": 3600})).1;
    let second = rotated["secret"].as_str().unwrap().to_owned();
    world.ask(Ask { uses: Some(batch(3, 1, record.version, true)), ..Ask::default() });
    assert_eq!(world.record(&second).unwrap().proofs.len(), 2);
    let version = world.record(&second).unwrap().version;
    world.ask(Ask { uses: Some(batch(4, 1, version, true)), ..Ask::default() });
    assert_eq!(world.record(&second).unwrap().proofs.len(), 1);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn the_directory_is_told_in_the_end_whatever_fails() {
    let (mut world, secret) = World::founded("symbolon");
    world.fail_puts = true;
    let (token, _) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    world.pass(600_000);
    world.restart();
    world.fail_puts = false;
    world.hold_puts = true;
    world.record(&secret).unwrap();
    world.pass(30_000);
    // A put is under way while the token changes: the newer version waits its turn.
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    world.http(&secret, "PATCH", &path, &json!({"name": "y"}));
    world.http(&secret, "DELETE", &path, &json!(null));
    world.hold_puts = false;
    world.end_puts();
    world.pass(600_000);
    world.check_invariants();
}

#[test]
fn nothing_is_said_beyond_the_horizon() {
    use symbolon::protocol::imported::Try;
    use symbolon::protocol::message::HttpRequest;
    let (mut world, secret) = World::founded("symbolon");
    let token = world.record(&secret).unwrap().token;
    let other = symbolon::id::TokenId::from_bytes([1; 16]);
    let request =
        |body: &str| HttpRequest { body: body.into(), ..super::world::request("POST", "/v1/x", &json!(null)) };
    let client = Client::default;
    for call in [
        OrganizationCall::Ask(Ask::default()),
        OrganizationCall::Attempt { token: other, client: Default::default() },
        OrganizationCall::Settle { token: other, right: false, client: client() },
        OrganizationCall::Try(Try { tokens: vec![token], client: client() }),
        OrganizationCall::CollectLogin { token: other },
        OrganizationCall::AcceptInvitation { request: request("{}") },
    ] {
        world.pass(120_000);
        let open = |world: &World| {
            let rows = world.store.execute("SELECT horizon FROM organization", &[]).unwrap();
            rows[0].get::<Option<String>>(0).unwrap().is_some()
        };
        assert!(!open(&world), "nothing is outstanding");
        world.call(&call);
        assert!(open(&world), "{call:?} is answered after a write, so by a machine that was not superseded");
    }
}

#[test]
fn puts_start_in_a_turn_that_writes() {
    let (mut world, secret) = World::founded("symbolon");
    let written = |world: &World| {
        let rows = world.store.execute("SELECT instances FROM organization", &[]).unwrap();
        rows[0].get::<u64>(0).unwrap()
    };
    world.pass(120_000);
    world.hold_puts = true;
    world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["read"]}));
    world.fail_puts = true;
    world.end_puts();
    let before = written(&world);
    world.event(Event::Alarm);
    assert!(world.puts.is_empty(), "it is repeated later");
    assert_eq!(written(&world), before, "what starts no put writes nothing");
    world.pass(2_000);
    assert_eq!(world.puts.len(), 1);
    assert!(written(&world) > before, "by this write a superseded machine fails, and its put does not leave");
}
