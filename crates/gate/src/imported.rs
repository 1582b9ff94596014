//! Secrets that were imported with a bcrypt hash, until their first success.
//!
//! They are found by their public prefix, so what comes with such a prefix is tried on all hashes that share it: at most
//! eight of an organisation. The authority counts the tries and says when there were too many wrong ones, before anything is hashed. The
//! hash that matches is replaced by the secret's SHA-256, and the next request finds its record as fast as any.
//!
//! A wrong secret is `unknown_token` here as everywhere. That a prefix has hashes shows by the time that it takes; prefixes
//! are public.

use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Record;
use symbolon::protocol::imported::{Candidates, Hashed, MAX_CANDIDATES, MAX_SHARING, Tried, Try, Upgrade, Upgraded};
use symbolon::protocol::message::{Lookup, OrganizationCall, Place};
use symbolon::time::Timestamp;
use symbolon::token::{Bcrypt, Digest, Secret};

use crate::context::{Context, Hop};
use crate::decide::{Demand, Refusal, seconds_until};
use crate::{lookup, slow};

/// A record whose bcrypt hash a secret has matched.
pub(crate) struct Matched {
    pub(crate) record: Rc<Record>,
    pub(crate) hash: Bcrypt,
}

/// Finds the record of a secret among the bcrypt hashes that share its public prefix; none where it matches none.
///
/// # Errors
/// `rate_limited` where too many wrong secrets came; `authority_unavailable` where somebody could not be asked.
pub(crate) async fn find(
    context: &Context,
    secret: &Secret,
    prefix: &str,
    demand: &Demand<'_>,
) -> Result<Option<Matched>, Refusal> {
    let Candidates { mut places, limited } =
        context.timed(Hop::Locator, context.io.candidates(prefix, context.shown_by())).await?;
    context.told(limited);
    places.truncate(MAX_SHARING);
    places.retain(|place| demand.within.is_none_or(|within| within == place.organization));
    let client = context.guesser();
    let mut limited: Option<Timestamp> = None;
    while let Some(organization) = places.first().map(|place| place.organization) {
        let (here, elsewhere): (Vec<Place>, Vec<Place>) =
            places.into_iter().partition(|place| place.organization == organization);
        places = elsewhere;
        let tokens = here.into_iter().map(|place| place.token).collect();
        let call = OrganizationCall::Try(Try { tokens, client: client.clone() });
        match context.timed(Hop::Authority, context.io.organization(organization, &call)).await? {
            Tried::Limited { until } => limited = limited.max(Some(until)),
            Tried::Reserved { hashes } => {
                if let Some(Hashed { token, hash }) = matching(secret, hashes) {
                    let upgrade = Upgrade { token, hash, digest: Digest::of(secret.expose()), client };
                    return upgraded(context, organization, upgrade, demand).await;
                }
            }
        }
    }
    match limited {
        None => Ok(None),
        Some(until) => {
            let seconds = seconds_until(until, context.io.now());
            Err(Problem::new(Code::RateLimited).retry_after(seconds).into())
        }
    }
}

fn matching(secret: &Secret, hashes: Vec<Hashed>) -> Option<Hashed> {
    let matches = |hashed: &Hashed| slow::bcrypt_matches(secret.expose().as_bytes(), &hashed.hash);
    hashes.into_iter().take(MAX_CANDIDATES).find(matches)
}

/// Has the hash replaced, and reads the record. Where it could not be replaced, the hash proves possession all the same,
/// and the next request tries again.
async fn upgraded(
    context: &Context,
    organization: ShortId,
    upgrade: Upgrade,
    demand: &Demand<'_>,
) -> Result<Option<Matched>, Refusal> {
    let Upgrade { token, hash, digest, .. } = upgrade.clone();
    let call = OrganizationCall::Upgrade(upgrade);
    let done = context.timed(Hop::Authority, context.io.organization::<Upgraded>(organization, &call)).await;
    if done.is_ok_and(|upgraded| upgraded.done) {
        context.gate.state.borrow_mut().places.put(Lookup::Digest(digest), organization);
    }
    let record = lookup::confirm(context, organization, &Lookup::Token(token), false, demand.freshness).await?;
    Ok(record.map(|record| Matched { record, hash }))
}
