//! The world: one queue of events in the order of true time, and all that happens in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;

use fastrand::Rng;
use symbolon::protocol::directory;
use symbolon::time::Timestamp;
use symbolon_authority::locator;
use symbolon_authority::machine::{CallId, Config, Context, Effect, Event as Told, Target, Unreachable};
use symbolon_gate::effect as asked;

use crate::clock::{Clock, START};
use crate::directory::Directory;
use crate::disk::Database;
use crate::edge::{Edge, Running};
use crate::event::{Entry, Event};
use crate::object::{Caller, InstanceId, Kind, Object};
use crate::plan::Plan;
use crate::template::{self, Template, template};
use crate::truth::{self, Carried, Truth};
use crate::variant::Variant;
use crate::workload::Workload;

/// How long a gate waits for an answer, in milliseconds; for one to a change, longer.
pub(crate) const PATIENCE_MILLIS: i64 = 10_000;
pub(crate) const PATIENCE_FOR_CHANGES_MILLIS: i64 = 60_000;
/// When an alarm rings again whose handling failed, in milliseconds.
const ALARM_AGAIN_MILLIS: i64 = 2_000;

/// The world of one run.
pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) rng: Rng,
    pub(crate) plan: Plan,
    pub(crate) variant: Option<Variant>,
    pub(crate) template: &'static Template,
    pub(crate) edges: Vec<Edge>,
    pub(crate) objects: Vec<Object>,
    names: BTreeMap<Kind, usize>,
    pub(crate) directory: Directory,
    pub(crate) truths: Vec<Truth>,
    pub(crate) workload: Workload,
    /// Whether things go wrong still.
    pub(crate) faulty: bool,
    /// When the last that went wrong is over.
    pub(crate) calm_from: i64,
    /// When the directory has been told of all changes.
    pub(crate) settled_from: i64,
    /// What must never be, once it was.
    pub(crate) violation: Option<String>,
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) counts: Counts,
    config: Config,
    queue: BinaryHeap<Reverse<Entry>>,
    order: u64,
    next_call: u64,
    pub(crate) verdicts: BTreeMap<Vec<u8>, bool>,
    /// What askers of calls hold, in a world that keeps it from starting over.
    held: BTreeMap<CallId, u64>,
}

/// Which isolates keep to the former instance while two run, in a world that is split.
pub(crate) const fn keeps_to_former(edge: usize) -> bool {
    edge.is_multiple_of(2)
}

/// An effect as a trace shows it.
fn short(effect: &Effect) -> String {
    let text = match effect {
        Effect::Reply { id, json } => {
            let at = json.find("\"changes\"").unwrap_or(0);
            format!("{id:?} {} {}", json.get(..12).unwrap_or_default(), json.get(at..).unwrap_or_default())
        }
        other => format!("{other:?}"),
    };
    text.chars().take(160).collect()
}

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Requests that were accepted.
    pub accepted: u64,
    /// Requests that were refused for what they were.
    pub refused: u64,
    /// Requests that could not be decided.
    pub undecided: u64,
    /// Changes that returned.
    pub changes: u64,
    /// Questions to organisations.
    pub asks: u64,
    /// Instances that died or were superseded, isolates that began anew.
    pub failures: u64,
}

impl Counts {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.undecided += other.undecided;
        self.changes += other.changes;
        self.asks += other.asks;
        self.failures += other.failures;
    }
}

impl World {
    /// The world of a seed.
    pub(crate) fn new(seed: u64, variant: Option<Variant>, trace: bool) -> Self {
        let template = template();
        let plan = Plan::of(seed);
        let mut rng = Rng::with_seed(seed);
        let edges = (0..plan.edges).map(|_| Edge::new(&mut rng, START)).collect();
        let mut world = Self {
            now: START,
            workload: Workload::new(&mut rng, &plan, template),
            rng,
            plan,
            variant,
            template,
            edges,
            objects: Vec::new(),
            names: BTreeMap::new(),
            directory: Directory::default(),
            truths: template.truths().to_vec(),
            faulty: true,
            calm_from: i64::MAX,
            settled_from: i64::MAX,
            violation: None,
            trace: trace.then(Vec::new),
            counts: Counts::default(),
            config: template::config(),
            queue: BinaryHeap::new(),
            order: 0,
            next_call: 0,
            verdicts: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        for (number, prepared) in template.organizations.iter().enumerate() {
            world.add(Kind::Organization(number), Database::from_bytes(&prepared.database));
        }
        world.add(Kind::Registry, Database::from_bytes(&template.instance));
        world
    }

    fn add(&mut self, kind: Kind, database: Rc<Database>) -> usize {
        let clock = Clock::new(&mut self.rng, self.now, 1_000);
        self.objects.push(Object::new(kind.clone(), database, clock));
        let index = self.objects.len() - 1;
        self.names.insert(kind, index);
        index
    }

    fn object(&mut self, kind: Kind) -> usize {
        if let Some(index) = self.names.get(&kind) {
            return *index;
        }
        let database = match &kind {
            Kind::Locator(name) => match self.template.locators.get(name) {
                Some(bytes) => Database::from_bytes(bytes),
                None => Database::empty(),
            },
            _ => Database::empty(),
        };
        self.add(kind, database)
    }

    /// Puts an event so many milliseconds ahead.
    pub(crate) fn later(&mut self, millis: i64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse(Entry { at: self.now + millis.max(0), order: self.order, event }));
    }

    /// Whether something of this chance happens; never once faults have ended.
    pub(crate) fn fails(&mut self, chance: f64) -> bool {
        self.faulty && self.rng.f64() < chance
    }

    /// What must never be.
    pub(crate) fn violated(&mut self, rule: &str, what: &str) {
        if self.violation.is_none() {
            self.violation = Some(format!("{rule} at {} ms: {what}", self.now - START));
        }
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now - START;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now:>8} {}", what()));
        }
    }

    /// Goes on until that time, or until something must never be.
    pub(crate) fn run_until(&mut self, until: i64) {
        while self.violation.is_none() {
            let Some(Reverse(entry)) = self.queue.peek() else { break };
            if entry.at > until {
                break;
            }
            let Some(Reverse(entry)) = self.queue.pop() else { break };
            self.now = entry.at;
            self.counts.events += 1;
            self.happen(entry.event);
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Call { object, json, caller } => self.call(object, json, caller),
            Event::Answer { caller, answer, carried } => self.answer(caller, answer, carried),
            Event::Done(task, effect, answer) => self.go_on(task, effect, answer),
            Event::Tell(instance, told) => self.tell(instance, told),
            Event::Leave { from, fences, effects } => self.leave(from, fences, effects),
            Event::Alarm(object) => self.alarm(object),
            Event::Put { key, value } => {
                let value = match self.variant {
                    Some(Variant::DirectoryFrozen) => self.directory.first(&key).or(value),
                    _ => value,
                };
                self.directory.put(key, value);
            }
            Event::Arrive(number) => self.arrive(number),
            Event::Respond(number, outcome) => self.respond(number, outcome),
            Event::Work(work) => self.work(work),
            Event::Fail => self.fail(),
            Event::BackUp(object) => self.back_up(object),
            Event::PutBack(object) => self.put_back(object),
            Event::EndFormer { object, number } => {
                let object = &mut self.objects[object];
                if object.former.as_ref().is_some_and(|former| former.number == number) {
                    object.former = None;
                }
            }
        }
    }

    /// How long a message takes, in milliseconds.
    pub(crate) fn way(&mut self) -> i64 {
        if self.fails(self.plan.slow) { self.rng.i64(100..=4_000) } else { self.rng.i64(1..=60) }
    }

    // Objects.

    pub(crate) fn send(&mut self, kind: Kind, json: String, caller: Caller, patience: i64) {
        let object = self.object(kind);
        self.later(patience, Event::Answer { caller, answer: None, carried: Carried::default() });
        let twice = self.fails(self.plan.doubled);
        for copy in 0..=usize::from(twice) {
            if self.fails(self.plan.lost) {
                continue;
            }
            let json = match self.variant {
                Some(Variant::BatchRenamed) if copy == 1 => json.replace("\"isolate\":\"", "\"isolate\":\"0"),
                _ => json.clone(),
            };
            let way = self.way();
            self.later(way, Event::Call { object, json, caller });
        }
    }

    fn call(&mut self, object: usize, json: String, caller: Caller) {
        if self.rests(object) {
            return;
        }
        let former = self.objects[object].former.as_ref().map(|former| former.number);
        let to_former = match caller {
            Caller::Edge(task, _) if self.plan.split => keeps_to_former(task.edge),
            _ => self.rng.bool(),
        };
        let number = match former {
            Some(number) if to_former => number,
            _ => self.wake(object),
        };
        self.next_call += 1;
        let id = CallId(self.next_call);
        if self.variant == Some(Variant::StartOverLost) {
            let asked: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
            if let Some(since) = asked.pointer("/ask/since").and_then(serde_json::Value::as_u64) {
                self.held.insert(id, since);
            }
        }
        if let Some(instance) = self.objects[object].instance(number) {
            instance.open.insert(id, (caller, Carried::default()));
        }
        if matches!(self.objects[object].kind, Kind::Organization(_)) {
            self.counts.asks += 1;
        }
        self.tell(InstanceId { object, number }, Told::Call { id, json });
    }

    pub(crate) fn wake(&mut self, object: usize) -> u64 {
        let (number, new) = self.objects[object].wake();
        if new {
            let disk = Rc::clone(&self.objects[object].disk);
            let is_replay = matches!(self.objects[object].kind, Kind::Replay(_));
            let tables = "SELECT 1 FROM sqlite_master WHERE name = 'seen'";
            if self.variant == Some(Variant::ReplayForgotten) && is_replay && !disk.look(tables, &[]).is_empty() {
                disk.look("DELETE FROM seen", &[]);
            }
            if self.variant == Some(Variant::HorizonLost) && matches!(self.objects[object].kind, Kind::Organization(_))
            {
                disk.look("UPDATE organization SET horizon = NULL", &[]);
            }
        }
        number
    }

    pub(crate) fn tell(&mut self, id: InstanceId, event: Told) {
        let (unwritten, refused) = (self.plan.unwritten, self.plan.refused);
        let (loses, refuses) = (self.fails(unwritten), self.fails(refused));
        let writing = if self.faulty { self.rng.i64(0..=30) } else { self.rng.i64(0..=5) };
        let refuse_in = self.rng.u32(1..=12);
        let object = &mut self.objects[id.object];
        let is_organization = matches!(object.kind, Kind::Organization(_));
        let now = object.clock.read(&mut self.rng, self.now);
        let Some(instance) = object.instance(id.number) else { return };
        let call = match &event {
            Told::Call { id, .. } => Some(*id),
            _ => None,
        };
        let is_call_of_organization = call.is_some() && is_organization;
        let database = instance.disk.database();
        let before = database.writes();
        let epoch_before = if is_call_of_organization { truth::epoch(&database) } else { 0 };
        database.begin();
        instance.disk.refuse_in(if refuses { refuse_in } else { 0 });
        let rng = &mut self.rng;
        let mut fill = |bytes: &mut [u8]| rng.fill(bytes);
        let mut context = Context { now, random: &mut fill, config: &self.config };
        let effects = instance.machine.on(&mut context, event);
        instance.disk.refuse_in(0);
        // To set the alarm is a write like any other, and of the same event.
        let alarm = effects.iter().find_map(|effect| match effect {
            Effect::SetAlarm { at } => Some(*at),
            _ => None,
        });
        let wrote = database.writes() != before || alarm.is_some();
        let kept = !(wrote && (instance.fenced || loses));
        let skipped = self.variant == Some(Variant::GateOpen);
        database.end(kept);
        if !kept && !skipped {
            let fenced = instance.fenced;
            object.kill(id.number);
            self.note(|| format!("instance {id:?} ends: what it wrote is lost (fenced: {fenced})"));
            self.counts.failures += 1;
            return;
        }
        if let Some(at) = alarm
            && kept
        {
            self.set_alarm(id.object, at);
        }
        let object = &mut self.objects[id.object];
        if let (Kind::Organization(_), Some(call)) = (&object.kind, call)
            && let Some(instance) = object.instance(id.number)
            && let Some((_, carried)) = instance.open.get_mut(&call)
        {
            let epoch = truth::epoch(&database);
            *carried = Carried { epoch, anew: epoch > epoch_before };
        }
        let Some(instance) = object.instance(id.number) else { return };
        let (fenced_now, writes) = (instance.fenced, wrote);
        let said: Vec<String> = if self.trace.is_some() { effects.iter().map(short).collect() } else { Vec::new() };
        let fences = wrote && !instance.has_written;
        instance.has_written |= wrote;
        let leaves_at = instance.leaves_at.max(self.now + if wrote { writing } else { 0 });
        instance.leaves_at = leaves_at;
        let fenced = instance.fenced;
        if let Kind::Organization(number) = object.kind
            && kept
            && wrote
            && !fenced
        {
            let live = Rc::clone(&object.disk);
            if let Err(what) = self.truths[number].observe(&live, self.now) {
                self.violated("durability", &what);
            }
        }
        self.note(|| format!("{id:?} (fenced: {fenced_now}, wrote: {writes}) says {said:?}"));
        if fences || !effects.is_empty() {
            self.later(leaves_at - self.now, Event::Leave { from: id, fences, effects });
        }
    }

    fn leave(&mut self, from: InstanceId, fences: bool, effects: Vec<Effect>) {
        if self.objects[from.object].instance(from.number).is_none() {
            return;
        }
        let is_current = self.objects[from.object].current.as_ref().is_some_and(|it| it.number == from.number);
        if fences && is_current {
            self.objects[from.object].fence(self.variant != Some(Variant::FenceSkipped));
        }
        for effect in effects {
            self.effect(from, effect);
        }
    }

    fn effect(&mut self, from: InstanceId, effect: Effect) {
        let object = &mut self.objects[from.object];
        match effect {
            Effect::Reply { id, json } => self.reply(from, id, Some(json)),
            Effect::Fail { id, fault } => {
                if self.now >= self.calm_from {
                    self.violated("fault", &fault);
                }
                self.note(|| format!("{from:?} gives {id:?} up: {fault}"));
                self.reply(from, id, None);
            }
            Effect::Ask { id, target, json } => {
                let kind = match target {
                    Target::Locator(key) => Kind::Locator(locator::object_name(&key)),
                    Target::Instance => Kind::Registry,
                    Target::Organization(id) => Kind::Organization(self.organization(id.as_str())),
                    Target::Login(name) => panic!("nobody signs in here: {name:?}"),
                };
                self.send(kind, json, Caller::Object(from, id), PATIENCE_MILLIS);
            }
            Effect::KvPut { key, value, version } => self.put(from, key, value, version),
            // It was set with what the event wrote.
            Effect::SetAlarm { .. } => {}
            Effect::Sync { id } => self.later(1, Event::Tell(from, Told::Synced { id })),
            Effect::Timer { id, millis } => {
                let mut lasts = object.clock.lasts(i64::try_from(millis).expect("a timer's length"));
                if self.variant == Some(Variant::WaitCut) {
                    lasts /= 2;
                }
                let late = if self.fails(0.1) { self.rng.i64(0..=500) } else { self.rng.i64(0..=10) };
                self.later(lasts + late, Event::Tell(from, Told::Timer { id }));
            }
        }
    }

    fn reply(&mut self, from: InstanceId, id: CallId, json: Option<String>) {
        let Some(instance) = self.objects[from.object].instance(from.number) else { return };
        let Some((caller, carried)) = instance.open.remove(&id) else {
            self.violated("answers", &format!("{from:?} answers {id:?} twice"));
            return;
        };
        let json = json.map(|json| self.spoil(from.object, id, json));
        if self.fails(self.plan.lost) {
            return;
        }
        let way = self.way();
        self.later(way, Event::Answer { caller, answer: json, carried });
    }

    /// What a world that is wrong on purpose makes of an answer.
    fn spoil(&mut self, object: usize, id: CallId, json: String) -> String {
        let Kind::Organization(number) = self.objects[object].kind else { return json };
        let Ok(mut answer) = serde_json::from_str::<serde_json::Value>(&json) else { return json };
        if answer.get("epoch").is_none() || answer.get("changes").is_none() {
            return json;
        }
        match self.variant {
            Some(Variant::ChangesDropped) if answer["changes"].get("since").is_some() => {
                answer["changes"]["since"]["tokens"] = serde_json::json!([]);
            }
            Some(Variant::StartOverLost) if answer["changes"] == "start_over" => match self.held.remove(&id) {
                Some(since) => {
                    answer["changes"] = serde_json::json!({ "since": { "since": since, "tokens": [] } });
                }
                None => return json,
            },
            Some(Variant::DirectoryTrusted) => {
                let proof = answer.pointer("/record/proofs/0/kind/digest").and_then(serde_json::Value::as_str);
                let key = proof.map(|digest| format!("d:{digest}")).unwrap_or_default();
                if let Some(row) = self.directory.get(&mut self.rng, &key, 0.5)
                    && let Ok(record) = directory::read(&template::instance_secret(), &key, &row)
                {
                    answer["record"] = serde_json::json!(record);
                }
            }
            Some(Variant::LateAnswersKept) => answer["epoch"] = serde_json::json!(self.truths[number].epoch()),
            _ => return json,
        }
        answer.to_string()
    }

    fn put(&mut self, from: InstanceId, key: String, value: Option<String>, version: u64) {
        // Were only its faults believed to be successes, the second put would hide that.
        let lies = self.variant == Some(Variant::PutLost) && self.rng.f64() < self.plan.unput;
        let fails = self.fails(self.plan.unput) || lies;
        let (applies, told) = match (fails, self.rng.u8(0..4)) {
            (false, _) => (true, Some(true)),
            (true, _) if lies => (false, Some(true)),
            (true, 0) => (true, None),
            (true, 1) => (true, Some(false)),
            (true, 2) => (false, None),
            (true, _) => (false, Some(false)),
        };
        let way = if self.fails(self.plan.slow) { self.rng.i64(100..=20_000) } else { self.rng.i64(5..=100) };
        if applies {
            self.later(way, Event::Put { key: key.clone(), value });
        }
        if let Some(ok) = told {
            self.later(way + 20, Event::Tell(from, Told::KvPut { key, version, ok }));
        }
    }

    fn alarm(&mut self, object: usize) {
        let due = self.objects[object].alarm;
        let Some(at) = due else { return };
        // One that was set for later, before this: its own event is still to come.
        if !self.objects[object].clock.has_come(self.now, at) {
            return;
        }
        if self.rests(object) {
            self.later(ALARM_AGAIN_MILLIS, Event::Alarm(object));
            return;
        }
        self.objects[object].alarm = None;
        let number = self.wake(object);
        self.tell(InstanceId { object, number }, Told::Alarm);
        // The platform rings again when nobody has heard it to the end.
        if self.objects[object].instance(number).is_none() && self.objects[object].alarm.is_none() {
            self.objects[object].alarm = Some(at);
            self.later(ALARM_AGAIN_MILLIS, Event::Alarm(object));
        }
    }

    fn set_alarm(&mut self, number: usize, at: Timestamp) {
        let object = &mut self.objects[number];
        object.alarm = Some(at);
        let millis = object.clock.when(self.now, at) - self.now;
        let late = self.rng.i64(0..=20);
        if self.variant != Some(Variant::AlarmLost) {
            self.later(millis + late, Event::Alarm(number));
        }
    }

    pub(crate) fn organization(&self, short_id: &str) -> usize {
        let found = self.template.organizations.iter().position(|it| it.short_id.as_str() == short_id);
        found.unwrap_or_else(|| panic!("nobody has founded {short_id}"))
    }

    // Edges.

    fn answer(&mut self, caller: Caller, answer: Option<String>, carried: Carried) {
        match caller {
            Caller::Object(instance, id) => {
                self.tell(instance, Told::Answered { id, answer: answer.ok_or(Unreachable) });
            }
            Caller::Edge(task, effect) => {
                if let Some(Running::Request { carried: known, .. }) = self.task(task) {
                    *known = (*known).max(carried);
                }
                let answer = match answer {
                    Some(text) => asked::Answer::Text { text },
                    None => asked::Answer::Failed,
                };
                self.go_on(task, effect, answer);
            }
        }
    }

    /// Calls and tasks that nobody has answered.
    pub(crate) fn unanswered(&self) -> usize {
        let open = |object: &Object| object.current.as_ref().map_or(0, |instance| instance.open.len());
        let calls: usize = self.objects.iter().map(open).sum();
        calls + self.edges.iter().map(|edge| edge.tasks.len()).sum::<usize>()
    }
}
