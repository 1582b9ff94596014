//! A software authenticator, and every way in which what it says can be wrong.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::key::PrivateKey;

const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODw";
const ORIGIN: &str = "https://tokens.example";
const RP_ID: &str = "tokens.example";
const UP: u8 = 1;
const UV: u8 = 4;
const BE: u8 = 8;
const BS: u8 = 16;
const AT: u8 = 64;
const ED: u8 = 128;

fn expected() -> Expected<'static> {
    Expected { challenge: CHALLENGE, origin: ORIGIN, rp_id: RP_ID }
}

fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32]).unwrap()
}

fn client_data(kind: &str) -> String {
    format!(r#"{{"type":"{kind}","challenge":"{CHALLENGE}","origin":"{ORIGIN}","crossOrigin":false,"other":1}}"#)
}

/// `{1: 2, 3: -7, -1: 1, -2: x, -3: y}`.
fn cose_key() -> Vec<u8> {
    let (x, y) = key().public_key().coordinates();
    [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &x, &[0x22, 0x58, 32], &y].concat()
}

fn data(rp_id: &str, flags: u8, count: u32, rest: &[u8]) -> Vec<u8> {
    [&Sha256::digest(rp_id)[..], &[flags], &count.to_be_bytes(), rest].concat()
}

fn credential(id: &[u8], key: &[u8]) -> Vec<u8> {
    [&[0; 16][..], &u16::try_from(id.len()).unwrap().to_be_bytes(), id, key].concat()
}

fn object(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let text = |text: &str| [&[0x60 + text.len() as u8][..], text.as_bytes()].concat();
    [&[0xa3][..], &text("fmt"), &text(format), &text("attStmt"), statement, &text("authData"), &[0x59], &length, data]
        .concat()
}

fn good_data() -> Vec<u8> {
    data(RP_ID, UP | UV | AT | BE | BS, 3, &credential(b"an id", &cose_key()))
}

fn register_with(client: &str, object: &[u8]) -> Result<Registered, WebAuthnError> {
    register(&expected(), client.as_bytes(), object)
}

fn register_data(data: &[u8]) -> Result<Registered, WebAuthnError> {
    register_with(&client_data("webauthn.create"), &object("none", &[0xa0], data))
}

fn sign(data: &[u8], client: &str) -> Vec<u8> {
    let message = [data, &Sha256::digest(client)].concat();
    let raw = key().sign(&message).to_bytes();
    // DER by hand: two positive numbers.
    let number = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let pad: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        [&[2, (bytes.len() + pad.len()) as u8], pad, &bytes].concat()
    };
    let both = [number(&raw[..32]), number(&raw[32..])].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

struct SignIn {
    expected: Expected<'static>,
    client: String,
    data: Vec<u8>,
    kept: (u32, bool),
    signature: Option<Vec<u8>>,
}

fn sign_in() -> SignIn {
    SignIn {
        expected: expected(),
        client: client_data("webauthn.get"),
        data: data(RP_ID, UP | UV, 4, &[]),
        kept: (3, false),
        signature: None,
    }
}

fn check(sign_in: &SignIn) -> Result<Authenticated, WebAuthnError> {
    let signature = sign_in.signature.clone().unwrap_or_else(|| sign(&sign_in.data, &sign_in.client));
    let public_key = key().public_key();
    let kept = Kept { public_key: &public_key, sign_count: sign_in.kept.0, backup_eligible: sign_in.kept.1 };
    authenticate(&sign_in.expected, &kept, sign_in.client.as_bytes(), &sign_in.data, &signature)
}

#[test]
fn a_passkey_is_registered() {
    let registered = register_data(&good_data()).unwrap();
    assert_eq!(registered.credential_id, b"an id");
    assert_eq!(registered.public_key, key().public_key());
    assert_eq!((registered.sign_count, registered.backup_eligible, registered.backed_up), (3, true, true));
    let extended =
        data(RP_ID, UP | UV | AT | ED, 0, &[&credential(b"x", &cose_key())[..], &[0xa1, 0x61, b'a', 1]].concat());
    assert_eq!(register_data(&extended).unwrap().sign_count, 0);
}

#[test]
fn the_clients_data_must_be_of_this_page_and_ceremony() {
    let good = object("none", &[0xa0], &good_data());
    let changed = |from: &str, to: &str| client_data("webauthn.create").replace(from, to);
    for (client, error) in [
        (client_data("webauthn.get"), WebAuthnError::Type),
        (changed(CHALLENGE, "AAECAwQFBgcICQoLDA0ODg"), WebAuthnError::Challenge),
        (changed(ORIGIN, "https://evil.example"), WebAuthnError::Origin),
        (changed(ORIGIN, "http://tokens.example"), WebAuthnError::Origin),
        (changed(ORIGIN, "https://tokens.example:8443"), WebAuthnError::Origin),
        (changed(ORIGIN, "https://tokens.example/"), WebAuthnError::Origin),
        (changed("false", "true"), WebAuthnError::CrossOrigin),
        (changed("\"other\":1", "\"topOrigin\":\"https://evil.example\""), WebAuthnError::CrossOrigin),
        (changed("\"other\":1", "\"origin\":\"https://tokens.example\""), WebAuthnError::ClientData),
        (changed("\"origin\"", "\"0rigin\""), WebAuthnError::ClientData),
        (format!("[{}]", client_data("webauthn.create")), WebAuthnError::ClientData),
        (changed("1}", &format!("{}1}}", " ".repeat(MAX_CLIENT_DATA_LEN))), WebAuthnError::ClientData),
        (String::new(), WebAuthnError::ClientData),
    ] {
        assert_eq!(register_with(&client, &good), Err(error), "{client:.200}");
    }
}

#[test]
fn the_authenticator_must_say_the_right_things() {
    let rest = credential(b"an id", &cose_key());
    for (bytes, error) in [
        (data("evil.example", UP | UV | AT, 0, &rest), WebAuthnError::RpId),
        (data(RP_ID, UV | AT, 0, &rest), WebAuthnError::UserAbsent),
        (data(RP_ID, UP | AT, 0, &rest), WebAuthnError::UserNotVerified),
        (data(RP_ID, UP | UV | AT | BS, 0, &rest), WebAuthnError::BackupFlags),
        (data(RP_ID, UP | UV, 0, &[]), WebAuthnError::NoCredential),
        (data(RP_ID, UP | UV, 0, &rest), WebAuthnError::AuthenticatorData),
        (data(RP_ID, UP | UV | AT, 0, &[&rest[..], &[0]].concat()), WebAuthnError::AuthenticatorData),
        (data(RP_ID, UP | UV | AT | ED, 0, &rest), WebAuthnError::AuthenticatorData),
        (data(RP_ID, UP | UV | AT, 0, &credential(b"", &cose_key())), WebAuthnError::AuthenticatorData),
        (data(RP_ID, UP | UV | AT, 0, &credential(&[1; 1024], &cose_key())), WebAuthnError::AuthenticatorData),
    ] {
        assert_eq!(register_data(&bytes), Err(error));
    }
    for length in 0..good_data().len() {
        assert!(register_data(&good_data()[..length]).is_err(), "{length}");
    }
}

#[test]
fn the_key_must_be_one_for_es256() {
    let of = |key: &[u8]| register_data(&data(RP_ID, UP | UV | AT, 0, &credential(b"x", key)));
    let changed = |at: usize, to: u8| {
        let mut key = cose_key();
        key[at] = to;
        key
    };
    assert_eq!(of(&changed(2, 3)), Err(WebAuthnError::Key), "RSA");
    assert_eq!(of(&changed(4, 0x27)), Err(WebAuthnError::Key), "EdDSA");
    assert_eq!(of(&changed(6, 2)), Err(WebAuthnError::Key), "P-384");
    assert_eq!(of(&changed(1, 3)), Err(WebAuthnError::Key), "a member twice");
    assert_eq!(of(&changed(40, cose_key()[40] ^ 1)), Err(WebAuthnError::Key), "not on the curve");
    let mut indefinite = cose_key();
    indefinite[0] = 0xbf;
    indefinite.push(0xff);
    assert_eq!(of(&indefinite), Err(WebAuthnError::AuthenticatorData));
}

#[test]
fn no_attestation_is_taken() {
    let client = client_data("webauthn.create");
    for (bytes, error) in [
        (object("packed", &[0xa0], &good_data()), WebAuthnError::Attestation),
        (object("none", &[0xa1, 0x61, b'a', 1], &good_data()), WebAuthnError::Attestation),
        (object("none", &[0x80], &good_data()), WebAuthnError::AttestationObject),
        ([&object("none", &[0xa0], &good_data())[..], &[0]].concat(), WebAuthnError::AttestationObject),
        (Vec::new(), WebAuthnError::AttestationObject),
        (vec![0xa3; MAX_AUTHENTICATOR_DATA_LEN + 1], WebAuthnError::AttestationObject),
        // Nested without end: it is refused, not followed.
        (vec![0x81; MAX_AUTHENTICATOR_DATA_LEN], WebAuthnError::AttestationObject),
    ] {
        assert_eq!(register_with(&client, &bytes), Err(error));
    }
}

#[test]
fn a_sign_in_is_checked_against_the_passkey() {
    assert_eq!(check(&sign_in()), Ok(Authenticated { sign_count: 4, backed_up: false }));
    let without_counter = SignIn { data: data(RP_ID, UP | UV, 0, &[]), kept: (0, false), ..sign_in() };
    assert_eq!(check(&without_counter), Ok(Authenticated { sign_count: 0, backed_up: false }));
    let synced = SignIn { data: data(RP_ID, UP | UV | BE | BS, 0, &[]), kept: (0, true), ..sign_in() };
    assert_eq!(check(&synced), Ok(Authenticated { sign_count: 0, backed_up: true }));

    let mut other = sign(&sign_in().data, &sign_in().client);
    let last = other.len() - 1;
    other[last] ^= 1;
    let evil = Expected { origin: "https://evil.example", ..expected() };
    for (wrong, error) in [
        (SignIn { client: client_data("webauthn.create"), ..sign_in() }, WebAuthnError::Type),
        (SignIn { expected: evil, ..sign_in() }, WebAuthnError::Origin),
        (SignIn { expected: Expected { challenge: "x", ..expected() }, ..sign_in() }, WebAuthnError::Challenge),
        (SignIn { data: data("evil.example", UP | UV, 4, &[]), ..sign_in() }, WebAuthnError::RpId),
        (SignIn { data: data(RP_ID, UV, 4, &[]), ..sign_in() }, WebAuthnError::UserAbsent),
        (SignIn { data: data(RP_ID, UP, 4, &[]), ..sign_in() }, WebAuthnError::UserNotVerified),
        (SignIn { kept: (3, true), ..sign_in() }, WebAuthnError::BackupEligibilityChanged),
        (SignIn { signature: Some(other), ..sign_in() }, WebAuthnError::Signature),
        (SignIn { signature: Some(Vec::new()), ..sign_in() }, WebAuthnError::Signature),
        (SignIn { signature: Some(vec![0x30; 200]), ..sign_in() }, WebAuthnError::Signature),
        (
            SignIn { signature: Some(sign(&sign_in().data, &client_data("webauthn.create"))), ..sign_in() },
            WebAuthnError::Signature,
        ),
    ] {
        assert_eq!(check(&wrong), Err(error));
    }
}

#[test]
fn a_counter_that_does_not_grow_is_a_copy() {
    for (kept, shown) in [(4, 4), (5, 4), (1, 0), (u32::MAX, 0)] {
        let cloned = SignIn { data: data(RP_ID, UP | UV, shown, &[]), kept: (kept, false), ..sign_in() };
        assert_eq!(check(&cloned), Err(WebAuthnError::Cloned { kept, shown }));
    }
    // A forged assertion says nothing about the passkey.
    let forged = SignIn { data: data(RP_ID, UP | UV, 0, &[]), signature: Some(vec![0x30; 8]), ..sign_in() };
    assert_eq!(check(&forged), Err(WebAuthnError::Signature));
}
