//! Who asks for what: uses of tokens, signed requests and their repetition, and changes; with the judgement of each.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value as Json, json};
use symbolon::id::TokenId;
use symbolon::key::Thumbprint;
use symbolon::signature::{BodyPresence, KeyId, Message, Request as Signing, SignSpec, Target};
use symbolon::time::Timestamp;
use symbolon::token::Digest;
use symbolon_gate::{GateRequest, Outcome};

use crate::change::Change;
use crate::event::Event;
use crate::plan::Plan;
use crate::template::{self, EVENTUAL_EVERY, GATEWAY, Made, Means, Template};
use crate::truth::{Carried, Need};
use crate::world::World;

/// How many secrets there are that nobody has yet.
const STRANGERS: usize = 8;
/// How long a signed request can be used, in seconds.
const SIGNED_SECONDS: u32 = 60;

/// Something that a client does.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Whatever chance wants.
    Anything,
    /// Uses a credential at an isolate.
    Use { credential: usize, need: Need, path: &'static str, edge: usize },
    /// Presents a secret that nobody has yet.
    Stranger { stranger: usize, edge: usize },
    /// Asks for a change at an isolate.
    Change { organization: usize, change: Change, edge: usize },
}

/// A credential as its holder has it.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) organization: usize,
    pub(crate) token: TokenId,
    pub(crate) means: Means,
    /// The name of its proof in records.
    pub(crate) proof: String,
    pub(crate) member: Option<usize>,
    /// Whether its kind goes by the directory alone.
    pub(crate) eventual: bool,
}

/// What a request is about.
#[derive(Clone)]
pub(crate) enum About {
    /// A credential that is used.
    Use { credential: usize, need: Need },
    /// A secret that nobody had when it was presented first.
    Stranger(usize),
    /// A signed request, by its number.
    Signed { credential: usize, signed: usize },
    /// A change.
    Change { organization: usize, change: Change },
}

/// A request that was sent.
pub(crate) struct Request {
    pub(crate) edge: usize,
    pub(crate) http: GateRequest,
    pub(crate) body: String,
    about: About,
    sent: i64,
    /// Which life of the isolate it came to.
    life: u32,
    /// How it was carried out, for a change.
    carried: Carried,
}

/// A secret in the form of an organisation's, which it does not know yet.
pub(crate) struct Stranger {
    organization: usize,
    pub(crate) secret: String,
    /// Whether it is being brought in.
    taken: bool,
}

/// A request that was signed, and how often it was accepted.
struct Signed {
    http: GateRequest,
    credential: usize,
    accepted: u32,
}

/// Everything that clients know and do.
pub(crate) struct Workload {
    pub(crate) credentials: Vec<Credential>,
    busy_edges: Vec<usize>,
    pub(crate) busy_organizations: Vec<usize>,
    requests: Vec<Request>,
    signed: Vec<Signed>,
    pub(crate) strangers: Vec<Stranger>,
    /// How often each token was accepted; and how often by isolates that are no more.
    pub(crate) uses: BTreeMap<TokenId, (u64, u64)>,
    /// The same by isolate that lives.
    uses_at: BTreeMap<usize, BTreeMap<TokenId, u64>>,
}

fn shuffled(rng: &mut Rng, from: usize, take: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..from).collect();
    rng.shuffle(&mut all);
    all.truncate(take);
    all
}

impl Workload {
    /// Nothing done yet.
    pub(crate) fn new(rng: &mut Rng, plan: &Plan, template: &Template) -> Self {
        let busy_organizations = shuffled(rng, template.organizations.len(), plan.busy_organizations);
        let each = plan.busy_tokens.div_ceil(busy_organizations.len());
        let mut credentials = Vec::new();
        for organization in &busy_organizations {
            let tokens = &template.organizations[*organization].tokens;
            // A member's tokens and those proved by keys come first: more can happen to them.
            let mut chosen = shuffled(rng, tokens.len(), each);
            if each < tokens.len() {
                chosen.extend([rng.usize(0..12), rng.usize(12..tokens.len())]);
                chosen.push(rng.usize(2..tokens.len() / EVENTUAL_EVERY) * EVENTUAL_EVERY);
            }
            chosen.sort_unstable();
            chosen.dedup();
            credentials.extend(chosen.into_iter().map(|index| Credential::of(*organization, &tokens[index])));
        }
        let strangers = (0..STRANGERS).map(|number| {
            let organization = busy_organizations[number % busy_organizations.len()];
            Stranger { organization, secret: template::secret(rng, template, organization), taken: false }
        });
        let strangers = strangers.collect();
        Self {
            credentials,
            strangers,
            busy_edges: shuffled(rng, plan.edges, plan.busy_edges),
            busy_organizations,
            requests: Vec::new(),
            signed: Vec::new(),
            uses: BTreeMap::new(),
            uses_at: BTreeMap::new(),
        }
    }

    pub(crate) fn request(&self, number: usize) -> &Request {
        &self.requests[number]
    }

    pub(crate) fn arrived(&mut self, number: usize, life: u32) {
        self.requests[number].life = life;
    }

    pub(crate) fn busy_organization(&self, rng: &mut Rng) -> usize {
        self.busy_organizations[rng.usize(0..self.busy_organizations.len())]
    }

    /// Most of the time one of the busy isolates, at times any.
    pub(crate) fn busy_edge(&self, rng: &mut Rng) -> usize {
        if rng.u8(0..10) == 0 { rng.usize(0..100) } else { self.busy_edges[rng.usize(0..self.busy_edges.len())] }
    }

    /// A secret of that organisation's which nobody has brought in.
    pub(crate) fn stranger(&mut self, organization: usize) -> Option<usize> {
        let found = self.strangers.iter().position(|it| it.organization == organization && !it.taken)?;
        self.strangers[found].taken = true;
        Some(found)
    }

    /// What an isolate had counted is lost with it.
    pub(crate) fn edge_restarted(&mut self, edge: usize) {
        for (token, count) in self.uses_at.remove(&edge).unwrap_or_default() {
            self.uses.entry(token).or_default().1 += count;
        }
    }

    /// What an authority had counted may be lost with its storage.
    pub(crate) fn uses_lost(&mut self, organization: usize) {
        for credential in self.credentials.iter().filter(|it| it.organization == organization) {
            if let Some((all, lost)) = self.uses.get_mut(&credential.token) {
                *lost = *all;
            }
            for counts in self.uses_at.values_mut() {
                counts.remove(&credential.token);
            }
        }
    }

    /// All isolates that requests went to.
    pub(crate) fn edges(&self) -> Vec<usize> {
        let mut edges: Vec<usize> = self.requests.iter().map(|request| request.edge).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

impl Credential {
    pub(crate) fn of(organization: usize, made: &Made) -> Self {
        let proof = match &made.means {
            Means::Secret(secret) => Digest::of(secret).to_string(),
            Means::Key(_, thumbprint) => thumbprint.to_string(),
        };
        Self {
            organization,
            token: made.id,
            means: made.means.clone(),
            proof,
            member: made.member,
            eventual: made.eventual,
        }
    }
}

impl World {
    /// Sets the workload going.
    pub(crate) fn begin(&mut self) {
        if let Some((lease, stale)) = self.plan.terms {
            for organization in self.workload.busy_organizations.clone() {
                let change = crate::change::Change::Terms(lease, stale);
                self.later(0, Event::Work(Work::Change { organization, change, edge: 0 }));
            }
        }
        if let Some((copied, back)) = self.plan.put_back {
            let organization = self.workload.busy_organizations[0];
            self.later(copied, Event::BackUp(organization));
            self.later(back, Event::PutBack(organization));
        }
        for _ in 0..self.plan.operations {
            let at = self.rng.i64(0..self.plan.millis);
            self.later(at, Event::Work(Work::Anything));
        }
        for _ in 0..self.plan.failures {
            let at = self.rng.i64(0..self.plan.millis);
            self.later(at, Event::Fail);
        }
    }

    pub(crate) fn work(&mut self, work: Work) {
        match work {
            Work::Anything => {
                let work = self.anything();
                if let Some(work) = work {
                    self.work(work);
                }
            }
            Work::Stranger { stranger, edge } => {
                let secret = self.workload.strangers[stranger].secret.clone();
                let http = http("GET", &format!("{GATEWAY}/things"), Some(&secret), false);
                self.send_request(edge, http, String::new(), About::Stranger(stranger));
            }
            Work::Use { credential, need, path, edge } => self.use_it(credential, need, path, edge),
            Work::Change { organization, change, edge } => {
                let (method, path, body) = self.describe(organization, &change);
                let admin = &self.template.organizations[organization].admin;
                let http = http(method, &path, Some(admin), !body.is_null());
                let body = if body.is_null() { String::new() } else { body.to_string() };
                self.send_request(edge, http, body, About::Change { organization, change });
            }
        }
    }

    fn anything(&mut self) -> Option<Work> {
        let edge = self.workload.busy_edge(&mut self.rng);
        if self.rng.f64() < self.plan.changes {
            let (organization, change) = self.any_change();
            return Some(Work::Change { organization, change, edge });
        }
        if self.rng.u8(0..12) == 0 && !self.workload.signed.is_empty() {
            // The same signed request once more, here or elsewhere.
            let last = self.workload.signed.len();
            let number = self.rng.usize(last.saturating_sub(5)..last);
            let Signed { http, credential, .. } = &self.workload.signed[number];
            let about = About::Signed { credential: *credential, signed: number };
            let http = http.clone();
            self.send_request(edge, http, String::new(), about);
            return None;
        }
        let credential = self.rng.usize(0..self.workload.credentials.len());
        let need = if self.rng.bool() { Need::Read } else { Need::Write };
        let path = if self.rng.u8(0..8) == 0 { "/strict" } else { "/things" };
        Some(Work::Use { credential, need, path, edge })
    }

    fn use_it(&mut self, credential: usize, need: Need, path: &'static str, edge: usize) {
        let Credential { organization, means, .. } = &self.workload.credentials[credential];
        let path = if need == Need::Write { "/things" } else { path };
        let method = if need == Need::Write { "POST" } else { "GET" };
        let url = format!("{GATEWAY}{path}");
        match means {
            Means::Secret(secret) => {
                let http = http(method, &url, Some(secret), false);
                self.send_request(edge, http, String::new(), About::Use { credential, need });
            }
            Means::Key(key, thumbprint) => {
                let nonce = format!("nonce-{}", self.workload.signed.len());
                let organization = self.template.organizations[*organization].short_id;
                let http = signed(organization, key, *thumbprint, self.now, &nonce);
                let number = self.workload.signed.len();
                self.workload.signed.push(Signed { http: http.clone(), credential, accepted: 0 });
                self.send_request(edge, http, String::new(), About::Signed { credential, signed: number });
            }
        }
    }

    fn send_request(&mut self, edge: usize, http: GateRequest, body: String, about: About) {
        let number = self.workload.requests.len();
        self.workload.requests.push(Request {
            edge,
            http,
            body,
            about,
            sent: self.now,
            life: 0,
            carried: Carried::default(),
        });
        let way = self.way();
        self.later(way, Event::Arrive(number));
    }

    /// A gate has decided: judged at once.
    pub(crate) fn decided(&mut self, number: usize, outcome: &Outcome, carried: Carried) {
        self.workload.requests[number].carried = carried;
        let Request { about, sent, edge, .. } = &self.workload.requests[number];
        let (about, sent, edge) = (about.clone(), *sent, *edge);
        let (accepted, status, code) = match outcome {
            Outcome::Forward(_) => (true, 200, "forward".to_owned()),
            Outcome::Respond(response) => {
                let body: Json = serde_json::from_str(&response.body).unwrap_or_default();
                (false, response.status, body["code"].as_str().unwrap_or_default().to_owned())
            }
            Outcome::Asset { .. } => (false, 500, "asset".to_owned()),
        };
        let name = match &about {
            About::Use { credential, need } => format!("use of {credential} for {need:?}"),
            About::Stranger(number) => format!("stranger {number}"),
            About::Signed { credential, signed } => format!("signed request {signed} of {credential}"),
            About::Change { change, .. } => format!("{change:?}"),
        };
        self.note(|| format!("edge {edge}: {name} sent at {}: {status} {code}", sent - crate::clock::START));
        if status == 500 {
            self.violated("fault", &format!("{name}: {outcome:?}"));
        }
        let (credential, need) = match about {
            About::Use { credential, need } => (credential, need),
            About::Signed { credential, .. } => (credential, Need::Write),
            About::Stranger(number) => {
                if accepted {
                    self.stranger_accepted(number, edge);
                }
                return;
            }
            About::Change { .. } => return,
        };
        if status >= 500 {
            self.counts.undecided += 1;
            if sent >= self.calm_from {
                self.violated("availability", &format!("{name} is answered {status} {code} when nothing fails"));
            }
            return;
        }
        let Credential { organization, token, proof, eventual, .. } = &self.workload.credentials[credential];
        // Of what goes by the directory alone nothing is promised until that has been told.
        let truth = &self.truths[*organization];
        let judged =
            !eventual || (sent >= self.settled_from && !truth.is_put_back(*token) && !truth.is_lost(*token, proof));
        let token = *token;
        if accepted {
            self.counts.accepted += 1;
            self.workload.uses.entry(token).or_default().0 += 1;
            *self.workload.uses_at.entry(edge).or_default().entry(token).or_default() += 1;
            if judged && let Err(what) = truth.may_accept(token, proof, need, sent, self.now) {
                self.violated("I1", &format!("{name} at edge {edge} {what}"));
            }
            if let About::Signed { signed, .. } = self.workload.requests[number].about {
                let signed = &mut self.workload.signed[signed];
                signed.accepted += 1;
                if signed.accepted > 1 {
                    self.violated("I5", &format!("{name} was accepted again at edge {edge}"));
                }
            }
        } else {
            self.counts.refused += 1;
            // Of clocks and repetitions nothing is said here.
            let about_time = matches!(code.as_str(), "signature_stale" | "signature_invalid" | "replayed");
            if judged
                && !about_time
                && let Err(what) = truth.may_refuse(token, proof, need, sent, self.now)
            {
                self.violated("I2", &format!("{name} at edge {edge}: {code}: {what}"));
            }
        }
    }

    /// It has been brought in meanwhile; whoever did that may not know yet.
    fn stranger_accepted(&mut self, number: usize, edge: usize) {
        let Stranger { organization, secret, .. } = &self.workload.strangers[number];
        let disk = &self.objects[*organization].disk;
        let sql = "SELECT token FROM credential WHERE key = ?1";
        match disk.look(sql, &[format!("d:{}", Digest::of(secret)).into()]).first() {
            Some(row) => {
                let token: TokenId = row.parsed(0).expect("a token's id");
                self.workload.uses.entry(token).or_default().0 += 1;
                *self.workload.uses_at.entry(edge).or_default().entry(token).or_default() += 1;
            }
            // Of storage that was put back nobody says any more what it had.
            None if self.plan.put_back.is_some() => {}
            None => self.violated("I1", &format!("stranger {number} was accepted, and nobody has brought it in")),
        }
    }

    /// A client has its answer.
    pub(crate) fn respond(&mut self, number: usize, outcome: Outcome) {
        let Request { about, carried, .. } = &self.workload.requests[number];
        let (About::Change { organization, change }, carried) = (about.clone(), *carried) else { return };
        let Outcome::Respond(response) = outcome else { return };
        let lost = self.fails(self.plan.lost);
        if lost || response.status >= 500 {
            if self.workload.requests[number].sent >= self.calm_from {
                self.violated("availability", &format!("{change:?}: {}", response.body));
            }
            // Whoever does not know asks again.
            if change.can_be_repeated() && self.faulty {
                let (edge, wait) = (self.workload.busy_edge(&mut self.rng), self.rng.i64(0..=1_000));
                self.later(wait, Event::Work(Work::Change { organization, change, edge }));
            }
            return;
        }
        if response.status >= 300 {
            self.note(|| format!("{change:?} is refused: {}", response.body));
            return;
        }
        self.counts.changes += 1;
        let document: Json = serde_json::from_str(&response.body).unwrap_or_default();
        self.note(|| format!("{change:?} returned: {carried:?}"));
        if carried.epoch > self.truths[organization].epoch() {
            self.violated("durability", &format!("{change:?} returned and is nowhere"));
        }
        let eventual = |id: &TokenId| self.workload.credentials.iter().any(|it| it.token == *id && it.eventual);
        if let (Some(id), Some(at)) = (change.token(), document.get("holds_everywhere_at"))
            && at.is_null() != eventual(id)
        {
            self.violated("promise", &format!("{change:?}: it holds everywhere at {at}"));
        }
        let later = matches!(change, Change::Expire(id, _) if self.truths[organization].ends_later(id, carried.epoch));
        if change.holds_when_it_returns() && !later {
            let epoch = if let Some(own) = change.token() {
                // As of when this token was changed: of what else came in the same turn (a rotation that ended, say), and of
                // what came since where this was asked for again, nothing is said.
                self.truths[organization].newest_until(*own, carried.epoch).unwrap_or(0)
            } else if carried.anew {
                carried.epoch
            } else {
                // Asked for again: it holds as of when it had been done, and of what came after nothing is said.
                let about = |it: &&Credential| matches!(&change, Change::Role(member, _) | Change::Suspend(member, _) if it.member == Some(*member));
                let tokens = self.workload.credentials.iter().filter(|it| it.organization == organization);
                let truth = &self.truths[organization];
                let states = tokens.filter(about).filter_map(|it| truth.newest_until(it.token, carried.epoch));
                states.max().unwrap_or(0)
            };
            self.truths[organization].holds_since(self.now, epoch);
        }
        let about = self.changed(organization, &change, &document);
        // Now is when it shows.
        for credential in about {
            for _ in 0..self.rng.usize(1..=4) {
                let edge = self.workload.busy_edge(&mut self.rng);
                let need = if self.rng.bool() { Need::Read } else { Need::Write };
                let at = self.rng.i64(1..=5);
                self.later(at, Event::Work(Work::Use { credential, need, path: "/things", edge }));
            }
        }
    }
}

/// A request with a bearer secret.
fn http(method: &str, url: &str, secret: Option<&str>, has_body: bool) -> GateRequest {
    let mut headers: Vec<(String, String)> =
        secret.map(|secret| ("authorization".to_owned(), format!("Bearer {secret}"))).into_iter().collect();
    if has_body {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    GateRequest { method: method.to_owned(), url: url.to_owned(), headers, has_body, client_address: None }
}

/// A request as our own signers sign it.
fn signed(
    organization: symbolon::id::ShortId,
    key: &symbolon::key::PrivateKey,
    thumbprint: Thumbprint,
    now: i64,
    nonce: &str,
) -> GateRequest {
    let url = format!("{GATEWAY}/things");
    let mut http = http("POST", &url, None, false);
    let target = Target::parse(&url).expect("a canonical URL");
    let message = Message::Request(Signing { method: "POST", target: &target, fields: &[] });
    let key_id = KeyId::Native { organization, thumbprint };
    let created = Timestamp::from_millis(now);
    let spec = SignSpec::native(&message, BodyPresence::Absent, &key_id, created, SIGNED_SECONDS, nonce);
    let headers = spec.sign(&message, key).expect("it can be signed");
    http.headers.push(("signature-input".to_owned(), headers.signature_input));
    http.headers.push(("signature".to_owned(), headers.signature));
    http
}

/// What a change sends as its body; nothing where there is none.
pub(crate) fn nothing() -> Json {
    json!(null)
}
