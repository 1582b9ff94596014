//! What one isolate remembers: leases, confirmed records, counts. All of it is bounded and can be lost at any time.

use core::num::NonZeroUsize;
use std::collections::HashSet;
use std::rc::Rc;

use lru::LruCache;
use sha2::{Digest as _, Sha256};
use symbolon::id::{ShortId, TokenId};
use symbolon::protocol::Record;
use symbolon::protocol::lease::{Edge, HighWater, Memory, Question, Received, Stamp};
use symbolon::protocol::message::{Answer, Ask, Changes, Lookup, Routes};
use symbolon::time::Timestamp;

use crate::gateway::Table;
use crate::ledger::Ledger;
use crate::limit::Unknowns;

/// How many organisations an isolate remembers.
const MAX_ORGANIZATIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(499);
/// How many confirmed records of one organisation; some kilobytes each.
const MAX_RECORDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1999);
/// How many names of credentials whose organisation, or whose freshness, is remembered.
const MAX_NAMES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3999);
/// How many right passphrases.
const MAX_PASSPHRASES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// What one isolate remembers.
pub(crate) struct State {
    pub(crate) clock: HighWater,
    organizations: LruCache<ShortId, Organization>,
    pub(crate) instance: Instance,
    /// Where a credential that names no organisation was found last: only ever a hint of whom to ask.
    pub(crate) places: LruCache<Lookup, ShortId>,
    /// Credentials whose kind was `eventual` when seen last: only ever a hint to look into the directory first.
    pub(crate) eventual: LruCache<Lookup, ()>,
    /// Right passphrases, each with its token and the version of its record.
    pub(crate) passphrases: LruCache<[u8; 32], ()>,
    pub(crate) unknowns: Unknowns,
    touched: HashSet<ShortId>,
    random: Derived,
}

/// What is remembered of one organisation.
pub(crate) struct Organization {
    pub(crate) edge: Edge,
    pub(crate) records: Memory<Lookup, TokenId, Rc<Record>>,
    pub(crate) ledger: Ledger,
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
    fn new(random: &mut Derived) -> Self {
        let name = base16ct::lower::encode_string(&random.bytes());
        Self { edge: Edge::new(), records: Memory::new(MAX_RECORDS), ledger: Ledger::new(name) }
    }
}

impl State {
    /// Nothing remembered, for an isolate with these random bytes.
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        let unbounded = |size| {
            // Grows with use: most isolates serve a few organisations.
            let mut cache = LruCache::unbounded();
            cache.resize(size);
            cache
        };
        Self {
            clock: HighWater::new(),
            organizations: LruCache::new(MAX_ORGANIZATIONS),
            instance: Instance::default(),
            places: LruCache::new(MAX_NAMES),
            eventual: LruCache::new(MAX_NAMES),
            passphrases: unbounded(MAX_PASSPHRASES),
            unknowns: Unknowns::new(),
            touched: HashSet::new(),
            random: Derived { seed, last: 0 },
        }
    }

    /// A salt that is never given twice, and that nobody knows beforehand.
    pub(crate) fn salt(&mut self) -> [u8; 16] {
        self.random.bytes()
    }

    /// What is remembered of an organisation.
    pub(crate) fn organization(&mut self, id: ShortId) -> &mut Organization {
        self.organizations.get_or_insert_mut(id, || Organization::new(&mut self.random))
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
        let Organization { edge, records, .. } = self.organizations.get_mut(&organization)?;
        let holds = if stale { edge.holds_stale(reading) } else { edge.holds(reading) };
        let (record, stamp) = records.get(lookup).filter(|_| holds)?;
        edge.fits(stamp).then(|| Rc::clone(record))
    }

    /// A question to an authority, to be sent at once: about one credential or none, with a lease and what was counted.
    pub(crate) fn question(
        &mut self,
        organization: ShortId,
        lookup: Option<&Lookup>,
        now: Timestamp,
    ) -> (Question, Ask) {
        let reading = self.clock.observe(now);
        let known = self.organizations.get_or_insert_mut(organization, || Organization::new(&mut self.random));
        let question = known.edge.question(reading);
        let uses = known.ledger.batch();
        (question, Ask { lookup: lookup.cloned(), since: question.since, lease: true, uses })
    }

    /// Takes in an authority's answer.
    pub(crate) fn receive(
        &mut self,
        organization: ShortId,
        question: &Question,
        lookup: Option<&Lookup>,
        answer: Answer,
        now: Timestamp,
    ) -> Told<Option<Rc<Record>>> {
        let reading = self.clock.observe(now);
        let known = self.organizations.get_or_insert_mut(organization, || Organization::new(&mut self.random));
        let Organization { edge, records, ledger } = known;
        if let Some(number) = answer.counted {
            ledger.counted(number);
        }
        let Answer { epoch, record, changes, lease_millis, stale_millis, .. } = answer;
        let record = record.map(|record| Rc::new(*record));
        let received = edge.receive(reading, question, epoch, &changes, lease_millis, stale_millis);
        if let (Changes::Since { tokens, .. }, Received::Keep(_)) = (&changes, received) {
            tokens.iter().for_each(|token| records.forget(token));
        }
        match received {
            Received::Outdated => return Told::Outdated,
            Received::Once => {}
            Received::Keep(stamp) | Received::StartOver(stamp) => {
                if let (Some(lookup), Some(record)) = (lookup, &record) {
                    records.keep(lookup.clone(), record.token, stamp, Rc::clone(record));
                }
            }
        }
        Told::Good(record)
    }

    /// A question to an authority was not answered.
    pub(crate) fn unanswered(&mut self, organization: ShortId, question: &Question) {
        self.organization(organization).edge.unanswered(question);
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
        while let Some(id) = self.touched.iter().next().copied() {
            self.touched.remove(&id);
            let Some(known) = self.organizations.get_mut(&id) else { continue };
            if known.edge.holds(reading) && known.edge.should_renew(reading) {
                return Some(Due::Renew(id));
            }
            // Whoever began to hand over has had its time after twice the wait.
            if known.ledger.should_flush(now, flush_after_millis.saturating_mul(2)) {
                return Some(Due::Flush(id));
            }
        }
        None
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
        let question = self.instance.edge.question(reading);
        (question, Ask { lookup: None, since: question.since, lease: true, uses: None })
    }

    /// Takes in the route table.
    pub(crate) fn receive_routes(&mut self, question: &Question, answer: Routes, now: Timestamp) -> Told<Rc<Table>> {
        let reading = self.clock.observe(now);
        let Routes { answer, routes } = answer;
        let Instance { edge, table, .. } = &mut self.instance;
        let Answer { epoch, changes, lease_millis, stale_millis, .. } = answer;
        let compiled = Rc::new(Table::new(routes));
        match edge.receive(reading, question, epoch, &changes, lease_millis, stale_millis) {
            Received::Outdated => return Told::Outdated,
            Received::Once => {}
            // Every answer brings the whole table, so whatever has changed, this is what holds now.
            Received::Keep(stamp) | Received::StartOver(stamp) => *table = Some((Rc::clone(&compiled), stamp)),
        }
        Told::Good(compiled)
    }
}
