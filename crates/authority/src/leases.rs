//! What edges may believe and for how long, and answers that wait until nobody believes what was before: for every
//! machine that grants leases.
//!
//! The rules are those of [`symbolon::protocol::lease`]. Here are the machine's takeover, the durable row, and the
//! timers. The row is the only one of its table, in the columns `horizon` and `instances`: the last grows with
//! every machine that takes over, and with every answer that only the newest machine may give.
//!
//! Changes are told apart by their epochs. A wait that begins now is over for whatever was committed until now, so one
//! that was committed before waits no longer than it did then: many answers share a wait, and who asks again is
//! answered with whoever asked first. What a former machine had waited for is not known; that waits as if it were new.

use litemap::LiteMap;
use symbolon::protocol::Epoch;
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
    timers: LiteMap<EffectId, Timer>,
    /// Events that came before the machine may answer.
    early: Vec<Event>,
    /// What this machine granted before the change of this epoch is not believed any more.
    ended: Option<Epoch>,
    /// What is still waited for, with the epoch at which the wait began, the earliest first.
    waiting: Vec<(Epoch, Waiting)>,
    /// What a former machine said, as long as it may be believed.
    takeover: Option<Waiting>,
}

/// Answers that wait for the same end.
struct Waiting {
    /// When that will be, for people; the answers themselves go by a timer.
    until: Timestamp,
    replies: Vec<Reply>,
}

struct Reply {
    call: CallId,
    json: String,
}

/// For what an answer waits. Made by [`Leases::narrowed`] and [`Leases::created`], for [`Leases::reply`].
pub(crate) struct Wait {
    /// Under which epoch the end is waited for of what this machine has granted.
    granted: Option<Epoch>,
    /// When it will be over, for people.
    pub(crate) until: Timestamp,
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
    /// What was granted before the change of this epoch has ended.
    Ended(Epoch),
}

/// What is to become of an event.
pub(crate) enum Entry {
    /// It is to be handled: the machine may answer, or nobody has founded what it is for.
    Handle(Event),
    /// The fence is confirmed: read the state, call [`Leases::open`], and handle these, in their order.
    Fenced(Vec<Event>),
    /// Not yet: it is kept.
    Wait(Option<Effect>),
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
        Self {
            table,
            state: State::Unfounded,
            timers: LiteMap::new(),
            early: Vec::new(),
            ended: None,
            waiting: Vec::new(),
            takeover: None,
        }
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
            (State::Open(_), _) => Ok(Entry::Handle(event)),
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
                Ok(false) => Ok(Entry::Handle(event)),
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
        now: Timestamp,
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
        self.takeover = takeover_millis.map(|millis| Waiting { until: after(now, millis), replies: Vec::new() });
        Ok(takeover_millis.map(|millis| self.start_timer(ids, Timer::TakenOver, millis)))
    }

    /// The storage turns out to have been put back to an older state: what was said and lost with the rest may be
    /// believed still, and no row says for how long. It is waited for as long as any machine may have to wait, as after
    /// a takeover; also by whoever takes over meanwhile. The timer must be started whatever becomes of the call.
    ///
    /// # Errors
    /// The store's; then nothing may be answered.
    pub(crate) fn put_back<S: Store>(
        &mut self,
        store: &S,
        ids: &mut EffectIds,
        now: Timestamp,
    ) -> Result<Option<Effect>, StoreError> {
        let update = format!("UPDATE {} SET horizon = ?1", self.table);
        let Some(lessor) = self.lessor() else { return Ok(None) };
        // First: a lessor that waits by a timer that nobody starts would wait for ever.
        store.execute(&update, &[crate::answer::json(&lessor.longest())?.into()])?;
        let Some(millis) = lessor.put_back() else { return Ok(None) };
        // What this machine granted until now is waited for with the rest: its own timers mean nothing to the lessor now.
        self.timers.retain(|_, timer| matches!(timer, Timer::Ended(_)));
        let replies = self.takeover.take().map(|takeover| takeover.replies).unwrap_or_default();
        self.takeover = Some(Waiting { until: after(now, millis), replies });
        Ok(Some(self.start_timer(ids, Timer::TakenOver, millis)))
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

    /// How long an edge may go by what this machine has said until now, in milliseconds.
    pub(crate) fn granted_wait_millis(&mut self) -> u64 {
        self.lessor().map_or(0, |lessor| lessor.granted_wait_millis())
    }

    /// For what the answer to a narrowing waits that was committed with the change `of`, now or earlier; `current` is the
    /// newest change. The timer, if there is one, must be started whatever becomes of the answer: others may share it.
    pub(crate) fn narrowed(
        &mut self,
        ids: &mut EffectIds,
        now: Timestamp,
        of: Epoch,
        current: Epoch,
    ) -> (Wait, Option<Effect>) {
        let created = self.created(now);
        if self.ended.is_some_and(|ended| of <= ended) {
            return (created, None);
        }
        if let Some((epoch, waiting)) = self.waiting.iter().find(|(epoch, _)| *epoch >= of) {
            return (Wait { granted: Some(*epoch), until: created.until.max(waiting.until) }, None);
        }
        match self.granted_wait_millis() {
            0 => {
                self.ended = self.ended.max(Some(current));
                (created, None)
            }
            millis => {
                let until = after(now, millis);
                self.waiting.push((current, Waiting { until, replies: Vec::new() }));
                let timer = self.start_timer(ids, Timer::Ended(current), millis);
                (Wait { granted: Some(current), until: created.until.max(until) }, Some(timer))
            }
        }
    }

    /// For what the answer to a creation waits: that no former machine says that there is no such thing.
    pub(crate) fn created(&self, now: Timestamp) -> Wait {
        let until = self.takeover.as_ref().map_or(now, |takeover| takeover.until.max(now));
        Wait { granted: None, until }
    }

    /// Answers a call when its wait is over.
    pub(crate) fn reply(&mut self, wait: Wait, call: CallId, json: String) -> Option<Effect> {
        let reply = Reply { call, json };
        match wait.granted.and_then(|granted| self.waiting.iter_mut().find(|(epoch, _)| *epoch == granted)) {
            Some((_, waiting)) => {
                waiting.replies.push(reply);
                None
            }
            None => self.reply_when_taken_over(reply),
        }
    }

    fn reply_when_taken_over(&mut self, reply: Reply) -> Option<Effect> {
        match &mut self.takeover {
            Some(takeover) => {
                takeover.replies.push(reply);
                None
            }
            None => Some(reply.into()),
        }
    }

    /// What was granted before the change of this epoch has ended, and so has what was granted before earlier ones.
    fn ended(&mut self, epoch: Epoch) -> Vec<Effect> {
        self.ended = self.ended.max(Some(epoch));
        let over = self.waiting.extract_if(.., |(waits_for, _)| *waits_for <= epoch);
        let replies: Vec<Reply> = over.flat_map(|(_, waiting)| waiting.replies).collect();
        replies.into_iter().filter_map(|reply| self.reply_when_taken_over(reply)).collect()
    }

    /// A timer has run down.
    pub(crate) fn timer<S: Store>(&mut self, store: &S, ids: &mut EffectIds, id: EffectId) -> Vec<Effect> {
        match self.timers.remove(&id) {
            Some(Timer::Ended(epoch)) => self.ended(epoch),
            Some(Timer::TakenOver) => {
                if let Some(lessor) = self.lessor() {
                    lessor.taken_over();
                }
                self.takeover.take().into_iter().flat_map(|takeover| takeover.replies).map(Effect::from).collect()
            }
            Some(Timer::Quiet) => match self.lessor().map(Lessor::quiet) {
                Some(Quiet::Again { timer_millis }) => vec![self.start_timer(ids, Timer::Quiet, timer_millis)],
                Some(Quiet::Close) => {
                    // A row that stays makes a later machine wait for nothing, and no more.
                    drop(store.execute(&format!("UPDATE {} SET horizon = NULL", self.table), &[]));
                    Vec::new()
                }
                None => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    fn start_timer(&mut self, ids: &mut EffectIds, timer: Timer, millis: u64) -> Effect {
        let id = ids.next();
        self.timers.insert(id, timer);
        Effect::Timer { id, millis }
    }
}

impl From<Reply> for Effect {
    fn from(Reply { call, json }: Reply) -> Self {
        Self::Reply { id: call, json }
    }
}

fn after(now: Timestamp, millis: u64) -> Timestamp {
    now.plus_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
