//! Refusals that edges bring in: what of them gets into the activity log, and when.

use serde_json::{Value as Json, json};
use symbolon::id::{MemberId, TokenId};
use symbolon::problem::Code;
use symbolon::protocol::Network;
use symbolon::protocol::message::{
    Ask, Attempted, Client, Failing, Limited, Lookup, OrganizationCall, Refusal, UseBatch,
};
use symbolon::token::Digest;

use super::super::refusals::WINDOW_MILLIS;
use super::world::World;

/// Brings so many refusals in, each in a batch of its own, as a gate does that asks at every request.
fn refuse(world: &mut World, token: &Json, batches: core::ops::Range<u64>) {
    for number in batches {
        let refusal = Refusal {
            token: token.as_str().unwrap().parse().unwrap(),
            code: Code::Revoked,
            count: 2,
            last_at: world.now,
            client: Client { address: Some(format!("192.0.2.{}", number % 200)), user_agent: None },
            passed_on: false,
        };
        let uses = UseBatch { isolate: "i".repeat(32), number: number + 1, uses: Vec::new(), refusals: vec![refusal] };
        assert_eq!(world.ask(Ask { uses: Some(uses), ..Ask::default() }).counted, Some(number + 1));
    }
}

/// The counts of the entries about refusals, the newest first.
fn written(world: &mut World, secret: &str) -> Vec<u64> {
    let (_, page) = world.http(secret, "GET", "/v1/activity?action=token.refuse&limit=100", &json!(null));
    page["items"].as_array().unwrap().iter().map(|item| item["details"]["count"].as_u64().unwrap()).collect()
}

#[test]
fn a_dead_token_that_is_presented_again_and_again_fills_no_log() {
    let (mut world, secret) = World::founded("symbolon");
    let (token, _) = world.create(&secret, &json!({"kind": "pat", "name": "a", "scopes": ["read"]}));
    refuse(&mut world, &token["id"], 0..500);
    assert_eq!(written(&mut world, &secret), [2], "the first is written down at once");
    // By an alarm: whoever stops leaves nothing unsaid.
    world.pass(WINDOW_MILLIS + 1);
    assert_eq!(written(&mut world, &secret), [998, 2]);
    refuse(&mut world, &token["id"], 500..501);
    assert_eq!(written(&mut world, &secret), [2, 998, 2], "a new window begins");
    let (_, check) = world.http(&secret, "GET", "/v1/activity/verify", &json!(null));
    assert_eq!(check["valid"], true);
    world.pass(WINDOW_MILLIS + 1);
    assert_eq!(written(&mut world, &secret), [2, 998, 2]);
}

fn client(address: &str) -> Client {
    Client { address: Some(address.to_owned()), user_agent: None }
}

/// Brings refusals in from so many isolates, one from each; whom the last answer holds up.
fn bring(world: &mut World, isolates: core::ops::Range<u32>, refusal: &Refusal) -> Vec<Failing> {
    let mut limited = Vec::new();
    for isolate in isolates {
        let uses = UseBatch {
            isolate: format!("{isolate:032x}"),
            number: 1,
            uses: Vec::new(),
            refusals: vec![Refusal { last_at: world.now, ..refusal.clone() }],
        };
        limited = world.ask(Ask { uses: Some(uses), ..Ask::default() }).limited;
    }
    limited.iter().for_each(|found| assert!((1..=61).contains(&found.seconds), "{found:?}"));
    limited.into_iter().map(|Limited { who, .. }| who).collect()
}

#[test]
fn failed_verifications_are_counted_by_token_member_and_address_over_all_edges() {
    let (mut world, secret) = World::founded("symbolon");
    let me = world.http(&secret, "GET", "/v1/whoami", &json!(null)).1;
    let member: MemberId = me["principal"]["id"].as_str().unwrap().parse().unwrap();
    let mut id = |name: &str| -> TokenId {
        let made = world.create(&secret, &json!({"kind": "pat", "name": name, "scopes": ["read"]})).0;
        made["id"].as_str().unwrap().parse().unwrap()
    };
    let (one, other) = (id("one"), id("other"));
    let refusal = |token, code, address| Refusal {
        token,
        code,
        count: 1,
        last_at: world.now,
        client: client(address),
        passed_on: false,
    };
    let expired = refusal(one, Code::Expired, "192.0.2.1");
    let missing = refusal(one, Code::InsufficientPermission, "192.0.2.1");
    let forged = refusal(one, Code::SignatureInvalid, "192.0.2.4");
    let passed_on = Refusal { passed_on: true, ..refusal(one, Code::Expired, "192.0.2.2") };
    let of_other = refusal(other, Code::Revoked, "192.0.2.3");
    let (here, elsewhere) = (Network::of("192.0.2.1"), Network::of("192.0.2.3"));
    let replayed = refusal(one, Code::Replayed, "192.0.2.5");
    // What a resource server passes on counts against nobody, nor what a good credential may not do.
    assert_eq!(bring(&mut world, 0..30, &passed_on), []);
    assert_eq!(bring(&mut world, 30..60, &missing), []);
    // A signature that does not hold names a token and proves nothing.
    assert_eq!(bring(&mut world, 60..80, &forged), []);
    assert_eq!(bring(&mut world, 80..81, &forged), [Failing::Stranger(Network::of("192.0.2.4"))]);
    // Whoever sends a request again that they caught holds up neither its token nor its member.
    assert_eq!(bring(&mut world, 200..219, &replayed), []);
    assert_eq!(bring(&mut world, 219..221, &replayed), [Failing::Holder(Network::of("192.0.2.5"))]);
    assert_eq!(bring(&mut world, 100..119, &expired), []);
    let all = [Failing::Token(one), Failing::Member(member), Failing::Holder(here)];
    assert_eq!(bring(&mut world, 119..120, &expired), all);
    // Of another token of the same member, from another address: the member alone.
    assert_eq!(bring(&mut world, 120..121, &of_other), [Failing::Member(member)]);
    world.now = world.now.plus_seconds(60);
    assert_eq!(bring(&mut world, 121..140, &of_other), []);
    let all = [Failing::Token(other), Failing::Member(member), Failing::Holder(elsewhere)];
    assert_eq!(bring(&mut world, 140..141, &of_other), all);
    // The member, in person, manages all the same.
    assert_eq!(world.http(&secret, "GET", "/v1/tokens", &json!(null)).0, 200);
    let log = world.http(&secret, "GET", "/v1/activity?limit=100", &json!(null)).1;
    assert!(!log.to_string().contains("signature_invalid"), "strangers write nothing");
}

#[test]
fn guesses_are_counted_by_address_over_all_edges_as_the_profile_says() {
    let limits = "[limits]\nfailed = { max = 3, seconds = 30 }\n\n[permissions.api]";
    let profile = symbolon::policy::builtin("symbolon").unwrap().replacen("[permissions.api]", limits, 1);
    let (mut world, secret) = World::founded(&profile);
    let guess = |world: &mut World, secret: &str, address: &str| {
        let lookup = Some(Lookup::Digest(Digest::of(secret)));
        let answer = world.ask(Ask { lookup, shown_by: Some(Network::of(address)), ..Ask::default() });
        assert_eq!(answer.failed.map(|rate| (rate.max, rate.seconds)), Some((3, 30)), "edges hold to it");
        answer.limited
    };
    for number in 0..3 {
        assert_eq!(guess(&mut world, &format!("made up {number}"), "192.0.2.1"), []);
    }
    let who = Failing::Stranger(Network::of("192.0.2.1"));
    assert_eq!(guess(&mut world, "made up", "192.0.2.1"), [Limited { who, seconds: 31 }]);
    assert_eq!(guess(&mut world, "made up", "192.0.2.2"), []);
    assert_eq!(guess(&mut world, &secret, "192.0.2.1"), [], "what is known is no guess");
    world.now = world.now.plus_seconds(30);
    assert_eq!(guess(&mut world, "made up", "192.0.2.1"), []);
    let (mut world, _) = World::founded("symbolon");
    assert_eq!(world.ask(Ask::default()).failed, None, "said only where it is not the usual");
}

#[test]
fn wrong_passphrases_are_counted_by_member_and_address_beside_the_lock() {
    let (mut world, secret) = World::founded("symbolon");
    let with_passphrase = |world: &mut World, by: &str| -> TokenId {
        let body = json!({"kind": "pat", "name": "p", "scopes": ["read"], "passphrase": "correct horse"});
        let made = world.create(by, &body).0;
        made["id"].as_str().unwrap().parse().unwrap()
    };
    let body = json!({"email": "bob@acme.example", "role": "developer"});
    let invited = world.http(&secret, "POST", "/v1/invitations", &body).1;
    let path = format!("/v1/invitations/{}/accept", invited["invitation"]["id"].as_str().unwrap());
    let body = json!({"secret": invited["secret"], "name": "Bob"});
    let request = super::world::request("POST", &path, &body);
    let id = world.begin(&OrganizationCall::AcceptInvitation { request });
    let bobs = world.response(id).1["secret"].as_str().unwrap().to_owned();
    let tokens: Vec<TokenId> = (0..6).map(|_| with_passphrase(&mut world, &secret)).collect();
    let of_bob = with_passphrase(&mut world, &bobs);
    let attempt = |world: &mut World, token, address| -> Attempted {
        let call = OrganizationCall::Attempt { token, client: client(address) };
        serde_json::from_str(&world.call(&call)).unwrap()
    };
    let settle = |world: &mut World, token, right, address| {
        world.call(&OrganizationCall::Settle { token, right, client: client(address) });
    };
    // Right ones count for nothing.
    for _ in 0..30 {
        assert_eq!(attempt(&mut world, tokens[0], "192.0.2.1"), Attempted::Reserved);
        settle(&mut world, tokens[0], true, "192.0.2.1");
    }
    // Nor while they are under way, for where they come from: other members' may be as many.
    world.now = world.now.plus_seconds(60);
    let of_bobs: Vec<TokenId> = (0..5).map(|_| with_passphrase(&mut world, &bobs)).collect();
    for number in 0..20 {
        assert_eq!(attempt(&mut world, of_bobs[number % 5], "192.0.2.1"), Attempted::Reserved);
    }
    assert_eq!(attempt(&mut world, tokens[0], "192.0.2.1"), Attempted::Reserved, "though twenty are under way");
    settle(&mut world, tokens[0], true, "192.0.2.1");
    world.now = world.now.plus_seconds(60);
    // Four wrong ones for each of five tokens: none is locked.
    for token in &tokens[..5] {
        for _ in 0..4 {
            assert_eq!(attempt(&mut world, *token, "192.0.2.1"), Attempted::Reserved);
            settle(&mut world, *token, false, "192.0.2.1");
        }
    }
    let limited = |attempted| matches!(attempted, Attempted::Limited { seconds: 1..=61 });
    assert!(limited(attempt(&mut world, tokens[5], "192.0.2.2")), "the member, from elsewhere");
    assert!(limited(attempt(&mut world, of_bob, "192.0.2.1")), "the address, for another member's token");
    assert_eq!(attempt(&mut world, of_bob, "192.0.2.2"), Attempted::Reserved);
    world.now = world.now.plus_seconds(60);
    assert_eq!(attempt(&mut world, tokens[5], "192.0.2.2"), Attempted::Reserved);
}
