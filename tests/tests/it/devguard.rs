//! DevGuard's requests, byte for byte: the vectors D2 and D3, and its rules as a policy.

use symbolon::key::PrivateKey;
use symbolon::problem::Code;
use symbolon::signature::{
    BodyDigests, Labels, Message, Parameter, Policy, ReplayKey, Request, Requirement, Selection, SignSpec,
    SignatureError, Target, Verified, Window, verify,
};

use crate::wire::at;

const PRIVATE: &str = "32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995";
const CREATED: i64 = 1_700_000_000;
const HELLO: &[u8] = br#"{"hello":"world"}"#;
const INPUT: &str = r#"sig77=("@method" "content-digest");created=1700000000;alg="ecdsa-p256-sha256""#;

/// D2 and D3: method, content, digest, signature.
const VECTORS: [(&str, &[u8], &str, &str); 2] = [
    (
        "POST",
        HELLO,
        "sha-256=:k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=:",
        "rR0wOVdWbF8Ks74RGF5F4RK+XCw8Tfo/o3m6ByDHvCivvFv96cu3G5Q6YuFh+i+KdS8JKmR63nLGKc4nRN0/Kw==",
    ),
    (
        "GET",
        b"",
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
        "kqTyvWIqT/VROIT6cVYGvZolKuVXHQagsKIbmhsvjciqYmSpQ5/ffC6+iFJjf6pZ3AQ/ejIUIF/L2ZH/IomD6A==",
    ),
];

fn policy() -> Policy {
    Policy {
        always: vec!["@method".parse().unwrap(), "content-digest".parse().unwrap()],
        with_body: Vec::new(),
        with_body_if_sent: Vec::new(),
        labels: Labels::OneOf(vec!["sig77".to_owned()]),
        tag: None,
        nonce: Requirement::Optional,
        key_id: Requirement::Optional,
        window: Window {
            max_age_seconds: 10,
            max_lifetime_seconds: 10,
            max_ahead_seconds: 2,
            created: Requirement::Required,
            expires: Requirement::Optional,
        },
    }
}

struct Sent<'a> {
    method: &'a str,
    digest: &'a str,
    input: &'a str,
    signature: &'a str,
    body: &'a [u8],
    millis: i64,
}

fn verified(sent: &Sent<'_>) -> Result<Verified, SignatureError> {
    let target = Target::parse("https://devguard.example/api/v1/scan/").unwrap();
    let fields = [
        ("X-Fingerprint", b"16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380".as_slice()),
        ("Content-Digest", sent.digest.as_bytes()),
        ("Signature-Input", sent.input.as_bytes()),
        ("Signature", sent.signature.as_bytes()),
    ];
    let message = Message::from(Request { method: sent.method, target: &target, fields: &fields });
    let selection = Selection { tag: None, label: Some("sig77") };
    let key = PrivateKey::from_hex(PRIVATE).unwrap().public_key();
    let now = at(0).plus_millis(sent.millis);
    verify(&message, Some(sent.body), &selection, &policy(), now, |_| Some(key))
}

fn check(change: impl FnOnce(&mut Sent<'_>), expected: Result<(), Code>) {
    let (method, body, digest, signature) = VECTORS[0];
    let signature = format!("sig77=:{signature}:");
    let mut sent = Sent { method, digest, input: INPUT, signature: &signature, body, millis: CREATED * 1000 };
    change(&mut sent);
    assert_eq!(verified(&sent).map(|_| ()).map_err(|error| error.code()), expected);
}

#[test]
fn d2_and_d3_are_signed_byte_for_byte() {
    let key = PrivateKey::from_hex(PRIVATE).unwrap();
    for (method, body, digest, signature) in VECTORS {
        assert_eq!(BodyDigests::sha256(body).to_field(), digest);
        let target = Target::parse("https://devguard.example/anything").unwrap();
        let fields = [("Content-Digest", digest.as_bytes())];
        let message = Message::from(Request { method, target: &target, fields: &fields });
        let spec = SignSpec {
            label: "sig77".to_owned(),
            components: policy().always,
            parameters: vec![Parameter::Created(CREATED), Parameter::Alg("ecdsa-p256-sha256".to_owned())],
        };
        let headers = spec.sign(&message, &key).unwrap();
        assert_eq!(headers.signature_input, INPUT);
        assert_eq!(headers.signature, format!("sig77=:{signature}:"));
    }
}

#[test]
fn d2_and_d3_verify() {
    for (method, body, digest, signature) in VECTORS {
        let signature = format!("sig77=:{signature}:");
        let sent = Sent { method, digest, input: INPUT, signature: &signature, body, millis: CREATED * 1000 };
        let verified = verified(&sent).unwrap();
        assert_eq!(verified.replayable_until(), at(CREATED + 10));
        assert!(matches!(verified.replay_key(), ReplayKey::Signature(_)));
        assert!(verified.content_digest().is_some());
    }
}

#[test]
fn the_window_is_two_seconds_ahead_and_ten_behind() {
    for (millis, expected) in
        [(-2_001, Err(Code::SignatureStale)), (-2_000, Ok(())), (10_000, Ok(())), (10_001, Err(Code::SignatureStale))]
    {
        check(|sent| sent.millis += millis, expected);
    }
}

#[test]
fn what_was_not_signed_is_refused() {
    check(|_| {}, Ok(()));
    check(|sent| sent.method = "PUT", Err(Code::SignatureInvalid));
    check(|sent| sent.body = b"{}", Err(Code::DigestMismatch));
    check(|sent| sent.digest = VECTORS[1].2, Err(Code::SignatureInvalid));
    check(|sent| sent.input = r#"sig77=("@method");created=1700000000"#, Err(Code::SignatureInvalid));
    check(|sent| sent.input = r#"sig77=("@method" "content-digest")"#, Err(Code::SignatureInvalid));
    let twice = r#"sig77=("@method" "@method" "content-digest");created=1700000000;alg="ecdsa-p256-sha256""#;
    check(|sent| sent.input = twice, Err(Code::MalformedCredential));
    let renamed = INPUT.replace("sig77", "sig78");
    let signature = format!("sig78=:{}:", VECTORS[0].3);
    check(
        |sent| {
            sent.input = Box::leak(renamed.into_boxed_str());
            sent.signature = Box::leak(signature.into_boxed_str());
        },
        Err(Code::SignatureInvalid),
    );
}
