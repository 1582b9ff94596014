//! Failed verifications inside the isolate: unknown credentials by client address, so that whoever guesses is stopped
//! before a call leaves it, and refusals of known tokens by token. The authority counts the latter as well, over all
//! isolates, with the limits of its profile, and holds up management by them.

use core::net::Ipv6Addr;
use core::num::NonZeroUsize;

use lru::LruCache;
use symbolon::id::TokenId;
use symbolon::problem::{Code, Problem};
use symbolon::time::Timestamp;

/// How many unknown credentials may come from an address, and in how many milliseconds: what a profile's limit for
/// failed verifications is where it says nothing. An unknown credential has no profile.
pub(crate) const MAX_UNKNOWN: u32 = 20;
const WINDOW_MILLIS: i64 = 60_000;
/// How many credentials of which nothing is remembered may be looked up for an address at once: more than good clients
/// behind one address present to a cold isolate in the time of a trip, and what a burst of made-up ones costs at most
/// before the first of them is known to be unknown.
pub(crate) const MAX_UNDER_WAY: u32 = 100;
/// How many addresses are remembered.
const MAX_ADDRESSES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// Failed verifications by client address, and by token.
pub(crate) struct Failures(LruCache<String, Entry>);

#[derive(Clone, Copy)]
struct Entry {
    since: Timestamp,
    count: u32,
    /// Look-ups of which nobody knows yet how they end.
    under_way: u32,
}

/// The network that an address stands for: whoever has one IPv6 address has the 2^64 of its network as well.
pub(crate) fn network(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        },
        Err(_) => address.to_owned(),
    }
}

impl Failures {
    pub(crate) fn new() -> Self {
        let mut addresses = LruCache::unbounded();
        addresses.resize(MAX_ADDRESSES);
        Self(addresses)
    }

    /// In how many seconds an address that has had all that it may can try again.
    pub(crate) fn wait(&mut self, now: Timestamp, address: &str) -> Option<u32> {
        let Entry { since, count, under_way } = *self.0.get(address)?;
        if under_way >= MAX_UNDER_WAY {
            return Some(1);
        }
        let passed = now.millis_since(since);
        if count < MAX_UNKNOWN || !(0..WINDOW_MILLIS).contains(&passed) {
            return None;
        }
        let seconds = WINDOW_MILLIS.saturating_sub(passed).div_euclid(1000).saturating_add(1);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Counts one more.
    pub(crate) fn count(&mut self, now: Timestamp, address: &str) {
        let entry = self.entry(now, address);
        if (0..WINDOW_MILLIS).contains(&now.millis_since(entry.since)) {
            entry.count = entry.count.saturating_add(1);
        } else {
            *entry = Entry { since: now, count: 1, ..*entry };
        }
    }

    /// A look-up leaves the isolate. Whoever says so says when it has ended.
    pub(crate) fn begin(&mut self, now: Timestamp, address: &str) {
        let entry = self.entry(now, address);
        entry.under_way = entry.under_way.saturating_add(1);
    }

    /// A look-up has ended, or is given up.
    pub(crate) fn end(&mut self, address: &str) {
        if let Some(entry) = self.0.get_mut(address) {
            entry.under_way = entry.under_way.saturating_sub(1);
        }
    }

    fn entry(&mut self, now: Timestamp, name: &str) -> &mut Entry {
        self.0.get_or_insert_mut_ref(name, || Entry { since: now, count: 0, under_way: 0 })
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
    fn so_many_are_looked_up_at_once_for_an_address() {
        let (mut failures, now) = (Failures::new(), Timestamp::from_seconds(1_800_000_000));
        for _ in 0..MAX_UNDER_WAY {
            assert_eq!(failures.wait(now, "a"), None);
            failures.begin(now, "a");
        }
        assert_eq!((failures.wait(now, "a"), failures.wait(now, "b")), (Some(1), None));
        failures.end("a");
        assert_eq!(failures.wait(now, "a"), None);
    }

    #[test]
    fn a_network_counts_as_one() {
        for (address, expected) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("no address", "no address"),
        ] {
            assert_eq!(network(address), expected);
        }
    }

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
