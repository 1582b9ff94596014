//! An instance of the authority: the product's lessor, and the store behind it.

use symbolon::protocol::lease::{Horizon, LeaseTerms, Lessor, Quiet};
use symbolon::time::Timestamp;

use super::bounds::{Broken, Lease, TICK_MILLIS};
use super::edge::{Answer, Question, Wanted};
use super::world::{Facts, I1, I2, Token, World};

/// How long it takes until the write that fences is confirmed, where a broken instance counts that in: longer than any
/// margin here.
const FENCE_TICKS: u8 = 2;

/// One instance. Its memory is what it knew when it last wrote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Instance {
    lessor: Lessor,
    facts: Facts,
    /// Until a write of it fails.
    pub(super) runs: bool,
    /// When nothing is believed any more that a former instance said: counted from the fence, and shared by all answers.
    takeover_due: Option<u8>,
    quiet_due: Option<u8>,
    /// What was granted before the change of this epoch is believed no more.
    ended: Option<u8>,
    /// What is waited for still: by the epoch at which the wait began, and until when.
    waiting: Vec<(u8, u8)>,
    /// What broken instances go by.
    shadow: Shadow,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Shadow {
    open_until: u8,
    last_believed_millis: u64,
}

/// An answer to a client that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Reply {
    pub(super) due: u8,
    pub(super) kind: ReplyKind,
    pub(super) instance: usize,
    /// How often the token had been widened when it was asked.
    pub(super) widened: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ReplyKind {
    Narrowed,
    Created,
}

fn ticks(millis: u64) -> u8 {
    // A wait that ends within a tick ends with it.
    u8::try_from(millis.div_ceil(TICK_MILLIS)).unwrap()
}

fn at(now: u8) -> Timestamp {
    Timestamp::from_millis(i64::from(now) * TICK_MILLIS as i64)
}

impl Instance {
    pub(super) fn start(model: &Lease, facts: &Facts, found: Option<Horizon>, now: u8) -> Self {
        let terms = model.terms[facts.terms];
        let found = match model.broken {
            Broken::NoTakeoverWait => None,
            Broken::StaleForgotten => found.map(|row| Horizon { stale_millis: 0, ..row }),
            Broken::NoMargin => found.map(|row| Horizon { margin_millis: 0, ..row }),
            Broken::TakeoverWaitLease | Broken::NoHorizon => {
                found.map(|row| Horizon { length_millis: terms.lease_millis, ..row })
            }
            _ => found,
        };
        let (lessor, wait) = Lessor::start(terms, found);
        Self {
            lessor,
            facts: facts.clone(),
            runs: true,
            takeover_due: wait.map(|millis| match model.broken {
                Broken::TakeoverFromWrite => (now + ticks(millis)).saturating_sub(FENCE_TICKS),
                _ => now + ticks(millis),
            }),
            quiet_due: None,
            ended: None,
            waiting: Vec::new(),
            shadow: Shadow::default(),
        }
    }

    /// One that will not be heard of again.
    fn silent(model: &Lease) -> Self {
        let facts = Facts { log: Vec::new(), floor: 0, token: Token::Absent, terms: 0 };
        Self { runs: false, ..Self::start(model, &facts, None, 0) }
    }

    fn granted_wait_millis(&self, model: &Lease) -> u64 {
        let margin = model.terms[self.facts.terms].margin_millis;
        match model.broken {
            Broken::NoMargin => self.lessor.granted_wait_millis().saturating_sub(margin),
            Broken::LastGrantOnly => self.shadow.last_believed_millis,
            _ => self.lessor.granted_wait_millis(),
        }
    }

    /// Until when a narrowing waits that was committed with the change `of`: the rules of the product's `leases`, whose
    /// own code is about calls and timers. Also when a wait began by that, if it did.
    fn narrowed(&mut self, model: &Lease, now: u8, of: u8, current: u8) -> (u8, Option<u8>) {
        let takeover = self.takeover_due.unwrap_or(now);
        if self.ended.is_some_and(|ended| of <= ended) {
            return (takeover, None);
        }
        let joins = |epoch: u8| epoch >= of || model.broken == Broken::JoinsEarlierWait;
        if let Some((_, due)) = self.waiting.iter().find(|(epoch, _)| joins(*epoch)) {
            return (takeover.max(*due), None);
        }
        match self.granted_wait_millis(model) {
            0 => {
                self.ended = self.ended.max(Some(current));
                (takeover, None)
            }
            millis => {
                let due = now + ticks(millis);
                self.waiting.push((current, due));
                (takeover.max(due), Some(takeover.max(due)))
            }
        }
    }
}

impl World {
    /// Whether a durable write of this instance succeeds. If not, it answers no more, and what waits is never said.
    fn write(&mut self, model: &Lease, instance: usize) -> bool {
        let succeeds = self.writes(model, instance);
        if !succeeds {
            self.instances[instance] = Instance::silent(model);
            self.replies.retain(|reply| reply.instance != instance);
        }
        succeeds
    }

    pub(super) fn serve(&mut self, model: &Lease, at_instance: usize, question: Question) -> Option<Answer> {
        let now = self.now;
        let instance = &mut self.instances[at_instance];
        let terms: LeaseTerms = model.terms[instance.facts.terms];
        let wants_lease = question.wanted != Wanted::Strict;
        let mut grant = instance.lessor.grant(at(now), wants_lease);
        if let Some(millis) = grant.timer_millis {
            instance.quiet_due = Some(now + ticks(millis));
        }
        if model.broken == Broken::LeasePastHorizon && now < instance.shadow.open_until {
            grant.write = None;
        }
        if model.broken == Broken::LastGrantOnly && grant.lease_millis > 0 {
            instance.shadow.last_believed_millis = grant.lease_millis + grant.stale_millis + terms.margin_millis;
        }
        if let Some(mut row) = grant.write {
            if model.broken == Broken::LeasePastHorizon {
                instance.shadow.open_until = now + ticks(row.length_millis);
            }
            if model.broken == Broken::ShortHorizon {
                row.length_millis = terms.lease_millis - TICK_MILLIS;
            }
            // Without horizons the row only says that there was an instance, and nobody fails for want of it.
            if model.broken != Broken::NoHorizon && !self.write(model, at_instance) {
                return None;
            }
            self.horizon = Some(row);
        }
        let held = question.asked.since.and_then(|epoch| u8::try_from(epoch.get()).ok());
        if model.broken != Broken::UnknownGoesOn
            && held.is_some_and(|held| !self.instances[at_instance].facts.knows(held))
            && !self.start_over(model, at_instance)
        {
            return None;
        }
        let facts = &self.instances[at_instance].facts;
        let looked = question.wanted != Wanted::Renewal;
        // The edge decides by this answer whenever it arrives: nothing that happens meanwhile makes it worse.
        if looked && facts.token == Token::Good && question.forbidden && question.widened == self.widened {
            self.fault = Some(I1);
        }
        if looked && facts.token != Token::Good && question.expected && self.expected {
            self.fault = Some(I2);
        }
        Some(Answer {
            asked: question.asked,
            sent: question.sent,
            looked,
            epoch: facts.epoch(),
            changed: held.and_then(|held| facts.changed(model, held)),
            token: if looked { facts.token } else { Token::Absent },
            lease_millis: grant.lease_millis,
            stale_millis: grant.stale_millis,
        })
    }

    /// Whether what this instance writes becomes durable.
    pub(super) fn writes(&self, model: &Lease, instance: usize) -> bool {
        instance == self.writer || model.broken == Broken::NoFence
    }

    /// A superseded instance that would need a write to answer can do nothing any more.
    pub(super) fn silence(&mut self, model: &Lease) {
        let needs_no_horizon =
            matches!(model.broken, Broken::RetryUnwritten | Broken::NoHorizon | Broken::LeasePastHorizon);
        for number in 0..self.instances.len() {
            let mut lessor = self.instances[number].lessor.clone();
            let mute = !self.writes(model, number) && lessor.grant(at(self.now), true).write.is_some();
            if self.instances[number].runs && mute && !needs_no_horizon {
                self.instances[number] = Instance::silent(model);
            }
        }
    }

    /// Writes a change down; whether it was written.
    pub(super) fn change(&mut self, model: &Lease, instance: usize, token: u8) -> bool {
        if !self.write(model, instance) {
            return false;
        }
        let epoch = self.next_epoch(model, instance);
        let facts = &mut self.instances[instance].facts;
        facts.log.push((epoch, token));
        self.facts = facts.clone();
        true
    }

    /// By the clock: greater than any that there was, lost ones included.
    fn next_epoch(&mut self, model: &Lease, instance: usize) -> u8 {
        let counted = self.instances[instance].facts.epoch() + 1;
        let by_clock = model.changes.put_backs > 0 && model.broken != Broken::EpochsCounted;
        let epoch = if by_clock { counted.max(self.highest + 1) } else { counted };
        self.highest = self.highest.max(epoch);
        epoch
    }

    /// An edge holds an epoch that the log does not have: every edge drops what it knows from before this one.
    fn start_over(&mut self, model: &Lease, instance: usize) -> bool {
        if !self.write(model, instance) {
            return false;
        }
        let epoch = self.next_epoch(model, instance);
        let facts = &mut self.instances[instance].facts;
        facts.log.clear();
        facts.floor = epoch;
        self.facts = facts.clone();
        true
    }

    /// The storage is what it was at first; no instance answers until nothing of what was said is believed any more.
    pub(super) fn put_back(&mut self, model: &Lease) {
        self.left.put_backs -= 1;
        self.facts = model.first();
        self.horizon = None;
        // What was narrowed or made is lost with the rest, and with it what was promised.
        self.widened += 1;
        self.forbidden = false;
        self.expected = false;
        self.replies.clear();
        self.instances.iter_mut().for_each(|instance| *instance = Instance::silent(model));
        self.writer = self.instances.len();
        self.instances.push(Instance::start(model, &self.facts, None, self.now));
        if model.broken != Broken::NoRest {
            let longest = model.terms.iter().map(|terms| terms.longest_wait_millis()).max().unwrap_or(0);
            self.rests_until = self.now + ticks(longest);
        }
    }

    pub(super) fn narrow(&mut self, model: &Lease, instance: usize) {
        self.left.narrowings -= 1;
        let empty = self.instances[instance].facts.token != Token::Good;
        if empty {
            // So that a superseded instance, which may not know of a widening, cannot answer.
            if model.broken != Broken::RetryUnwritten && !self.write(model, instance) {
                return;
            }
        } else {
            self.instances[instance].facts.token = Token::Bad;
            if !self.change(model, instance, 0) {
                return;
            }
            self.expected = false;
        }
        let now = self.now;
        let own = &mut self.instances[instance];
        let current = own.facts.epoch();
        let of = if empty { own.facts.changed_last(0) } else { current };
        let due = match model.broken {
            Broken::RetryAtOnce if empty => now,
            _ => {
                let (due, begun) = own.narrowed(model, now, of, current);
                self.ends_sooner(instance, begun);
                due
            }
        };
        self.reply(instance, ReplyKind::Narrowed, due);
    }

    /// Widens; `None` if there is nothing to widen.
    pub(super) fn widen(&mut self, model: &Lease, instance: usize) -> Option<()> {
        self.left.widenings -= 1;
        let before = self.instances[instance].facts.token;
        if before == Token::Good {
            return None;
        }
        self.instances[instance].facts.token = Token::Good;
        if self.change(model, instance, 0) {
            self.widened += 1;
            self.forbidden = false;
            if before == Token::Absent {
                let due = match model.broken {
                    Broken::CreationAtOnce => self.now,
                    _ => self.instances[instance].takeover_due.unwrap_or(self.now),
                };
                self.reply(instance, ReplyKind::Created, due);
            }
        }
        Some(())
    }

    /// The other token is narrowed: nobody looks at the answer, but its wait is one that others share.
    pub(super) fn narrow_other(&mut self, model: &Lease, instance: usize) {
        self.left.others -= 1;
        if self.change(model, instance, 1) {
            let (now, own) = (self.now, &mut self.instances[instance]);
            let current = own.facts.epoch();
            let (_, begun) = own.narrowed(model, now, current, current);
            self.ends_sooner(instance, begun);
        }
    }

    /// A wait that began later is over for all that was committed before it, too.
    fn ends_sooner(&mut self, instance: usize, begun: Option<u8>) {
        let Some(due) = begun else { return };
        for reply in self.replies.iter_mut().filter(|it| it.instance == instance && it.kind == ReplyKind::Narrowed) {
            reply.due = reply.due.min(due);
        }
    }

    fn reply(&mut self, instance: usize, kind: ReplyKind, due: u8) {
        if due <= self.now {
            match kind {
                ReplyKind::Narrowed => self.forbidden = true,
                ReplyKind::Created => self.expected = true,
            }
        } else {
            self.replies.push(Reply { due, kind, instance, widened: self.widened });
        }
    }

    pub(super) fn set_terms(&mut self, model: &Lease, instance: usize) {
        self.left.terms -= 1;
        let facts = &mut self.instances[instance].facts;
        facts.terms = 1 - facts.terms;
        let terms = model.terms[facts.terms];
        if self.change(model, instance, 1) {
            self.instances[instance].lessor.set_terms(terms);
        }
    }

    pub(super) fn take_over(&mut self, model: &Lease) {
        self.left.takeovers -= 1;
        let next = self.instances.len();
        if model.broken != Broken::NoFence {
            self.writer = next;
        }
        self.instances.push(Instance::start(model, &self.facts, self.horizon, self.now));
    }

    pub(super) fn run_timers(&mut self, model: &Lease) {
        let now = self.now;
        for number in 0..self.instances.len() {
            let instance = &mut self.instances[number];
            if !instance.runs {
                continue;
            }
            if instance.takeover_due == Some(now) {
                instance.takeover_due = None;
                instance.lessor.taken_over();
            }
            let over = instance.waiting.iter().filter(|(_, due)| *due == now).map(|(epoch, _)| *epoch).max();
            if let Some(mut epoch) = over {
                if model.broken == Broken::EndsLaterWaits {
                    epoch = instance.facts.epoch();
                    let due = instance.takeover_due.unwrap_or(now);
                    self.replies.iter_mut().filter(|it| it.instance == number).for_each(|it| it.due = it.due.min(due));
                }
                instance.ended = instance.ended.max(Some(epoch));
                instance.waiting.retain(|(other, _)| *other > epoch);
            }
            if instance.quiet_due == Some(now) {
                let before = instance.lessor.clone();
                match instance.lessor.quiet() {
                    Quiet::Again { timer_millis } => {
                        instance.quiet_due = Some(now + ticks(timer_millis));
                        if model.broken == Broken::ClosedTooEarly {
                            self.horizon = None;
                        }
                    }
                    Quiet::Close => {
                        instance.quiet_due = None;
                        if model.broken == Broken::ClosedInRowAlone {
                            instance.lessor = before;
                        }
                        if self.write(model, number) {
                            self.horizon = None;
                        }
                    }
                }
            }
        }
    }
}

impl Facts {
    fn epoch(&self) -> u8 {
        self.log.last().map_or(self.floor, |(epoch, _)| *epoch)
    }

    /// Whether the log has this epoch, or begins after it.
    fn knows(&self, held: u8) -> bool {
        held <= self.floor || self.log.iter().any(|(epoch, _)| *epoch == held)
    }

    /// The epoch of the last change that was about this token.
    fn changed_last(&self, token: u8) -> u8 {
        let last = self.log.iter().rfind(|(_, changed)| *changed == token);
        last.map_or(self.floor, |(epoch, _)| *epoch)
    }

    /// The tokens changed since an epoch, as bits; none if that is too long ago.
    fn changed(&self, model: &Lease, since: u8) -> Option<u8> {
        if since < self.floor {
            return None;
        }
        let from = self.log.partition_point(|(epoch, _)| *epoch <= since);
        let changes = self.log.get(from..)?;
        if changes.len() > model.log {
            return None;
        }
        let listed =
            if model.broken == Broken::ListCut { &changes[changes.len().saturating_sub(1)..] } else { changes };
        Some(listed.iter().fold(0, |bits, (_, token)| bits | 1 << token))
    }
}
