//! What is exported, called where it runs: in Node and in a browser (`cargo xtask test wasm`).
//!
//! The package's own tests go through its TypeScript; these hold the border itself, in a build with debug assertions and
//! checks of overflow. The private halves of WebCrypto's keys come in as JWK, as the package hands them over.

use js_sys::{Array, Error, JSON, Object, Promise, Reflect, Uint8Array};
use symbolon::key::PrivateKey;
use wasm_bindgen::prelude::{JsCast as _, JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{BodyDigest, SecretKey, Verification, prepare, sha256, verify};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = generateKey)]
    fn generate_key(algorithm: &JsValue, extractable: bool, usages: &Array) -> Promise;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(format: &str, key: &JsValue, algorithm: &JsValue, extractable: bool, usages: &Array) -> Promise;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = exportKey)]
    fn export_key(format: &str, key: &JsValue) -> Promise;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = sign)]
    fn web_sign(algorithm: &JsValue, key: &JsValue, message: &Uint8Array) -> Promise;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = verify)]
    fn web_verify(algorithm: &JsValue, key: &JsValue, signature: &Uint8Array, message: &Uint8Array) -> Promise;
}

const MESSAGE: &[u8] = b"a message";
const URL: &str = "https://api.example/a?b=c";
/// 2026-01-01T00:00:00Z, in seconds.
const NOW: i64 = 1_767_225_600;

async fn done(promise: Promise) -> JsValue {
    JsFuture::from(promise).await.unwrap()
}

fn curve() -> JsValue {
    JSON::parse(r#"{"name":"ECDSA","namedCurve":"P-256","hash":"SHA-256"}"#).unwrap()
}

fn usages(names: &[&str]) -> Array {
    names.iter().map(|name| JsValue::from_str(name)).collect()
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn code<T>(result: Result<T, Error>) -> String {
    result.err().map(|error| String::from(error.name())).unwrap_or_default()
}

#[test]
fn keys_are_made_read_and_written() {
    let keys: Vec<SecretKey> = (0..16).map(|_| SecretKey::generate().unwrap()).collect();
    let mut scalars: Vec<Vec<u8>> = keys.iter().map(SecretKey::bytes).collect();
    for (key, scalar) in keys.iter().zip(&scalars) {
        assert_eq!(scalar.len(), PrivateKey::LEN);
        assert_eq!((key.public().len(), key.public()[0]), (65, 4));
        let again = SecretKey::from_bytes(scalar).unwrap();
        assert_eq!((again.bytes(), again.public()), (scalar.clone(), key.public()));
        assert!(verify(&key.public(), MESSAGE, &key.sign(MESSAGE)));
    }
    scalars.sort();
    scalars.dedup();
    assert_eq!(scalars.len(), keys.len(), "each is another");
}

#[test]
fn what_is_no_key_is_an_error_with_a_code() {
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for bytes in [&[0; 32][..], &order, &[255; 32], &[1; 31], &[1; 33], &[]] {
        assert_eq!(code(SecretKey::from_bytes(bytes)), "invalid_request");
    }
    let key = SecretKey::generate().unwrap();
    let signature = key.sign(MESSAGE);
    let mut off_curve = key.public();
    off_curve[64] ^= 1;
    for public in [&[][..], &[4; 65], &off_curve, &key.public()[..64]] {
        assert!(!verify(public, MESSAGE, &signature));
    }
    for signature in [&[][..], &[0; 64], &[255; 64], &signature[..63]] {
        assert!(!verify(&key.public(), MESSAGE, signature));
    }
    assert!(!verify(&key.public(), b"another", &signature));
}

/// RFC 6979, appendix A.2.5: the key, `sample` and SHA-256.
#[test]
fn the_nonce_is_that_of_rfc_6979() {
    let key = SecretKey::from_bytes(&hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")).unwrap();
    let expected = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                    f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    assert_eq!(key.sign(b"sample"), hex(expected));
}

#[test]
async fn keys_of_webcrypto_and_of_webassembly_are_interchangeable() {
    let ours = SecretKey::generate().unwrap();
    let public = Uint8Array::from(ours.public().as_slice());
    let theirs = done(import_key("raw", &public, &curve(), true, &usages(&["verify"]))).await;
    let message = Uint8Array::from(MESSAGE);
    let signature = Uint8Array::from(ours.sign(MESSAGE).as_slice());
    assert!(done(web_verify(&curve(), &theirs, &signature, &message)).await.is_truthy());
    let other = Uint8Array::from(b"another message".as_slice());
    assert!(!done(web_verify(&curve(), &theirs, &signature, &other)).await.is_truthy());

    let pair = done(generate_key(&curve(), true, &usages(&["sign", "verify"]))).await;
    let public = Uint8Array::new(&done(export_key("raw", &get(&pair, "publicKey"))).await).to_vec();
    let signature = Uint8Array::new(&done(web_sign(&curve(), &get(&pair, "privateKey"), &message)).await).to_vec();
    assert!(verify(&public, MESSAGE, &signature));
    let jwk: Object = done(export_key("jwk", &get(&pair, "privateKey"))).await.unchecked_into();
    let key = PrivateKey::from_jwk(&String::from(JSON::stringify(&jwk).unwrap())).unwrap();
    let key = SecretKey::from_bytes(key.to_bytes().as_slice()).unwrap();
    assert_eq!(key.public(), public);
    assert!(verify(&public, b"signed here", &key.sign(b"signed here")));
}

#[test]
fn a_digest_is_the_same_in_pieces() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut running = BodyDigest::new();
    for piece in bytes.chunks(777) {
        running.update(piece);
    }
    assert_eq!(running.finish(), sha256(&bytes));
    // FIPS 180-4's example.
    assert_eq!(sha256(b"abc"), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_eq!(BodyDigest::new().finish(), sha256(b""));
}

/// A request with content, signed; and its fields.
fn signed(key: &SecretKey, content: &[u8]) -> String {
    use base64ct::{Base64, Encoding as _};
    let fields = format!("content-digest:sha-256=:{}:\n", Base64::encode_string(&sha256(content)));
    let components = "@method\n@authority\n@path\n@query\ncontent-digest";
    let parameters = format!("created={NOW}\nexpires={}\nnonce=n\nkeyid=k\ntag=symbolon", NOW + 60);
    let prepared = prepare("POST", URL, &fields, "sig", components, &parameters).unwrap();
    let (input, base) = prepared.split_once('\n').unwrap();
    let signature = Base64::encode_string(&key.sign(base.as_bytes()));
    format!("{fields}signature-input:{input}\nsignature:sig=:{signature}:\n")
}

const RULES: &str = "always=@method\nalways=@authority\nalways=@path\nalways=@query\nwith_body=content-digest\n\
                     required=nonce\nrequired=created\nmax_age=60\nmax_lifetime=300\nmax_ahead=5\n";

fn verification() -> Verification {
    Verification::new(RULES, None, Some("symbolon".to_owned())).unwrap()
}

/// Verifies as the package does: the core judges, and somebody else checks the signature and hashes the content.
fn verified(key: &SecretKey, url: &str, fields: &str, content: &[u8], at: i64) -> Result<String, Error> {
    let mut received = verification();
    received.receive("POST".to_owned(), url, fields.to_owned(), Some("symbolon".to_owned()), None)?;
    assert_eq!(received.key_id().as_deref(), Some("k"));
    let bytes = received.check(true, at * 1000)?;
    let (signature, base) = bytes.split_at(64);
    assert!(received.needs_sha256() && !received.needs_sha512());
    received.finish(verify(&key.public(), base, signature), Some(sha256(content)), None)
}

#[test]
fn a_request_is_signed_and_verified_step_by_step() {
    let key = SecretKey::generate().unwrap();
    let fields = signed(&key, b"{}");
    let facts = verified(&key, URL, &fields, b"{}", NOW).unwrap();
    for fact in ["keyid=k\n", "tag=symbolon\n", "replay=nonce:n\n", "covers=\"@query\"\n", "body=covered\n"] {
        assert!(facts.contains(fact), "{fact} in {facts}");
    }
    for (url, content, at, expected) in [
        (URL, &b"[]"[..], NOW, "digest_mismatch"),
        ("https://api.example/a?b=d", b"{}", NOW, "signature_invalid"),
        ("https://api.example/a/../a?b=c", b"{}", NOW, "malformed_credential"),
        (URL, b"{}", NOW + 61, "signature_stale"),
        (URL, b"{}", NOW - 6, "signature_stale"),
    ] {
        assert_eq!(code(verified(&key, url, &fields, content, at)), expected, "{url} {at}");
    }
    let other = SecretKey::generate().unwrap();
    assert_eq!(code(verified(&other, URL, &fields, b"{}", NOW)), "signature_invalid");
}

#[test]
fn steps_in_another_order_are_an_error_and_no_trap() {
    let key = SecretKey::generate().unwrap();
    let mut received = verification();
    assert_eq!(code(received.check(true, NOW * 1000)), "internal");
    received.receive("POST".to_owned(), URL, signed(&key, b""), None, None).unwrap();
    assert_eq!(code(received.finish(true, None, None)), "internal");
    received.check(true, NOW * 1000).unwrap();
    assert_eq!(code(received.check(true, NOW * 1000)), "internal");
    // What is no digest was never computed: our own fault, and never a yes.
    assert_eq!(code(received.finish(true, Some(vec![1, 2]), None)), "internal");
    for (fields, expected) in
        [("", "missing_credential"), ("signature-input:(\nsignature:sig=:AA==:\n", "malformed_credential")]
    {
        assert_eq!(code(verification().receive("GET".to_owned(), URL, fields.to_owned(), None, None)), expected);
    }
    for (rules, expected) in [
        ("always", "invalid_request"),
        ("never=@method", "invalid_request"),
        ("required=luck", "invalid_request"),
        ("max_age=-1", "invalid_request"),
        ("max_ahead=4294967296", "invalid_request"),
        ("always=@nothing", "malformed_credential"),
    ] {
        assert_eq!(code(Verification::new(rules, None, None)), expected, "{rules}");
    }
    assert_eq!(code(prepare("GET", URL, "", "sig", "x-absent", "created=1")), "signature_invalid");
    assert_eq!(code(prepare("GET", URL, "", "sig", "@method", "created=soon")), "invalid_request");
    assert_eq!(code(prepare("GET", "nonsense", "", "sig", "@method", "created=1")), "malformed_credential");
}
