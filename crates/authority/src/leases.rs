//! What edges may believe and for how long, and answers that wait until nobody believes what was before: for every
//! machine that grants leases.
//!
//! The rules are those of [`symbolon::protocol::lease`]. Here are the machine's takeover, the durable row, and the
//! timers. The row is the only one of its table, in the columns `horizon` and `instances`: the last grows with
//! every machine that takes over, and with every answer that only the newest machine may give.

use std::collections::BTreeMap;

use symbolon::protocol::lease::{Horizon, LeaseTerms, Lessor, Quiet};
use symbolon::time::Timestamp;

use crate::machine::{CallId, Effect, EffectId, EffectIds, Event};
use crate::store::{Store, StoreError};

/// How many events may wait until the machine may answer; beyond that calls are given up.
const MAX_EARLY: usize = 1_000;

/// The leases of one machine, and the answers that wait for them.
pub(crate) struct Leases {
    table: &'static str,
    state: State,
    timers: BTreeMap<EffectId, Timer>,
    /// Events that came before the machine may answer.
    early: Vec<Event>,
}

/// How far the machine's takeover has come.
enum State {
    /// There is no row, as far as is known: nothing is written.
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

/// What is to become of an event.
pub(crate) enum Entry {
    /// It is to be handled.
    Open(Event),
    /// The fence is confirmed: read the state, call [`Leases::open`], and handle these, in their order.
    Fenced(Vec<Event>),
    /// Not yet: it is kept.
    Wait(Option<Effect>),
    /// There is no row: nobody has founded what this machine is for.
    Unfounded(Event),
    /// Too many came before the machine may answer.
    Full(Event),
}

/// What may be said with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) lease_millis: u64,
    pub(crate) stale_millis: u64,
}

impl Leases {
    /// The leases of a machine that has just begun, with its row in this table.
    pub(crate) const fn new(table: &'static str) -> Self {
        Self { table, state: State::Unfounded, timers: BTreeMap::new(), early: Vec::new() }
    }

    /// Whether the machine may answer for what it was founded for.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    fn lessor(&mut self) -> Option<&mut Lessor> {
        match &mut self.state {
            State::Open(lessor) => Some(lessor),
            State::Unfounded | State::Fencing(_) => None,
        }
    }

    /// Whether this event may be handled. The first one over a row makes the write that fences a former machine; until
    /// that is confirmed, nothing is read that an answer could depend on. `founded`: whether the table is there; it is
    /// asked only as long as no row was found.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn enter<S: Store>(
        &mut self,
        store: &S,
        ids: &mut EffectIds,
        event: Event,
        founded: impl FnOnce() -> Result<bool, StoreError>,
    ) -> Result<Entry, (Event, StoreError)> {
        match (&self.state, &event) {
            (State::Open(_), _) => Ok(Entry::Open(event)),
            (State::Fencing(waits), Event::Synced { id }) if id == waits => {
                Ok(Entry::Fenced(core::mem::take(&mut self.early)))
            }
            (State::Fencing(_), _) if self.early.len() >= MAX_EARLY => Ok(Entry::Full(event)),
            (State::Fencing(_), _) => {
                self.early.push(event);
                Ok(Entry::Wait(None))
            }
            (State::Unfounded, _) => match founded().and_then(|founded| {
                if founded {
                    self.only_the_newest(store)?;
                }
                Ok(founded)
            }) {
                Err(fault) => Err((event, fault)),
                Ok(false) => Ok(Entry::Unfounded(event)),
                Ok(true) => {
                    let id = ids.next();
                    self.state = State::Fencing(id);
                    self.early.push(event);
                    Ok(Entry::Wait(Some(Effect::Sync { id })))
                }
            },
        }
    }

    /// Begins to answer on these terms: no other machine can, or this one has just made the row.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn open<S: Store>(
        &mut self,
        store: &S,
        ids: &mut EffectIds,
        terms: LeaseTerms,
    ) -> Result<Option<Effect>, StoreError> {
        let rows = store.execute(&format!("SELECT horizon FROM {}", self.table), &[])?;
        let row = rows.first().ok_or_else(|| StoreError::database("there is no row of leases"))?;
        let horizon: Option<Horizon> = match row.get::<Option<String>>(0)? {
            None => None,
            Some(_) => Some(row.json(0)?),
        };
        let (lessor, takeover_millis) = Lessor::start(terms, horizon);
        self.state = State::Open(Box::new(lessor));
        Ok(takeover_millis.map(|millis| self.start_timer(ids, Timer::TakenOver, millis)))
    }

    /// It could not be begun to answer: the next event fences and reads anew. Else whoever comes would wait for ever.
    pub(crate) fn not_opened(&mut self) {
        self.state = State::Unfounded;
    }

    /// From here on grants on these terms. What was granted before is waited for.
    pub(crate) fn set_terms(&mut self, terms: LeaseTerms) {
        if let Some(lessor) = self.lessor() {
            lessor.set_terms(terms);
        }
    }

    /// What may be said with the answer that is about to be given; every answer needs it. To be called in the turn of
    /// the call: an answer whose row is not written must not leave.
    ///
    /// # Errors
    /// The store's; then nothing may be said.
    pub(crate) fn grant<S: Store>(
        &mut self,
        store: &S,
        ids: &mut EffectIds,
        now: Timestamp,
        lease: bool,
    ) -> Result<(Lease, Option<Effect>), StoreError> {
        let update = format!("UPDATE {} SET horizon = ?1", self.table);
        let Some(lessor) = self.lessor() else { return Ok((Lease::default(), None)) };
        let grant = lessor.grant(now, lease);
        if let Some(horizon) = grant.write {
            let written = crate::answer::json(&horizon).and_then(|json| store.execute(&update, &[json.into()]));
            if let Err(fault) = written {
                lessor.not_written(grant);
                return Err(fault);
            }
        }
        let timer = grant.timer_millis.map(|millis| self.start_timer(ids, Timer::Quiet, millis));
        Ok((Lease { lease_millis: grant.lease_millis, stale_millis: grant.stale_millis }, timer))
    }

    /// A write by which a superseded machine fails: it may not know what its successor has changed.
    ///
    /// # Errors
    /// The store's; then nothing may be answered.
    pub(crate) fn only_the_newest<S: Store>(&self, store: &S) -> Result<(), StoreError> {
        store.execute(&format!("UPDATE {} SET instances = instances + 1", self.table), &[]).map(drop)
    }

    /// How long the answer to a narrowing that is committed now must wait, in milliseconds.
    pub(crate) fn narrowing_wait_millis(&mut self) -> u64 {
        self.lessor().map_or(0, |lessor| lessor.narrowing_wait_millis())
    }

    /// How long the answer to a creation must wait, in milliseconds.
    pub(crate) fn creation_wait_millis(&mut self) -> u64 {
        self.lessor().map_or(0, |lessor| lessor.creation_wait_millis())
    }

    /// Answers a call after so many milliseconds.
    pub(crate) fn reply_after(&mut self, ids: &mut EffectIds, call: CallId, json: String, millis: u64) -> Effect {
        match millis {
            0 => Effect::Reply { id: call, json },
            millis => self.start_timer(ids, Timer::Reply { call, json }, millis),
        }
    }

    /// A timer has run down.
    pub(crate) fn timer<S: Store>(&mut self, store: &S, ids: &mut EffectIds, id: EffectId) -> Option<Effect> {
        match self.timers.remove(&id)? {
            Timer::Reply { call, json } => Some(Effect::Reply { id: call, json }),
            Timer::TakenOver => {
                self.lessor()?.taken_over();
                None
            }
            Timer::Quiet => match self.lessor()?.quiet() {
                Quiet::Again { timer_millis } => Some(self.start_timer(ids, Timer::Quiet, timer_millis)),
                Quiet::Close => {
                    // A row that stays makes a later machine wait for nothing, and no more.
                    drop(store.execute(&format!("UPDATE {} SET horizon = NULL", self.table), &[]));
                    None
                }
            },
        }
    }

    fn start_timer(&mut self, ids: &mut EffectIds, timer: Timer, millis: u64) -> Effect {
        let id = ids.next();
        self.timers.insert(id, timer);
        Effect::Timer { id, millis }
    }
}

impl Entry {
    /// What to do with an event that found too many others waiting, or whose machine could not be opened.
    pub(crate) fn give_up(event: &Event, fault: &str) -> Vec<Effect> {
        match event {
            Event::Call { id, .. } => vec![Effect::Fail { id: *id, fault: fault.to_owned() }],
            _ => Vec::new(),
        }
    }

    /// What the log is told of an event that found too many others waiting.
    pub(crate) const FULL: &str = "too many calls came before the machine had taken over";
}
