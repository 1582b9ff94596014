//! ECDSA over P-256 with SHA-256: Wycheproof in both encodings, NIST, and RFC 6979.

use serde::Deserialize;
use symbolon::key::{KeyError, PrivateKey, PublicKey, Signature};
use symbolon_tests::{Tally, hex, run};

/// How a signature is read: each encoding has a constructor of its own.
type Read = fn(&[u8]) -> Result<Signature, KeyError>;

/// What every vector asks: is this the signature of this key over this message?
fn verifies(public: &PublicKey, message: &[u8], signature: Result<Signature, KeyError>) -> bool {
    signature.is_ok_and(|signature| {
        let verifies = public.verify(message, &signature);
        // The other signature of the pair has to give the same answer, and has the same name in the replay memory.
        let replayed = Signature::from_bytes(&signature.replay_key()).unwrap();
        assert_eq!(public.verify(message, &replayed), verifies);
        assert_eq!(replayed.replay_key(), signature.replay_key());
        verifies
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: GroupKey,
    public_key_pem: String,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct GroupKey {
    uncompressed: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: usize,
    comment: String,
    msg: String,
    sig: String,
    result: String,
}

fn wycheproof(file: &str, read: Read) {
    run(file, |file: Wycheproof, tally| {
        let mut seen = 0;
        for group in file.test_groups {
            let public = PublicKey::from_sec1(&hex(&group.public_key.uncompressed)).unwrap();
            assert_eq!(PublicKey::from_spki_pem(&group.public_key_pem), Ok(public));
            for case in group.tests {
                let answer = verifies(&public, &hex(&case.msg), read(&hex(&case.sig)));
                tally.check(format!("{} {}", case.tc_id, case.comment), answer, case.result == "valid");
                seen += 1;
            }
        }
        assert_eq!(seen, file.number_of_tests);
    });
}

#[test]
fn wycheproof_p1363() {
    wycheproof("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", Signature::from_bytes);
}

#[test]
fn wycheproof_der() {
    wycheproof("wycheproof/ecdsa_secp256r1_sha256_test.json", Signature::from_der);
}

/// The same data from the crate, for a clone that stands alone.
#[test]
fn wycheproof_from_the_crate() {
    use wycheproof::TestResult;
    use wycheproof::ecdsa::{TestName, TestSet};

    let mut tally = Tally::new("wycheproof (crate)");
    let encodings: [(TestName, Read); 2] = [
        (TestName::EcdsaSecp256r1Sha256P1363, Signature::from_bytes),
        (TestName::EcdsaSecp256r1Sha256, Signature::from_der),
    ];
    for (name, read) in encodings {
        let set = TestSet::load(name).unwrap();
        for group in set.test_groups {
            let public = PublicKey::from_sec1(&group.key.key).unwrap();
            for case in group.tests {
                let answer = verifies(&public, &case.msg, read(&case.sig));
                let id = format!("{name:?} {} {}", case.tc_id, case.comment);
                tally.check(id, answer, matches!(case.result, TestResult::Valid));
            }
        }
    }
    tally.finish();
}

#[derive(Deserialize)]
struct Nist {
    tests: Vec<NistCase>,
}

#[derive(Deserialize)]
struct NistCase {
    id: String,
    msg_hex: String,
    d: Option<String>,
    qx: String,
    qy: String,
    p1363_hex: String,
    result: String,
}

fn nist(file: &str) {
    run(file, |file: Nist, tally| {
        for case in file.tests {
            let public = PublicKey::from_hex(&(case.qx + &case.qy)).unwrap();
            let (message, signature) = (hex(&case.msg_hex), Signature::from_bytes(&hex(&case.p1363_hex)));
            tally.check(&case.id, verifies(&public, &message, signature), case.result == "valid");
            if let Some(d) = case.d {
                // NIST's own nonce is random; ours is that of RFC 6979, and must verify too.
                let private = PrivateKey::from_hex(&d).unwrap();
                let ours = private.sign(&message);
                let good = private.public_key() == public && public.verify(&message, &ours);
                tally.check(format!("{} signed anew", case.id), good, true);
            }
        }
    });
}

#[test]
fn nist_siggen() {
    nist("nist/siggen_p256_sha256.json");
}

#[test]
fn nist_sigver() {
    nist("nist/sigver_p256_sha256.json");
}

#[derive(Deserialize)]
struct Rfc6979 {
    private_key_hex: String,
    qx: String,
    qy: String,
    private_pem: String,
    public_pem: String,
    tests: Vec<Rfc6979Case>,
}

#[derive(Deserialize)]
struct Rfc6979Case {
    op: String,
    hash: String,
    input: String,
    sig_der_hex: String,
    p1363_hex: Option<String>,
    result: String,
}

#[test]
fn rfc_6979() {
    run("rfc6979/rfc6979_p256.json", |file: Rfc6979, tally| {
        let private = PrivateKey::from_hex(&file.private_key_hex).unwrap();
        let public = private.public_key();
        tally.check("public key", public.to_hex(), file.qx + &file.qy);
        tally.check("public PEM", PublicKey::from_spki_pem(&file.public_pem), Ok(public));
        // This one holds no public key.
        let from_pem = PrivateKey::from_pkcs8_pem(&file.private_pem).map(|key| key.to_hex().to_string());
        tally.check("private PEM", from_pem, Ok(file.private_key_hex));
        for (index, case) in file.tests.into_iter().enumerate() {
            let id = format!("{index} {} {} {}", case.op, case.hash, case.input);
            if case.hash != "SHA256" {
                tally.skip(id, "another hash than SHA-256");
                continue;
            }
            let signature = Signature::from_der(&hex(&case.sig_der_hex));
            let valid = case.result == "valid";
            tally.check(&id, verifies(&public, case.input.as_bytes(), signature), valid);
            if case.op == "sign" {
                let ours = private.sign(case.input.as_bytes()).to_bytes();
                tally.check(format!("{id} signed"), Some(ours.to_vec()), case.p1363_hex.as_deref().map(hex));
            }
        }
    });
}
