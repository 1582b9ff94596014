//! Requests signed by another implementation, and what became of them on their way: `interop/dev_set.json`.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use symbolon::key::PublicKey;
use symbolon::problem::Code;
use symbolon::signature::{BodyDigests, Message, ReplayKey, Request, RustCrypto, SignatureError, Target, Verified};
use symbolon_tests::run;

use crate::wire::{Line, at, lenient, lines, presence, select};

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    expect: String,
    method: String,
    url: String,
    headers: Vec<Line>,
    body_b64: String,
    verify_at: i64,
    label: String,
    verify_key: String,
}

#[derive(Deserialize)]
struct Key {
    public_xy_hex: String,
}

fn keys() -> BTreeMap<String, PublicKey> {
    let mut keys = BTreeMap::new();
    run("interop/keys.json", |file: BTreeMap<String, Key>, tally| {
        for (name, key) in file {
            let public = PublicKey::from_hex(&key.public_xy_hex);
            tally.check(&name, public.is_ok(), true);
            keys.insert(name, public.unwrap());
        }
    });
    keys
}

fn verify(case: &Case, key: &PublicKey) -> Result<Verified, SignatureError> {
    let target = Target::parse(&case.url)?;
    let fields = lines(&case.headers);
    let message = Message::from(Request { method: &case.method, target: &target, fields: &fields });
    let body = Base64::decode_vec(&case.body_b64).unwrap();
    let candidate = select(&message, &case.label)?;
    let pending = candidate.check(&message, presence(&body), &lenient(), at(case.verify_at))?;
    let digests = pending.digest().map(|digest| BodyDigests::for_field(digest, &body)).unwrap_or_default();
    pending.verify(&RustCrypto, key, &digests)
}

/// What the four cases that are a matter of policy come to here, and why.
const POLICY: [(&str, Result<(), Code>); 4] = [
    // The window counts from `created` where there is no `expires`.
    ("old-created-no-expires", Err(Code::SignatureStale)),
    // Without `created` and `expires` nothing says for how long it is good.
    ("no-created", Err(Code::SignatureInvalid)),
    // RFC 9421, section 3.2: the parameters are serialised again.
    ("post-body~inner-list-spaces", Ok(())),
    // Mathematically the same signature, and the same to the replay memory.
    ("post-body~sig-malleable", Ok(())),
];

/// The cases whose refusal has another cause than a signature that does not match.
const CODES: [(&str, Code); 25] = [
    ("expired", Code::SignatureStale),
    ("future-created", Code::SignatureStale),
    ("post-body~body", Code::DigestMismatch),
    ("post-body~digest-alg-weak", Code::DigestMismatch),
    ("post-body~created-decimal", Code::MalformedCredential),
    ("post-body~created-string", Code::MalformedCredential),
    ("post-body~comp-dup", Code::MalformedCredential),
    ("post-body~comp-unknown", Code::MalformedCredential),
    ("post-body~comp-upper", Code::MalformedCredential),
    ("post-body~comp-unknown-param", Code::MalformedCredential),
    ("post-body~comp-status", Code::MalformedCredential),
    ("post-body~comp-req", Code::MalformedCredential),
    ("post-body~comp-sigparams", Code::MalformedCredential),
    ("post-body~label-input-only", Code::MalformedCredential),
    ("post-body~sig-short", Code::MalformedCredential),
    ("post-body~sig-long", Code::MalformedCredential),
    ("post-body~sig-der", Code::MalformedCredential),
    ("post-body~sig-empty", Code::MalformedCredential),
    ("post-body~sig-sf-string", Code::MalformedCredential),
    ("post-body~sig-bad-b64", Code::MalformedCredential),
    ("post-body~sig-b64url", Code::MalformedCredential),
    ("post-body~no-signature", Code::MalformedCredential),
    ("post-body~no-signature-input", Code::MalformedCredential),
    ("post-body~dup-label", Code::MalformedCredential),
    ("post-body~siginput-garbage", Code::MalformedCredential),
];

#[test]
fn requests_signed_by_another_implementation() {
    let keys = keys();
    run("interop/dev_set.json", |file: File, tally| {
        for case in file.cases {
            let name = case.id.rsplit('/').next().unwrap();
            let outcome = verify(&case, &keys[&case.verify_key]);
            let code = outcome.as_ref().map(|_| ()).map_err(SignatureError::code);
            let policy = POLICY.iter().find(|(id, _)| *id == name).map(|(_, expected)| *expected);
            let cause = CODES.iter().find(|(id, _)| *id == name).map(|(_, code)| *code);
            let expected = match case.expect.as_str() {
                "valid" => Ok(()),
                "policy" => policy.unwrap(),
                _ => Err(cause.unwrap_or(Code::SignatureInvalid)),
            };
            tally.check(&case.id, code, expected);
        }
    });
}

#[test]
fn both_forms_of_one_signature_are_one_to_the_replay_memory() {
    let keys = keys();
    run("interop/dev_set.json", |file: File, tally| {
        let found = |name: &str| {
            let mut case = file.cases.iter().find(|case| case.id.ends_with(name));
            let case = case.as_mut().unwrap();
            let fields = lines(&case.headers);
            let target = Target::parse(&case.url).unwrap();
            let message = Message::from(Request { method: &case.method, target: &target, fields: &fields });
            let candidate = select(&message, &case.label).unwrap();
            let body = Base64::decode_vec(&case.body_b64).unwrap();
            let pending = candidate.check(&message, presence(&body), &lenient(), at(case.verify_at)).unwrap();
            (pending.signature().to_bytes(), pending.signature().replay_key(), verify(case, &keys[&case.verify_key]))
        };
        let (one, twin) = (found("/post-body"), found("/post-body~sig-malleable"));
        tally.check("the bytes differ", one.0 == twin.0, false);
        tally.check("the names are one", one.1, twin.1);
        let replay = |verified: Result<Verified, SignatureError>| verified.unwrap().replay_key().clone();
        tally.check("the nonce comes first", replay(one.2), ReplayKey::Nonce("n-EzvrswzLstgR1KaP".to_owned()));
    });
}
