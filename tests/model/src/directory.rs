//! I4: a minute after the last change the directory (Workers KV) holds the newest version.
//!
//! The directory has no compare-and-set: a put may take effect at any time within a minute, after a later one too,
//! and its end may never be heard of. The outbox's rule is modelled: for one key at most one put is under way in an
//! instance, one not heard of for a minute counts as lost, one that failed is repeated, and the newest version is put
//! once more a minute after its first put has ended. Instances are superseded at any time and forget what was under
//! way; changes come at any time. A tick is 20 seconds.

use stateright::{Model, Property};

/// A minute, in ticks.
const MINUTE: u8 = 3;

/// The rule that is left out, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// None.
    Nothing,
    /// The newest version is not put once more.
    PutOnce,
    /// It is put once more at once.
    AgainAtOnce,
    /// A put that was not heard of is not repeated.
    LostForGood,
    /// A put of an older version that has ended settles the key.
    AnyVersionSettles,
}

/// A model within bounds.
#[derive(Clone, Debug)]
pub struct Directory {
    /// What is left out.
    pub broken: Broken,
    /// Changes of the record.
    pub changes: u8,
    /// How many ticks after the last change are looked at.
    pub ticks: u8,
    /// New instances.
    pub takeovers: u8,
    /// Puts that have no effect, or whose end is not heard of.
    pub losses: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    now: u8,
    newest: u8,
    held: u8,
    outbox: Option<Row>,
    /// The version that this instance is putting, and when it counts as lost.
    under_way: Option<(u8, u8)>,
    puts: Vec<Put>,
    changes: u8,
    takeovers: u8,
    losses: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    due: u8,
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Put {
    version: u8,
    sent: u8,
    /// Whether the instance that sent it hears of its end.
    heard: bool,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// 20 seconds pass.
    Tick,
    /// The record changes.
    Change,
    /// What is due is put.
    Start,
    /// A put takes effect and ends.
    Land(usize),
    /// A put takes effect, but nobody hears of it.
    LandUnheard(usize),
    /// A put has no effect.
    Lose(usize),
    /// A new instance starts.
    TakeOver,
}

impl Model for Directory {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            newest: 0,
            held: 0,
            outbox: None,
            under_way: None,
            puts: Vec::new(),
            changes: self.changes,
            takeovers: self.takeovers,
            losses: self.losses,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (number, put) in world.puts.iter().enumerate() {
            steps.push(Step::Land(number));
            if world.losses > 0 && put.heard {
                steps.extend([Step::LandUnheard(number), Step::Lose(number)]);
            }
        }
        let startable = world.startable();
        if startable {
            steps.push(Step::Start);
        }
        if world.changes > 0 {
            steps.push(Step::Change);
        }
        if world.takeovers > 0 {
            steps.push(Step::TakeOver);
        }
        // An alarm that is due comes before time passes, and no put takes longer than a minute.
        let late = world.puts.iter().any(|put| world.now - put.sent >= MINUTE - 1);
        if world.now < self.ticks && !late && !startable {
            steps.push(Step::Tick);
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Tick => {
                world.now += 1;
                if world.under_way.is_some_and(|(_, lost_at)| lost_at <= world.now) {
                    world.under_way = None;
                    if self.broken == Broken::LostForGood {
                        world.outbox = None;
                    }
                }
            }
            Step::Change => {
                world.changes -= 1;
                world.newest += 1;
                world.outbox = Some(Row { due: world.now, again: self.broken != Broken::PutOnce });
            }
            Step::Start => {
                world.under_way = Some((world.newest, world.now + MINUTE));
                world.puts.push(Put { version: world.newest, sent: world.now, heard: true });
            }
            Step::Land(put) => {
                let put = world.puts.remove(put);
                world.held = put.version;
                if put.heard {
                    world.ended(self, put.version);
                }
            }
            Step::LandUnheard(put) => {
                world.losses -= 1;
                world.held = world.puts.remove(put).version;
            }
            Step::Lose(put) => {
                world.losses -= 1;
                world.puts.remove(put);
            }
            Step::TakeOver => {
                world.takeovers -= 1;
                world.under_way = None;
                world.puts.iter_mut().for_each(|put| put.heard = false);
            }
        }
        world.puts.sort_unstable();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "I4: once the outbox is empty the directory holds the newest version",
                |_, world: &World| world.outbox.is_some() || !world.puts.is_empty() || world.held == world.newest,
            ),
            Property::sometimes("the outbox is emptied after the last change", |model: &Self, world: &World| {
                world.newest == model.changes && world.outbox.is_none()
            }),
        ]
    }
}

impl World {
    fn startable(&self) -> bool {
        self.under_way.is_none() && self.outbox.is_some_and(|row| row.due <= self.now)
    }

    fn ended(&mut self, model: &Directory, version: u8) {
        self.under_way = None;
        let Some(row) = &mut self.outbox else { return };
        if version != self.newest && model.broken == Broken::AnyVersionSettles {
            self.outbox = None;
        } else if version != self.newest {
            row.due = self.now;
        } else if row.again {
            let pause = if model.broken == Broken::AgainAtOnce { 0 } else { MINUTE };
            *row = Row { due: self.now + pause, again: false };
        } else {
            self.outbox = None;
        }
    }
}
