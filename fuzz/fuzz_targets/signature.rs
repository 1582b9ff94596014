//! Signed messages: nothing that is received panics, and what is read is written and read back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use symbolon::signature::{
    AcceptSignature, BodyPresence, Component, Field, KeyId, Labels, Message, Policy, Request, Requirement, Selection,
    SignSpec, Target, Window, parse_signatures,
};
use symbolon::time::Timestamp;

/// Demands nothing, at a time at which everything is good that says when it was made.
fn policy() -> Policy {
    Policy {
        always: Vec::new(),
        with_body: Vec::new(),
        with_body_if_sent: Vec::new(),
        labels: Labels::Any,
        tag: None,
        nonce: Requirement::Optional,
        key_id: Requirement::Optional,
        window: Window {
            max_age_seconds: u32::MAX,
            max_lifetime_seconds: u32::MAX,
            max_ahead_seconds: u32::MAX,
            created: Requirement::Optional,
            expires: Requirement::Optional,
        },
    }
}

fn message(message: &Message<'_>) {
    let Ok(candidates) = parse_signatures(message) else { return };
    let labels: Vec<String> = candidates.labels().map(str::to_owned).collect();
    for label in labels {
        let selection = Selection { tag: None, label: Some(&label) };
        let Ok(candidate) = candidates.clone().select(&selection) else { continue };
        let input = candidate.input().clone();
        if let Some(key_id) = input.key_id() {
            assert_eq!(KeyId::from(key_id).to_string(), key_id);
        }
        let Ok(pending) = candidate.check(message, BodyPresence::Absent, &policy(), Timestamp::EPOCH) else { continue };
        // What was received is what we would have signed, to the byte.
        let spec = SignSpec {
            label,
            components: input.components().to_vec(),
            parameters: input.parameters().to_vec(),
        };
        if let Ok(base) = spec.prepare(message) {
            assert_eq!(base.as_bytes(), pending.base());
        }
    }
}

fuzz_target!(|data: &[u8]| {
    // Method, URL and field lines, one a line; a line without a colon is a field of no value.
    let mut pieces = data.split(|byte| *byte == b'\n');
    let (method, url) = (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
    let (Ok(method), Ok(url)) = (core::str::from_utf8(method), core::str::from_utf8(url)) else { return };
    let fields: Vec<Field<'_>> = pieces
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (name, value) = line.split_at(at);
            Some((core::str::from_utf8(name).ok()?, value.get(1..).unwrap_or_default()))
        })
        .collect();
    if let Ok(target) = Target::parse(url) {
        assert_eq!(Target::parse(&target.to_string()), Ok(target.clone()));
        message(&Request { method, target: &target, fields: &fields }.into());
    }
    let target = Target::parse("https://example.com/a?b=c&d=%20").expect("is canonical");
    message(&Request { method: "GET", target: &target, fields: &fields }.into());
    for text in [method, url] {
        if let Ok(component) = text.parse::<Component>() {
            assert_eq!(component.to_string().parse(), Ok(component));
        }
        if let Ok(accept) = AcceptSignature::parse(text) {
            assert_eq!(AcceptSignature::parse(&accept.to_string()), Ok(accept));
        }
    }
});
