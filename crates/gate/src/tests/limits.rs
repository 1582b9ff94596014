//! Unknown credentials by client address.

use serde_json::{Value, json};
use symbolon::id::{MemberId, ShortId, TokenId};
use symbolon::policy::{Rate, Replay};
use symbolon::problem::Code;
use symbolon::protocol::login::Collected;
use symbolon::protocol::message::{Client, Failing, Limited};
use symbolon::protocol::session::UserHandle;
use symbolon::protocol::{Network, Owner, ProofKind, RecordState};
use symbolon::token::Digest;

use crate::limit::MAX_UNDER_WAY;
use crate::testing::{
    GATEWAY, MANAGEMENT, SETUP_CODE, World, bearer, organization, proxy_secret, request, signed, token_of,
};
use crate::{GateRequest, Outcome, Step};

const MAX_UNKNOWN: u32 = 20;
const MAX_POLLS: u32 = 120;

fn guess(seed: u8) -> GateRequest {
    let token = token_of(organization(), seed);
    request("GET", &format!("{GATEWAY}/things"), &[("authorization", &format!("Bearer {token}"))])
}

fn guess_until_limited(world: &mut World) {
    for seed in (100..).take(MAX_UNKNOWN.try_into().unwrap()) {
        assert_eq!(world.code(guess(seed)), "unknown_token");
    }
}

#[test]
fn who_guesses_is_stopped_before_a_call_leaves_the_isolate() {
    let mut world = World::new();
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "forward");
    guess_until_limited(&mut world);
    let Outcome::Respond(response) = world.handle(guess(9)) else { panic!() };
    assert_eq!((response.status, world.calls.as_slice()), (429, &[][..]));
    assert!(response.headers.contains(&("retry-after".to_owned(), "61".to_owned())));
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "forward", "what is known is not held up");
    let mut elsewhere = guess(9);
    elsewhere.client_address = Some("192.0.2.2".to_owned());
    assert_eq!(world.code(elsewhere), "unknown_token");
    world.now = world.now.plus_seconds(60);
    assert_eq!(world.code(guess(9)), "unknown_token");
}

#[test]
fn without_an_address_nobody_is_held_up_for_others_but_what_is_dead_is() {
    let mut world = World::with(|record| record.state = RecordState::Revoked);
    let from_nowhere = |call| GateRequest { client_address: None, ..call };
    for seed in 70..130 {
        assert_eq!(world.code(from_nowhere(guess(seed))), "unknown_token");
    }
    assert!(world.shown_by.is_empty(), "nor does an authority count them");
    let dead = || from_nowhere(bearer("GET", &format!("{GATEWAY}/things")));
    for _ in 0..MAX_UNKNOWN {
        assert_eq!(world.code(dead()), "revoked");
    }
    assert_eq!(world.code(dead()), "rate_limited");
}

/// A request signed with a key of an organisation that somebody made up.
fn made_up(number: u32, address: String) -> GateRequest {
    let key_id = format!("{number:06}.{}", "A".repeat(43));
    let mut request = signed("GET", &format!("{GATEWAY}/things"), None, "nonce");
    let (_, input) = request.headers.iter_mut().find(|(name, _)| name == "Signature-Input").unwrap();
    let own = input.split("keyid=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    *input = input.replace(&own, &key_id);
    GateRequest { client_address: Some(address), ..request }
}

/// A world whose routes know the tokens of every organisation.
fn of_every_organization() -> World {
    let mut world = World::new();
    for route in world.routes.iter_mut().filter(|route| !route.public) {
        route.organization = Some("*".to_owned());
    }
    world
}

#[test]
fn who_makes_up_names_of_keys_pushes_out_nothing_that_is_in_use() {
    let mut world = of_every_organization();
    let good = || bearer("GET", &format!("{GATEWAY}/things"));
    assert_eq!(world.code(good()), "forward");
    for number in 0..600 {
        assert_eq!(world.code(made_up(number, format!("192.0.{}.{}", number / 200, number % 200))), "unknown_token");
        assert_eq!(world.calls, ["organization"]);
    }
    assert_eq!(world.code(good()), "forward");
    assert!(world.calls.is_empty(), "its lease and its record are where they were: {:?}", world.calls);
}

#[test]
fn a_network_of_many_addresses_is_stopped_as_one() {
    let mut world = World::new();
    for number in 0..MAX_UNKNOWN {
        assert_eq!(world.code(made_up(number, format!("2001:db8::{number:x}"))), "unknown_token");
    }
    assert_eq!(world.code(made_up(9_000, "2001:db8::ffff:1".to_owned())), "rate_limited");
    assert!(world.calls.is_empty());
    assert_eq!(world.code(made_up(9_000, "2001:db8:0:1::1".to_owned())), "unknown_token");
}

/// A secret that names no organisation, and that nobody has.
fn nameless(seed: u8, address: &str) -> GateRequest {
    let token = format!("Bearer dvg_{}", format!("{seed:02x}").repeat(32));
    let request = request("GET", &format!("{GATEWAY}/things"), &[("authorization", &token)]);
    GateRequest { client_address: Some(address.to_owned()), ..request }
}

#[test]
fn who_guesses_at_what_names_nobody_is_told_so_by_the_locator_for_all_isolates() {
    let mut world = of_every_organization();
    assert_eq!(world.code(nameless(1, "192.0.2.1")), "unknown_token");
    assert_eq!(world.shown_to_locator, [Some(Network::of("192.0.2.1"))]);
    // Others from there have used up what there may be.
    world.locator_limits = Some(30);
    let Outcome::Respond(response) = world.handle(nameless(2, "192.0.2.1")) else { panic!() };
    assert!(response.headers.contains(&("retry-after".to_owned(), "30".to_owned())), "{response:?}");
    world.locator_limits = None;
    assert_eq!(world.code(nameless(3, "192.0.2.1")), "rate_limited");
    assert!(world.calls.is_empty(), "no call leaves the isolate: {:?}", world.calls);
    assert_eq!(world.code(nameless(3, "192.0.2.2")), "unknown_token");
    // What names an organisation is that one's to count, and what is good is good.
    assert_eq!(world.code(guess(9)), "unknown_token");
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "forward");
    world.now = world.now.plus_seconds(30);
    assert_eq!(world.code(nameless(3, "192.0.2.1")), "unknown_token");
    let from_nowhere = GateRequest { client_address: None, ..nameless(4, "") };
    assert_eq!(world.code(from_nowhere), "unknown_token");
    assert_eq!(world.shown_to_locator.last(), Some(&None));
}

#[test]
fn a_look_up_that_is_given_up_counts_no_longer() {
    let mut world = of_every_organization();
    let now = world.now;
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "forward", "the route table is known");
    for _ in 0..3 {
        let mut tasks = Vec::new();
        for number in 0..MAX_UNDER_WAY {
            let mut task = world.gate.handle(made_up(number, "192.0.2.7".to_owned()));
            assert!(matches!(task.start(now), Step::Wait(_)));
            tasks.push(task);
        }
        assert_eq!(world.code(made_up(9_000, "192.0.2.7".to_owned())), "rate_limited");
        assert!(world.calls.is_empty(), "it did not leave the isolate: {:?}", world.calls);
    }
    assert_eq!(world.code(made_up(9_000, "192.0.2.7".to_owned())), "unknown_token");
}

#[test]
fn resource_servers_and_proxies_are_not_held_up_by_those_they_ask_about() {
    let mut world = World::new();
    for seed in 100..=120 {
        let mut call = bearer("POST", &format!("{MANAGEMENT}/v1/verify"));
        call.has_body = true;
        call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        world.body = json!({"credential": token_of(organization(), seed)}).to_string().into_bytes();
        assert_eq!(world.respond(call).1["code"], "unknown_token");
        let mut call = bearer("POST", &format!("{MANAGEMENT}/oauth/introspect"));
        call.has_body = true;
        call.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        world.body = format!("token={}", token_of(organization(), seed)).into_bytes();
        assert_eq!(world.respond(call), (200, json!({"active": false})));
        let mut asked = guess(seed);
        asked.url = format!("{MANAGEMENT}/v1/forward-auth/nginx");
        for (name, value) in [
            ("x-symbolon-proxy-secret", proxy_secret("nginx").as_str()),
            ("x-original-method", "GET"),
            ("x-original-url", "https://api.example/things"),
        ] {
            asked.headers.push((name.to_owned(), value.to_owned()));
        }
        assert_eq!(world.code(asked), "unknown_token");
    }
}

#[test]
fn a_token_that_is_refused_too_often_is_told_no_more() {
    let mut world = World::with(|record| record.state = RecordState::Revoked);
    let call = || bearer("GET", &format!("{GATEWAY}/things"));
    for _ in 0..MAX_UNKNOWN {
        assert_eq!(world.code(call()), "revoked");
    }
    let Outcome::Respond(response) = world.handle(call()) else { panic!() };
    assert_eq!(response.status, 429);
    assert!(response.headers.contains(&("retry-after".to_owned(), "61".to_owned())));
    world.change(|record| record.state = RecordState::Active);
    world.now = world.now.plus_seconds(3);
    assert_eq!(world.code(call()), "forward", "what is good is not held up");
}

#[test]
fn the_limit_is_that_of_the_organisations_profile() {
    let mut world = World::new();
    world.failed = Some(Rate { max: 3, seconds: 30 });
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "forward", "its authority was asked");
    for seed in 100..103 {
        assert_eq!(world.code(guess(seed)), "unknown_token");
    }
    let Outcome::Respond(response) = world.handle(guess(9)) else { panic!() };
    assert_eq!((response.status, world.calls.as_slice()), (429, &[][..]));
    assert!(response.headers.contains(&("retry-after".to_owned(), "31".to_owned())));
    world.now = world.now.plus_seconds(30);
    world.failed = Some(Rate { max: 40, seconds: 30 });
    assert_eq!(world.code(guess(9)), "unknown_token", "the window is the profile's too");
    for seed in 100..130 {
        assert_eq!(world.code(guess(seed)), "unknown_token", "{seed}: more than usual where it says so");
    }

    let mut world = World::with(|record| record.state = RecordState::Revoked);
    world.failed = Some(Rate { max: 2, seconds: 30 });
    let codes = [(); 3].map(|()| world.code(bearer("GET", &format!("{GATEWAY}/things"))));
    assert_eq!(codes, ["revoked", "revoked", "rate_limited"]);
}

#[test]
fn what_one_organisation_says_of_limits_holds_before_that_one_alone() {
    let other: ShortId = "Other1".parse().unwrap();
    let there = |seed| {
        let token = token_of(other, seed);
        request("GET", &format!("{GATEWAY}/things"), &[("authorization", &format!("Bearer {token}"))])
    };
    let network = Network::of("192.0.2.1");
    // Very strict, and an authority that has counted.
    let mut world = of_every_organization();
    world.failed = Some(Rate { max: 1, seconds: 86_400 });
    world.limited =
        [Failing::Stranger(network), Failing::Holder(network)].map(|who| Limited { who, seconds: 86_400 }).into();
    assert_eq!(world.code(there(100)), "rate_limited");
    (world.failed, world.limited) = (None, Vec::new());
    assert_eq!(world.code(guess(9)), "unknown_token", "another organisation's is looked up");
    let call = post(&mut world, "/v1/sessions/recover", &json!({"organization": "acme"}));
    assert_eq!(world.respond(call).0, 201, "and people sign in");
    assert_eq!(world.code(there(101)), "rate_limited");
    assert!(world.calls.is_empty(), "{:?}", world.calls);
    world.change(|record| record.state = RecordState::Revoked);
    world.now = world.now.plus_seconds(3);
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "revoked");

    // Very lax: that gives nobody more guesses elsewhere.
    let mut world = of_every_organization();
    world.failed = Some(Rate { max: 10_000, seconds: 1 });
    assert_eq!(world.code(there(99)), "unknown_token");
    world.failed = None;
    guess_until_limited(&mut world);
    world.failed = Some(Rate { max: 10_000, seconds: 1 });
    world.now = world.now.plus_seconds(2);
    for seed in 100..130 {
        assert_eq!(world.code(there(seed)), "unknown_token");
    }
    assert_eq!(world.code(guess(9)), "rate_limited");
}

#[test]
fn a_wrong_passphrase_that_a_resource_server_passes_on_is_not_counted_where_that_is() {
    let mut world = World::with(|record| record.passphrase = Some("the hash of none".to_owned()));
    let mut server = world.records[0].clone();
    server.passphrase = None;
    let secret = token_of(organization(), 77);
    server.token = TokenId::from_bytes([7; 16]);
    server.proofs[0].kind = ProofKind::Bearer { digest: Digest::of(&secret) };
    world.records.push(server);
    let mut call =
        request("POST", &format!("{MANAGEMENT}/v1/verify"), &[("authorization", &format!("Bearer {secret}"))]);
    call.has_body = true;
    call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let presented = bearer("GET", &format!("{GATEWAY}/things"));
    let (_, credential) =
        presented.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")).unwrap();
    let credential = credential.trim_start_matches("Bearer ");
    world.body = json!({"credential": credential, "passphrase": "a guess"}).to_string().into_bytes();
    assert_eq!(world.respond(call).1["code"], "passphrase_wrong");
    assert_eq!(world.tried_by, [Client::default(), Client::default()], "neither the try nor its end");
    let mut direct = bearer("GET", &format!("{GATEWAY}/things"));
    direct.headers.push(("x-token-passphrase".to_owned(), "a guess".to_owned()));
    world.tried_by.clear();
    assert_eq!(world.code(direct), "passphrase_wrong");
    let addresses: Vec<_> = world.tried_by.iter().map(|client| client.address.as_deref()).collect();
    assert_eq!(addresses, [Some("192.0.2.1"); 2]);
}

#[test]
fn a_request_that_is_sent_again_holds_up_nothing_that_is_good() {
    let url = format!("{MANAGEMENT}/v1/whoami");
    let member = MemberId::from_bytes([9; 16]);
    let mut world = World::with(|record| {
        record.rules.signature.replay = Replay::Once;
        record.owner = Owner::Member { id: member, name: "Ada".to_owned(), email: "ada@example.com".to_owned() };
    });
    let call = |nonce: &str, address: &str| {
        let call = signed("GET", &url, None, nonce);
        GateRequest { client_address: Some(address.to_owned()), ..call }
    };
    assert_eq!(world.code(call("caught", "192.0.2.1")), "ok");
    for _ in 0..MAX_UNKNOWN {
        assert_eq!(world.code(call("caught", "192.0.2.1")), "replayed");
    }
    assert_eq!(world.code(call("caught", "192.0.2.1")), "rate_limited");
    assert_eq!(world.code(call("another", "192.0.2.1")), "ok", "its own calls, from the same address even");
    assert_eq!(noted(&mut world), u64::from(MAX_UNKNOWN), "it is written down");
    world.change(|record| record.state = RecordState::Revoked);
    world.now = world.now.plus_seconds(3);
    assert_eq!(world.code(call("third", "192.0.2.2")), "revoked", "its member is told why");
}

#[test]
fn what_authorities_have_counted_over_all_isolates_holds_here() {
    let member = MemberId::from_bytes([9; 16]);
    let network = Network::of("192.0.2.1");
    let token = World::new().records[0].token;
    for (who, holds_up_refusals) in [
        (Failing::Token(token), true),
        (Failing::Member(member), true),
        (Failing::Holder(network), true),
        (Failing::Member(MemberId::from_bytes([8; 16])), false),
        (Failing::Holder(Network::of("192.0.2.2")), false),
        // A stranger's guesses are no fault of who is behind the same address and has a token.
        (Failing::Stranger(network), false),
    ] {
        let mut world = World::with(|record| {
            record.state = RecordState::Revoked;
            record.owner = Owner::Member { id: member, name: "Ada".to_owned(), email: "ada@example.com".to_owned() };
        });
        world.limited = vec![Limited { who, seconds: 60 }];
        let call = || bearer("GET", &format!("{GATEWAY}/things"));
        let expected = if holds_up_refusals { "rate_limited" } else { "revoked" };
        assert_eq!(world.code(call()), expected, "{who:?}");
        let unknown = if who == Failing::Stranger(network) { "rate_limited" } else { "unknown_token" };
        assert_eq!(world.code(guess(9)), unknown, "{who:?}");
        // What is good is never held up.
        world.change(|record| record.state = RecordState::Active);
        world.now = world.now.plus_seconds(3);
        assert_eq!(world.code(call()), "forward", "{who:?}");
        world.limited = Vec::new();
        world.change(|record| record.state = RecordState::Revoked);
        world.now = world.now.plus_seconds(61);
        assert_eq!((world.code(call()), world.code(guess(9))), ("revoked".into(), "unknown_token".into()));
    }
}

#[test]
fn whoever_names_a_token_without_having_it_holds_up_nobody_but_themselves() {
    let url = format!("{GATEWAY}/things");
    let mut world = World::new();
    assert_eq!(world.code(bearer("GET", &url)), "forward", "it is known here");
    let forged = |number: u32| {
        let mut call = signed("GET", &url, None, &format!("nonce {number}"));
        let (_, value) = call.headers.iter_mut().find(|(name, _)| name == "Signature").unwrap();
        // Another message's signature, by the very key.
        *value =
            signed("GET", &url, None, "another").headers.into_iter().find(|(name, _)| name == "Signature").unwrap().1;
        call
    };
    for number in 0..MAX_UNKNOWN {
        assert_eq!(world.code(forged(number)), "signature_invalid");
    }
    assert_eq!(world.code(forged(MAX_UNKNOWN)), "rate_limited");
    assert_eq!(world.code(signed("GET", &url, None, "good")), "forward", "from the same address, even");
    assert_eq!(world.code(bearer("GET", &url)), "forward");
    let mut elsewhere = forged(MAX_UNKNOWN);
    elsewhere.client_address = Some("192.0.2.2".to_owned());
    assert_eq!(world.code(elsewhere), "signature_invalid");
    world.background();
    let refusals: Vec<_> = world.batches.iter().flat_map(|batch| &batch.refusals).collect();
    assert!(refusals.iter().all(|refusal| refusal.code == Code::SignatureInvalid), "{refusals:?}");
    assert_eq!(refusals.iter().map(|refusal| refusal.count).sum::<u64>(), u64::from(MAX_UNKNOWN) + 1);
    // Of what nobody has, the authority learns from where it came with the question itself.
    assert_eq!(world.code(guess(9)), "rate_limited");
    let mut elsewhere = guess(9);
    elsewhere.client_address = Some("192.0.2.3".to_owned());
    assert_eq!(world.code(elsewhere), "unknown_token");
    assert_eq!(world.shown_by.last(), Some(&Network::of("192.0.2.3")));
}

#[test]
fn a_host_of_ipv6_is_one_client_whatever_address_it_takes() {
    let mut world = World::new();
    let from = |host: u32, seed| {
        let mut call = guess(seed);
        call.client_address = Some(format!("2001:db8:1:2:{host:x}::1"));
        call
    };
    for seed in (100..).take(MAX_UNKNOWN.try_into().unwrap()) {
        assert_eq!(world.code(from(seed.into(), seed)), "unknown_token");
    }
    assert_eq!(world.code(from(0xffff, 9)), "rate_limited");
    assert_eq!(world.calls, Vec::<String>::new());
    let mut neighbour = guess(9);
    neighbour.client_address = Some("2001:db8:1:3::1".to_owned());
    assert_eq!(world.code(neighbour), "unknown_token");
}

/// How many refusals were handed over, with all that waits.
fn noted(world: &mut World) -> u64 {
    world.background();
    world.batches.iter().flat_map(|batch| &batch.refusals).map(|refusal| refusal.count).sum()
}

#[test]
fn a_dead_token_asks_nobody_and_is_written_down_no_more_once_it_was_refused_too_often() {
    let whoami = format!("{MANAGEMENT}/v1/whoami");
    let calls: [&dyn Fn(u32) -> GateRequest; 2] =
        [&|_| bearer("GET", &whoami), &|number| signed("GET", &whoami, None, &format!("nonce {number}"))];
    for call in calls {
        let mut world = World::with(|record| record.state = RecordState::Revoked);
        for number in 0..MAX_UNKNOWN {
            assert_eq!(world.code(call(number)), "revoked");
        }
        for number in 0..100 {
            assert_eq!(world.code(call(MAX_UNKNOWN + number)), "rate_limited");
            assert_eq!(world.calls, Vec::<String>::new(), "its authority is not asked");
        }
        assert_eq!(noted(&mut world), u64::from(MAX_UNKNOWN));
        // To end it is not held up.
        let end = signed("POST", &format!("{MANAGEMENT}/v1/tokens/revoke-by-key"), None, "the end");
        assert_eq!(world.code(end), "ok");
        world.now = world.now.plus_seconds(60);
        assert_ne!(world.code(call(MAX_UNKNOWN)), "rate_limited", "and neither is anything a minute later");
    }
}

#[test]
fn a_dead_key_that_somebody_else_names_is_held_up_for_whoever_has_it_alone() {
    let url = format!("{MANAGEMENT}/v1/whoami");
    let mut world = World::with(|record| record.state = RecordState::Revoked);
    for number in 0..MAX_UNKNOWN {
        assert_eq!(world.code(signed("GET", &url, None, &format!("nonce {number}"))), "revoked");
    }
    let mut elsewhere = signed("GET", &url, None, "elsewhere");
    elsewhere.client_address = Some("192.0.2.2".to_owned());
    assert_eq!(world.code(elsewhere), "revoked", "a key's name is public: nobody learns that it is refused");
}

fn post(world: &mut World, path: &str, body: &Value) -> GateRequest {
    world.body = body.to_string().into_bytes();
    let mut call = request("POST", &format!("{MANAGEMENT}{path}"), &[("origin", MANAGEMENT)]);
    call.has_body = true;
    call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    call
}

#[test]
fn what_strangers_ask_in_vain_is_stopped_before_it_leaves_the_isolate() {
    let handle = UserHandle { organization: organization(), member: MemberId::from_bytes([1; 16]) };
    let handle = handle.encode();
    for (path, body, asks) in [
        ("/v1/sessions", json!({"credential": {"response": {"userHandle": handle}}}), true),
        ("/v1/sessions/recover", json!({"organization": "acme"}), true),
        ("/v1/sessions/recover", json!({"organization": "nobodys"}), true),
        ("/v1/setup", json!({"setup_code": "a guess of sixteen bytes or more"}), false),
        ("/v1/setup", json!({}), false),
        ("/v1/setup", json!([SETUP_CODE]), false),
        ("/v1/setup", json!("not even that"), false),
        ("/api/v1/pats/revoke-by-private-key", json!({"privkey": "02".repeat(32)}), true),
    ] {
        let mut world = World::new();
        // Not what a wrong passkey is told, but what a body is that cannot be read.
        world.sign_in_status = 400;
        for _ in 0..MAX_UNKNOWN {
            let call = post(&mut world, path, &body);
            assert!((400..500).contains(&world.respond(call).0), "{path}");
            let asked = world.calls.iter().any(|call| call != "body");
            assert_eq!(asked, asks, "{path} {:?}", world.calls);
        }
        let call = post(&mut world, path, &body);
        assert_eq!(world.code(call), "rate_limited", "{path}");
        assert!(world.calls.iter().all(|call| call == "body"), "{path} {:?}", world.calls);
    }
}

#[test]
fn whoever_succeeds_is_not_counted() {
    let mut world = World::new();
    for _ in 0..2 * MAX_UNKNOWN {
        let call = post(&mut world, "/v1/sessions/recover", &json!({"organization": "acme"}));
        assert_eq!(world.respond(call).0, 201);
        let call = post(&mut world, "/v1/setup", &json!({"setup_code": SETUP_CODE}));
        assert_eq!(world.code(call), "ok");
    }
}

#[test]
fn polls_are_many_but_not_without_end() {
    let mut world = World::new();
    world.login_answer = json!(Collected::Pending);
    let body = json!({"token_request_key": "9b2f3d3c-1f0e-4a59-8f53-2f7f3b1f6a10"});
    let poll = |world: &mut World| {
        let call = post(world, "/api/agent/tokens/requests", &body);
        world.respond(call).0
    };
    for _ in 0..MAX_POLLS {
        assert_eq!(poll(&mut world), 404);
    }
    assert_eq!(poll(&mut world), 429);
    assert_eq!(world.calls, ["body"]);
    world.now = world.now.plus_seconds(60);
    assert_eq!(poll(&mut world), 404);
}
