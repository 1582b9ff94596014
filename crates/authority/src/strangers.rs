//! Credentials that nobody has, and signatures that do not hold, by the network that they come from.
//!
//! Organisations count those that name them, shards of the locator those that name nobody.
//!
//! Whoever shows one is nobody, so it counts against no token and no member: naming a token in public would otherwise be
//! enough to hold it up. It is counted in memory alone: a stranger makes an authority write nothing. A machine that takes
//! over begins anew, and each isolate counts by itself as well.

use std::collections::BTreeMap;

use symbolon::policy::Rate;
use symbolon::protocol::Network;
use symbolon::protocol::message::{Failing, Limited};
use symbolon::time::Timestamp;

/// How many networks are remembered. Beyond that, those whose time has run out are forgotten, and then all: whoever has
/// so many networks is not stopped by a count of networks.
const MAX_NETWORKS: usize = 4_096;

/// How often each network has failed since when.
#[derive(Debug, Default)]
pub(crate) struct Strangers(BTreeMap<Network, (Timestamp, u64)>);

impl Strangers {
    /// Counts so many more, and says whether there were as many as may be before.
    pub(crate) fn count(&mut self, now: Timestamp, failed: Rate, network: Network, more: u64) -> Option<Limited> {
        let window = i64::from(failed.seconds).saturating_mul(1000);
        let runs = |since: Timestamp| (0..window).contains(&now.millis_since(since));
        if self.0.len() >= MAX_NETWORKS && !self.0.contains_key(&network) {
            self.0.retain(|_, (since, _)| runs(*since));
            if self.0.len() >= MAX_NETWORKS {
                self.0.clear();
            }
        }
        let (since, count) = self.0.entry(network).or_insert((now, 0));
        if !runs(*since) {
            (*since, *count) = (now, 0);
        }
        let before = *count;
        *count = count.saturating_add(more);
        if before < u64::from(failed.max) {
            return None;
        }
        let left = since.plus_millis(window).millis_since(now).div_euclid(1000).saturating_add(1);
        let seconds = u32::try_from(left).unwrap_or(failed.seconds);
        Some(Limited { who: Failing::Stranger(network), seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const FAILED: Rate = Rate { max: 3, seconds: 60 };

    #[test]
    fn a_network_has_so_many_in_so_long() {
        let mut strangers = Strangers::default();
        let (a, b) = (Network::of("192.0.2.1"), Network::of("192.0.2.2"));
        let mut count = |seconds, network, more| {
            strangers.count(NOW.plus_seconds(seconds), FAILED, network, more).map(|limited| limited.seconds)
        };
        assert_eq!([count(0, a, 1), count(1, a, 2), count(2, a, 1), count(2, b, 1)], [None, None, Some(59), None]);
        assert_eq!([count(59, a, 1), count(60, a, 1)], [Some(2), None]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut strangers = Strangers::default();
        for number in 0..3 * u32::try_from(MAX_NETWORKS).unwrap() {
            let network = Network::of(&core::net::Ipv4Addr::from(number).to_string());
            assert_eq!(strangers.count(NOW, FAILED, network, 1), None);
            assert!(strangers.0.len() <= MAX_NETWORKS);
        }
    }
}
