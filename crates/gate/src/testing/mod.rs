//! The outside of a gate, in memory and failing on demand, and things to test with.

mod world;

use symbolon::id::{ShortId, TokenId};
use symbolon::key::PrivateKey;
use symbolon::policy::{
    Count, EdgeRules, Freshness, Grant, GrantSet, Header, Proof as ProofWay, SecretFormat, SignatureRules,
};
use symbolon::protocol::message::Route;
use symbolon::protocol::{Epoch, Owner, Proof, ProofKind, Record, RecordState, SharedSecret};
use symbolon::signature::{BodyDigests, BodyPresence, Field, KeyId, Message, Request, SignSpec, Target as Url};
use symbolon::time::Timestamp;
use symbolon::token::{Digest, Format, InstanceSecret};

use crate::credential::Known;
use crate::{Gate, GateConfig, GateRequest, OidcConfig, ProxySecrets};

pub(crate) use world::World;

/// The time at which every test begins.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const GATEWAY: &str = "https://api.example";
pub(crate) const MANAGEMENT: &str = "https://tokens.example";
pub(crate) const PROVIDER: &str = "https://login.example";
pub(crate) const SETUP_CODE: &str = "a setup code of this gate";

/// The secret that a proxy of this kind and the gate share.
pub(crate) fn proxy_secret(kind: &str) -> String {
    format!("{kind}:shared-by-proxy-and-gate")
}

pub(crate) fn organization() -> ShortId {
    "Acme42".parse().unwrap()
}

pub(crate) fn instance_secret() -> InstanceSecret {
    InstanceSecret::new(&[1; 32]).unwrap()
}

fn formats() -> Vec<Format> {
    vec![Format::new("sym_pat_", SecretFormat::Native).unwrap(), Format::new("dvg_", SecretFormat::Hex(64)).unwrap()]
}

pub(crate) fn known() -> Known {
    Known { formats: formats(), secret: instance_secret() }
}

/// A native token of the organisation; each seed another one.
pub(crate) fn token_of(organization: ShortId, seed: u8) -> String {
    let secret = formats()[0].generate(&organization, &instance_secret(), &[seed; 64]).unwrap();
    secret.expose().to_owned()
}

/// A token of the organisation by its number: more than there are seeds.
pub(crate) fn token_number(number: u32) -> String {
    let mut random = [7; 64];
    random.iter_mut().zip(number.to_string().bytes()).for_each(|(byte, digit)| *byte = digit);
    formats()[0].generate(&organization(), &instance_secret(), &random).unwrap().expose().to_owned()
}

pub(crate) fn token() -> String {
    token_of(organization(), 7)
}

pub(crate) fn token_id(seed: u8) -> TokenId {
    TokenId::new(NOW, &[seed; 10])
}

pub(crate) fn private_key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn grants(texts: &[&str]) -> GrantSet {
    texts.iter().map(|text| Grant::unlimited(text.parse().unwrap())).collect()
}

/// The record of [`token`]: everything granted, both proofs, every header.
pub(crate) fn record() -> Record {
    Record {
        token: token_id(1),
        organization: "01890000-0000-7000-8000-0000000000aa".parse().unwrap(),
        short_id: organization(),
        profile: "symbolon".to_owned(),
        version: Epoch::new(1),
        kind: "pat".to_owned(),
        name: "laptop".to_owned(),
        prefix: "sym_pat_Acme42".to_owned(),
        owner: Owner::Organization,
        state: RecordState::Active,
        not_before: None,
        expires_at: None,
        locked_until: None,
        granted: GrantSet::all(),
        ceiling: GrantSet::all(),
        role: Some("owner".to_owned()),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        proofs: vec![
            Proof { kind: ProofKind::Bearer { digest: Digest::of(token()) }, until: None },
            Proof {
                kind: ProofKind::Key {
                    public_key: private_key().public_key(),
                    thumbprint: private_key().public_key().thumbprint(),
                },
                until: None,
            },
        ],
        passphrase: None,
        rules: EdgeRules {
            proofs: vec![ProofWay::Bearer, ProofWay::Signature],
            headers: Header::ALL.to_vec(),
            freshness: Freshness::Immediate,
            signature: SignatureRules::default(),
            counts: vec![Count::LastUsed, Count::UseCount],
        },
    }
}

pub(crate) fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> GateRequest {
    GateRequest {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        has_body: false,
        client_address: Some("192.0.2.1".to_owned()),
    }
}

/// A request with [`token`] as a bearer.
pub(crate) fn bearer(method: &str, url: &str) -> GateRequest {
    request(method, url, &[("Authorization", &format!("Bearer {}", token()))])
}

pub(crate) fn native_key_id() -> KeyId {
    KeyId::Native { organization: organization(), thumbprint: private_key().public_key().thumbprint() }
}

/// A request signed as our own signers do.
pub(crate) fn signed(method: &str, url: &str, body: Option<&str>, nonce: &str) -> GateRequest {
    signed_with(method, url, body, |message, presence| {
        SignSpec::native(message, presence, &native_key_id(), NOW, 60, nonce)
    })
}

pub(crate) fn signed_with(
    method: &str,
    url: &str,
    body: Option<&str>,
    spec: impl FnOnce(&Message<'_>, BodyPresence) -> SignSpec,
) -> GateRequest {
    let mut request = request(method, url, &[]);
    if let Some(body) = body {
        request.has_body = true;
        request.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        request.headers.push(("Content-Digest".to_owned(), BodyDigests::sha256(body.as_bytes()).to_field()));
    }
    let target = Url::parse(url).unwrap();
    let fields: Vec<Field<'_>> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let message = Message::Request(Request { method, target: &target, fields: &fields });
    let presence = if body.is_some() { BodyPresence::Present } else { BodyPresence::Absent };
    let headers = spec(&message, presence).sign(&message, &private_key()).unwrap();
    request.headers.push(("Signature-Input".to_owned(), headers.signature_input));
    request.headers.push(("Signature".to_owned(), headers.signature));
    request
}

/// The provider of every test.
fn provider() -> OidcConfig {
    let secret = Some("a secret, with = and +".to_owned());
    OidcConfig::new(PROVIDER.to_owned(), "symbolon".to_owned(), secret, None).unwrap()
}

/// A gate of another isolate.
pub(crate) fn gate(isolate: u8) -> Gate {
    gate_of(isolate, None)
}

/// The same, where this key is meant when a signature names none.
pub(crate) fn gate_of(isolate: u8, admin_key: Option<symbolon::key::PublicKey>) -> Gate {
    let config = GateConfig {
        instance_secret: instance_secret(),
        formats: formats(),
        gateway_hosts: vec!["API.example".to_owned()],
        has_origin: true,
        proxy_secrets: ProxySecrets::read(&["nginx", "traefik", "envoy", "caddy"].map(proxy_secret).join(" ")).unwrap(),
        setup_code: SharedSecret::new(SETUP_CODE),
        oidc: Some(provider()),
        admin_key,
    };
    Gate::new(config, [isolate; 16])
}

pub(crate) fn route(json: serde_json::Value) -> Route {
    serde_json::from_value(json).unwrap()
}
