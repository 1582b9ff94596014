//! Verifying in steps: JavaScript finds the key, hashes the body and asks WebCrypto; the core judges.

use js_sys::Error;
use symbolon::problem::Code;
use symbolon::signature::{
    BodyDigests, BodyPresence, Candidate, Component, DigestAlgorithm, KeyCheck, Labels, Message, Pending, Policy,
    ReplayKey, Request, Requirement, Selection, SignatureError, Target, Verified, Window, parse_signatures,
};
use symbolon::time::Timestamp;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{error, of_signature};
use crate::sign::{field_lines, pieces, target};

/// What a verifier demands: `VerificationPolicy` of the package, where each of these rules has a name.
#[wasm_bindgen]
pub struct Rules(Policy);

#[wasm_bindgen]
impl Rules {
    /// Lists are texts with a line for each piece. `required` names what must be there of `nonce`, `keyid`, `created`
    /// and `expires`. The three lengths of time are in seconds.
    ///
    /// # Errors
    /// The core's, for a component that is none.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::too_many_arguments, reason = "one flat call, with names on the other side")]
    pub fn new(
        always: &str,
        with_body: &str,
        with_body_if_sent: &str,
        labels: Option<String>,
        tag: Option<String>,
        required: &str,
        max_age: u32,
        max_lifetime: u32,
        max_ahead: u32,
    ) -> Result<Rules, Error> {
        let components = |text: &str| {
            let read = pieces(text).map(str::parse).collect::<Result<Vec<Component>, SignatureError>>();
            read.map_err(|cause| of_signature(&cause))
        };
        let presence = |name: &str| {
            if pieces(required).any(|one| one == name) { Requirement::Required } else { Requirement::Optional }
        };
        Ok(Self(Policy {
            always: components(always)?,
            with_body: components(with_body)?,
            with_body_if_sent: components(with_body_if_sent)?,
            labels: labels.map_or(Labels::Any, |text| Labels::OneOf(pieces(&text).map(str::to_owned).collect())),
            tag,
            nonce: presence("nonce"),
            key_id: presence("keyid"),
            window: Window {
                max_age_seconds: max_age,
                max_lifetime_seconds: max_lifetime,
                max_ahead_seconds: max_ahead,
                created: presence("created"),
                expires: presence("expires"),
            },
        }))
    }
}

/// A request that was received, on its way to being verified.
#[wasm_bindgen]
pub struct Received {
    method: String,
    target: Target,
    fields: String,
    candidate: Option<Candidate>,
    pending: Option<Pending>,
}

#[wasm_bindgen]
impl Received {
    /// Reads the target and the signatures, and chooses one by tag, then by label.
    ///
    /// # Errors
    /// The core's: a target that is not canonical, malformed or absent signatures, or several that could be meant.
    #[wasm_bindgen(constructor)]
    pub fn new(
        method: String,
        url: &str,
        fields: String,
        tag: Option<String>,
        label: Option<String>,
    ) -> Result<Received, Error> {
        let received = Self { method, target: target(url)?, fields, candidate: None, pending: None };
        let selection = Selection { tag: tag.as_deref(), label: label.as_deref() };
        let candidate = received
            .with_message(|message| parse_signatures(message)?.select(&selection))
            .map_err(|cause| of_signature(&cause))?;
        Ok(Self { candidate: Some(candidate), ..received })
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
    pub fn check(&mut self, rules: &Rules, body: bool, now: i64) -> Result<Vec<u8>, Error> {
        let candidate = self.candidate.take().ok_or_else(out_of_order)?;
        let now = Timestamp::from_millis(now);
        let pending = self
            .with_message(|message| candidate.check(message, presence(body), &rules.0, now))
            .map_err(|cause| of_signature(&cause))?;
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

    fn with_message<T>(&self, with: impl FnOnce(&Message<'_>) -> T) -> T {
        let fields = field_lines(&self.fields);
        with(&Request { method: &self.method, target: &self.target, fields: &fields }.into())
    }

    fn needs(&self, wanted: DigestAlgorithm) -> bool {
        let digest = self.pending.as_ref().and_then(Pending::digest);
        digest.is_some_and(|digest| digest.algorithms().any(|algorithm| algorithm == wanted))
    }
}

const fn presence(body: bool) -> BodyPresence {
    if body { BodyPresence::Present } else { BodyPresence::Absent }
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
