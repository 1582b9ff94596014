//! From a credential's name to a record that may be decided upon.
//!
//! A name that tells its organisation leads straight to the authority; others are found through the directory, which
//! may be stale and only saves a trip, or the locator. Whatever was found, [`confirm`] is the one place where a record
//! becomes good for a decision, but for kinds that declare `eventual`: for those the directory's word is enough.

use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::policy::Freshness;
use symbolon::protocol::Record;
use symbolon::protocol::lease::Edge;
use symbolon::protocol::message::{Answer, Ask, Lookup, OrganizationCall};

use crate::context::{Context, Hop};
use crate::ports::Unavailable;
use crate::state::Told;

/// How often an authority is asked again whose answer was outdated when it came.
const MAX_ASKS: usize = 3;
/// The first pause of whoever waits for another request's question, in milliseconds; each is twice the one before.
const FIRST_PAUSE_MILLIS: u32 = 10;
/// The longest pause, in milliseconds.
const LONGEST_PAUSE_MILLIS: u32 = 160;

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
        Some(organization) if !hinted => match confirm(context, organization, lookup, true, asked).await {
            Err(Unavailable) if directory_may_do => {
                let listed = listed(context, lookup).await;
                let listed = listed.filter(|record| is_eventual(record) && record.short_id == organization);
                Some(listed.map(Rc::new).ok_or(Unavailable)?)
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

/// What the directory says of a credential, as far as it is this instance's word.
async fn listed(context: &Context, lookup: &Lookup) -> Option<Record> {
    context.timed(Hop::Directory, context.io.directory(&context.gate.known.secret, lookup)).await
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
    let listed = listed(context, lookup).await;
    // Another organisation may have brought in the hash of a secret that names this one: its word is not this one's.
    let listed = listed.filter(|record| organization.is_none_or(|named| named == record.short_id));
    let listed = match listed {
        Some(record) if directory_may_do && is_eventual(&record) => return Ok(Some(Rc::new(record))),
        Some(record) => Some(record.short_id),
        None => None,
    };
    if let Some(place) = place.or(listed)
        && let Some(record) = confirm(context, place, lookup, false, asked).await?
    {
        context.gate.state.borrow_mut().places.put(lookup.clone(), place);
        return Ok(Some(record));
    }
    if organization.is_some() {
        return Ok(None);
    }
    // Of a secret the bcrypt hashes with its prefix are asked for next, and then it counts.
    let shown_by = context.shown_by().filter(|_| !matches!(lookup, Lookup::Digest(_)));
    let located = context.timed(Hop::Locator, context.io.locate(lookup, shown_by)).await?;
    context.told(located.limited);
    let Some(place) = located.place else { return Ok(None) };
    let record = confirm(context, place.organization, lookup, false, asked).await?;
    if record.is_some() {
        context.gate.state.borrow_mut().places.put(lookup.clone(), place.organization);
    }
    Ok(record)
}

/// A credential's record, where it can be decided upon without asking anybody.
pub(crate) fn recalled(
    context: &Context,
    organization: Option<ShortId>,
    lookup: &Lookup,
    asked: Option<Freshness>,
) -> Option<Rc<Record>> {
    let place = organization.or_else(|| context.gate.state.borrow_mut().places.get(lookup).copied())?;
    remembered(context, place, lookup, asked)
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

/// The record as another request's question brings it, which is waited for with timers of one's own: a plain value is
/// looked at again and again, and no promise is shared. None where it is not worth waiting, or took too long.
async fn from_anothers_question(
    context: &Context,
    organization: ShortId,
    lookup: &Lookup,
    asked: Option<Freshness>,
) -> Option<Rc<Record>> {
    let begun = context.io.now();
    let mut pause = FIRST_PAUSE_MILLIS;
    loop {
        let now = context.io.now();
        // One's own patience ends as well, whoever asks anew meanwhile. A clock that steps back ends it at once.
        if now < begun
            || now.millis_since(begun) >= Edge::PATIENCE_MILLIS
            || !context.gate.state.borrow_mut().is_worth_waiting(organization, lookup, now)
        {
            return None;
        }
        context.io.sleep(pause).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE_MILLIS);
        if let Some(record) = remembered(context, organization, lookup, asked) {
            return Some(record);
        }
    }
}

/// The record as its authority confirms it: from memory under a lease, or by asking; none where it has none. `named`:
/// the credential itself names its organisation.
///
/// # Errors
/// [`Unavailable`] where the authority could not be reached, and the organisation does not let an edge go on without it.
pub(crate) async fn confirm(
    context: &Context,
    organization: ShortId,
    lookup: &Lookup,
    named: bool,
    asked: Option<Freshness>,
) -> Result<Option<Rc<Record>>, Unavailable> {
    if let Some(record) = remembered(context, organization, lookup, asked) {
        return Ok(Some(record));
    }
    if asked != Some(Freshness::Strict)
        && let Some(record) = from_anothers_question(context, organization, lookup, asked).await
    {
        return Ok(Some(record));
    }
    // Named by its organisation, and no key: such a secret only a server makes.
    let generated = named && matches!(lookup, Lookup::Digest(_));
    if generated && asked != Some(Freshness::Strict) {
        let now = context.io.now();
        if context.gate.state.borrow_mut().is_missing(lookup, now) {
            context.note(Hop::Memory);
            return Ok(None);
        }
    }
    for _ in 0..MAX_ASKS {
        let (question, ask) = context.gate.state.borrow_mut().question(organization, Some(lookup), context.io.now());
        let call = OrganizationCall::Ask(Ask { shown_by: context.shown_by(), ..ask });
        let answer = context.timed(Hop::Authority, context.io.organization::<Answer>(organization, &call)).await;
        let now = context.io.now();
        let mut state = context.gate.state.borrow_mut();
        match answer {
            Ok(answer) => {
                if let Told::Good(record) = state.receive(organization, &question, Some(lookup), generated, answer, now)
                {
                    return Ok(record);
                }
            }
            Err(Unavailable) => {
                state.unanswered(organization, &question, Some(lookup));
                let stale = state.confirmed(organization, lookup, now, true);
                let may = |record: &Rc<Record>| record.rules.freshness.at_least(asked) != Freshness::Strict;
                return stale.filter(may).map(Some).ok_or(Unavailable);
            }
        }
    }
    Err(Unavailable)
}
