//! What happens in isolates at the edge: requests and other work, and the effects that they wait for.

use symbolon::time::Timestamp;
use symbolon_authority::{locator, replay};
use symbolon_gate::effect as asked;
use symbolon_gate::{Outcome, Step};

use crate::edge::{Running, TaskId};
use crate::event::Event;
use crate::object::{Caller, Kind};
use crate::truth::Carried;
use crate::variant::Variant;
use crate::workload::Request;
use crate::world::{PATIENCE_FOR_CHANGES_MILLIS, PATIENCE_MILLIS, World};

impl World {
    pub(crate) fn task(&mut self, id: TaskId) -> Option<&mut Running> {
        let edge = &mut self.edges[id.edge];
        if edge.life == id.life { edge.tasks.get_mut(&id.task) } else { None }
    }

    pub(crate) fn arrive(&mut self, number: usize) {
        let Request { edge, http, body, .. } = self.workload.request(number);
        let (edge, body) = (*edge, body.clone());
        let task = self.edges[edge].gate.handle(http.clone());
        let life = self.edges[edge].life;
        self.workload.arrived(number, life);
        let id = self.edges[edge].run(edge, Running::Request { number, task, body, carried: Carried::default() });
        self.start(id);
    }

    pub(crate) fn start(&mut self, id: TaskId) {
        let now = self.read(id.edge);
        match self.task(id) {
            None => {}
            Some(Running::Request { task, .. }) => {
                let step = task.start(now);
                self.step(id, step);
            }
            Some(Running::Background(task)) => {
                let step = task.start(now);
                self.step_background(id, step);
            }
        }
    }

    pub(crate) fn go_on(&mut self, id: TaskId, effect: asked::EffectId, answer: asked::Answer) {
        if self.task(id).is_none() {
            return;
        }
        let now = self.read(id.edge);
        match self.task(id) {
            None => {}
            Some(Running::Request { task, .. }) => {
                let step = task.answer(now, effect, answer);
                self.step(id, step);
            }
            Some(Running::Background(task)) => {
                let step = task.answer(now, effect, answer);
                self.step_background(id, step);
            }
        }
    }

    pub(crate) fn read(&mut self, edge: usize) -> Timestamp {
        let steps = self.plan.steps;
        let back = steps && self.fails(0.01);
        let unseen =
            if self.variant == Some(Variant::ClockHidden) { self.fails(0.1) } else { steps && self.fails(0.02) };
        let ahead = steps && self.fails(0.005);
        let far = self.variant == Some(Variant::ClockHidden);
        let clock = &mut self.edges[edge].clock;
        if back {
            clock.step_back(&mut self.rng, self.now);
        }
        if ahead {
            clock.step_ahead(&mut self.rng, self.now);
        }
        let reading = clock.read(&mut self.rng, self.now);
        if unseen {
            clock.step_back_unseen(&mut self.rng, self.now, far);
        }
        reading
    }

    fn step(&mut self, id: TaskId, step: Step<Outcome>) {
        match step {
            Step::Wait(effects) => self.perform(id, effects),
            Step::Done(outcome) => {
                let Some(Running::Request { number, carried, .. }) = self.edges[id.edge].tasks.remove(&id.task) else {
                    return;
                };
                self.decided(number, &outcome, carried);
                let way = self.rng.i64(0..=20);
                self.later(way, Event::Respond(number, outcome));
                self.besides(id.edge);
            }
        }
    }

    fn step_background(&mut self, id: TaskId, step: Step<()>) {
        match step {
            Step::Wait(effects) => self.perform(id, effects),
            Step::Done(()) => drop(self.edges[id.edge].tasks.remove(&id.task)),
        }
    }

    /// Work besides requests, as a host does it after each of them.
    pub(crate) fn besides(&mut self, edge: usize) {
        loop {
            let now = self.read(edge);
            let Some(task) = self.edges[edge].gate.background(now) else { return };
            let id = self.edges[edge].run(edge, Running::Background(task));
            self.start(id);
        }
    }

    fn perform(&mut self, id: TaskId, effects: Vec<(asked::EffectId, asked::Effect)>) {
        for (effect_id, effect) in effects {
            let caller = Caller::Edge(id, effect_id);
            let (millis, answer) = match effect {
                asked::Effect::Ask { target, message } => {
                    let patience =
                        if message.contains("{\"manage\":") { PATIENCE_FOR_CHANGES_MILLIS } else { PATIENCE_MILLIS };
                    let kind = match target {
                        asked::Target::Organization(name) => Kind::Organization(self.organization(&name)),
                        asked::Target::Instance => Kind::Registry,
                        asked::Target::Login(name) => panic!("nobody signs in here: {name:?}"),
                        asked::Target::Locator(key) => Kind::Locator(locator::object_name(&key)),
                        asked::Target::Replay(key) => Kind::Replay(replay::object_name(&key).expect("a replay key")),
                    };
                    self.send(kind, message, caller, patience);
                    continue;
                }
                asked::Effect::Directory { key } => {
                    let stale = if self.faulty { self.plan.stale } else { 0.0 };
                    let found = self.directory.get(&mut self.rng, &key, stale);
                    let answer = found.map_or(asked::Answer::Absent, |text| asked::Answer::Text { text });
                    (self.rng.i64(1..=20), answer)
                }
                asked::Effect::VerifyP256 { public_key, message, signature } => {
                    (0, self.verify(&public_key, &message, &signature))
                }
                // Nobody signs in at a provider here.
                asked::Effect::BodyDigests { .. } | asked::Effect::VerifyRs256 { .. } | asked::Effect::Fetch { .. } => {
                    (0, asked::Answer::Failed)
                }
                asked::Effect::BodyText { .. } => match self.task(id) {
                    Some(Running::Request { body, .. }) => (0, asked::Answer::Text { text: body.clone() }),
                    _ => (0, asked::Answer::Failed),
                },
                asked::Effect::Sleep { millis } => {
                    let lasts = self.edges[id.edge].clock.lasts(millis.into());
                    (lasts + self.rng.i64(0..=10), asked::Answer::Absent)
                }
            };
            self.later(millis, Event::Done(id, effect_id, answer));
        }
    }

    /// A signature that comes again is the same one: it is checked once.
    fn verify(&mut self, public_key: &str, message: &[u8], signature: &[u8]) -> asked::Answer {
        let name = [public_key.as_bytes(), message, signature].concat();
        let matches = *self.verdicts.entry(name).or_insert_with(|| {
            let key = symbolon::key::PublicKey::from_hex(public_key).expect("a record's key");
            symbolon::key::Signature::from_bytes(signature).is_ok_and(|signature| key.verify(message, &signature))
        });
        asked::Answer::Verdict { matches }
    }
}
