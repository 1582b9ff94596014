//! Clocks that nobody should trust: each runs at a rate of its own, lags, and steps back.

use fastrand::Rng;
use symbolon::time::Timestamp;

/// When every run begins, on the true clock.
pub(crate) const START: i64 = 1_800_000_000_000;
/// A millionth of the rate that a clock may be off, in each direction: one in a hundred.
const MAX_DRIFT_PPM: i64 = 10_000;
/// How far a reading may be behind the clock, in milliseconds: clocks stand still between I/O.
const MAX_LAG_MILLIS: i64 = 100;
/// The largest step back that the next reading may not show, in milliseconds.
const MAX_UNSEEN_MILLIS: i64 = 100;
/// Unseen steps are at least this far apart, in milliseconds, so that one lease meets one of them.
const UNSEEN_EVERY_MILLIS: i64 = 30_000;

/// How long ago the latest reading may be for a step that the next one shows, in milliseconds.
const MOST_SINCE_MILLIS: i64 = 5_000;

/// A clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// What it shows at [`Clock::since`].
    shows: i64,
    /// On the true clock.
    since: i64,
    drift_ppm: i64,
    latest: i64,
    unseen_at: i64,
}

impl Clock {
    /// A clock at the true time `now` that is off by at most so many milliseconds.
    pub(crate) fn new(rng: &mut Rng, now: i64, off: i64) -> Self {
        Self {
            shows: now + rng.i64(-off..=off),
            since: now,
            drift_ppm: rng.i64(-MAX_DRIFT_PPM..=MAX_DRIFT_PPM),
            latest: i64::MIN,
            unseen_at: i64::MIN / 2,
        }
    }

    fn at(&self, now: i64) -> i64 {
        let passed = now - self.since;
        self.shows + passed + passed * self.drift_ppm / 1_000_000
    }

    /// A reading. It may be behind, but never behind an earlier one unless the clock was set back.
    pub(crate) fn read(&mut self, rng: &mut Rng, now: i64) -> Timestamp {
        let lag = if rng.u8(..) < 64 { rng.i64(0..=MAX_LAG_MILLIS) } else { 0 };
        let shown = self.at(now);
        let reading = (shown - lag).max(self.latest.min(shown));
        self.latest = reading;
        Timestamp::from_millis(reading)
    }

    /// Sets the clock back by so much that the next reading shows it.
    pub(crate) fn step_back(&mut self, rng: &mut Rng, now: i64) {
        let shown = self.at(now);
        let since = shown.saturating_sub(self.latest);
        if since < MOST_SINCE_MILLIS {
            self.set(now, shown - since - MAX_LAG_MILLIS - rng.i64(1..=3_000));
        }
    }

    /// Sets the clock back by a little, or by more than the protocol allows for, when nobody looks.
    pub(crate) fn step_back_unseen(&mut self, rng: &mut Rng, now: i64, far: bool) {
        if far {
            self.set(now, self.at(now) - rng.i64(1_000..=4_000));
        } else if now - self.unseen_at >= UNSEEN_EVERY_MILLIS {
            self.unseen_at = now;
            self.set(now, self.at(now) - rng.i64(1..=MAX_UNSEEN_MILLIS));
        }
    }

    /// Sets the clock ahead.
    pub(crate) fn step_ahead(&mut self, rng: &mut Rng, now: i64) {
        self.set(now, self.at(now) + rng.i64(1..=1_000));
    }

    fn set(&mut self, now: i64, shows: i64) {
        self.shows = shows;
        self.since = now;
    }

    /// How long a timer of so many milliseconds takes in truth: it goes by the rate alone.
    pub(crate) fn lasts(&self, millis: i64) -> i64 {
        millis * 1_000_000 / (1_000_000 + self.drift_ppm) + 1
    }

    /// Whether it shows that time, or a later one.
    pub(crate) fn has_come(&self, now: i64, shows: Timestamp) -> bool {
        self.at(now) >= shows.as_millis()
    }

    /// When it will show that time, on the true clock; at once if it does already.
    pub(crate) fn when(&self, now: i64, shows: Timestamp) -> i64 {
        now + self.lasts((shows.as_millis() - self.at(now)).max(0))
    }
}
