//! bcrypt and Argon2 as the gate compares them: the hashes that passlib knows to be right.

use serde::Deserialize;
use symbolon::token::Bcrypt;
use symbolon_gate::slow::{bcrypt_matches, passphrase_matches};
use symbolon_tests::{hex, run};

#[derive(Deserialize)]
struct File {
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    secret_hex: String,
    hash: String,
}

/// A secret that differs in its first bit.
fn other(secret: &[u8]) -> Vec<u8> {
    let mut other = secret.to_vec();
    match other.first_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(b'x'),
    }
    other
}

#[test]
fn passlib_bcrypt() {
    run("bcrypt/bcrypt_vectors.json", |file: File, tally| {
        for vector in file.tests {
            let secret = hex(&vector.secret_hex);
            let hash = vector.hash.parse::<Bcrypt>();
            let found = hash.map(|hash| (bcrypt_matches(&secret, &hash), bcrypt_matches(&other(&secret), &hash)));
            tally.check(&vector.hash, found, Ok((true, false)));
        }
    });
}

#[test]
fn passlib_argon2() {
    run("bcrypt/argon2_vectors.json", |file: File, tally| {
        for vector in file.tests {
            let secret = hex(&vector.secret_hex);
            let matches = |secret: &[u8]| passphrase_matches(secret, &vector.hash);
            tally.check(&vector.hash, (matches(&secret), matches(&other(&secret))), (true, false));
        }
    });
}
