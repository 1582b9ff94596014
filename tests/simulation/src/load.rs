//! What leases cost an authority in calls: isolates with the real machines of both sides, and requests by chance.
//!
//! With relays there is a tier between: each holds a lease from the authority and grants isolates what is left of it, as
//! far as a shorter length allows. So a change waits for the same lease of the authority as without, and the authority
//! is asked by relays alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fastrand::Rng;
use symbolon::protocol::Epoch;
use symbolon::protocol::lease::{Edge, HighWater, LeaseTerms, Lessor, Question};
use symbolon::protocol::message::Changes;
use symbolon::time::Timestamp;

/// How long a message takes one way to the authority, and to a relay, in milliseconds.
const WAY_MILLIS: i64 = 40;
const WAY_TO_RELAY_MILLIS: i64 = 10;
/// What a relay keeps of its lease for the drift of clocks, in milliseconds.
const RELAY_MARGIN_MILLIS: i64 = 250;
/// The first part of a run is not counted, since all isolates are cold in it; in milliseconds, as is all of it.
const WARM_MILLIS: i64 = 15_000;
const RUN_MILLIS: i64 = 45_000;

/// What is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Isolates.
    pub isolates: usize,
    /// Requests a second at each of them, on average.
    pub requests_per_second: f64,
    /// The lease while there is little to do, in milliseconds.
    pub lease_millis: u64,
    /// The longest that it may become, in milliseconds.
    pub lease_max_millis: u64,
    /// Relays between isolates and authority; 0: none.
    pub relays: usize,
}

/// What it came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Questions to the authority in a second.
    pub authority_per_second: f64,
    /// Questions to a relay in a second, on average.
    pub relay_per_second: f64,
    /// Of a thousand requests, how many waited for a question.
    pub waited_per_thousand: f64,
    /// Questions to the authority for a thousand requests.
    pub asked_per_thousand: f64,
}

struct Node {
    clock: HighWater,
    edge: Edge,
    /// Requests that wait for the answer under way.
    waiting: u64,
    /// What a relay grants from.
    until: i64,
    /// Isolates that wait for a relay's own renewal.
    queue: Vec<(usize, Question)>,
}

enum Event {
    Request(usize),
    /// A question of an isolate reaches whom it asks.
    Asked(usize, Question),
    /// Its answer.
    Answered(usize, Question, u64),
    /// The same of a relay and the authority.
    RelayAsked(usize, Question),
    RelayAnswered(usize, Question, u64),
}

struct Run {
    load: Load,
    now: i64,
    order: u64,
    queue: BinaryHeap<Reverse<(i64, u64, usize)>>,
    events: Vec<Option<Event>>,
    nodes: Vec<Node>,
    relays: Vec<Node>,
    authority: Lessor,
    cost: [u64; 4],
}

/// Runs a load, by the same chance each time.
#[must_use]
pub fn cost(load: Load) -> Cost {
    let mut rng = Rng::with_seed(7);
    let terms = LeaseTerms {
        lease_millis: load.lease_millis,
        lease_max_millis: load.lease_max_millis,
        ..LeaseTerms::default()
    };
    let node = || Node { clock: HighWater::new(), edge: Edge::new(), waiting: 0, until: 0, queue: Vec::new() };
    let mut run = Run {
        load,
        now: 0,
        order: 0,
        queue: BinaryHeap::new(),
        events: Vec::new(),
        nodes: (0..load.isolates).map(|_| node()).collect(),
        relays: (0..load.relays).map(|_| node()).collect(),
        authority: Lessor::start(terms, None).0,
        cost: [0; 4],
    };
    for isolate in 0..load.isolates {
        let at = run.pause(&mut rng);
        run.later(at, Event::Request(isolate));
    }
    while let Some(Reverse((at, _, index))) = run.queue.pop() {
        if at > RUN_MILLIS {
            break;
        }
        run.now = at;
        if let Some(event) = run.events[index].take() {
            run.happen(&mut rng, event);
        }
    }
    let [authority, relays, waited, requests] = run.cost.map(|count| count as f64);
    let seconds = (RUN_MILLIS - WARM_MILLIS) as f64 / 1000.0;
    Cost {
        authority_per_second: authority / seconds,
        relay_per_second: relays / seconds / load.relays.max(1) as f64,
        waited_per_thousand: waited * 1000.0 / requests,
        asked_per_thousand: authority * 1000.0 / requests,
    }
}

impl Run {
    fn later(&mut self, millis: i64, event: Event) {
        self.order += 1;
        self.events.push(Some(event));
        self.queue.push(Reverse((self.now + millis, self.order, self.events.len() - 1)));
    }

    /// Until the next request of an isolate: by chance, as of clients that know nothing of each other.
    fn pause(&self, rng: &mut Rng) -> i64 {
        (-(1.0 - rng.f64()).ln() * 1000.0 / self.load.requests_per_second) as i64
    }

    fn count(&mut self, what: usize, many: u64) {
        if self.now >= WARM_MILLIS {
            self.cost[what] += many;
        }
    }

    fn happen(&mut self, rng: &mut Rng, event: Event) {
        let now = Timestamp::from_millis(self.now);
        match event {
            Event::Request(isolate) => {
                self.count(3, 1);
                let pause = self.pause(rng).max(1);
                self.later(pause, Event::Request(isolate));
                let node = &mut self.nodes[isolate];
                let reading = node.clock.observe(now);
                let (holds, asks) = (node.edge.holds(reading), node.edge.should_renew(reading));
                if !holds {
                    node.waiting += 1;
                }
                if asks {
                    let question = node.edge.question(reading);
                    let way = if self.load.relays > 0 { WAY_TO_RELAY_MILLIS } else { WAY_MILLIS };
                    self.later(way, Event::Asked(isolate, question));
                }
            }
            Event::Asked(isolate, question) if self.load.relays == 0 => {
                self.count(0, 1);
                let grant = self.authority.grant(now, true);
                self.later(WAY_MILLIS, Event::Answered(isolate, question, grant.lease_millis));
            }
            Event::Asked(isolate, question) => {
                self.count(1, 1);
                let relay = isolate % self.load.relays;
                let node = &mut self.relays[relay];
                let reading = node.clock.observe(now);
                let asks = node.edge.should_renew(reading);
                let left = u64::try_from(node.until - self.now - RELAY_MARGIN_MILLIS).unwrap_or(0);
                let holds = node.edge.holds(reading) && left > 0;
                if holds {
                    let lease = left.min(self.load.lease_millis / 2);
                    self.later(WAY_TO_RELAY_MILLIS, Event::Answered(isolate, question, lease));
                } else {
                    node.queue.push((isolate, question));
                }
                if asks {
                    let node = &mut self.relays[relay];
                    let question = node.edge.question(node.clock.observe(now));
                    self.later(WAY_MILLIS, Event::RelayAsked(relay, question));
                }
            }
            Event::RelayAsked(relay, question) => {
                self.count(0, 1);
                let grant = self.authority.grant(now, true);
                self.later(WAY_MILLIS, Event::RelayAnswered(relay, question, grant.lease_millis));
            }
            Event::RelayAnswered(relay, question, lease) => {
                let node = &mut self.relays[relay];
                receive(node, now, &question, lease);
                node.until = node.until.max(question.sent_at().as_millis() + i64::try_from(lease).unwrap_or(0));
                let left = u64::try_from(node.until - self.now - RELAY_MARGIN_MILLIS).unwrap_or(0);
                let lease = left.min(self.load.lease_millis / 2);
                for (isolate, question) in core::mem::take(&mut node.queue) {
                    self.later(WAY_TO_RELAY_MILLIS, Event::Answered(isolate, question, lease));
                }
            }
            Event::Answered(isolate, question, lease) => {
                let node = &mut self.nodes[isolate];
                receive(node, now, &question, lease);
                let waited = core::mem::take(&mut node.waiting);
                self.count(2, waited);
            }
        }
    }
}

fn receive(node: &mut Node, now: Timestamp, question: &Question, lease_millis: u64) {
    let changes = match question.since {
        Some(since) => Changes::Since { since, tokens: Vec::new() },
        None => Changes::StartOver,
    };
    node.edge.receive(node.clock.observe(now), question, Epoch::new(1), &changes, lease_millis, 0);
}
