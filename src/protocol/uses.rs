//! Use counts that are never more than the truth, and exact when nothing crashes.
//!
//! An isolate adds its uses up in a [`Tally`], one for each authority. They ride on its questions as numbered batches:
//! a batch is frozen when it is first sent and is sent again, unchanged, until an answer says that it is counted; what
//! is used meanwhile waits for the next batch. The authority keeps a [`Counted`] row for each isolate and counts a
//! number once, so a message that is lost, doubled or late changes nothing.
//!
//! An isolate that dies takes with it what was not yet counted. A row must leave one day, for isolates come and go;
//! then [`Counted::take`] refuses whatever that row could have refused, and does not rely on a clock for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::TokenId;
use crate::problem::Code;
use crate::protocol::Network;
use crate::protocol::message::{Refusal, Use, UseBatch};
use crate::time::Timestamp;

/// What an isolate has counted for one authority and the authority has not yet acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tally {
    isolate: String,
    /// Of the last batch that was frozen.
    number: u64,
    frozen: Option<UseBatch>,
    uses: BTreeMap<TokenId, Use>,
    refusals: BTreeMap<(TokenId, Code, Network, bool), Refusal>,
}

/// What became of one use or refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// The first that waits for a batch: let a question carry it within a lease, even if no other is needed.
    First,
    /// Added to what waits already.
    Added,
    /// Not counted: too many different ones wait, because the authority has not been reached for long.
    Full,
}

impl Tally {
    /// So many different tokens, and as many refusals, wait at most: as many as an isolate remembers records.
    pub const MAX_WAITING: usize = 10_000;
    /// So many uses, and as many refusals, go into one batch, to keep messages well below a megabyte.
    pub const MAX_BATCH: usize = 500;

    /// Of an isolate with this random name: 32 hexadecimal digits, never used by another.
    #[must_use]
    pub const fn new(isolate: String) -> Self {
        Self::after(isolate, 0)
    }

    /// The same, whose batches have numbers above this one.
    #[must_use]
    pub const fn after(isolate: String, number: u64) -> Self {
        Self { isolate, number, frozen: None, uses: BTreeMap::new(), refusals: BTreeMap::new() }
    }

    /// Counts a use.
    pub fn count(&mut self, used: Use) -> Noted {
        let first = self.is_idle();
        if let Some(kept) = self.uses.get_mut(&used.token) {
            merge_use(kept, used);
            return Noted::Added;
        }
        if self.uses.len() >= Self::MAX_WAITING {
            return Noted::Full;
        }
        self.uses.insert(used.token, used);
        if first { Noted::First } else { Noted::Added }
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, refusal: Refusal) -> Noted {
        let first = self.is_idle();
        // Limits count by network: none is to be charged with what another did.
        let key = (refusal.token, refusal.code, refusal.client.network(), refusal.passed_on);
        if let Some(kept) = self.refusals.get_mut(&key) {
            kept.count = kept.count.saturating_add(refusal.count);
            if refusal.last_at >= kept.last_at {
                kept.last_at = refusal.last_at;
                kept.client = refusal.client;
            }
            return Noted::Added;
        }
        if self.refusals.len() >= Self::MAX_WAITING {
            return Noted::Full;
        }
        self.refusals.insert(key, refusal);
        if first { Noted::First } else { Noted::Added }
    }

    /// Whether nothing waits to be acknowledged.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.frozen.is_none() && self.uses.is_empty() && self.refusals.is_empty()
    }

    /// The batch for a question that is about to be sent: the one not yet acknowledged, unchanged, or else a new one
    /// of what waits.
    pub fn batch(&mut self) -> Option<&UseBatch> {
        if self.frozen.is_none() && !(self.uses.is_empty() && self.refusals.is_empty()) {
            self.number = self.number.saturating_add(1);
            self.frozen = Some(UseBatch {
                isolate: self.isolate.clone(),
                number: self.number,
                uses: take_some(&mut self.uses),
                refusals: take_some(&mut self.refusals),
            });
        }
        self.frozen.as_ref()
    }

    /// An answer said that this batch is counted; of another number than the frozen one it says nothing new. Afterwards,
    /// unless the tally [is idle](Self::is_idle), let a further question carry the rest within a lease.
    pub fn acknowledge(&mut self, number: u64) {
        if self.frozen.as_ref().is_some_and(|batch| batch.number == number) {
            self.frozen = None;
        }
    }
}

/// What an authority keeps, durably, of the batches of one isolate. Written in the transaction that counts the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counted {
    /// The last batch that was counted.
    pub number: u64,
    /// The latest use or refusal in all batches that were counted, on the isolate's clock.
    pub newest: Timestamp,
}

/// What to do with a batch. In every case the answer then says that it is counted, so that it is sent no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Count it, and write this row in the same transaction.
    Count(Counted),
    /// It was counted before, or there is nothing in it.
    Already,
    /// It may have been counted by a row that has left: it is not counted, for a count never exceeds the truth.
    TooOld,
}

impl Counted {
    /// A row may leave when its isolate has used nothing for so long, in milliseconds: a day.
    pub const KEEP_MILLIS: i64 = 86_400_000;

    /// Judges a batch by its isolate's row, if there is one, and by the latest [`Counted::newest`] of all rows that
    /// ever left.
    ///
    /// A batch that such a row has counted holds nothing newer than that, so it is refused, whatever clocks have done
    /// since. An isolate that has no row yet loses a batch only if its clock is more than a day behind.
    #[must_use]
    pub fn take(found: Option<Self>, forgotten: Option<Timestamp>, batch: &UseBatch) -> Taken {
        let times = batch.uses.iter().map(|used| used.last_at);
        let Some(newest) = times.chain(batch.refusals.iter().map(|refusal| refusal.last_at)).max() else {
            return Taken::Already;
        };
        match found {
            Some(row) if batch.number <= row.number => Taken::Already,
            Some(row) => Taken::Count(Self { number: batch.number, newest: newest.max(row.newest) }),
            None if batch.number == 0 => Taken::Already,
            None if forgotten.is_some_and(|forgotten| newest <= forgotten) => Taken::TooOld,
            None => Taken::Count(Self { number: batch.number, newest }),
        }
    }

    /// Whether this row may leave at `now`; its [`Counted::newest`] is then to be remembered, in the same transaction,
    /// if it is later than that of all that left before.
    #[must_use]
    pub const fn may_leave(self, now: Timestamp) -> bool {
        now.millis_since(self.newest) >= Self::KEEP_MILLIS
    }
}

fn merge_use(kept: &mut Use, used: Use) {
    kept.count = kept.count.saturating_add(used.count);
    if used.version > kept.version {
        // Which secret is the newest is said of the newest version.
        kept.newest = used.newest;
        kept.version = used.version;
    } else if used.version == kept.version {
        kept.newest |= used.newest;
    }
    if used.last_at >= kept.last_at {
        kept.last_at = used.last_at;
        kept.client = used.client;
    }
}

fn take_some<K: Ord + Copy, V>(waiting: &mut BTreeMap<K, V>) -> Vec<V> {
    let rest = waiting.keys().nth(Tally::MAX_BATCH).copied();
    let rest = rest.map(|key| waiting.split_off(&key)).unwrap_or_default();
    core::mem::replace(waiting, rest).into_values().collect()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions)]
mod tests {
    use super::*;
    use crate::protocol::Version;
    use crate::protocol::message::Client;

    fn token(number: u32) -> TokenId {
        let mut random = [0; 10];
        random[6..].copy_from_slice(&number.to_be_bytes());
        TokenId::new(Timestamp::EPOCH, &random)
    }

    fn used(number: u32, at: i64) -> Use {
        Use {
            token: token(number),
            count: 1,
            last_at: Timestamp::from_millis(at),
            client: Client { address: Some(at.to_string()), user_agent: None },
            version: Version::new(1),
            newest: false,
        }
    }

    fn tally() -> Tally {
        Tally::new("0".repeat(32))
    }

    #[test]
    fn a_batch_is_the_same_until_it_is_acknowledged() {
        let mut tally = tally();
        assert_eq!(tally.batch(), None);
        assert_eq!(tally.count(used(1, 5)), Noted::First);
        assert_eq!(tally.count(used(1, 9)), Noted::Added);
        let first = tally.batch().cloned().unwrap();
        assert_eq!((first.number, first.uses[0].count, first.uses[0].last_at.as_millis()), (1, 2, 9));
        assert_eq!(tally.count(used(1, 10)), Noted::Added, "a batch under way will be followed by a question");
        assert_eq!(tally.batch(), Some(&first));
        tally.acknowledge(7);
        assert_eq!(tally.batch(), Some(&first));
        tally.acknowledge(1);
        let second = tally.batch().cloned().unwrap();
        assert_eq!((second.number, second.uses[0].count), (2, 1));
        tally.acknowledge(1);
        assert_eq!(tally.batch(), Some(&second), "an old acknowledgement");
        tally.acknowledge(2);
        assert!(tally.is_idle());
    }

    #[test]
    fn uses_add_up_to_the_latest() {
        let mut tally = tally();
        tally.count(Use { newest: true, ..used(1, 9) });
        tally.count(Use { count: 4, ..used(1, 3) });
        let sum = tally.batch().unwrap().uses[0].clone();
        assert_eq!((sum.count, sum.last_at.as_millis(), sum.client.address.as_deref()), (5, 9, Some("9")));
        assert!(sum.newest);
        tally.acknowledge(1);
        tally.count(Use { newest: true, ..used(1, 9) });
        tally.count(Use { version: Version::new(2), ..used(1, 10) });
        let sum = tally.batch().unwrap().uses[0].clone();
        assert_eq!((sum.version, sum.newest), (Version::new(2), false), "of the new version's secrets an older one");
    }

    #[test]
    fn refusals_add_up_by_their_cause() {
        let mut tally = tally();
        let refusal = |code, last_at| Refusal {
            token: token(1),
            code,
            count: 1,
            last_at: Timestamp::from_millis(last_at),
            client: Client::default(),
            passed_on: false,
        };
        assert_eq!(tally.refuse(refusal(Code::Expired, 1)), Noted::First);
        assert_eq!(tally.refuse(refusal(Code::Expired, 2)), Noted::Added);
        assert_eq!(tally.refuse(refusal(Code::Revoked, 3)), Noted::Added);
        let elsewhere = Client { address: Some("192.0.2.9".to_owned()), user_agent: None };
        assert_eq!(tally.refuse(Refusal { client: elsewhere, count: 3, ..refusal(Code::Expired, 4) }), Noted::Added);
        assert_eq!(tally.refuse(Refusal { passed_on: true, count: 4, ..refusal(Code::Expired, 5) }), Noted::Added);
        let mut counts: Vec<_> = tally.batch().unwrap().refusals.iter().map(|sum| (sum.code, sum.count)).collect();
        counts.sort_by_key(|(_, count)| *count);
        assert_eq!(counts, [(Code::Revoked, 1), (Code::Expired, 2), (Code::Expired, 3), (Code::Expired, 4)]);
    }

    #[test]
    fn what_waits_is_bounded_and_so_are_batches() {
        let mut tally = tally();
        for number in 0..Tally::MAX_WAITING as u32 {
            assert_ne!(tally.count(used(number, 1)), Noted::Full);
        }
        assert_eq!(tally.count(used(u32::MAX, 1)), Noted::Full);
        assert_eq!(tally.count(used(0, 1)), Noted::Added, "one that waits already still counts");
        let mut total = 0;
        while let Some(batch) = tally.batch() {
            assert!(batch.uses.len() <= Tally::MAX_BATCH);
            total += batch.uses.iter().map(|used| used.count).sum::<u64>();
            let number = batch.number;
            tally.acknowledge(number);
        }
        assert_eq!(total, Tally::MAX_WAITING as u64 + 1);
    }

    fn batch(number: u64, at: i64) -> UseBatch {
        UseBatch { isolate: "0".repeat(32), number, uses: vec![used(1, at)], refusals: Vec::new() }
    }

    #[test]
    fn a_number_counts_once() {
        let row = |number, at| Counted { number, newest: Timestamp::from_millis(at) };
        assert_eq!(Counted::take(None, None, &batch(1, 5)), Taken::Count(row(1, 5)));
        assert_eq!(Counted::take(Some(row(1, 5)), None, &batch(1, 5)), Taken::Already);
        assert_eq!(Counted::take(Some(row(1, 5)), None, &batch(2, 4)), Taken::Count(row(2, 5)));
        assert_eq!(Counted::take(Some(row(2, 5)), None, &batch(1, 5)), Taken::Already);
        assert_eq!(Counted::take(None, None, &batch(0, 5)), Taken::Already);
        let empty = UseBatch { uses: Vec::new(), ..batch(3, 5) };
        assert_eq!(Counted::take(Some(row(2, 5)), None, &empty), Taken::Already);
    }

    #[test]
    fn what_a_forgotten_row_counted_does_not_count_again() {
        let row = Counted { number: 3, newest: Timestamp::from_millis(50) };
        assert!(!row.may_leave(Timestamp::from_millis(49 + Counted::KEEP_MILLIS)));
        assert!(row.may_leave(Timestamp::from_millis(50 + Counted::KEEP_MILLIS)));
        let forgotten = Some(row.newest);
        assert_eq!(Counted::take(None, forgotten, &batch(3, 50)), Taken::TooOld);
        assert_eq!(Counted::take(None, forgotten, &batch(1, 10)), Taken::TooOld);
        assert!(matches!(Counted::take(None, forgotten, &batch(4, 51)), Taken::Count(_)));
    }
}
