//! How fresh a record must be, and whom that asks.

use symbolon::policy::Freshness;
use symbolon::protocol::message::Lookup;
use symbolon::protocol::{Proof, ProofKind, RecordState, directory};
use symbolon::token::{Digest, InstanceSecret};

use crate::testing::{self, World, bearer, request};

const THINGS: &str = "https://api.example/things";
const STRICT: &str = "https://api.example/strict";

#[track_caller]
fn check(world: &mut World, url: &str, code: &str, calls: &[&str]) {
    assert_eq!(world.code(bearer("GET", url)), code);
    assert_eq!(world.calls, calls);
}

#[test]
fn under_a_lease_nobody_is_asked() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    check(&mut world, THINGS, "forward", &[]);
    world.now = world.now.plus_millis(1999);
    check(&mut world, THINGS, "forward", &[]);
    world.now = world.now.plus_millis(1);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
}

#[test]
fn a_revocation_is_seen_when_the_lease_has_ended() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.change(|record| record.state = RecordState::Revoked);
    world.now = world.now.plus_millis(2000);
    check(&mut world, THINGS, "revoked", &["instance", "organization"]);
}

#[test]
fn a_renewal_ahead_of_need_forgets_what_changed() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.background();
    world.change(|record| record.state = RecordState::Revoked);
    world.now = world.now.plus_millis(100);
    check(&mut world, THINGS, "forward", &[]);
    assert_eq!(world.background(), 2, "the organisation's lease and the routes'");
    check(&mut world, THINGS, "revoked", &["organization"]);
}

#[test]
fn past_half_of_a_lease_it_is_renewed_in_the_background() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.background();
    for _ in 0..5 {
        world.now = world.now.plus_millis(900);
        assert_eq!(world.code(bearer("GET", THINGS)), "forward");
        assert_eq!(world.calls, Vec::<String>::new());
        world.background();
    }
    world.now = world.now.plus_millis(500);
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    assert_eq!(world.calls, Vec::<String>::new());
}

#[test]
fn ten_thousand_records_are_remembered_and_the_least_recently_used_leaves() {
    let mut world = World::new();
    let mut asks = |number: u32| {
        let secret = testing::token_number(number);
        let mut record = testing::record();
        let random: [u8; 10] = core::array::from_fn(|at| number.to_be_bytes().get(at).copied().unwrap_or_default());
        record.token = symbolon::id::TokenId::new(testing::NOW, &random);
        record.proofs = vec![Proof { kind: ProofKind::Bearer { digest: Digest::of(&secret) }, until: None }];
        // The authority has others too; this one is asked about.
        world.records = vec![record];
        let headers = [("Authorization", format!("Bearer {secret}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(world.code(request("GET", THINGS, &headers)), "forward");
        world.calls.contains(&"organization".to_owned())
    };
    assert!((0..10_000).all(&mut asks), "each is confirmed once");
    assert!(!asks(0), "and remembered");
    assert!(asks(10_000), "one more than there is room for");
    assert!(!asks(0), "was used a moment ago");
    assert!(!asks(10_000));
    assert!(asks(1), "was not used for the longest");
}

#[test]
fn strict_asks_every_time() {
    let mut world = World::with(|record| record.rules.freshness = Freshness::Strict);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    check(&mut world, THINGS, "forward", &["organization"]);
    world.change(|record| record.state = RecordState::Revoked);
    check(&mut world, THINGS, "revoked", &["organization"]);
    world.down.insert("organization");
    world.list();
    check(&mut world, THINGS, "authority_unavailable", &["organization", "directory"]);
}

#[test]
fn the_directorys_word_is_that_of_the_organisation_that_a_token_names() {
    let mut world = World::with(|record| record.rules.freshness = Freshness::Eventual);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.change(|record| record.state = RecordState::Revoked);
    // Another organisation has brought in the hash of the same secret, and its entry has taken the place.
    let (short_id, state) = (world.records[0].short_id, world.records[0].state);
    world.records[0].short_id = "Other1".parse().unwrap();
    world.records[0].state = RecordState::Active;
    world.list();
    world.records[0].short_id = short_id;
    world.records[0].state = state;
    world.now = world.now.plus_millis(2000);
    assert_eq!(world.code(bearer("GET", THINGS)), "revoked");
    world.gate = testing::gate(1);
    world.down.insert("organization");
    assert_eq!(world.code(bearer("GET", THINGS)), "authority_unavailable");
}

#[test]
fn a_route_may_ask_for_more_than_the_kind_and_never_for_less() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    check(&mut world, STRICT, "forward", &["organization"]);
    let mut world = World::with(|record| record.rules.freshness = Freshness::Strict);
    world.routes[1].freshness = Some(Freshness::Eventual);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    check(&mut world, THINGS, "forward", &["organization"]);
}

#[test]
fn eventual_does_without_its_authority() {
    let mut world = World::with(|record| record.rules.freshness = Freshness::Eventual);
    world.list();
    world.down.insert("organization");
    check(&mut world, THINGS, "forward", &["instance", "organization", "directory"]);
    // From then on the directory alone.
    check(&mut world, THINGS, "forward", &["directory"]);
    check(&mut world, STRICT, "authority_unavailable", &["organization"]);
    world.directory.clear();
    check(&mut world, THINGS, "authority_unavailable", &["directory", "organization"]);
    world.down.clear();
    world.now = world.now.plus_millis(100);
    check(&mut world, THINGS, "forward", &["directory", "organization"]);
}

#[test]
fn the_directory_is_never_believed_for_other_kinds() {
    let mut world = World::new();
    world.list();
    world.down.insert("organization");
    check(&mut world, THINGS, "authority_unavailable", &["instance", "organization", "directory"]);
}

#[test]
fn an_organisation_may_let_edges_go_on_for_a_while() {
    let mut world = World::new();
    world.stale_millis = 5000;
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.down.extend(["organization", "instance"]);
    world.now = world.now.plus_millis(6999);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    check(&mut world, STRICT, "authority_unavailable", &["instance", "organization"]);
    world.now = world.now.plus_millis(1);
    check(&mut world, THINGS, "authority_unavailable", &["instance"]);
}

#[test]
fn a_step_back_of_the_clock_ends_every_lease() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.now = world.now.plus_millis(-1);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
}

/// A token of a format that names no organisation.
fn hexadecimal() -> (String, World) {
    let token = format!("dvg_{}", "0123456789abcdef".repeat(4));
    let mut world = World::new();
    let kind = ProofKind::Bearer { digest: Digest::of(&token) };
    world.records[0].proofs = vec![Proof { kind, until: None }];
    (format!("Bearer {token}"), world)
}

#[test]
fn what_names_no_organisation_is_found_through_directory_or_locator() {
    let things = |bearer: &str| request("GET", THINGS, &[("authorization", bearer)]);
    let (bearer, mut world) = hexadecimal();
    assert_eq!(world.code(things(&bearer)), "unknown_token");
    assert_eq!(world.calls, ["instance", "directory", "locator", "locator"], "by its digest, then by its prefix");
    let ProofKind::Bearer { digest } = world.records[0].proofs[0].kind else { panic!() };
    world.place(&Lookup::Digest(digest));
    assert_eq!(world.code(things(&bearer)), "forward");
    assert_eq!(world.calls, ["directory", "locator", "organization"]);
    assert_eq!(world.code(things(&bearer)), "forward");
    assert_eq!(world.calls, Vec::<String>::new());

    let (bearer, mut world) = hexadecimal();
    world.list();
    assert_eq!(world.code(things(&bearer)), "forward");
    assert_eq!(world.calls, ["instance", "directory", "organization"], "the directory saves the locator's trip");
    // What the directory says of a token that is no more leads nowhere.
    let (bearer, mut world) = hexadecimal();
    world.list();
    world.records.clear();
    assert_eq!(world.code(things(&bearer)), "unknown_token");
    world.down.insert("locator");
    assert_eq!(world.code(things(&bearer)), "authority_unavailable");
}

#[test]
fn what_somebody_else_put_into_the_directory_is_passed_over() {
    // Nobody but whoever may write to the directory has this token: all rights, and nobody need be asked about it.
    let (bearer, mut forged) = hexadecimal();
    forged.records[0].rules.freshness = Freshness::Eventual;
    forged.list();
    let (key, row) = forged.directory.iter().next().map(|(key, row)| (key.clone(), row.clone())).unwrap();
    let bare = serde_json::to_string(&forged.records[0]).unwrap();
    let others = directory::write(&InstanceSecret::new(&[9; 32]).unwrap(), &key, &forged.records[0]).unwrap();
    let anothers = directory::write(&testing::instance_secret(), "d:00", &forged.records[0]).unwrap();
    let altered = row.replace("laptop", "tablet");
    assert_ne!(altered, row);
    for forgery in ["".to_owned(), bare, others, anothers, altered] {
        let things = || request("GET", THINGS, &[("authorization", bearer.as_str())]);
        let mut world = World::new();
        world.directory.insert(key.clone(), forgery);
        assert_eq!(world.code(things()), "unknown_token");
        assert_eq!(world.calls, ["instance", "directory", "locator", "locator"], "as where there is no row");
        world.down.insert("locator");
        assert_eq!(world.code(things()), "authority_unavailable");
    }
    // The row as it was written is believed.
    let mut world = World::new();
    world.directory.insert(key, row);
    assert_eq!(world.code(request("GET", THINGS, &[("authorization", bearer.as_str())])), "forward");
}

#[test]
fn a_forged_row_is_no_authority_for_a_token_that_names_its_own() {
    let mut forged = World::with(|record| record.rules.freshness = Freshness::Eventual);
    forged.list();
    let mut world = World::new();
    world.down.insert("organization");
    for (key, row) in forged.directory {
        world.directory.insert(key, row.replace("laptop", "tablet"));
    }
    check(&mut world, THINGS, "authority_unavailable", &["instance", "organization", "directory"]);
    // Nor where the isolate knows that the kind is `eventual`.
    let mut world = World::with(|record| record.rules.freshness = Freshness::Eventual);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.directory.insert(
        Lookup::Digest(Digest::of(testing::token())).locator_key().unwrap(),
        serde_json::to_string(&world.records[0]).unwrap(),
    );
    world.change(|record| record.state = RecordState::Revoked);
    world.now = world.now.plus_millis(2000);
    check(&mut world, THINGS, "revoked", &["instance", "directory", "organization"]);
}

#[test]
fn another_isolate_has_a_memory_of_its_own() {
    let mut world = World::new();
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
    world.gate = testing::gate(2);
    check(&mut world, THINGS, "forward", &["instance", "organization"]);
}
