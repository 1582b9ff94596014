//! The edge's side: one [`Edge`] for each authority that an isolate knows, one [`HighWater`] for the isolate.

use crate::protocol::Epoch;
use crate::protocol::message::Changes;
use crate::time::Timestamp;

use super::Stamp;

/// The latest reading of an isolate's clock, so that a step backwards is seen.
///
/// A lease is a promise about how much time has passed. When the clock steps back nobody knows how much has, so every
/// lease of the isolate ends, those still to be answered included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HighWater {
    latest: Timestamp,
    steps: u64,
}

impl HighWater {
    /// No reading yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: Timestamp::MIN, steps: 0 }
    }

    /// Takes note of a reading. What is asked of an [`Edge`] goes by it.
    pub fn observe(&mut self, now: Timestamp) -> Reading<'_> {
        if now < self.latest {
            self.steps = self.steps.wrapping_add(1);
        }
        // Also after a step back: the next step is judged from where the clock is now.
        self.latest = now;
        Reading { clock: self }
    }
}

/// A reading of an isolate's clock that its [`HighWater`] has seen, and the latest that it has.
///
/// It borrows the mark, so that it can neither be made up nor outlive the next reading.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    clock: &'a HighWater,
}

impl Reading<'_> {
    /// The time that was read.
    #[must_use]
    pub const fn now(self) -> Timestamp {
        self.clock.latest
    }

    const fn steps(self) -> u64 {
        self.clock.steps
    }
}

impl Default for HighWater {
    fn default() -> Self {
        Self::new()
    }
}

/// What an edge must remember of a question until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The epoch that the edge held when it asked; goes with the question.
    pub since: Option<Epoch>,
    sent_at: Timestamp,
    steps: u64,
}

impl Question {
    /// Whether something that was asked so is to be believed still: for so long from when it was asked, and not beyond a
    /// step back of the clock.
    #[must_use]
    pub const fn is_believed(&self, reading: Reading<'_>, lease_millis: u64) -> bool {
        let passed = reading.now().millis_since(self.sent_at);
        self.steps == reading.steps() && passed >= 0 && passed.unsigned_abs() < lease_millis
    }

    /// When it was sent, on the edge's clock.
    #[must_use]
    pub const fn sent_at(&self) -> Timestamp {
        self.sent_at
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lease {
    /// The end, on the edge's clock; the first moment at which it no longer holds.
    until: Timestamp,
    /// From here on it is renewed ahead of need.
    renew_from: Timestamp,
    /// The end where the authority cannot be reached.
    stale_until: Timestamp,
    steps: u64,
}

/// What an edge knows of one authority: the epoch it holds and until when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edge {
    held: Option<Epoch>,
    lease: Option<Lease>,
    /// Grows when all confirmations are dropped at once.
    incarnation: u64,
    /// When the renewal under way was asked for. A plain time: whoever finds it too old asks again.
    asked_at: Option<Timestamp>,
}

/// What an answer means for the edge's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The answer is older than what the edge holds: nothing of it may be kept.
    Outdated,
    /// The answer is good for this one decision, but what it confirms may not be kept.
    Once,
    /// The tokens named as changed must be forgotten; then what the answer confirms may be kept with this stamp.
    Keep(Stamp),
    /// Everything known of this authority is void (older stamps no longer fit); then what the answer confirms may be
    /// kept with this stamp.
    StartOver(Stamp),
}

impl Edge {
    /// How long one waits for a renewal under way before asking oneself, in milliseconds: longer than a call across a
    /// continent, shorter than half of the default lease.
    pub const PATIENCE_MILLIS: i64 = 800;

    /// An edge that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The epoch it holds.
    #[must_use]
    pub const fn held(&self) -> Option<Epoch> {
        self.held
    }

    /// Whether confirmations of this authority hold now. Read the clock after the request has arrived.
    #[must_use]
    pub fn holds(&self, reading: Reading<'_>) -> bool {
        self.living(reading).is_some_and(|lease| reading.now() < lease.until)
    }

    /// Whether confirmations may be used now because the authority did not answer (`stale_for`).
    #[must_use]
    pub fn holds_stale(&self, reading: Reading<'_>) -> bool {
        self.living(reading).is_some_and(|lease| reading.now() < lease.stale_until)
    }

    /// Whether a confirmation kept with this stamp is still one of this edge's.
    #[must_use]
    pub const fn fits(&self, stamp: Stamp) -> bool {
        stamp.incarnation == self.incarnation
    }

    /// Whether it is time to renew ahead of need and nobody is about to: true once, then only after the one who was
    /// told so has had its time.
    pub fn should_renew(&mut self, reading: Reading<'_>) -> bool {
        let due = self.living(reading).is_none_or(|lease| reading.now() >= lease.renew_from);
        if !due || self.is_asked(reading) {
            return false;
        }
        self.asked_at = Some(reading.now());
        true
    }

    /// Whether a question is under way that is worth waiting for.
    #[must_use]
    pub fn is_asked(&self, reading: Reading<'_>) -> bool {
        let now = reading.now();
        self.asked_at.is_some_and(|asked| now >= asked && now.millis_since(asked) < Self::PATIENCE_MILLIS)
    }

    /// A question, as of a reading of the clock taken before it is sent.
    pub fn question(&mut self, reading: Reading<'_>) -> Question {
        self.asked_at = Some(reading.now());
        Question { since: self.held, sent_at: reading.now(), steps: reading.steps() }
    }

    /// The question was not answered: the next one need not wait for it.
    pub fn unanswered(&mut self, question: &Question) {
        if self.asked_at == Some(question.sent_at) {
            self.asked_at = None;
        }
    }

    /// Takes in an answer: its epoch, its list of changes, its lease and `stale_for` in milliseconds.
    ///
    /// Only an answer with the complete list of changes since the edge's epoch moves the epoch or extends the lease;
    /// the lease counts from when this very question was sent. The clock is read as the answer arrives, so that a step
    /// back on the way is seen.
    pub fn receive(
        &mut self,
        reading: Reading<'_>,
        question: &Question,
        epoch: Epoch,
        changes: &Changes,
        lease_millis: u64,
        stale_millis: u64,
    ) -> Received {
        self.unanswered(question);
        if self.held.is_some_and(|held| epoch < held) {
            return Received::Outdated;
        }
        let complete = match (self.held, changes) {
            // Whatever it says has changed, an edge that holds nothing has nothing to keep.
            (None, _) | (_, Changes::StartOver) => {
                self.incarnation = self.incarnation.wrapping_add(1);
                true
            }
            (Some(held), Changes::Since { since, .. }) if *since <= held => false,
            (Some(_), Changes::Since { .. }) => return Received::Once,
        };
        self.held = Some(epoch);
        if lease_millis > 0 && question.steps == reading.steps() {
            self.extend(question, lease_millis, stale_millis);
        }
        let stamp = Stamp { incarnation: self.incarnation };
        if complete { Received::StartOver(stamp) } else { Received::Keep(stamp) }
    }

    fn extend(&mut self, question: &Question, lease_millis: u64, stale_millis: u64) {
        let lease_millis = i64::try_from(lease_millis).unwrap_or(i64::MAX);
        let stale_millis = i64::try_from(stale_millis).unwrap_or(i64::MAX);
        let until = question.sent_at.plus_millis(lease_millis);
        let lease = Lease {
            until,
            renew_from: question.sent_at.plus_millis(lease_millis / 2),
            stale_until: until.plus_millis(stale_millis),
            steps: question.steps,
        };
        // A question sent earlier may be answered later; it shortens nothing, since the authority counts the longest.
        match &mut self.lease {
            Some(kept) if kept.steps == lease.steps && kept.until >= lease.until => {
                // It was renewed all the same: where leases become shorter, not every request asks until the longer
                // one has ended.
                kept.renew_from = kept.renew_from.max(lease.renew_from);
            }
            _ => self.lease = Some(lease),
        }
    }

    fn living(&self, reading: Reading<'_>) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.steps == reading.steps())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    struct Isolate {
        clock: HighWater,
        edge: Edge,
    }

    impl Isolate {
        fn new() -> Self {
            Self { clock: HighWater::new(), edge: Edge::new() }
        }

        fn ask(&mut self, now: i64) -> Question {
            self.edge.question(self.clock.observe(at(now)))
        }

        fn answer(&mut self, question: &Question, epoch: u64, changes: &Changes) -> Received {
            let latest = self.clock.latest;
            self.edge.receive(self.clock.observe(latest), question, Epoch::new(epoch), changes, 2000, 0)
        }

        fn holds(&mut self, now: i64) -> bool {
            self.edge.holds(self.clock.observe(at(now)))
        }
    }

    fn since(epoch: u64) -> Changes {
        Changes::Since { since: Epoch::new(epoch), tokens: Vec::new() }
    }

    #[test]
    fn a_lease_counts_from_when_its_question_was_sent() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(1000);
        isolate.clock.observe(at(2500));
        assert!(matches!(isolate.answer(&question, 1, &Changes::StartOver), Received::StartOver(_)));
        assert!(isolate.holds(2999));
        assert!(!isolate.holds(3000));
    }

    #[test]
    fn a_renewal_with_a_shorter_lease_is_a_renewal() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(0);
        isolate.edge.receive(isolate.clock.observe(at(10)), &question, Epoch::new(1), &Changes::StartOver, 10_000, 0);
        assert!(isolate.edge.should_renew(isolate.clock.observe(at(5_000))));
        let question = isolate.ask(5_000);
        isolate.answer(&question, 1, &since(1));
        assert!(!isolate.edge.should_renew(isolate.clock.observe(at(5_999))));
        assert!(isolate.edge.should_renew(isolate.clock.observe(at(6_000))));
        assert!(isolate.holds(9_999), "the longer one is not shortened");
    }

    #[test]
    fn an_answer_older_than_what_is_held_is_void() {
        let mut isolate = Isolate::new();
        let early = isolate.ask(0);
        let late = isolate.ask(10);
        isolate.answer(&late, 7, &Changes::StartOver);
        assert_eq!(isolate.answer(&early, 6, &Changes::StartOver), Received::Outdated);
        assert_eq!(isolate.edge.held(), Some(Epoch::new(7)));
    }

    #[test]
    fn a_list_that_begins_after_what_is_held_is_not_complete() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(0);
        isolate.answer(&question, 3, &Changes::StartOver);
        let question = isolate.ask(1000);
        assert_eq!(isolate.answer(&question, 9, &since(5)), Received::Once);
        assert_eq!(isolate.edge.held(), Some(Epoch::new(3)));
        assert!(!isolate.holds(2000), "it extended no lease");
    }

    #[test]
    fn a_list_from_before_what_is_held_is_complete() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(0);
        isolate.answer(&question, 3, &Changes::StartOver);
        let (a, b) = (isolate.ask(1000), isolate.ask(1001));
        assert!(matches!(isolate.answer(&a, 5, &since(3)), Received::Keep(_)));
        assert!(matches!(isolate.answer(&b, 6, &since(3)), Received::Keep(_)));
        assert_eq!(isolate.edge.held(), Some(Epoch::new(6)));
        assert!(isolate.holds(3000));
    }

    #[test]
    fn starting_over_voids_every_stamp() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(0);
        let Received::StartOver(old) = isolate.answer(&question, 1, &Changes::StartOver) else { panic!() };
        assert!(isolate.edge.fits(old));
        let question = isolate.ask(1);
        let Received::StartOver(new) = isolate.answer(&question, 2, &Changes::StartOver) else { panic!() };
        assert!(!isolate.edge.fits(old));
        assert!(isolate.edge.fits(new));
    }

    #[test]
    fn a_step_back_ends_every_lease_and_those_under_way() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(10_000);
        isolate.answer(&question, 1, &Changes::StartOver);
        let under_way = isolate.ask(10_500);
        assert!(!isolate.holds(10_400));
        isolate.answer(&under_way, 1, &since(1));
        assert!(!isolate.holds(10_600));
        let question = isolate.ask(10_700);
        isolate.answer(&question, 1, &since(1));
        assert!(isolate.holds(10_800));
    }

    #[test]
    fn an_earlier_question_answered_late_shortens_nothing() {
        let mut isolate = Isolate::new();
        let (a, b) = (isolate.ask(0), isolate.ask(1000));
        isolate.answer(&b, 1, &Changes::StartOver);
        isolate.answer(&a, 1, &Changes::StartOver);
        assert!(isolate.holds(2999));
    }

    #[test]
    fn one_renews_past_half_and_the_others_do_not() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(0);
        isolate.answer(&question, 1, &Changes::StartOver);
        let mut should = |now| isolate.edge.should_renew(isolate.clock.observe(at(now)));
        assert!(!should(999));
        assert!(should(1000));
        assert!(!should(1001));
        assert!(should(1000 + Edge::PATIENCE_MILLIS), "the first one has had its time");
    }

    #[test]
    fn staleness_is_allowed_only_as_long_as_was_granted() {
        let mut isolate = Isolate::new();
        let question = isolate.ask(0);
        isolate.edge.receive(isolate.clock.observe(at(0)), &question, Epoch::new(1), &Changes::StartOver, 2000, 5000);
        for (now, expected) in [(2000, true), (6999, true), (7000, false)] {
            let reading = isolate.clock.observe(at(now));
            assert!(!isolate.edge.holds(reading));
            assert_eq!(isolate.edge.holds_stale(reading), expected, "{now}");
        }
    }
}
