//! The activity log: what every edge saw and every authority did, and never a secret.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use symbolon::id::TokenId;
use symbolon::key::PrivateKey;
use symbolon::signature::{BodyPresence, KeyId, Message, Request, SignSpec, Target};
use symbolon::token::Digest;
use symbolon_authority::store::Value;

use super::call::{Call, GATEWAY, code};
use super::imports::{bcrypt_of, secret_of};
use super::world::World;

/// The codes of the refusals in the log, each with how often.
fn refusals(world: &mut World, owner: &str) -> BTreeMap<String, u64> {
    let (_, page) = world.get(owner, "/v1/activity?action=token.refuse&limit=100");
    let mut found = BTreeMap::new();
    for entry in page["items"].as_array().unwrap() {
        assert!(entry["token"].is_string() && entry["at"].is_string(), "{entry}");
        assert_eq!(entry["address"], "203.0.113.9", "{entry}");
        *found.entry(entry["details"]["code"].as_str().unwrap().to_owned()).or_default() +=
            entry["details"]["count"].as_u64().unwrap();
    }
    found
}

/// Registers this key for a `pat` that may read: the token.
fn register(world: &mut World, owner: &str, key: &PrivateKey) -> Json {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let (_, made) = world.post(owner, "/v1/keys/challenge", &Json::Null);
    let proof = key.sign(made["challenge"].as_str().unwrap().as_bytes()).to_bytes();
    let body = json!({"kind": "pat", "name": "signs", "scopes": ["write"], "public_key": key.public_key().to_hex(),
        "proof": Base64UrlUnpadded::encode_string(&proof)});
    world.create(owner, &body).0
}

/// A request to the gateway, signed natively.
fn signed(world: &World, method: &str, url: &str, organization: &str, key: &PrivateKey, nonce: &str) -> Call {
    let target = Target::parse(url).unwrap();
    let message = Message::Request(Request { method, target: &target, fields: &[] });
    let id = KeyId::Native { organization: organization.parse().unwrap(), thumbprint: key.public_key().thumbprint() };
    let spec = SignSpec::native(&message, BodyPresence::Absent, &id, world.now, 60, nonce);
    let headers = spec.sign(&message, key).unwrap();
    Call::new(method, url).header("signature-input", &headers.signature_input).header("signature", &headers.signature)
}

#[test]
fn what_edges_refuse_comes_in_with_their_counts() {
    let (mut world, owner) = World::set_up(2, "symbolon");
    let routes = json!({"routes": [
        {"method": "GET", "path": "/things", "permission": "api:read"},
        {"method": "POST", "path": "/things", "permission": "api:write"},
    ]});
    assert_eq!(world.send(0, Call::new("PUT", "/v1/routes").bearer(&owner).json(&routes)).0, 200);
    let things = format!("{GATEWAY}/things");
    let from = |call: Call| call.from("203.0.113.9");
    let make = |world: &mut World, more: Json| {
        let mut body = json!({"kind": "pat", "name": "n", "scopes": ["read"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.create(&owner, &body)
    };
    let (revoked, revoked_secret) = make(&mut world, json!({}));
    let (_, expired_secret) = make(&mut world, json!({"expires_at": "2027-01-15T08:20:00Z"}));
    let (_, reader) = make(&mut world, json!({}));
    let (_, inactive) = make(&mut world, json!({}));
    world.delete(&owner, &format!("/v1/tokens/{}", revoked["id"].as_str().unwrap()));
    let inactive_id = world.get(&inactive, "/v1/whoami").1["token"]["id"].clone();
    world.patch(&owner, &format!("/v1/tokens/{}", inactive_id.as_str().unwrap()), &json!({"active": false}));
    world.pass(1_300_000);
    let expected = [
        ("GET", &revoked_secret, "revoked", 3u64),
        ("GET", &expired_secret, "expired", 2),
        ("POST", &reader, "insufficient_permission", 4),
        ("GET", &inactive, "inactive", 1),
    ];
    for (method, secret, refused, times) in expected {
        for index in 0..times {
            let edge = usize::try_from(index % 2).unwrap();
            let answer = world.send(edge, from(Call::new(method, &things).bearer(secret)));
            assert_eq!(code(&answer), refused);
        }
    }
    let key = PrivateKey::from_hex(&format!("{:064x}", 0xabcd)).unwrap();
    register(&mut world, &owner, &key);
    let organization = world.authority(&owner).replace("organization:", "");
    let once = from(signed(&world, "POST", &things, &organization, &key, "a-nonce-of-enough-letters"));
    assert_eq!(world.send(0, once.clone()).0, 0);
    assert_eq!(code(&world.send(1, once)), "replayed", "at another edge too");
    for edge in [0, 1] {
        world.background(edge);
    }
    // Those after the first are added up, and written when their window ends.
    world.pass(300_001);
    let mut all: BTreeMap<String, u64> =
        expected.iter().map(|(_, _, refused, times)| ((*refused).to_owned(), *times)).collect();
    all.insert("replayed".to_owned(), 1);
    assert_eq!(refusals(&mut world, &owner), all);
    assert_eq!(world.get(&owner, "/v1/activity/verify").1["valid"], true);
    assert_eq!(world.faults, Vec::<String>::new());
}

#[test]
fn every_altered_column_and_every_missing_entry_shows() {
    let (mut world, owner) = World::set_up(1, "symbolon");
    for name in ["a", "b", "c"] {
        world.create(&owner, &json!({"kind": "key", "name": name, "scopes": ["read"]}));
    }
    let authority = world.authority(&owner);
    let verdict = |world: &mut World| world.get(&owner, "/v1/activity/verify").1;
    let whole = verdict(&mut world);
    assert_eq!((&whole["valid"], &whole["broken_at"]), (&json!(true), &Json::Null));
    let entries = whole["entries"].as_u64().unwrap();
    let columns =
        "seq, id, at, actor_member, actor_token, action, token, member, address, user_agent, details, prev_hash, hash";
    for seq in 1..=entries {
        let number = Value::count(seq).unwrap();
        for column in columns.split(", ").filter(|column| *column != "seq") {
            let kept = world.sql(
                &authority,
                &format!("SELECT {column} FROM activity WHERE seq = ?1"),
                std::slice::from_ref(&number),
            );
            let other = if column == "at" { "at + 1".to_owned() } else { format!("coalesce({column}, '') || 'x'") };
            world.sql(
                &authority,
                &format!("UPDATE activity SET {column} = {other} WHERE seq = ?1"),
                std::slice::from_ref(&number),
            );
            let found = verdict(&mut world);
            assert_eq!((&found["valid"], &found["broken_at"]), (&json!(false), &json!(seq)), "{column} of {seq}");
            let kept: Value = if column == "at" {
                kept[0].get::<i64>(0).unwrap().into()
            } else {
                kept[0].get::<Option<String>>(0).unwrap().into()
            };
            world.sql(
                &authority,
                &format!("UPDATE activity SET {column} = ?2 WHERE seq = ?1"),
                &[number.clone(), kept],
            );
        }
        world.sql(
            &authority,
            "CREATE TEMP TABLE kept AS SELECT * FROM activity WHERE seq = ?1",
            std::slice::from_ref(&number),
        );
        world.sql(&authority, "DELETE FROM activity WHERE seq = ?1", &[number]);
        assert_eq!(verdict(&mut world)["broken_at"], seq, "{seq} is missing");
        world.sql(&authority, &format!("INSERT INTO activity ({columns}) SELECT {columns} FROM kept"), &[]);
        world.sql(&authority, "DROP TABLE kept", &[]);
    }
    assert_eq!(verdict(&mut world), whole, "put back, it is whole again");
    // The end can be cut off together with the count of entries, but not without another head.
    world.sql(&authority, "DELETE FROM activity WHERE seq = ?1", &[Value::count(entries).unwrap()]);
    let cut = "UPDATE organization SET activity_seq = ?1,
        activity_hash = (SELECT hash FROM activity ORDER BY seq DESC LIMIT 1)";
    world.sql(&authority, cut, &[Value::count(entries - 1).unwrap()]);
    assert_ne!(verdict(&mut world)["head"], whole["head"], "whoever kept the head elsewhere sees it");
}

#[test]
fn an_export_is_the_list_in_lines_part_by_part() {
    let (mut world, owner) = World::set_up(1, "harborguard");
    let secrets: Vec<String> = (0..2_100).map(|number| secret_of("hg_ak_", number)).collect();
    for batch in secrets.chunks(100) {
        let entry = |secret: &String| json!({"kind": "key", "name": "k", "role": "viewer", "sha256": Digest::of(secret).to_string()});
        let tokens: Vec<Json> = batch.iter().map(entry).collect();
        let (mut status, _) = world.post(&owner, "/v1/tokens/import", &json!({"tokens": tokens}));
        if status == 429 {
            world.pass(61_000);
            status = world.post(&owner, "/v1/tokens/import", &json!({"tokens": tokens})).0;
        }
        assert_eq!(status, 201);
    }
    let mut path = "/v1/activity/export".to_owned();
    let mut sequence: Vec<Json> = Vec::new();
    for _ in 0..3 {
        let (status, body, headers) = world.exchange(0, Call::new("GET", &path).bearer(&owner));
        assert_eq!(status, 200);
        let field = |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        assert_eq!(field("content-type").as_deref(), Some("application/x-ndjson"));
        sequence.extend(body.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()));
        let Some(link) = field("link") else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    let entries = world.get(&owner, "/v1/activity/verify").1["entries"].as_u64().unwrap();
    let numbers: Vec<u64> = sequence.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=entries).collect::<Vec<_>>());
    let (_, page) = world.get(&owner, "/v1/activity?limit=1");
    assert_eq!(page["items"][0], sequence[sequence.len() - 1], "the same documents");
}

/// All values of all tables of all objects.
fn kept(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for object in world.objects("") {
        let tables = world.sql(&object, "SELECT name FROM sqlite_master WHERE type = 'table'", &[]);
        for table in tables {
            let table: String = table.get(0).unwrap();
            let columns = world.sql(&object, "SELECT name FROM pragma_table_info(?1)", &[table.as_str().into()]);
            for column in columns {
                let column: String = column.get(0).unwrap();
                let values =
                    world.sql(&object, &format!("SELECT coalesce(CAST({column} AS TEXT), '') FROM {table}"), &[]);
                all.extend(
                    values.iter().map(|row| format!("{object} {table}.{column}: {}", row.get::<String>(0).unwrap())),
                );
            }
        }
    }
    all
}

#[test]
fn no_secret_is_kept_told_twice_or_written_down() {
    let (mut world, owner) = World::set_up(2, "symbolon");
    let mut secrets = vec![owner.clone(), "a setup code of this test alone".to_owned()];
    let mut passphrases = Vec::new();
    for number in 0..12 {
        let kind = ["pat", "key"][number % 2];
        let mut body = json!({"kind": kind, "name": format!("n{number}"), "scopes": ["read", "write"]});
        if number % 3 == 0 {
            let passphrase = format!("passphrase number {number}");
            body["passphrase"] = json!(passphrase);
            passphrases.push(passphrase);
        }
        let call = Call::new("POST", "/v1/tokens").bearer(&owner).json(&body);
        let (mut status, mut made) = world.send(0, call.clone().header("idempotency-key", &format!("k{number}")));
        if status == 429 {
            world.pass(61_000);
            (status, made) = world.send(0, call.clone().header("idempotency-key", &format!("k{number}")));
        }
        assert_eq!(status, 201, "{made}");
        secrets.push(made["secret"].as_str().unwrap().to_owned());
        let id: TokenId = made["token"]["id"].as_str().unwrap().parse().unwrap();
        if number % 4 == 1 {
            let (_, rotated) = world.post(&owner, &format!("/v1/tokens/{id}/rotate"), &json!({"grace_seconds": 60}));
            secrets.push(rotated["secret"].as_str().unwrap().to_owned());
            let (_, again) = world.post(&owner, &format!("/v1/tokens/{id}/regenerate"), &json!({}));
            secrets.push(again["secret"].as_str().unwrap().to_owned());
        }
        if number % 5 == 0 {
            world.delete(&owner, &format!("/v1/tokens/{id}"));
        }
    }
    let imported = secret_of("hg_ak_", 1);
    let entry = json!({"kind": "key", "name": "moved", "scopes": ["read"], "prefix": &imported[..10],
        "bcrypt": bcrypt_of("2a", 4, &imported)});
    assert_eq!(world.post(&owner, "/v1/tokens/import", &json!({"tokens": [entry]})).0, 201);
    secrets.push(imported);
    // Everything is used, rightly and wrongly, at both edges.
    world.listen();
    for (index, secret) in secrets.clone().iter().enumerate() {
        for passphrase in passphrases.iter().chain(&["wrong passphrase".to_owned()]) {
            let call = Call::new("GET", "/v1/whoami").bearer(secret).header("x-token-passphrase", passphrase);
            world.send(index % 2, call.from(&format!("192.0.2.{}", index + 10)));
            world.post(&owner, "/v1/verify", &json!({"credential": secret, "passphrase": passphrase}));
        }
    }
    for edge in [0, 1] {
        world.background(edge);
    }
    for path in ["/v1/tokens?limit=100", "/v1/activity?limit=100", "/v1/activity/export", "/v1/members", "/v1/profile"]
    {
        assert_eq!(world.get(&owner, path).0, 200, "{path}");
    }
    world.pass(300_000);
    let mut seen = kept(&world);
    assert!(seen.len() > 1_000, "{}", seen.len());
    seen.extend(world.directory.iter().map(|(key, value)| format!("directory {key}: {value}")));
    seen.extend(world.faults.clone());
    // What objects and clients were told while the secrets were in use; a call to verify names what it is to verify.
    seen.extend(world.listen().into_iter().filter(|text| !text.contains("/v1/verify")));
    for hidden in secrets.iter().chain(&passphrases).map(String::as_str).chain(["wrong passphrase"]) {
        // Also without its prefix, in case somebody cut it.
        for part in [hidden, hidden.rsplit('_').next().unwrap()] {
            let found: Vec<&String> = seen.iter().filter(|text| text.contains(part)).collect();
            assert!(found.is_empty(), "{found:?}");
        }
    }
    // Argon2 and bcrypt hashes, and digests, stay with those who compare them.
    let tokens = world.get(&owner, "/v1/tokens?limit=100").1.to_string();
    let log = world.exchange(0, Call::new("GET", "/v1/activity/export").bearer(&owner)).1;
    for text in [&tokens, &log] {
        assert!(!text.contains("argon2") && !text.contains("$2a$"), "{text}");
        for secret in &secrets {
            assert!(!text.contains(&Digest::of(secret).to_string()));
        }
    }
}
