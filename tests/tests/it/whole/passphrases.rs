//! The passphrase as second factor: tried at any edge, counted at one authority.

use serde_json::{Value as Json, json};
use symbolon::policy::builtin;

use super::call::{Call, code};
use super::world::World;

const RIGHT: &str = "correct horse";

/// A world of three edges, and a token with a passphrase: its id and its secret.
fn world(profile: &str) -> (World, String, String, String) {
    let (mut world, owner) = World::set_up(3, profile);
    let body = json!({"kind": "pat", "name": "two factors", "scopes": ["read"], "passphrase": RIGHT});
    let (token, secret) = world.create(&owner, &body);
    let id = token["id"].as_str().unwrap().to_owned();
    assert_eq!(token["has_passphrase"], true);
    (world, owner, id, secret)
}

fn with(secret: &str, passphrase: &str) -> Call {
    Call::new("GET", "/v1/whoami").bearer(secret).header("x-token-passphrase", passphrase)
}

fn codes(answers: &[(u16, Json)]) -> Vec<String> {
    answers.iter().map(code).collect()
}

/// How often each action is in the log, about a token.
fn count(world: &mut World, owner: &str, token: &str, action: &str) -> usize {
    let (_, page) = world.get(owner, &format!("/v1/activity?token={token}&action={action}"));
    page["items"].as_array().unwrap().len()
}

fn attempts(world: &mut World) -> usize {
    world.listen().iter().filter(|text| text.contains("{\"attempt\":")).count()
}

#[test]
fn five_wrong_ones_lock_the_token_everywhere_for_fifteen_minutes() {
    let (mut world, owner, token, secret) = world("symbolon");
    assert_eq!(world.code(0, &secret), "passphrase_required");
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "ok");
    for edge in [0, 1, 2, 0, 1] {
        assert_eq!(code(&world.send(edge, with(&secret, "wrong horse"))), "passphrase_wrong");
    }
    for edge in 0..3 {
        let (status, body, headers) = world.exchange(edge, with(&secret, RIGHT));
        assert_eq!((status, body.contains("\"locked\"")), (401, true), "edge {edge}, also with the right one: {body}");
        let wait =
            headers.iter().find(|(name, _)| name == "retry-after").map(|(_, value)| value.parse::<u32>().unwrap());
        assert!(wait.is_some_and(|wait| (880..=900).contains(&wait)), "{wait:?}");
    }
    let (_, shown) = world.get(&owner, &format!("/v1/tokens/{token}"));
    assert_eq!(shown["status"], "locked");
    assert_eq!(count(&mut world, &owner, &token, "token.passphrase_wrong"), 5);
    assert_eq!(count(&mut world, &owner, &token, "token.lock"), 1);
    world.pass(880_000);
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "locked");
    world.pass(30_000);
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "ok");
    // The edges bring in what they refused, and a wrong passphrase is not told twice.
    for edge in 0..3 {
        world.background(edge);
    }
    let (_, page) = world.get(&owner, &format!("/v1/activity?token={token}&action=token.refuse"));
    let refused: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|entry| entry["details"]["code"].as_str().unwrap()).collect();
    assert!(refused.contains(&"locked") && !refused.contains(&"passphrase_wrong"), "{page}");
    assert_eq!(world.faults, Vec::<String>::new());
}

#[test]
fn many_guesses_at_once_are_no_more_than_five() {
    let (mut world, owner, token, secret) = world("symbolon");
    // Twelve at once over three edges, the right one last: whoever guesses in parallel gains nothing.
    let mut calls: Vec<(usize, Call)> =
        (0..11).map(|index| (index % 3, with(&secret, &format!("guess {index}")))).collect();
    calls.push((2, with(&secret, RIGHT)));
    let answers = codes(&world.send_together(calls));
    let wrong = answers.iter().filter(|code| *code == "passphrase_wrong").count();
    let locked = answers.iter().filter(|code| *code == "locked").count();
    assert_eq!((wrong, locked), (5, 7), "{answers:?}");
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "locked");
    assert_eq!(count(&mut world, &owner, &token, "token.passphrase_wrong"), 5);
    assert_eq!(count(&mut world, &owner, &token, "token.lock"), 1);
}

#[test]
fn tries_whose_end_is_lost_count_as_wrong() {
    let (mut world, owner, token, secret) = world("symbolon");
    world.lost = Some("{\"settle\":");
    for _ in 0..5 {
        assert_eq!(code(&world.send(0, with(&secret, "wrong horse"))), "passphrase_wrong");
    }
    world.lost = None;
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "locked", "five are out");
    world.pass(31_000);
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "locked", "nobody settled them: they were wrong");
    assert_eq!(count(&mut world, &owner, &token, "token.lock"), 1);
    world.pass(901_000);
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "ok");
}

#[test]
fn a_right_one_is_remembered_for_its_version_at_its_edge() {
    let (mut world, owner, token, secret) = world("symbolon");
    let routes = json!({"routes": [{"method": "GET", "path": "/things", "permission": "api:read"}]});
    assert_eq!(world.send(0, Call::new("PUT", "/v1/routes").bearer(&owner).json(&routes)).0, 200);
    let things = |passphrase: &str| {
        Call::new("GET", "https://api.example/things").bearer(&secret).header("x-token-passphrase", passphrase)
    };
    world.listen();
    for _ in 0..5 {
        assert_eq!(world.send(0, things(RIGHT)).0, 0);
    }
    assert_eq!(attempts(&mut world), 1, "hashed once");
    assert_eq!(world.send(1, things(RIGHT)).0, 0);
    assert_eq!(attempts(&mut world), 1, "another edge hashes itself");
    assert_eq!(code(&world.send(0, things("wrong horse"))), "passphrase_wrong", "remembered is what was right");
    // Another passphrase: what was remembered was for another version.
    let path = format!("/v1/tokens/{token}");
    assert_eq!(world.patch(&owner, &path, &json!({"passphrase": "battery staple"})).0, 200);
    assert_eq!(code(&world.send(0, things(RIGHT))), "passphrase_wrong");
    assert_eq!(world.send(0, things("battery staple")).0, 0);
    assert_eq!(world.patch(&owner, &path, &json!({"passphrase": null})).0, 200);
    // To do without one is more than before, which edges learn within a lease.
    world.pass(2_000);
    assert_eq!(world.send(0, Call::new("GET", "https://api.example/things").bearer(&secret)).0, 0);
}

#[test]
fn a_profile_says_how_many_and_for_how_long() {
    let strict = format!("{}\n[limits.passphrase]\nmax_wrong = 2\nlock_seconds = 60\n", builtin("symbolon").unwrap());
    let (mut world, _, _, secret) = world(&strict);
    for _ in 0..2 {
        assert_eq!(code(&world.send(0, with(&secret, "wrong horse"))), "passphrase_wrong");
    }
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "locked");
    world.pass(61_000);
    assert_eq!(code(&world.send(0, with(&secret, RIGHT))), "ok");
}

#[test]
fn devpilots_tokens_have_a_passphrase_of_eight_characters_or_more() {
    let (mut world, owner) = World::set_up(1, "devpilot");
    let make = |passphrase: &str| json!({"kind": "access_token", "name": "deploys", "scopes": ["basic_deployment"], "passphrase": passphrase});
    for bad in ["seven77".to_owned(), "x".repeat(256)] {
        let (status, refused) = world.post(&owner, "/v1/tokens", &make(&bad));
        assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!("passphrase")), "{refused}");
    }
    for good in ["eight888".to_owned(), "x".repeat(255)] {
        let (_, secret) = world.create(&owner, &make(&good));
        assert_eq!(code(&world.send(0, with(&secret, &good))), "ok");
        assert_eq!(code(&world.send(0, with(&secret, &good[1..]))), "passphrase_wrong");
    }
}
