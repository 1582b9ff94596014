//! Verifying in steps: JavaScript finds the key, hashes the body and asks WebCrypto; the core judges.

use js_sys::Error;
use symbolon::problem::Code;
use symbolon::signature::{
    BodyDigests, BodyPresence, Candidate, DigestAlgorithm, KeyCheck, Labels, Message, Pending, Policy, ReplayKey,
    Request, Requirement, Selection, Target, Verified, Window, parse_signatures,
};
use symbolon::time::Timestamp;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{error, of_signature};
use crate::sign::{field_lines, pieces, target};

/// The verification of one request. Its steps are called in their order: `new`, `receive`, `check`, `finish`.
#[wasm_bindgen]
pub struct Verification {
    policy: Policy,
    received: Option<Received>,
    candidate: Option<Candidate>,
    pending: Option<Pending>,
}

struct Received {
    method: String,
    target: Target,
    fields: String,
}

impl Received {
    fn with_message<T>(&self, with: impl FnOnce(&Message<'_>) -> T) -> T {
        let fields = field_lines(&self.fields);
        with(&Request { method: &self.method, target: &self.target, fields: &fields }.into())
    }
}

#[wasm_bindgen]
impl Verification {
    /// What is demanded: `VerificationPolicy` of the package, whose rules are lines `name=value` here.
    ///
    /// `always`, `with_body` and `with_body_if_sent` have a line for each component, `required` one for each of `nonce`,
    /// `keyid`, `created` and `expires` that must be there; `max_age`, `max_lifetime` and `max_ahead` are in seconds.
    /// `labels`, with a line for each, is none where any will do.
    ///
    /// # Errors
    /// `invalid_request` for a rule that is none, and the core's for a component that is none.
    #[wasm_bindgen(constructor)]
    pub fn new(rules: &str, labels: Option<String>, tag: Option<String>) -> Result<Verification, Error> {
        Ok(Self { policy: policy(rules, labels, tag)?, received: None, candidate: None, pending: None })
    }

    /// Reads the target and the signatures, and chooses one by tag, then by label.
    ///
    /// # Errors
    /// The core's: a target that is not canonical, malformed or absent signatures, or several that could be meant.
    pub fn receive(
        &mut self,
        method: String,
        url: &str,
        fields: String,
        tag: Option<String>,
        label: Option<String>,
    ) -> Result<(), Error> {
        let received = Received { method, target: target(url)?, fields };
        let selection = Selection { tag: tag.as_deref(), label: label.as_deref() };
        let chosen = received.with_message(|message| parse_signatures(message)?.select(&selection));
        self.candidate = Some(chosen.map_err(|cause| of_signature(&cause))?);
        self.received = Some(received);
        Ok(())
    }

    /// The chosen signature's `keyid`.
    #[must_use]
    #[wasm_bindgen(js_name = keyId)]
    pub fn key_id(&self) -> Option<String> {
        self.candidate.as_ref()?.input().key_id().map(str::to_owned)
    }

    /// Holds the chosen signature against the rules and the time, in milliseconds since 1970. The answer is the bytes
    /// that must have been signed, with the 64 of r and s before them.
    ///
    /// # Errors
    /// The core's.
    pub fn check(&mut self, body: bool, now: i64) -> Result<Vec<u8>, Error> {
        let (candidate, received) = self.candidate.take().zip(self.received.as_ref()).ok_or_else(out_of_order)?;
        let body = if body { BodyPresence::Present } else { BodyPresence::Absent };
        let now = Timestamp::from_millis(now);
        let checked = received.with_message(|message| candidate.check(message, body, &self.policy, now));
        let pending = checked.map_err(|cause| of_signature(&cause))?;
        let mut bytes = pending.signature().to_bytes().to_vec();
        bytes.extend_from_slice(pending.base());
        self.pending = Some(pending);
        Ok(bytes)
    }

    /// Whether the body's SHA-256 is needed.
    #[must_use]
    #[wasm_bindgen(js_name = needsSha256)]
    pub fn needs_sha256(&self) -> bool {
        self.needs(DigestAlgorithm::Sha256)
    }

    /// Whether the body's SHA-512 is needed.
    #[must_use]
    #[wasm_bindgen(js_name = needsSha512)]
    pub fn needs_sha512(&self) -> bool {
        self.needs(DigestAlgorithm::Sha512)
    }

    /// The last step: what is known of the verified signature, a line `name=value` for each fact.
    ///
    /// # Errors
    /// The core's: it does not match, or the body does not match its digest.
    pub fn finish(&mut self, matches: bool, sha256: Option<Vec<u8>>, sha512: Option<Vec<u8>>) -> Result<String, Error> {
        let pending = self.pending.take().ok_or_else(out_of_order)?;
        let check = if matches { KeyCheck::Matches } else { KeyCheck::Differs };
        let digests = BodyDigests {
            sha256: sha256.and_then(|bytes| bytes.try_into().ok()),
            sha512: sha512.and_then(|bytes| bytes.try_into().ok()),
        };
        pending.finish(check, &digests).map(|verified| facts(&verified)).map_err(|cause| of_signature(&cause))
    }

    fn needs(&self, wanted: DigestAlgorithm) -> bool {
        let digest = self.pending.as_ref().and_then(Pending::digest);
        digest.is_some_and(|digest| digest.algorithms().any(|algorithm| algorithm == wanted))
    }
}

fn policy(rules: &str, labels: Option<String>, tag: Option<String>) -> Result<Policy, Error> {
    let wrong = || error(Code::InvalidRequest, "not a rule of a policy");
    let mut policy = Policy {
        always: Vec::new(),
        with_body: Vec::new(),
        with_body_if_sent: Vec::new(),
        labels: labels.map_or(Labels::Any, |text| Labels::OneOf(pieces(&text).map(str::to_owned).collect())),
        tag,
        nonce: Requirement::Optional,
        key_id: Requirement::Optional,
        window: Window {
            max_age_seconds: 0,
            max_lifetime_seconds: 0,
            max_ahead_seconds: 0,
            created: Requirement::Optional,
            expires: Requirement::Optional,
        },
    };
    for rule in pieces(rules) {
        let (name, value) = rule.split_once('=').ok_or_else(wrong)?;
        let component = || value.parse().map_err(|cause| of_signature(&cause));
        let seconds = || value.parse().map_err(|_| wrong());
        match (name, value) {
            ("always", _) => policy.always.push(component()?),
            ("with_body", _) => policy.with_body.push(component()?),
            ("with_body_if_sent", _) => policy.with_body_if_sent.push(component()?),
            ("required", "nonce") => policy.nonce = Requirement::Required,
            ("required", "keyid") => policy.key_id = Requirement::Required,
            ("required", "created") => policy.window.created = Requirement::Required,
            ("required", "expires") => policy.window.expires = Requirement::Required,
            ("max_age", _) => policy.window.max_age_seconds = seconds()?,
            ("max_lifetime", _) => policy.window.max_lifetime_seconds = seconds()?,
            ("max_ahead", _) => policy.window.max_ahead_seconds = seconds()?,
            _ => return Err(wrong()),
        }
    }
    Ok(policy)
}

fn out_of_order() -> Error {
    error(Code::Internal, "the steps of a verification were called out of order")
}

/// No value has a line feed: they are structured fields, which are printable.
fn facts(verified: &Verified) -> String {
    let input = verified.input();
    let mut text = String::new();
    let mut say = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            for piece in [name, "=", value, "\n"] {
                text.push_str(piece);
            }
        }
    };
    say("label", Some(verified.label()));
    say("keyid", input.key_id());
    say("tag", input.tag());
    say("nonce", input.nonce());
    say("created", input.created().map(|seconds| seconds.to_string()).as_deref());
    say("expires", input.expires().map(|seconds| seconds.to_string()).as_deref());
    for component in input.components() {
        say("covers", Some(&component.to_string()));
    }
    match verified.replay_key() {
        ReplayKey::Nonce(nonce) => say("replay", Some(&("nonce:".to_owned() + nonce))),
        ReplayKey::Signature(bytes) => {
            let digits = bytes.iter().flat_map(|byte| [byte.wrapping_shr(4), byte & 0x0f]);
            let digits = digits.filter_map(|nibble| char::from_digit(nibble.into(), 16));
            say("replay", Some(&("signature:".chars().chain(digits).collect::<String>())));
        }
    }
    say("until", Some(&verified.replayable_until().as_millis().to_string()));
    say("body", verified.content_digest().map(|_| "covered"));
    text
}
