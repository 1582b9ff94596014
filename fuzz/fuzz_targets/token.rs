//! Token strings: whatever is read as a token has the form that it says, and any text that nobody generated is refused
//! unless its checksum and tag are right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use symbolon::problem::Code;
use symbolon::token::{Digest, Format, InstanceSecret, MAX_CREDENTIAL_LEN, SecretFormat, inspect, parse};

static INSTANCE: LazyLock<InstanceSecret> = LazyLock::new(|| InstanceSecret::new(&[42; 32]).expect("32 bytes"));
static FORMATS: LazyLock<[Format; 4]> = LazyLock::new(|| {
    [
        ("a_", SecretFormat::Native),
        ("a_b_", SecretFormat::Native),
        ("h_", SecretFormat::Hex(32)),
        ("h_long_", SecretFormat::Hex(128)),
    ]
    .map(|(prefix, body)| Format::new(prefix, body).expect("a format"))
});

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        read(text);
        // A right prefix and length are rare in what a fuzzer makes, so each format's are put around it too.
        for format in FORMATS.iter() {
            let wanted = format.token_len() - format.prefix().len();
            read(&format!("{}{}", format.prefix(), text.chars().take(wanted).collect::<String>()));
        }
    }
    generate(data);
});

fn read(text: &str) {
    let inspected = inspect(text, FORMATS.iter());
    match parse(text, FORMATS.iter(), &INSTANCE) {
        Ok(parsed) => {
            let inspected = inspected.expect("what is read has the right form");
            assert_eq!(inspected.claimed_organization(), parsed.organization);
            assert!(text.is_ascii() && text.len() == parsed.format.token_len() && text.len() <= MAX_CREDENTIAL_LEN);
            assert!(text.starts_with(parsed.format.prefix()) && text.starts_with(parsed.display_prefix));
            assert_eq!(parsed.digest, Digest::of(text));
            assert_eq!(parsed.organization.is_some(), parsed.format.body() == SecretFormat::Native);
        }
        Err(error) => {
            assert!(matches!(error.code(), Code::MalformedCredential | Code::UnknownToken));
            assert_eq!(inspected.is_ok(), error.code() == Code::UnknownToken);
        }
    }
}

/// What is generated is read back, and with any one byte changed it is not the same token.
fn generate(random: &[u8]) {
    let organization = "Fuzz00".parse().expect("a short id");
    for format in FORMATS.iter() {
        let Ok(secret) = format.generate(&organization, &INSTANCE, random) else { continue };
        let parsed = parse(secret.expose(), FORMATS.iter(), &INSTANCE).expect("a token that was generated");
        assert_eq!(parsed.format, format);
        assert_eq!(parsed.digest, secret.digest());
        let (at, to) = (usize::from(random[0]) % secret.expose().len(), random[random.len() - 1] & 0x7f);
        let mut changed = secret.expose().as_bytes().to_vec();
        if changed[at] != to {
            changed[at] = to;
            let changed = String::from_utf8(changed).expect("ASCII");
            let outcome = parse(&changed, FORMATS.iter(), &INSTANCE);
            match format.body() {
                SecretFormat::Native => assert!(outcome.is_err(), "{changed}"),
                _ => assert!(outcome.is_err() || outcome.is_ok_and(|other| other.digest != secret.digest())),
            }
        }
    }
}
