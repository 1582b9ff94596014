//! What happens in the world, and in which order.

use symbolon_authority::machine::{Effect, Event as Told};
use symbolon_gate::Outcome;
use symbolon_gate::effect as asked;

use crate::edge::TaskId;
use crate::object::{Caller, InstanceId};
use crate::truth::Carried;

/// Something that happens.
pub(crate) enum Event {
    /// A message reaches an object.
    Call { object: usize, json: String, caller: Caller },
    /// An answer, or that there is none, reaches who waits for it.
    Answer { caller: Caller, answer: Option<String>, carried: Carried },
    /// A task's effect is answered by its own host.
    Done(TaskId, asked::EffectId, asked::Answer),
    /// An instance is told something.
    Tell(InstanceId, Told),
    /// What an instance wanted done leaves.
    Leave { from: InstanceId, fences: bool, effects: Vec<Effect> },
    /// The alarm of an object may have come.
    Alarm(usize),
    /// A put reaches the directory.
    Put { key: String, value: Option<String> },
    /// A request reaches an isolate.
    Arrive(usize),
    /// A response reaches the client.
    Respond(usize, Outcome),
    /// Something of the workload.
    Work(crate::workload::Work),
    /// Something fails of itself.
    Fail,
    /// Somebody takes a copy of an object's storage.
    BackUp(usize),
    /// The copy is put back, with the object at rest.
    PutBack(usize),
    /// A former instance ends at last.
    EndFormer { object: usize, number: u64 },
}

/// An event and its place in the queue: by true time, then in the order of adding.
pub(crate) struct Entry {
    pub(crate) at: i64,
    pub(crate) order: u64,
    pub(crate) event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
