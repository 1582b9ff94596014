//! What one isolate bounds by itself, so that whoever guesses or floods is stopped before a call leaves it: what
//! strangers ask, by their network; and what is refused after possession was proved, by the credential, the member whose
//! it is and the network. The limit is that of the organisation's profile, which its authority says. The authority counts
//! all of it as well, over all isolates, and says who has reached the limit ([`Failures::told`]).
//!
//! A limit never holds up what is good: it stops what would be refused anyhow, or, of strangers, what nobody remembers.
//! What an organisation's profile or authority says holds before that organisation alone: nobody's profile locks anybody
//! out of another, nor opens another to guesses. What concerns no organisation that is known here is bounded as usual.
//! Whoever only names a token counts against no token and no member. Each has a memory of its own: strangers push nothing
//! but strangers out.

use core::hash::Hash;
use core::num::NonZeroUsize;

use lru::LruCache;
use symbolon::id::{MemberId, ShortId, TokenId};
use symbolon::policy::Rate;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{Failing, Limited, Lookup};
use symbolon::protocol::{Network, Owner, Record};
use symbolon::time::Timestamp;

/// How many verifications may fail, and other calls of strangers may come to nothing, where no profile says otherwise: a
/// stranger may name none.
pub(crate) const USUAL: Rate = Rate { max: 20, seconds: 60 };
/// How many polls of logins that nobody has decided may come from a network: ten clients, each every five seconds.
pub(crate) const POLLS: Rate = Rate { max: 120, seconds: 60 };
/// How many credentials of which nothing is remembered may be looked up for a network at once: more than good clients
/// behind one address present to a cold isolate in the time of a trip, and what a burst of made-up ones costs at most
/// before the first of them is known to be unknown.
pub(crate) const MAX_UNDER_WAY: u32 = 100;
/// The longest time for which an authority says that there were too many, in milliseconds: a limit's longest.
const MAX_TOLD_MILLIS: i64 = 86_401_000;
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

/// A stranger whose calls fail, or may fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stranger {
    /// Where it is.
    pub(crate) network: Network,
    /// The organisation that its credential names, if it names one.
    pub(crate) named: Option<ShortId>,
    /// That one's limit, where the isolate knows it. Names that are made up have none: they are counted as one, or each
    /// would bring a limit of its own.
    pub(crate) own: Option<Rate>,
}

/// Whose credential is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accused {
    organization: ShortId,
    token: Option<TokenId>,
    member: Option<MemberId>,
}

impl Accused {
    /// The token with this record, and its member.
    pub(crate) fn of(record: &Record) -> Self {
        let member = match &record.owner {
            Owner::Member { id, .. } => Some(*id),
            Owner::Organization => None,
        };
        Self { organization: record.short_id, token: Some(record.token), member }
    }

    /// Neither of them: a request that somebody caught and sends again says nothing against the token.
    pub(crate) fn cleared(self) -> Self {
        Self { token: None, member: None, ..self }
    }
}

/// Under what a stranger is counted.
pub(crate) type Place = (Option<ShortId>, Network);

impl Stranger {
    /// Under what it is counted.
    pub(crate) fn place(&self) -> Place {
        (self.named.filter(|_| self.own.is_some()), self.network)
    }

    fn rate(&self) -> Rate {
        self.own.unwrap_or(USUAL)
    }
}

/// Until when an authority has said of somebody that there were too many.
struct Told<K>(LruCache<K, Timestamp>);

impl<K: Hash + Eq> Told<K> {
    fn new() -> Self {
        let mut told = LruCache::unbounded();
        told.resize(MAX_REMEMBERED);
        Self(told)
    }

    /// In how many seconds that is over.
    fn wait(&mut self, now: Timestamp, key: &K) -> Option<u32> {
        let left = self.0.get(key)?.millis_since(now);
        // Longer than any limit is none: the clock has gone back.
        (1..=MAX_TOLD_MILLIS)
            .contains(&left)
            .then(|| u32::try_from(left.saturating_add(999).div_euclid(1000)).unwrap_or(u32::MAX))
    }
}

fn millis(rate: Rate) -> i64 {
    i64::from(rate.seconds).saturating_mul(1000)
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
    fn wait(&mut self, now: Timestamp, key: &K, rate: Rate) -> Option<u32> {
        let (since, count) = *self.0.get(key)?;
        let passed = now.millis_since(since);
        if count < u32::from(rate.max) || !(0..millis(rate)).contains(&passed) {
            return None;
        }
        let seconds = millis(rate).saturating_sub(passed).div_euclid(1000).saturating_add(1);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn count(&mut self, now: Timestamp, key: K, rate: Rate) {
        match self.0.get_mut(&key) {
            Some((since, count)) if (0..millis(rate)).contains(&now.millis_since(*since)) => {
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
    strangers: Windows<Place>,
    /// Look-ups of which nobody knows yet how they end.
    under_way: LruCache<Network, u32>,
    polls: Windows<Network>,
    refused: Windows<Refused>,
    /// Those for which the authority is asked each time: there they are held up before it is.
    asking: Windows<Refused>,
    /// Whose tokens were refused, and where their holders are.
    members: Windows<MemberId>,
    holders: Windows<(ShortId, Network)>,
    /// What authorities have said, each for itself, and the locator of what names none of them; of strangers apart, since
    /// there may be any number of them.
    told: Told<(ShortId, Failing)>,
    told_strangers: Told<(Option<ShortId>, Network)>,
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
            members: Windows::new(),
            holders: Windows::new(),
            told: Told::new(),
            told_strangers: Told::new(),
        }
    }

    /// An organisation's authority has said who had as many failed verifications as there may be, over all isolates.
    pub(crate) fn told(&mut self, now: Timestamp, organization: ShortId, limited: &[Limited]) {
        for Limited { who, seconds } in limited {
            let until = now.plus_seconds(i64::from(*seconds));
            match who {
                Failing::Stranger(network) => self.told_strangers.0.put((Some(organization), *network), until),
                _ => self.told.0.put((organization, *who), until),
            };
        }
    }

    /// The locator has said for how many seconds a network has shown too many credentials that name no organisation.
    pub(crate) fn told_nameless(&mut self, now: Timestamp, network: Network, seconds: u32) {
        self.told_strangers.0.put((None, network), now.plus_seconds(i64::from(seconds)));
    }

    /// Whether a stranger has had all that it may.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn check(&mut self, now: Timestamp, stranger: &Stranger) -> Result<(), Problem> {
        let network = stranger.network;
        let busy = self.under_way.peek(&network).is_some_and(|count| *count >= MAX_UNDER_WAY);
        let counted = self.strangers.wait(now, &stranger.place(), stranger.rate());
        let told = self.told_strangers.wait(now, &(stranger.named, network));
        limited(
            counted.max(told).max(busy.then_some(1)),
            "Too many unknown credentials or failed calls came from this address.",
        )
    }

    /// Counts one more for a stranger.
    pub(crate) fn count(&mut self, now: Timestamp, stranger: &Stranger) {
        self.strangers.count(now, stranger.place(), stranger.rate());
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
    pub(crate) fn give_back(&mut self, place: &Place) {
        self.strangers.give_back(place);
    }

    /// Counts a poll of a network.
    ///
    /// # Errors
    /// `rate_limited`: there were too many; then it is not counted.
    pub(crate) fn poll(&mut self, now: Timestamp, network: Network) -> Result<(), Problem> {
        limited(self.polls.wait(now, &network, POLLS), "Too many polls came from this address.")?;
        self.polls.count(now, network, POLLS);
        Ok(())
    }

    /// Whether a credential was refused too often to be asked about once more.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn held_up(&mut self, now: Timestamp, failed: Rate, credential: &Refused) -> Result<(), Problem> {
        limited(self.asking.wait(now, credential, failed), TOO_OFTEN)
    }

    /// Counts a refusal of a credential whose possession was proved: against it, its member, and where it comes from.
    /// `asks`: its authority was asked for it, and is each time.
    ///
    /// # Errors
    /// `rate_limited`: one of them had too many; this is said instead of why it is refused, and nothing is counted.
    pub(crate) fn refused(
        &mut self,
        now: Timestamp,
        failed: Rate,
        credential: Refused,
        accused: &Accused,
        holder: Option<Network>,
        asks: bool,
    ) -> Result<(), Problem> {
        let Accused { organization, token, member } = *accused;
        let holder = holder.map(|network| (organization, network));
        let mut told = |who| self.told.wait(now, &(organization, who));
        let told = [
            token.and_then(|token| told(Failing::Token(token))),
            member.and_then(|member| told(Failing::Member(member))),
            holder.and_then(|(_, network)| told(Failing::Holder(network))),
        ];
        let waits = [
            self.refused.wait(now, &credential, failed),
            member.and_then(|member| self.members.wait(now, &member, failed)),
            holder.and_then(|holder| self.holders.wait(now, &holder, failed)),
        ];
        limited(waits.into_iter().chain(told).flatten().max(), TOO_OFTEN)?;
        if asks {
            self.asking.count(now, credential.clone(), failed);
        }
        self.refused.count(now, credential, failed);
        if let Some(member) = member {
            self.members.count(now, member, failed);
        }
        if let Some(holder) = holder {
            self.holders.count(now, holder, failed);
        }
        Ok(())
    }
}

const TOO_OFTEN: &str = "This credential, others of its member, or others from this address were refused too often.";

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

    fn at(address: &str) -> Stranger {
        Stranger { network: Network::of(address), named: None, own: None }
    }

    #[test]
    fn a_network_has_twenty_in_a_minute() {
        let mut failures = Failures::new();
        let (a, b) = (at("192.0.2.1"), at("192.0.2.2"));
        let wait = |failures: &mut Failures, seconds, stranger: Stranger| {
            failures.check(NOW.plus_seconds(seconds), &stranger).err().and_then(|problem| problem.retry_after)
        };
        for _ in 0..USUAL.max {
            assert_eq!(wait(&mut failures, 0, a), None);
            failures.count(NOW, &a);
        }
        assert_eq!(wait(&mut failures, 0, a), Some(61));
        assert_eq!(wait(&mut failures, 59, a), Some(2));
        assert_eq!(wait(&mut failures, 0, b), None);
        assert_eq!(wait(&mut failures, 60, a), None);
        failures.count(NOW.plus_seconds(60), &a);
        assert_eq!(wait(&mut failures, 60, a), None);
    }

    #[test]
    fn the_usual_limit_is_that_of_a_profile_that_says_nothing() {
        assert_eq!(USUAL, symbolon::policy::Limits::default().failed);
    }

    #[test]
    fn so_many_are_looked_up_at_once_for_a_network() {
        let mut failures = Failures::new();
        let (a, b) = (at("192.0.2.1"), at("192.0.2.2"));
        for _ in 0..MAX_UNDER_WAY {
            assert_eq!(failures.check(NOW, &a), Ok(()));
            failures.begin(a.network);
        }
        assert_eq!(failures.check(NOW, &a).unwrap_err().retry_after, Some(1));
        assert_eq!(failures.check(NOW, &b), Ok(()));
        failures.end(a.network);
        assert_eq!(failures.check(NOW, &a), Ok(()));
    }

    #[test]
    fn strangers_push_no_credential_out_of_memory() {
        let mut failures = Failures::new();
        let record = crate::testing::record();
        let credential = Refused::new(&Lookup::Digest(Digest::of("x")), Network::UNKNOWN);
        for _ in 0..USUAL.max {
            failures.refused(NOW, USUAL, credential.clone(), &Accused::of(&record), None, true).unwrap();
        }
        let other = Record { token: TokenId::from_bytes([9; 16]), ..record.clone() };
        failures.told(NOW, other.short_id, &[Limited { who: Failing::Token(other.token), seconds: 60 }]);
        for number in 0..2 * u32::try_from(MAX_REMEMBERED.get()).unwrap() {
            let stranger = at(&core::net::Ipv4Addr::from(number).to_string());
            failures.count(NOW, &stranger);
            let who = Failing::Stranger(stranger.network);
            failures.told(NOW, record.short_id, &[Limited { who, seconds: 60 }]);
        }
        assert!(failures.held_up(NOW, USUAL, &credential).is_err());
        assert!(failures.refused(NOW, USUAL, credential, &Accused::of(&record), None, true).is_err());
        let credential = Refused::new(&Lookup::Digest(Digest::of("y")), Network::UNKNOWN);
        assert!(
            failures.refused(NOW, USUAL, credential, &Accused::of(&other), None, true).is_err(),
            "nor what was told of one"
        );
    }
}
