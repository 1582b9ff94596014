//! A world for tests: one organisation with its locator, directory, alarm and timers, all deterministic.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value as Json, json};
use symbolon::id::{OrganizationId, ShortId};
use symbolon::policy::Freshness;
use symbolon::problem::Code;
use symbolon::protocol::imported::is_candidate_key;
use symbolon::protocol::login::{LoginCall, Shown};
use symbolon::protocol::message::{
    Answer, Ask, Claimed, Client, Found, Founded, HttpRequest, HttpResponse, LocatorCall, Lookup, Manage,
    OrganizationCall, Place,
};
use symbolon::protocol::{Record, directory};
use symbolon::time::Timestamp;
use symbolon::token::{Digest, InstanceSecret};

use crate::machine::{CallId, Config, Context, Effect, EffectId, Event, Machine, Target, Unreachable};
use crate::organization::Organization;
use crate::store::{Sqlite, Store};

/// The organisation's name in credentials, in every test.
pub(crate) const SHORT_ID: &str = "Acme42";

/// One organisation and all that is around it.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) store: &'static Sqlite,
    pub(crate) machine: Organization<&'static Sqlite>,
    config: Config,
    random: u64,
    next_call: u64,
    effects: VecDeque<Effect>,
    pub(crate) replies: BTreeMap<CallId, String>,
    /// How many hashes of passphrases were asked for.
    pub(crate) hashes: u32,
    pub(crate) faults: Vec<String>,
    pub(crate) directory: BTreeMap<String, Option<String>>,
    /// Puts that are under way; a test may let them fail or wait.
    pub(crate) puts: Vec<(String, Option<String>, u64)>,
    pub(crate) hold_puts: bool,
    pub(crate) fail_puts: bool,
    pub(crate) locator: BTreeMap<String, Place>,
    pub(crate) locator_down: bool,
    /// What login objects were asked, and what they answer; none: they cannot be reached.
    pub(crate) logins: Vec<(u8, LoginCall)>,
    pub(crate) login_answer: Option<Shown>,
    /// Questions to the locator, kept back while this is set.
    pub(crate) hold_asks: bool,
    asks: Vec<(EffectId, String)>,
    pub(crate) alarm: Option<Timestamp>,
    pub(crate) timers: BTreeMap<EffectId, Timestamp>,
}

impl World {
    /// Nothing founded yet.
    pub(crate) fn empty() -> Self {
        // Leaked, so that a machine and the one that takes over from it can share it; a test process is short.
        let store: &'static Sqlite = Box::leak(Box::new(Sqlite::in_memory().unwrap()));
        Self {
            now: Timestamp::from_seconds(1_800_000_000),
            store,
            machine: Organization::new(store),
            config: Config { instance_secret: vec![7; 32], setup_code: None },
            random: 0,
            next_call: 0,
            effects: VecDeque::new(),
            replies: BTreeMap::new(),
            hashes: 0,
            faults: Vec::new(),
            directory: BTreeMap::new(),
            puts: Vec::new(),
            hold_puts: false,
            fail_puts: false,
            locator: BTreeMap::new(),
            locator_down: false,
            logins: Vec::new(),
            login_answer: None,
            hold_asks: false,
            asks: Vec::new(),
            alarm: None,
            timers: BTreeMap::new(),
        }
    }

    /// Founded with this profile; also the owner's first secret.
    pub(crate) fn founded(profile: &str) -> (Self, String) {
        let mut world = Self::empty();
        let document = world.found(&found(profile)).unwrap();
        let secret = document["secret"].as_str().unwrap().to_owned();
        (world, secret)
    }

    /// Hands in an event, and carries out what comes of it, as far as the test does not hold it back.
    pub(crate) fn event(&mut self, event: Event) {
        self.step(event);
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Reply { id, json } => {
                    assert!(self.replies.insert(id, json).is_none(), "a call is answered once");
                }
                Effect::Fail { fault, .. } => self.faults.push(fault),
                Effect::Ask { id, target, json } => {
                    if let Target::Login(shard) = target {
                        self.logins.push((shard, serde_json::from_str(&json).unwrap()));
                        let answer = self.login_answer.as_ref().map(|shown| serde_json::to_string(shown).unwrap());
                        self.step(Event::Answered { id, answer: answer.ok_or(Unreachable) });
                        continue;
                    }
                    assert!(matches!(target, Target::Locator(_)));
                    if self.hold_asks { self.asks.push((id, json)) } else { self.ask_locator(id, &json) }
                }
                Effect::KvPut { key, value, version } => {
                    assert!(!self.puts.iter().any(|(other, _, _)| *other == key), "one put at a time for {key}");
                    self.puts.push((key, value, version));
                    if !self.hold_puts {
                        self.end_puts();
                    }
                }
                Effect::SetAlarm { at } => self.alarm = Some(at),
                Effect::Sync { id } => self.step(Event::Synced { id }),
                Effect::Timer { id, millis } => {
                    self.timers.insert(id, self.now.plus_millis(millis as i64));
                }
            }
        }
    }

    fn step(&mut self, event: Event) {
        let random = &mut self.random;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                // Deterministic, and spread over all values.
                *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (*random >> 56) as u8;
            }
        };
        let mut context = Context { now: self.now, random: &mut fill, config: &self.config };
        self.effects.extend(self.machine.on(&mut context, event));
    }

    /// Lets all puts under way end.
    pub(crate) fn end_puts(&mut self) {
        for (key, value, version) in std::mem::take(&mut self.puts) {
            let ok = !self.fail_puts;
            if ok {
                self.directory.insert(key.clone(), value);
            }
            self.step(Event::KvPut { key, version, ok });
        }
    }

    /// Changes the store behind the machine's back.
    pub(crate) fn store_execute(&mut self, sql: &str) {
        self.store.execute(sql, &[]).unwrap();
    }

    fn ask_locator(&mut self, id: EffectId, json: &str) {
        let answer = if self.locator_down {
            Err(Unreachable)
        } else {
            let done = match serde_json::from_str(json).unwrap() {
                LocatorCall::Claim { key, place, .. } => *self.locator.entry(key).or_insert(place) == place,
                LocatorCall::Release { key, place, .. } => {
                    if self.locator.get(&key) == Some(&place) {
                        self.locator.remove(&key);
                    }
                    true
                }
                LocatorCall::Find { .. } | LocatorCall::Candidates { .. } => panic!("an authority finds nothing"),
            };
            Ok(serde_json::to_string(&Claimed { done, full: false }).unwrap())
        };
        self.step(Event::Answered { id, answer });
    }

    /// Answers the questions that were held back.
    pub(crate) fn answer_asks(&mut self) {
        self.hold_asks = false;
        for (id, json) in std::mem::take(&mut self.asks) {
            self.ask_locator(id, &json);
        }
        self.event(Event::Alarm);
    }

    /// Lets time pass, with alarms and timers when they are due.
    pub(crate) fn pass(&mut self, millis: i64) {
        let until = self.now.plus_millis(millis);
        loop {
            let alarm = self.alarm.filter(|at| *at <= until);
            let timer = self.timers.iter().map(|(id, at)| (*at, *id)).min().filter(|(at, _)| *at <= until);
            match (alarm, timer) {
                (Some(at), timer) if timer.is_none_or(|(other, _)| at <= other) => {
                    self.now = self.now.max(at);
                    self.alarm = None;
                    self.event(Event::Alarm);
                }
                (_, Some((at, id))) => {
                    self.now = self.now.max(at);
                    self.timers.remove(&id);
                    self.event(Event::Timer { id });
                }
                _ => break,
            }
        }
        self.now = until;
    }

    /// A new machine over the same store takes over; what was in memory is lost.
    pub(crate) fn restart(&mut self) {
        self.machine = Organization::new(self.store);
        self.timers.clear();
        self.effects.clear();
        self.puts.clear();
        self.asks.clear();
    }

    /// Takes a copy of all that is stored.
    pub(crate) fn back_up(&self) {
        self.store.execute("ATTACH ':memory:' AS saved", &[]).unwrap();
        for name in self.tables() {
            self.store.execute(&format!("CREATE TABLE saved.{name} AS SELECT * FROM main.{name}"), &[]).unwrap();
        }
    }

    /// Puts the copy back, under a new machine.
    pub(crate) fn put_back(&mut self) {
        self.store.execute("PRAGMA foreign_keys = OFF", &[]).unwrap();
        for name in self.tables() {
            self.store.execute(&format!("DELETE FROM main.{name}"), &[]).unwrap();
            self.store.execute(&format!("INSERT INTO main.{name} SELECT * FROM saved.{name}"), &[]).unwrap();
        }
        self.store.execute("PRAGMA foreign_keys = ON", &[]).unwrap();
        self.restart();
    }

    fn tables(&self) -> Vec<String> {
        let tables = self
            .store
            .execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'", &[])
            .unwrap();
        tables.iter().map(|table| table.get(0).unwrap()).collect()
    }

    /// Hands in a call, which may be answered later.
    pub(crate) fn begin(&mut self, call: &OrganizationCall) -> CallId {
        self.next_call += 1;
        let id = CallId(self.next_call);
        self.event(Event::Call { id, json: serde_json::to_string(call).unwrap() });
        id
    }

    /// Hands in a call that is answered at once.
    #[track_caller]
    pub(crate) fn call(&mut self, call: &OrganizationCall) -> String {
        let id = self.begin(call);
        match self.replies.remove(&id) {
            Some(json) => json,
            None => panic!("no reply to {call:?}; faults: {:?}", self.faults),
        }
    }

    #[track_caller]
    pub(crate) fn found(&mut self, found: &Found) -> Result<Json, Code> {
        let json = self.call(&OrganizationCall::Found(Box::new(found.clone())));
        match serde_json::from_str(&json).unwrap() {
            Founded::Made { document } => Ok(document),
            Founded::Refused { problem } => Err(problem.code),
        }
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, ask: Ask) -> Answer {
        serde_json::from_str(&self.call(&OrganizationCall::Ask(ask))).unwrap()
    }

    /// The record that a gate gets for this bearer secret.
    #[track_caller]
    pub(crate) fn record(&mut self, secret: &str) -> Option<Record> {
        let lookup = Some(Lookup::Digest(Digest::of(secret)));
        self.ask(Ask { lookup, ..Ask::default() }).record.map(|record| *record)
    }

    /// Does what a gate does with a management request, at the least: finds the token and hands the request in.
    #[track_caller]
    pub(crate) fn begin_http(&mut self, secret: &str, method: &str, path: &str, body: &Json) -> CallId {
        self.begin_request(secret, request(method, path, body))
    }

    #[track_caller]
    pub(crate) fn begin_request(&mut self, secret: &str, request: HttpRequest) -> CallId {
        let token = self.record(secret).expect("a token for the secret").token;
        let mut manage = Manage { token, signed: false, passphrase_hash: None, request };
        let id = self.begin(&OrganizationCall::Manage(manage.clone()));
        let wants = |json: &String| {
            serde_json::from_str::<HttpResponse>(json).is_ok_and(|response| response.status == HttpResponse::WANTS_HASH)
        };
        if !self.replies.get(&id).is_some_and(wants) {
            return id;
        }
        self.replies.remove(&id);
        self.hashes += 1;
        manage.passphrase_hash = Some("$argon2id$v=19$made-by-the-gate".to_owned());
        self.begin(&OrganizationCall::Manage(manage))
    }

    #[track_caller]
    pub(crate) fn http(&mut self, secret: &str, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let id = self.begin_http(secret, method, path, body);
        self.response(id)
    }

    /// The response to a call, after the time that it waits.
    #[track_caller]
    pub(crate) fn response(&mut self, id: CallId) -> (u16, Json) {
        if !self.replies.contains_key(&id) && !self.timers.is_empty() {
            self.pass(60_000);
        }
        let json = match self.replies.remove(&id) {
            Some(json) => json,
            None => panic!("no reply; faults: {:?}", self.faults),
        };
        let response: HttpResponse = serde_json::from_str(&json).unwrap();
        (response.status, serde_json::from_str(&response.body).unwrap_or(Json::String(response.body)))
    }

    /// Creates a token, and returns its document and secret.
    #[track_caller]
    pub(crate) fn create(&mut self, secret: &str, body: &Json) -> (Json, String) {
        let (status, mut made) = self.http(secret, "POST", "/v1/tokens", body);
        assert_eq!(status, 201, "{made}");
        (made["token"].take(), made["secret"].as_str().unwrap_or_default().to_owned())
    }

    /// All that is in the columns of these tables, as one text.
    pub(crate) fn store_text(&self) -> String {
        let tables = self.store.execute("SELECT name FROM sqlite_master WHERE type = 'table'", &[]).unwrap();
        let mut text = String::new();
        for table in &tables {
            let name: String = table.get(0).unwrap();
            for row in self.store.execute(&format!("SELECT * FROM {name}"), &[]).unwrap() {
                text.push_str(&format!("{row:?}\n"));
            }
        }
        text
    }

    /// What must always hold: the chain, the directory against the records, and that nothing is claimed in vain.
    pub(crate) fn check_invariants(&mut self) {
        let verification =
            crate::organization::activity::verify(self.store, "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap())
                .unwrap();
        assert!(verification.valid, "{verification:?}");
        let rows = self.store.execute("SELECT key FROM credential", &[]).unwrap();
        let keys: BTreeSet<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        let waiting = self.store.execute("SELECT key FROM outbox", &[]).unwrap();
        assert!(waiting.is_empty(), "the directory has been told everything: {waiting:?}");
        for key in keys.iter().filter(|key| !is_candidate_key(key)) {
            let stored = self.directory.get(key).unwrap_or_else(|| panic!("{key} is in the directory"));
            let secret = InstanceSecret::new(&self.config.instance_secret).unwrap();
            let record = directory::read(&secret, key, stored.as_ref().unwrap()).unwrap();
            let newest = self.ask(Ask { lookup: Some(Lookup::Token(record.token)), ..Ask::default() });
            assert_eq!(record.version, newest.record.unwrap().version, "{key}");
            assert!(record.rules.freshness >= Freshness::Eventual);
        }
        for key in self.locator.keys() {
            assert!(keys.contains(key), "{key} is claimed for a credential that lives");
        }
        assert!(self.store.execute("SELECT key FROM claim", &[]).unwrap().is_empty());
    }
}

/// A request without special fields.
pub(crate) fn request(method: &str, path: &str, body: &Json) -> HttpRequest {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (path, None),
    };
    HttpRequest {
        method: method.into(),
        origin: "https://tokens.example".into(),
        path: path.into(),
        query,
        headers: Vec::new(),
        body: if body.is_null() { String::new() } else { body.to_string() },
        client: Client { address: Some("192.0.2.1".into()), user_agent: Some("test".into()) },
    }
}

/// What founds the organisation of all tests.
pub(crate) fn found(profile: &str) -> Found {
    let id: OrganizationId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let short_id: ShortId = SHORT_ID.parse().unwrap();
    serde_json::from_value(json!({
        "id": id, "short_id": short_id, "slug": "acme", "name": "Acme", "profile": profile,
        "owner_name": "Ann", "owner_email": "Ann@acme.example", "client": {},
    }))
    .unwrap()
}
