//! What a shard remembers in memory alone: how often clients ask, and from where. Bounded; what does not fit takes
//! the place of who asked longest ago.

use std::collections::BTreeMap;

use symbolon::protocol::Network;
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use super::{INTERVAL_SECONDS, LIFE_SECONDS};

/// How many clients, and how many networks, are remembered.
const MAX_REMEMBERED: usize = 4_000;
/// By how much an interval grows when a client asks too often, in seconds (RFC 8628, section 3.5).
const SLOWER_SECONDS: u32 = 5;
/// How many logins may be begun from one network, and in how many seconds; and how many while one of them can wait, so
/// that a few networks do not fill a shard.
pub(super) const BEGUN: [(u32, u32); 2] = [(10, 60), (30, LIFE_SECONDS)];

/// Clients that ask whether their login was decided.
#[derive(Default)]
pub(super) struct Polls(BTreeMap<Digest, Poll>);

struct Poll {
    last: Timestamp,
    interval: u32,
    client: Client,
}

/// Whether a client keeps to its interval.
pub(super) enum Pace {
    Good,
    TooFast { interval: u32 },
}

impl Polls {
    /// Notes that a client asks, and whether it waited as long as it was told to.
    pub(super) fn pace(&mut self, now: Timestamp, login: Digest, client: Client) -> Pace {
        let before = self.0.get(&login).map(|poll| (poll.last, poll.interval));
        let (pace, interval) = match before {
            // A clock that went back is not the client's fault, and neither is the last second.
            Some((last, interval)) if (0..millis(interval.saturating_sub(1))).contains(&now.millis_since(last)) => {
                let interval = interval.saturating_add(SLOWER_SECONDS).min(LIFE_SECONDS);
                (Pace::TooFast { interval }, interval)
            }
            Some((_, interval)) => (Pace::Good, interval),
            None => (Pace::Good, INTERVAL_SECONDS),
        };
        self.remember(now, login, Poll { last: now, interval, client });
        pace
    }

    /// Notes that a client asks.
    pub(super) fn note(&mut self, now: Timestamp, login: Digest, client: Client) {
        self.remember(now, login, Poll { last: now, interval: INTERVAL_SECONDS, client });
    }

    /// From where a client asked last.
    pub(super) fn client(&self, now: Timestamp, login: Digest) -> Option<&Client> {
        self.0.get(&login).filter(|poll| poll.lives(now)).map(|poll| &poll.client)
    }

    fn remember(&mut self, now: Timestamp, login: Digest, poll: Poll) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.retain(|_, poll| poll.lives(now));
        }
        // Whoever waits asks again and is remembered again; what a flood of others brought is the oldest by then.
        if self.0.len() >= MAX_REMEMBERED && !self.0.contains_key(&login) {
            let oldest = self.0.iter().min_by_key(|(_, poll)| poll.last).map(|(login, _)| *login);
            oldest.and_then(|login| self.0.remove(&login));
        }
        self.0.insert(login, poll);
    }
}

impl Poll {
    fn lives(&self, now: Timestamp) -> bool {
        now.millis_since(self.last) < millis(LIFE_SECONDS)
    }
}

/// Networks from which logins were begun, each with when its windows began and how many there were.
#[derive(Default)]
pub(super) struct Networks(BTreeMap<Network, [(Timestamp, u32); 2]>);

impl Networks {
    /// Counts one more; or says in how many seconds there may be one.
    pub(super) fn take(&mut self, now: Timestamp, network: Network) -> Option<u32> {
        let lives = |windows: &[(Timestamp, u32); 2]| {
            windows.iter().zip(BEGUN).any(|(window, rate)| is_open(now, window, rate))
        };
        if self.0.len() >= MAX_REMEMBERED {
            self.0.retain(|_, windows| lives(windows));
        }
        if self.0.len() >= MAX_REMEMBERED && !self.0.contains_key(&network) {
            let [(_, seconds), _] = BEGUN;
            return Some(seconds);
        }
        let windows = self.0.entry(network).or_insert([(now, 0); 2]);
        let wait = windows.iter().zip(BEGUN).filter_map(|(window, rate @ (max, seconds))| {
            let full = is_open(now, window, rate) && window.1 >= max;
            let left = millis(seconds).saturating_sub(now.millis_since(window.0)).max(0);
            full.then(|| u32::try_from(left.div_euclid(1000)).unwrap_or(seconds).saturating_add(1))
        });
        let wait = wait.max();
        if wait.is_none() {
            for (window, rate) in windows.iter_mut().zip(BEGUN) {
                *window = if is_open(now, window, rate) { (window.0, window.1.saturating_add(1)) } else { (now, 1) };
            }
        }
        wait
    }
}

fn is_open(now: Timestamp, (since, _): &(Timestamp, u32), (_, seconds): (u32, u32)) -> bool {
    now.millis_since(*since) < millis(seconds)
}

fn millis(seconds: u32) -> i64 {
    i64::from(seconds).saturating_mul(1000)
}
