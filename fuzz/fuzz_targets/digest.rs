//! Digest fields: whatever is read says what it needs, and is written and read back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use symbolon::signature::{BodyDigests, ContentDigest, DigestAlgorithm, Field};

fuzz_target!(|data: &[u8]| {
    let fields: Vec<Field<'_>> = data.split(|byte| *byte == b'\n').map(|line| ("Content-Digest", line)).collect();
    let joined = ContentDigest::of_fields(&fields, "content-digest");
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(read) = ContentDigest::parse(text)
    {
        let body = BodyDigests::for_field(&read, data);
        for algorithm in read.algorithms() {
            match algorithm {
                DigestAlgorithm::Sha256 => assert!(body.sha256.is_some()),
                DigestAlgorithm::Sha512 => assert!(body.sha512.is_some()),
            }
        }
        // Data that holds its own digest would be a finding worth keeping.
        assert!(read.check(&body).is_err());
        let written = body.to_field();
        assert_eq!(ContentDigest::parse(&written).and_then(|again| again.check(&body)), Ok(()));
    }
    if let Ok(Some(read)) = joined {
        assert!(read.algorithms().next().is_some());
    }
});
