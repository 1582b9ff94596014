//! Digest fields: NIST's messages as `Content-Digest`, and the examples of RFC 9530.

use serde::Deserialize;
use symbolon::signature::{BodyDigests, ContentDigest, DigestError};
use symbolon_tests::{hex, run};

#[derive(Deserialize)]
struct Nist {
    tests: Vec<NistVector>,
}

#[derive(Deserialize)]
struct NistVector {
    id: String,
    msg_hex: String,
    content_digest: String,
}

#[test]
fn nist_messages_as_content_digest() {
    run("sha256/sha256_shavs.json", |file: Nist, tally| {
        for vector in file.tests {
            let body = hex(&vector.msg_hex);
            tally.check(&vector.id, BodyDigests::sha256(&body).to_field(), vector.content_digest.clone());
            let parsed = ContentDigest::parse(&vector.content_digest).unwrap();
            tally.check(&vector.id, parsed.check(&BodyDigests::for_field(&parsed, &body)), Ok(()));
        }
    });
}

#[derive(Deserialize)]
struct Rfc9530 {
    blocks: Vec<String>,
}

/// The content that a digest may be of: what its example prints, or one of those that the examples share. Their lines end
/// with a line feed.
fn contents(block: &str) -> Vec<Vec<u8>> {
    let printed = block.split_once("\n\n").map(|(_, content)| format!("{content}\n").into_bytes());
    let shared = [
        b"{\"hello\": \"world\"}\n".to_vec(),
        b"{\"hello\": \"world\"}".to_vec(),
        b"\"world\"}\n".to_vec(),
        Vec::new(),
    ];
    shared.into_iter().chain(printed).chain([hex("8b08807b2268656c6c6f223a2022776f726c64227d0a03")]).collect()
}

#[test]
fn examples_of_rfc_9530() {
    run("rfc9421/rfc9530_examples.json", |file: Rfc9530, tally| {
        for (index, block) in file.blocks.iter().enumerate() {
            // The RFC folds long lines after RFC 8792 and says so in a note; here they are whole again.
            let block = block.strip_prefix("NOTE: '\\' line wrapping per RFC 8792\n\n").unwrap_or(block);
            for line in block.lines() {
                let Some((name, value)) = line.split_once(": ") else { continue };
                if !["Content-Digest", "Repr-Digest"].contains(&name) {
                    continue;
                }
                let id = format!("{index} {name}: {value}");
                match ContentDigest::parse(value) {
                    Ok(parsed) => {
                        let matches = |body: &Vec<u8>| parsed.check(&BodyDigests::for_field(&parsed, body)).is_ok();
                        if contents(block).iter().any(matches) {
                            tally.check(id, true, true);
                        } else {
                            tally.skip(id, "not of any content that the RFC prints (its compressed forms differ)");
                        }
                    }
                    // Base64 with one sign of padding too many, as printed there.
                    Err(error) => tally.check(id, (error, value.contains("==:")), (DigestError::Malformed, true)),
                }
            }
        }
    });
}
