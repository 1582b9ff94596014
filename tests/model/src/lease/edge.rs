//! An isolate: the product's machines, and a clock that is not to be trusted.

use core::hash::{Hash, Hasher};
use core::num::NonZeroUsize;
use std::hash::DefaultHasher;

use symbolon::id::TokenId;
use symbolon::protocol::Epoch;
use symbolon::protocol::lease::{self, Edge, HighWater, Memory, Received, Stamp};
use symbolon::protocol::message::Changes;
use symbolon::time::Timestamp;

use super::bounds::{Broken, Lease, TICK_MILLIS};
use super::world::Token;

/// How far a clock steps back: more than any margin here.
const STEP_TICKS: i64 = 3;
/// The clock of an edge and that of the authority tell different times.
const OFFSET_TICKS: i64 = 1000;

/// What an edge asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// The token's record, and a lease.
    Record,
    /// A lease.
    Renewal,
    /// The token's record, for one decision.
    Strict,
}

/// A question, with what its sender could count upon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) asked: lease::Question,
    pub(super) sent: u8,
    pub(super) wanted: Wanted,
    /// A narrowing had returned.
    pub(super) forbidden: bool,
    /// A creation had returned.
    pub(super) expected: bool,
    /// How often the token had been widened.
    pub(super) widened: u8,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub(super) asked: lease::Question,
    /// When that was asked.
    pub(super) sent: u8,
    /// Whether it was more than a renewal.
    pub(super) looked: bool,
    pub(super) epoch: u8,
    /// The tokens changed since the question's epoch, as bits; none: start over.
    pub(super) changed: Option<u8>,
    pub(super) token: Token,
    pub(super) lease_millis: u64,
    pub(super) stale_millis: u64,
}

/// On its way between an edge and an authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Message {
    Question(Question),
    Answer(Answer),
}

impl Message {
    pub(super) fn order(&self) -> u64 {
        digest(self)
    }

    pub(super) const fn sent(&self) -> u8 {
        match self {
            Self::Question(question) => question.sent,
            Self::Answer(answer) => answer.sent,
        }
    }
}

fn digest<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// An isolate and what is on its way to and from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Isolate {
    edge: Edge,
    clock: HighWater,
    memory: Memory<(), TokenId, bool>,
    /// The last stamp that was given; only a broken edge looks at it.
    stamp: Option<Stamp>,
    /// How many ticks the clock is behind, and how many of them it lost unseen.
    pub(super) lag: i8,
    pub(super) lost: u8,
    pub(super) mail: Vec<Message>,
}

impl Isolate {
    pub(super) fn new() -> Self {
        Self {
            edge: Edge::new(),
            clock: HighWater::new(),
            memory: Memory::new(NonZeroUsize::MIN),
            stamp: None,
            lag: 0,
            lost: 0,
            mail: Vec::new(),
        }
    }

    /// The machine's clock stays; all else is gone, and answers under way find nobody.
    pub(super) fn restart(&mut self) {
        *self = Self { lag: self.lag, lost: self.lost, ..Self::new() };
    }

    pub(super) fn order(&self) -> u64 {
        digest(self)
    }

    fn read(&self, now: u8) -> Timestamp {
        let ticks = OFFSET_TICKS + i64::from(now) - i64::from(self.lag);
        Timestamp::from_millis(ticks * TICK_MILLIS as i64)
    }

    /// Reads the clock, which no state need tell from not reading it: only a step back goes below the last reading, and
    /// it is read itself. An edge without a high-water mark compares it with nothing.
    pub(super) fn observe(&mut self, model: &Lease, now: u8) {
        let time = self.read(now);
        if model.broken == Broken::NoHighWater {
            self.clock = HighWater::new();
        }
        self.clock.observe(time);
    }

    /// Whether it holds an epoch, so that there is something to renew.
    pub(super) const fn has_asked(&self) -> bool {
        self.edge.held().is_some()
    }

    pub(super) fn ask(&mut self, model: &Lease, now: u8) -> lease::Question {
        self.observe(model, now);
        let time = self.read(now);
        let question = self.edge.question(self.clock.observe(time));
        // When the next one asks is up to the model.
        self.edge.unanswered(&question);
        question
    }

    pub(super) fn step_back(&mut self, model: &Lease, now: u8) {
        // One that leads below the last reading and is read there: what is not seen counts as lag.
        self.observe(model, now);
        self.lag += STEP_TICKS as i8;
        self.observe(model, now);
    }

    pub(super) fn accepts_from_memory(&mut self, model: &Lease, now: u8) -> bool {
        let kept = self.memory.get(&()).map(|(good, stamp)| (*good, stamp));
        let Some((true, stamp)) = kept else { return false };
        let mut clock = if model.broken == Broken::NoHighWater { HighWater::new() } else { self.clock.clone() };
        let reading = clock.observe(self.read(now));
        self.edge.fits(stamp) && (self.edge.holds(reading) || self.edge.holds_stale(reading))
    }

    pub(super) fn receive(&mut self, model: &Lease, now: u8, answer: &Answer) {
        self.observe(model, now);
        let time = self.read(now);
        let mut asked = answer.asked;
        if model.broken == Broken::LeaseFromAnswer {
            let since = asked.since;
            asked = self.edge.clone().question(self.clock.observe(time));
            asked.since = since;
        }
        let changes = match (answer.changed, asked.since) {
            (Some(changed), Some(since)) => Changes::Since {
                since,
                tokens: (0..2).filter(|token| changed & (1 << token) != 0).map(Lease::token).collect(),
            },
            _ => Changes::StartOver,
        };
        let received = self.edge.receive(
            self.clock.observe(time),
            &asked,
            Epoch::new(u64::from(answer.epoch)),
            &changes,
            answer.lease_millis,
            answer.stale_millis,
        );
        let stamp = match received {
            Received::Keep(stamp) | Received::StartOver(stamp) => stamp,
            Received::Outdated | Received::Once => match self.stamp {
                Some(stamp) if model.broken == Broken::LateConfirmation => stamp,
                _ => return,
            },
        };
        if let Changes::Since { tokens, .. } = &changes {
            tokens.iter().for_each(|token| self.memory.forget(token));
        }
        if matches!(model.broken, Broken::LateConfirmation | Broken::DirectoryTrusted) {
            self.stamp = Some(stamp);
        }
        if answer.looked && answer.token != Token::Absent {
            self.memory.keep((), Lease::token(0), stamp, answer.token == Token::Good);
        }
    }

    /// Keeps an old copy; `None` if that changes nothing.
    pub(super) fn trust_directory(&mut self) -> Option<()> {
        let stamp = self.stamp?;
        if self.memory.get(&()).is_some_and(|(good, kept)| *good && kept == stamp) {
            return None;
        }
        self.memory.keep((), Lease::token(0), stamp, true);
        Some(())
    }
}
