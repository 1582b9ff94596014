//! What one isolate bounds by itself, so that whoever guesses or floods is stopped before a call leaves it: what
//! strangers ask, by their network; and what is asked with a credential that was refused, by that credential. The
//! authority counts the latter as well, over all isolates, with the limits of its profile, and holds up management by
//! them. Each has a memory of its own: strangers push nothing but strangers out.

use core::hash::Hash;
use core::num::NonZeroUsize;

use lru::LruCache;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Network;
use symbolon::protocol::message::Lookup;
use symbolon::time::Timestamp;

/// How many unknown credentials, and other calls that came to nothing, may come from a network, and in how many
/// milliseconds: what a profile's limit for failed verifications is where it says nothing. A stranger has no profile.
pub(crate) const MAX_UNKNOWN: u32 = 20;
/// How many polls of logins that nobody has decided may come from a network in the same time: ten clients, each every
/// five seconds.
pub(crate) const MAX_POLLS: u32 = 120;
/// How many credentials of which nothing is remembered may be looked up for a network at once: more than good clients
/// behind one address present to a cold isolate in the time of a trip, and what a burst of made-up ones costs at most
/// before the first of them is known to be unknown.
pub(crate) const MAX_UNDER_WAY: u32 = 100;
const WINDOW_MILLIS: i64 = 60_000;
/// How many networks, and how many credentials, are remembered.
const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// A credential that was refused after its possession was proved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Refused {
    name: Lookup,
    /// Where a name is public, anybody could come with it: it is counted for each network.
    network: Option<Network>,
}

impl Refused {
    /// A credential of this name, shown by this network.
    pub(crate) fn new(name: &Lookup, network: Network) -> Self {
        let secret = matches!(name, Lookup::Digest(_) | Lookup::Session(_));
        Self { name: name.clone(), network: (!secret).then_some(network) }
    }
}

/// How often something happened since when.
struct Windows<K>(LruCache<K, (Timestamp, u32)>);

impl<K: Hash + Eq> Windows<K> {
    fn new() -> Self {
        let mut windows = LruCache::unbounded();
        windows.resize(MAX_REMEMBERED);
        Self(windows)
    }

    /// In how many seconds there may be another, where there were as many as may be.
    fn wait(&mut self, now: Timestamp, key: &K, max: u32) -> Option<u32> {
        let (since, count) = *self.0.get(key)?;
        let passed = now.millis_since(since);
        if count < max || !(0..WINDOW_MILLIS).contains(&passed) {
            return None;
        }
        let seconds = WINDOW_MILLIS.saturating_sub(passed).div_euclid(1000).saturating_add(1);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn count(&mut self, now: Timestamp, key: K) {
        match self.0.get_mut(&key) {
            Some((since, count)) if (0..WINDOW_MILLIS).contains(&now.millis_since(*since)) => {
                *count = count.saturating_add(1);
            }
            Some(entry) => *entry = (now, 1),
            None => {
                self.0.put(key, (now, 1));
            }
        }
    }

    fn give_back(&mut self, key: &K) {
        if let Some((_, count)) = self.0.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }
}

/// What is bounded inside the isolate.
pub(crate) struct Failures {
    strangers: Windows<Network>,
    /// Look-ups of which nobody knows yet how they end.
    under_way: LruCache<Network, u32>,
    polls: Windows<Network>,
    refused: Windows<Refused>,
    /// Those for which the authority is asked each time: there they are held up before it is.
    asking: Windows<Refused>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        let mut under_way = LruCache::unbounded();
        under_way.resize(MAX_REMEMBERED);
        Self {
            strangers: Windows::new(),
            under_way,
            polls: Windows::new(),
            refused: Windows::new(),
            asking: Windows::new(),
        }
    }

    /// Whether a network has had all that it may.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn check(&mut self, now: Timestamp, network: Network) -> Result<(), Problem> {
        let busy = self.under_way.peek(&network).is_some_and(|count| *count >= MAX_UNDER_WAY);
        let wait = if busy { Some(1) } else { self.strangers.wait(now, &network, MAX_UNKNOWN) };
        limited(wait, "Too many unknown credentials or failed calls came from this address.")
    }

    /// Counts one more for a network.
    pub(crate) fn count(&mut self, now: Timestamp, network: Network) {
        self.strangers.count(now, network);
    }

    /// A look-up leaves the isolate. Whoever says so says when it has ended.
    pub(crate) fn begin(&mut self, network: Network) {
        let count = self.under_way.get_or_insert_mut(network, || 0);
        *count = count.saturating_add(1);
    }

    /// A look-up has ended, or is given up.
    pub(crate) fn end(&mut self, network: Network) {
        if let Some(count) = self.under_way.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.under_way.pop(&network);
            }
        }
    }

    /// Takes one back: it came to something.
    pub(crate) fn give_back(&mut self, network: Network) {
        self.strangers.give_back(&network);
    }

    /// Counts a poll of a network.
    ///
    /// # Errors
    /// `rate_limited`: there were too many; then it is not counted.
    pub(crate) fn poll(&mut self, now: Timestamp, network: Network) -> Result<(), Problem> {
        limited(self.polls.wait(now, &network, MAX_POLLS), "Too many polls came from this address.")?;
        self.polls.count(now, network);
        Ok(())
    }

    /// Whether a credential was refused too often to be asked about once more.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn held_up(&mut self, now: Timestamp, credential: &Refused) -> Result<(), Problem> {
        limited(self.asking.wait(now, credential, MAX_UNKNOWN), TOO_OFTEN)
    }

    /// Counts a refusal of a known credential. `asks`: its authority was asked for it, and is each time.
    ///
    /// # Errors
    /// `rate_limited`: there were too many; this is said instead of why it is refused.
    pub(crate) fn refused(&mut self, now: Timestamp, credential: Refused, asks: bool) -> Result<(), Problem> {
        limited(self.refused.wait(now, &credential, MAX_UNKNOWN), TOO_OFTEN)?;
        if asks {
            self.asking.count(now, credential.clone());
        }
        self.refused.count(now, credential);
        Ok(())
    }
}

const TOO_OFTEN: &str = "This credential was refused too often.";

fn limited(wait: Option<u32>, detail: &'static str) -> Result<(), Problem> {
    match wait {
        None => Ok(()),
        Some(seconds) => Err(Problem::new(Code::RateLimited).detail(detail).retry_after(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use symbolon::token::Digest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn a_network_has_twenty_in_a_minute() {
        let mut failures = Failures::new();
        let (a, b) = (Network::of("192.0.2.1"), Network::of("192.0.2.2"));
        let wait = |failures: &mut Failures, seconds, network| {
            failures.check(NOW.plus_seconds(seconds), network).err().and_then(|problem| problem.retry_after)
        };
        for _ in 0..MAX_UNKNOWN {
            assert_eq!(wait(&mut failures, 0, a), None);
            failures.count(NOW, a);
        }
        assert_eq!(wait(&mut failures, 0, a), Some(61));
        assert_eq!(wait(&mut failures, 59, a), Some(2));
        assert_eq!(wait(&mut failures, 0, b), None);
        assert_eq!(wait(&mut failures, 60, a), None);
        failures.count(NOW.plus_seconds(60), a);
        assert_eq!(wait(&mut failures, 60, a), None);
    }

    #[test]
    fn so_many_are_looked_up_at_once_for_a_network() {
        let mut failures = Failures::new();
        let (a, b) = (Network::of("192.0.2.1"), Network::of("192.0.2.2"));
        for _ in 0..MAX_UNDER_WAY {
            assert_eq!(failures.check(NOW, a), Ok(()));
            failures.begin(a);
        }
        assert_eq!(failures.check(NOW, a).unwrap_err().retry_after, Some(1));
        assert_eq!(failures.check(NOW, b), Ok(()));
        failures.end(a);
        assert_eq!(failures.check(NOW, a), Ok(()));
    }

    #[test]
    fn strangers_push_no_credential_out_of_memory() {
        let mut failures = Failures::new();
        let credential = Refused::new(&Lookup::Digest(Digest::of("x")), Network::UNKNOWN);
        for _ in 0..MAX_UNKNOWN {
            failures.refused(NOW, credential.clone(), true).unwrap();
        }
        for number in 0..2 * u32::try_from(MAX_REMEMBERED.get()).unwrap() {
            failures.count(NOW, Network::of(&core::net::Ipv4Addr::from(number).to_string()));
        }
        assert!(failures.held_up(NOW, &credential).is_err());
        assert!(failures.refused(NOW, credential, true).is_err());
    }
}
