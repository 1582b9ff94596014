//! Tokens brought in from another system with the hashes that it kept.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use symbolon::token::Digest;

use super::call::Call;
use super::world::World;

/// A secret in the form of HarborGuard's tokens: 48 hexadecimal digits that depend on the number.
pub(crate) fn secret_of(prefix: &str, number: usize) -> String {
    let mut digits = Digest::of(format!("secret {number}")).to_string();
    digits.truncate(48);
    format!("{prefix}{digits}")
}

/// The same with these first digits, which are public.
fn with_prefix(prefix: &str, number: usize) -> String {
    let digits = Digest::of(format!("secret {number}")).to_string();
    format!("{prefix}{}", &digits[..55 - prefix.len()])
}

/// A bcrypt hash in modular crypt form, as another system made it.
pub(crate) fn bcrypt_of(version: &str, cost: u32, secret: &str) -> String {
    use base64ct::{Base64Bcrypt, Encoding as _};
    let mut salt = [0; 16];
    salt.copy_from_slice(&Digest::of(format!("salt of {secret}")).as_bytes()[..16]);
    let key: Vec<u8> = secret.bytes().chain([0]).collect();
    let hash = bcrypt::bcrypt(cost, salt, &key);
    let mut text = String::new();
    write!(
        text,
        "${version}${cost:02}${}{}",
        Base64Bcrypt::encode_string(&salt),
        Base64Bcrypt::encode_string(&hash[..23])
    )
    .unwrap();
    text
}

fn pat(secret: &str, hash: Json) -> Json {
    let mut entry = json!({"kind": "pat", "name": "imported", "scopes": ["all"], "prefix": &secret[..10]});
    entry.as_object_mut().unwrap().extend(hash.as_object().unwrap().clone());
    entry
}

fn with_bcrypt(secret: &str) -> Json {
    pat(secret, json!({"bcrypt": bcrypt_of("2b", 4, secret)}))
}

fn import(world: &mut World, by: &str, entries: &[Json]) -> (u16, Json) {
    let (status, answer) = world.post(by, "/v1/tokens/import", &json!({"tokens": entries}));
    if status == 429 {
        world.pass(61_000);
        return world.post(by, "/v1/tokens/import", &json!({"tokens": entries}));
    }
    (status, answer)
}

/// The actions in the activity log about a token, the newest first.
fn actions(world: &mut World, by: &str, token: &str) -> Vec<String> {
    let (_, page) = world.get(by, &format!("/v1/activity?token={token}"));
    page["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

fn id(answer: &Json, index: usize) -> String {
    answer["tokens"][index]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn tries(heard: &[String]) -> usize {
    heard.iter().filter(|text| text.contains("{\"try\":")).count()
}

#[test]
fn a_bcrypt_hash_is_replaced_at_the_first_success_and_then_as_fast_as_any() {
    let (mut world, owner) = World::set_up(2, "harborguard");
    let routes = json!({"routes": [{"method": "GET", "path": "/scans", "permission": "scans:view"}]});
    let (status, _) = world.send(0, Call::new("PUT", "/v1/routes").bearer(&owner).json(&routes));
    assert_eq!(status, 200);
    let scans = |secret: &str| Call::new("GET", "https://api.example/scans").header("x-api-key", secret);
    for (number, version) in ["2a", "2b", "2y"].into_iter().enumerate() {
        let secret = secret_of("hg_pat_", number);
        let (status, made) =
            import(&mut world, &owner, &[pat(&secret, json!({"bcrypt": bcrypt_of(version, 5, &secret)}))]);
        assert_eq!(status, 201, "{made}");
        let token = id(&made, 0);
        world.listen();
        assert_eq!(world.send(0, scans(&secret)).0, 0, "${version}$ is passed on");
        let heard = world.listen();
        assert_eq!(tries(&heard), 1);
        assert_eq!(actions(&mut world, &owner, &token), ["token.upgrade", "token.import"]);

        world.listen();
        assert_eq!(world.send(0, scans(&secret)).0, 0);
        assert_eq!(world.send(1, scans(&secret)).0, 0, "at another edge");
        assert_eq!(tries(&world.listen()), 0, "found by its SHA-256");
        assert_eq!(world.send(0, scans(&secret)).0, 0);
        let asked = ["organization:", "locator:", "directory "];
        let heard = world.listen();
        assert!(!heard.iter().any(|text| asked.iter().any(|name| text.starts_with(name))), "hot: {heard:?}");

        // Nothing of the bcrypt hash is left.
        let authority = world.authority(&owner);
        let parameters = [token.as_str().into()];
        let proofs = world.sql(&authority, "SELECT proof FROM proof WHERE token = ?1", &parameters);
        assert!(proofs.len() == 1 && !proofs[0].get::<String>(0).unwrap().contains("$2"), "{proofs:?}");
        world.pass(300_000);
        for locator in world.objects("locator:") {
            assert_eq!(world.sql(&locator, "SELECT key FROM place WHERE key GLOB 'b:*'", &[]), [], "its place is free");
        }
    }
    assert_eq!(world.faults, Vec::<String>::new());
}

#[test]
fn a_wrong_secret_with_a_public_prefix_learns_nothing_and_costs_little() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let secret = secret_of("hg_pat_", 1);
    let (_, made) = import(&mut world, &owner, &[with_bcrypt(&secret)]);
    let prefix = &secret[..10];
    let whoami = |secret: &str, from: &str| Call::new("GET", "/v1/whoami").bearer(secret).from(from);
    let elsewhere = world.exchange(0, whoami(&secret_of("hg_pat_", 77), "198.51.100.1"));
    assert_eq!((elsewhere.0, elsewhere.1.contains("unknown_token")), (401, true));

    // As many wrong ones as the profile allows are answered as if nobody had heard of the prefix.
    world.listen();
    for number in 0..20 {
        let wrong = world.exchange(0, whoami(&with_prefix(prefix, 100 + number), "192.0.2.66"));
        assert_eq!(wrong, elsewhere);
    }
    assert_eq!(tries(&world.listen()), 20);
    // Then nothing is hashed for whoever guesses until the time has passed.
    let (status, body, headers) = world.exchange(0, whoami(&with_prefix(prefix, 200), "192.0.2.66"));
    assert_eq!((status, body.contains("rate_limited")), (429, true), "{body}");
    assert!(headers.iter().any(|(name, value)| name == "retry-after" && value.parse::<u32>().unwrap() <= 61));
    assert_eq!(actions(&mut world, &owner, &id(&made, 0)), ["token.import"], "no lock, and no entry for each guess");
    assert_eq!(world.exchange(0, whoami(&secret, "192.0.2.1")).0, 200, "nobody is locked out by a public prefix");
    world.pass(61_000);
    assert_eq!(world.code(0, &secret), "ok");
    // Once it was used, others' guesses are no concern of its holder.
    for number in 0..30 {
        world.send(0, whoami(&with_prefix(prefix, 300 + number), "192.0.2.66"));
    }
    assert_eq!(world.code(0, &secret), "ok");
}

#[test]
fn right_secrets_do_not_use_up_the_tries() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let secrets: Vec<String> = (0..60).map(|number| secret_of("hg_pat_", number)).collect();
    let entries: Vec<Json> = secrets.iter().map(|secret| with_bcrypt(secret)).collect();
    assert_eq!(import(&mut world, &owner, &entries).0, 201);
    for secret in &secrets {
        assert_eq!(world.code(0, secret), "ok", "sixty of one member, from one address, in no time");
    }
}

#[test]
fn eight_hashes_of_an_organisation_share_a_prefix_and_no_more() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let secrets: Vec<String> = (0..9).map(|number| with_prefix("hg_pat_abc", number)).collect();
    let entries: Vec<Json> = secrets.iter().map(|secret| with_bcrypt(secret)).collect();
    let (status, refused) = import(&mut world, &owner, &entries);
    assert_eq!(status, 409, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("public prefix"), "{refused}");
    // All or none: nothing of it stays, and what was claimed is given up.
    world.pass(300_000);
    assert_eq!(world.code(0, &secrets[0]), "unknown_token");
    assert_eq!(import(&mut world, &owner, &entries[..8]).0, 201);
    assert_eq!(import(&mut world, &owner, &entries[8..]).0, 409);
    // Not for another organisation: it cannot be kept from bringing its own in.
    let bea = world.another(&owner, "other", "harborguard");
    assert_eq!(import(&mut world, &bea, &entries[8..]).0, 201);
    assert_eq!(import(&mut world, &bea, &entries[..1]).0, 409, "and a hash has one owner");
    for secret in &secrets {
        assert_eq!(world.code(0, secret), "ok");
    }
    world.pass(300_000);
    let tenth = with_prefix("hg_pat_abc", 10);
    assert_eq!(import(&mut world, &owner, &[with_bcrypt(&tenth)]).0, 201, "there is room again");
    assert_eq!(world.code(0, &tenth), "ok");
    assert_eq!(world.get(&secrets[8], "/v1/whoami").1["organization"]["slug"], "other");
}

#[test]
fn the_state_is_told_to_who_has_the_secret_and_no_one_else() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let [revoked, expired, ours] = [1, 2, 3].map(|number| with_prefix("hg_pat_abc", number));
    let mut ends = with_bcrypt(&expired);
    ends["expires_at"] = json!("2027-01-15T09:00:00Z");
    let (status, made) = import(&mut world, &owner, &[with_bcrypt(&revoked), ends, with_bcrypt(&ours)]);
    assert_eq!(status, 201, "{made}");
    assert_eq!(world.delete(&owner, &format!("/v1/tokens/{}", id(&made, 0))).0, 200);
    world.pass(3_700_000);
    assert_eq!(world.code(0, &with_prefix("hg_pat_abc", 9)), "unknown_token");
    assert_eq!(world.code(0, &revoked), "revoked");
    assert_eq!(world.code(0, &revoked), "revoked", "and the second time without hashing");
    assert_eq!(world.code(0, &expired), "expired");
    // To another organisation's verifier none of them exists.
    let bea = world.another(&owner, "other", "harborguard");
    let verdict = |world: &mut World, by: &str| world.post(by, "/v1/verify", &json!({"credential": ours})).1;
    assert_eq!(verdict(&mut world, &bea)["code"], "unknown_token");
    assert_eq!(verdict(&mut world, &owner)["code"], "ok");
}

#[test]
fn two_edges_at_once_and_a_locator_that_is_away_do_no_harm() {
    let (mut world, owner) = World::set_up(2, "harborguard");
    let [first, second] = [1, 2].map(|number| secret_of("hg_pat_", number));
    let (_, made) = import(&mut world, &owner, &[with_bcrypt(&first), with_bcrypt(&second)]);
    let whoami = |secret: &str| Call::new("GET", "/v1/whoami").bearer(secret);
    let answers = world.send_together(vec![(0, whoami(&first)), (1, whoami(&first)), (0, whoami(&first))]);
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200; 3]);
    assert_eq!(actions(&mut world, &owner, &id(&made, 0)), ["token.upgrade", "token.import"], "once");

    // Where the SHA-256's place cannot be claimed, the hash goes on proving possession; it is replaced later.
    world.lost = Some("{\"claim\":");
    assert_eq!([world.code(0, &second), world.code(1, &second)], ["ok", "ok"]);
    assert_eq!(actions(&mut world, &owner, &id(&made, 1)), ["token.import"]);
    world.lost = None;
    world.pass(300_000);
    assert_eq!(world.code(1, &second), "ok");
    assert_eq!(actions(&mut world, &owner, &id(&made, 1)), ["token.upgrade", "token.import"]);
    assert_eq!(world.faults, Vec::<String>::new());
}

#[test]
fn a_new_secret_takes_the_hash_with_it() {
    let (mut world, owner) = World::set_up(1, "symbolon");
    let secret = secret_of("hg_ak_", 1);
    let entry = json!({"kind": "key", "name": "moved", "scopes": ["read"], "prefix": &secret[..10],
        "bcrypt": bcrypt_of("2b", 4, &secret)});
    let (status, made) = import(&mut world, &owner, std::slice::from_ref(&entry));
    assert_eq!((status, &made["tokens"][0]["prefix"]), (201, &json!(&secret[..10])), "{made}");
    let path = format!("/v1/tokens/{}/rotate", id(&made, 0));
    let (status, rotated) = world.post(&owner, &path, &json!({"grace_seconds": 0}));
    assert_eq!(status, 200, "{rotated}");
    assert_eq!(world.code(0, &secret), "unknown_token");
    assert_eq!(world.code(0, rotated["secret"].as_str().unwrap()), "ok");
    world.pass(300_000);
    let (status, again) = import(&mut world, &owner, &[entry]);
    assert_eq!(status, 201, "its place is free: {again}");

    // With a grace the old secret goes on, and is upgraded within it; the new one's first use ends both.
    let path = format!("/v1/tokens/{}/rotate", id(&again, 0));
    let (_, rotated) = world.post(&owner, &path, &json!({"grace_seconds": 3600}));
    assert_eq!(world.code(0, &secret), "ok");
    assert_eq!(world.code(0, rotated["secret"].as_str().unwrap()), "ok");
    world.background(0);
    assert_eq!(world.code(0, &secret), "unknown_token");
}

#[test]
fn an_import_says_what_is_wrong_with_a_hash() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let secret = secret_of("hg_pat_", 1);
    let good = bcrypt_of("2b", 4, &secret);
    let digest = Digest::of(&secret).to_string();
    for (entry, field) in [
        (json!({}), "sha256"),
        (json!({"sha256": digest, "bcrypt": good}), "bcrypt"),
        (json!({"bcrypt": good.replace("$04$", "$13$")}), "bcrypt"),
        (json!({"bcrypt": good.replace("$2b$", "$2x$")}), "bcrypt"),
        (json!({"bcrypt": &good[..59]}), "bcrypt"),
        (json!({"sha256": digest.to_uppercase()}), "sha256"),
        (json!({"bcrypt": good, "prefix": "hg_pat_"}), "prefix"),
        (json!({"bcrypt": good, "prefix": "hg_pat_12G"}), "prefix"),
        (json!({"bcrypt": good, "prefix": "hg_pat_1234"}), "prefix"),
        (json!({"bcrypt": good, "prefix": "hg_ak_1234"}), "prefix"),
        (json!({"bcrypt": good, "prefix": null}), "prefix"),
    ] {
        let entry = pat(&secret, entry);
        let (status, refused) = import(&mut world, &owner, std::slice::from_ref(&entry));
        assert_eq!((status, &refused["errors"][0]["field"]), (400, &json!(format!("tokens[0].{field}"))), "{entry}");
    }
}

/// How many tokens are moved over, and each how many of them has a bcrypt hash.
const MOVED: usize = 10_000;
const EVERY: usize = 50;

#[test]
fn ten_thousand_tokens_move_over_and_each_works() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let secrets: Vec<String> = (0..MOVED).map(|number| secret_of("hg_pat_", number)).collect();
    let entry = |(number, secret): (usize, &String)| match number % EVERY {
        0 => with_bcrypt(secret),
        _ => pat(secret, json!({"sha256": Digest::of(secret).to_string()})),
    };
    let entries: Vec<Json> = secrets.iter().enumerate().map(entry).collect();
    for batch in entries.chunks(100) {
        assert_eq!(import(&mut world, &owner, batch).0, 201);
    }
    world.pass(300_000);
    for secret in &secrets {
        assert_eq!(world.code(0, secret), "ok");
    }
    let (_, verified) = world.get(&owner, "/v1/activity/verify");
    assert_eq!(verified["valid"], true);
    assert!(verified["entries"].as_u64().unwrap() > u64::try_from(MOVED + MOVED / EVERY).unwrap());
    assert_eq!(world.faults, Vec::<String>::new());
}
