//! The rules of a policy, one by one, on a request signed the native way.

use symbolon::key::PrivateKey;
use symbolon::policy::SignatureRules;
use symbolon::problem::Code;
use symbolon::signature::{
    BodyDigests, BodyPresence, Component, Field, KeyId, Labels, Message, Parameter, Policy, ReplayKey, Request,
    Requirement, Selection, SignSpec, SignatureError, SignatureHeaders, Target, Verified, Window, parse_signatures,
    verify,
};

use crate::wire::at;

const KEY: [u8; 32] = [7; 32];
const CREATED: i64 = 1_700_000_000;
const BODY: &[u8] = br#"{"name":"ci"}"#;

fn window() -> Window {
    Window {
        max_age_seconds: 60,
        max_lifetime_seconds: 300,
        max_ahead_seconds: 5,
        created: Requirement::Required,
        expires: Requirement::Optional,
    }
}

fn key() -> PrivateKey {
    PrivateKey::from_random(&KEY).unwrap()
}

type Edit<'a> = &'a dyn Fn(&mut SignSpec);

/// Signs a request with a body after `edit` has changed what is to be signed, and verifies it after `change`.
struct Case<'a> {
    edit: Edit<'a>,
    more: &'a [Field<'a>],
    policy: Policy,
    selection: Selection<'a>,
    seconds: i64,
}

impl Case<'_> {
    fn new() -> Self {
        let policy = Policy::native(window());
        Self { edit: &|_| {}, more: &[], policy, selection: Selection::NATIVE, seconds: 0 }
    }

    fn run(&self) -> Result<Verified, SignatureError> {
        let target = Target::parse("https://api.example.com/v1/tokens?dry=1").unwrap();
        let digest = BodyDigests::sha256(BODY).to_field();
        let mut fields: Vec<Field<'_>> =
            vec![("content-type", b"application/json"), ("content-digest", digest.as_bytes())];
        let headers: SignatureHeaders = {
            let message = Message::from(Request { method: "POST", target: &target, fields: &fields });
            let key_id = KeyId::Thumbprint(key().public_key().thumbprint());
            let mut spec = SignSpec::native(&message, BodyPresence::Present, &key_id, at(CREATED), 60, "n-1");
            (self.edit)(&mut spec);
            spec.sign(&message, &key())?
        };
        fields.push(("signature-input", headers.signature_input.as_bytes()));
        fields.push(("signature", headers.signature.as_bytes()));
        fields.extend_from_slice(self.more);
        let message = Message::from(Request { method: "POST", target: &target, fields: &fields });
        let now = at(CREATED + self.seconds);
        verify(&message, Some(BODY), &self.selection, &self.policy, now, |_| Some(key().public_key()))
    }

    fn code(&self) -> Result<(), Code> {
        self.run().map(|_| ()).map_err(|error| error.code())
    }
}

fn without(spec: &mut SignSpec, name: &str) {
    spec.parameters.retain(|parameter| {
        let found = match parameter {
            Parameter::Created(_) => "created",
            Parameter::Expires(_) => "expires",
            Parameter::Nonce(_) => "nonce",
            Parameter::KeyId(_) => "keyid",
            Parameter::Tag(_) => "tag",
            _ => "",
        };
        found != name
    });
}

#[test]
fn the_native_form_satisfies_the_native_policy() {
    let verified = Case::new().run().unwrap();
    assert_eq!(
        verified.input().as_str(),
        format!(
            "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\" \"content-type\");created=1700000000;\
             expires=1700000060;nonce=\"n-1\";keyid=\"{}\";tag=\"symbolon\"",
            key().public_key().thumbprint()
        )
    );
    assert_eq!(verified.replay_key(), &ReplayKey::Nonce("n-1".to_owned()));
    assert_eq!(verified.replayable_until(), at(CREATED + 60));
    assert_eq!(verified.key_id(), Some(KeyId::Thumbprint(key().public_key().thumbprint())));
}

#[test]
fn what_is_not_covered_is_named() {
    for name in ["@method", "@authority", "@path", "@query", "content-digest", "content-type"] {
        let edit = |spec: &mut SignSpec| spec.components.retain(|component| component.name() != name);
        let components = vec![format!("\"{name}\"")];
        assert_eq!(Case { edit: &edit, ..Case::new() }.run(), Err(SignatureError::Uncovered { components }));
    }
    // A field that somebody added on the way changes what the body means.
    let components = vec!["\"content-encoding\"".to_owned()];
    let added = Case { more: &[("Content-Encoding", b"gzip")], ..Case::new() }.run();
    assert_eq!(added, Err(SignatureError::Uncovered { components }));
}

#[test]
fn one_key_of_a_field_is_not_the_field() {
    let edit = |spec: &mut SignSpec| {
        spec.components.retain(|component| component.name() != "content-digest");
        spec.components.push("\"content-digest\";key=\"sha-256\"".parse().unwrap());
    };
    assert_eq!(Case { edit: &edit, ..Case::new() }.code(), Err(Code::SignatureInvalid));
    for whole in ["\"content-digest\";sf", "\"content-digest\";bs"] {
        let edit = |spec: &mut SignSpec| {
            spec.components.retain(|component| component.name() != "content-digest");
            spec.components.push(whole.parse().unwrap());
        };
        assert_eq!(Case { edit: &edit, ..Case::new() }.code(), Ok(()), "{whole}");
    }
}

#[test]
fn parameters_are_demanded_as_the_policy_says() {
    for name in ["created", "nonce", "keyid"] {
        let edit = |spec: &mut SignSpec| without(spec, name);
        assert_eq!(Case { edit: &edit, ..Case::new() }.run(), Err(SignatureError::MissingParameter { name }));
    }
    for name in ["expires", "tag"] {
        let edit = |spec: &mut SignSpec| without(spec, name);
        assert_eq!(Case { edit: &edit, ..Case::new() }.code(), Ok(()), "{name}");
    }
    let empty = |spec: &mut SignSpec| {
        without(spec, "nonce");
        spec.parameters.push(Parameter::Nonce(String::new()));
    };
    assert_eq!(Case { edit: &empty, ..Case::new() }.code(), Err(Code::SignatureInvalid));
    let optional = Policy { nonce: Requirement::Optional, ..Policy::native(window()) };
    let replay = Case { edit: &empty, policy: optional, ..Case::new() }.run().unwrap();
    assert!(matches!(replay.replay_key(), ReplayKey::Signature(_)));
    let tagged = Policy { tag: Some("other".to_owned()), ..Policy::native(window()) };
    assert_eq!(Case { policy: tagged, ..Case::new() }.run(), Err(SignatureError::Unexpected { what: "tag" }));
    let labelled = Policy { labels: Labels::OneOf(vec!["sig77".to_owned()]), ..Policy::native(window()) };
    assert_eq!(Case { policy: labelled, ..Case::new() }.run(), Err(SignatureError::Unexpected { what: "label" }));
    let alg = |spec: &mut SignSpec| spec.parameters.push(Parameter::Alg("ed25519".to_owned()));
    assert_eq!(
        Case { edit: &alg, ..Case::new() }.run(),
        Err(SignatureError::Algorithm { found: "ed25519".to_owned() })
    );
}

#[test]
fn the_window_counts_from_created_and_is_capped() {
    let expires = |at: i64| {
        move |spec: &mut SignSpec| {
            without(spec, "expires");
            spec.parameters.push(Parameter::Expires(at));
        }
    };
    let none = |spec: &mut SignSpec| without(spec, "expires");
    let edits: [(Edit<'_>, i64); 4] =
        [(&|_| {}, 60), (&none, 60), (&expires(CREATED + 86_400), 300), (&expires(CREATED + 20), 20)];
    for (edit, end) in edits {
        let at_the_end = Case { edit, seconds: end, ..Case::new() }.run().unwrap();
        assert_eq!(at_the_end.replayable_until(), at(CREATED + end));
        let stale = SignatureError::Stale { end: at(CREATED + end), now: at(CREATED + end + 1) };
        assert_eq!(Case { edit, seconds: end + 1, ..Case::new() }.run(), Err(stale));
    }
    assert_eq!(Case { seconds: -5, ..Case::new() }.code(), Ok(()));
    assert_eq!(Case { seconds: -6, ..Case::new() }.code(), Err(Code::SignatureStale));
    assert_eq!(Case { edit: &expires(CREATED - 1), ..Case::new() }.code(), Err(Code::SignatureStale));
}

#[test]
fn without_created_the_end_must_be_near() {
    let edit = |spec: &mut SignSpec| without(spec, "created");
    let optional = Window { created: Requirement::Optional, ..window() };
    let case = Case { edit: &edit, policy: Policy::native(optional), ..Case::new() };
    assert_eq!(case.run().unwrap().replayable_until(), at(CREATED + 60));
    let far = |spec: &mut SignSpec| {
        spec.parameters.retain(|one| !matches!(one, Parameter::Created(_) | Parameter::Expires(_)));
        spec.parameters.push(Parameter::Expires(CREATED + 301));
    };
    let policy = Policy::native(optional);
    let refused = Err(SignatureError::MissingParameter { name: "created" });
    assert_eq!(Case { edit: &far, policy: policy.clone(), ..Case::new() }.run(), refused);
    let neither = |spec: &mut SignSpec| {
        spec.parameters.retain(|one| !matches!(one, Parameter::Created(_) | Parameter::Expires(_)));
    };
    assert_eq!(Case { edit: &neither, policy, ..Case::new() }.run(), refused);
}

const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ==";

#[test]
fn of_several_signatures_the_tag_and_then_the_label_decide() {
    let signature = format!("other=:{OTHER}:");
    let other = |input: &'static str| [("Signature-Input", input.as_bytes()), ("Signature", signature.as_bytes())];
    // Ours has the tag.
    for input in ["other=()", "other=();tag=\"theirs\"", "other=(\"@nothing\")", "other=();alg=\"ed25519\""] {
        assert_eq!(Case { more: &other(input), ..Case::new() }.code(), Ok(()), "{input}");
    }
    // Both have it: two credentials.
    let labels = vec!["sig".to_owned(), "other".to_owned()];
    let both = other("other=();tag=\"symbolon\"");
    assert_eq!(Case { more: &both, ..Case::new() }.run(), Err(SignatureError::Ambiguous { labels }));
    let by_label = Selection { label: Some("sig"), ..Selection::NATIVE };
    assert_eq!(Case { more: &both, selection: by_label, ..Case::new() }.code(), Ok(()));
    // Without a tag, an untagged one goes before one made for something else.
    let untagged = |spec: &mut SignSpec| without(spec, "tag");
    let theirs = other("other=();tag=\"theirs\"");
    assert_eq!(Case { edit: &untagged, more: &theirs, ..Case::new() }.code(), Ok(()));
}

#[test]
fn the_fields_of_the_signature_must_agree() {
    let alone: [Field<'_>; 1] = [("Signature-Input", b"other=()")];
    assert_eq!(
        Case { more: &alone, ..Case::new() }.run(),
        Err(SignatureError::UnmatchedLabel { label: "other".to_owned(), missing_in: "signature" })
    );
    let alone: [Field<'_>; 1] = [("Signature", b"other=:AAAA:")];
    assert_eq!(
        Case { more: &alone, ..Case::new() }.run(),
        Err(SignatureError::UnmatchedLabel { label: "other".to_owned(), missing_in: "signature-input" })
    );
    let twice: [Field<'_>; 1] = [("Signature-Input", b"sig=()")];
    assert_eq!(Case { more: &twice, ..Case::new() }.code(), Err(Code::MalformedCredential));
    let target = Target::parse("https://example.com/").unwrap();
    let message = Message::from(Request { method: "GET", target: &target, fields: &[] });
    assert_eq!(parse_signatures(&message).err(), Some(SignatureError::Missing));
    assert_eq!(SignatureError::Missing.code(), Code::MissingCredential);
}

#[test]
fn the_order_of_a_components_parameters_is_kept_and_does_not_tell_components_apart() {
    let one: Component = "\"a\";sf;key=\"b\"".parse().unwrap();
    let other: Component = "\"a\";key=\"b\";sf".parse().unwrap();
    assert_eq!(one, other);
    assert_eq!((one.to_string(), other.to_string()), ("\"a\";sf;key=\"b\"".into(), "\"a\";key=\"b\";sf".into()));
    let edit = |spec: &mut SignSpec| {
        spec.components.extend([one.clone(), other.clone()]);
    };
    assert_eq!(Case { edit: &edit, ..Case::new() }.code(), Err(Code::MalformedCredential));
}

#[test]
fn what_is_no_component_is_refused() {
    for text in [
        "",
        "@nothing",
        "@signature-params",
        "Content-Type",
        "a b",
        "\"a\";tr",
        "\"a\";bs;sf",
        "\"a\";bs;key=\"b\"",
        "\"a\";sf=?0",
        "\"a\";sf=1",
        "\"a\";name=\"b\"",
        "\"a\";sf;sf",
        "\"a\";unknown",
        "\"@method\";sf",
        "\"@method\";name=\"a\"",
        "\"@query-param\"",
        "\"@query-param\";name=a",
        "\"@status\";req",
        "\"a\" \"b\"",
        "\"a\"), b=(\"c\"",
    ] {
        assert!(text.parse::<Component>().is_err(), "{text}");
    }
}

#[test]
fn query_parameters_are_parsed_as_a_form_and_encoded_again() {
    let value = |query: &str, name: &str| {
        let target = Target::parse(&format!("https://example.com/?{query}")).unwrap();
        let message = Message::from(Request { method: "GET", target: &target, fields: &[] });
        let component: Component = format!("\"@query-param\";name=\"{name}\"").parse().unwrap();
        component.value(&message).ok()
    };
    for (query, name, expected) in [
        ("a=b", "a", Some("b")),
        ("a=%7e~%2a*!%28", "a", Some("%7E%7E%2A%2A%21%28")),
        ("a+b=c+d", "a%20b", Some("c%20d")),
        ("%61=1", "a", Some("1")),
        ("a", "a", Some("")),
        ("a=b=c", "a", Some("b%3Dc")),
        ("&&a=1&", "a", Some("1")),
        ("a=%0A%22", "a", Some("%0A%22")),
        // Twice, in whatever spelling; absent; not UTF-8.
        ("a=1&%61=2", "a", None),
        ("b=1", "a", None),
        ("a=%FF", "a", None),
    ] {
        assert_eq!(value(query, name).as_deref(), expected, "{query}");
    }
}

#[test]
fn a_refusal_says_what_to_sign() {
    let target = Target::parse("https://api.example.com/v1/tokens").unwrap();
    let fields: [Field<'_>; 1] = [("Content-Type", b"application/json")];
    let message = Message::from(Request { method: "POST", target: &target, fields: &fields });
    let policy = Policy::native(window());
    assert_eq!(
        policy.accept_signature(&message, BodyPresence::Present, None).to_string(),
        "sig=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\" \"content-type\");created;\
         alg=\"ecdsa-p256-sha256\";tag=\"symbolon\""
    );
    assert_eq!(
        policy.accept_signature(&message, BodyPresence::Absent, Some("n")).to_string(),
        "sig=(\"@method\" \"@authority\" \"@path\" \"@query\");created;nonce=\"n\";alg=\"ecdsa-p256-sha256\";\
         tag=\"symbolon\""
    );
}

#[test]
fn a_kinds_rules_become_a_policy() {
    let policy = Policy::try_from(&SignatureRules::default()).unwrap();
    let native = Policy { nonce: Requirement::Optional, key_id: Requirement::Optional, ..Policy::native(window()) };
    assert_eq!(policy, native);
    let devguard = SignatureRules {
        components: vec!["@method".to_owned(), "content-digest".to_owned()],
        components_with_body: vec!["x-tenant".to_owned()],
        labels: vec!["sig77".to_owned()],
        ..SignatureRules::default()
    };
    let policy = Policy::try_from(&devguard).unwrap();
    assert_eq!(policy.labels, Labels::OneOf(vec!["sig77".to_owned()]));
    assert_eq!(policy.with_body, ["x-tenant".parse().unwrap()]);
    assert!(policy.with_body_if_sent.is_empty());
    let wrong = SignatureRules { components: vec!["@nothing".to_owned()], ..SignatureRules::default() };
    assert!(Policy::try_from(&wrong).is_err());
}
