//! Verifying: from the fields of a message to a [`Verified`], in steps none of which can be left out.
//!
//! The key, and the rules of the token that it belongs to, are found between the steps; until [`Pending::finish`]
//! nothing about them may be told. The check of the signature itself is a port: [`P256Verifier`] where the answer comes at
//! once, and otherwise whatever takes [`Pending::base`], [`Pending::signature`] and a key, and answers with a
//! [`KeyCheck`].

use super::error::SignatureError;
use super::fields;
use super::message;
use super::policy::components;
use super::{
    ALGORITHM, BodyDigests, BodyPresence, Component, ContentDigest, KeyId, MAX_PARAMETER_BYTES, MAX_SIGNATURES,
    Message, Policy, SignatureInput, TAG, signature_base,
};
use crate::key::{PublicKey, Signature};
use crate::time::Timestamp;

const INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";

/// Reads all signatures of a message (RFC 9421, section 4).
///
/// A label must stand in both fields, once. What a signature covers is judged when it is chosen: another's that is not
/// understood here does no harm.
///
/// # Errors
/// [`SignatureError::Missing`] where the message is not signed, and others where the fields are malformed.
pub fn parse_signatures(message: &Message<'_>) -> Result<Candidates, SignatureError> {
    let input = message::combined(message.fields(), INPUT)?;
    let signature = message::combined(message.fields(), SIGNATURE)?;
    if input.is_none() && signature.is_none() {
        return Err(SignatureError::Missing);
    }
    let inputs = fields::parse_dictionary(INPUT, &input.unwrap_or_default())?;
    let mut signatures = fields::parse_dictionary(SIGNATURE, &signature.unwrap_or_default())?;
    if inputs.len().max(signatures.len()) > MAX_SIGNATURES {
        return Err(SignatureError::TooLarge { what: "signatures".to_owned(), limit: MAX_SIGNATURES });
    }
    let mut entries = Vec::with_capacity(inputs.len());
    for (key, member) in inputs {
        let label = key.as_str().to_owned();
        if label.len() > MAX_PARAMETER_BYTES {
            return Err(SignatureError::TooLarge { what: "label".to_owned(), limit: MAX_PARAMETER_BYTES });
        }
        let Some(at) = signatures.iter().position(|(found, _)| *found == key) else {
            return Err(SignatureError::UnmatchedLabel { label, missing_in: SIGNATURE });
        };
        let (_, value) = signatures.swap_remove(at);
        if member.bare.is_some() {
            return Err(SignatureError::malformed(INPUT));
        }
        let Some(bytes) = value.bare.as_ref().and_then(|bare| bare.as_byte_sequence()) else {
            return Err(SignatureError::malformed(SIGNATURE));
        };
        entries.push(Entry { label, input: SignatureInput::from_member(member), signature: bytes.to_vec() });
    }
    match signatures.first() {
        Some((key, _)) => Err(SignatureError::UnmatchedLabel { label: key.as_str().to_owned(), missing_in: INPUT }),
        None if entries.is_empty() => Err(SignatureError::Missing),
        None => Ok(Candidates(entries)),
    }
}

#[derive(Clone, Debug)]
struct Entry {
    label: String,
    input: Result<SignatureInput, SignatureError>,
    signature: Vec<u8>,
}

impl Entry {
    /// Whether this can be a signature for us at all; a proxy's need not be.
    fn is_ours(&self) -> bool {
        self.signature.len() == Signature::LEN
            && self.input.as_ref().is_ok_and(|input| input.alg().is_none_or(|alg| alg == ALGORITHM))
    }

    fn tag(&self) -> Option<&str> {
        self.input.as_ref().ok().and_then(SignatureInput::tag)
    }
}

/// Which of several signatures is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection<'a> {
    /// The tag to prefer.
    pub tag: Option<&'a str>,
    /// The label to prefer, among those of equal right by their tags.
    pub label: Option<&'a str>,
}

impl Selection<'_> {
    /// Our own tag.
    pub const NATIVE: Self = Self { tag: Some(TAG), label: None };
}

/// All signatures of a message.
#[derive(Clone, Debug)]
pub struct Candidates(Vec<Entry>);

impl Candidates {
    /// The labels, in the sender's order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.label.as_str())
    }

    /// Chooses one: first by tag (the preferred one, else none, else any), then by label. What cannot be a P-256
    /// signature is passed over as long as something else can.
    ///
    /// # Errors
    /// [`SignatureError::Ambiguous`] where more than one remains: a request has one credential. Otherwise what is wrong
    /// with the chosen one: its components or parameters, its `alg`, its length, or r or s out of range.
    pub fn select(self, selection: &Selection<'_>) -> Result<Candidate, SignatureError> {
        let mut entries = self.0;
        narrow(&mut entries, Entry::is_ours);
        narrow(&mut entries, |entry| selection.tag.is_some() && entry.tag() == selection.tag);
        if entries.iter().any(|entry| entry.tag() != selection.tag) {
            narrow(&mut entries, |entry| entry.tag().is_none());
        }
        narrow(&mut entries, |entry| selection.label == Some(entry.label.as_str()));
        let labels = || entries.iter().map(|entry| entry.label.clone()).collect();
        if entries.len() > 1 {
            return Err(SignatureError::Ambiguous { labels: labels() });
        }
        let Entry { label, input, signature } = entries.pop().ok_or(SignatureError::Missing)?;
        let input = input?;
        if let Some(found) = input.alg().filter(|alg| *alg != ALGORITHM) {
            return Err(SignatureError::Algorithm { found: found.to_owned() });
        }
        if signature.len() != Signature::LEN {
            return Err(SignatureError::Length { found: signature.len() });
        }
        // Of 64 bytes, so what can be wrong is r or s: such a signature matches nothing.
        let signature = Signature::from_bytes(&signature).map_err(|_| SignatureError::Mismatch)?;
        Ok(Candidate { label, input, signature })
    }
}

/// Keeps those that are preferred, if there are any.
fn narrow(entries: &mut Vec<Entry>, preferred: impl Fn(&Entry) -> bool) {
    if entries.iter().any(&preferred) {
        entries.retain(preferred);
    }
}

/// The chosen signature: well-formed, and nothing more is known of it.
#[derive(Clone, Debug)]
pub struct Candidate {
    label: String,
    input: SignatureInput,
    signature: Signature,
}

impl Candidate {
    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it covers, and its parameters.
    #[must_use]
    pub const fn input(&self) -> &SignatureInput {
        &self.input
    }

    /// Its `keyid`, read.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.input.key_id().map(KeyId::from)
    }

    /// Holds it against a policy and the time, and rebuilds what must have been signed.
    ///
    /// # Errors
    /// [`SignatureError`] where it lacks what the policy demands, is outside its window, covers what the message does not
    /// have, or the covered `Content-Digest` cannot be used.
    pub fn check(
        self,
        message: &Message<'_>,
        body: BodyPresence,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Pending, SignatureError> {
        policy.check_parameters(&self.label, &self.input)?;
        policy.check_coverage(message, body, &self.input)?;
        let replayable_until = policy.window.check(&self.input, now)?;
        let base = signature_base(message, &self.input)?;
        let covers_digest = components(&["content-digest"])
            .iter()
            .any(|digest| self.input.components().iter().any(|one| one.covers(digest)));
        let digest = if covers_digest { ContentDigest::of_fields(message.fields(), "content-digest")? } else { None };
        Ok(Pending { candidate: self, base, digest, replayable_until })
    }
}

/// The answer to: is this the signature of this key over these bytes?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// It is.
    Matches,
    /// It is not.
    Differs,
}

/// The check of a signature where the answer comes at once.
pub trait P256Verifier {
    /// Whether `signature` is one of `key` over `message`: ECDSA over P-256 with SHA-256, high and low s alike.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> KeyCheck;
}

/// The check in Rust, for hosts without WebCrypto.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl P256Verifier for RustCrypto {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> KeyCheck {
        if key.verify(message, signature) { KeyCheck::Matches } else { KeyCheck::Differs }
    }
}

/// A signature that satisfies the policy, if only it matches: what is left is the key's word and the body's.
#[derive(Clone, Debug)]
#[must_use = "nothing is verified before `finish`"]
pub struct Pending {
    candidate: Candidate,
    base: String,
    digest: Option<ContentDigest>,
    replayable_until: Timestamp,
}

impl Pending {
    /// The signature base: the bytes that must have been signed.
    #[must_use]
    pub fn base(&self) -> &[u8] {
        self.base.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.candidate.signature
    }

    /// The chosen signature's label and parameters.
    #[must_use]
    pub const fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// The covered digest of the content; none where it is not covered. Its [`ContentDigest::algorithms`] must be
    /// computed of the content, also where that is empty, before [`Pending::finish`].
    #[must_use]
    pub const fn digest(&self) -> Option<&ContentDigest> {
        self.digest.as_ref()
    }

    /// The last step, given the answer about the key and the digests of the content.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] first, and only for what was signed [`SignatureError::Digest`].
    pub fn finish(self, key: KeyCheck, body: &BodyDigests) -> Result<Verified, SignatureError> {
        if key == KeyCheck::Differs {
            return Err(SignatureError::Mismatch);
        }
        if let Some(digest) = &self.digest {
            digest.check(body)?;
        }
        let Candidate { label, input, signature } = self.candidate;
        let replay = match input.nonce() {
            Some(nonce) if !nonce.is_empty() => ReplayKey::Nonce(nonce.to_owned()),
            _ => ReplayKey::Signature(signature.replay_key()),
        };
        Ok(Verified { label, input, replay, replayable_until: self.replayable_until, body: self.digest })
    }

    /// The last step with a key that is here.
    ///
    /// # Errors
    /// As [`Pending::finish`].
    pub fn verify(
        self,
        verifier: &impl P256Verifier,
        key: &PublicKey,
        body: &BodyDigests,
    ) -> Result<Verified, SignatureError> {
        let check = verifier.verify(key, self.base(), self.signature());
        self.finish(check, body)
    }
}

/// What the replay memory knows a signed request by, beside its token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReplayKey {
    /// Its nonce.
    Nonce(String),
    /// r and the smaller of s and n − s: there is no nonce. Never the field's bytes, since anyone can turn s into n − s.
    Signature([u8; Signature::LEN]),
}

/// A signature that matches its key and its message, inside its window, under a policy. Only verifying makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    label: String,
    input: SignatureInput,
    replay: ReplayKey,
    replayable_until: Timestamp,
    body: Option<ContentDigest>,
}

impl Verified {
    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it covers, and its parameters.
    #[must_use]
    pub const fn input(&self) -> &SignatureInput {
        &self.input
    }

    /// Its `keyid`, read.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.input.key_id().map(KeyId::from)
    }

    /// What the replay memory knows it by.
    #[must_use]
    pub const fn replay_key(&self) -> &ReplayKey {
        &self.replay
    }

    /// The last moment at which the same request would be accepted again, so far as its window goes: until then the
    /// replay memory keeps it.
    #[must_use]
    pub const fn replayable_until(&self) -> Timestamp {
        self.replayable_until
    }

    /// The digest of the content, which was covered and matches; none where no content was covered.
    #[must_use]
    pub const fn content_digest(&self) -> Option<&ContentDigest> {
        self.body.as_ref()
    }

    /// Whether it covers this component.
    #[must_use]
    pub fn covers(&self, wanted: &Component) -> bool {
        self.input.components().iter().any(|one| one.covers(wanted))
    }
}

/// The whole verification in one call, for hosts that have the message, its content and the key at hand.
///
/// `key` finds the key of the chosen signature; none means that it is not known.
///
/// # Errors
/// [`SignatureError`]: the first thing that is wrong.
pub fn verify(
    message: &Message<'_>,
    body: Option<&[u8]>,
    selection: &Selection<'_>,
    policy: &Policy,
    now: Timestamp,
    key: impl FnOnce(&Candidate) -> Option<PublicKey>,
) -> Result<Verified, SignatureError> {
    let candidate = parse_signatures(message)?.select(selection)?;
    let key = key(&candidate);
    let presence = if body.is_some() { BodyPresence::Present } else { BodyPresence::Absent };
    let pending = candidate.check(message, presence, policy, now)?;
    let digests = pending.digest().map(|digest| BodyDigests::for_field(digest, body.unwrap_or_default()));
    let key = key.ok_or(SignatureError::UnknownKey)?;
    pending.verify(&RustCrypto, &key, &digests.unwrap_or_default())
}
