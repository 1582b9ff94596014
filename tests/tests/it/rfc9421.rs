//! RFC 9421's own examples: the value of each component, signature bases, and whole messages signed with P-256.

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use symbolon::key::{PrivateKey, Signature};
use symbolon::signature::{
    BodyDigests, Component, Field, KeyCheck, Message, P256Verifier, Request, RustCrypto, SignSpec, Target,
    signature_base,
};
use symbolon_tests::{Tally, run};

use crate::wire::{Line, Text, at, lenient, lines, select};

#[derive(Deserialize)]
struct Tests<T> {
    tests: Vec<T>,
}

#[derive(Deserialize)]
struct ComponentVector {
    section: String,
    method: String,
    url: String,
    headers: Vec<Line>,
    component: String,
    value: String,
}

#[test]
fn components() {
    run("rfc9421/rfc9421_components.json", |file: Tests<ComponentVector>, tally| {
        for vector in file.tests {
            let target = Target::parse(&vector.url).unwrap();
            let fields = lines(&vector.headers);
            let message = Message::from(Request { method: &vector.method, target: &target, fields: &fields });
            let component: Component = vector.component.parse().unwrap();
            let id = format!("{} {} {}", vector.section, vector.component, vector.url);
            tally.check(&id, component.to_string(), vector.component);
            tally.check(&id, component.value(&message), Ok(vector.value));
        }
    });
}

#[derive(Deserialize)]
struct SignatureVector {
    section: String,
    line: u32,
    label: String,
    alg: String,
    signature_input: String,
    signature_b64: String,
    signature_base: String,
    message: Option<String>,
}

/// The request that RFC 9421 works with from section 2.4 on, and in its appendix B.2.
const REQUEST: &str = "POST /foo?param=Value&Pet=dog HTTP/1.1\nHost: example.com\nDate: Tue, 20 Apr 2021 02:07:55 GMT\n\
    Content-Type: application/json\nContent-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIi\
    Yllu7BNNyealdVLvRwEmTHWXvJwew==:\nContent-Length: 18";

/// The response of appendix B.2, with the digest that its signature covers.
const RESPONSE: &str = "HTTP/1.1 200 OK\nDate: Tue, 20 Apr 2021 02:07:56 GMT\nContent-Type: application/json\n\
    Content-Digest: sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n\
    Content-Length: 23";

#[derive(Deserialize)]
struct P256File {
    key: P256Key,
    tests: Vec<P256Vector>,
}

#[derive(Deserialize)]
struct P256Key {
    jwk: serde_json::Value,
}

#[derive(Deserialize)]
struct P256Vector {
    id: String,
    label: String,
    start_line: String,
    headers: Vec<Line>,
    body: String,
    signature_base: String,
    signature_b64: String,
    expect: String,
    request: Option<P256Request>,
}

#[derive(Deserialize)]
struct P256Request {
    start_line: String,
    headers: Vec<Line>,
}

fn bytes(base64: &str) -> Vec<u8> {
    Base64::decode_vec(base64).unwrap()
}

/// Whether the two fields of a signature, put into a message, lead to the base that the RFC prints.
fn rebuilt(message: &Message<'_>, input: &str, signature: &str, label: &str) -> Result<String, String> {
    let said = |error: symbolon::signature::SignatureError| error.to_string();
    let mut fields: Vec<Field<'_>> = message.fields().to_vec();
    fields.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("signature"));
    fields.push(("Signature-Input", input.as_bytes()));
    fields.push(("Signature", signature.as_bytes()));
    let message = match *message {
        Message::Request(request) => Request { fields: &fields, ..request }.into(),
        Message::Response(response) => symbolon::signature::Response { fields: &fields, ..response }.into(),
    };
    // `select` demands a P-256 signature, so those of other algorithms are given its shape and no `alg`.
    let candidate = select(&message, label).map_err(said)?;
    signature_base(&message, candidate.input()).map_err(said)
}

#[test]
fn signatures() {
    let key = std::cell::OnceCell::new();
    run("rfc9421/rfc9421_p256_vectors.json", |file: P256File, tally| {
        let private = PrivateKey::from_jwk(&file.key.jwk.to_string()).unwrap();
        tally.check("the key", private.public_key().to_hex().len(), 128);
        key.set(private.public_key()).unwrap();
    });
    let Some(key) = key.get() else { return };
    run("rfc9421/rfc9421_signatures.json", |file: Tests<SignatureVector>, tally| {
        for vector in file.tests {
            let id = format!("{} ({}, line {})", vector.label, vector.section, vector.line);
            if vector.alg == "ecdsa-p256-sha256" {
                let signature = Signature::from_bytes(&bytes(&vector.signature_b64)).unwrap();
                let answer = RustCrypto.verify(key, vector.signature_base.as_bytes(), &signature);
                tally.check(format!("{id}, signature"), answer, KeyCheck::Matches);
            } else {
                tally.skip(format!("{id}, signature"), "of another algorithm: its base alone is checked");
            }
            check_base(&vector, &id, tally);
        }
    });
}

fn check_base(vector: &SignatureVector, id: &str, tally: &mut Tally) {
    let text = match vector.message.as_deref() {
        Some(message) => Text::parse(message),
        None if vector.signature_base.starts_with("\"@status\"") => Text::parse(RESPONSE),
        None => Text::parse(REQUEST),
    };
    // An all-ones signature has the shape of P-256's; `alg` is named in one input, and would be refused.
    let shape = format!("{}=:{}:", vector.label, Base64::encode_string(&[1; 64]));
    let member = format!("{}=(", vector.label);
    let start = vector.signature_input.find(&member).unwrap();
    let input = &vector.signature_input[start..];
    let known = input.replace("alg=\"rsa-v1_5-sha256\"", "alg=\"ecdsa-p256-sha256\"");
    let answered = Text::parse(REQUEST);
    let base = text.view(Some(&answered), |message| rebuilt(message, &known, &shape, &vector.label));
    let base =
        base.map(|base| if known == input { base } else { base.replace("ecdsa-p256-sha256", "rsa-v1_5-sha256") });
    // Of the section on transformations, the last two messages are those whose signature no longer holds: the method and
    // the authority, or the order of the lines of `accept`, were changed.
    let changed = vector.label == "transform" && changes_what_is_covered(&text);
    tally.check(format!("{id}, base"), base.as_deref() == Ok(vector.signature_base.as_str()), !changed);
}

fn changes_what_is_covered(text: &Text) -> bool {
    let accept: Vec<&str> = text.fields.iter().filter(|line| line.0 == "Accept").map(|line| line.1.trim()).collect();
    text.method() != "GET" || text.target().authority() != "example.org" || accept.join(", ") != "application/json, */*"
}

#[test]
fn whole_messages_signed_with_p256() {
    run("rfc9421/rfc9421_p256_vectors.json", |file: P256File, tally| {
        let private = PrivateKey::from_jwk(&file.key.jwk.to_string()).unwrap();
        let key = private.public_key();
        for vector in file.tests {
            let text = Text { start: vector.start_line, fields: vector.headers };
            let request = vector.request.map(|it| Text { start: it.start_line, fields: it.headers });
            text.view(request.as_ref(), |message| {
                let id = &vector.id;
                let candidate = select(message, &vector.label).unwrap();
                let now = at(candidate.input().created().unwrap());
                let base = signature_base(message, candidate.input()).unwrap();
                tally.check(format!("{id}, base"), &base, &vector.signature_base);

                // One of them covers no content, so it is held against the policy as if there were none.
                let covers_body = base.contains("\"content-digest\": ");
                let body = if covers_body { vector.body.as_bytes() } else { b"" };
                let pending = candidate.check(message, crate::wire::presence(body), &lenient(), now).unwrap();
                let digests = pending.digest().map(|digest| BodyDigests::for_field(digest, body)).unwrap_or_default();
                let signature = pending.signature().to_bytes();
                tally.check(format!("{id}, signature"), signature.to_vec(), bytes(&vector.signature_b64));
                let verified = pending.verify(&RustCrypto, &key, &digests);
                tally.check(id, verified.is_ok(), vector.expect == "valid");

                // Our own signature over the same components differs (RFC 6979), and verifies.
                let input = select(message, &vector.label).unwrap().input().clone();
                let spec = SignSpec {
                    label: "ours".to_owned(),
                    components: input.components().to_vec(),
                    parameters: input.parameters().to_vec(),
                };
                let prepared = spec.prepare(message).unwrap();
                tally.check(format!("{id}, prepared"), prepared.as_bytes() == base.as_bytes(), true);
                let ours = key.verify(prepared.as_bytes(), &private.sign(prepared.as_bytes()));
                tally.check(format!("{id}, signed anew"), ours, true);
            });
        }
    });
}
