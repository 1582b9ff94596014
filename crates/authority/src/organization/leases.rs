//! What edges may believe and for how long, and answers that wait until nobody believes what was before.
//!
//! The rules are those of [`symbolon::protocol::lease`]. Here are the machine's takeover, the durable row, and the
//! timers; and the one place through which every narrowing is answered.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use symbolon::protocol::lease::{Horizon, LeaseTerms, Lessor, Quiet};
use symbolon::protocol::message::HttpResponse;

use super::failure::{Failure, Result};
use super::head::Head;
use super::http::{self, Held, Until};
use super::{Organization, schema};
use crate::machine::{CallId, Context, Effect, EffectId, Event};
use crate::store::Store;

/// How long leases may become under load where the profile does not say, in milliseconds.
const USUALLY_BUSY_MILLIS: u64 = 10_000;

/// The leases of this machine, and the answers that wait for them.
#[derive(Default)]
pub(crate) struct Leases {
    state: State,
    timers: BTreeMap<EffectId, Timer>,
}

/// How far the machine's takeover has come.
#[derive(Default)]
enum State {
    /// Nobody has founded the organisation, as far as is known: nothing is written.
    #[default]
    Unfounded,
    /// The write that fences a former machine waits to be confirmed.
    Fencing(EffectId),
    /// It may answer.
    Open(Box<Lessor>),
}

enum Timer {
    /// Nothing that a former machine said is believed any more.
    TakenOver,
    /// Nothing was granted for a while.
    Quiet,
    /// An answer's time has come.
    Reply { call: CallId, json: String },
}

/// Whether an event may be handled.
pub(crate) enum Entry {
    /// Yes, after these that came earlier, and with this effect first.
    Open { timer: Option<Effect>, released: Vec<Event> },
    /// Not yet.
    Wait(Option<Effect>),
    /// There is no organisation here.
    Unfounded,
}

impl Leases {
    /// Whether the machine may answer for its organisation.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    fn lessor(&mut self) -> Option<&mut Lessor> {
        match &mut self.state {
            State::Open(lessor) => Some(lessor),
            State::Unfounded | State::Fencing(_) => None,
        }
    }
}

/// What may be said with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) lease_millis: u64,
    pub(crate) stale_millis: u64,
}

impl<S: Store> Organization<S> {
    /// Whether this event may be handled. The first one over a founded organisation makes the write that fences a
    /// former machine; until that is confirmed, nothing is read that an answer could depend on.
    pub(super) fn enter(&mut self, event: &Event) -> Result<Entry> {
        match (&self.leases.state, event) {
            (State::Open(_), _) => Ok(Entry::Open { timer: None, released: Vec::new() }),
            (State::Fencing(waits), Event::Synced { id }) if id == waits => {
                let timer = self.open()?;
                Ok(Entry::Open { timer, released: core::mem::take(&mut self.early) })
            }
            (State::Fencing(_), _) => Ok(Entry::Wait(None)),
            (State::Unfounded, _) if !schema::exists(&self.store)? => Ok(Entry::Unfounded),
            (State::Unfounded, _) => {
                self.store.execute("UPDATE organization SET instances = instances + 1", &[])?;
                let id = self.ids.next();
                self.leases.state = State::Fencing(id);
                Ok(Entry::Wait(Some(Effect::Sync { id })))
            }
        }
    }

    /// Begins to answer: no other machine can, or this one has just founded the organisation.
    pub(super) fn open(&mut self) -> Result<Option<Effect>> {
        let rows = self.store.execute("SELECT horizon FROM organization", &[])?;
        let row = rows.first().ok_or(Failure::Broken("the organisation has no row"))?;
        let horizon: Option<Horizon> = match row.get::<Option<String>>(0)? {
            None => None,
            Some(_) => Some(row.json(0)?),
        };
        let (lessor, takeover_millis) = Lessor::start(self.terms()?, horizon);
        self.leases.state = State::Open(Box::new(lessor));
        Ok(takeover_millis.map(|millis| self.start_timer(Timer::TakenOver, millis)))
    }

    /// What may be said with the answer that is about to be given; every answer needs it. To be called in the
    /// transaction of the call: an answer whose row is not written must not leave.
    pub(super) fn grant(&mut self, context: &Context<'_>, lease: bool) -> Result<(Lease, Option<Effect>)> {
        let Some(lessor) = self.leases.lessor() else { return Ok((Lease::default(), None)) };
        let grant = lessor.grant(context.now, lease);
        if let Some(horizon) = grant.write {
            let written = serde_json::to_string(&horizon)
                .map_err(|_| Failure::Broken("a horizon cannot be written"))
                .and_then(|json| Ok(self.store.execute("UPDATE organization SET horizon = ?1", &[json.into()])?));
            if let Err(failure) = written {
                lessor.not_written(grant);
                return Err(failure);
            }
        }
        let timer = grant.timer_millis.map(|millis| self.start_timer(Timer::Quiet, millis));
        Ok((Lease { lease_millis: grant.lease_millis, stale_millis: grant.stale_millis }, timer))
    }

    /// The terms that the profile in force sets.
    fn terms(&mut self) -> Result<LeaseTerms> {
        let head = Head::read(&self.store)?;
        let leases = *self.profiles.current(&self.store, &head)?.leases();
        let lease_millis = u64::from(leases.lease_millis);
        Ok(LeaseTerms {
            lease_millis,
            lease_max_millis: leases.busy_lease_millis.map_or(lease_millis.max(USUALLY_BUSY_MILLIS), u64::from),
            margin_millis: leases.margin_millis.into(),
            stale_millis: u64::from(leases.stale_for_seconds).saturating_mul(1000),
        })
    }

    /// From here on grants as the profile says that was just put in force. What was granted before is waited for.
    pub(super) fn follow_profile(&mut self) -> Result<()> {
        let terms = self.terms()?;
        if let Some(lessor) = self.leases.lessor() {
            lessor.set_terms(terms);
        }
        Ok(())
    }

    /// Answers a change, when it holds everywhere as far as it must: the one way in which a narrowing is answered.
    pub(super) fn reply_when_it_holds(&mut self, context: &Context<'_>, call: CallId, held: Held) -> Effect {
        let (narrowing, creation) = self
            .leases
            .lessor()
            .map_or((0, 0), |lessor| (lessor.narrowing_wait_millis(), lessor.creation_wait_millis()));
        // Also where nothing was changed: a superseded machine may not know what its successor has changed, and fails
        // by this write.
        if held.until != Until::Nothing
            && let Err(fault) = self.store.execute("UPDATE organization SET instances = instances + 1", &[])
        {
            return Effect::Fail { id: call, fault: fault.to_string() };
        }
        let wait = match held.until {
            Until::Narrowed => narrowing,
            // An edge that goes by what was before does not know of the end.
            Until::Ending { millis } if millis < narrowing => narrowing,
            Until::Ending { .. } | Until::Created => creation,
            Until::Nothing => 0,
        };
        let mut document = held.document;
        if held.tells
            && let Some(object) = document.as_object_mut()
        {
            // A widening is answered at once, and holds when no edge goes by what was before.
            let millis = i64::try_from(wait.max(narrowing)).unwrap_or(i64::MAX);
            let at = context.now.plus_millis(millis);
            let at = if held.eventual { Json::Null } else { Json::String(at.to_string()) };
            object.insert("holds_everywhere_at".into(), at);
        }
        let response = match http::json(held.status, &document) {
            Ok(mut response) => {
                response.headers.extend(held.headers);
                response
            }
            Err(failure) => return Effect::Fail { id: call, fault: failure.to_string() },
        };
        match crate::answer::json(&response) {
            Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
            Ok(json) if wait == 0 => Effect::Reply { id: call, json },
            Ok(json) => self.start_timer(Timer::Reply { call, json }, wait),
        }
    }

    /// A timer has run down.
    pub(super) fn timer(&mut self, id: EffectId) -> Vec<Effect> {
        match self.leases.timers.remove(&id) {
            None => Vec::new(),
            Some(Timer::Reply { call, json }) => vec![Effect::Reply { id: call, json }],
            Some(Timer::TakenOver) => {
                if let Some(lessor) = self.leases.lessor() {
                    lessor.taken_over();
                }
                Vec::new()
            }
            Some(Timer::Quiet) => match self.leases.lessor().map(Lessor::quiet) {
                None => Vec::new(),
                Some(Quiet::Again { timer_millis }) => vec![self.start_timer(Timer::Quiet, timer_millis)],
                Some(Quiet::Close) => {
                    // A row that stays makes a later machine wait for nothing, and no more.
                    drop(self.store.execute("UPDATE organization SET horizon = NULL", &[]));
                    Vec::new()
                }
            },
        }
    }

    fn start_timer(&mut self, timer: Timer, millis: u64) -> Effect {
        let id = self.ids.next();
        self.leases.timers.insert(id, timer);
        Effect::Timer { id, millis }
    }
}

/// The answer to a management call, as an effect.
pub(crate) fn reply(call: CallId, response: &HttpResponse) -> Effect {
    match crate::answer::json(response) {
        Ok(json) => Effect::Reply { id: call, json },
        Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
    }
}

/// The answer to a call that was not carried out.
pub(crate) fn refuse(call: CallId, failure: Failure) -> Effect {
    match failure.log() {
        Some(fault) => Effect::Fail { id: call, fault },
        None => reply(call, &http::problem(&failure.into_problem())),
    }
}
