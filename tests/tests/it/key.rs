//! Key pairs in all their forms, against keys that other implementations made.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use symbolon::key::{KeyError, PrivateKey, PublicKey};
use symbolon_tests::{hex, run};

#[derive(Deserialize)]
struct Interop {
    private_hex: String,
    public_xy_hex: String,
    sec1_uncompressed_hex: String,
    sec1_compressed_hex: String,
    public_jwk: Value,
    private_jwk: Value,
    jwk_thumbprint_rfc7638: String,
    spki_pem: String,
    pkcs8_pem: String,
    sec1_pem: String,
    fingerprint_sha256_of_xy_hex_ascii: String,
    fingerprint_devguard_go_minimal_bytes: String,
    devguard_go_pubkey_string: String,
}

#[test]
fn every_form_of_the_interoperation_keys() {
    run("interop/keys.json", |file: BTreeMap<String, Interop>, tally| {
        for (name, key) in file {
            let id = |form: &str| format!("{name}/{form}");
            let private = PrivateKey::from_hex(&key.private_hex).unwrap();
            let public = private.public_key();
            tally.check(id("public of private"), public.to_hex(), key.public_xy_hex.clone());

            let publics = [
                ("hex", PublicKey::from_hex(&key.public_xy_hex)),
                ("upper case hex", PublicKey::from_hex(&key.public_xy_hex.to_uppercase())),
                ("go hex", PublicKey::from_stripped_hex(&key.devguard_go_pubkey_string)),
                ("sec1", PublicKey::from_sec1(&hex(&key.sec1_uncompressed_hex))),
                ("sec1 compressed", PublicKey::from_sec1(&hex(&key.sec1_compressed_hex))),
                ("jwk", PublicKey::from_jwk(&key.public_jwk.to_string())),
                ("spki", PublicKey::from_spki_pem(&key.spki_pem)),
                ("pasted hex", key.public_xy_hex.parse()),
                ("pasted sec1", key.sec1_compressed_hex.parse()),
                ("pasted jwk", format!("\n {}", key.public_jwk).parse()),
                ("pasted spki", key.spki_pem.parse()),
            ];
            for (form, read) in publics {
                tally.check(id(form), read, Ok(public));
            }
            let privates = [
                ("private jwk", PrivateKey::from_jwk(&key.private_jwk.to_string())),
                ("pkcs8", PrivateKey::from_pkcs8_pem(&key.pkcs8_pem)),
                ("stripped hex", PrivateKey::from_stripped_hex(key.private_hex.trim_start_matches('0'))),
            ];
            for (form, read) in privates {
                tally.check(id(form), read.map(|read| read.to_hex().to_string()), Ok(key.private_hex.clone()));
            }

            tally.check(id("to sec1"), public.to_sec1().to_vec(), hex(&key.sec1_uncompressed_hex));
            tally.check(id("to jwk"), serde_json::from_str(&public.to_jwk()).ok(), Some(key.public_jwk.clone()));
            tally.check(id("to private jwk"), serde_json::from_str(&private.to_jwk()).ok(), Some(key.private_jwk));
            tally.check(id("to spki"), public.to_spki_pem().unwrap(), key.spki_pem);
            tally.check(id("to pkcs8"), private.to_pkcs8_pem().unwrap().to_string(), key.pkcs8_pem.clone());
            tally.check(id("thumbprint"), public.thumbprint().to_string(), key.jwk_thumbprint_rfc7638);
            tally.check(id("fingerprint"), public.fingerprint().to_string(), key.fingerprint_sha256_of_xy_hex_ascii);
            let stripped = public.stripped_fingerprint().unwrap_or(public.fingerprint());
            tally.check(id("go fingerprint"), stripped.to_string(), key.fingerprint_devguard_go_minimal_bytes);

            let wrong_label = KeyError::WrongPemLabel { expected: "PRIVATE KEY" };
            tally.check(id("sec1 pem"), PrivateKey::from_pkcs8_pem(&key.sec1_pem).err(), Some(wrong_label));
            tally.check(
                id("pkcs8 as public"),
                PublicKey::from_spki_pem(&key.pkcs8_pem),
                Err(KeyError::PrivateKeyGiven),
            );
        }
    });
}

#[derive(Deserialize)]
struct Nist {
    tests: Vec<NistPair>,
}

#[derive(Deserialize)]
struct NistPair {
    id: String,
    d: String,
    qx: String,
    qy: String,
}

#[test]
fn nist_key_pairs() {
    run("nist/keypair_p256.json", |file: Nist, tally| {
        for pair in file.tests {
            let public = PrivateKey::from_hex(&pair.d).map(|key| key.public_key().to_hex());
            tally.check(pair.id, public, Ok(pair.qx + &pair.qy));
        }
    });
}

#[derive(Deserialize)]
struct Rfc9421 {
    jwk: Option<Value>,
    public_pem: Option<String>,
    private_sec1_pem: Option<String>,
}

#[test]
fn the_keys_of_rfc_9421() {
    run("rfc9421/rfc9421_keys.json", |file: BTreeMap<String, Rfc9421>, tally| {
        for (name, key) in file {
            let (Some(jwk), Some(pem)) = (key.jwk, key.public_pem) else {
                tally.skip(name, "a shared secret, for HMAC");
                continue;
            };
            if jwk["crv"] != "P-256" {
                // Not spoken here, and so refused in both forms.
                tally.check(
                    format!("{name} (jwk)"),
                    PrivateKey::from_jwk(&jwk.to_string()).err(),
                    Some(KeyError::WrongAlgorithm),
                );
                let refusal = PublicKey::from_spki_pem(&pem).err();
                let expected = if pem.contains("RSA PUBLIC") {
                    KeyError::WrongPemLabel { expected: "PUBLIC KEY" }
                } else {
                    KeyError::WrongAlgorithm
                };
                tally.check(format!("{name} (pem)"), refusal, Some(expected));
                continue;
            }
            let private = PrivateKey::from_jwk(&jwk.to_string()).unwrap();
            tally.check(&name, PublicKey::from_spki_pem(&pem), Ok(private.public_key()));
            let older = PrivateKey::from_pkcs8_pem(&key.private_sec1_pem.unwrap()).err();
            tally.check(
                format!("{name} (older PEM)"),
                older,
                Some(KeyError::WrongPemLabel { expected: "PRIVATE KEY" }),
            );
        }
    });
}
