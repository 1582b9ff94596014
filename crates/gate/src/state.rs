//! What one isolate remembers: leases, confirmed records, counts. All of it is bounded and can be lost at any time.

use core::num::NonZeroUsize;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use lru::LruCache;
use sha2::{Digest as _, Sha256};
use symbolon::id::{ShortId, TokenId};
use symbolon::policy::{Freshness, Rate};
use symbolon::protocol::lease::{Edge, HighWater, Memory, Question, Received, Stamp};
use symbolon::protocol::message::{Answer, Ask, Changes, Lookup, Routes};
use symbolon::protocol::{Network, Record};
use symbolon::time::Timestamp;

use crate::gateway::Table;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::limit::{Failures, Stranger, USUAL};

/// How many organisations an isolate remembers.
const MAX_ORGANIZATIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(499);
/// How many confirmed records, of all organisations together; some kilobytes each.
const MAX_RECORDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);
/// How many secrets that nobody has.
const MAX_MISSES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
/// How many questions about a credential are under way that others wait for.
const MAX_ASKED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
/// How many names of credentials whose organisation, or whose freshness, is remembered.
const MAX_NAMES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3999);
/// After so long, in milliseconds, counts that somebody was told to hand over are looked at again: longer than that
/// takes with every retry.
const OWED_MILLIS: i64 = 20_000;
/// How many right passphrases.
const MAX_PASSPHRASES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
/// How many tokens' identity headers are kept ready.
const MAX_IDENTITIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// What one isolate remembers.
pub(crate) struct State {
    pub(crate) clock: HighWater,
    organizations: LruCache<ShortId, Organization>,
    next_number: u64,
    /// Confirmed records, by the number of what is remembered of their organisation.
    records: Memory<(u64, Lookup), TokenId, Rc<Record>>,
    /// Secrets that nobody has, with the question that brought it and for how long that is believed.
    misses: LruCache<Lookup, (Question, u64)>,
    /// Credentials that are being asked about, and since when: plain times, since whoever asks may be gone.
    asked: LruCache<(ShortId, Lookup), Timestamp>,
    pub(crate) instance: Instance,
    /// Where a credential that names no organisation was found last: only ever a hint of whom to ask.
    pub(crate) places: LruCache<Lookup, ShortId>,
    /// Credentials whose kind was `eventual` when seen last: only ever a hint to look into the directory first.
    pub(crate) eventual: LruCache<Lookup, ()>,
    /// Right passphrases, each with its token and the version of its record.
    pub(crate) passphrases: LruCache<[u8; 32], ()>,
    pub(crate) failures: Failures,
    /// What is kept of the provider at which people sign in.
    pub(crate) oidc: crate::oidc::Cache,
    /// What is told of who asks, by token, with the very record that it was made from.
    identities: LruCache<TokenId, (Rc<Record>, Rc<Identity>)>,
    nobody: Rc<Identity>,
    touched: BTreeSet<ShortId>,
    /// Organisations whose counts somebody was told to hand over, and when they are looked at again, the earliest first:
    /// whoever was told may have been ended by the runtime, and nobody else may ever touch the organisation.
    owing: VecDeque<(Timestamp, ShortId)>,
    random: Derived,
}

/// What is remembered of one organisation.
pub(crate) struct Organization {
    /// Given once in an isolate's life, so that nothing kept for one that was pushed out of memory fits its successor.
    number: u64,
    pub(crate) edge: Edge,
    pub(crate) ledger: Ledger,
    /// Whether its authority gives leases, as far as is known.
    leases: bool,
    /// Whether it is among those whose counts somebody was to hand over.
    owes: bool,
    /// How many verifications may fail, as its authority has said.
    failed: Rate,
}

/// What is remembered of the instance.
#[derive(Default)]
pub(crate) struct Instance {
    pub(crate) edge: Edge,
    table: Option<(Rc<Table>, Stamp)>,
    /// Whether a request was held against the table since its lease was looked at last.
    used: bool,
}

/// What is due besides requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// To renew an organisation's lease, which takes its counts along.
    Renew(ShortId),
    /// To hand an organisation's counts over, after a while.
    Flush(ShortId),
    /// To renew the route table's lease.
    Routes,
}

/// What an answer came to.
pub(crate) enum Told<T> {
    /// It can be decided upon.
    Good(T),
    /// It is older than what is known already: ask again.
    Outdated,
}

/// A bounded memory that grows with use: most isolates serve a few organisations.
fn growing<K: core::hash::Hash + Eq, V>(size: NonZeroUsize) -> LruCache<K, V> {
    let mut cache = LruCache::unbounded();
    cache.resize(size);
    cache
}

/// Bytes out of the isolate's random ones, which themselves never leave it; each time others.
struct Derived {
    seed: [u8; 16],
    last: u64,
}

impl Derived {
    fn bytes(&mut self) -> [u8; 16] {
        self.last = self.last.wrapping_add(1);
        let hash = Sha256::new().chain_update(self.seed).chain_update(self.last.to_be_bytes()).finalize();
        core::array::from_fn(|index| hash.get(index).copied().unwrap_or_default())
    }
}

impl Organization {
    /// Nothing known. Its ledger has a name of its own, so that one which was pushed out of memory and begins anew
    /// never repeats the number of a batch.
    fn new(random: &mut Derived, next_number: &mut u64) -> Self {
        let name = base16ct::lower::encode_string(&random.bytes());
        *next_number = next_number.wrapping_add(1);
        Self {
            number: *next_number,
            edge: Edge::new(),
            ledger: Ledger::new(name, *next_number),
            leases: true,
            owes: false,
            failed: USUAL,
        }
    }
}

impl State {
    /// Nothing remembered, for an isolate with these random bytes.
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        Self {
            clock: HighWater::new(),
            organizations: growing(MAX_ORGANIZATIONS),
            next_number: 0,
            records: Memory::new(MAX_RECORDS),
            misses: growing(MAX_MISSES),
            asked: growing(MAX_ASKED),
            instance: Instance::default(),
            places: growing(MAX_NAMES),
            eventual: growing(MAX_NAMES),
            passphrases: growing(MAX_PASSPHRASES),
            failures: Failures::new(),
            oidc: crate::oidc::Cache::default(),
            identities: growing(MAX_IDENTITIES),
            nobody: Rc::new(Identity::nobody()),
            touched: BTreeSet::new(),
            owing: VecDeque::new(),
            random: Derived { seed, last: 0 },
        }
    }

    /// A salt that is never given twice, and that nobody knows beforehand.
    pub(crate) fn salt(&mut self) -> [u8; 16] {
        self.random.bytes()
    }

    /// What is told of who asks, made once for each record.
    pub(crate) fn identity(&mut self, record: &Rc<Record>) -> Rc<Identity> {
        if let Some((made_from, identity)) = self.identities.get(&record.token)
            && Rc::ptr_eq(made_from, record)
        {
            return Rc::clone(identity);
        }
        let identity = Rc::new(Identity::of(record));
        self.identities.put(record.token, (Rc::clone(record), Rc::clone(&identity)));
        identity
    }

    /// What is told where nobody was asked for.
    pub(crate) fn nobody(&self) -> Rc<Identity> {
        Rc::clone(&self.nobody)
    }

    /// What is remembered of an organisation.
    pub(crate) fn organization(&mut self, id: ShortId) -> &mut Organization {
        self.organizations.get_or_insert_mut(id, || Organization::new(&mut self.random, &mut self.next_number))
    }

    /// How many of an organisation's verifications may fail: as its profile says, where it has said it.
    pub(crate) fn failed_limit(&self, organization: ShortId) -> Rate {
        self.organizations.peek(&organization).map_or(USUAL, |known| known.failed)
    }

    /// A stranger from this network whose credential names this organisation, or none.
    pub(crate) fn stranger(&self, named: Option<ShortId>, network: Network) -> Stranger {
        let own = named.and_then(|id| self.organizations.peek(&id)).map(|known| known.failed);
        Stranger { network, named, own }
    }

    /// The record that was confirmed under this name and whose confirmation holds; with `stale`, one that may be used
    /// because the authority cannot be reached.
    pub(crate) fn confirmed(
        &mut self,
        organization: ShortId,
        lookup: &Lookup,
        now: Timestamp,
        stale: bool,
    ) -> Option<Rc<Record>> {
        let reading = self.clock.observe(now);
        let Organization { number, edge, .. } = self.organizations.get_mut(&organization)?;
        let holds = if stale { edge.holds_stale(reading) } else { edge.holds(reading) };
        if !holds {
            return None;
        }
        let (record, stamp) = self.records.get(&(*number, lookup.clone()))?;
        edge.fits(stamp).then(|| Rc::clone(record))
    }

    /// Whether a secret was found lately, however its lease stands: whoever shows it is no stranger who guesses.
    pub(crate) fn knows_secret(&mut self, organization: Option<ShortId>, lookup: &Lookup) -> bool {
        let Lookup::Digest(_) = lookup else { return false };
        let place = organization.or_else(|| self.places.get(lookup).copied());
        let known = place.and_then(|place| self.organizations.peek(&place));
        known.is_some_and(|known| self.records.get(&(known.number, lookup.clone())).is_some())
    }

    /// Whether a question is under way whose answer is likely to do for this credential as well: one about the same
    /// credential, or any to the same authority where only the lease has run out.
    pub(crate) fn is_worth_waiting(&mut self, organization: ShortId, lookup: &Lookup, now: Timestamp) -> bool {
        let reading = self.clock.observe(now);
        let known = self.organizations.get(&organization);
        if known.is_some_and(|known| !known.leases) {
            return false;
        }
        let kept = known.and_then(|known| self.records.get(&(known.number, lookup.clone())));
        // Of a strict kind everybody asks for themselves.
        if kept.is_some_and(|(record, _)| record.rules.freshness == Freshness::Strict) {
            return false;
        }
        if let Some(asked) = self.asked.peek(&(organization, lookup.clone()))
            && *asked <= now
            && now.millis_since(*asked) < Edge::PATIENCE_MILLIS
        {
            return true;
        }
        known.zip(kept).is_some_and(|(Organization { edge, .. }, (_, stamp))| {
            edge.fits(stamp) && !edge.holds(reading) && edge.is_asked(reading)
        })
    }

    /// Whether it was asked lately, and is believed still, that nobody has this secret.
    pub(crate) fn is_missing(&mut self, lookup: &Lookup, now: Timestamp) -> bool {
        let reading = self.clock.observe(now);
        self.misses.peek(lookup).is_some_and(|(question, millis)| question.is_believed(reading, *millis))
    }

    /// Remembers that nobody has a secret, for as long as a lease from the question on. Only for secrets that a server
    /// generates: nobody can present one before it is handed out, so no creation is hidden by this.
    fn miss(&mut self, lookup: &Lookup, question: &Question, lease_millis: u64) {
        self.misses.put(lookup.clone(), (*question, lease_millis));
    }

    /// A question to an authority, to be sent at once: about one credential or none, with a lease and what was counted.
    ///
    /// An organisation that a credential merely names is not remembered for that: whoever makes names up would push out
    /// those that are in use, with their leases and counts.
    pub(crate) fn question(
        &mut self,
        organization: ShortId,
        lookup: Option<&Lookup>,
        now: Timestamp,
    ) -> (Question, Ask) {
        let reading = self.clock.observe(now);
        let (question, uses) = match self.organizations.get_mut(&organization) {
            Some(known) => (known.edge.question(reading), known.ledger.batch()),
            None => (Edge::new().question(reading), None),
        };
        if let Some(lookup) = lookup {
            self.asked.put((organization, lookup.clone()), now);
        }
        (question, Ask { lookup: lookup.cloned(), since: question.since, lease: true, uses, ..Ask::default() })
    }

    /// Takes in an authority's answer. `generated`: what was looked up is a secret that a server generates.
    pub(crate) fn receive(
        &mut self,
        organization: ShortId,
        question: &Question,
        lookup: Option<&Lookup>,
        generated: bool,
        answer: Answer,
        now: Timestamp,
    ) -> Told<Option<Rc<Record>>> {
        let reading = self.clock.observe(now);
        if let Some(lookup) = lookup {
            self.asked.pop(&(organization, lookup.clone()));
        }
        self.failures.told(now, organization, &answer.limited);
        // It has such a token, or its name proved itself: then it is worth a place.
        if answer.record.is_none() && !generated && !self.organizations.contains(&organization) {
            return Told::Good(None);
        }
        let known = self
            .organizations
            .get_or_insert_mut(organization, || Organization::new(&mut self.random, &mut self.next_number));
        let Organization { number, edge, ledger, leases, failed, .. } = known;
        *failed = answer.failed.unwrap_or(USUAL);
        let (number, records) = (*number, &mut self.records);
        if let Some(number) = answer.counted {
            ledger.counted(number, now);
        }
        let Answer { epoch, record, changes, lease_millis, stale_millis, .. } = answer;
        *leases = lease_millis > 0;
        let record = record.map(|record| Rc::new(*record));
        let received = edge.receive(reading, question, epoch, &changes, lease_millis, stale_millis);
        if let (Changes::Since { tokens, .. }, Received::Keep(_)) = (&changes, received) {
            tokens.iter().for_each(|token| records.forget(token));
        }
        match received {
            Received::Outdated => return Told::Outdated,
            Received::Once => {}
            Received::Keep(stamp) | Received::StartOver(stamp) => match (lookup, &record) {
                (Some(lookup), Some(record)) => {
                    records.keep((number, lookup.clone()), record.token, stamp, Rc::clone(record));
                }
                (Some(lookup), None) if generated => self.miss(lookup, question, lease_millis),
                _ => {}
            },
        }
        Told::Good(record)
    }

    /// A question to an authority was not answered.
    pub(crate) fn unanswered(&mut self, organization: ShortId, question: &Question, lookup: Option<&Lookup>) {
        if let Some(known) = self.organizations.get_mut(&organization) {
            known.edge.unanswered(question);
        }
        if let Some(lookup) = lookup {
            self.asked.pop(&(organization, lookup.clone()));
        }
    }

    /// Notes that an organisation was decided for, and counts it there.
    pub(crate) fn touch(&mut self, organization: ShortId) -> &mut Ledger {
        self.touched.insert(organization);
        &mut self.organization(organization).ledger
    }

    /// What is due for the route table and the organisations in use since this was asked last: a lease past its half, or
    /// counts that nobody is about to hand over.
    pub(crate) fn due(&mut self, now: Timestamp, flush_after_millis: i64) -> Option<Due> {
        let reading = self.clock.observe(now);
        let Instance { edge, used, .. } = &mut self.instance;
        if core::mem::take(used) && edge.holds(reading) && edge.should_renew(reading) {
            return Some(Due::Routes);
        }
        while let Some(id) = self.touched.pop_first() {
            let Some(known) = self.organizations.get_mut(&id) else { continue };
            let due = if known.edge.holds(reading) && known.edge.should_renew(reading) {
                Due::Renew(id)
            } else if known.ledger.should_flush(now, flush_after_millis.saturating_mul(2)) {
                // Whoever began to hand over has had its time after twice the wait.
                Due::Flush(id)
            } else {
                continue;
            };
            if !core::mem::replace(&mut known.owes, true) {
                self.owing.push_back((now.plus_millis(OWED_MILLIS), id));
            }
            return Some(due);
        }
        self.overdue(now).map(Due::Flush)
    }

    /// An organisation whose counts were to be handed over long ago, and were not.
    fn overdue(&mut self, now: Timestamp) -> Option<ShortId> {
        while let Some((at, id)) = self.owing.front().copied() {
            // A time far in the future is none: the clock has gone back.
            if now < at && at.millis_since(now) <= OWED_MILLIS {
                return None;
            }
            self.owing.pop_front();
            let Some(known) = self.organizations.peek_mut(&id) else { continue };
            known.owes = !known.ledger.is_idle();
            if !known.owes {
                continue;
            }
            self.owing.push_back((now.plus_millis(OWED_MILLIS), id));
            if known.ledger.is_overdue(now, OWED_MILLIS) {
                return Some(id);
            }
        }
        None
    }

    /// Whether there are counts of an organisation that are not acknowledged.
    pub(crate) fn has_counts(&self, id: ShortId) -> bool {
        self.organizations.peek(&id).is_some_and(|known| !known.ledger.is_idle())
    }

    /// The route table, if it was confirmed and that holds.
    pub(crate) fn table(&mut self, now: Timestamp, stale: bool) -> Option<Rc<Table>> {
        let reading = self.clock.observe(now);
        let Instance { edge, table, used } = &mut self.instance;
        *used = true;
        let holds = if stale { edge.holds_stale(reading) } else { edge.holds(reading) };
        table.as_ref().filter(|(_, stamp)| holds && edge.fits(*stamp)).map(|(table, _)| Rc::clone(table))
    }

    /// A question for the route table, to be sent at once.
    pub(crate) fn route_question(&mut self, now: Timestamp) -> (Question, Ask) {
        let reading = self.clock.observe(now);
        let Instance { edge, table, .. } = &mut self.instance;
        let question = edge.question(reading);
        let keeps = table.as_ref().is_some_and(|(table, stamp)| edge.fits(*stamp) && table.is_whole());
        (question, Ask { since: question.since, lease: true, keeps, ..Ask::default() })
    }

    /// Takes in the route table.
    pub(crate) fn receive_routes(&mut self, question: &Question, answer: Routes, now: Timestamp) -> Told<Rc<Table>> {
        let reading = self.clock.observe(now);
        let Routes { answer, routes, organizations } = answer;
        let Instance { edge, table, .. } = &mut self.instance;
        let Answer { epoch, changes, lease_millis, stale_millis, .. } = answer;
        let received = edge.receive(reading, question, epoch, &changes, lease_millis, stale_millis);
        let Some(routes) = routes else {
            // The table is as it was: what is kept is of the epoch that is held, and so of the answer's.
            let kept = table.as_mut().filter(|(_, stamp)| edge.fits(*stamp));
            return match (received, kept) {
                (Received::Keep(stamp), Some((table, kept))) => {
                    *kept = stamp;
                    Told::Good(Rc::clone(table))
                }
                // It was lost on the way: the next question says so.
                _ => Told::Outdated,
            };
        };
        let compiled = Rc::new(Table::new(routes, organizations));
        match received {
            Received::Outdated => return Told::Outdated,
            Received::Once => {}
            // Where the table travels, it travels whole: whatever has changed, this is what holds now.
            Received::Keep(stamp) | Received::StartOver(stamp) => *table = Some((Rc::clone(&compiled), stamp)),
        }
        Told::Good(compiled)
    }
}
