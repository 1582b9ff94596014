//! Every form is read back, and nothing that only looks like one.

use p256::pkcs8::der::pem::{LineEnding, encode_string};

use super::*;

/// A key as DevGuard writes it: private, public, fingerprint.
struct Known {
    private: &'static str,
    public: &'static str,
    fingerprint: &'static str,
}

const D1: Known = Known {
    private: "1b210d1412d412bc6d0ce767bd2795353377f568ac3cbad1850797cd36180449",
    public: "c600494b2ba7254dbfc160ea9f36dbe8b111e7170592f95dba2c2f6ca64caf4a\
             a4e5e6f9b6d82e7b1376fad7c418831689182832f7e25f15fa2a2b6dcb5159eb",
    fingerprint: "a888cdf9fba93f6e2d1b3aa799204eb22f820b2e58519d5573062590895fd184",
};
const D2: Known = Known {
    private: "32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995",
    public: "b6739b6208dd8914008c35242fc947de5a9fda875a41ad5244771df0e7173516\
             e2203d68f454cad8f076e1df22919573d0f42de66c1c79b60628f3459df25ac3",
    fingerprint: "16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380",
};
const D4: Known = Known {
    private: "000000000000000000000000000000000000000000000000000000000000002b",
    public: "986ae2506f1ff104d04230861d8f4b498f4bc4c6d009b30f7544dc129b82d28d\
             003cccc0a6460e0ae328a4d97d3c7b61d86fc6289c189f2525110c441bb07e97",
    fingerprint: "137d5bb167b6f6212db793a533f6665aaecd3ec287b6ca0e3b22ba38d860be51",
};
const D4_STRIPPED: &str = "a6ffd55ca252f6528fba63e567e15159697b273af0cb57fe52382b3cdac3aac0";

/// The order of the group, and the prime of its field (SP 800-186, section 3.2.1.3).
const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

fn hex(text: &str) -> Vec<u8> {
    base16ct::mixed::decode_vec(text).unwrap()
}

fn d1() -> PrivateKey {
    PrivateKey::from_hex(D1.private).unwrap()
}

fn read<T>(key: Result<PrivateKey, T>) -> Result<String, T> {
    key.map(|key| key.to_hex().to_string())
}

fn length<T>(expected: usize, actual: usize) -> Result<T, KeyError> {
    Err(KeyError::WrongLength { expected, actual })
}

#[test]
fn devguard_keys_and_their_fingerprints() {
    for Known { private, public, fingerprint } in [D1, D2, D4] {
        let key = PrivateKey::from_hex(private).unwrap().public_key();
        assert_eq!(key.to_hex(), public);
        assert_eq!(key.fingerprint().to_string(), fingerprint);
        assert_eq!(PublicKey::from_hex(&public.to_uppercase()), Ok(key));
    }
}

#[test]
fn a_key_with_leading_zeros_has_two_names_in_devguard() {
    let key = PrivateKey::from_stripped_hex("2b").unwrap().public_key();
    assert_eq!(key.to_hex(), D4.public);
    assert_eq!(key.stripped_fingerprint().map(|name| name.to_string()).as_deref(), Some(D4_STRIPPED));
    assert_eq!(PublicKey::from_stripped_hex(&D4.public.replace("8d003c", "8d3c")), Ok(key));
    assert_eq!(PublicKey::from_stripped_hex(D4.public), Ok(key));
    assert_eq!(d1().public_key().stripped_fingerprint(), None);
}

#[test]
fn devguard_requests_are_signed_as_its_own_client_does() {
    let key = PrivateKey::from_hex(D2.private).unwrap();
    for (method, digest, r, s) in [
        (
            "POST",
            "k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=",
            "ad1d303957566c5f0ab3be11185e45e112be5c2c3c4dfa3fa379ba0720c7bc28",
            "afbc5bfde9cbb71b943a62e161fa2f8a752f092a647ade72c629ce2744dd3f2b",
        ),
        (
            "GET",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "92a4f2bd622a4ff5513884fa715606bd9a252ae5571d06a0b0a21b9a1b2f8dc8",
            "aa6264a9439fdf7c2ebe8852637faa59dc043f7a3214205fcbd991ff228983e8",
        ),
    ] {
        let base = format!(
            "\"@method\": {method}\n\"content-digest\": sha-256=:{digest}:\n\
             \"@signature-params\": (\"@method\" \"content-digest\");created=1700000000;alg=\"ecdsa-p256-sha256\""
        );
        let signature = key.sign(base.as_bytes());
        assert_eq!(signature.to_bytes().as_slice(), hex(&format!("{r}{s}")));
        assert!(key.public_key().verify(base.as_bytes(), &signature));
        assert!(!key.public_key().verify(base.replace('7', "8").as_bytes(), &signature));
        assert!(!d1().public_key().verify(base.as_bytes(), &signature));
    }
}

/// RFC 6979, appendix A.2.5.
#[test]
fn the_nonce_is_that_of_rfc_6979() {
    let key = PrivateKey::from_hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
    for (message, signature) in [
        (
            "sample",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
             f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ),
        (
            "test",
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
             019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        ),
    ] {
        assert_eq!(key.sign(message.as_bytes()).to_bytes().as_slice(), hex(signature));
    }
}

#[test]
fn a_scalar_is_in_range() {
    for text in [&"0".repeat(64), N, &"f".repeat(64)] {
        let bytes: [u8; 32] = hex(text).try_into().unwrap();
        assert_eq!(read(PrivateKey::from_hex(text)), Err(KeyError::ScalarOutOfRange), "{text}");
        assert_eq!(read(PrivateKey::from_stripped_hex(text)), Err(KeyError::ScalarOutOfRange), "{text}");
        assert_eq!(read(PrivateKey::from_random(&bytes)), Err(KeyError::ScalarOutOfRange), "{text}");
        assert_eq!(read(PrivateKey::from_pkcs8_pem(&pkcs8(&bytes, None, None))), Err(KeyError::ScalarOutOfRange));
    }
    for text in [N.replace("2551", "2550"), format!("{}1", "0".repeat(63))] {
        let bytes: [u8; 32] = hex(&text).try_into().unwrap();
        assert_eq!(read(PrivateKey::from_hex(&text)), Ok(text.clone()));
        assert_eq!(read(PrivateKey::from_random(&bytes)), Ok(text));
    }
    assert_eq!(read(PrivateKey::from_stripped_hex("0")), Err(KeyError::ScalarOutOfRange));
}

#[test]
fn hexadecimal_has_its_length() {
    for text in ["", "2b", &D1.private[1..], &format!("{}00", D1.private)] {
        assert_eq!(read(PrivateKey::from_hex(text)), length(64, text.len()), "{text}");
    }
    assert_eq!(read(PrivateKey::from_bytes(&[1; 31])), length(32, 31));
    assert_eq!(read(PrivateKey::from_stripped_hex("")), length(64, 0));
    assert_eq!(read(PrivateKey::from_stripped_hex(&"0".repeat(65))), length(64, 65));
    for text in [D1.private.replace('1', "g"), D1.private.replacen("1b", "é", 1), format!(" {}", &D1.private[1..])] {
        assert_eq!(read(PrivateKey::from_hex(&text)), Err(KeyError::NotHexadecimal), "{text}");
        assert_eq!(read(PrivateKey::from_stripped_hex(&text)), Err(KeyError::NotHexadecimal), "{text}");
    }
    for text in ["", &D1.public[2..], &format!("04{}", D1.public)] {
        assert_eq!(PublicKey::from_hex(text), length(128, text.len()), "{text}");
    }
    assert_eq!(PublicKey::from_hex(&D1.public.replace('c', "x")), Err(KeyError::NotHexadecimal));
    assert_eq!(PublicKey::from_stripped_hex(&D4.public[1..]), length(128, 127));
    assert_eq!(PublicKey::from_stripped_hex(&D4.public[10..]), length(128, 118));
    assert_eq!(PublicKey::from_stripped_hex(&D1.public[2..]), Err(KeyError::NotOnCurve));
}

#[test]
fn a_point_is_on_the_curve_and_not_the_identity() {
    let (x, y) = D1.public.split_at(64);
    let off = format!("{x}{}", y.replacen('a', "b", 1));
    // The same x with other coordinates beside it, zeros, and a coordinate that is not below p.
    for text in [&off, &format!("{x}{}", P.replacen("ff", "fe", 1)), &"0".repeat(128), &format!("{P}{y}")] {
        let sec1 = hex(&format!("04{text}"));
        assert_eq!(PublicKey::from_hex(text), Err(KeyError::NotOnCurve), "{text}");
        assert_eq!(PublicKey::from_sec1(&sec1), Err(KeyError::NotOnCurve), "{text}");
        assert_eq!(PublicKey::from_spki_pem(&spki(&sec1)), Err(KeyError::NotOnCurve), "{text}");
        assert!(serde_json::from_value::<PublicKey>(text.as_str().into()).is_err());
    }
}

#[test]
fn sec1_has_three_forms_and_no_more() {
    let key = d1().public_key();
    let (x, y) = D1.public.split_at(64);
    assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Ok(key));
    // y is odd.
    assert_eq!(PublicKey::from_sec1(&hex(&format!("03{x}"))), Ok(key));
    assert_ne!(PublicKey::from_sec1(&hex(&format!("02{x}"))), Ok(key));
    // Hybrid, compact, the identity in two sizes, no tag at all, and an x without a y.
    for other in [
        format!("07{x}{y}"),
        format!("05{x}"),
        "00".to_owned(),
        "00".repeat(33),
        "00".repeat(65),
        format!("02{}", P.replace('e', "0")),
        format!("02{}4", "0".repeat(63)),
    ] {
        assert_eq!(PublicKey::from_sec1(&hex(&other)), Err(KeyError::NotOnCurve), "{other}");
    }
    for other in [String::new(), "04".to_owned(), format!("{x}{y}"), format!("04{x}{y}00"), format!("03{x}00")] {
        assert_eq!(PublicKey::from_sec1(&hex(&other)), length(65, other.len() / 2), "{other}");
    }
}

/// DER of a structure, in the shortest form.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u8::try_from(content.len()).unwrap();
    let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [head, content].concat()
}

const EC: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: [u8; 7] = [6, 5, 0x2b, 0x81, 4, 0, 0x22];

fn pem(label: &str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).unwrap()
}

fn spki_der(curve: &[u8], point: &[u8]) -> Vec<u8> {
    der(0x30, &[&der(0x30, &[&EC, curve]), &der(3, &[&[0], point])])
}

fn spki(point: &[u8]) -> String {
    pem("PUBLIC KEY", &spki_der(&P256, point))
}

/// PKCS#8 with a public key in the inner structure, or in the outer one (version 2), or both.
fn pkcs8_der(curve: &[u8], scalar: &[u8], inner: Option<&[u8]>, outer: Option<&[u8]>) -> Vec<u8> {
    let inner = inner.map_or(Vec::new(), |point| der(0xa1, &[&der(3, &[&[0], point])]));
    let key = der(4, &[&der(0x30, &[&[2, 1, 1], &der(4, &[scalar]), &inner])]);
    let version = [2, 1, u8::from(outer.is_some())];
    let outer = outer.map_or(Vec::new(), |point| der(0x81, &[&[0], point]));
    der(0x30, &[&version, &der(0x30, &[&EC, curve]), &key, &outer])
}

fn pkcs8(scalar: &[u8], inner: Option<&[u8]>, outer: Option<&[u8]>) -> String {
    pem("PRIVATE KEY", &pkcs8_der(&P256, scalar, inner, outer))
}

#[test]
fn pkcs8_holds_one_key_and_nothing_that_contradicts_it() {
    let (scalar, own, other) = (hex(D1.private), hex(&format!("04{}", D1.public)), hex(&format!("04{}", D2.public)));
    let (own, other) = (Some(own.as_slice()), Some(other.as_slice()));
    let good = Ok(D1.private.to_owned());
    for (inner, outer) in [(None, None), (own, None), (None, own), (own, own)] {
        assert_eq!(read(PrivateKey::from_pkcs8_pem(&pkcs8(&scalar, inner, outer))), good);
    }
    assert_eq!(d1().to_pkcs8_pem().unwrap().as_str(), pkcs8(&scalar, own, None));
    for (inner, outer) in [(other, None), (None, other), (own, other), (other, own)] {
        assert_eq!(read(PrivateKey::from_pkcs8_pem(&pkcs8(&scalar, inner, outer))), Err(KeyError::Mismatch));
    }
    assert_eq!(read(PrivateKey::from_pkcs8_pem(&pkcs8(&scalar[1..], None, None))), length(32, 31));
    assert_eq!(read(PrivateKey::from_pkcs8_pem(&pkcs8(&[&scalar[..], &[0]].concat(), None, None))), length(32, 33));
    let wrong_curve = pem("PRIVATE KEY", &pkcs8_der(&P384, &scalar, None, None));
    assert_eq!(read(PrivateKey::from_pkcs8_pem(&wrong_curve)), Err(KeyError::WrongAlgorithm));
    let whole = pkcs8_der(&P256, &scalar, own, None);
    for der in [&[&whole[..], &[0]].concat()[..], &whole[..whole.len() - 1], &[]] {
        let error = PrivateKey::from_pkcs8_pem(&pem("PRIVATE KEY", der)).err();
        assert!(matches!(error, Some(KeyError::NotDer | KeyError::NotPem)), "{error:?}");
    }
}

#[test]
fn spki_holds_one_key() {
    let key = d1().public_key();
    let point = key.to_sec1();
    assert_eq!(PublicKey::from_spki_pem(&spki(&point)), Ok(key));
    assert_eq!(key.to_spki_pem().unwrap(), spki(&point));
    assert_eq!(PublicKey::from_spki_pem(&spki(&hex(&format!("03{}", &D1.public[..64])))), Ok(key));
    assert_eq!(PublicKey::from_spki_pem(&spki(&[0])), Err(KeyError::NotOnCurve));
    assert_eq!(PublicKey::from_spki_pem(&spki(&[])), length(65, 0));
    let wrong_curve = pem("PUBLIC KEY", &spki_der(&P384, &point));
    assert_eq!(PublicKey::from_spki_pem(&wrong_curve), Err(KeyError::WrongAlgorithm));
    let trailing = pem("PUBLIC KEY", &[&spki_der(&P256, &point)[..], &[0]].concat());
    assert_eq!(PublicKey::from_spki_pem(&trailing), Err(KeyError::NotDer));
}

#[test]
fn pem_is_one_document_with_the_right_label() {
    let key = d1().public_key();
    let good = key.to_spki_pem().unwrap();
    for same in [good.replace('\n', "\r\n"), good.trim_end().to_owned()] {
        assert_eq!(PublicKey::from_spki_pem(&same), Ok(key), "{same}");
        assert_eq!(same.parse(), Ok(key), "{same}");
    }
    for other in [
        String::new(),
        format!("my key\n{good}"),
        format!("{good}{good}"),
        format!("{good}x"),
        good.replace("-----END PUBLIC KEY", "-----END PRIVATE KEY"),
        good.replace("=", ""),
        good.replacen('M', "!", 1),
        good.replace("-----BEGIN PUBLIC KEY-----\n", "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n\n"),
    ] {
        assert_eq!(PublicKey::from_spki_pem(&other), Err(KeyError::NotPem), "{other}");
    }
    let too_long = format!("{good}{}", "\n".repeat(MAX_KEY_TEXT_LEN));
    assert_eq!(PublicKey::from_spki_pem(&too_long), length(MAX_KEY_TEXT_LEN, too_long.len()));
    let expected = "PUBLIC KEY";
    assert_eq!(
        PublicKey::from_spki_pem(&good.replace("PUBLIC KEY", "CERTIFICATE")),
        Err(KeyError::WrongPemLabel { expected })
    );
    let private = d1().to_pkcs8_pem().unwrap();
    assert_eq!(PublicKey::from_spki_pem(&private), Err(KeyError::PrivateKeyGiven));
    for label in ["EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"] {
        let other = private.replace("PRIVATE KEY", label);
        let expected = "PRIVATE KEY";
        assert_eq!(read(PrivateKey::from_pkcs8_pem(&other)), Err(KeyError::WrongPemLabel { expected }), "{label}");
    }
}

#[test]
fn a_jwk_says_what_it_is_and_holds_together() {
    let public = d1().public_key();
    let jwk: serde_json::Value = serde_json::from_str(&d1().to_jwk()).unwrap();
    let with = |changes: serde_json::Value| {
        let mut jwk = jwk.clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                serde_json::Value::Null => jwk.as_object_mut().unwrap().remove(name),
                value => jwk.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        jwk.to_string()
    };
    let of = |changes| read(PrivateKey::from_jwk(&with(changes)));
    let text = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let harmless = serde_json::json!({
        "kid": "mine", "ext": true, "key_ops": ["verify", "sign"], "use": "sig", "alg": "ES256", "x5t": {"a": 1},
    });
    assert_eq!(of(harmless), Ok(D1.private.to_owned()));
    assert_eq!(PublicKey::from_jwk(&with(serde_json::json!({"d": null}))), Ok(public));
    assert_eq!(PublicKey::from_jwk(&public.to_jwk()), Ok(public));

    let other: serde_json::Value = serde_json::from_str(&PrivateKey::from_hex(D2.private).unwrap().to_jwk()).unwrap();
    for (changes, expected) in [
        (serde_json::json!({"kty": "OKP"}), KeyError::WrongAlgorithm),
        (serde_json::json!({"kty": "ec"}), KeyError::WrongAlgorithm),
        (serde_json::json!({"crv": "P-384"}), KeyError::WrongAlgorithm),
        (serde_json::json!({"crv": null}), KeyError::WrongAlgorithm),
        (serde_json::json!({"kty": null}), KeyError::NotJwk),
        (serde_json::json!({"d": null}), KeyError::NotJwk),
        (serde_json::json!({"y": null}), KeyError::NotJwk),
        (serde_json::json!({"x": 7}), KeyError::NotJwk),
        (serde_json::json!({"use": "enc"}), KeyError::WrongUse),
        (serde_json::json!({"alg": "ECDH-ES"}), KeyError::WrongUse),
        (serde_json::json!({"key_ops": ["verify"]}), KeyError::WrongUse),
        (serde_json::json!({"d": other["d"]}), KeyError::Mismatch),
        (serde_json::json!({"x": other["x"], "y": other["y"]}), KeyError::Mismatch),
        (serde_json::json!({"x": other["x"]}), KeyError::NotOnCurve),
        (serde_json::json!({"d": "A".repeat(43)}), KeyError::ScalarOutOfRange),
        (serde_json::json!({"d": text("d") + "="}), KeyError::WrongLength { expected: 43, actual: 44 }),
        (serde_json::json!({"x": &text("x")[1..]}), KeyError::WrongLength { expected: 43, actual: 42 }),
        (serde_json::json!({"d": format!("{}!", &text("d")[..42])}), KeyError::NotBase64Url),
        // Two bits of the last character carry nothing, and are zero.
        (serde_json::json!({"d": format!("{}l", &text("d")[..42])}), KeyError::NotBase64Url),
    ] {
        assert_eq!(of(changes.clone()), Err(expected), "{changes}");
    }
    assert_eq!(PublicKey::from_jwk(&with(serde_json::json!({}))), Err(KeyError::PrivateKeyGiven));
    let twice = with(serde_json::json!({})).replacen('{', r#"{"kty":"EC","#, 1);
    let escaped = with(serde_json::json!({})).replace(&text("d"), &text("d").replacen('G', "\\u0047", 1));
    for other in ["", "[]", "null", "\"EC\"", "{}{}", &twice, &escaped] {
        assert_eq!(read(PrivateKey::from_jwk(other)), Err(KeyError::NotJwk), "{other}");
    }
    let long = with(serde_json::json!({"kid": "a".repeat(MAX_KEY_TEXT_LEN)}));
    assert_eq!(read(PrivateKey::from_jwk(&long)), length(MAX_KEY_TEXT_LEN, long.len()));
}

/// The example of RFC 7638 is an RSA key; RFC 9421 has a P-256 one, whose canonical form is written out here.
#[test]
fn a_thumbprint_is_the_hash_of_the_required_members() {
    let jwk = r#"{"crv":"P-256","kty":"EC","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"}"#;
    let key = PublicKey::from_jwk(jwk).unwrap();
    assert_eq!(key.to_jwk(), jwk);
    assert_eq!(key.thumbprint().as_bytes(), crate::token::Digest::of(jwk).as_bytes());
}

#[test]
fn what_a_person_pastes_is_read_in_any_form() {
    let key = d1().public_key();
    let (x, y) = D1.public.split_at(64);
    for text in [
        D1.public.to_owned(),
        format!("  {}\n", D1.public.to_uppercase()),
        format!("04{x}{y}"),
        format!("03{x}"),
        format!("\n{}\n", key.to_jwk()),
        format!("\n{}\n", key.to_spki_pem().unwrap()),
    ] {
        assert_eq!(text.parse(), Ok(key), "{text}");
    }
    for (text, expected) in [
        ("", KeyError::UnknownForm),
        ("ssh-ed25519 AAAA", KeyError::UnknownForm),
        // A private key in hexadecimal has half as many digits.
        (D1.private, KeyError::UnknownForm),
        (&D1.public.replace('c', "x"), KeyError::NotHexadecimal),
        (&format!("0x{x}"), KeyError::NotHexadecimal),
        (&d1().to_jwk(), KeyError::PrivateKeyGiven),
        (&d1().to_pkcs8_pem().unwrap(), KeyError::PrivateKeyGiven),
    ] {
        assert_eq!(text.parse::<PublicKey>(), Err(expected), "{text}");
    }
}

#[test]
fn a_record_holds_a_key_in_one_form() {
    let key = d1().public_key();
    assert_eq!(serde_json::to_value(key).unwrap(), D1.public);
    assert_eq!(serde_json::from_value::<PublicKey>(D1.public.into()).unwrap(), key);
    for other in [key.to_jwk(), key.to_spki_pem().unwrap(), format!("04{}", D1.public)] {
        assert!(serde_json::from_value::<PublicKey>(other.clone().into()).is_err(), "{other}");
    }
}
