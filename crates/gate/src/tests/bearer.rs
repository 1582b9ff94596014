//! Bearer tokens: each refusal by its code, and the order of the checks.

use symbolon::policy::{Header, Proof as ProofWay};
use symbolon::protocol::{Proof, ProofKind, Record, RecordState};
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use crate::testing::{GATEWAY, NOW, World, bearer, grants, organization, request, token, token_of};

const THINGS: &str = "https://api.example/things";
/// For tests in which nothing is ever held against it.
const HASH: &str = "a hash";

#[track_caller]
fn check(change: impl FnOnce(&mut Record), expected: &str) {
    assert_eq!(World::with(change).code(bearer("GET", THINGS)), expected);
}

#[test]
fn what_the_state_of_a_token_is_answered() {
    check(|_| {}, "forward");
    check(|record| record.state = RecordState::Revoked, "revoked");
    check(|record| record.state = RecordState::OwnerSuspended, "owner_suspended");
    check(|record| record.state = RecordState::Inactive, "inactive");
    check(|record| record.expires_at = Some(NOW), "expired");
    check(|record| record.expires_at = Some(NOW.plus_millis(1)), "forward");
    check(|record| record.not_before = Some(NOW.plus_millis(1)), "expired");
    check(|record| record.locked_until = Some(NOW.plus_millis(1)), "locked");
    check(|record| record.passphrase = Some(HASH.to_owned()), "passphrase_required");
    check(|record| record.granted = grants(&["api:write"]), "insufficient_permission");
    check(|record| record.ceiling = grants(&["api:write"]), "insufficient_permission");
    check(|record| record.granted = grants(&[]), "insufficient_permission");
    check(|record| record.granted = grants(&["api:*"]), "forward");
}

type Fault = fn(&mut Record);

#[test]
fn possession_comes_before_state_and_state_before_permission() {
    // One fault more from line to line; the earliest check answers.
    let mut world = World::new();
    let faults: [(Fault, &str); 8] = [
        (|record| record.granted = grants(&["a:b"]), "insufficient_permission"),
        (|record| record.passphrase = Some(HASH.to_owned()), "passphrase_required"),
        (|record| record.locked_until = Some(NOW.plus_seconds(900)), "locked"),
        (|record| record.expires_at = Some(NOW), "expired"),
        (|record| record.state = RecordState::Revoked, "revoked"),
        (|record| record.rules.headers = vec![Header::Token], "malformed_credential"),
        (|record| record.rules.proofs = vec![ProofWay::Signature], "unknown_token"),
        (|record| record.proofs.clear(), "unknown_token"),
    ];
    for (fault, expected) in faults {
        world.change(fault);
        world.now = world.now.plus_seconds(3);
        assert_eq!(world.code(bearer("GET", THINGS)), expected);
    }
}

#[test]
fn a_token_that_cannot_be_is_refused_without_asking_anybody() {
    let token = token();
    let other = token_of(organization(), 9);
    let foreign = token.replace("Acme42", "Acme43");
    let changed = token.replace("sym_pat_", "sym_key_");
    for (text, code, calls) in [
        (other.as_str(), "unknown_token", 1),
        (token.get(1..).unwrap(), "malformed_credential", 0),
        (changed.as_str(), "malformed_credential", 0),
        (foreign.as_str(), "malformed_credential", 0),
        ("", "malformed_credential", 0),
        ("nothing like it", "malformed_credential", 0),
        (&"a".repeat(10_000), "malformed_credential", 0),
    ] {
        let mut world = World::new();
        let headers = [("Authorization", format!("Bearer {text}"))];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(world.code(request("GET", THINGS, &headers)), code, "{text}");
        let asked = world.calls.iter().filter(|call| *call == "organization").count();
        assert_eq!(asked, calls, "{text}");
    }
    assert_eq!(World::new().code(request("GET", THINGS, &[])), "missing_credential");
}

#[test]
fn a_slip_in_a_credential_is_told_without_repeating_it() {
    let mut token = token();
    let without_scheme = token.clone();
    let other = if token.ends_with('0') { "1" } else { "0" };
    token.replace_range(token.len() - 1.., other);
    for (value, code, hint) in [
        (format!("Bearer {token}"), "malformed_credential", "checksum is wrong"),
        (without_scheme, "missing_credential", "Authorization: Bearer"),
        ("Basic YTpi".to_owned(), "missing_credential", "Authorization: Bearer"),
    ] {
        let (_, problem) = World::new().respond(request("GET", THINGS, &[("authorization", &value)]));
        assert_eq!(problem["code"], code);
        assert!(problem["detail"].as_str().unwrap().contains(hint), "{problem}");
        assert!(!problem.to_string().contains(value.split(' ').next_back().unwrap()), "{problem}");
    }
    let (_, problem) = World::new().respond(request("GET", THINGS, &[]));
    assert_eq!(problem.get("detail"), None);
}

#[test]
fn a_made_up_organisation_is_unknown_without_a_call() {
    // Checksum and all are right, the organisation's tag is another instance's.
    let secret = symbolon::token::InstanceSecret::new(&[2; 32]).unwrap();
    let format = symbolon::token::Format::new("sym_pat_", symbolon::token::SecretFormat::Native).unwrap();
    let made = format.generate(&organization(), &secret, &[7; 64]).unwrap();
    let mut world = World::new();
    let header = format!("Bearer {}", made.expose());
    assert_eq!(world.code(request("GET", THINGS, &[("authorization", &header)])), "unknown_token");
    assert_eq!(world.calls, ["instance"]);
}

#[test]
fn a_secret_in_its_grace_is_good_until_that_ends() {
    let grace = |world: &mut World, until: Timestamp| {
        let proofs = &mut world.records[0].proofs;
        proofs.insert(0, Proof { kind: ProofKind::Bearer { digest: Digest::of("the new one") }, until: None });
        proofs[1].until = Some(until);
    };
    for (until, code) in [(NOW.plus_millis(1), "forward"), (NOW, "unknown_token")] {
        let mut world = World::new();
        grace(&mut world, until);
        assert_eq!(world.code(bearer("GET", THINGS)), code);
    }
    // Its use is not the new secret's first use.
    let mut world = World::new();
    grace(&mut world, NOW.plus_seconds(60));
    world.code(bearer("GET", THINGS));
    world.background();
    assert!(!world.batches[0].uses[0].newest);
}

#[test]
fn a_passphrase_is_tried_five_times_and_a_right_one_is_remembered() {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
    let light = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let hash = light.hash_password_with_salt(b"correct horse", b"sixteen bytes...").unwrap().to_string();
    let mut world = World::with(|record| record.passphrase = Some(hash));
    let with = |text: &str| {
        let mut request = bearer("GET", THINGS);
        request.headers.push(("X-Token-Passphrase".to_owned(), text.to_owned()));
        request
    };
    assert_eq!(world.code(with("wrong")), "passphrase_wrong");
    assert_eq!(world.attempts_left, 4);
    assert_eq!(world.code(with("correct horse")), "forward");
    assert_eq!(
        (world.attempts_left, world.calls.as_slice()),
        (5, &["organization".to_owned(), "organization".to_owned()][..])
    );
    assert_eq!(world.code(with("correct horse")), "forward");
    assert_eq!(world.calls, Vec::<String>::new(), "remembered, under its lease");
    for _ in 0..5 {
        assert_eq!(world.code(with("wrong")), "passphrase_wrong");
    }
    assert_eq!(world.code(with("wrong")), "locked");
    world.down.insert("organization");
    assert_eq!(world.code(with("wrong")), "authority_unavailable");
    // Another version of the record: what was remembered is void.
    world.down.clear();
    world.attempts_left = 5;
    world.change(|_| {});
    world.now = world.now.plus_seconds(3);
    assert_eq!(world.code(with("correct horse")), "forward");
    assert_eq!(world.calls.len(), 4, "routes, record, try, settlement: {:?}", world.calls);
}

#[test]
fn uses_and_refusals_are_handed_over_once() {
    let mut world = World::new();
    for _ in 0..3 {
        assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    }
    world.records[0].granted = grants(&["a:b"]);
    assert_eq!(world.background(), 1);
    let batch = &world.batches[0];
    let first = batch.number;
    assert_eq!((batch.uses[0].count, batch.uses[0].newest), (3, true));
    assert_eq!(batch.uses[0].client.address.as_deref(), Some("192.0.2.1"));
    assert_eq!(world.background(), 0, "nothing is left");

    // What could not be handed over goes again, the same; what came up meanwhile goes after it.
    world.change(|_| {});
    world.now = world.now.plus_seconds(5);
    assert_eq!(world.code(bearer("GET", THINGS)), "insufficient_permission");
    world.down.insert("organization");
    assert_eq!(world.background(), 1);
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/public/a"))), "forward");
    world.down.clear();
    world.now = world.now.plus_seconds(5);
    assert_eq!(world.code(bearer("GET", THINGS)), "insufficient_permission");
    world.background();
    let numbers: Vec<u64> = world.batches.iter().map(|batch| batch.number).collect();
    assert_eq!(numbers, [first, first + 1, first + 2]);
    assert_eq!(world.batches[1].refusals[0].count, 1);
    assert_eq!(world.batches[2].refusals[0].count, 1);
}
