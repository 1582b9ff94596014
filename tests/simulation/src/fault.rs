//! What fails of itself: instances that die or are superseded, and isolates that begin anew.

use std::rc::Rc;

use symbolon_authority::machine::Event as Told;

use crate::disk::Database;
use crate::event::Event;
use crate::object::{InstanceId, Kind};
use crate::plan::REST_MILLIS;
use crate::world::{PATIENCE_FOR_CHANGES_MILLIS, World};

impl World {
    /// Something fails.
    pub(crate) fn fail(&mut self) {
        if !self.faulty {
            return;
        }
        self.counts.failures += 1;
        let busy = self.workload.busy_organization(&mut self.rng);
        let choice = self.rng.u8(0..10);
        let object = match choice {
            0..=5 => busy,
            6 => self.template.organizations.len(),
            _ => self.rng.usize(0..self.objects.len()),
        };
        match choice {
            0..=8 if self.rests(object) => {}
            0 | 1 | 6 | 7 => {
                if let Some(current) = &self.objects[object].current {
                    let number = current.number;
                    self.objects[object].kill(number);
                }
            }
            2..=5 | 8 => {
                self.objects[object].supersede();
                if let Some(former) = &self.objects[object].former {
                    let (number, lives) = (former.number, self.rng.i64(0..=30_000));
                    self.later(lives, Event::EndFormer { object, number });
                    // The new instance is there by itself, be it called or not.
                    let number = self.wake(object);
                    self.tell(InstanceId { object, number }, Told::Alarm);
                    if self.plan.split {
                        self.narrow_while_split(object);
                    }
                }
            }
            _ => {
                let edge = self.workload.busy_edge(&mut self.rng);
                self.edges[edge].restart(&mut self.rng);
                self.workload.edge_restarted(edge);
            }
        }
        self.note(|| format!("failure {choice} of object {object}"));
    }

    /// Somebody takes a copy of an object's storage.
    pub(crate) fn back_up(&mut self, object: usize) {
        let object = &mut self.objects[object];
        object.copy = Some((object.disk.to_bytes(), object.alarm));
    }

    /// The copy is put back: what has been changed since is lost. The object rests meanwhile, for as long as whoever does
    /// this has to wait.
    pub(crate) fn put_back(&mut self, number: usize) {
        let now = self.now;
        let object = &mut self.objects[number];
        let Kind::Organization(organization) = object.kind else { return };
        let Some((bytes, alarm)) = object.copy.take() else { return };
        (object.current, object.former) = (None, None);
        object.disk = Database::from_bytes(&bytes);
        object.alarm = alarm;
        object.rests_until = now + REST_MILLIS;
        let disk = Rc::clone(&object.disk);
        if alarm.is_some() {
            self.later(REST_MILLIS, Event::Alarm(number));
        }
        self.truths[organization].put_back(&disk, now);
        self.workload.uses_lost(organization);
        self.counts.failures += 1;
        self.note(|| format!("the storage of object {number} is put back"));
    }

    /// Whether nobody can reach an object.
    pub(crate) fn rests(&self, object: usize) -> bool {
        self.now < self.objects[object].rests_until
    }

    /// Faults end: what was superseded is gone, and messages arrive.
    pub(crate) fn calm(&mut self) {
        self.faulty = false;
        // What was lost before shows when its asker's patience ends.
        self.calm_from = self.now + PATIENCE_FOR_CHANGES_MILLIS;
        for object in &mut self.objects {
            object.former = None;
        }
    }
}
