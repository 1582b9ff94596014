//! Keys and signatures: whatever is read is written and read back as the same, in every form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use symbolon::key::{KeyError, PrivateKey, PublicKey, Signature, Thumbprint};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        for key in [text.parse(), PublicKey::from_stripped_hex(text)] {
            if let Ok(key) = key {
                public(&key);
            }
        }
        for key in [
            PrivateKey::from_hex(text),
            PrivateKey::from_stripped_hex(text),
            PrivateKey::from_pkcs8_pem(text),
            PrivateKey::from_jwk(text),
        ] {
            if let Ok(key) = key {
                private(&key);
            }
        }
        if let Ok(thumbprint) = text.parse::<Thumbprint>() {
            assert_eq!(thumbprint.to_string(), text);
        }
    }
    if let Ok(key) = PublicKey::from_sec1(data) {
        public(&key);
    }
    if let Ok(key) = PrivateKey::from_bytes(data) {
        private(&key);
    }
    if let Ok(read) = Signature::from_bytes(data) {
        assert_eq!(read.to_bytes(), data);
        signature(&read);
    }
    if let Ok(read) = Signature::from_der(data) {
        signature(&read);
    }
});

fn public(key: &PublicKey) {
    let pem = key.to_spki_pem().expect("a key that was read can be written");
    for same in [
        PublicKey::from_hex(&key.to_hex()),
        PublicKey::from_sec1(&key.to_sec1()),
        PublicKey::from_jwk(&key.to_jwk()),
        PublicKey::from_spki_pem(&pem),
        pem.parse(),
    ] {
        assert_eq!(same.as_ref(), Ok(key));
    }
}

fn private(key: &PrivateKey) {
    public(&key.public_key());
    let same = |read: Result<PrivateKey, KeyError>| read.is_ok_and(|read| read.to_bytes() == key.to_bytes());
    let pem = key.to_pkcs8_pem().expect("a key that was read can be written");
    assert!(same(PrivateKey::from_hex(&key.to_hex())));
    assert!(same(PrivateKey::from_jwk(&key.to_jwk())));
    assert!(same(PrivateKey::from_pkcs8_pem(&pem)));
    assert_eq!(PublicKey::from_jwk(&key.to_jwk()), Err(KeyError::PrivateKeyGiven));
    assert_eq!(PublicKey::from_spki_pem(&pem), Err(KeyError::PrivateKeyGiven));
    let signed = key.sign(b"message");
    assert!(key.public_key().verify(b"message", &signed) && !key.public_key().verify(b"massage", &signed));
}

fn signature(read: &Signature) {
    let named = Signature::from_bytes(&read.replay_key()).expect("a replay key is a signature");
    assert_eq!(named.replay_key(), read.replay_key());
    assert_eq!(named.to_bytes()[..32], read.to_bytes()[..32]);
}
