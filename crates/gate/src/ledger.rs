//! What one isolate counts for one authority: uses and refusals, and when they are handed over.

use symbolon::problem::Code;
use symbolon::protocol::Record;
use symbolon::protocol::message::{Client, Refusal, Use, UseBatch};
use symbolon::protocol::uses::Tally;
use symbolon::time::Timestamp;

/// Uses and refusals that are not yet acknowledged.
#[derive(Debug)]
pub(crate) struct Ledger {
    tally: Tally,
    /// When a flush was last begun: a plain time, since whoever began it may be gone.
    flush_begun: Option<Timestamp>,
    /// Since when something waits to be acknowledged.
    waits_since: Option<Timestamp>,
}

/// How many batches a ledger has numbers for: one a second for half a year.
const NUMBERS: u64 = 1 << 24;

impl Ledger {
    /// Nothing counted yet, under a random name that no other ledger has. `place`: a number that no other ledger of this
    /// isolate has had, so that no answer to another's batch is taken for one to a batch of this one.
    pub(crate) const fn new(name: String, place: u64) -> Self {
        Self { tally: Tally::after(name, place.saturating_mul(NUMBERS)), flush_begun: None, waits_since: None }
    }

    /// Counts a use. `newest`: of the newest secret or key, not of one that lives on for a rotation's grace.
    pub(crate) fn used(&mut self, record: &Record, newest: bool, now: Timestamp, client: &Client) {
        self.waits_since.get_or_insert(now);
        // What does not fit is not counted: counts never exceed the truth.
        self.tally.count(Use {
            token: record.token,
            count: 1,
            last_at: now,
            client: client.clone(),
            version: record.version,
            newest,
        });
    }

    /// Counts a refusal of a token whose possession was proved, or of a signature that is not its key's. `passed_on`: by
    /// a resource server or a proxy.
    pub(crate) fn refused(&mut self, record: &Record, code: Code, now: Timestamp, client: &Client, passed_on: bool) {
        self.waits_since.get_or_insert(now);
        let client = client.clone();
        self.tally.refuse(Refusal { token: record.token, code, count: 1, last_at: now, client, passed_on });
    }

    /// Whether there is nothing to hand over.
    pub(crate) fn is_idle(&self) -> bool {
        self.tally.is_idle()
    }

    /// The batch for a question that is sent now. What is counted from here on wants another flush.
    pub(crate) fn batch(&mut self) -> Option<UseBatch> {
        self.flush_begun = None;
        self.tally.batch().cloned()
    }

    /// The authority has counted the batch of this number.
    pub(crate) fn counted(&mut self, number: u64, now: Timestamp) {
        self.tally.acknowledge(number);
        self.waits_since = (!self.is_idle()).then_some(now);
    }

    /// Whether something waits for so long that whoever was to hand it over has not.
    pub(crate) fn is_overdue(&self, now: Timestamp, patience_millis: i64) -> bool {
        // In the future is as good as long ago: the clock has gone back.
        !self.is_idle() && self.waits_since.is_none_or(|at| now < at || now.millis_since(at) >= patience_millis)
    }

    /// Whether there is something to hand over and nobody is about to: true once, then only after whoever was told so
    /// has had its time.
    pub(crate) fn should_flush(&mut self, now: Timestamp, patience_millis: i64) -> bool {
        let begun = self.flush_begun.is_some_and(|at| now >= at && now.millis_since(at) < patience_millis);
        if self.is_idle() || begun {
            return false;
        }
        self.flush_begun = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn one_flushes_and_the_others_do_not() {
        let at = Timestamp::from_millis;
        let mut ledger = Ledger::new("name".to_owned(), 1);
        assert!(!ledger.should_flush(at(0), 100), "there is nothing");
        ledger.used(&testing::record(), true, at(0), &Client::default());
        assert!(ledger.should_flush(at(0), 100));
        assert!(!ledger.should_flush(at(99), 100));
        assert!(ledger.should_flush(at(100), 100), "the first one has had its time");
        assert!(ledger.should_flush(at(50), 100), "a time in the future is nobody's");
        let number = ledger.batch().unwrap().number;
        assert!(ledger.should_flush(at(51), 100), "not acknowledged yet");
        ledger.counted(number, at(60));
        assert!(!ledger.should_flush(at(500), 100));
    }
}
