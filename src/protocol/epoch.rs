//! The authority's own count of its changes.

use serde::{Deserialize, Serialize};

/// How many changes an authority has made: it grows with every one and never goes back, a restored backup included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// The epoch after so many changes. Below 2^53, so that SQL and JavaScript keep it exact.
    #[must_use]
    pub const fn new(changes: u64) -> Self {
        Self(changes)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The epoch of the next change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The version of a token's record: the epoch of the change that made it.
pub type Version = Epoch;
