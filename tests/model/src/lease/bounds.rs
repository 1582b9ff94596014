//! What a model is bounded by, and which rule it leaves out.

use symbolon::id::TokenId;
use symbolon::protocol::lease::LeaseTerms;
use symbolon::time::Timestamp;

use super::world::{Facts, Token};

/// The length of a tick, in milliseconds.
pub(super) const TICK_MILLIS: u64 = 1000;

/// The rule that is left out, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// None: the protocol as it is.
    Nothing,
    /// An edge counts its lease from the arrival of the answer.
    LeaseFromAnswer,
    /// An edge keeps a confirmation that is older than the epoch it holds.
    LateConfirmation,
    /// The answer to a narrowing that changes nothing does not wait.
    RetryAtOnce,
    /// A narrowing that changes nothing writes nothing, so a superseded instance can answer it.
    RetryUnwritten,
    /// The durable row is shorter than a lease.
    ShortHorizon,
    /// A lease may run on beyond the horizon under which it was granted.
    LeasePastHorizon,
    /// A new instance does not wait.
    NoTakeoverWait,
    /// An instance needs no horizon to answer; its successor waits for leases alone.
    NoHorizon,
    /// A new instance waits for a lease and the margin.
    TakeoverWaitLease,
    /// A new instance forgets how much longer edges may decide without it.
    StaleForgotten,
    /// A new instance reads its state before it has fenced the old one.
    NoFence,
    /// What the directory says is kept without asking.
    DirectoryTrusted,
    /// A new instance counts its wait from when it begins to write, not from when its fence is confirmed.
    TakeoverFromWrite,
    /// A narrowing is answered with one whose wait began before it was committed.
    JoinsEarlierWait,
    /// When a wait is over, so are those that began later.
    EndsLaterWaits,
    /// Epochs count changes, so that older storage gives them once more.
    EpochsCounted,
    /// An edge whose epoch the log does not have is told what has changed since, as if it had been there.
    UnknownGoesOn,
    /// Storage is put back under an authority that answers at once.
    NoRest,
    /// The margin is left out of every wait.
    NoMargin,
    /// A list of changes has only the last.
    ListCut,
    /// An edge does not notice that its clock went back.
    NoHighWater,
    /// A narrowing waits for the lease that was granted last.
    LastGrantOnly,
    /// A creation does not wait for what a former instance may still say.
    CreationAtOnce,
    /// The durable row is removed while leases run.
    ClosedTooEarly,
    /// The durable row is removed, but the instance goes on answering under it.
    ClosedInRowAlone,
}

/// How often what may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Changes {
    /// Narrowings, the repeated ones included.
    pub narrowings: u8,
    /// Widenings; of a token that does not exist yet, its creation.
    pub widenings: u8,
    /// Changes of the other token, each of them one that narrows.
    pub others: u8,
    /// Changes of the terms: from the first to the second, and back.
    pub terms: u8,
    /// New instances.
    pub takeovers: u8,
    /// How often the storage is put back to what it was at first.
    pub put_backs: u8,
}

/// What the network and the edges' clocks may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// Questions in all. One that is never delivered is lost.
    pub questions: u8,
    /// Messages that arrive twice.
    pub doubles: u8,
    /// Ticks after which a question, or an answer since its question, is lost.
    pub delay: u8,
    /// Ticks that an edge's clock may lose unseen: as many as the margin covers, or fewer.
    pub lags: u8,
    /// Steps back that are seen.
    pub steps: u8,
    /// Isolates that start anew.
    pub restarts: u8,
}

/// A model of the protocol within bounds.
#[derive(Clone, Debug)]
pub struct Lease {
    /// What is left out.
    pub broken: Broken,
    /// How many edges.
    pub edges: usize,
    /// How many ticks.
    pub ticks: u8,
    /// Whether the token exists at the beginning.
    pub exists: bool,
    /// Whether edges also ask without wanting a lease (`strict`).
    pub strict: bool,
    /// What may change.
    pub changes: Changes,
    /// What may go wrong.
    pub network: Network,
    /// The terms at first, and the other ones; in milliseconds.
    pub terms: [LeaseTerms; 2],
    /// A change so many epochs ago is no longer listed.
    pub log: usize,
}

impl Lease {
    /// Terms of whole ticks.
    #[must_use]
    pub const fn terms(lease: u64, margin: u64, stale: u64) -> LeaseTerms {
        let lease_millis = lease * TICK_MILLIS;
        LeaseTerms {
            lease_millis,
            lease_max_millis: lease_millis,
            margin_millis: margin * TICK_MILLIS,
            stale_millis: stale * TICK_MILLIS,
        }
    }

    /// The bounds in words. Lengths in ticks.
    #[must_use]
    pub fn bounds(&self) -> String {
        let mut words = Vec::new();
        let mut several = |count: u64, what: &str| {
            if count > 0 {
                words.push(format!("{what} {count}"));
            }
        };
        several(self.edges as u64, "edges");
        several(self.ticks.into(), "ticks");
        several(self.network.questions.into(), "questions");
        several(self.changes.takeovers.into(), "takeovers");
        several(self.changes.put_backs.into(), "storage put back");
        several(self.changes.narrowings.into(), "narrowings");
        several(self.changes.widenings.into(), "widenings");
        several(self.changes.others.into(), "other changes");
        several(self.changes.terms.into(), "changes of terms");
        several(self.network.doubles.into(), "doubles");
        several(self.network.lags.into(), "lost ticks");
        several(self.network.steps.into(), "steps back");
        several(self.network.restarts.into(), "restarts");
        let terms = |terms: &LeaseTerms| {
            let ticks = |millis| millis / TICK_MILLIS;
            let (lease, margin) = (ticks(terms.lease_millis), ticks(terms.margin_millis));
            format!("L {lease} m {margin} stale {}", ticks(terms.stale_millis))
        };
        let [first, other] = &self.terms;
        let other = if first == other { String::new() } else { format!(" or {}", terms(other)) };
        format!("{}{other}; {}; delay up to {}", terms(first), words.join(", "), self.network.delay)
    }

    /// What is stored at first.
    pub(super) fn first(&self) -> Facts {
        let token = if self.exists { Token::Good } else { Token::Absent };
        Facts { log: Vec::new(), floor: 0, token, terms: 0 }
    }

    /// The identifier of the watched token (0) or of the other one (1).
    pub(super) fn token(number: u8) -> TokenId {
        TokenId::new(Timestamp::EPOCH, &[number; 10])
    }
}
