//! Failed verifications inside the isolate: unknown credentials by client address, so that whoever guesses is stopped
//! before a call leaves it, and refusals of known tokens by token. The authority counts the latter as well, over all
//! isolates, with the limits of its profile, and holds up management by them.

use core::num::NonZeroUsize;

use lru::LruCache;
use symbolon::id::TokenId;
use symbolon::problem::{Code, Problem};
use symbolon::time::Timestamp;

/// How many unknown credentials may come from an address, and in how many milliseconds: what a profile's limit for
/// failed verifications is where it says nothing. An unknown credential has no profile.
pub(crate) const MAX_UNKNOWN: u32 = 20;
const WINDOW_MILLIS: i64 = 60_000;
/// How many addresses are remembered.
const MAX_ADDRESSES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// Failed verifications by client address, and by token.
pub(crate) struct Failures(LruCache<String, (Timestamp, u32)>);

impl Failures {
    pub(crate) fn new() -> Self {
        let mut addresses = LruCache::unbounded();
        addresses.resize(MAX_ADDRESSES);
        Self(addresses)
    }

    /// In how many seconds an address that has had all that it may can try again.
    pub(crate) fn wait(&mut self, now: Timestamp, address: &str) -> Option<u32> {
        let (since, count) = *self.0.get(address)?;
        let passed = now.millis_since(since);
        if count < MAX_UNKNOWN || !(0..WINDOW_MILLIS).contains(&passed) {
            return None;
        }
        let seconds = WINDOW_MILLIS.saturating_sub(passed).div_euclid(1000).saturating_add(1);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Counts one more.
    pub(crate) fn count(&mut self, now: Timestamp, address: &str) {
        match self.0.get_mut(address) {
            Some((since, count)) if (0..WINDOW_MILLIS).contains(&now.millis_since(*since)) => {
                *count = count.saturating_add(1);
            }
            Some(entry) => *entry = (now, 1),
            None => {
                self.0.put(address.to_owned(), (now, 1));
            }
        }
    }

    /// Counts a refusal of a known token; or says that there were too many, instead of why it is refused.
    pub(crate) fn refused(&mut self, now: Timestamp, token: TokenId) -> Option<Problem> {
        let name = token.to_string();
        match self.wait(now, &name) {
            Some(seconds) => {
                let detail = "This token was refused too often.";
                Some(Problem::new(Code::RateLimited).detail(detail).retry_after(seconds))
            }
            None => {
                self.count(now, &name);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_twenty_in_a_minute() {
        let (mut failures, now) = (Failures::new(), Timestamp::from_seconds(1_800_000_000));
        for _ in 0..MAX_UNKNOWN {
            assert_eq!(failures.wait(now, "a"), None);
            failures.count(now, "a");
        }
        assert_eq!(failures.wait(now, "a"), Some(61));
        assert_eq!(failures.wait(now.plus_seconds(59), "a"), Some(2));
        assert_eq!(failures.wait(now, "b"), None);
        assert_eq!(failures.wait(now.plus_seconds(60), "a"), None);
        failures.count(now.plus_seconds(60), "a");
        assert_eq!(failures.wait(now.plus_seconds(60), "a"), None);
    }
}
