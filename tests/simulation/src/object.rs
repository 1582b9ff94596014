//! Durable Objects as they are on a bad day: an instance dies at any event, and one that was superseded goes on
//! answering from memory until it writes.

use std::collections::BTreeMap;
use std::rc::Rc;

use symbolon::time::Timestamp;
use symbolon_authority::instance::Instance as Registry;
use symbolon_authority::locator::Locator;
use symbolon_authority::machine::{CallId, EffectId, Machine};
use symbolon_authority::organization::Organization;
use symbolon_authority::replay::Replay;

use crate::clock::Clock;
use crate::disk::{Database, Disk};
use crate::edge::TaskId;
use crate::truth::Carried;

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The authority of the organisation of this number.
    Organization(usize),
    /// The instance.
    Registry,
    /// A shard of the locator.
    Locator(String),
    /// A shard of the replay memory.
    Replay(String),
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A task of an isolate.
    Edge(TaskId, symbolon_gate::effect::EffectId),
    /// An instance of another object.
    Object(InstanceId, EffectId),
}

/// One instance of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstanceId {
    pub(crate) object: usize,
    pub(crate) number: u64,
}

/// An object.
pub(crate) struct Object {
    pub(crate) kind: Kind,
    /// What is durable.
    pub(crate) disk: Rc<Database>,
    pub(crate) clock: Clock,
    /// The instance that calls go to.
    pub(crate) current: Option<Instance>,
    /// One that was superseded and does not know.
    pub(crate) former: Option<Instance>,
    /// The one alarm, which is durable too.
    pub(crate) alarm: Option<Timestamp>,
    /// A copy of what was durable, and the alarm with it.
    pub(crate) copy: Option<(Vec<u8>, Option<Timestamp>)>,
    /// Until when nobody can reach it.
    pub(crate) rests_until: i64,
    instances: u64,
}

/// An instance.
pub(crate) struct Instance {
    pub(crate) number: u64,
    pub(crate) machine: Box<dyn Machine>,
    pub(crate) disk: Disk,
    /// Calls that have not been answered, and how each was carried out.
    pub(crate) open: BTreeMap<CallId, (Caller, Carried)>,
    /// Whether another instance has written since: whatever this one writes is lost, and it with it.
    pub(crate) fenced: bool,
    /// Whether it reads what it last saw, and not what another instance has written.
    parted: bool,
    /// Whether its first write is under way or done.
    pub(crate) has_written: bool,
    /// When the latest of its effects leaves.
    pub(crate) leaves_at: i64,
}

impl Object {
    /// An object that nobody has called yet.
    pub(crate) fn new(kind: Kind, disk: Rc<Database>, clock: Clock) -> Self {
        Self { kind, disk, clock, current: None, former: None, alarm: None, copy: None, rests_until: 0, instances: 0 }
    }

    /// The instance that calls go to; a new one if there is none. True if it is new.
    pub(crate) fn wake(&mut self) -> (u64, bool) {
        if let Some(current) = &self.current {
            return (current.number, false);
        }
        self.instances += 1;
        let disk = Disk::new(Rc::clone(&self.disk));
        let machine: Box<dyn Machine> = match &self.kind {
            Kind::Organization(_) => Box::new(Organization::new(disk.clone())),
            Kind::Registry => Box::new(Registry::new(disk.clone())),
            Kind::Locator(_) => Box::new(Locator::new(disk.clone())),
            Kind::Replay(_) => Box::new(Replay::new(disk.clone())),
        };
        self.current = Some(Instance {
            number: self.instances,
            machine,
            disk,
            open: BTreeMap::new(),
            fenced: false,
            parted: false,
            has_written: false,
            leaves_at: 0,
        });
        (self.instances, true)
    }

    /// The instance of this number, if it lives.
    pub(crate) fn instance(&mut self, number: u64) -> Option<&mut Instance> {
        [&mut self.current, &mut self.former].into_iter().flatten().find(|instance| instance.number == number)
    }

    /// Ends an instance: timers, open calls and effects that have not left go with it.
    pub(crate) fn kill(&mut self, number: u64) {
        for slot in [&mut self.current, &mut self.former] {
            if slot.as_ref().is_some_and(|instance| instance.number == number) {
                *slot = None;
            }
        }
    }

    /// The next call makes a new instance, and the one that runs does not know.
    pub(crate) fn supersede(&mut self) {
        if let Some(current) = self.current.take() {
            self.former = Some(current);
        }
    }

    /// The current instance's first write is durable: the former one reads what it last saw, and can write no more
    /// (in a world that is right).
    pub(crate) fn fence(&mut self, writes_fail: bool) {
        if let Some(former) = self.former.as_mut().filter(|former| !former.parted) {
            former.parted = true;
            former.fenced = writes_fail;
            former.disk.part();
        }
    }
}
