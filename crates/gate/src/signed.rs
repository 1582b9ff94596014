//! Possession of a private key: a signed request (RFC 9421) against the rules of its kind.

use std::rc::Rc;

use sha2::{Digest as _, Sha256};
use symbolon::id::{ShortId, TokenId};
use symbolon::key::{Fingerprint, PublicKey, Thumbprint};
use symbolon::policy::{Header, Replay, SignatureRules};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{Lookup, ReplayCall, Replayed};
use symbolon::protocol::{ProofKind, Record};
use symbolon::signature::{
    BodyDigests, BodyPresence, Candidate, Component, ContentDigest, KeyId, Labels, Message, Policy, ReplayKey, Request,
    Requirement, SignatureError, Target, Verified, Window,
};
use symbolon::time::Timestamp;

use crate::context::{Context, Hop};
use crate::credential::fields;
use crate::decide::{Demand, Refusal};
use crate::ports::{BodyError, Unavailable};
use crate::request::GateRequest;

/// How large a body may be that is digested, in bytes: it is held whole, so that what was digested is what is passed on.
pub(crate) const MAX_DIGESTED_BYTES: u32 = 16 * 1024 * 1024;

/// Where the digest of the body comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// The request is here: the host digests its body.
    Here,
    /// The request is elsewhere, and whoever has it says what the digest is; none: it has no body.
    Told(Option<&'a ContentDigest>),
}

/// Which organisation and key a signature names.
pub(crate) struct KeyName {
    pub(crate) organization: Option<ShortId>,
    pub(crate) lookup: Lookup,
    key: NamedKey,
}

enum NamedKey {
    Thumbprint(Thumbprint),
    Fingerprint(Fingerprint),
}

/// By what the record of a signature's key is found; none where nothing names one. Where there is neither a name that
/// says which nor a header that could, the instance's `admin` key is meant, if there is one.
pub(crate) fn key_name(candidate: &Candidate, request: &GateRequest, admin: Option<&PublicKey>) -> Option<KeyName> {
    let by = |organization, thumbprint| KeyName {
        organization,
        lookup: Lookup::Thumbprint(thumbprint),
        key: NamedKey::Thumbprint(thumbprint),
    };
    match candidate.key_id() {
        Some(KeyId::Native { organization, thumbprint }) => return Some(by(Some(organization), thumbprint)),
        Some(KeyId::Thumbprint(thumbprint)) => return Some(by(None, thumbprint)),
        Some(KeyId::Other(_)) | None => {}
    }
    let fingerprint: Fingerprint = match (request.values(Header::FINGERPRINT).next(), admin) {
        (None, Some(admin)) => admin.fingerprint(),
        _ => request.single(Header::FINGERPRINT)?.trim().to_ascii_lowercase().parse().ok()?,
    };
    let lookup = Lookup::Alias(fingerprint.to_string());
    Some(KeyName { organization: None, lookup, key: NamedKey::Fingerprint(fingerprint) })
}

impl KeyName {
    /// The key of the record that is meant, if it proves possession at this time.
    pub(crate) fn of<'r>(&self, record: &'r Record, now: Timestamp) -> Option<&'r PublicKey> {
        match &self.key {
            NamedKey::Thumbprint(thumbprint) => record.key(thumbprint, now),
            NamedKey::Fingerprint(wanted) if record.rules.signature.fingerprint_header => {
                record.proofs.iter().filter(|proof| proof.until.is_none_or(|end| now < end)).find_map(|proof| {
                    match &proof.kind {
                        ProofKind::Key { public_key, .. }
                            if public_key.fingerprint() == *wanted
                                || public_key.stripped_fingerprint().as_ref() == Some(wanted) =>
                        {
                            Some(public_key)
                        }
                        _ => None,
                    }
                })
            }
            NamedKey::Fingerprint(_) => None,
        }
    }
}

/// Holds the signature against its kind's rules, its key and the body.
pub(crate) async fn possession(
    context: &Context,
    request: &GateRequest,
    body: Body<'_>,
    candidate: Candidate,
    record: &Rc<Record>,
    key: &PublicKey,
    demand: &Demand<'_>,
) -> Result<Verified, Refusal> {
    let policy = policy(&record.rules.signature, demand.native_signature).map_err(Refusal::signature)?;
    let target = Target::parse(&request.url).map_err(|error| Refusal::signature(error.into()))?;
    let fields = fields(request);
    let message = Message::Request(Request { method: &request.method, target: &target, fields: &fields });
    let presence = match body {
        Body::Here if request.has_body => BodyPresence::Present,
        Body::Told(Some(_)) => BodyPresence::Present,
        _ => BodyPresence::Absent,
    };
    let asked = || policy.accept_signature(&message, presence, None).to_string();
    let refused = |error| Refusal::signature(error).accepting(asked());

    let pending = candidate.check(&message, presence, &policy, context.io.now()).map_err(refused)?;
    let check = context.timed(Hop::Signature, context.io.verify_p256(key, pending.base(), pending.signature())).await;
    let check = check.map_err(|Unavailable| Refusal::new(Code::Internal))?;
    // The body is read only for whoever has signed it: nobody else makes us hold it.
    let digests = match (pending.digest(), body, check) {
        (None, ..) | (_, _, symbolon::signature::KeyCheck::Differs) => BodyDigests::default(),
        (Some(digest), Body::Here, _) => {
            context.io.body_digests(digest, MAX_DIGESTED_BYTES).await.map_err(|error| match error {
                BodyError::TooLarge => Refusal::new(Code::TooLarge),
                BodyError::NotText | BodyError::Broken => Refusal::new(Code::DigestMismatch),
            })?
        }
        (Some(_), Body::Told(Some(told)), _) => told.digests(),
        (Some(_), Body::Told(None), _) => BodyDigests::sha256(&[]),
    };
    pending.finish(check, &digests).map_err(refused)
}

/// Refuses a request that was accepted before, where the kind's replay rule says so.
pub(crate) async fn replay(
    context: &Context,
    request: &GateRequest,
    record: &Record,
    verified: &Verified,
    demand: &Demand<'_>,
) -> Result<(), Refusal> {
    let rules = &record.rules.signature;
    let once =
        rules.replay.is_once(&request.method) || (demand.native_signature && Replay::ByMethod.is_once(&request.method));
    if !once {
        return Ok(());
    }
    let until = verified.replayable_until();
    let longest = i64::from(rules.max_window_seconds.max(rules.max_age_seconds));
    let created =
        verified.input().created().map_or(until.plus_seconds(longest.saturating_neg()), Timestamp::from_seconds);
    let call = ReplayCall { key: replay_key(record.token, verified.replay_key()), created, until };
    match context.timed(Hop::Replay, context.io.replay(&call)).await {
        Ok(Replayed::Fresh) => Ok(()),
        Ok(Replayed::Seen) => Err(Refusal::new(Code::Replayed)),
        Ok(Replayed::OutsideWindow) => Err(Refusal::new(Code::SignatureStale)),
        Err(Unavailable) => Err(Refusal::unavailable()),
    }
}

/// SHA-256 over the token and what its request is known by; the two kinds of name never meet.
fn replay_key(token: TokenId, key: &ReplayKey) -> String {
    let hash = Sha256::new().chain_update(token.to_string());
    let hash = match key {
        ReplayKey::Nonce(nonce) => hash.chain_update("n").chain_update(nonce),
        ReplayKey::Signature(signature) => hash.chain_update("s").chain_update(signature),
    };
    base16ct::lower::encode_string(&hash.finalize())
}

/// What a kind's rules demand, for a management call at least what our own signers do.
fn policy(rules: &SignatureRules, native: bool) -> Result<Policy, SignatureError> {
    let named = |names: &mut dyn Iterator<Item = &str>| names.map(Component::named).collect::<Result<Vec<_>, _>>();
    let at_least: (&[&str], &[&str]) =
        if native { (SignatureRules::NATIVE, SignatureRules::NATIVE_WITH_BODY) } else { (&[], &[]) };
    let declared = |names: &'_ [String]| names.to_vec();
    let (always, with_body) = (declared(&rules.components), declared(&rules.components_with_body));
    let with_body: Vec<&str> = with_body.iter().map(String::as_str).chain(at_least.1.iter().copied()).collect();
    // What describes the body must be covered where it was sent; the digest itself always is.
    let describes = |name: &str| matches!(name, "content-type" | "content-encoding");
    let typed = with_body.iter().any(|name| describes(name));
    Ok(Policy {
        always: named(&mut always.iter().map(String::as_str).chain(at_least.0.iter().copied()))?,
        with_body: named(&mut with_body.iter().copied().filter(|name| !describes(name)))?,
        with_body_if_sent: if typed {
            named(&mut ["content-type", "content-encoding"].into_iter())?
        } else {
            Vec::new()
        },
        labels: if rules.labels.is_empty() { Labels::Any } else { Labels::OneOf(rules.labels.clone()) },
        tag: rules.tag.clone(),
        nonce: if rules.nonce_required || native { Requirement::Required } else { Requirement::Optional },
        key_id: if native { Requirement::Required } else { Requirement::Optional },
        window: Window {
            max_age_seconds: rules.max_age_seconds.into(),
            max_lifetime_seconds: rules.max_window_seconds.into(),
            max_ahead_seconds: rules.max_future_seconds.into(),
            created: Requirement::Required,
            expires: Requirement::Optional,
        },
    })
}

/// What a request would have to sign where nothing is known of its kind: what our own signers do.
pub(crate) fn native_accept(request: &GateRequest, native: bool) -> Option<String> {
    let policy = policy(&SignatureRules::default(), native).ok()?;
    let target = Target::parse(&request.url).ok()?;
    let fields = fields(request);
    let message = Message::Request(Request { method: &request.method, target: &target, fields: &fields });
    let presence = if request.has_body { BodyPresence::Present } else { BodyPresence::Absent };
    Some(policy.accept_signature(&message, presence, None).to_string())
}

/// The problem of a signature that is refused.
pub(crate) fn problem(error: &SignatureError) -> Problem {
    Problem::new(error.code()).detail(error.to_string())
}
