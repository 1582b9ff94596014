//! Storage that is put back to an older state, while edges hold what was said since.

use serde_json::json;
use symbolon::protocol::Epoch;
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::{Ask, Changes};

use super::leases::wants_lease;
use super::world::World;

/// An organisation whose storage is put back, with what edges hold of the history that is lost: the epochs of two
/// changes, and the token that was narrowed and widened in it.
fn put_back() -> (World, String, [Epoch; 2], String, String) {
    let (mut world, secret) = World::founded("symbolon");
    let (token, kept) = world.create(&secret, &json!({"kind": "key", "name": "kept", "scopes": ["read"]}));
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    world.http(&secret, "PATCH", &path, &json!({"active": false}));
    world.pass(120_000);
    world.back_up();
    world.http(&secret, "PATCH", &path, &json!({"active": true}));
    let first = wants_lease(&mut world, &kept).epoch;
    world.http(&secret, "PATCH", &path, &json!({"name": "other"}));
    let second = wants_lease(&mut world, &kept).epoch;
    world.pass(60_000);
    world.put_back();
    (world, secret, [first, second], path, kept)
}

fn entries(world: &mut World, secret: &str) -> Vec<serde_json::Value> {
    let log = world.http(secret, "GET", "/v1/activity?action=storage.put_back", &json!(null)).1;
    log["items"].as_array().unwrap().clone()
}

#[test]
fn after_older_storage_an_edge_that_holds_what_was_lost_starts_over() {
    let (mut world, secret, [_, held], _, kept) = put_back();
    let newest = world.ask(Ask::default()).epoch;
    assert!(newest < held, "the storage does not know of it");
    let answer = world.ask(Ask { since: Some(held), lease: true, ..Ask::default() });
    assert_eq!(answer.changes, Changes::StartOver);
    assert!(answer.epoch > held, "else the edge would take it for an old answer");
    let again = world.ask(Ask { since: Some(answer.epoch), lease: true, ..Ask::default() });
    assert_eq!(
        (again.epoch, again.changes),
        (answer.epoch, Changes::Since { since: answer.epoch, tokens: Vec::new() })
    );
    for since in [newest, held] {
        let other = world.ask(Ask { since: Some(since), lease: true, ..Ask::default() });
        assert_eq!(
            (other.epoch, other.changes),
            (answer.epoch, Changes::StartOver),
            "every edge does, and once is enough"
        );
    }
    assert_eq!(
        world.record(&kept).unwrap().version,
        answer.epoch,
        "records have versions that the directory has not seen"
    );
    assert_eq!(entries(&mut world, &secret).len(), 1);
    assert_eq!(entries(&mut world, &secret)[0]["details"]["held"], json!(held));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn after_older_storage_no_list_goes_on_from_an_epoch_that_was_lost() {
    let (mut world, secret, lost, path, _) = put_back();
    // Changes enough that counting them would have come to the epochs that were lost.
    for name in ["a", "b", "c"] {
        assert_eq!(world.http(&secret, "PATCH", &path, &json!({ "name": name })).0, 200);
    }
    let newest = world.ask(Ask::default()).epoch;
    assert!(lost.iter().all(|lost| *lost < newest));
    for since in lost {
        let answer = world.ask(Ask { since: Some(since), lease: true, ..Ask::default() });
        assert_eq!(answer.changes, Changes::StartOver, "what was lost after it is on no list");
    }
    assert_eq!(entries(&mut world, &secret).len(), 1, "the second is older than the log now");
}

#[test]
fn after_older_storage_a_narrowing_waits_for_whatever_may_have_been_said() {
    let (mut world, secret, [_, held], path, _) = put_back();
    assert_eq!(world.http(&secret, "PATCH", &path, &json!({"name": "x"})).0, 200, "nobody knows yet");
    world.ask(Ask { since: Some(held), lease: true, ..Ask::default() });
    let first = world.begin_http(&secret, "DELETE", &path, &json!(null));
    let waits = i64::try_from(LeaseTerms::WAIT_LIMIT_MILLIS).unwrap();
    world.pass(waits / 2);
    assert!(!world.replies.contains_key(&first));
    // Also under another machine, which reads how long.
    world.restart();
    let second = world.begin_http(&secret, "DELETE", &path, &json!(null));
    world.pass(waits / 2);
    assert!(!world.replies.contains_key(&second));
    world.pass(waits / 2);
    assert!(world.replies.contains_key(&second));
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn whoever_waits_when_it_shows_that_storage_is_older_is_answered_all_the_same() {
    let (mut world, secret, [_, held], path, _) = put_back();
    wants_lease(&mut world, &secret);
    let first = world.begin_http(&secret, "DELETE", &path, &json!(null));
    world.ask(Ask { since: Some(held), lease: true, ..Ask::default() });
    world.pass(i64::try_from(LeaseTerms::WAIT_LIMIT_MILLIS).unwrap());
    assert!(world.replies.contains_key(&first));
}
