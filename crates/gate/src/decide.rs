//! The decision: who asks, and whether they may.
//!
//! The order is the rule. Until possession is proved, nothing is told but what the request itself shows: no credential,
//! a malformed one, an unknown token, a signature that does not hold. Then comes the token's state, its passphrase,
//! whether the signed request was seen before, and last what it may do.

use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::policy::{Freshness, Header, Permission, Proof as ProofWay};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Record;
use symbolon::protocol::message::Lookup;
use symbolon::signature::SignatureError;
use symbolon::time::Timestamp;

use crate::context::Context;
use crate::credential::{Credential, Presented, Side, Unreadable, presented};
use crate::limit::{Accused, Refused, USUAL};
use crate::ports::Unavailable;
use crate::request::GateRequest;
use crate::signed::{self, Body};
use crate::{imported, lookup, passphrase, session};

/// What is said where `Authorization` holds what is not looked at, which is never repeated.
const NOT_BEARER: &str =
    "The Authorization field counts only with the scheme Bearer: `Authorization: Bearer` and the token.";

/// What a verification asks of a credential.
#[derive(Clone, Copy)]
pub(crate) struct Demand<'a> {
    /// What it must permit, and on which resource.
    pub(crate) permissions: &'a [Permission],
    /// On which resource.
    pub(crate) resource: Option<&'a str>,
    /// A stricter freshness than the kind's.
    pub(crate) freshness: Option<Freshness>,
    /// Whether a signature must be a full native one with a nonce, whatever the kind says.
    pub(crate) native_signature: bool,
    /// Whether the token need not stand any more, nor its passphrase be known: to end it, its key is enough.
    pub(crate) to_end_it: bool,
    /// The one organisation whose tokens are known to whoever asks; none: all are.
    pub(crate) within: Option<ShortId>,
}

/// A credential that may do what was asked.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    /// The token's record.
    pub(crate) record: Rc<Record>,
    /// Whether possession was proved by a signature.
    pub(crate) signed: bool,
}

/// Why not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// Why.
    pub(crate) problem: Box<Problem>,
    /// What could be signed instead: the value of `Accept-Signature`.
    pub(crate) accept: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: Code) -> Self {
        Problem::new(code).into()
    }

    pub(crate) fn signature(error: SignatureError) -> Self {
        signed::problem(&error).into()
    }

    pub(crate) fn unavailable() -> Self {
        Problem::new(Code::AuthorityUnavailable).retry_after(1).into()
    }

    pub(crate) fn accepting(mut self, accept: String) -> Self {
        self.accept = Some(accept);
        self
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), accept: None }
    }
}

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self::unavailable()
    }
}

/// Decides on a request that is here.
pub(crate) async fn request(
    context: &Context,
    request: &GateRequest,
    side: Side,
    demand: &Demand<'_>,
) -> Result<Allowed, Refusal> {
    let accepting = |refusal: Refusal| match signed::native_accept(request, demand.native_signature) {
        Some(accept) => refusal.accepting(accept),
        None => refusal,
    };
    let mut found = match presented(request, side, &context.gate.known) {
        Ok(found) => found,
        Err(Unreadable::Problem(problem)) => return Err(problem.into()),
        Err(Unreadable::Signature(error)) => return Err(accepting(Refusal::signature(error))),
    };
    if found.credential.is_none()
        && side == Side::Management
        && let Some(secret) = session::presented(request, &context.gate.known)?
    {
        session::guard(request, &secret)?;
        found.credential = Some(Credential::Session(secret));
    }
    if found.credential.is_none() {
        let problem = Problem::new(Code::MissingCredential);
        let has_other = request.values(Header::Authorization.as_str()).next().is_some();
        let problem = if has_other { problem.detail(NOT_BEARER) } else { problem };
        return Err(accepting(problem.into()));
    }
    credential(context, request, Body::Here, found, demand).await
}

/// Decides on a credential that was found.
pub(crate) async fn credential(
    context: &Context,
    request: &GateRequest,
    body: Body<'_>,
    found: Presented,
    demand: &Demand<'_>,
) -> Result<Allowed, Refusal> {
    let Some(credential) = found.credential else { return Err(Refusal::new(Code::MissingCredential)) };
    let proved = prove(context, request, body, credential, demand).await;
    let proved = proved.map_err(|refusal| not_proved(context, refusal))?;
    let Proved { record, name, newest, verified } = proved;
    let allowed = Allowed { record: Rc::clone(&record), signed: verified.is_some() };
    let judged = async {
        if !demand.to_end_it {
            standing(&record, context.io.now())?;
            passphrase::check(context, &record, found.passphrase.as_ref()).await?;
        }
        if let Some(verified) = &verified {
            signed::replay(context, request, &record, verified, demand).await?;
        }
        if demand.to_end_it { Ok(()) } else { permits(&record, demand) }
    };
    let result: Result<(), Refusal> = judged.await;
    match result {
        Ok(()) => {
            if !record.rules.counts.is_empty() || record.proofs.len() > 1 {
                context.used(&record, newest);
            }
            Ok(allowed)
        }
        Err(refusal) => {
            let now = context.io.now();
            let mut state = context.gate.state.borrow_mut();
            let code = refusal.problem.code;
            if code.status() == 401 && context.counts() {
                // What is told no more is written down no more either: a dead token must not fill a log.
                let accused = Accused::of(&record);
                let replayed = code == Code::Replayed;
                let asks = !replayed && record.rules.freshness.at_least(demand.freshness) == Freshness::Strict;
                let accused = if replayed { accused.cleared() } else { accused };
                let failed = state.failed_limit(record.short_id);
                let credential = Refused::new(&name, context.client.network());
                state.failures.refused(now, failed, credential, &accused, context.network(), asks)?;
            }
            // The authority wrote a wrong passphrase down when the try was settled, and counts tries itself.
            if code.status() < 500 && !matches!(code, Code::PassphraseWrong | Code::RateLimited) {
                state.touch(record.short_id).refused(&record, code, now, &context.client, !context.counts());
            }
            Err(refusal)
        }
    }
}

/// Counts what proved nothing, by where it comes from alone: whatever token it names is not its own.
fn not_proved(context: &Context, refusal: Refusal) -> Refusal {
    let code = refusal.problem.code;
    if !matches!(code, Code::UnknownToken | Code::SignatureInvalid) || !context.counts() {
        return refusal;
    }
    if let Err(problem) = context.stranger() {
        return problem.into();
    }
    if code == Code::SignatureInvalid
        && let Some(record) = context.accused.take()
    {
        let now = context.io.now();
        context.gate.state.borrow_mut().touch(record.short_id).refused(&record, code, now, &context.client, false);
    }
    refusal
}

/// A token whose possession was proved.
struct Proved {
    record: Rc<Record>,
    /// By what it was found.
    name: Lookup,
    /// Whether it was the newest secret or key, not one that lives on for a rotation's grace.
    newest: bool,
    verified: Option<symbolon::signature::Verified>,
}

async fn prove(
    context: &Context,
    request: &GateRequest,
    body: Body<'_>,
    credential: Credential,
    demand: &Demand<'_>,
) -> Result<Proved, Refusal> {
    let unknown = || Refusal::new(Code::UnknownToken);
    match credential {
        Credential::Bearer(secret, header) => {
            let name = context
                .gate
                .known
                .read(secret.expose())
                .map_err(|error| Refusal::from(Problem::new(error.code()).detail(error.to_string())))?;
            let lookup = Lookup::Digest(name.digest);
            let found = find(context, name.organization, &lookup, demand).await?;
            let (record, hash) = match (found, name.foreign_prefix) {
                (Some(record), _) => (record, None),
                (None, Some(prefix)) => {
                    let matched = imported::find(context, &secret, prefix, demand).await?.ok_or_else(unknown)?;
                    (matched.record, Some(matched.hash))
                }
                (None, None) => return Err(unknown()),
            };
            let now = context.io.now();
            // A hash that was to be replaced and could not be proves the same.
            let proof = record.bearer(&name.digest, now).or_else(|| record.imported(hash.as_ref()?, now));
            let proof = proof.ok_or_else(unknown)?;
            let newest = proof.until.is_none();
            if !record.rules.proofs.contains(&ProofWay::Bearer) {
                return Err(unknown());
            }
            if let Some(header) = header.filter(|header| !record.rules.headers.contains(header)) {
                let detail = format!("this kind of token is not taken from the field {}", header.as_str());
                return Err(Problem::new(Code::MalformedCredential).detail(detail).into());
            }
            Ok(Proved { record, name: lookup, newest, verified: None })
        }
        Credential::Session(secret) => {
            let name = context.gate.known.read(secret.expose()).map_err(|_| unknown())?;
            // A name of its own: nothing but a session is ever found by the cookie, and no session by anything else.
            let lookup = Lookup::Session(name.digest);
            let demand = Demand { freshness: Some(Freshness::Strict), ..*demand };
            let record = find(context, name.organization, &lookup, &demand).await?.ok_or_else(unknown)?;
            record.bearer(&name.digest, context.io.now()).ok_or_else(unknown)?;
            Ok(Proved { record, name: lookup, newest: true, verified: None })
        }
        Credential::Signature(candidate) => {
            let Some(name) = signed::key_name(&candidate, request, context.gate.admin_key.as_ref()) else {
                // A name that could be nobody's, or none at all.
                return Err(match candidate.key_id() {
                    Some(_) => unknown(),
                    None => Refusal::signature(SignatureError::MissingParameter { name: "keyid" }),
                });
            };
            let record = find(context, name.organization, &name.lookup, demand).await?.ok_or_else(unknown)?;
            let key = name.of(&record, context.io.now()).ok_or_else(unknown)?;
            if !record.rules.proofs.contains(&ProofWay::Signature) {
                return Err(unknown());
            }
            context.accused.replace(Some(Rc::clone(&record)));
            let verified = signed::possession(context, request, body, *candidate, &record, key, demand).await?;
            // Keys are registered anew, not rotated: the one in use is the newest.
            Ok(Proved { record, name: name.lookup, newest: true, verified: Some(verified) })
        }
    }
}

async fn find(
    context: &Context,
    organization: Option<ShortId>,
    name: &Lookup,
    demand: &Demand<'_>,
) -> Result<Option<Rc<Record>>, Refusal> {
    context.named.set(organization);
    // Another organisation's token is as unknown as one that nobody has.
    let known = |organization| demand.within.is_none_or(|within| within == organization);
    if organization.is_some_and(|organization| !known(organization)) {
        if context.counts() {
            context.limited()?;
        }
        return Ok(None);
    }
    let record = match lookup::recalled(context, organization, name, demand.freshness) {
        Some(record) => Some(record),
        None => {
            let _under_way = if context.counts() {
                if !context.gate.state.borrow_mut().knows_secret(organization, name) {
                    context.limited()?;
                }
                // To end a token is never held up.
                if !demand.to_end_it {
                    let refused = Refused::new(name, context.client.network());
                    let mut state = context.gate.state.borrow_mut();
                    let failed = organization.map_or(USUAL, |organization| state.failed_limit(organization));
                    state.failures.held_up(context.io.now(), failed, &refused)?;
                }
                Some(context.looks_up())
            } else {
                None
            };
            let found = lookup::find(context, organization, name, demand.freshness).await?;
            if found.is_none() && context.counts() {
                // Its authority may just have said that there were too many, at other edges too.
                context.limited()?;
            }
            found
        }
    };
    if let Some(record) = &record {
        context.named.set(Some(record.short_id));
    }
    Ok(record.filter(|record| known(record.short_id)))
}

fn standing(record: &Record, now: Timestamp) -> Result<(), Refusal> {
    record.standing(now).map_err(|code| match (code, record.locked_until) {
        (Code::Locked, Some(until)) => Problem::new(code).retry_after(seconds_until(until, now)).into(),
        _ => Refusal::new(code),
    })
}

/// Whole seconds, at least one, for `Retry-After`.
pub(crate) fn seconds_until(until: Timestamp, now: Timestamp) -> u32 {
    let seconds = until.millis_since(now).saturating_add(999) / 1000;
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

fn permits(record: &Record, demand: &Demand<'_>) -> Result<(), Refusal> {
    match demand.permissions.iter().find(|permission| !record.permits(permission, demand.resource)) {
        None => Ok(()),
        Some(missing) => Err(Problem::new(Code::InsufficientPermission).required(missing.as_str()).into()),
    }
}
