//! What holds for every key and every token, not only for those that somebody wrote down.

use proptest::prelude::*;
use symbolon::id::{BASE62, ShortId};
use symbolon::key::{Fingerprint, KeyError, PrivateKey, PublicKey, Signature, Thumbprint};
use symbolon::token::{
    Digest, Format, InstanceSecret, MAX_HEX_DIGITS, MIN_HEX_DIGITS, RANDOM_LEN, SecretFormat, TokenError, inspect,
    parse,
};

/// Any private key, those with small scalars as often as others.
fn private_key() -> impl Strategy<Value = PrivateKeyBytes> {
    prop_oneof![
        any::<[u8; 32]>(),
        (1u8..).prop_map(|last| {
            let mut bytes = [0; 32];
            bytes[31] = last;
            bytes
        })
    ]
    .prop_filter("a scalar", |bytes| PrivateKey::from_random(bytes).is_ok())
    .prop_map(PrivateKeyBytes)
}

/// Shown where a property fails: these keys are nobody's.
#[derive(Debug, Clone)]
struct PrivateKeyBytes([u8; 32]);

impl PrivateKeyBytes {
    fn key(&self) -> PrivateKey {
        PrivateKey::from_random(&self.0).unwrap()
    }
}

fn short_id() -> impl Strategy<Value = ShortId> {
    "[0-9A-Za-z]{6}".prop_map(|text| text.parse().unwrap())
}

fn format() -> impl Strategy<Value = Format> {
    let digits = (MIN_HEX_DIGITS / 2..=MAX_HEX_DIGITS / 2).prop_map(|bytes| u8::try_from(bytes * 2).unwrap());
    let body = prop_oneof![Just(SecretFormat::Native), digits.prop_map(SecretFormat::Hex)];
    ("[a-z][a-z0-9_]{0,30}_", body, 0usize..=8)
        .prop_map(|(prefix, body, shown)| Format::new(&prefix, body).unwrap().showing(shown))
}

fn random() -> impl Strategy<Value = [u8; RANDOM_LEN]> {
    any::<[u8; RANDOM_LEN]>()
}

fn instance() -> InstanceSecret {
    InstanceSecret::new(&[42; 32]).unwrap()
}

proptest! {
    #[test]
    fn a_private_key_is_read_back_from_every_form(bytes in private_key()) {
        let key = bytes.key();
        let same = |read: Result<PrivateKey, KeyError>| read.map(|read| *read.to_bytes());
        let expected = Ok(bytes.0);
        prop_assert_eq!(same(PrivateKey::from_bytes(key.to_bytes().as_slice())), expected);
        prop_assert_eq!(same(PrivateKey::from_hex(&key.to_hex())), expected);
        prop_assert_eq!(same(PrivateKey::from_hex(&key.to_hex().to_uppercase())), expected);
        prop_assert_eq!(same(PrivateKey::from_stripped_hex(key.to_hex().trim_start_matches('0'))), expected);
        prop_assert_eq!(same(PrivateKey::from_jwk(&key.to_jwk())), expected);
        prop_assert_eq!(same(PrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap())), expected);
    }

    #[test]
    fn a_public_key_is_read_back_from_every_form(bytes in private_key()) {
        let key = bytes.key().public_key();
        let (x, y) = key.coordinates();
        let mut compressed = vec![2 + (y[31] & 1)];
        compressed.extend(x);
        let unpadded = |field: [u8; 32]| without_leading_zeros(&field);
        for read in [
            PublicKey::from_coordinates(&x, &y),
            PublicKey::from_hex(&key.to_hex()),
            PublicKey::from_sec1(&key.to_sec1()),
            PublicKey::from_sec1(&compressed),
            PublicKey::from_jwk(&key.to_jwk()),
            PublicKey::from_spki_pem(&key.to_spki_pem().unwrap()),
            key.to_string().parse(),
            key.to_jwk().parse(),
            key.to_spki_pem().unwrap().parse(),
        ] {
            prop_assert_eq!(read, Ok(key));
        }
        let json = serde_json::to_string(&key).unwrap();
        prop_assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
        prop_assert_eq!(key.thumbprint().to_string().parse::<Thumbprint>(), Ok(key.thumbprint()));
        prop_assert_eq!(key.fingerprint().to_string().parse::<Fingerprint>(), Ok(key.fingerprint()));
        let stripped = format!("{}{}", unpadded(x), unpadded(y));
        prop_assert_eq!(PublicKey::from_stripped_hex(&stripped), Ok(key));
        prop_assert_eq!(key.stripped_fingerprint().is_some(), stripped.len() < PublicKey::HEX_LEN);
    }

    #[test]
    fn what_is_signed_verifies_and_what_was_changed_does_not(
        bytes in private_key(),
        message in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0u32..8,
    ) {
        let key = bytes.key();
        let signature = key.sign(&message);
        prop_assert!(key.public_key().verify(&message, &signature));
        prop_assert_eq!(key.sign(&message), signature);
        prop_assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));

        let mut changed = message.clone();
        *at.get_mut(&mut changed) ^= 1 << bit;
        prop_assert!(!key.public_key().verify(&changed, &signature));
        let mut other = signature.to_bytes();
        *at.get_mut(&mut other) ^= 1 << bit;
        prop_assert!(!Signature::from_bytes(&other).is_ok_and(|other| key.public_key().verify(&message, &other)));
    }

    #[test]
    fn both_signatures_of_a_pair_verify_and_have_one_replay_key(bytes in private_key(), message in any::<[u8; 8]>()) {
        let key = bytes.key();
        let signature = key.sign(&message);
        let mut negated = signature.to_bytes();
        negated[32..].copy_from_slice(&subtract_from_n(&signature.to_bytes()[32..]));
        let negated = Signature::from_bytes(&negated).unwrap();
        prop_assert_ne!(negated, signature);
        prop_assert!(key.public_key().verify(&message, &negated));
        prop_assert_eq!(negated.replay_key(), signature.replay_key());
    }

    #[test]
    fn a_token_is_read_back(format in format(), organization in short_id(), random in random()) {
        let instance = instance();
        let secret = format.generate(&organization, &instance, &random).unwrap();
        let parsed = parse(secret.expose(), [&format], &instance).unwrap();
        prop_assert_eq!(parsed.format, &format);
        prop_assert_eq!(parsed.organization, (format.body() == SecretFormat::Native).then_some(organization));
        prop_assert_eq!(parsed.digest, secret.digest());
        prop_assert_eq!(parsed.digest, Digest::of(secret.expose()));
        prop_assert!(secret.expose().starts_with(parsed.display_prefix));
        prop_assert_eq!(secret.expose().len(), format.token_len());
        // At least 24 digits or characters stay hidden.
        prop_assert!(parsed.display_prefix.len() + 24 <= secret.expose().len());
        prop_assert_eq!(parsed.digest.to_string().parse::<Digest>(), Ok(parsed.digest));
    }

    #[test]
    fn no_changed_bit_passes(format in format(), organization in short_id(), random in random()) {
        let instance = instance();
        let secret = format.generate(&organization, &instance, &random).unwrap();
        for at in 0..secret.expose().len() {
            for bit in 0..7 {
                let mut changed = secret.expose().as_bytes().to_vec();
                changed[at] ^= 1 << bit;
                let changed = String::from_utf8(changed).unwrap();
                let outcome = parse(&changed, [&format], &instance);
                let digit = changed.as_bytes()[at];
                match format.body() {
                    _ if at < format.prefix().len() => prop_assert_eq!(outcome, Err(TokenError::UnknownPrefix)),
                    SecretFormat::Native if BASE62.contains(&digit) => {
                        prop_assert_eq!(outcome, Err(TokenError::WrongChecksum));
                    }
                    SecretFormat::Hex(_) if matches!(digit, b'0'..=b'9' | b'a'..=b'f') => {
                        prop_assert_ne!(outcome.unwrap().digest, secret.digest());
                    }
                    _ => prop_assert_eq!(outcome, Err(TokenError::WrongAlphabet)),
                }
            }
        }
    }

    #[test]
    fn two_letters_that_changed_places_are_seen(
        organization in short_id(), random in random(), at in 8usize..55,
    ) {
        let (format, instance) = (Format::new("sym_pat_", SecretFormat::Native).unwrap(), instance());
        let secret = format.generate(&organization, &instance, &random).unwrap();
        let mut changed = secret.expose().as_bytes().to_vec();
        changed.swap(at, at + 1);
        let changed = String::from_utf8(changed).unwrap();
        let outcome = inspect(&changed, [&format]).err();
        prop_assert_eq!(outcome, (changed != secret.expose()).then_some(TokenError::WrongChecksum));
    }

    #[test]
    fn another_instance_knows_no_organisation_of_this_one(
        organization in short_id(), random in random(), other in any::<[u8; 32]>(),
    ) {
        let format = Format::new("sym_pat_", SecretFormat::Native).unwrap();
        let secret = format.generate(&organization, &instance(), &random).unwrap();
        let other = InstanceSecret::new(&other).unwrap();
        // The tag of another instance is the same once in 62^4.
        let same = format.generate(&organization, &other, &random).unwrap().expose() == secret.expose();
        let outcome = parse(secret.expose(), [&format], &other).map(|parsed| parsed.organization);
        prop_assert_eq!(outcome, if same { Ok(Some(organization)) } else { Err(TokenError::ForeignOrganization) });
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,300}") {
        let formats = [
            Format::new("sym_pat_", SecretFormat::Native).unwrap(), Format::new("dvg_", SecretFormat::Hex(64)).unwrap(),
        ];
        for text in [text.clone(), format!("sym_pat_{text}"), format!("dvg_{text}")] {
            prop_assert!(parse(&text, &formats, &instance()).is_err());
        }
        let _ = (text.parse::<PublicKey>(), PublicKey::from_stripped_hex(&text), PrivateKey::from_stripped_hex(&text));
        prop_assert!(PrivateKey::from_jwk(&text).is_err() && PrivateKey::from_pkcs8_pem(&text).is_err());
    }
}

/// Of whole bytes, as Go's `big.Int.Bytes` leaves them out.
fn without_leading_zeros(field: &[u8]) -> String {
    field.iter().skip_while(|byte| **byte == 0).map(|byte| format!("{byte:02x}")).collect()
}

/// n − s, by hand: the library's own arithmetic is what is tested.
fn subtract_from_n(s: &[u8]) -> [u8; 32] {
    let n = symbolon_tests::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut difference = [0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i16::from(n[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(digit < 0);
        difference[at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    difference
}
