//! Storage that is put back to an older state, while edges hold what was said since.

use serde_json::json;
use symbolon::protocol::Epoch;
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::{Ask, Changes, Lookup, OrganizationCall};
use symbolon::token::Digest;

use super::leases::wants_lease;
use super::world::World;
use crate::machine::Event;
use crate::store::Store;

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

#[test]
fn older_storage_is_found_out_once_also_where_the_question_fails() {
    let (mut world, secret, [_, held], path, kept) = put_back();
    world.store_execute("CREATE TABLE kinds AS SELECT id, kind FROM token");
    world.store_execute("UPDATE token SET kind = 'none'");
    let lookup = Some(Lookup::Digest(Digest::of(&kept)));
    let ask = Ask { since: Some(held), lookup, lease: true, ..Ask::default() };
    let timers = world.timers.len();
    let failed = world.begin(&OrganizationCall::Ask(ask.clone()));
    assert!(!world.replies.contains_key(&failed) && !world.faults.is_empty());
    assert!(world.timers.len() > timers, "the wait has begun");
    world.pass(30_000);
    world.begin(&OrganizationCall::Ask(ask));
    world.store_execute("UPDATE token SET kind = (SELECT kind FROM kinds WHERE kinds.id = token.id)");
    let delete = world.begin_http(&secret, "DELETE", &path, &json!(null));
    world.pass(25_000);
    assert!(world.replies.contains_key(&delete), "the second question does not begin the wait anew");
    assert_eq!(entries(&mut world, &secret).len(), 1);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn after_a_step_back_of_the_clock_errands_do_not_wait_until_it_has_caught_up() {
    for restarts in [false, true] {
        let (mut world, secret) = World::founded("symbolon");
        let (token, other) = world.create(&secret, &json!({"kind": "key", "name": "other", "scopes": ["read"]}));
        world.pass(120_000);
        (world.fail_puts, world.locator_down) = (true, true);
        let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
        assert_eq!(world.http(&secret, "PATCH", &path, &json!({"active": false})).0, 200);
        let due_at = world.now.plus_millis(1_000).as_millis();
        let insert = "INSERT INTO claim (key, token, state, due_at, number) SELECT 't:given-up', id, 'releasing',";
        world.store_execute(&format!("{insert} {due_at}, 1 FROM token LIMIT 1"));
        world.event(Event::Alarm);
        world.pass(2_000);
        let left = |world: &World| {
            ["outbox", "claim"].map(|table| {
                let rows = world.store.execute(&format!("SELECT count(*) FROM {table}"), &[]).unwrap();
                rows.first().unwrap().get::<u64>(0).unwrap()
            })
        };
        assert!(left(&world).iter().all(|rows| *rows > 0), "{:?}", left(&world));
        (world.fail_puts, world.locator_down) = (false, false);
        world.now = world.now.plus_millis(-86_400_000);
        world.alarm = None;
        if restarts {
            world.restart();
        }
        assert!(world.record(&other).is_some());
        world.pass(400_000);
        assert_eq!(left(&world), [0, 0], "after a restart: {restarts}");
    }
}

#[test]
fn numbers_that_were_counted_are_taken_for_no_history() {
    let (mut world, _) = World::founded("symbolon");
    world.store_execute("UPDATE change SET epoch = 40");
    world.store_execute("UPDATE organization SET epoch = 40, log_floor = 0");
    let changes = |world: &mut World, since: u64| {
        let since = Epoch::new(since);
        world.ask(Ask { since: Some(since), lease: true, ..Ask::default() }).changes
    };
    let newest = Epoch::new(40);
    assert_eq!(changes(&mut world, 40), Changes::Since { since: newest, tokens: Vec::new() });
    assert_eq!(changes(&mut world, 39), Changes::StartOver, "the storage may have been put back since it was told");
    let count = |world: &World| {
        let rows = world.store.execute("SELECT count(*) FROM activity WHERE action = 'storage.put_back'", &[]).unwrap();
        rows.first().unwrap().get::<u64>(0).unwrap()
    };
    assert_eq!(count(&world), 0);
    assert_eq!(changes(&mut world, 41), Changes::StartOver);
    assert_eq!(count(&world), 1, "a number that was never given is of a history that is lost");
}
