//! A whole deployment in memory: gates as they run at edges, authorities, instance, locators and replay memories as they
//! run in Durable Objects over SQLite, and the directory, joined by the very messages that they send each other.
//!
//! Everything is deterministic. Time stands until nothing is left to do but wait.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::LazyLock;

use super::call::{Call, MANAGEMENT, SETUP_CODE};
use serde_json::Value as Json;
use symbolon::id::ShortId;
use symbolon::key::{PublicKey, Signature};
use symbolon::policy::builtin_hex_formats;
use symbolon::protocol::SharedSecret;
use symbolon::protocol::message::HttpResponse;
use symbolon::signature::BodyDigests;
use symbolon::time::Timestamp;
use symbolon::token::InstanceSecret;
use symbolon_authority::instance::Instance;
use symbolon_authority::locator::{self, Locator};
use symbolon_authority::login::{self, Login};
use symbolon_authority::machine::{
    CallId, Config, Context, Effect, EffectId, Event, Machine, Target as Other, Unreachable,
};
use symbolon_authority::organization::Organization;
use symbolon_authority::replay::{self, Replay};
use symbolon_authority::store::{Row, Sqlite, Store, Value};
use symbolon_gate::effect::{Answer, Effect as Wish, EffectId as WishId, Target};
use symbolon_gate::{Gate, GateConfig, GateRequest, Outcome, ProxySecrets, Step, Task};
use symbolon_openapi::{Conformance, Exchange};

const INSTANCE_SECRET: [u8; 32] = [7; 32];
/// Beyond so many steps something goes round in circles.
const MAX_STEPS: usize = 2_000_000;

/// One object: a machine over its own database.
struct Node {
    machine: Box<dyn Machine>,
    store: &'static Sqlite,
    alarm: Option<Timestamp>,
    timers: BTreeMap<EffectId, Timestamp>,
}

/// Who waits for the answer to a call.
enum Waiter {
    Request { request: usize, wish: WishId },
    Object { object: String, effect: EffectId },
}

/// What is said of every call.
static CONTRACT: LazyLock<Conformance> = LazyLock::new(|| Conformance::new().expect("a document"));

/// A request on its way.
struct Running {
    method: String,
    url: String,
    task: Task<Outcome>,
    body: String,
    outcome: Option<Outcome>,
    taken: bool,
}

impl Running {
    /// Every answer of a management host is one that the OpenAPI document describes.
    fn is_as_described(&self, status: u16, headers: &[(String, String)], body: &str) {
        let Some(target) = self.url.strip_prefix(MANAGEMENT) else { return };
        let media = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        let exchange = Exchange {
            method: &self.method,
            path: target.split('?').next().unwrap_or_default(),
            sent: &self.body,
            status,
            media,
            body,
        };
        if let Err(mismatch) = CONTRACT.check(exchange) {
            panic!("{mismatch}");
        }
    }
}

enum Job {
    Event { object: String, event: Event },
    Answer { request: usize, wish: WishId, answer: Answer },
    Background { answer: Answer },
}

/// The deployment.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    config: Config,
    gates: Vec<Gate>,
    nodes: BTreeMap<String, Node>,
    pub(crate) directory: BTreeMap<String, String>,
    /// Messages with this text in them do not arrive.
    pub(crate) lost: Option<&'static str>,
    waiting: BTreeMap<(String, CallId), Waiter>,
    requests: Vec<Running>,
    jobs: VecDeque<Job>,
    sleeping: Vec<(Timestamp, Job)>,
    next_call: u64,
    random: u64,
    /// What objects gave up, with why: our own faults.
    pub(crate) faults: Vec<String>,
    /// Every text that went to an object, the directory or a client, if a test wants to search them.
    pub(crate) heard: Option<Vec<String>>,
}

impl World {
    /// So many gates, and nothing set up.
    pub(crate) fn empty(gates: u8) -> Self {
        let gate = |index: u8| {
            let config = GateConfig {
                instance_secret: InstanceSecret::new(&INSTANCE_SECRET).unwrap(),
                formats: builtin_hex_formats(),
                gateway_hosts: vec!["api.example".to_owned()],
                has_origin: true,
                proxy_secrets: ProxySecrets::default(),
                setup_code: SharedSecret::new(SETUP_CODE),
                oidc: None,
                admin_key: None,
            };
            Gate::new(config, [index; 16])
        };
        Self {
            now: Timestamp::from_seconds(1_800_000_000),
            config: Config { instance_secret: INSTANCE_SECRET.to_vec(), setup_code: SharedSecret::new(SETUP_CODE) },
            gates: (0..gates).map(gate).collect(),
            nodes: BTreeMap::new(),
            directory: BTreeMap::new(),
            lost: None,
            waiting: BTreeMap::new(),
            requests: Vec::new(),
            jobs: VecDeque::new(),
            sleeping: Vec::new(),
            next_call: 0,
            random: 1,
            faults: Vec::new(),
            heard: None,
        }
    }

    /// Sends a request to a gate and waits for what comes of it: status and JSON body, 0 for one that was passed on.
    pub(crate) fn send(&mut self, gate: usize, call: Call) -> (u16, Json) {
        let (status, body, _) = self.exchange(gate, call);
        (status, serde_json::from_str(&body).unwrap_or(Json::String(body)))
    }

    /// The same, with the body's text and the header fields.
    pub(crate) fn exchange(&mut self, gate: usize, call: Call) -> (u16, String, Vec<(String, String)>) {
        let request = self.begin(gate, call);
        self.settle();
        self.response(request)
    }

    /// Sends requests at once, each to the gate that stands with it.
    pub(crate) fn send_together(&mut self, calls: Vec<(usize, Call)>) -> Vec<(u16, Json)> {
        let begun: Vec<usize> = calls.into_iter().map(|(gate, call)| self.begin(gate, call)).collect();
        self.settle();
        let response = |request: usize| {
            let (status, body, _) = self.response(request);
            (status, serde_json::from_str(&body).unwrap_or(Json::String(body)))
        };
        begun.into_iter().map(response).collect()
    }

    /// What was heard since this was asked last.
    pub(crate) fn listen(&mut self) -> Vec<String> {
        self.heard.replace(Vec::new()).unwrap_or_default()
    }

    /// Lets a gate do what is due besides requests: leases, and counts.
    pub(crate) fn background(&mut self, gate: usize) {
        while let Some(mut task) = self.gates[gate].background(self.now) {
            let mut step = task.start(self.now);
            while let Step::Wait(wishes) = step {
                let mut answers = Vec::new();
                for (wish, effect) in wishes {
                    match effect {
                        Wish::Sleep { millis } => {
                            self.pass(i64::from(millis));
                            answers.push((wish, Answer::Absent));
                        }
                        Wish::Ask { target, message } => answers.push((wish, self.ask_now(&target, message))),
                        other => panic!("no work for the background: {other:?}"),
                    }
                }
                let (wish, answer) = answers.pop().expect("it waits for something");
                assert!(answers.is_empty(), "one at a time");
                step = task.answer(self.now, wish, answer);
            }
        }
    }

    /// Asks an object from outside any request.
    fn ask_now(&mut self, target: &Target, message: String) -> Answer {
        let request = usize::MAX;
        let wish = WishId(0);
        let Some(object) = self.route(target) else { return Answer::Failed };
        self.call(object, message, Waiter::Request { request, wish });
        let mut found = None;
        for _ in 0..MAX_STEPS {
            match self.jobs.pop_front() {
                Some(Job::Background { answer }) => found = Some(answer),
                Some(job) => self.step(job),
                None if found.is_some() => break,
                None => assert!(self.wait(None), "an answer comes"),
            }
        }
        found.expect("an answer")
    }

    /// Lets time pass, with whatever is due meanwhile.
    pub(crate) fn pass(&mut self, millis: i64) {
        let until = self.now.plus_millis(millis);
        for _ in 0..MAX_STEPS {
            match self.jobs.pop_front() {
                Some(job) => self.step(job),
                None if self.wait(Some(until)) => {}
                None => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("it never comes to rest");
    }

    /// A statement on an object's database, behind its back.
    pub(crate) fn sql(&self, object: &str, sql: &str, parameters: &[Value]) -> Vec<Row> {
        self.nodes[object].store.execute(sql, parameters).unwrap()
    }

    /// The objects whose names begin so.
    pub(crate) fn objects(&self, beginning: &str) -> Vec<String> {
        self.nodes.keys().filter(|name| name.starts_with(beginning)).cloned().collect()
    }

    /// Another machine over the same database takes an object over.
    pub(crate) fn restart(&mut self, object: &str) {
        let store = self.nodes[object].store;
        let alarm = self.nodes[object].alarm;
        let node = Node { machine: machine(object, store), store, alarm, timers: BTreeMap::new() };
        self.nodes.insert(object.to_owned(), node);
        self.jobs.retain(|job| !matches!(job, Job::Event { object: other, .. } if other == object));
        let lost: Vec<_> = self.waiting.keys().filter(|(other, _)| other == object).cloned().collect();
        for key in lost {
            let waiter = self.waiting.remove(&key).unwrap();
            self.answer(waiter, None);
        }
    }

    /// Begins a request, without waiting.
    fn begin(&mut self, gate: usize, call: Call) -> usize {
        let Call { method, url, headers, body, address } = call;
        let request = GateRequest { method, url, headers, has_body: !body.is_empty(), client_address: Some(address) };
        let (method, url) = (request.method.clone(), request.url.clone());
        let task = self.gates[gate].handle(request);
        self.requests.push(Running { method, url, task, body, outcome: None, taken: false });
        let request = self.requests.len() - 1;
        let step = self.requests[request].task.start(self.now);
        self.wishes(request, step);
        request
    }

    fn response(&mut self, request: usize) -> (u16, String, Vec<(String, String)>) {
        self.requests[request].taken = true;
        match self.requests[request].outcome.take().expect("it has ended") {
            Outcome::Respond(response) => {
                let HttpResponse { status, headers, body } = Rc::unwrap_or_clone(response);
                self.requests[request].is_as_described(status, &headers, &body);
                if let Some(heard) = &mut self.heard {
                    heard.push(format!("{headers:?} {body}"));
                }
                (status, body, headers)
            }
            Outcome::Forward(forward) => {
                if let Some(heard) = &mut self.heard {
                    heard.push(format!("{forward:?}"));
                }
                (0, String::new(), forward.set)
            }
            Outcome::Asset { .. } => panic!("a test asks for no asset"),
        }
    }

    /// Works until every request has ended, letting time pass as far as they wait for it.
    fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            if let Some(job) = self.jobs.pop_front() {
                self.step(job);
            } else if self.requests.iter().all(|running| running.outcome.is_some() || running.taken) {
                return;
            } else {
                assert!(self.wait(None), "a request waits for nothing");
            }
        }
        panic!("it never comes to rest");
    }

    /// Moves the clock to the next thing that is due, if there is one until then.
    fn wait(&mut self, until: Option<Timestamp>) -> bool {
        let mut due: Vec<Timestamp> = self.sleeping.iter().map(|(at, _)| *at).collect();
        for node in self.nodes.values() {
            due.extend(node.alarm);
            due.extend(node.timers.values().copied());
        }
        let Some(at) = due.into_iter().min().filter(|at| until.is_none_or(|until| *at <= until)) else { return false };
        self.now = self.now.max(at);
        let now = self.now;
        let (due, later) = std::mem::take(&mut self.sleeping).into_iter().partition(|(at, _)| *at <= now);
        self.sleeping = later;
        let due: Vec<(Timestamp, Job)> = due;
        self.jobs.extend(due.into_iter().map(|(_, job)| job));
        for (object, node) in &mut self.nodes {
            if node.alarm.take_if(|at| *at <= now).is_some() {
                self.jobs.push_back(Job::Event { object: object.clone(), event: Event::Alarm });
            }
            while let Some(id) = node.timers.iter().find(|(_, at)| **at <= now).map(|(id, _)| *id) {
                node.timers.remove(&id);
                self.jobs.push_back(Job::Event { object: object.clone(), event: Event::Timer { id } });
            }
        }
        true
    }

    fn step(&mut self, job: Job) {
        match job {
            Job::Background { .. } => panic!("nobody waits for this"),
            Job::Answer { request, wish, answer } => {
                let step = self.requests[request].task.answer(self.now, wish, answer);
                self.wishes(request, step);
            }
            Job::Event { object, event } => {
                let effects = self.on(&object, event);
                for effect in effects {
                    self.effect(&object, effect);
                }
            }
        }
    }

    fn on(&mut self, object: &str, event: Event) -> Vec<Effect> {
        let random = &mut self.random;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                // Deterministic, and spread over all values.
                *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = random.to_be_bytes()[0];
            }
        };
        let mut context = Context { now: self.now, random: &mut fill, config: &self.config };
        self.nodes.get_mut(object).expect("an object").machine.on(&mut context, event)
    }

    fn effect(&mut self, object: &str, effect: Effect) {
        match effect {
            Effect::Reply { id, json } => {
                if let Some(waiter) = self.waiting.remove(&(object.to_owned(), id)) {
                    self.answer(waiter, Some(json));
                }
            }
            Effect::Fail { id, fault } => {
                self.faults.push(format!("{object}: {fault}"));
                if let Some(waiter) = self.waiting.remove(&(object.to_owned(), id)) {
                    self.answer(waiter, None);
                }
            }
            Effect::Ask { id, target, json } => {
                let waiter = Waiter::Object { object: object.to_owned(), effect: id };
                let target = match target {
                    Other::Organization(id) => Target::Organization(id.to_string()),
                    Other::Instance => Target::Instance,
                    Other::Locator(key) => Target::Locator(key),
                    Other::Login(shard) => Target::Login(shard),
                };
                match self.route(&target) {
                    Some(other) => self.call(other, json, waiter),
                    None => self.answer(waiter, None),
                }
            }
            Effect::KvPut { key, value, version } => {
                if let Some(heard) = &mut self.heard {
                    heard.push(format!("directory {key} {value:?}"));
                }
                match value {
                    Some(value) => self.directory.insert(key.clone(), value),
                    None => self.directory.remove(&key),
                };
                let event = Event::KvPut { key, version, ok: true };
                self.jobs.push_back(Job::Event { object: object.to_owned(), event });
            }
            Effect::SetAlarm { at } => self.nodes.get_mut(object).unwrap().alarm = Some(at),
            Effect::Sync { id } => {
                self.jobs.push_back(Job::Event { object: object.to_owned(), event: Event::Synced { id } });
            }
            Effect::Timer { id, millis } => {
                let at = self.now.plus_millis(i64::try_from(millis).unwrap());
                self.nodes.get_mut(object).unwrap().timers.insert(id, at);
            }
        }
    }

    /// The object that a target means, unless it cannot be reached.
    fn route(&mut self, target: &Target) -> Option<String> {
        let object = match target {
            Target::Organization(id) => format!("organization:{}", id.parse::<ShortId>().unwrap()),
            Target::Instance => "instance".to_owned(),
            Target::Locator(key) => locator::object_name(key),
            Target::Login(shard) => login::object_name(*shard),
            Target::Replay(key) => replay::object_name(key)?,
        };
        self.nodes.entry(object.clone()).or_insert_with(|| {
            // Leaked, so that a machine and the one that takes over from it can share it; a test process is short.
            let store: &'static Sqlite = Box::leak(Box::new(Sqlite::in_memory().unwrap()));
            Node { machine: machine(&object, store), store, alarm: None, timers: BTreeMap::new() }
        });
        Some(object)
    }

    fn call(&mut self, object: String, json: String, waiter: Waiter) {
        if let Some(heard) = &mut self.heard {
            heard.push(format!("{object} {json}"));
        }
        if self.lost.is_some_and(|lost| json.contains(lost)) {
            return self.answer(waiter, None);
        }
        self.next_call += 1;
        let id = CallId(self.next_call);
        self.waiting.insert((object.clone(), id), waiter);
        self.jobs.push_back(Job::Event { object, event: Event::Call { id, json } });
    }

    fn answer(&mut self, waiter: Waiter, json: Option<String>) {
        self.jobs.push_back(match waiter {
            Waiter::Object { object, effect } => {
                Job::Event { object, event: Event::Answered { id: effect, answer: json.ok_or(Unreachable) } }
            }
            Waiter::Request { request, wish } => {
                let answer = json.map_or(Answer::Failed, |text| Answer::Text { text });
                if request == usize::MAX { Job::Background { answer } } else { Job::Answer { request, wish, answer } }
            }
        });
    }

    fn wishes(&mut self, request: usize, step: Step<Outcome>) {
        let wishes = match step {
            Step::Done(outcome) => {
                self.requests[request].outcome = Some(outcome);
                return;
            }
            Step::Wait(wishes) => wishes,
        };
        for (wish, effect) in wishes {
            let answer = match effect {
                Wish::Ask { target, message } => {
                    match self.route(&target) {
                        Some(object) => self.call(object, message, Waiter::Request { request, wish }),
                        None => self.answer(Waiter::Request { request, wish }, None),
                    }
                    continue;
                }
                Wish::Sleep { millis } => {
                    let job = Job::Answer { request, wish, answer: Answer::Absent };
                    self.sleeping.push((self.now.plus_millis(i64::from(millis)), job));
                    continue;
                }
                Wish::Directory { key } => {
                    self.directory.get(&key).map_or(Answer::Absent, |text| Answer::Text { text: text.clone() })
                }
                Wish::VerifyP256 { public_key, message, signature } => {
                    let key = PublicKey::from_hex(&public_key).unwrap();
                    Answer::Verdict { matches: key.verify(&message, &Signature::from_bytes(&signature).unwrap()) }
                }
                // Nobody signs in at a provider here.
                Wish::VerifyRs256 { .. } | Wish::Fetch { .. } => Answer::Failed,
                Wish::BodyDigests { .. } => {
                    let digests = BodyDigests::sha256(self.requests[request].body.as_bytes());
                    Answer::Digests { sha256: digests.sha256.map(|bytes| bytes.to_vec()), sha512: None }
                }
                Wish::BodyText { limit } => {
                    let body = &self.requests[request].body;
                    if body.len() > usize::try_from(limit).unwrap() {
                        Answer::TooLarge
                    } else {
                        Answer::Text { text: body.clone() }
                    }
                }
            };
            self.jobs.push_back(Job::Answer { request, wish, answer });
        }
    }
}

fn machine(object: &str, store: &'static Sqlite) -> Box<dyn Machine> {
    match object.split(':').next().unwrap() {
        "organization" => Box::new(Organization::new(store)),
        "instance" => Box::new(Instance::new(store)),
        "login" => Box::new(Login::new(store)),
        "locator" => Box::new(Locator::new(store)),
        "replay" => Box::new(Replay::new(store)),
        other => panic!("no object {other}"),
    }
}
