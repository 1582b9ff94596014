//! Refusals that edges bring in: what of them gets into the activity log, and when.

use serde_json::{Value as Json, json};
use symbolon::problem::Code;
use symbolon::protocol::message::{Ask, Client, Refusal, UseBatch};

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
