//! Everything outside one gate: authority, instance, directory, locator, replay memory and host, with a log of who was
//! asked.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::json;
use sha2::{Digest as _, Sha256, Sha512};
use symbolon::key::{PublicKey, Signature};
use symbolon::policy::Rate;
use symbolon::protocol::identity::{Recognised, Returned};
use symbolon::protocol::imported::Candidates;
use symbolon::protocol::login::LoginCall;
use symbolon::protocol::message::{
    Answer as Told, Ask, Attempted, Changes, Client, Done, HttpResponse, InstanceCall, Limited, Located, LocatorCall,
    Lookup, Manage, Named, OrganizationCall, Place, ReplayCall, Replayed, Route, Routes, UseBatch,
};
use symbolon::protocol::{Epoch, Network, ProofKind, Record, directory};
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use super::{NOW, gate, instance_secret, organization, record, route};
use crate::effect::{Answer, Effect, Method, Target};
use crate::{Gate, GateRequest, Outcome, Step, Task};

/// Everything outside one gate. What is `down` does not answer.
pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) now: Timestamp,
    pub(crate) body: Vec<u8>,
    pub(crate) records: Vec<Record>,
    pub(crate) epoch: u64,
    pub(crate) lease_millis: u64,
    pub(crate) stale_millis: u64,
    pub(crate) directory: HashMap<String, String>,
    pub(crate) places: HashMap<String, Place>,
    pub(crate) routes: Vec<Route>,
    /// How often the route table was told.
    pub(crate) tables: u32,
    pub(crate) replays: HashSet<String>,
    pub(crate) attempts_left: u32,
    /// Who tried passphrases, as tries were reserved and settled.
    pub(crate) tried_by: Vec<Client>,
    pub(crate) batches: Vec<UseBatch>,
    /// What authorities say of limits.
    pub(crate) failed: Option<Rate>,
    pub(crate) limited: Vec<Limited>,
    /// For how long the locator says that there were too many.
    pub(crate) locator_limits: Option<u32>,
    /// Where the secrets came from that the locator was asked for.
    pub(crate) shown_to_locator: Vec<Option<Network>>,
    /// From where authorities were told that unknown credentials came.
    pub(crate) shown_by: Vec<Network>,
    pub(crate) down: HashSet<&'static str>,
    /// What logins were asked, and what they answer.
    pub(crate) logins: Vec<(u8, LoginCall)>,
    pub(crate) login_answer: serde_json::Value,
    /// Which digests are those of sessions, and of nothing else.
    pub(crate) sessions: HashSet<Digest>,
    /// Whether whoever manages must bring the hash of a passphrase.
    pub(crate) wants_hash: bool,
    /// How a sign-in ends.
    pub(crate) sign_in_status: u16,
    /// Management calls, in order.
    pub(crate) managed: Vec<Manage>,
    /// Servers elsewhere: what each address answers.
    pub(crate) elsewhere: HashMap<String, (u16, String)>,
    /// What was asked of them, in order.
    pub(crate) fetched: Vec<(Method, String, Option<String>)>,
    /// Who came back from a provider, and what becomes of them.
    pub(crate) returned: Vec<Returned>,
    pub(crate) recognised: Recognised,
    /// What was asked of whom, in order.
    pub(crate) calls: Vec<String>,
}

impl World {
    /// A world with [`record`], and an origin.
    pub(crate) fn new() -> Self {
        Self {
            gate: gate(1),
            now: NOW,
            body: Vec::new(),
            records: vec![record()],
            epoch: 1,
            lease_millis: 2000,
            stale_millis: 0,
            directory: HashMap::new(),
            places: HashMap::new(),
            routes: vec![
                route(json!({"method": "GET", "path": "/public/{*rest}", "public": true})),
                route(json!({"method": "GET", "path": "/things", "permission": "api:read"})),
                route(
                    json!({"method": "*", "path": "/teams/{team}/{*rest}", "permission": "api:write", "resource": "{team}"}),
                ),
                route(json!({"method": "POST", "path": "/things", "permission": "api:write"})),
                route(json!({"method": "GET", "path": "/strict", "permission": "api:read", "freshness": "strict"})),
            ],
            tables: 0,
            replays: HashSet::new(),
            attempts_left: 5,
            tried_by: Vec::new(),
            batches: Vec::new(),
            failed: None,
            limited: Vec::new(),
            locator_limits: None,
            shown_to_locator: Vec::new(),
            shown_by: Vec::new(),
            down: HashSet::new(),
            logins: Vec::new(),
            login_answer: serde_json::Value::Null,
            sessions: HashSet::new(),
            wants_hash: false,
            sign_in_status: 201,
            managed: Vec::new(),
            elsewhere: HashMap::new(),
            fetched: Vec::new(),
            returned: Vec::new(),
            recognised: Recognised::Linked,
            calls: Vec::new(),
        }
    }

    /// A world whose one record was changed first.
    pub(crate) fn with(change: impl FnOnce(&mut Record)) -> Self {
        let mut world = Self::new();
        change(&mut world.records[0]);
        world
    }

    /// Changes the record, as the authority would: another epoch, another version.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Record)) {
        self.epoch = self.epoch.saturating_add(1);
        self.records[0].version = Epoch::new(self.epoch);
        change(&mut self.records[0]);
    }

    /// Puts the record as it is now into the directory, under every name.
    pub(crate) fn list(&mut self) {
        let record = &self.records[0];
        let names = record.proofs.iter().filter_map(|proof| match &proof.kind {
            ProofKind::Bearer { digest } => Lookup::Digest(*digest).locator_key(),
            ProofKind::Key { thumbprint, .. } => Lookup::Thumbprint(*thumbprint).locator_key(),
            ProofKind::Bcrypt { .. } => None,
        });
        let rows = names.map(|name| {
            let row = directory::write(&instance_secret(), &name, record).unwrap();
            (name, row)
        });
        self.directory.extend(rows);
    }

    /// Lets the locator know where a credential is.
    pub(crate) fn place(&mut self, lookup: &Lookup) {
        let place = Place { organization: organization(), token: self.records[0].token };
        self.places.insert(lookup.locator_key().unwrap(), place);
    }

    /// What becomes of a request, and whom it asked.
    pub(crate) fn handle(&mut self, request: GateRequest) -> Outcome {
        self.calls.clear();
        let task = self.gate.handle(request);
        self.run(task)
    }

    /// The response to a request, and its body as JSON.
    pub(crate) fn respond(&mut self, request: GateRequest) -> (u16, serde_json::Value) {
        match self.handle(request) {
            Outcome::Respond(response) => {
                (response.status, serde_json::from_str(&response.body).unwrap_or(serde_json::Value::Null))
            }
            other => panic!("{other:?}"),
        }
    }

    /// The code with which a request is refused, or `forward` or `ok`.
    pub(crate) fn code(&mut self, request: GateRequest) -> String {
        match self.handle(request) {
            Outcome::Forward(_) => "forward".to_owned(),
            Outcome::Respond(response) if response.status == 200 => "ok".to_owned(),
            Outcome::Respond(response) => {
                let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
                assert_eq!(body["status"], response.status);
                body["code"].as_str().unwrap().to_owned()
            }
            Outcome::Asset { console: true, .. } => "console".to_owned(),
            Outcome::Asset { console: false, .. } => "asset".to_owned(),
        }
    }

    /// Does all background work that is due; how many pieces there were.
    pub(crate) fn background(&mut self) -> usize {
        self.calls.clear();
        core::iter::from_fn(|| self.gate.background(self.now).map(|task| self.run(task))).count()
    }

    pub(crate) fn run<T>(&mut self, mut task: Task<T>) -> T {
        let mut under_way = VecDeque::new();
        let mut step = task.start(self.now);
        loop {
            match step {
                Step::Done(value) => return value,
                Step::Wait(new) => under_way.extend(new),
            }
            let (id, effect) = under_way.pop_front().expect("the task waits for nothing");
            let answer = self.perform(effect);
            step = task.answer(self.now, id, answer);
        }
    }

    pub(crate) fn perform(&mut self, effect: Effect) -> Answer {
        let text = |value: serde_json::Value| Answer::Text { text: value.to_string() };
        match effect {
            Effect::Ask { target, message } => {
                let name = match &target {
                    Target::Organization(_) => "organization",
                    Target::Instance => "instance",
                    Target::Locator(_) => "locator",
                    Target::Replay(_) => "replay",
                    Target::Login(_) => "login",
                };
                self.calls.push(name.to_owned());
                if self.down.contains(name) {
                    return Answer::Failed;
                }
                text(match target {
                    Target::Organization(id) => self.organization(&id, serde_json::from_str(&message).unwrap()),
                    Target::Instance => self.instance(serde_json::from_str(&message).unwrap()),
                    Target::Locator(key) => match serde_json::from_str(&message).unwrap() {
                        LocatorCall::Find { .. } => {
                            json!(Located { place: self.places.get(&key).copied(), limited: self.locator_limits })
                        }
                        LocatorCall::Candidates { shown_by, .. } => {
                            self.shown_to_locator.push(shown_by);
                            json!(Candidates { limited: self.locator_limits, ..Candidates::default() })
                        }
                        other => panic!("{other:?}"),
                    },
                    Target::Login(shard) => {
                        let call: LoginCall = serde_json::from_str(&message).unwrap();
                        self.logins.push((shard, call));
                        self.login_answer.clone()
                    }
                    Target::Replay(key) => {
                        let call: ReplayCall = serde_json::from_str(&message).unwrap();
                        assert_eq!(key, call.key);
                        assert!(call.created <= self.now.plus_seconds(5) && self.now <= call.until);
                        json!(if self.replays.insert(key) { Replayed::Fresh } else { Replayed::Seen })
                    }
                })
            }
            Effect::Directory { key } => {
                self.calls.push("directory".to_owned());
                self.directory.get(&key).map_or(Answer::Absent, |value| Answer::Text { text: value.clone() })
            }
            Effect::VerifyP256 { public_key, message, signature } => {
                self.calls.push("verify".to_owned());
                let key = PublicKey::from_hex(&public_key).unwrap();
                Answer::Verdict { matches: key.verify(&message, &Signature::from_bytes(&signature).unwrap()) }
            }
            Effect::BodyDigests { sha256, sha512, limit } => {
                self.calls.push("digests".to_owned());
                if self.body.len() > usize::try_from(limit).unwrap() {
                    return Answer::TooLarge;
                }
                Answer::Digests {
                    sha256: sha256.then(|| Sha256::digest(&self.body).to_vec()),
                    sha512: sha512.then(|| Sha512::digest(&self.body).to_vec()),
                }
            }
            Effect::BodyText { limit } => {
                self.calls.push("body".to_owned());
                if self.body.len() > usize::try_from(limit).unwrap() {
                    return Answer::TooLarge;
                }
                String::from_utf8(self.body.clone()).map_or(Answer::NotText, |text| Answer::Text { text })
            }
            Effect::VerifyRs256 { .. } => panic!("nothing here is signed with RSA"),
            Effect::Fetch { method, url, body, limit, .. } => {
                self.calls.push(format!("fetch {url}"));
                self.fetched.push((method, url.clone(), body));
                match self.elsewhere.get(&url) {
                    None => Answer::Failed,
                    Some((_, text)) if text.len() > usize::try_from(limit).unwrap() => Answer::TooLarge,
                    Some((status, text)) => Answer::Fetched { status: *status, text: text.clone() },
                }
            }
            Effect::Sleep { millis } => {
                self.calls.push("sleep".to_owned());
                self.now = self.now.plus_millis(millis.into());
                Answer::Absent
            }
        }
    }

    fn organization(&mut self, id: &str, call: OrganizationCall) -> serde_json::Value {
        match call {
            OrganizationCall::Ask(ask) => json!(self.told(id, ask)),
            OrganizationCall::Attempt { client, .. } => {
                self.tried_by.push(client);
                json!(match self.attempts_left.checked_sub(1) {
                    Some(left) => {
                        self.attempts_left = left;
                        Attempted::Reserved
                    }
                    None => Attempted::Locked { until: self.now.plus_seconds(900) },
                })
            }
            OrganizationCall::Settle { right, client, .. } => {
                self.tried_by.push(client);
                if right {
                    self.attempts_left = 5;
                }
                json!(Done { epoch: Epoch::new(self.epoch) })
            }
            OrganizationCall::Manage(manage) => {
                self.managed.push(manage.clone());
                let wants = self.wants_hash && manage.passphrase_hash.is_none();
                let status = if wants { HttpResponse::WANTS_HASH } else { 200 };
                json!({"status": status, "headers": [], "body": serde_json::to_string(&manage).unwrap()})
            }
            OrganizationCall::SignIn(call) => {
                json!({"status": self.sign_in_status, "headers": [], "body": serde_json::to_string(&call).unwrap()})
            }
            OrganizationCall::AcceptInvitation { .. } => json!({"status": 200, "headers": [], "body": "{}"}),
            OrganizationCall::Found(_) | OrganizationCall::CollectLogin { .. } | OrganizationCall::Authorize(_) => {
                panic!("from other objects alone")
            }
            OrganizationCall::Returned(call) => {
                self.returned.push(*call);
                json!(self.recognised)
            }
            OrganizationCall::Try(_) | OrganizationCall::Upgrade(_) => panic!("nothing was imported"),
        }
    }

    fn told(&mut self, id: &str, ask: Ask) -> Told {
        let proves = |proof: &ProofKind, lookup: &Lookup| match (proof, lookup) {
            (ProofKind::Bearer { digest }, Lookup::Digest(asked)) => digest == asked && !self.sessions.contains(asked),
            (ProofKind::Bearer { digest }, Lookup::Session(asked)) => digest == asked && self.sessions.contains(asked),
            (ProofKind::Key { thumbprint, .. }, Lookup::Thumbprint(asked)) => thumbprint == asked,
            (ProofKind::Key { public_key, .. }, Lookup::Alias(asked)) => public_key.fingerprint().to_string() == *asked,
            _ => false,
        };
        let found = ask.lookup.and_then(|lookup| {
            let mut own = self.records.iter().filter(|record| record.short_id.as_str() == id);
            own.find(|record| record.proofs.iter().any(|proof| proves(&proof.kind, &lookup))).cloned()
        });
        self.shown_by.extend(ask.shown_by);
        let counted = ask.uses.as_ref().map(|batch| batch.number);
        self.batches.extend(ask.uses);
        let changed = |since: Epoch| {
            self.records.iter().filter(|record| record.version > since).map(|record| record.token).collect()
        };
        Told {
            epoch: Epoch::new(self.epoch),
            record: found.map(Box::new),
            changes: ask.since.map_or(Changes::StartOver, |since| Changes::Since { since, tokens: changed(since) }),
            lease_millis: if ask.lease { self.lease_millis } else { 0 },
            stale_millis: self.stale_millis,
            counted,
            failed: self.failed,
            limited: self.limited.clone(),
        }
    }

    fn instance(&mut self, call: InstanceCall) -> serde_json::Value {
        match call {
            InstanceCall::Locate { slug } => json!(Named { organization: (slug == "acme").then(organization) }),
            InstanceCall::Routes(ask) => {
                let same = ask.keeps && ask.since == Some(Epoch::new(self.epoch));
                let routes = (!same).then(|| self.routes.clone());
                self.tables = self.tables.saturating_add(u32::from(!same));
                json!(Routes {
                    answer: self.told("", ask),
                    routes,
                    organizations: [("", organization()), ("other", "Other2".parse().unwrap())]
                        .map(|(name, id)| (name.to_owned(), id))
                        .into(),
                })
            }
            other => json!({"status": 200, "headers": [], "body": serde_json::to_string(&other).unwrap()}),
        }
    }
}
