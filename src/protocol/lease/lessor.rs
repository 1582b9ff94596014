//! The authority's side: what it has granted, and until when nobody can still believe it.
//!
//! An authority may be superseded by a new instance of itself while the old one still runs and answers from memory.
//! So nothing that it says holds beyond the *horizon*: a row, durable before the answer leaves, that allows the
//! instance to answer for so long. A new instance first makes a durable write, which fences the old one (it can
//! extend no horizon any more), reads the horizon only then, and waits that length out before it confirms a change
//! that must hold. An instance that has nothing outstanding closes the horizon, so that its successor waits for nothing.
//!
//! All waiting is by timers, which run for a length of time, and never until a reading of the clock: so only the rate
//! of the authority's clock matters.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How an authority grants leases. All lengths are milliseconds on its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeaseTerms {
    /// How long a lease runs while there is little to do, 0 to 60,000. With 0 every request asks.
    pub lease_millis: u64,
    /// How long a lease may run at most when there is much to do, up to 60,000.
    pub lease_max_millis: u64,
    /// What covers, for each lease, the drift of clocks, their freezing at the check and their unseen steps together:
    /// at least 500. Of it [`LeaseTerms::DRIFT_MILLIS`] are for drift: what runs so long that it drifts further is
    /// given more by itself.
    pub margin_millis: u64,
    /// How much longer an edge may decide when the authority cannot be reached, 0 to 86,400,000.
    pub stale_millis: u64,
}

impl LeaseTerms {
    /// The longest lease that can be had.
    pub const LEASE_LIMIT_MILLIS: u64 = 60_000;
    /// The smallest margin.
    pub const MARGIN_LEAST_MILLIS: u64 = 500;
    /// The longest that an edge may decide without its authority: a day.
    pub const STALE_LIMIT_MILLIS: u64 = 86_400_000;
    /// What the margin sets aside for drift: enough for 12 seconds.
    pub const DRIFT_MILLIS: u64 = 250;
    /// So many questions in a second make leases longer: well below the thousand or so that a Durable Object answers.
    pub const BUSY_PER_SECOND: u64 = 300;

    /// The longest that an answer to a change may have to wait, in milliseconds, whatever happens to the authority. Terms
    /// that need more are refused: whoever asked would have given up, and would do so each time.
    pub const WAIT_LIMIT_MILLIS: u64 = 50_000;
    /// How long whoever asks for a change waits for the answer, in milliseconds: the longest wait, and the way.
    pub const PATIENCE_MILLIS: u32 = 60_000;

    /// The longest that an answer to a change has to wait under these terms, in milliseconds: where the authority was
    /// replaced when leases were at their longest.
    #[must_use]
    pub const fn longest_wait_millis(self) -> u64 {
        let length_millis = horizon_millis(self.lease_max_millis);
        Horizon { length_millis, stale_millis: self.stale_millis, margin_millis: self.margin_millis }.wait_millis()
    }

    /// How long an edge waits for the answer to a question that only asks, in milliseconds: none that was sent before an
    /// authority's storage was put back, with the rest of [`LeaseTerms::WAIT_LIMIT_MILLIS`], is believed after it.
    pub const QUICK_MILLIS: u32 = 5_000;

    /// These terms, held within their bounds.
    #[must_use]
    pub fn bounded(self) -> Self {
        let lease_millis = self.lease_millis.min(Self::LEASE_LIMIT_MILLIS);
        Self {
            lease_millis,
            lease_max_millis: self.lease_max_millis.clamp(lease_millis, Self::LEASE_LIMIT_MILLIS),
            margin_millis: self.margin_millis.clamp(Self::MARGIN_LEAST_MILLIS, Self::LEASE_LIMIT_MILLIS),
            stale_millis: self.stale_millis.min(Self::STALE_LIMIT_MILLIS),
        }
    }
}

impl Default for LeaseTerms {
    fn default() -> Self {
        Self { lease_millis: 2000, lease_max_millis: 10_000, margin_millis: 500, stale_millis: 0 }
    }
}

/// The durable row: for how long after a durable write an instance may have gone on answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Horizon {
    /// The length D, counted from before the write began: at least two leases, so that leases are whole.
    pub length_millis: u64,
    /// The longest `stale_for` that leases under it may carry.
    pub stale_millis: u64,
    /// The margin under it.
    pub margin_millis: u64,
}

impl Horizon {
    /// A horizon under which nothing was ever said.
    const NONE: Self = Self { length_millis: 0, stale_millis: 0, margin_millis: 0 };

    /// The row where nobody knows what was said, for the row that said so is lost: waited for as long as terms may have
    /// anybody wait ([`LeaseTerms::WAIT_LIMIT_MILLIS`]) but for the shortest horizon, since whoever said it says nothing
    /// more.
    pub const LONGEST: Self = Self { length_millis: 48_500, stale_millis: 0, margin_millis: 500 };

    /// How long a new instance must wait, from its fence on, until nothing said under this horizon is believed.
    const fn wait_millis(self) -> u64 {
        ended_after(self.length_millis.saturating_add(self.stale_millis), self.margin_millis)
    }

    /// The one of two that must be waited for longer. Whatever was said was said under one of them alone, so who has
    /// waited that out has waited for both; the largest of each value would add up to a wait that no terms allow.
    const fn at_least(self, other: Self) -> Self {
        if self.wait_millis() < other.wait_millis() { other } else { self }
    }
}

/// How long one must wait on one clock until this length has surely ended on another, in milliseconds.
///
/// Each clock may run wrong by one in a hundred, one fast and the other slow: a length of 99 on the slow one
/// lasts as long as 101 on the fast one. A margin alone covers that only for short lengths.
const fn ended_after(length_millis: u64, margin_millis: u64) -> u64 {
    // Divided by 48, so that rounding down never gives less than 1.01 / 0.99.
    let drift = length_millis / 48;
    length_millis.saturating_add(margin_millis).saturating_add(drift.saturating_sub(LeaseTerms::DRIFT_MILLIS))
}

/// How long a horizon is made where leases run so long: two of them, so that they are whole.
const fn horizon_millis(lease_millis: u64) -> u64 {
    // So that `strict` traffic alone writes it at most once a second.
    let least = if lease_millis < 1000 { 1000 } else { lease_millis };
    least.saturating_mul(2)
}

/// What an authority may say with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How long the edge may believe it, from when it sent its question; 0: for that one decision alone.
    pub lease_millis: u64,
    /// How much longer where the authority cannot be reached.
    pub stale_millis: u64,
    /// A row that must be durable before the answer leaves. In a Durable Object a write in the same turn is enough:
    /// the output gate holds the answer back.
    pub write: Option<Horizon>,
    /// A timer to start now; when it fires, call [`Lessor::quiet`].
    pub timer_millis: Option<u64>,
}

/// What to do when the quiet timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// Leases were granted since it was started: start it again for so long.
    Again {
        /// Its length.
        timer_millis: u64,
    },
    /// Nothing is outstanding: remove the durable row.
    Close,
}

/// The leases of one instance of an authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lessor {
    terms: LeaseTerms,
    /// Until when this instance may answer, on its clock; none: a write comes first.
    open_until: Option<Timestamp>,
    /// The latest reading of the clock: after a step back the horizon's end means nothing any more.
    latest: Timestamp,
    /// What was said that may still be believed.
    outstanding: Said,
    /// The same, of what was said since the quiet timer was last started.
    since_timer: Said,
    timer_runs: bool,
    /// How long what a former instance said may still be believed, from this one's fence on; none: no longer.
    takeover_millis: Option<u64>,
    load: Load,
}

/// The most of what was said in some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Said {
    /// The longest time after an answer that an edge may believe it, in milliseconds; 0: for no time.
    believed_millis: u64,
    /// The least that the durable row may be, so that a successor waits long enough.
    horizon: Horizon,
}

impl Said {
    const NOTHING: Self = Self { believed_millis: 0, horizon: Horizon::NONE };

    fn and(self, other: Self) -> Self {
        Self {
            believed_millis: self.believed_millis.max(other.believed_millis),
            horizon: self.horizon.at_least(other.horizon),
        }
    }
}

/// Questions in the second that runs and in the one before, to lengthen leases under load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Load {
    second: i64,
    now: u64,
    before: u64,
}

impl Lessor {
    /// An instance that has fenced all former ones and then found this row. If it returns a timer, start it at once and
    /// call [`Lessor::taken_over`] when it fires.
    #[must_use]
    pub fn start(terms: LeaseTerms, found: Option<Horizon>) -> (Self, Option<u64>) {
        let takeover_millis = found.map(Horizon::wait_millis);
        let lessor = Self {
            terms: terms.bounded(),
            open_until: None,
            latest: Timestamp::MIN,
            outstanding: Said { horizon: found.unwrap_or(Horizon::NONE), ..Said::NOTHING },
            since_timer: Said::NOTHING,
            timer_runs: false,
            takeover_millis,
            load: Load::default(),
        };
        (lessor, takeover_millis)
    }

    /// It turns out that the row that was found is not the latest there was: the storage was put back to an older state.
    /// This instance goes on as a new one that has found [`Lessor::longest`], which must have been written before;
    /// timers that were started before mean nothing any more. If it returns a timer, start it at once and call
    /// [`Lessor::taken_over`] when it fires.
    #[must_use]
    pub fn put_back(&mut self) -> Option<u64> {
        let (lessor, takeover_millis) = Self::start(self.terms, Some(self.longest()));
        *self = Self { latest: self.latest, load: self.load, ..lessor };
        takeover_millis
    }

    /// The row to write where nobody knows what was said: [`Horizon::LONGEST`], or what this instance knows of itself
    /// and of a former one where that is longer still.
    #[must_use]
    pub const fn longest(&self) -> Horizon {
        Horizon::LONGEST.at_least(self.outstanding.horizon)
    }

    /// Changes the terms for what is granted from now on.
    pub fn set_terms(&mut self, terms: LeaseTerms) {
        let terms = terms.bounded();
        if terms != self.terms {
            self.terms = terms;
            // A longer `stale_for` or margin must be durable before it is granted.
            self.open_until = None;
        }
    }

    /// The row that [`Lessor::grant`] asked for was not written: the answer must not leave, the timer that came with it
    /// need not be started, and the next answer needs a write again. (A host that throws an instance away whose write
    /// failed need not say so.)
    pub const fn not_written(&mut self, grant: Grant) {
        self.open_until = None;
        if grant.timer_millis.is_some() {
            self.timer_runs = false;
        }
    }

    /// What may be said with an answer at `now`. Every answer needs it, with or without a lease: an instance beyond its
    /// horizon says nothing.
    pub fn grant(&mut self, now: Timestamp, lease: bool) -> Grant {
        self.load.count(now);
        if now < self.latest {
            self.open_until = None;
        }
        self.latest = now;
        let length = self.lease_length();
        let left = self.open_until.map_or(0, |until| u64::try_from(until.millis_since(now)).unwrap_or(0));
        // Extended at most once in L: a fresh horizon is two leases long.
        let write = (left <= length || left == 0).then(|| self.open(now));
        let left = self.open_until.map_or(0, |until| u64::try_from(until.millis_since(now)).unwrap_or(0));
        let lease_millis = if lease { length.min(left) } else { 0 };
        let stale_millis = if lease_millis == 0 { 0 } else { self.terms.stale_millis };
        let believed_millis = match lease_millis {
            0 => 0,
            lease => ended_after(lease.saturating_add(stale_millis), self.terms.margin_millis),
        };
        let said = Said { believed_millis, horizon: self.wanted() };
        self.outstanding = self.outstanding.and(said);
        self.since_timer = self.since_timer.and(said);
        let mut timer_millis = None;
        if !self.timer_runs {
            self.timer_runs = true;
            timer_millis = Some(self.timer_length());
            self.since_timer = Said::NOTHING;
        }
        Grant { lease_millis, stale_millis, write, timer_millis }
    }

    /// How long a narrowing change that is committed now must wait until it holds everywhere, in milliseconds, by a timer
    /// started now.
    ///
    /// One that was committed before need not wait longer than it did then. One that changes nothing needs a durable write all the same, in the same turn: an instance that was superseded
    /// may not know that its successor has widened what is to be narrowed, and must not say that nothing is to be done.
    #[must_use]
    pub fn narrowing_wait_millis(&self) -> u64 {
        self.outstanding.believed_millis.max(self.takeover_millis.unwrap_or(0))
    }

    /// The part of it that is for what this instance itself has granted. The rest is the takeover's, whose timer runs
    /// already.
    #[must_use]
    pub const fn granted_wait_millis(&self) -> u64 {
        self.outstanding.believed_millis
    }

    /// How long a creation must wait: only for a former instance that may still answer that there is no such token.
    #[must_use]
    pub fn creation_wait_millis(&self) -> u64 {
        self.takeover_millis.unwrap_or(0)
    }

    /// The takeover timer has fired: nothing that a former instance said is believed any more.
    pub fn taken_over(&mut self) {
        self.takeover_millis = None;
    }

    /// The quiet timer has fired. Once for each time that it was started: what was said before is believed no more.
    pub fn quiet(&mut self) -> Quiet {
        let former = self.takeover_millis.map_or(Horizon::NONE, |_| self.outstanding.horizon);
        let horizon = self.since_timer.horizon.at_least(former);
        self.outstanding = Said { horizon, ..self.since_timer };
        self.since_timer = Said::NOTHING;
        if self.outstanding.believed_millis > 0 || self.takeover_millis.is_some() {
            return Quiet::Again { timer_millis: self.timer_length() };
        }
        self.outstanding = Said::NOTHING;
        self.timer_runs = false;
        self.open_until = None;
        Quiet::Close
    }

    fn timer_length(&self) -> u64 {
        // Also with nothing granted the horizon stays open for a while, so that `strict` traffic writes it seldom.
        self.outstanding.believed_millis.max(self.terms.margin_millis).max(self.terms.lease_millis)
    }

    fn open(&mut self, now: Timestamp) -> Horizon {
        let wanted = self.wanted();
        let length = i64::try_from(wanted.length_millis).unwrap_or(i64::MAX);
        self.open_until = Some(now.plus_millis(length));
        // Shorter than before only once nothing said under the longer one is believed.
        self.outstanding.horizon.at_least(wanted)
    }

    fn wanted(&self) -> Horizon {
        Horizon {
            length_millis: horizon_millis(self.lease_length()),
            stale_millis: self.terms.stale_millis,
            margin_millis: self.terms.margin_millis,
        }
    }

    fn lease_length(&self) -> u64 {
        // Twice the questions, twice the length: the load of renewals falls as leases grow.
        let times = self.load.per_second().checked_div(LeaseTerms::BUSY_PER_SECOND).unwrap_or(0).max(1);
        self.terms.lease_millis.saturating_mul(times).min(self.terms.lease_max_millis)
    }
}

impl Load {
    fn count(&mut self, now: Timestamp) {
        let second = now.as_seconds();
        if second != self.second {
            self.before = if second == self.second.saturating_add(1) { self.now } else { 0 };
            self.now = 0;
            self.second = second;
        }
        self.now = self.now.saturating_add(1);
    }

    /// Of the last whole second, so that one burst does not count twice.
    const fn per_second(self) -> u64 {
        self.before
    }
}

#[cfg(test)]
mod tests;
