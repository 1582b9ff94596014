//! The world: time, network, the durable store, and what has been promised to clients.

use stateright::{Model, Property};
use symbolon::protocol::lease::Horizon;

use super::authority::{Instance, Reply, ReplyKind};
use super::bounds::{Broken, Changes, Lease, Network};
use super::edge::{Isolate, Message, Question, Wanted};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A second passes. The clocks of edges whose bit is set stand still.
    Tick(u8),
    /// An edge asks.
    Ask(usize, Wanted),
    /// A message of an edge arrives (a question at this instance), and perhaps arrives again.
    Deliver {
        /// Whose.
        edge: usize,
        /// Which of its messages.
        message: usize,
        /// Where, if it is a question.
        instance: usize,
        /// Whether it stays on its way.
        again: bool,
    },
    /// A client narrows at this instance.
    Narrow(usize),
    /// A client widens or creates at this instance.
    Widen(usize),
    /// The other token changes at this instance.
    Other(usize),
    /// The terms change at this instance.
    Terms(usize),
    /// A new instance starts.
    TakeOver,
    /// The storage is put back, under a new instance.
    PutBack,
    /// An edge's clock steps back, and it reads it.
    StepBack(usize),
    /// An edge starts anew.
    Restart(usize),
    /// The directory serves this edge a copy from when the token was good.
    Directory(usize),
}

/// The facts of an organisation, as stored or as an instance remembers them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    /// Each change since the log begins: its epoch, and which token it was about.
    pub(super) log: Vec<(u8, u8)>,
    /// The epoch as of which the log begins.
    pub(super) floor: u8,
    /// The watched token.
    pub(super) token: Token,
    /// Which terms hold.
    pub(super) terms: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Token {
    Absent,
    Good,
    Bad,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub(super) now: u8,
    pub(super) edges: Vec<Isolate>,
    pub(super) instances: Vec<Instance>,
    pub(super) facts: Facts,
    pub(super) horizon: Option<Horizon>,
    /// The highest epoch that there ever was, lost ones included.
    pub(super) highest: u8,
    /// Until when no instance can be reached, for storage is being put back.
    pub(super) rests_until: u8,
    /// The instance whose writes succeed.
    pub(super) writer: usize,
    /// Answers to clients that wait for their time.
    pub(super) replies: Vec<Reply>,
    pub(super) left: Changes,
    pub(super) network: Network,
    /// How often the token was widened: a narrowing is undone by the next widening.
    pub(super) widened: u8,
    /// A narrowing has returned, and nothing has been widened since.
    pub(super) forbidden: bool,
    /// A creation has returned, and nothing was narrowed since.
    pub(super) expected: bool,
    /// An edge accepts from memory.
    pub(super) accepted: bool,
    pub(super) fault: Option<&'static str>,
}

pub(super) const I1: &str = "I1: what a returned narrowing removed is not accepted";
pub(super) const I2: &str = "I2: what a returned creation made is accepted";

impl World {
    fn tick(&mut self, model: &Lease, still: u8) {
        self.now += 1;
        for (number, edge) in self.edges.iter_mut().enumerate() {
            if still & (1 << number) != 0 {
                edge.lag += 1;
                edge.lost += 1;
            }
        }
        self.run_timers(model);
        for reply in self.replies.extract_if(.., |reply| reply.due == self.now) {
            if reply.widened != self.widened {
                continue;
            }
            match reply.kind {
                ReplyKind::Narrowed => self.forbidden = true,
                ReplyKind::Created => self.expected = self.facts.token == Token::Good,
            }
        }
    }

    /// Whether nothing can go wrong any more: no edge accepts or will, or nothing has been or will be promised.
    fn is_over(&self, model: &Lease) -> bool {
        let waits = |kind| self.replies.iter().any(|reply| reply.kind == kind);
        let narrowing = self.forbidden || self.left.narrowings > 0 || waits(ReplyKind::Narrowed);
        let creation = self.expected || (self.left.widenings > 0 && !model.exists) || waits(ReplyKind::Created);
        let talks = self.network.questions > 0 || self.edges.iter().any(|edge| !edge.mail.is_empty());
        !(narrowing || creation) || !(talks || self.accepted)
    }

    /// What an edge would accept in this state without asking: a request sent now.
    fn look(&mut self, model: &Lease) {
        self.accepted = self.edges.iter_mut().any(|edge| edge.accepts_from_memory(model, self.now));
        if self.accepted && self.forbidden {
            self.fault = Some(I1);
        }
    }

    /// Brings states that behave alike from here on into one form.
    fn normalise(&mut self, model: &Lease) {
        self.silence(model);
        // Of what was said about one widening the earliest counts.
        let widened = self.widened;
        self.replies.retain(|reply| reply.widened == widened);
        // Those of one instance end in the order in which they began, also where a later wait ends them sooner.
        self.replies.sort_unstable_by_key(|reply| (reply.kind, reply.instance, reply.due));
        self.replies.dedup_by_key(|reply| (reply.kind, reply.instance));
        for edge in &mut self.edges {
            edge.observe(model, self.now);
            edge.mail.retain(|message| self.now - message.sent() <= model.network.delay);
            edge.mail.sort_unstable_by_key(Message::order);
        }
        // Edges are alike.
        if let [a, b] = self.edges.as_mut_slice()
            && a.order() > b.order()
        {
            core::mem::swap(a, b);
        }
    }
}

impl Model for Lease {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let facts = self.first();
        vec![World {
            now: 0,
            edges: vec![Isolate::new(); self.edges],
            instances: vec![Instance::start(self, &facts, None, 0)],
            facts,
            horizon: None,
            highest: 0,
            rests_until: 0,
            writer: 0,
            replies: Vec::new(),
            left: self.changes,
            network: self.network,
            widened: 0,
            forbidden: false,
            expected: false,
            accepted: false,
            fault: None,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.fault.is_some() || world.is_over(self) {
            return;
        }
        let rests = world.now < world.rests_until;
        let running =
            || world.instances.iter().enumerate().filter(|(_, instance)| instance.runs && !rests).map(|(at, _)| at);
        // What a superseded instance writes fails; that it falls silent by that is no more than that it is silent.
        let writing = || running().filter(|at| world.writes(self, *at) || self.broken == Broken::RetryUnwritten);
        for (number, edge) in world.edges.iter().enumerate() {
            for (message, mail) in edge.mail.iter().enumerate() {
                for again in [false, true] {
                    if again && world.network.doubles == 0 {
                        continue;
                    }
                    match mail {
                        Message::Question(_) => steps.extend(running().map(|instance| Step::Deliver {
                            edge: number,
                            message,
                            instance,
                            again,
                        })),
                        Message::Answer(_) => {
                            steps.push(Step::Deliver { edge: number, message, instance: 0, again });
                        }
                    }
                }
            }
            if world.network.questions > 0 {
                steps.push(Step::Ask(number, Wanted::Record));
                if edge.has_asked() {
                    steps.push(Step::Ask(number, Wanted::Renewal));
                }
                if self.strict {
                    steps.push(Step::Ask(number, Wanted::Strict));
                }
            }
            if world.network.steps > 0 {
                steps.push(Step::StepBack(number));
            }
            if world.network.restarts > 0 {
                steps.push(Step::Restart(number));
            }
            if self.broken == Broken::DirectoryTrusted {
                steps.push(Step::Directory(number));
            }
        }
        for instance in writing() {
            // A narrowing of what is known to be narrowed for good adds nothing.
            let narrowings = if world.forbidden && world.left.widenings == 0 { 0 } else { world.left.narrowings };
            for (left, step) in [
                (narrowings, Step::Narrow(instance)),
                (world.left.widenings, Step::Widen(instance)),
                (world.left.others, Step::Other(instance)),
                (world.left.terms, Step::Terms(instance)),
            ] {
                if left > 0 {
                    steps.push(step);
                }
            }
        }
        if world.left.takeovers > 0 {
            steps.push(Step::TakeOver);
        }
        // With nothing to lose it is a takeover.
        if world.left.put_backs > 0 && world.highest > 0 {
            steps.push(Step::PutBack);
        }
        if world.now < self.ticks {
            for still in 0..1_u8 << self.edges {
                let may =
                    |(number, edge): (usize, &Isolate)| still & (1 << number) == 0 || edge.lost < self.network.lags;
                if world.edges.iter().enumerate().all(may) {
                    steps.push(Step::Tick(still));
                }
            }
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Tick(still) => world.tick(self, still),
            Step::Ask(number, wanted) => {
                world.network.questions -= 1;
                let (now, forbidden, expected) = (world.now, world.forbidden, world.expected);
                let widened = world.widened;
                let edge = &mut world.edges[number];
                let asked = edge.ask(self, now);
                let question = Question { asked, sent: now, wanted, forbidden, expected, widened };
                edge.mail.push(Message::Question(question));
            }
            Step::Deliver { edge, message, instance, again } => {
                let mail = if again {
                    world.network.doubles -= 1;
                    world.edges[edge].mail[message].clone()
                } else {
                    world.edges[edge].mail.remove(message)
                };
                match mail {
                    Message::Question(question) => {
                        if let Some(answer) = world.serve(self, instance, question) {
                            world.edges[edge].mail.push(Message::Answer(answer));
                        }
                    }
                    Message::Answer(answer) => {
                        let now = world.now;
                        world.edges[edge].receive(self, now, &answer);
                    }
                }
            }
            Step::Narrow(instance) => world.narrow(self, instance),
            Step::Widen(instance) => world.widen(self, instance)?,
            Step::Other(instance) => world.narrow_other(self, instance),
            Step::Terms(instance) => world.set_terms(self, instance),
            Step::TakeOver => world.take_over(self),
            Step::PutBack => world.put_back(self),
            Step::StepBack(number) => {
                world.network.steps -= 1;
                let now = world.now;
                world.edges[number].step_back(self, now);
            }
            Step::Restart(number) => {
                world.network.restarts -= 1;
                world.edges[number].restart();
            }
            Step::Directory(number) => world.edges[number].trust_directory()?,
        }
        world.look(self);
        world.normalise(self);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(I1, |_, world: &World| world.fault != Some(I1)),
            Property::always(I2, |_, world: &World| world.fault != Some(I2)),
            Property::sometimes("an edge accepts from memory, if it may", |model: &Self, world: &World| {
                world.accepted || model.terms[0].lease_millis == 0
            }),
            Property::sometimes("a narrowing returns, or is not modelled", |model: &Self, world: &World| {
                world.forbidden || model.changes.narrowings == 0
            }),
        ]
    }
}
