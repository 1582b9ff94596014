//! Who asks for what: uses of tokens, signed requests and their repetition, and changes.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value as Json, json};
use symbolon::id::TokenId;
use symbolon::key::Thumbprint;
use symbolon::signature::{BodyPresence, KeyId, Message, Request as Signing, SignSpec, Target};
use symbolon::time::Timestamp;
use symbolon::token::Digest;
use symbolon_gate::GateRequest;

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
    pub(crate) about: About,
    pub(crate) sent: i64,
    /// Which life of the isolate it came to.
    life: u32,
    /// How it was carried out, for a change.
    pub(crate) carried: Carried,
}

/// A secret in the form of an organisation's, which it does not know yet.
pub(crate) struct Stranger {
    pub(crate) organization: usize,
    pub(crate) secret: String,
    /// Whether it is being brought in.
    taken: bool,
}

/// A request that was signed, and how often it was accepted.
pub(crate) struct Signed {
    http: GateRequest,
    credential: usize,
    pub(crate) accepted: u32,
}

/// Everything that clients know and do.
pub(crate) struct Workload {
    pub(crate) credentials: Vec<Credential>,
    busy_edges: Vec<usize>,
    pub(crate) busy_organizations: Vec<usize>,
    pub(crate) requests: Vec<Request>,
    pub(crate) signed: Vec<Signed>,
    pub(crate) strangers: Vec<Stranger>,
    /// How often each token was accepted; and how often by isolates that are no more.
    pub(crate) uses: BTreeMap<TokenId, (u64, u64)>,
    /// The same by isolate that lives.
    pub(crate) uses_at: BTreeMap<usize, BTreeMap<TokenId, u64>>,
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
