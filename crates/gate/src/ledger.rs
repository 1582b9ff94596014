//! What one isolate counts for one authority: uses and refusals, handed over in numbered batches.
//!
//! A batch is frozen once it was sent, and sent again until it is acknowledged, so that a message which arrives twice
//! counts once. What does not fit is not counted: counts never exceed the truth.

use std::collections::HashMap;

use symbolon::id::TokenId;
use symbolon::problem::Code;
use symbolon::protocol::Record;
use symbolon::protocol::message::{Client, Refusal, Use, UseBatch};
use symbolon::time::Timestamp;

/// How many tokens, and how many pairs of token and cause, are counted between two batches.
const MAX_ENTRIES: usize = 1000;

/// Uses and refusals that are not yet acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    uses: HashMap<TokenId, Use>,
    refusals: HashMap<(TokenId, Code), Refusal>,
    frozen: Option<UseBatch>,
    /// When a flush was last begun: a plain time, since whoever began it may be gone.
    pub(crate) flush_begun: Option<Timestamp>,
}

impl Ledger {
    /// Counts a use.
    pub(crate) fn used(&mut self, record: &Record, newest: bool, now: Timestamp, client: &Client) {
        if self.uses.len() >= MAX_ENTRIES && !self.uses.contains_key(&record.token) {
            return;
        }
        let entry = self.uses.entry(record.token).or_insert_with(|| Use {
            token: record.token,
            count: 0,
            last_at: now,
            client: Client::default(),
            version: record.version,
            newest: false,
        });
        entry.count = entry.count.saturating_add(1);
        entry.last_at = entry.last_at.max(now);
        entry.client = client.clone();
        if record.version > entry.version {
            // Of another version it would not be the newest secret that was used.
            (entry.version, entry.newest) = (record.version, false);
        }
        entry.newest |= newest && record.version == entry.version;
    }

    /// Counts a refusal of a token whose possession was proved.
    pub(crate) fn refused(&mut self, token: TokenId, code: Code, now: Timestamp, client: &Client) {
        if self.refusals.len() >= MAX_ENTRIES && !self.refusals.contains_key(&(token, code)) {
            return;
        }
        let entry = self.refusals.entry((token, code)).or_insert_with(|| Refusal {
            token,
            code,
            count: 0,
            last_at: now,
            client: Client::default(),
        });
        entry.count = entry.count.saturating_add(1);
        entry.last_at = entry.last_at.max(now);
        entry.client = client.clone();
    }

    /// Whether there is anything to hand over.
    pub(crate) fn is_empty(&self) -> bool {
        self.frozen.is_none() && self.uses.is_empty() && self.refusals.is_empty()
    }

    /// The batch to send: the one not yet acknowledged, or else a new one under the next number of the isolate.
    pub(crate) fn batch(&mut self, isolate: &str, last_number: &mut u64) -> Option<UseBatch> {
        if self.is_empty() {
            return None;
        }
        if self.frozen.is_none() {
            *last_number = last_number.saturating_add(1);
            self.frozen = Some(UseBatch {
                isolate: isolate.to_owned(),
                number: *last_number,
                uses: self.uses.drain().map(|(_, entry)| entry).collect(),
                refusals: self.refusals.drain().map(|(_, entry)| entry).collect(),
            });
        }
        self.frozen.clone()
    }

    /// The authority has counted the batch of this number.
    pub(crate) fn counted(&mut self, number: u64) {
        if self.frozen.as_ref().is_some_and(|batch| batch.number == number) {
            self.frozen = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_batch_is_the_same_until_it_is_acknowledged() {
        let record = testing::record();
        let (mut ledger, mut number) = (Ledger::default(), 6);
        assert_eq!(ledger.batch("isolate", &mut number), None);
        ledger.used(&record, false, at(1), &Client::default());
        ledger.used(&record, true, at(3), &Client::default());
        ledger.used(&record, false, at(2), &Client::default());
        let first = ledger.batch("isolate", &mut number).unwrap();
        assert_eq!(
            (first.number, first.uses[0].count, first.uses[0].last_at, first.uses[0].newest),
            (7, 3, at(3), true)
        );
        ledger.used(&record, false, at(4), &Client::default());
        ledger.refused(record.token, Code::Expired, at(4), &Client::default());
        assert_eq!(ledger.batch("isolate", &mut number).unwrap(), first);
        ledger.counted(6);
        assert_eq!(ledger.batch("isolate", &mut number).unwrap(), first, "another batch's acknowledgement");
        ledger.counted(7);
        let second = ledger.batch("isolate", &mut number).unwrap();
        assert_eq!((second.number, second.uses[0].count, second.refusals[0].count), (8, 1, 1));
        ledger.counted(8);
        assert!(ledger.is_empty());
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let mut ledger = Ledger::default();
        for index in 0..2000_u16 {
            let token = TokenId::new(at(i64::from(index)), &[0; 10]);
            ledger.refused(token, Code::Expired, at(1), &Client::default());
        }
        assert_eq!(ledger.refusals.len(), MAX_ENTRIES);
    }
}
