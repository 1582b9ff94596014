//! I5: no request is accepted twice under `once`.
//!
//! The replay memory's rule is modelled as it is kept in its store: an entry is durable before the answer that a
//! request is fresh; entries leave when a sweep, by whatever the clock says then, finds them older than the longest
//! window; the latest time of signing among all that left stays, and what was signed no later is refused. The clock
//! goes where it likes, instances start anew or are superseded at any time, and requests come again whenever they like.

use stateright::{Model, Property};

/// The rule that is left out, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// None.
    Nothing,
    /// Entries are kept in memory alone.
    MemoryAlone,
    /// The answer leaves before the entry is durable.
    AnsweredFirst,
    /// What left is not remembered.
    NoMark,
    /// The window is judged where the request arrived, not by the memory.
    WindowUnjudged,
}

/// A model within bounds.
#[derive(Clone, Debug)]
pub struct Once {
    /// What is left out.
    pub broken: Broken,
    /// When each request was signed.
    pub requests: &'static [u8],
    /// How long their windows are.
    pub window: u8,
    /// How late it can get.
    pub ticks: u8,
    /// New instances.
    pub takeovers: u8,
    /// How often a request is presented.
    pub presented: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    clock: u8,
    store: Memory,
    /// What instances believe; the last one can write.
    instances: Vec<Memory>,
    accepted: Vec<u8>,
    presented: u8,
    takeovers: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Memory {
    /// Requests that were seen, as bits.
    seen: u8,
    forgotten: Option<u8>,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The clock says this from now on.
    Clock(u8),
    /// A request arrives at an instance.
    Present(usize, usize),
    /// An instance forgets what it can.
    Sweep(usize),
    /// A new instance starts; the old one may go on.
    TakeOver,
}

impl Model for Once {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            clock: 0,
            store: Memory::default(),
            instances: vec![Memory::default()],
            accepted: vec![0; self.requests.len()],
            presented: self.presented,
            takeovers: self.takeovers,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend((0..=self.ticks).filter(|time| *time != world.clock).map(Step::Clock));
        for instance in 0..world.instances.len() {
            steps.push(Step::Sweep(instance));
            if world.presented > 0 {
                steps.extend((0..self.requests.len()).map(|request| Step::Present(instance, request)));
            }
        }
        if world.takeovers > 0 {
            steps.push(Step::TakeOver);
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        let newest = world.instances.len() - 1;
        match step {
            Step::Clock(time) => world.clock = time,
            Step::Present(instance, request) => {
                world.presented -= 1;
                let created = self.requests[request];
                let mut memory = world.instances[instance].clone();
                let inside = world.clock < created + self.window && created <= world.clock + self.window;
                if !(inside || self.broken == Broken::WindowUnjudged)
                    || memory.forgotten.is_some_and(|forgotten| created <= forgotten)
                {
                    return Some(world);
                }
                let bit = 1 << request;
                // What decides is the insertion into the store; a superseded instance's fails, and it says nothing.
                let (durable, known) = match self.broken {
                    Broken::MemoryAlone => (true, memory.seen & bit != 0),
                    Broken::AnsweredFirst => (true, (memory.seen | world.store.seen) & bit != 0 && instance == newest),
                    _ => (instance == newest, world.store.seen & bit != 0),
                };
                if durable && !known {
                    world.accepted[request] += 1;
                    memory.seen |= bit;
                    world.instances[instance] = memory;
                    if instance == newest && self.broken != Broken::MemoryAlone {
                        world.store.seen |= bit;
                    }
                }
            }
            Step::Sweep(instance) => {
                if instance != newest {
                    return None;
                }
                let leaving: Vec<usize> = (0..self.requests.len())
                    .filter(|request| world.store.seen & (1 << request) != 0)
                    .filter(|request| self.requests[*request] + self.window <= world.clock)
                    .collect();
                for request in leaving {
                    world.store.seen &= !(1 << request);
                    if !matches!(self.broken, Broken::NoMark | Broken::WindowUnjudged) {
                        world.store.forgotten = world.store.forgotten.max(Some(self.requests[request]));
                    }
                }
                world.instances[instance] = world.store.clone();
            }
            Step::TakeOver => {
                world.takeovers -= 1;
                world.instances.push(world.store.clone());
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I5: no request is accepted twice", |_, world: &World| {
                world.accepted.iter().all(|times| *times <= 1)
            }),
            Property::sometimes("every request is accepted", |_, world: &World| {
                world.accepted.iter().all(|times| *times == 1)
            }),
        ]
    }
}
