use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

use super::*;
use crate::key::PrivateKey;
use crate::time::Timestamp;

const ISSUER: &str = "https://login.example";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn merged(mut document: Value, change: Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            document.as_object_mut().unwrap().remove(name);
        } else {
            document[name] = value.clone();
        }
    }
    document
}

fn discovery(change: Value) -> Result<Provider, OidcError> {
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token",
        "jwks_uri": "https://keys.example/jwks",
        "response_types_supported": ["code", "id_token"],
        "code_challenge_methods_supported": ["plain", "S256"],
    });
    Provider::parse(ISSUER, &merged(document, change).to_string())
}

#[test]
fn a_provider_is_taken_as_it_describes_itself_or_not_at_all() {
    let plain = discovery(json!({})).unwrap();
    assert_eq!(plain.client_authentication, ClientAuthentication::Basic);
    assert!(!plain.names_itself && plain.userinfo_endpoint.is_none());
    let post = discovery(json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"] }));
    assert_eq!(post.unwrap().client_authentication, ClientAuthentication::Post);
    assert!(discovery(json!({ "authorization_response_iss_parameter_supported": true })).unwrap().names_itself);
    assert!(discovery(json!({ "code_challenge_methods_supported": null })).is_ok());
    for change in [
        json!({ "token_endpoint": null }),
        json!({ "jwks_uri": 7 }),
        json!({ "code_challenge_methods_supported": ["plain"] }),
        json!({ "response_types_supported": ["id_token"] }),
        json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }),
        json!({ "token_endpoint": "http://login.example/token" }),
        json!({ "jwks_uri": "http://127.0.0.1/jwks" }),
        json!({ "jwks_uri": "file:///etc/passwd" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "authorization_endpoint": "https://user@login.example/" }),
        json!({ "userinfo_endpoint": "https://login.example/\nhost: x" }),
    ] {
        assert_eq!(discovery(change.clone()), Err(OidcError::Discovery), "{change}");
    }
    for issuer in ["https://login.example/", "https://other.example", "http://login.example"] {
        assert_eq!(discovery(json!({ "issuer": issuer })), Err(OidcError::Issuer), "{issuer}");
    }
}

#[test]
fn an_issuer_is_https_or_this_machine() {
    for (issuer, good) in [
        ("https://login.example", true),
        ("https://login.example:8443/realms/acme", true),
        ("http://localhost:3000", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:80/x", true),
        ("http://login.example", false),
        ("http://127.0.0.1.evil.example", false),
        ("http://localhost@evil.example", false),
        ("https://login.example?x", false),
        ("https://login.example#x", false),
        ("https://", false),
        ("ftp://login.example", false),
        ("", false),
    ] {
        assert_eq!(is_issuer(issuer), good, "{issuer}");
    }
    assert_eq!(Provider::address("https://a.example/b/"), "https://a.example/b/.well-known/openid-configuration");
}

fn rsa(change: Value) -> Value {
    let mut modulus = vec![0xc3; 256];
    modulus[255] = 0x01;
    let key = json!({ "kty": "RSA", "kid": "r", "n": Base64UrlUnpadded::encode_string(&modulus), "e": "AQAB" });
    merged(key, change)
}

fn private_key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32]).unwrap()
}

fn ec(change: Value) -> Value {
    let (x, y) = private_key().public_key().coordinates();
    let text = |bytes: [u8; 32]| Base64UrlUnpadded::encode_string(&bytes);
    merged(json!({ "kty": "EC", "kid": "e", "crv": "P-256", "x": text(x), "y": text(y) }), change)
}

#[test]
fn a_key_is_found_by_its_name_and_what_it_is_for() {
    let keys = |keys: Vec<Value>| Keys::parse(&json!({ "keys": keys }).to_string()).unwrap();
    let both = keys(vec![rsa(json!({})), ec(json!({})), json!({ "kty": "oct", "k": "AA" }), json!(7)]);
    assert!(matches!(both.find(Some("r"), Algorithm::Rs256), Some(Key::Rsa { .. })));
    assert!(matches!(both.find(Some("e"), Algorithm::Es256), Some(Key::P256(_))));
    assert!(both.find(None, Algorithm::Es256).is_some());
    // A key of the one kind never checks a signature of the other.
    assert!(both.find(Some("r"), Algorithm::Es256).is_none());
    assert!(both.find(Some("x"), Algorithm::Rs256).is_none());
    let two = keys(vec![rsa(json!({})), rsa(json!({ "kid": "other" }))]);
    assert!(two.find(None, Algorithm::Rs256).is_none(), "no guessing between two");
    let encoded = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    for change in [
        json!({ "use": "enc" }),
        json!({ "alg": "RS512" }),
        json!({ "alg": "none" }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "n": encoded(&[0xc3; 255]) }),
        json!({ "n": encoded(&[&[0; 16], [0xc3; 240].as_slice()].concat()) }),
        json!({ "n": encoded(&[0xc3; 1025]) }),
        json!({ "e": "AQ" }),
        json!({ "e": "Ag" }),
        json!({ "e": null }),
    ] {
        assert!(keys(vec![rsa(change.clone())]).find(Some("r"), Algorithm::Rs256).is_none(), "{change}");
    }
    for change in [json!({ "crv": "P-384" }), json!({ "x": "AA" }), json!({ "y": ec(json!({}))["x"] })] {
        assert!(keys(vec![ec(change.clone())]).find(Some("e"), Algorithm::Es256).is_none(), "{change}");
    }
    assert_eq!(Keys::parse("[]"), Err(OidcError::Keys));
}

fn compact(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = private_key().sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
}

fn claims(change: Value) -> Value {
    let now = NOW.as_seconds();
    let claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": "symbolon", "exp": now + 300, "iat": now, "nonce": "n",
        "email": "ada@acme.example", "email_verified": true, "auth_time": now - 3600,
    });
    merged(claims, change)
}

fn check(change: Value, anew_since: Option<Timestamp>) -> Result<Identity, OidcError> {
    let token = IdToken::parse(&compact(&json!({ "alg": "ES256", "kid": "e" }), &claims(change))).unwrap();
    let expected = Expected { issuer: ISSUER, client_id: "symbolon", nonce: "n", now: NOW, anew_since };
    assert_eq!(token.check(false, &expected), Err(OidcError::Signature));
    token.check(true, &expected)
}

#[test]
fn the_header_names_an_algorithm_that_is_taken() {
    let token = IdToken::parse(&compact(&json!({ "alg": "ES256", "kid": "e" }), &claims(json!({})))).unwrap();
    assert_eq!((token.algorithm(), token.kid()), (Algorithm::Es256, Some("e")));
    let signature = crate::key::Signature::from_bytes(token.signature()).unwrap();
    assert!(private_key().public_key().verify(token.signed(), &signature));
    for alg in ["none", "None", "HS256", "RS512", "PS256", "ES384", ""] {
        let parsed = IdToken::parse(&compact(&json!({ "alg": alg }), &claims(json!({}))));
        assert_eq!(parsed.err(), Some(OidcError::Algorithm), "{alg}");
    }
    for text in ["", ".", "..", "a.b.c", "e30.e30.", &"a".repeat(MAX_ID_TOKEN_LEN + 1)] {
        assert_eq!(IdToken::parse(text).err(), Some(OidcError::Malformed), "{text}");
    }
    for header in [json!({ "alg": "ES256", "crit": ["b64"] }), json!({ "alg": "ES256", "b64": false }), json!({})] {
        assert_eq!(IdToken::parse(&compact(&header, &claims(json!({})))).err(), Some(OidcError::Malformed));
    }
}

#[test]
fn an_id_token_is_for_us_now_and_in_answer() {
    let now = NOW.as_seconds();
    let identity = check(json!({}), None).unwrap();
    assert_eq!((identity.subject.as_str(), identity.email.as_deref()), ("ada", Some("ada@acme.example")));
    for (change, error) in [
        (json!({ "iss": "https://login.example/" }), OidcError::Issuer),
        (json!({ "aud": "other" }), OidcError::Audience),
        (json!({ "aud": [] }), OidcError::Audience),
        (json!({ "aud": ["symbolon", "other"] }), OidcError::Audience),
        (json!({ "aud": ["symbolon", "other"], "azp": "other" }), OidcError::Audience),
        (json!({ "azp": "other" }), OidcError::Audience),
        (json!({ "exp": now - 60 }), OidcError::Time),
        (json!({ "iat": now + 61 }), OidcError::Time),
        (json!({ "iat": now - 601 }), OidcError::Time),
        (json!({ "nbf": now + 61 }), OidcError::Time),
        (json!({ "exp": -1 }), OidcError::Time),
        (json!({ "exp": 1e300 }), OidcError::Time),
        (json!({ "nonce": "m" }), OidcError::Nonce),
        (json!({ "nonce": null }), OidcError::Nonce),
        (json!({ "sub": "" }), OidcError::Subject),
        (json!({ "sub": null }), OidcError::Subject),
        (json!({ "sub": "a".repeat(256) }), OidcError::Subject),
        (json!({ "exp": null }), OidcError::Malformed),
        (json!({ "aud": 7 }), OidcError::Malformed),
    ] {
        assert_eq!(check(change.clone(), None), Err(error), "{change}");
    }
    for change in [
        json!({ "aud": ["symbolon"] }),
        json!({ "aud": ["other", "symbolon"], "azp": "symbolon" }),
        json!({ "exp": now - 59 }),
        json!({ "exp": now as f64 + 30.5 }),
    ] {
        assert!(check(change.clone(), None).is_ok(), "{change}");
    }
}

#[test]
fn a_new_sign_in_is_new() {
    let at = |seconds: i64| json!({ "auth_time": NOW.as_seconds() + seconds });
    let since = Some(NOW.plus_seconds(-20));
    assert!(check(at(-10), since).is_ok());
    for (change, error) in
        [(at(-81), OidcError::Stale), (at(61), OidcError::Stale), (json!({ "auth_time": null }), OidcError::NoAuthTime)]
    {
        assert_eq!(check(change.clone(), since), Err(error), "{change}");
        assert!(check(change, None).is_ok(), "where it was not asked for");
    }
    assert!(check(at(-604_860), None).is_ok());
    assert_eq!(check(at(-604_861), None), Err(OidcError::Stale), "a session could not be as old");
}

#[test]
fn an_address_counts_where_it_is_verified() {
    let of = |change: Value| {
        let identity = check(change, None).unwrap();
        (identity.email, identity.unverified_email)
    };
    let ada = || Some("ada@acme.example".to_owned());
    assert_eq!(of(json!({ "email_verified": "true" })), (ada(), None));
    for verified in [json!(false), json!("false"), json!(1), json!("yes"), Value::Null] {
        assert_eq!(of(json!({ "email_verified": verified })), (None, ada()), "{verified}");
    }
    let profile = |json: Value| serde_json::from_value::<Profile>(json).unwrap();
    let mut bare = check(json!({ "email": null, "email_verified": null }), None).unwrap();
    let other = profile(json!({ "sub": "eve", "email": "ada@acme.example", "email_verified": true }));
    assert_eq!(bare.complete(other), Err(OidcError::Subject));
    assert_eq!(bare.email, None);
    bare.complete(profile(json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": true }))).unwrap();
    assert_eq!(bare.email, ada());
    // What the signed token said is not overruled.
    let mut unverified = check(json!({ "email_verified": false }), None).unwrap();
    unverified.complete(profile(json!({ "sub": "ada", "email": "x@acme.example", "email_verified": true }))).unwrap();
    assert_eq!((unverified.email, unverified.unverified_email), (None, ada()));
}
