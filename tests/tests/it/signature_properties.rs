//! What holds for every signed request: it verifies, and with one bit changed in what is covered it does not.

use proptest::prelude::*;
use symbolon::key::{PrivateKey, PublicKey};
use symbolon::signature::{
    AcceptSignature, BodyDigests, BodyPresence, Component, ContentDigest, Field, KeyId, Message, Policy, Request,
    RequestedSignature, Requirement, Selection, SignSpec, SignatureError, SignatureHeaders, Target, Verified, Window,
    parse_signatures, verify,
};
use symbolon::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn window() -> Window {
    Window {
        max_age_seconds: 60,
        max_lifetime_seconds: 300,
        max_ahead_seconds: 5,
        created: Requirement::Required,
        expires: Requirement::Required,
    }
}

/// A request that can be signed, and its signature once it is.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    url: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
    key: [u8; 32],
}

impl Sent {
    fn key(&self) -> PrivateKey {
        PrivateKey::from_random(&self.key).unwrap()
    }

    fn presence(&self) -> BodyPresence {
        if self.body.is_some() { BodyPresence::Present } else { BodyPresence::Absent }
    }

    fn with<T>(&self, use_it: impl FnOnce(&Message<'_>) -> T) -> Result<T, SignatureError> {
        let target = Target::parse(&self.url)?;
        let fields: Vec<Field<'_>> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        Ok(use_it(&Request { method: &self.method, target: &target, fields: &fields }.into()))
    }

    fn sign(&mut self, nonce: &str) -> SignatureHeaders {
        let key = self.key();
        let thumbprint = key.public_key().thumbprint();
        let key_id = KeyId::Native { organization: "Ab3xZ9".parse().unwrap(), thumbprint };
        let spec = |message: &Message<'_>| SignSpec::native(message, self.presence(), &key_id, NOW, 60, nonce);
        let headers = self.with(|message| spec(message).sign(message, &key)).unwrap().unwrap();
        self.fields.push(("Signature-Input".to_owned(), headers.signature_input.clone().into_bytes()));
        self.fields.push(("Signature".to_owned(), headers.signature.clone().into_bytes()));
        headers
    }

    fn verify(&self, key: PublicKey) -> Result<Verified, SignatureError> {
        let (body, policy) = (self.body.as_deref(), Policy::native(window()));
        self.with(|message| verify(message, body, &Selection::NATIVE, &policy, NOW, |_| Some(key)))?
    }
}

fn target() -> impl Strategy<Value = String> {
    // Segments that begin with a letter are no dot segments.
    let path = prop::collection::vec("[a-z]([a-zA-Z0-9._~:@!$&()*+,;=|-]|%[0-9A-F]{2}){0,8}", 0..4);
    let query = prop::option::of("([a-zA-Z0-9._~!$&()*+,;=:@/?|{}^-]|%[0-9a-f]{2}){0,24}");
    let host = "[a-z]([a-z0-9-]{0,10}\\.)?[a-z]{2,5}(:[1-9][0-9]{0,3})?";
    (host, path, query).prop_map(|(host, path, query)| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("https://{host}/{}{query}", path.join("/"))
    })
}

fn request() -> impl Strategy<Value = Sent> {
    let body = prop::option::of(prop::collection::vec(any::<u8>(), 0..64));
    let key = any::<[u8; 32]>().prop_filter("a scalar in range", |key| PrivateKey::from_random(key).is_ok());
    let content_type = prop::option::of("[a-z]{1,8}/[a-z]{1,8}(; charset=[a-z0-9-]{1,8})?");
    let encoding = prop::option::of("(gzip|br)");
    ("[A-Z]{1,8}", target(), body, key, content_type, encoding).prop_map(|(method, url, body, key, kind, encoding)| {
        let mut fields = vec![("Host".to_owned(), b"elsewhere.example".to_vec())];
        if let Some(body) = &body {
            fields.push(("Content-Digest".to_owned(), BodyDigests::sha256(body).to_field().into_bytes()));
            let sent = [("Content-Type", kind), ("Content-Encoding", encoding)].into_iter();
            fields.extend(sent.filter_map(|(name, value)| Some((name.to_owned(), value?.into_bytes()))));
        }
        Sent { method, url, fields, body, key }
    })
}

/// One bit of some text or bytes, chosen by a number without bound.
fn flip(bytes: &mut [u8], choice: usize) {
    if let Some(at) = (choice / 8).checked_rem(bytes.len()) {
        bytes[at] ^= 1 << (choice % 8);
    }
}

/// As [`flip`], of a text that stays one: seven bits of ASCII.
fn flip_text(text: &mut String, choice: usize) {
    let mut bytes = std::mem::take(text).into_bytes();
    let at = (choice / 7) % bytes.len();
    bytes[at] ^= 1 << (choice % 7);
    *text = String::from_utf8(bytes).unwrap();
}

fn component() -> impl Strategy<Value = Component> {
    prop_oneof![
        prop::sample::select(&["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path"][..])
            .prop_map(str::to_owned),
        "[a-z0-9-]{1,12}",
        "\"[a-z0-9-]{1,12}\"(;sf|;bs|;key=\"[ -!#-\\[\\]-~]{0,8}\"|;sf;req|;req;bs)?",
        "\"@query-param\";name=\"[a-zA-Z0-9%._-]{0,8}\"(;req)?",
    ]
    .prop_map(|text| text.parse().unwrap())
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[ -~]{0,16}")
}

proptest! {
    #[test]
    fn what_is_signed_verifies(mut sent in request(), nonce in "[ -~]{1,32}") {
        sent.sign(&nonce);
        let verified = sent.verify(sent.key().public_key()).unwrap();
        prop_assert_eq!(verified.input().nonce(), Some(nonce.as_str()));
        prop_assert_eq!(verified.content_digest().is_some(), sent.body.is_some());
        prop_assert_eq!(verified.replayable_until(), NOW.plus_seconds(60));
    }

    #[test]
    fn another_key_does_not_do(mut sent in request(), other in request()) {
        prop_assume!(sent.key != other.key);
        sent.sign("n");
        prop_assert_eq!(sent.verify(other.key().public_key()), Err(SignatureError::Mismatch));
    }

    #[test]
    fn one_changed_bit_is_refused(mut sent in request(), part in 0..6_usize, choice in any::<usize>()) {
        let headers = sent.sign("n");
        let original = sent.clone();
        match part {
            0 => flip_text(&mut sent.method, choice),
            1 => flip_text(&mut sent.url, choice),
            // What is covered of the fields stands between `Host` and the two fields of the signature.
            2 => {
                let last = sent.fields.len() - 2;
                let covered = &mut sent.fields[1..last];
                if let Some(at) = (choice / 1024).checked_rem(covered.len()) {
                    flip(&mut covered[at].1, choice);
                }
            }
            3 => flip(sent.body.as_deref_mut().unwrap_or_default(), choice),
            4 => {
                let at = sent.fields.len() - 2;
                flip(&mut sent.fields[at].1, choice);
            }
            _ => {
                let mut bytes = sent.with(|message| {
                    let candidate = parse_signatures(message).unwrap().select(&Selection::NATIVE).unwrap();
                    let body = sent.presence();
                    candidate.check(message, body, &Policy::native(window()), NOW).unwrap().signature().to_bytes()
                }).unwrap();
                flip(&mut bytes, choice);
                // Made with the other signature's bytes, and by no other means.
                let base = sent.with(|message| {
                    let input = parse_signatures(message).unwrap().select(&Selection::NATIVE).unwrap().input().clone();
                    let spec = SignSpec {
                        label: "sig".to_owned(),
                        components: input.components().to_vec(),
                        parameters: input.parameters().to_vec(),
                    };
                    spec.prepare(message).unwrap()
                }).unwrap();
                prop_assert_eq!(&base.attach(&bytes).signature_input, &headers.signature_input);
                sent.fields.pop();
                sent.fields.push(("Signature".to_owned(), base.attach(&bytes).signature.into_bytes()));
            }
        }
        // Some requests have nothing there to change, and the case of a host is none.
        let same_target = Target::parse(&sent.url) == Target::parse(&original.url);
        let same = sent.method == original.method
            && same_target
            && sent.fields == original.fields
            && sent.body == original.body;
        prop_assert_eq!(sent.verify(sent.key().public_key()).is_ok(), same, "{:?}", sent);
    }

    #[test]
    fn a_target_is_read_as_it_is_printed(url in target()) {
        let target = Target::parse(&url).unwrap();
        prop_assert_eq!(Target::parse(&target.to_string()), Ok(target.clone()));
        prop_assert_eq!(
            Target::from_origin_form(target.scheme(), target.authority(), &target.request_target()),
            Ok(target.clone())
        );
    }

    #[test]
    fn a_component_is_read_as_it_is_printed(component in component()) {
        prop_assert_eq!(component.to_string().parse(), Ok(component));
    }

    #[test]
    fn what_is_asked_for_is_read_as_it_is_printed(
        components in prop::collection::vec(component(), 0..6),
        flags in any::<(bool, bool)>(),
        texts in (text(), text(), text(), text()),
        label in "[a-z*][a-z0-9_.*-]{0,8}",
    ) {
        let mut unique: Vec<Component> = Vec::new();
        for component in components {
            if !unique.contains(&component) {
                unique.push(component);
            }
        }
        let (nonce, alg, key_id, tag) = texts;
        let requested =
            RequestedSignature { components: unique, created: flags.0, expires: flags.1, nonce, alg, key_id, tag };
        let accept = AcceptSignature::one(&label, requested);
        prop_assert_eq!(AcceptSignature::parse(&accept.to_string()), Ok(accept));
    }

    #[test]
    fn a_digest_is_read_as_it_is_printed(body in prop::collection::vec(any::<u8>(), 0..64), other in any::<[u8; 64]>()) {
        let sha256 = BodyDigests::sha256(&body);
        let both = BodyDigests { sha512: Some(other), ..sha256 };
        prop_assert_eq!(ContentDigest::parse(&sha256.to_field()).unwrap().check(&both), Ok(()));
        prop_assert_eq!(ContentDigest::parse(&both.to_field()).unwrap().check(&both), Ok(()));
        prop_assert!(ContentDigest::parse(&both.to_field()).unwrap().check(&sha256).is_err());
    }

    #[test]
    fn nothing_that_is_received_panics(method in ".*", url in ".*", name in ".*", value in any::<Vec<u8>>()) {
        let _ = Target::parse(&url);
        let _ = name.parse::<Component>();
        let target = Target::parse("https://example.com/").unwrap();
        let fields: [Field<'_>; 4] =
            [("signature-input", &value), ("signature", name.as_bytes()), ("x", &value), ("content-digest", &value)];
        let message = Message::from(Request { method: &method, target: &target, fields: &fields });
        let _ = parse_signatures(&message);
        let _ = ContentDigest::of_fields(&fields, "content-digest");
        for component in ["\"x\";sf", "\"x\";bs", "\"x\";key=\"a\"", "\"@query-param\";name=\"a\""] {
            let _ = component.parse::<Component>().unwrap().value(&message);
        }
    }
}
