//! Isolates at the edge: a gate, its tasks, and a clock.

use std::collections::BTreeMap;

use fastrand::Rng;
use symbolon_gate::{Gate, GateConfig, Outcome, ProxySecrets, Task};

use crate::clock::Clock;
use crate::template;
use crate::truth::Carried;

/// A task of an isolate, while that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskId {
    pub(crate) edge: usize,
    pub(crate) life: u32,
    pub(crate) task: u64,
}

/// What runs in an isolate.
pub(crate) enum Running {
    /// A request, by its number, with its body and how an authority carried it out.
    Request { number: usize, task: Task<Outcome>, body: String, carried: Carried },
    /// Work besides requests.
    Background(Task<()>),
}

/// An isolate.
pub(crate) struct Edge {
    pub(crate) gate: Gate,
    pub(crate) clock: Clock,
    /// How often it has begun anew.
    pub(crate) life: u32,
    pub(crate) tasks: BTreeMap<u64, Running>,
    next_task: u64,
}

impl Edge {
    /// A new isolate.
    pub(crate) fn new(rng: &mut Rng, now: i64) -> Self {
        Self { gate: gate(rng), clock: Clock::new(rng, now, 1_000), life: 0, tasks: BTreeMap::new(), next_task: 0 }
    }

    /// It begins anew: all that was in memory is gone.
    pub(crate) fn restart(&mut self, rng: &mut Rng) {
        self.gate = gate(rng);
        self.life += 1;
        self.tasks.clear();
    }

    /// Takes a task in.
    pub(crate) fn run(&mut self, edge: usize, running: Running) -> TaskId {
        self.next_task += 1;
        self.tasks.insert(self.next_task, running);
        TaskId { edge, life: self.life, task: self.next_task }
    }
}

fn gate(rng: &mut Rng) -> Gate {
    let host = |url: &str| url.trim_start_matches("https://").to_owned();
    let config = GateConfig {
        instance_secret: template::instance_secret(),
        formats: Vec::new(),
        gateway_hosts: vec![host(template::GATEWAY)],
        has_origin: true,
        proxy_secrets: ProxySecrets::default(),
        setup_code: None,
        oidc: None,
        admin_key: None,
    };
    let mut random = [0; 16];
    rng.fill(&mut random);
    Gate::new(config, random)
}
