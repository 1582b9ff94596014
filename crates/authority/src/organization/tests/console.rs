//! Passkeys, sessions and recovery codes, with a software authenticator.

use base64ct::{Base64UrlUnpadded as Base64Url, Encoding as _};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use symbolon::key::PrivateKey;
use symbolon::protocol::RecordState;
use symbolon::protocol::message::{Ask, HttpResponse, Lookup, Manage, OrganizationCall};
use symbolon::protocol::session::{Challenge, Purpose, SignIn, csrf_token};
use symbolon::token::{Digest, InstanceSecret};

use super::world::{World, found, request};

const ORIGIN: &str = "https://tokens.example";

/// A passkey in software.
pub(super) struct Authenticator {
    key: PrivateKey,
    id: Vec<u8>,
    handle: String,
    count: u32,
    origin: &'static str,
    rp_id: &'static str,
}

impl Authenticator {
    pub(super) fn new(byte: u8) -> Self {
        Self {
            key: PrivateKey::from_bytes(&[byte; 32]).unwrap(),
            id: vec![byte; 20],
            handle: String::new(),
            count: 1,
            origin: ORIGIN,
            rp_id: "tokens.example",
        }
    }

    fn client_data(&self, kind: &str, challenge: &Json) -> String {
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false }).to_string()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        [&Sha256::digest(self.rp_id)[..], &[flags], &self.count.to_be_bytes()].concat()
    }

    fn attest(&mut self, options: &Json) -> Json {
        let public_key = &options["public_key"];
        self.handle = public_key["user"]["id"].as_str().unwrap().to_owned();
        let (x, y) = self.key.public_key().coordinates();
        let mut data = self.data(0x45);
        data.extend([0; 16]);
        data.extend([0, 20]);
        data.extend(&self.id);
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(x);
        data.extend([0x22, 0x58, 32]);
        data.extend(y);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(data.len() as u8);
        object.extend(data);
        let client = self.client_data("webauthn.create", &public_key["challenge"]);
        json!({
            "id": Base64Url::encode_string(&self.id), "rawId": Base64Url::encode_string(&self.id),
            "type": "public-key", "clientExtensionResults": {}, "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": Base64Url::encode_string(client.as_bytes()),
                "attestationObject": Base64Url::encode_string(&object),
                "transports": ["internal", "made-up"],
            },
        })
    }

    fn assert(&mut self, challenge: &str) -> Json {
        self.count += 1;
        let data = self.data(5);
        let client = self.client_data("webauthn.get", &json!(challenge));
        let message = [&data[..], &Sha256::digest(&client)].concat();
        let signature = der(&self.key.sign(&message).to_bytes());
        json!({
            "id": Base64Url::encode_string(&self.id), "rawId": Base64Url::encode_string(&self.id),
            "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": Base64Url::encode_string(client.as_bytes()),
                "authenticatorData": Base64Url::encode_string(&data),
                "signature": Base64Url::encode_string(&signature),
                "userHandle": self.handle,
            },
        })
    }
}

fn der(raw: &[u8; 64]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let pad: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        [&[2, (bytes.len() + pad.len()) as u8], pad, &bytes].concat()
    };
    let both = [number(&raw[..32]), number(&raw[32..])].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

/// What a gate hands out to sign in with.
fn challenge(world: &World, random: u8) -> String {
    let instance = InstanceSecret::new(&[7; 32]).unwrap();
    Challenge::make(&instance, Purpose::SignIn, world.now, &[random; 16]).unwrap()
}

/// An answer with its cookie's secret.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Json,
    pub(super) secret: Option<String>,
}

impl Answered {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

fn answered(json: &str) -> Answered {
    let response: HttpResponse = serde_json::from_str(json).unwrap();
    let cookie = response.headers.iter().find(|(name, _)| name == "set-cookie").map(|(_, value)| value);
    let secret = cookie.map(|cookie| {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert!(attributes.starts_with("Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="), "{cookie}");
        pair.strip_prefix("__Host-symbolon=").unwrap().to_owned()
    });
    Answered { status: response.status, body: serde_json::from_str(&response.body).unwrap(), secret }
}

fn post(world: &mut World, path: &str, body: &Json, replaces: Option<&str>) -> Answered {
    let call = SignIn { request: request("POST", path, body), replaces: replaces.map(Digest::of) };
    answered(&world.call(&OrganizationCall::SignIn(Box::new(call))))
}

pub(super) fn sign_in(world: &mut World, passkey: &mut Authenticator, random: u8) -> Answered {
    let challenge = challenge(world, random);
    let credential = passkey.assert(&challenge);
    post(world, "/v1/sessions", &json!({ "challenge_id": challenge, "credential": credential }), None)
}

fn recover(world: &mut World, code: &Json) -> Answered {
    let body = json!({ "organization": "acme", "email": "ANN@acme.example", "recovery_code": code });
    post(world, "/v1/sessions/recover", &body, None)
}

pub(super) fn record(world: &mut World, secret: &str) -> Option<symbolon::protocol::Record> {
    let lookup = Some(Lookup::Session(Digest::of(secret)));
    world.ask(Ask { lookup, ..Ask::default() }).record.map(|record| *record)
}

/// A call in a session.
pub(super) fn call(world: &mut World, secret: &str, method: &str, path: &str, body: &Json) -> Answered {
    let Some(record) = record(world, secret) else { return unknown() };
    let request = request(method, path, body);
    let id = world.begin(&OrganizationCall::Manage(Manage {
        token: record.token,
        signed: false,
        passphrase_hash: None,
        request,
    }));
    if !world.replies.contains_key(&id) {
        world.pass(60_000);
    }
    answered(&world.replies.remove(&id).unwrap())
}

fn unknown() -> Answered {
    Answered { status: 401, body: json!({ "code": "unknown_token" }), secret: None }
}

/// Registers a passkey with a token, or in a session, and returns what was answered.
pub(super) fn register(world: &mut World, secret: &str, passkey: &mut Authenticator) -> Json {
    let send = |world: &mut World, path: &str, body: &Json| match secret.starts_with("sym_ses_") {
        true => {
            let answered = call(world, secret, "POST", path, body);
            (answered.status, answered.body)
        }
        false => world.http(secret, "POST", path, body),
    };
    let (status, options) = send(world, "/v1/passkeys/options", &json!(null));
    assert_eq!(status, 200, "{options}");
    let body =
        json!({ "challenge_id": options["challenge_id"], "name": "Key", "credential": passkey.attest(&options) });
    let (status, added) = send(world, "/v1/passkeys", &body);
    assert_eq!(status, 201, "{added}");
    added
}

pub(super) fn world() -> (World, String, Authenticator, Json) {
    let (mut world, token) = World::founded("symbolon");
    let mut passkey = Authenticator::new(3);
    let added = register(&mut world, &token, &mut passkey);
    (world, token, passkey, added)
}

fn actions(world: &mut World, token: &str) -> Vec<(String, Json)> {
    let log = world.http(token, "GET", "/v1/activity?limit=50", &json!(null)).1;
    let items = log["items"].as_array().unwrap().iter();
    items.map(|item| (item["action"].as_str().unwrap().to_owned(), item["details"].clone())).collect()
}

/// Hands a call in a session in; whether it is answered at once, and after the wait for a former machine.
fn waits(world: &mut World, begin: impl FnOnce(&mut World) -> crate::machine::CallId) {
    // Something was said that holds a horizon open.
    world.ask(Ask::default());
    world.restart();
    let id = begin(world);
    assert!(!world.replies.contains_key(&id), "a former machine may still answer for what has ended");
    world.pass(4_500);
    let answer = answered(&world.replies.remove(&id).unwrap());
    assert!(answer.status < 300, "{}", answer.body);
}

#[test]
fn what_ends_a_session_waits_until_no_former_machine_answers_for_it() {
    let (mut world, _, mut passkey, added) = world();
    let secret = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let manage = |world: &mut World, secret: &str, method: &str, path: &str, body: &Json| {
        let token = record(world, secret).unwrap().token;
        let request = request(method, path, body);
        world.begin(&OrganizationCall::Manage(Manage { token, signed: false, passphrase_hash: None, request }))
    };
    waits(&mut world, |world| {
        let challenge = challenge(world, 2);
        let credential = passkey.assert(&challenge);
        let body = json!({ "challenge_id": challenge, "credential": credential });
        manage(world, &secret, "POST", "/v1/sessions/current/confirm", &body)
    });
    let signed_in = |world: &mut World, passkey: &mut Authenticator, random| {
        let answer = sign_in(world, passkey, random);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.secret.unwrap()
    };
    let secret = signed_in(&mut world, &mut passkey, 3);
    waits(&mut world, |world| {
        let challenge = challenge(world, 4);
        let body = json!({ "challenge_id": challenge, "credential": passkey.assert(&challenge) });
        let request = request("POST", "/v1/sessions", &body);
        let replaces = Some(Digest::of(&secret));
        world.begin(&OrganizationCall::SignIn(Box::new(SignIn { request, replaces })))
    });
    let secret = signed_in(&mut world, &mut passkey, 5);
    waits(&mut world, |world| manage(world, &secret, "DELETE", "/v1/sessions/current", &json!(null)));
    let secret = signed_in(&mut world, &mut passkey, 6);
    let path = format!("/v1/passkeys/{}", added["passkey"]["id"].as_str().unwrap());
    waits(&mut world, |world| manage(world, &secret, "DELETE", &path, &json!(null)));
}

#[test]
fn a_member_registers_signs_in_and_acts_with_their_role() {
    let (mut world, token, mut passkey, added) = world();
    assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10);
    let signed_in = sign_in(&mut world, &mut passkey, 1);
    assert_eq!(signed_in.status, 201, "{}", signed_in.body);
    let secret = signed_in.secret.unwrap();
    assert!(secret.starts_with("sym_ses_"));
    assert!(!signed_in.body.to_string().contains(&secret), "the secret is in the cookie alone");
    assert_eq!(signed_in.body["csrf_token"], csrf_token(&Digest::of(&secret)));
    assert_eq!(signed_in.body["member"]["email"], "ann@acme.example");
    assert!(world.record(&secret).is_none(), "no header leads to a session");

    let me = call(&mut world, &secret, "GET", "/v1/whoami", &json!(null));
    assert_eq!((me.status, &me.body["token"]), (200, &json!(null)));
    assert_eq!(me.body["principal"]["role"], "owner");
    let made =
        call(&mut world, &secret, "POST", "/v1/tokens", &json!({ "kind": "pat", "name": "a", "scopes": ["read"] }));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["token"]["created_by"]["member"]["name"], "Ann");
    let current = call(&mut world, &secret, "GET", "/v1/sessions/current", &json!(null));
    assert_eq!((current.status, &current.body["session"]["current"]), (200, &json!(true)));
    assert_eq!(world.http(&token, "GET", "/v1/sessions/current", &json!(null)).0, 401);
    let names: Vec<String> = actions(&mut world, &token).into_iter().map(|(action, _)| action).collect();
    assert_eq!(names[..4], ["token.create", "session.begin", "recovery_codes.renew", "passkey.add"]);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn a_second_passkey_brings_no_codes_and_nobody_registers_anothers() {
    let (mut world, _, mut passkey, _) = world();
    let session = sign_in(&mut world, &mut passkey, 9).secret.unwrap();
    let mut second = Authenticator::new(4);
    assert_eq!(register(&mut world, &session, &mut second)["recovery_codes"], json!(null));
    assert_eq!(sign_in(&mut world, &mut second, 1).status, 201);
    let options = call(&mut world, &session, "POST", "/v1/passkeys/options", &json!(null)).body;
    assert_eq!(options["public_key"]["excludeCredentials"].as_array().unwrap().len(), 2);
    assert_eq!(options["public_key"]["excludeCredentials"][0]["transports"], json!(["internal"]));
    let body = json!({ "challenge_id": options["challenge_id"], "name": "x", "credential": passkey.attest(&options) });
    assert_eq!(call(&mut world, &session, "POST", "/v1/passkeys", &body).code(), (409, "conflict"));
}

#[test]
fn a_lesser_token_registers_nothing() {
    let (mut world, token, mut passkey) = {
        let (world, token) = World::founded("symbolon");
        (world, token, Authenticator::new(3))
    };
    let every = json!({ "kind": "pat", "name": "ci", "scopes": ["read", "write", "verify", "manage"] });
    let (_, lesser) = world.create(&token, &json!({ "kind": "pat", "name": "ci", "scopes": ["read", "manage"] }));
    let (_, key) = world.create(&token, &json!({ "kind": "key", "name": "k", "scopes": ["read"] }));
    // It may do as much as the first token, but whoever is given it is not given the member's role for good.
    let (_, equal) = world.create(&token, &every);
    register(&mut world, &token, &mut passkey);
    // The first token has done what it was there for: it is no second way in, beside the passkey.
    for secret in [lesser, key, equal, token] {
        for (method, path) in [("POST", "/v1/passkeys/options"), ("GET", "/v1/passkeys"), ("GET", "/v1/sessions")] {
            let (status, problem) = world.http(&secret, method, path, &json!(null));
            assert_eq!((status, &problem["required"]), (403, &json!("session")), "{path}");
        }
    }
}

#[test]
fn a_token_that_may_do_all_gives_the_first_passkey_and_no_more() {
    let mut whole = 0;
    for profile in ["symbolon", "devguard", "devpilot", "harborguard", "semgrep"] {
        let (mut world, token) = World::founded(profile);
        let mut passkey = Authenticator::new(3);
        let added = register(&mut world, &token, &mut passkey);
        // Where the first token may less than its member, it has had its turn.
        if world.http(&token, "GET", "/v1/passkeys", &json!(null)).0 != 200 {
            continue;
        }
        whole += 1;
        let path = format!("/v1/passkeys/{}", added["passkey"]["id"].as_str().unwrap());
        for (method, path) in [
            ("POST", "/v1/passkeys/options"),
            ("POST", "/v1/passkeys"),
            ("DELETE", path.as_str()),
            ("POST", "/v1/passkeys/recovery-codes"),
            ("POST", "/v1/identities"),
        ] {
            let (status, refused) = world.http(&token, method, path, &json!({}));
            assert_eq!(
                (status, &refused["code"], &refused["required"]),
                (403, &json!("insufficient_permission"), &json!("session:fresh")),
                "{profile}: {method} {path}"
            );
        }
        let secret = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
        register(&mut world, &secret, &mut Authenticator::new(4));
    }
    assert!(whole > 0, "in no profile is there such a token");
}

#[test]
fn a_passkey_whose_handle_was_made_with_a_former_secret_signs_in() {
    let (mut world, _, mut passkey, _) = world();
    let mut bytes = Base64Url::decode_vec(&passkey.handle).unwrap();
    bytes.splice(6..6, *b"gone");
    passkey.handle = Base64Url::encode_string(&bytes);
    assert_eq!(sign_in(&mut world, &mut passkey, 1).status, 201);
    // The handle of another member or organisation is none of its.
    for (at, random) in [(0, 2), (20, 3)] {
        let mut other = bytes.clone();
        other[at] = if other[at] == b'Z' { b'Y' } else { b'Z' };
        passkey.handle = Base64Url::encode_string(&other);
        assert_eq!(sign_in(&mut world, &mut passkey, random).code(), (401, "unknown_token"));
    }
}

#[test]
fn a_sign_in_at_an_organisation_that_nobody_founded_writes_nothing() {
    let mut passkey = Authenticator::new(3);
    let mut world = World::empty();
    passkey.handle = Base64Url::encode_string(&[b'A'; 22]);
    assert_eq!(sign_in(&mut world, &mut passkey, 1).code(), (401, "unknown_token"));
    assert!(!crate::organization::schema::exists(world.store).unwrap());
    assert_eq!((world.alarm, world.timers.len()), (None, 0));
}

#[test]
fn an_assertion_works_once_and_for_five_minutes() {
    let (mut world, _, mut passkey, _) = world();
    let of = challenge(&world, 9);
    let body = json!({ "challenge_id": of, "credential": passkey.assert(&of) });
    assert_eq!(post(&mut world, "/v1/sessions", &body, None).status, 201);
    assert_eq!(post(&mut world, "/v1/sessions", &body, None).code(), (401, "replayed"));
    let again = json!({ "challenge_id": of, "credential": passkey.assert(&of) });
    assert_eq!(post(&mut world, "/v1/sessions", &again, None).code(), (401, "replayed"), "nor does its challenge");

    let old = challenge(&world, 10);
    let body = json!({ "challenge_id": old, "credential": passkey.assert(&old) });
    world.now = world.now.plus_seconds(300);
    assert_eq!(post(&mut world, "/v1/sessions", &body, None).code(), (401, "signature_stale"));
    let made_up = Base64Url::encode_string(&[1; 40]);
    let body = json!({ "challenge_id": made_up, "credential": passkey.assert(&made_up) });
    assert_eq!(post(&mut world, "/v1/sessions", &body, None).code(), (401, "signature_invalid"));
    // A challenge to register is none to sign in.
    let session = sign_in(&mut world, &mut passkey, 11).secret.unwrap();
    let options = call(&mut world, &session, "POST", "/v1/passkeys/options", &json!(null)).body;
    let other = options["challenge_id"].as_str().unwrap();
    let body = json!({ "challenge_id": other, "credential": passkey.assert(other) });
    assert_eq!(post(&mut world, "/v1/sessions", &body, None).code(), (401, "signature_invalid"));
}

#[test]
fn a_copy_of_a_passkey_is_noticed() {
    let (mut world, token, mut passkey, _) = world();
    assert_eq!(sign_in(&mut world, &mut passkey, 1).status, 201);
    passkey.count -= 1;
    assert_eq!(sign_in(&mut world, &mut passkey, 2).code(), (401, "signature_invalid"));
    let (action, details) = actions(&mut world, &token).remove(0);
    assert_eq!((action.as_str(), &details["reason"]), ("session.refuse", &json!("cloned")));
    passkey.count += 1;
    assert_eq!(sign_in(&mut world, &mut passkey, 3).status, 201, "the refused one was not kept");
}

#[test]
fn another_page_or_member_signs_nobody_in() {
    let (mut world, token, mut passkey, _) = world();
    passkey.origin = "https://evil.example";
    assert_eq!(sign_in(&mut world, &mut passkey, 1).code(), (401, "signature_invalid"));
    assert_eq!(actions(&mut world, &token)[0].1["reason"], "origin");
    passkey.origin = ORIGIN;
    passkey.rp_id = "evil.example";
    assert_eq!(sign_in(&mut world, &mut passkey, 2).code(), (401, "signature_invalid"));
    assert_eq!(actions(&mut world, &token)[0].1["reason"], "rp_id");
    passkey.rp_id = "tokens.example";
    let handle = core::mem::take(&mut passkey.handle);
    assert_eq!(sign_in(&mut world, &mut passkey, 3).code(), (401, "unknown_token"), "no handle");
    passkey.handle = handle;
    let mut stranger = Authenticator::new(5);
    stranger.handle.clone_from(&passkey.handle);
    let before = actions(&mut world, &token).len();
    assert_eq!(sign_in(&mut world, &mut stranger, 4).code(), (401, "unknown_token"));
    assert_eq!(actions(&mut world, &token).len(), before, "a passkey of nobody fills no log");
    assert_eq!(sign_in(&mut world, &mut passkey, 5).status, 201);
}

#[test]
fn sessions_end_with_their_member_by_hand_and_in_time() {
    let (mut world, token, mut passkey, _) = world();
    let (status, bob) = world.http(
        &token,
        "POST",
        "/v1/members",
        &json!({ "name": "Bob", "email": "bob@acme.example", "role": "owner" }),
    );
    assert_eq!(status, 201, "{bob}");
    let first = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let second = sign_in(&mut world, &mut passkey, 2).secret.unwrap();
    let list = call(&mut world, &second, "GET", "/v1/sessions", &json!(null)).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let other = list["items"].as_array().unwrap().iter().find(|item| item["current"] == json!(false)).unwrap();
    let path = format!("/v1/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(call(&mut world, &second, "DELETE", &path, &json!(null)).status, 200);
    assert!(record(&mut world, &first).is_none());
    assert_eq!(call(&mut world, &second, "DELETE", &path, &json!(null)).status, 404);
    let ended = call(&mut world, &second, "DELETE", "/v1/sessions/current", &json!(null));
    assert_eq!((ended.status, ended.secret.as_deref()), (200, Some("")), "the cookie is taken away");
    assert!(record(&mut world, &second).is_none());

    let third = sign_in(&mut world, &mut passkey, 3).secret.unwrap();
    let ann = call(&mut world, &third, "GET", "/v1/sessions/current", &json!(null)).body["member"]["id"].clone();
    let path = format!("/v1/members/{}", ann.as_str().unwrap());
    let id = record(&mut world, &third).unwrap().token;
    let suspended = call(&mut world, &third, "PATCH", &path, &json!({ "status": "suspended" }));
    assert_eq!(suspended.status, 200, "{}", suspended.body);
    assert!(record(&mut world, &third).is_none());
    let manage =
        Manage { token: id, signed: false, passphrase_hash: None, request: request("GET", "/v1/whoami", &json!(null)) };
    let late = world.begin(&OrganizationCall::Manage(manage));
    assert_eq!(world.response(late).0, 401, "nor a call that was under way");
    assert_eq!(sign_in(&mut world, &mut passkey, 4).code(), (401, "owner_suspended"));
}

#[test]
fn a_role_that_changes_bounds_a_session_at_once() {
    let (mut world, token, mut passkey, _) = world();
    world.http(&token, "POST", "/v1/members", &json!({ "name": "Bob", "email": "b@acme.example", "role": "owner" }));
    let secret = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let before = record(&mut world, &secret).unwrap();
    assert_eq!((before.state, before.role.as_deref()), (RecordState::Active, Some("owner")));
    let member = call(&mut world, &secret, "GET", "/v1/sessions/current", &json!(null)).body["member"]["id"].clone();
    let path = format!("/v1/members/{}", member.as_str().unwrap());
    let lowered = call(&mut world, &secret, "PATCH", &path, &json!({ "role": "viewer" }));
    assert_eq!(lowered.status, 200, "{}", lowered.body);
    assert_eq!(record(&mut world, &secret).unwrap().role.as_deref(), Some("viewer"));
    assert_eq!(call(&mut world, &secret, "GET", "/v1/activity", &json!(null)).code(), (403, "insufficient_permission"));
}

#[test]
fn a_session_ends_unused_and_at_its_end() {
    let (mut world, _, mut passkey, _) = world();
    let idle = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    world.now = world.now.plus_seconds(43_199);
    assert!(record(&mut world, &idle).is_some());
    world.now = world.now.plus_seconds(1);
    assert!(record(&mut world, &idle).is_none());
    let used = sign_in(&mut world, &mut passkey, 2).secret.unwrap();
    for _ in 0..16 {
        world.now = world.now.plus_seconds(36_000);
        assert_eq!(call(&mut world, &used, "GET", "/v1/kinds", &json!(null)).status, 200);
    }
    world.now = world.now.plus_seconds(604_800 - 16 * 36_000);
    assert!(record(&mut world, &used).is_none(), "a week after it began");
}

#[test]
fn destructive_steps_want_a_fresh_passkey_and_rotate_the_session() {
    let (mut world, token, mut passkey, _) = world();
    let (made, _) = world.create(&token, &json!({ "kind": "pat", "name": "a", "scopes": ["read"] }));
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    let secret = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    world.now = world.now.plus_seconds(300);
    for (method, path) in [
        ("DELETE", path.as_str()),
        ("PATCH", path.as_str()),
        ("POST", "/v1/passkeys/options"),
        // A token of one's own would need no passkey any more.
        ("POST", "/v1/tokens"),
        ("POST", "/v1/tokens/import"),
        ("POST", "/v1/onboarding"),
        ("POST", "/v1/members"),
        ("POST", "/v1/invitations"),
    ] {
        let refused = call(&mut world, &secret, method, path, &json!(null));
        assert_eq!(
            (refused.code(), &refused.body["required"]),
            ((403, "insufficient_permission"), &json!("session:fresh"))
        );
    }
    assert_eq!(call(&mut world, &secret, "GET", &path, &json!(null)).status, 200);
    let mut other = Authenticator::new(6);
    other.handle.clone_from(&passkey.handle);
    let of = challenge(&world, 2);
    let body = json!({ "challenge_id": of, "credential": other.assert(&of) });
    let refused = call(&mut world, &secret, "POST", "/v1/sessions/current/confirm", &body);
    assert_eq!(refused.code(), (401, "signature_invalid"));

    let of = challenge(&world, 3);
    let body = json!({ "challenge_id": of, "credential": passkey.assert(&of) });
    let confirmed = call(&mut world, &secret, "POST", "/v1/sessions/current/confirm", &body);
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let rotated = confirmed.secret.unwrap();
    assert_ne!(rotated, secret);
    assert!(record(&mut world, &secret).is_none(), "the former secret is worth nothing");
    assert_eq!(confirmed.body["csrf_token"], csrf_token(&Digest::of(&rotated)));
    assert_eq!(call(&mut world, &rotated, "DELETE", &path, &json!(null)).status, 200);
}

#[test]
fn signing_in_takes_the_place_of_what_was_there() {
    let (mut world, _, mut passkey, _) = world();
    let former = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let of = challenge(&world, 2);
    let body = json!({ "challenge_id": of, "credential": passkey.assert(&of) });
    let next = post(&mut world, "/v1/sessions", &body, Some(&former)).secret.unwrap();
    assert_ne!(next, former);
    assert!(record(&mut world, &former).is_none());
    assert!(record(&mut world, &next).is_some());
}

#[test]
fn a_recovery_code_works_once_and_lets_a_passkey_be_added() {
    let (mut world, token, _, added) = world();
    let code = &added["recovery_codes"][0];
    let recovered = recover(&mut world, code);
    assert_eq!((recovered.status, &recovered.body["fresh_until"]), (201, &json!(null)));
    let (action, details) = actions(&mut world, &token).remove(0);
    assert_eq!((action.as_str(), &details["recovery_codes_left"]), ("session.recover", &json!(9)));
    assert_eq!(recover(&mut world, code).code(), (401, "unknown_token"), "a second time");
    assert_eq!(actions(&mut world, &token)[0].0, "session.refuse");
    let secret = recovered.secret.unwrap();
    let options = call(&mut world, &secret, "POST", "/v1/passkeys/options", &json!(null));
    assert_eq!(options.status, 200);
    let mut next = Authenticator::new(8);
    let credential = next.attest(&options.body);
    let body = json!({ "challenge_id": options.body["challenge_id"], "name": "New", "credential": credential });
    assert_eq!(call(&mut world, &secret, "POST", "/v1/passkeys", &body).status, 201);
    assert_eq!(sign_in(&mut world, &mut next, 1).status, 201);
    let stale = call(&mut world, &secret, "POST", "/v1/passkeys/recovery-codes", &json!(null));
    assert_eq!(stale.body["required"], "session:fresh");
    let stored = world.store_text();
    for code in added["recovery_codes"].as_array().unwrap() {
        let bare = code.as_str().unwrap().replace('-', "");
        assert!(!stored.contains(&bare) && !stored.contains(code.as_str().unwrap()), "kept hashed");
    }
    assert!(!stored.contains(&secret));
}

#[test]
fn an_owner_whose_first_token_is_the_organisations_begins_with_codes() {
    for (profile, count) in [("devtron", 10), ("symbolon", 0), ("devguard", 0), ("harborguard", 0)] {
        let mut world = World::empty();
        let made = world.found(&found(profile)).unwrap();
        let codes = made["sign_in"]["recovery_codes"].as_array().cloned().unwrap_or_default();
        assert_eq!((codes.len(), made["token"]["owner"]["type"] == "organization"), (count, count > 0), "{profile}");
        let Some(code) = codes.first() else { continue };
        let again = world.found(&found(profile)).unwrap();
        assert_eq!(recover(&mut world, code).code(), (401, "unknown_token"), "asked again, there are others");
        let session = recover(&mut world, &again["sign_in"]["recovery_codes"][0]).secret.unwrap();
        let options = call(&mut world, &session, "POST", "/v1/passkeys/options", &json!(null));
        let credential = Authenticator::new(7).attest(&options.body);
        let body = json!({ "challenge_id": options.body["challenge_id"], "name": "First", "credential": credential });
        let added = call(&mut world, &session, "POST", "/v1/passkeys", &body);
        assert_eq!((added.status, added.body["recovery_codes"].as_array().unwrap().len()), (201, 10));
        let third = world.found(&found(profile)).unwrap();
        assert!(third["sign_in"].is_null(), "whoever has a passkey needs no such way");
    }
}

#[test]
fn guesses_at_recovery_codes_are_limited() {
    let (mut world, _, _, added) = world();
    let body = |code: &Json| json!({ "organization": "acme", "email": "ann@acme.example", "recovery_code": code });
    // Whoever knows a member's address keeps them out by it: nobody but themselves is held up.
    for _ in 0..6 {
        let mut request = request("POST", "/v1/sessions/recover", &body(&json!("00000-00000-00000-00000")));
        request.client.address = Some("203.0.113.66".to_owned());
        let call = SignIn { request, replaces: None };
        answered(&world.call(&OrganizationCall::SignIn(Box::new(call))));
    }
    assert_eq!(recover(&mut world, &added["recovery_codes"][1]).status, 201);
    for _ in 0..4 {
        assert_eq!(recover(&mut world, &json!("00000-00000-00000-00000")).code(), (401, "unknown_token"));
    }
    assert_eq!(recover(&mut world, &added["recovery_codes"][0]).code(), (429, "rate_limited"), "be it right");
    world.now = world.now.plus_seconds(900);
    assert_eq!(recover(&mut world, &added["recovery_codes"][0]).status, 201);
    let (mut world, ..) = self::world();
    let body = json!({ "organization": "acme", "email": "nobody@acme.example", "recovery_code": "x" });
    assert_eq!(post(&mut world, "/v1/sessions/recover", &body, None).code(), (401, "unknown_token"));
}

#[test]
fn a_removed_passkey_ends_what_it_began() {
    let (mut world, token, mut passkey, added) = world();
    let secret = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let other = sign_in(&mut world, &mut passkey, 9).secret.unwrap();
    let path = format!("/v1/passkeys/{}", added["passkey"]["id"].as_str().unwrap());
    assert_eq!(call(&mut world, &secret, "DELETE", &path, &json!(null)).status, 200);
    assert!(record(&mut world, &other).is_none());
    assert_eq!(sign_in(&mut world, &mut passkey, 2).code(), (401, "unknown_token"));
    assert_eq!(actions(&mut world, &token)[0].0, "passkey.remove");
}

#[test]
fn an_invitation_from_the_console_outlives_the_session() {
    let (mut world, _, mut passkey, _) = world();
    let secret = sign_in(&mut world, &mut passkey, 1).secret.unwrap();
    let invited =
        call(&mut world, &secret, "POST", "/v1/invitations", &json!({ "email": "eve@acme.example", "role": "viewer" }));
    assert_eq!(invited.status, 201, "{}", invited.body);
    call(&mut world, &secret, "DELETE", "/v1/sessions/current", &json!(null));
    let id = invited.body["invitation"]["id"].as_str().or(invited.body["id"].as_str()).unwrap().to_owned();
    let body = json!({ "secret": invited.body["secret"], "name": "Eve" });
    let request = request("POST", &format!("/v1/invitations/{id}/accept"), &body);
    let accept = world.begin(&OrganizationCall::AcceptInvitation { request });
    let (status, accepted) = world.response(accept);
    assert_eq!(status, 201, "{accepted}");
    let mut hers = Authenticator::new(9);
    let added = register(&mut world, accepted["secret"].as_str().unwrap(), &mut hers);
    assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(sign_in(&mut world, &mut hers, 2).body["member"]["role"], "viewer");
}
