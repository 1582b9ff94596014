//! Keys: challenges, claims at the locator, and what happens when these go wrong.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value as Json, json};
use symbolon::id::{ShortId, TokenId};
use symbolon::key::PrivateKey;
use symbolon::protocol::imported::{Tried, Try};
use symbolon::protocol::message::{Ask, Client, Lookup, OrganizationCall, Place};

use super::world::World;
use crate::store::Store;

fn key() -> PrivateKey {
    PrivateKey::from_hex("1b210d1412d412bc6d0ce767bd2795353377f568ac3cbad1850797cd36180449").unwrap()
}

fn challenge(world: &mut World, secret: &str) -> String {
    let (status, made) = world.http(secret, "POST", "/v1/keys/challenge", &json!(null));
    assert_eq!(status, 201, "{made}");
    made["challenge"].as_str().unwrap().to_owned()
}

fn proof(challenge: &str) -> String {
    Base64UrlUnpadded::encode_string(&key().sign(challenge.as_bytes()).to_bytes())
}

fn body(proof: impl Into<Json>) -> Json {
    json!({"kind": "pat", "name": "laptop", "scopes": ["read"], "public_key": key().public_key().to_hex(),
        "proof": proof.into()})
}

#[test]
fn a_key_is_registered_with_a_signature_over_a_challenge_once() {
    let (mut world, secret) = World::founded("symbolon");
    let challenge = challenge(&mut world, &secret);
    let (status, made) = world.http(&secret, "POST", "/v1/tokens", &body(proof(&challenge)));
    assert_eq!(status, 201, "{made}");
    let thumbprint = key().public_key().thumbprint();
    assert_eq!(made["token"]["fingerprint"], thumbprint.to_string());
    assert!(made.get("secret").is_none());
    let answer = world.ask(Ask { lookup: Some(Lookup::Thumbprint(thumbprint)), ..Ask::default() });
    assert_eq!(answer.record.unwrap().key(&thumbprint, world.now), Some(&key().public_key()));
    // The challenge is used up, and the key is taken.
    let (status, refused) = world.http(&secret, "POST", "/v1/tokens", &body(proof(&challenge)));
    assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!("proof")));
    let second = self::challenge(&mut world, &secret);
    let named = json!({"challenge": second, "signature": proof(&second)});
    assert_eq!(world.http(&secret, "POST", "/v1/tokens", &body(named)).0, 409);
    world.pass(300_000);
    world.check_invariants();
}

#[test]
fn a_proof_must_be_the_keys_own_over_the_callers_own_challenge() {
    let (mut world, secret) = World::founded("symbolon");
    let (_, other) = world.create(&secret, &json!({"kind": "pat", "name": "other", "scopes": ["manage"]}));
    let theirs = challenge(&mut world, &other);
    let mine = challenge(&mut world, &secret);
    let expired = challenge(&mut world, &secret);
    let stranger = PrivateKey::from_hex("32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995").unwrap();
    let forged = Base64UrlUnpadded::encode_string(&stranger.sign(mine.as_bytes()).to_bytes());
    for (what, proof) in [
        ("another's challenge", json!(proof(&theirs))),
        ("another's key", json!(forged)),
        ("no signature", json!("AAAA")),
        ("another challenge than named", json!({"challenge": mine, "signature": proof(&expired)})),
        ("nothing", Json::Null),
    ] {
        let (status, refused) = world.http(&secret, "POST", "/v1/tokens", &body(proof));
        assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!("proof")), "{what}: {refused}");
    }
    world.pass(300_001);
    let (status, _) = world.http(&secret, "POST", "/v1/tokens", &body(proof(&expired)));
    assert_eq!(status, 400, "five minutes have passed");
}

fn somewhere_else() -> Place {
    let organization: ShortId = "Other1".parse().unwrap();
    Place { organization, token: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap() }
}

#[test]
fn a_credential_that_another_organisation_has_is_a_conflict_and_leaves_nothing_behind() {
    let (mut world, secret) = World::founded("devguard");
    let thumbprint = Lookup::Thumbprint(key().public_key().thumbprint()).locator_key().unwrap();
    let fingerprint = Lookup::Alias(key().public_key().fingerprint().to_string()).locator_key().unwrap();
    world.locator.insert(fingerprint.clone(), somewhere_else());
    let kinds = world.http(&secret, "GET", "/v1/kinds", &json!(null)).1;
    let kind = kinds["kinds"][0]["name"].as_str().unwrap();
    let challenge = challenge(&mut world, &secret);
    let body = json!({"kind": kind, "name": "laptop", "scopes": ["scan"], "proof": proof(&challenge),
        "public_key": key().public_key().to_hex(), "expires_at": "2027-06-01T00:00:00Z"});
    let (status, refused) = world.http(&secret, "POST", "/v1/tokens", &body);
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")), "{refused}");
    world.pass(300_000);
    assert!(!world.locator.contains_key(&thumbprint), "what was claimed beside it is given up");
    assert_eq!(world.locator.remove(&fingerprint), Some(somewhere_else()));
    world.check_invariants();
}

#[test]
fn a_locator_that_cannot_be_reached_makes_nothing() {
    let (mut world, secret) = World::founded("symbolon");
    let challenge = challenge(&mut world, &secret);
    world.locator_down = true;
    let (status, refused) = world.http(&secret, "POST", "/v1/tokens", &body(proof(&challenge)));
    assert_eq!((status, &refused["code"]), (503, &json!("authority_unavailable")));
    world.pass(30_000);
    world.locator_down = false;
    world.pass(600_000);
    world.check_invariants();
}

#[test]
fn a_claim_whose_maker_was_lost_is_given_up() {
    let (mut world, secret) = World::founded("symbolon");
    let first = challenge(&mut world, &secret);
    let thumbprint = Lookup::Thumbprint(key().public_key().thumbprint()).locator_key().unwrap();
    world.hold_asks = true;
    let lost = world.begin_http(&secret, "POST", "/v1/tokens", &body(proof(&first)));
    assert!(!world.replies.contains_key(&lost), "a creation waits for its claim");
    // The locator has done it, but nobody hears of it.
    let rows = world.store.execute("SELECT token FROM claim", &[]).unwrap();
    let place = Place { token: rows[0].parsed(0).unwrap(), ..somewhere_else() };
    world.locator.insert(thumbprint.clone(), Place { organization: "Acme42".parse().unwrap(), ..place });
    world.restart();
    world.hold_asks = false;
    world.record(&secret).unwrap();
    world.pass(600_000);
    assert!(!world.locator.contains_key(&thumbprint));
    let second = challenge(&mut world, &secret);
    let (status, made) = world.http(&secret, "POST", "/v1/tokens", &body(proof(&second)));
    assert_eq!(status, 201, "{made}");
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_creation_is_decided_anew_after_its_claim() {
    let (mut world, secret) = World::founded("symbolon");
    let (made, second) = world.create(&secret, &json!({"kind": "pat", "name": "x", "scopes": ["manage", "read"]}));
    let challenge = challenge(&mut world, &second);
    world.hold_asks = true;
    let waiting = world.begin_http(&second, "POST", "/v1/tokens", &body(proof(&challenge)));
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(world.http(&secret, "DELETE", &path, &json!(null)).0, 200);
    world.answer_asks();
    assert_eq!(world.response(waiting).1["code"], "revoked");
    world.pass(600_000);
    assert!(world.locator.is_empty());
    world.check_invariants();
}

#[test]
fn tokens_are_imported_all_or_none() {
    let (mut world, secret) = World::founded("symbolon");
    let hash = |text: &str| symbolon::token::Digest::of(text).to_string();
    let entry = |sha256: &str| json!({"kind": "key", "name": "old", "scopes": ["read"], "sha256": sha256});
    let import = |world: &mut World, entries: Vec<Json>| {
        world.http(&secret, "POST", "/v1/tokens/import", &json!({"tokens": entries}))
    };
    let (status, made) = import(&mut world, vec![entry(&hash("one")), entry(&hash("two"))]);
    assert_eq!((status, made["tokens"].as_array().map(Vec::len)), (201, Some(2)), "{made}");
    assert_eq!(made["tokens"][0]["prefix"], "sym_key_");
    assert!(world.record("two").is_some());
    world.locator.insert(format!("d:{}", hash("theirs")), somewhere_else());
    assert_eq!(import(&mut world, vec![entry(&hash("three")), entry(&hash("theirs"))]).0, 409);
    assert_eq!(import(&mut world, vec![entry(&hash("four")), entry(&hash("one"))]).0, 409);
    assert_eq!(import(&mut world, vec![entry(&hash("five")), entry(&hash("five"))]).0, 409);
    let (status, refused) = import(&mut world, vec![entry(&hash("six")), entry("SIX")]);
    assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!("tokens[1].sha256")));
    let long =
        json!({"kind": "key", "name": "x", "scopes": ["read"], "sha256": hash("x"), "prefix": "sym_key_abcdefghi"});
    assert_eq!(import(&mut world, vec![long]).1["errors"][0]["field"], "tokens[0].prefix");
    for text in ["three", "four", "five", "six"] {
        assert!(world.record(text).is_none(), "{text}");
    }
    let (_, reader) = world.create(&secret, &json!({"kind": "pat", "name": "r", "scopes": ["read"]}));
    let body = json!({"tokens": [entry(&hash("seven"))]});
    assert_eq!(world.http(&reader, "POST", "/v1/tokens/import", &body).0, 403);
    world.locator.remove(&format!("d:{}", hash("theirs")));
    world.pass(600_000);
    world.check_invariants();
}

#[test]
fn tries_of_an_imported_secret_are_limited_from_where_they_come_and_lock_nobody_out() {
    let (mut world, secret) = World::founded("harborguard");
    let bcrypt = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let entry = json!({"kind": "pat", "name": "old", "scopes": ["all"], "prefix": "hg_pat_abc", "bcrypt": bcrypt});
    let (status, made) = world.http(&secret, "POST", "/v1/tokens/import", &json!({"tokens": [entry]}));
    assert_eq!(status, 201, "{made}");
    let token: TokenId = made["tokens"][0]["id"].as_str().unwrap().parse().unwrap();
    let mut attempt = |from: &str| {
        let client = Client { address: Some(from.to_owned()), user_agent: None };
        let json = world.call(&OrganizationCall::Try(Try { tokens: vec![token], client }));
        matches!(serde_json::from_str(&json).unwrap(), Tried::Reserved { .. })
    };
    for _ in 0..20 {
        assert!(attempt("2001:db8:1:2::1"));
    }
    assert!(!attempt("2001:db8:1:2::1"));
    assert!(!attempt("2001:db8:1:2::2"), "the same network");
    assert!(attempt("192.0.2.200"), "its holder, who is elsewhere");
    // All networks together cost no more than so much.
    let reserved = (0..60).flat_map(|network| (0..20).map(move |_| network));
    let reserved = reserved.filter(|network| attempt(&format!("198.51.100.{network}"))).count();
    assert_eq!(reserved, 20 * 20 - 21);
}
