//! Unknown credentials by client address.

use serde_json::json;
use symbolon::protocol::RecordState;

use crate::limit::{MAX_UNDER_WAY, MAX_UNKNOWN};
use crate::testing::{GATEWAY, MANAGEMENT, PROXY_SECRET, World, bearer, organization, request, signed, token_of};
use crate::{GateRequest, Outcome, Step};

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

/// A request signed with a key of an organisation that somebody made up.
fn made_up(number: u32, address: String) -> GateRequest {
    let key_id = format!("{number:06}.{}", "A".repeat(43));
    let mut request = signed("GET", &format!("{GATEWAY}/things"), None, "nonce");
    let (_, input) = request.headers.iter_mut().find(|(name, _)| name == "Signature-Input").unwrap();
    let own = input.split("keyid=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    *input = input.replace(&own, &key_id);
    GateRequest { client_address: Some(address), ..request }
}

#[test]
fn who_makes_up_names_of_keys_pushes_out_nothing_that_is_in_use() {
    let mut world = World::new();
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

#[test]
fn a_look_up_that_is_given_up_counts_no_longer() {
    let mut world = World::new();
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
        let mut asked = guess(seed);
        asked.url = format!("{MANAGEMENT}/v1/forward-auth/nginx");
        for (name, value) in [
            ("x-symbolon-proxy-secret", PROXY_SECRET),
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
