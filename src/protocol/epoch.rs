//! What tells an authority's changes apart, and says which was first.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Which change of an authority this is: it grows with every one and never goes back, also where the authority's storage
/// is put back to an older state.
///
/// A count alone would go back with the storage, and count the next changes with numbers that other changes have had. So
/// it is the time of the change in milliseconds, on the authority's clock; or, where the clock has not gone on, one more
/// than before. Nothing goes by it as a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// The epoch of this number. Below 2^53, so that SQL and JavaScript keep it exact.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The least that is greater.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The epoch of a change that is made now, after this one.
    #[must_use]
    pub fn after(self, now: Timestamp) -> Self {
        self.next().max(Self(u64::try_from(now.as_millis()).unwrap_or(0)))
    }
}

/// The version of a token's record: the epoch of the change that made it.
pub type Version = Epoch;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_epoch_grows_with_the_clock_and_without_it() {
        let first = Epoch::ZERO.after(at(5_000));
        assert_eq!(first, Epoch::new(5_000));
        assert_eq!(first.after(at(5_000)), Epoch::new(5_001), "two changes in one millisecond");
        assert_eq!(first.after(at(10)), Epoch::new(5_001), "a clock that steps back");
        assert_eq!(first.after(at(-1)), Epoch::new(5_001));
        assert_eq!(Epoch::new(7).after(at(9_000)), Epoch::new(9_000));
    }

    #[test]
    fn after_older_storage_no_number_comes_again() {
        // So many changes, of which the storage then knows the first alone.
        let first = Epoch::ZERO.after(at(1_000));
        let lost = (1_001..1_050).fold(first, |epoch, millis| epoch.after(at(millis)));
        assert!(first.after(at(1_050)) > lost);
    }
}
