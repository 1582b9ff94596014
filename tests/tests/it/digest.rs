//! SHA-256 as tokens are digested with it: NIST's messages.

use serde::Deserialize;
use symbolon_tests::{hex, run};

#[derive(Deserialize)]
struct File {
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    msg_hex: String,
    sha256_hex: String,
}

#[test]
fn nist_sha256() {
    run("sha256/sha256_shavs.json", |file: File, tally| {
        for vector in file.tests {
            let digest = symbolon::token::Digest::of(hex(&vector.msg_hex));
            tally.check(vector.id, digest.to_string(), vector.sha256_hex);
        }
    });
}
