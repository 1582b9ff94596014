//! From a credential's name to a record that may be decided upon.
//!
//! A name that tells its organisation leads straight to the authority; others are found through the directory, which
//! may be stale and only saves a trip, or the locator. Whatever was found, [`confirm`] is the one place where a record
//! becomes good for a decision, but for kinds that declare `eventual`: for those the directory's word is enough.

use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::policy::Freshness;
use symbolon::protocol::Record;
use symbolon::protocol::message::{Answer, Lookup, OrganizationCall};

use crate::context::{Context, Hop};
use crate::ports::Unavailable;
use crate::state::Told;

/// How often an authority is asked again whose answer was outdated when it came.
const MAX_ASKS: usize = 3;

/// Finds and confirms the record of a credential; none where nobody has it.
///
/// `asked` is a freshness stricter than the kind's, if the verification wants one.
///
/// # Errors
/// [`Unavailable`] where somebody had to be asked who could not be reached.
pub(crate) async fn find(
    context: &Context,
    organization: Option<ShortId>,
    lookup: &Lookup,
    asked: Option<Freshness>,
) -> Result<Option<Rc<Record>>, Unavailable> {
    let directory_may_do = asked.is_none_or(|asked| asked == Freshness::Eventual);
    let hinted = directory_may_do && context.gate.state.borrow_mut().eventual.get(lookup).is_some();
    let found = match organization {
        Some(organization) if !hinted => match confirm(context, organization, lookup, asked).await {
            Err(Unavailable) if directory_may_do => {
                let listed = context.timed(Hop::Directory, context.io.directory(lookup)).await;
                Some(listed.filter(is_eventual).map(Rc::new).ok_or(Unavailable)?)
            }
            result => result?,
        },
        _ => through_directory(context, organization, lookup, asked, directory_may_do).await?,
    };
    let mut state = context.gate.state.borrow_mut();
    match &found {
        Some(record) if is_eventual(record) => drop(state.eventual.put(lookup.clone(), ())),
        _ => drop(state.eventual.pop(lookup)),
    }
    Ok(found)
}

fn is_eventual(record: &Record) -> bool {
    record.rules.freshness == Freshness::Eventual
}

async fn through_directory(
    context: &Context,
    organization: Option<ShortId>,
    lookup: &Lookup,
    asked: Option<Freshness>,
    directory_may_do: bool,
) -> Result<Option<Rc<Record>>, Unavailable> {
    let place = organization.or_else(|| context.gate.state.borrow_mut().places.get(lookup).copied());
    if let Some(place) = place {
        // What a lease covers needs no look into the directory.
        if let Some(record) = remembered(context, place, lookup, asked) {
            return Ok(Some(record));
        }
    }
    let listed = context.timed(Hop::Directory, context.io.directory(lookup)).await;
    let listed = match listed {
        Some(record) if directory_may_do && is_eventual(&record) => return Ok(Some(Rc::new(record))),
        Some(record) => Some(record.short_id),
        None => None,
    };
    if let Some(place) = place.or(listed)
        && let Some(record) = confirm(context, place, lookup, asked).await?
    {
        context.gate.state.borrow_mut().places.put(lookup.clone(), place);
        return Ok(Some(record));
    }
    if organization.is_some() {
        return Ok(None);
    }
    let Some(place) = context.timed(Hop::Locator, context.io.locate(lookup)).await? else { return Ok(None) };
    let record = confirm(context, place.organization, lookup, asked).await?;
    if record.is_some() {
        context.gate.state.borrow_mut().places.put(lookup.clone(), place.organization);
    }
    Ok(record)
}

/// Whether a credential's record can be decided upon without asking anybody.
pub(crate) fn is_remembered(
    context: &Context,
    organization: Option<ShortId>,
    lookup: &Lookup,
    asked: Option<Freshness>,
) -> bool {
    let place = organization.or_else(|| context.gate.state.borrow_mut().places.get(lookup).copied());
    let record =
        place.and_then(|place| context.gate.state.borrow_mut().confirmed(place, lookup, context.io.now(), false));
    record.is_some_and(|record| record.rules.freshness.at_least(asked) != Freshness::Strict)
}

/// A record under a lease, if the kind and whoever asks are content with one.
fn remembered(
    context: &Context,
    organization: ShortId,
    lookup: &Lookup,
    asked: Option<Freshness>,
) -> Option<Rc<Record>> {
    let record = context.gate.state.borrow_mut().confirmed(organization, lookup, context.io.now(), false)?;
    if record.rules.freshness.at_least(asked) == Freshness::Strict {
        return None;
    }
    context.note(Hop::Memory);
    Some(record)
}

/// The record as its authority confirms it: from memory under a lease, or by asking; none where it has none.
///
/// # Errors
/// [`Unavailable`] where the authority could not be reached, and the organisation does not let an edge go on without it.
pub(crate) async fn confirm(
    context: &Context,
    organization: ShortId,
    lookup: &Lookup,
    asked: Option<Freshness>,
) -> Result<Option<Rc<Record>>, Unavailable> {
    if let Some(record) = remembered(context, organization, lookup, asked) {
        return Ok(Some(record));
    }
    for _ in 0..MAX_ASKS {
        let (question, ask) = context.gate.state.borrow_mut().question(organization, Some(lookup), context.io.now());
        let call = OrganizationCall::Ask(ask);
        let answer = context.timed(Hop::Authority, context.io.organization::<Answer>(organization, &call)).await;
        let now = context.io.now();
        let mut state = context.gate.state.borrow_mut();
        match answer {
            Ok(answer) => {
                if let Told::Good(record) = state.receive(organization, &question, Some(lookup), answer, now) {
                    return Ok(record);
                }
            }
            Err(Unavailable) => {
                state.unanswered(organization, &question);
                let stale = state.confirmed(organization, lookup, now, true);
                let may = |record: &Rc<Record>| record.rules.freshness.at_least(asked) != Freshness::Strict;
                return stale.filter(may).map(Some).ok_or(Unavailable);
            }
        }
    }
    Err(Unavailable)
}
