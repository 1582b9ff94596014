//! What waits for an answer, by numbers that a host can hold.
//!
//! A host that carries a task's effects out may end without a word: a client goes away, and the runtime stops whatever
//! was done for it. So what has waited for longer than any answer takes is let go here, and with it whatever it holds
//! (a look-up that counts against its client's address, for one). A body comes as slowly as its client sends it.

use std::collections::HashMap;

use symbolon::time::Timestamp;

use crate::effect::{Effect, EffectId};

/// After so long without an answer nobody brings one any more, in milliseconds: twice as long as a host waits for the
/// answer to a change.
const LOST_MILLIS: i64 = 120_000;
/// The same for a task that has asked for its request's body, in milliseconds: half an hour.
const BODY_LOST_MILLIS: i64 = 1_800_000;
/// How often is looked for what was lost, in milliseconds.
const LOOK_MILLIS: i64 = 10_000;

/// For what a task waits, and so for how long it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitsFor {
    /// Answers of others, which are bounded in time.
    #[default]
    Answers,
    /// Perhaps its request's body, for which nobody has bounded the time.
    Body,
}

impl WaitsFor {
    /// The same once the task waits for these effects as well.
    #[must_use]
    pub fn and(self, effects: &[(EffectId, Effect)]) -> Self {
        let body = |effect: &Effect| matches!(effect, Effect::BodyDigests { .. } | Effect::BodyText { .. });
        if effects.iter().any(|(_, effect)| body(effect)) { Self::Body } else { self }
    }

    const fn lost_millis(self) -> i64 {
        match self {
            Self::Answers => LOST_MILLIS,
            Self::Body => BODY_LOST_MILLIS,
        }
    }
}

/// Tasks of an isolate between two of their steps.
#[derive(Debug)]
pub struct Waiting<T> {
    tasks: HashMap<u32, Waits<T>>,
    last: u32,
    looked_at: Timestamp,
}

#[derive(Debug)]
struct Waits<T> {
    since: Timestamp,
    what_for: WaitsFor,
    task: T,
}

impl<T> Waiting<T> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { tasks: HashMap::new(), last: 0, looked_at: Timestamp::MIN }
    }

    /// A number that no waiting task has, and never 0.
    pub fn free(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.tasks.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    /// Keeps a task that waits from now on. Others that have waited for too long are let go.
    pub fn keep(&mut self, now: Timestamp, number: u32, what_for: WaitsFor, task: T) {
        self.let_go(now);
        self.tasks.insert(number, Waits { since: now, what_for, task });
    }

    /// Takes the task of this number, with what it has waited for; none if there is none any more.
    pub fn take(&mut self, number: u32) -> Option<(WaitsFor, T)> {
        self.tasks.remove(&number).map(|Waits { what_for, task, .. }| (what_for, task))
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    fn let_go(&mut self, now: Timestamp) {
        let passed = now.millis_since(self.looked_at);
        if (0..LOOK_MILLIS).contains(&passed) {
            return;
        }
        self.looked_at = now;
        self.tasks.retain(|_, Waits { since, what_for, .. }| {
            // After a step back of the clock nobody knows how long it was: it counts from here.
            *since = now.min(*since);
            now.millis_since(*since) < what_for.lost_millis()
        });
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn no_host_waits_so_long() {
        assert!(LOST_MILLIS >= 2 * i64::from(symbolon::protocol::lease::LeaseTerms::PATIENCE_MILLIS));
    }

    #[test]
    fn a_task_is_kept_for_as_long_as_an_answer_may_come() {
        let mut waiting = Waiting::new();
        let (lost, slow) = (waiting.free(), waiting.free());
        assert_ne!(lost, slow);
        waiting.keep(at(0), lost, WaitsFor::Answers, 'l');
        waiting.keep(at(1), slow, WaitsFor::Answers, 's');
        let other = waiting.free();
        waiting.keep(at(LOST_MILLIS - 1), other, WaitsFor::Answers, 'o');
        assert_eq!(waiting.take(slow), Some((WaitsFor::Answers, 's')), "it was slow, and no more");
        waiting.keep(at(LOST_MILLIS), slow, WaitsFor::Answers, 's');
        waiting.keep(at(LOST_MILLIS + LOOK_MILLIS), waiting.last, WaitsFor::Answers, 'o');
        assert_eq!(waiting.take(lost), None);
        let left = [slow, other].map(|number| waiting.take(number).map(|(_, task)| task));
        assert_eq!(left, [Some('s'), Some('o')]);
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_task_whose_body_comes_slowly_is_kept_for_longer() {
        let digests = Effect::BodyDigests { sha256: true, sha512: false, limit: 1 };
        let body = WaitsFor::default().and(&[(EffectId(1), digests)]);
        assert_eq!(body, WaitsFor::Body);
        assert_eq!(WaitsFor::default().and(&[(EffectId(1), Effect::BodyText { limit: 1 })]), WaitsFor::Body);
        assert_eq!(WaitsFor::default().and(&[(EffectId(1), Effect::Sleep { millis: 1 })]), WaitsFor::Answers);
        assert_eq!(body.and(&[(EffectId(2), Effect::Sleep { millis: 1 })]), WaitsFor::Body, "it may wait for it still");
        let mut waiting = Waiting::new();
        waiting.keep(at(0), 1, body, 'b');
        waiting.keep(at(0), 2, WaitsFor::Answers, 'a');
        waiting.keep(at(0), 3, body, 'c');
        waiting.keep(at(BODY_LOST_MILLIS - 1), 4, WaitsFor::Answers, 'a');
        assert_eq!((waiting.take(1), waiting.take(2)), (Some((WaitsFor::Body, 'b')), None));
        waiting.keep(at(BODY_LOST_MILLIS + LOOK_MILLIS), 5, WaitsFor::Answers, 'a');
        assert_eq!(waiting.take(3), None, "and not for ever");
    }

    #[test]
    fn whoever_was_let_go_may_ask_again() {
        let crate::Outcome::Respond(response) = crate::Outcome::took_too_long() else { panic!("an answer") };
        let code = symbolon::problem::Code::AuthorityUnavailable;
        assert_eq!((response.status, code.status()), (503, 503));
        assert!(response.body.contains(code.as_str()), "{response:?}");
    }

    #[test]
    fn hosts_that_end_without_a_word_leave_nothing_behind() {
        let mut waiting = Waiting::new();
        for second in 0..1_000 {
            let number = waiting.free();
            waiting.keep(at(second * 1_000), number, WaitsFor::Answers, ());
        }
        let most = (LOST_MILLIS + LOOK_MILLIS) / 1_000;
        assert!(i64::try_from(waiting.len()).unwrap() <= most + 1, "{}", waiting.len());
    }

    #[test]
    fn after_a_step_back_of_the_clock_it_counts_from_there() {
        let mut waiting = Waiting::new();
        waiting.keep(at(1_000_000), 1, WaitsFor::Answers, ());
        waiting.keep(at(0), 2, WaitsFor::Answers, ());
        waiting.keep(at(LOST_MILLIS - 1), 3, WaitsFor::Answers, ());
        assert_eq!(waiting.len(), 3);
        waiting.keep(at(LOST_MILLIS + LOOK_MILLIS), 4, WaitsFor::Answers, ());
        assert_eq!((waiting.take(1), waiting.take(2), waiting.len()), (None, None, 2));
    }
}
