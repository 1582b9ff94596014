//! I3: use counts never exceed the truth, and equal it after a quiet time without a crash.
//!
//! Isolates count with the product's [`Tally`]; the authority judges with the product's [`Counted`]. Batches and what
//! acknowledges them are lost, doubled and reordered without bound on their delay; isolates die; the authority forgets
//! a row whenever it likes, which is more than it may; clocks stand still. A superseded instance needs no step of its
//! own: it counts by a write, and if that fails it answers nothing, which is a batch that was lost.

use stateright::{Model, Property};
use symbolon::id::TokenId;
use symbolon::protocol::Version;
use symbolon::protocol::message::{Client, Use, UseBatch};
use symbolon::protocol::uses::{Counted, Taken, Tally};
use symbolon::time::Timestamp;

/// The rule that is left out, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// None.
    Nothing,
    /// The authority does not look at the number.
    CountedTwice,
    /// An isolate drops a batch when it has sent it.
    SentOnce,
    /// An isolate puts further uses into a batch that it sends again.
    NotFrozen,
    /// The authority does not remember what left with a row.
    Forgotten,
}

/// A model within bounds.
#[derive(Clone, Debug)]
pub struct Uses {
    /// What is left out.
    pub broken: Broken,
    /// How many isolates there are at a time.
    pub isolates: usize,
    /// Uses in all.
    pub uses: u8,
    /// Messages that are sent in all; one that never arrives is lost.
    pub sends: u8,
    /// Messages that arrive twice.
    pub doubles: u8,
    /// Isolates that die.
    pub crashes: u8,
    /// Rows that leave.
    pub forgets: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    isolates: Vec<Isolate>,
    rows: Vec<(String, Counted)>,
    forgotten: Option<Timestamp>,
    truth: u64,
    counted: u64,
    names: u8,
    left: [u8; 5],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Isolate {
    tally: Tally,
    name: String,
    mail: Vec<Message>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    Batch(UseBatch),
    Acknowledged(u64),
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The token is used at an isolate, whose clock may have stood still since the last use.
    Use(usize, bool),
    /// An isolate asks something, and its batch rides along.
    Send(usize),
    /// A message to or from this isolate arrives, and perhaps arrives again.
    Deliver(usize, usize, bool),
    /// An isolate dies and another takes its place.
    Crash(usize),
    /// A row leaves.
    Forget(usize),
}

const USES: usize = 0;
const SENDS: usize = 1;
const DOUBLES: usize = 2;
const CRASHES: usize = 3;
const FORGETS: usize = 4;

fn isolate(number: u8) -> Isolate {
    let name = format!("{number:032x}");
    Isolate { tally: Tally::new(name.clone()), name, mail: Vec::new() }
}

impl World {
    fn count(&mut self, model: &Uses, batch: &UseBatch) {
        let at = self.rows.iter().position(|(name, _)| *name == batch.isolate);
        let found = at.map(|at| self.rows[at].1);
        let forgotten = if model.broken == Broken::Forgotten { None } else { self.forgotten };
        let taken = match model.broken {
            Broken::CountedTwice => Counted::take(None, None, batch),
            _ => Counted::take(found, forgotten, batch),
        };
        if let Taken::Count(row) = taken {
            match at {
                Some(at) => self.rows[at].1 = row,
                None => self.rows.push((batch.isolate.clone(), row)),
            }
            self.counted += batch.uses.iter().map(|used| used.count).sum::<u64>();
        }
    }

    /// What is counted when every isolate has been asked until it had nothing left.
    fn settled(&self, model: &Uses) -> u64 {
        let mut world = self.clone();
        for number in 0..world.isolates.len() {
            while let Some(batch) = world.isolates[number].tally.batch().cloned() {
                world.count(model, &batch);
                world.isolates[number].tally.acknowledge(batch.number);
            }
        }
        world.counted
    }
}

impl Model for Uses {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let names = u8::try_from(self.isolates).unwrap();
        vec![World {
            isolates: (0..names).map(isolate).collect(),
            rows: Vec::new(),
            forgotten: None,
            truth: 0,
            counted: 0,
            names,
            left: [self.uses, self.sends, self.doubles, self.crashes, self.forgets],
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (number, isolate) in world.isolates.iter().enumerate() {
            if world.left[USES] > 0 {
                steps.extend([Step::Use(number, false), Step::Use(number, true)]);
            }
            if world.left[SENDS] > 0 && !isolate.tally.is_idle() {
                steps.push(Step::Send(number));
            }
            for message in 0..isolate.mail.len() {
                steps.push(Step::Deliver(number, message, false));
                if world.left[DOUBLES] > 0 {
                    steps.push(Step::Deliver(number, message, true));
                }
            }
            if world.left[CRASHES] > 0 {
                steps.push(Step::Crash(number));
            }
        }
        if world.left[FORGETS] > 0 {
            steps.extend((0..world.rows.len()).map(Step::Forget));
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Use(number, stood_still) => {
                world.left[USES] -= 1;
                let before = i64::try_from(world.truth).unwrap();
                world.truth += 1;
                world.isolates[number].tally.count(Use {
                    token: TokenId::new(Timestamp::EPOCH, &[0; 10]),
                    count: 1,
                    last_at: Timestamp::from_millis(if stood_still { before } else { before + 1 }),
                    client: Client::default(),
                    version: Version::ZERO,
                    newest: true,
                });
            }
            Step::Send(number) => {
                world.left[SENDS] -= 1;
                let isolate = &mut world.isolates[number];
                let mut batch = isolate.tally.batch().cloned()?;
                match self.broken {
                    Broken::SentOnce => isolate.tally.acknowledge(batch.number),
                    Broken::NotFrozen => {
                        // What waits goes out under the number of the batch under way, and is dropped with it.
                        let mut later = isolate.tally.clone();
                        later.acknowledge(batch.number);
                        if let Some(waiting) = later.batch().cloned() {
                            batch.uses.extend(waiting.uses);
                            later.acknowledge(waiting.number);
                            let mut merged = Tally::new(isolate.name.clone());
                            for used in &batch.uses {
                                merged.count(used.clone());
                            }
                            isolate.tally = merged;
                        }
                    }
                    _ => {}
                }
                isolate.mail.push(Message::Batch(batch));
            }
            Step::Deliver(number, message, again) => {
                let mail = if again {
                    world.left[DOUBLES] -= 1;
                    world.isolates[number].mail[message].clone()
                } else {
                    world.isolates[number].mail.remove(message)
                };
                match mail {
                    Message::Batch(batch) => {
                        world.count(self, &batch);
                        world.isolates[number].mail.push(Message::Acknowledged(batch.number));
                    }
                    Message::Acknowledged(batch) => world.isolates[number].tally.acknowledge(batch),
                }
            }
            Step::Crash(number) => {
                world.left[CRASHES] -= 1;
                // What it had sent may still arrive.
                let mail = core::mem::take(&mut world.isolates[number].mail);
                world.isolates[number] = isolate(world.names);
                world.isolates[number].mail = mail.into_iter().filter(|m| matches!(m, Message::Batch(_))).collect();
                world.names += 1;
            }
            Step::Forget(row) => {
                world.left[FORGETS] -= 1;
                let (_, row) = world.rows.remove(row);
                world.forgotten = world.forgotten.max(Some(row.newest));
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I3: counts never exceed the truth", |_, world: &World| world.counted <= world.truth),
            Property::always("I3: counts equal the truth after a quiet time", |model: &Self, world: &World| {
                let lossless = world.left[CRASHES] == model.crashes && world.left[FORGETS] == model.forgets;
                !lossless || world.settled(model) == world.truth
            }),
            Property::sometimes("everything is counted", |model: &Self, world: &World| {
                world.counted == u64::from(model.uses)
            }),
        ]
    }
}
