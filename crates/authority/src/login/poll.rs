//! What a shard remembers in memory alone: how often clients ask, and from where. Bounded; what does not fit is not
//! remembered.

use std::collections::BTreeMap;

use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use super::{INTERVAL_SECONDS, LIFE_SECONDS};

/// How many clients, and how many addresses, are remembered.
const MAX_REMEMBERED: usize = 4_000;
/// By how much an interval grows when a client asks too often, in seconds (RFC 8628, section 3.5).
const SLOWER_SECONDS: u32 = 5;
/// How many logins may be begun from one address, and in how many seconds.
pub(super) const MAX_BEGUN: u32 = 10;
const BEGUN_SECONDS: u32 = 60;

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
        if self.0.len() < MAX_REMEMBERED || self.0.contains_key(&login) {
            self.0.insert(login, poll);
        }
    }
}

impl Poll {
    fn lives(&self, now: Timestamp) -> bool {
        now.millis_since(self.last) < millis(LIFE_SECONDS)
    }
}

/// Addresses from which logins were begun.
#[derive(Default)]
pub(super) struct Addresses(BTreeMap<String, (Timestamp, u32)>);

impl Addresses {
    /// Counts one more; or says in how many seconds there may be one.
    pub(super) fn take(&mut self, now: Timestamp, address: Option<&str>) -> Option<u32> {
        let ended = |since: Timestamp| now.millis_since(since) >= millis(BEGUN_SECONDS);
        if self.0.len() >= MAX_REMEMBERED {
            self.0.retain(|_, (since, _)| !ended(*since));
        }
        let full = self.0.len() >= MAX_REMEMBERED;
        let address = address.unwrap_or_default();
        match self.0.get_mut(address) {
            Some((since, count)) if !ended(*since) => {
                if *count >= MAX_BEGUN {
                    let left = millis(BEGUN_SECONDS).saturating_sub(now.millis_since(*since)).max(0);
                    return Some(u32::try_from(left.div_euclid(1000)).unwrap_or(BEGUN_SECONDS).saturating_add(1));
                }
                *count = count.saturating_add(1);
            }
            Some(entry) => *entry = (now, 1),
            None if full => return Some(BEGUN_SECONDS),
            None => {
                self.0.insert(address.to_owned(), (now, 1));
            }
        }
        None
    }
}

fn millis(seconds: u32) -> i64 {
    i64::from(seconds).saturating_mul(1000)
}
