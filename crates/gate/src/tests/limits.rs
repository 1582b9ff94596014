//! Unknown credentials by client address.

use serde_json::json;
use symbolon::protocol::RecordState;

use crate::limit::MAX_UNKNOWN;
use crate::testing::{GATEWAY, MANAGEMENT, PROXY_SECRET, World, bearer, organization, request, token_of};
use crate::{GateRequest, Outcome};

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
