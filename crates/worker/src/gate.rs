//! The gate of one isolate, as its host drives it.

use serde::{Deserialize, Serialize};
use symbolon::key::PublicKey;
use symbolon::policy::builtin_hex_formats;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::SharedSecret;
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::{self, HttpResponse};
use symbolon::time::Timestamp;
use symbolon::token::InstanceSecret;
use symbolon_authority::{instance, locator, login, replay};
use symbolon_gate::effect::{Answer, Effect, EffectId, Target};
use symbolon_gate::{Gate as Rules, GateConfig, OidcConfig, Outcome, ProxySecrets, Step, Task, Waiting, WaitsFor};
use wasm_bindgen::prelude::*;

use crate::{flat, time};

/// What the host is told instead of anything else: that it is to begin anew with all fields of the request.
const ALL_FIELDS: &str = "*";

/// How long an object may take to answer what must not wait, in milliseconds.
const QUICK_MILLIS: u32 = LeaseTerms::QUICK_MILLIS;
/// How long it may take to carry something out: a narrowing answers when every lease has run out.
const PATIENT_MILLIS: u32 = LeaseTerms::PATIENCE_MILLIS;

/// The gate and its tasks. A step is JSON: `{task, wait: [[id, effect], …]}` while the task waits, `{task, ended: true,
/// outcome}` at its end, each perhaps with a step of background work, which is to be followed while nobody waits. A
/// request's end that needs nothing else is told in plain lines: `flat::outcome`.
///
/// Whatever begins or goes on with a task returns the number of an answer that the host has ready, which is all that
/// most requests come to; or -1, and [`Gate::told`] says more.
#[wasm_bindgen]
pub struct Gate {
    rules: Rules,
    tasks: Waiting<Running>,
    ready: flat::Ready,
    told: String,
}

/// That there is something to be told, instead of the number of an answer that the host has.
const TOLD: i32 = -1;

enum Running {
    Request(Task<Outcome>),
    Background(Task<()>),
}

#[wasm_bindgen]
impl Gate {
    /// A gate that remembers nothing yet.
    /// - `random`: 16 fresh random bytes;
    /// - `gateway_hosts`: host names, separated by commas;
    /// - `proxy_secrets`: as `ProxySecrets` reads them;
    /// - `setup_code`: what setup asks for. One that is too short is none;
    /// - `oidc`: the provider of identities in JSON; one that [`Gate::oidc_fault`] finds fault with is none.
    /// - `admin_key`: a public key in any form.
    ///
    /// # Errors
    /// If the instance's secret is too short or too long, a proxy's is none, or the key is none.
    // Each is a setting as the host has it.
    #[allow(clippy::too_many_arguments)]
    #[wasm_bindgen(constructor)]
    pub fn new(
        random: &[u8],
        instance_secret: &str,
        gateway_hosts: &str,
        has_origin: bool,
        proxy_secrets: Option<String>,
        setup_code: Option<String>,
        oidc: Option<String>,
        admin_key: Option<String>,
    ) -> Result<Gate, JsError> {
        let random = random.try_into().map_err(|_| JsError::new("16 random bytes are wanted"))?;
        let instance_secret = InstanceSecret::new(instance_secret.as_bytes())
            .map_err(|error| JsError::new(&format!("INSTANCE_SECRET: {error}")))?;
        let proxy_secrets = ProxySecrets::read(proxy_secrets.as_deref().unwrap_or_default())
            .map_err(|error| JsError::new(&format!("PROXY_SECRET: {error}")))?;
        let admin_key = admin_key
            .filter(|text| !text.is_empty())
            .map(|text| text.parse::<PublicKey>())
            .transpose()
            .map_err(|error| JsError::new(&format!("ADMIN_KEY: {error}")))?;
        let hosts = gateway_hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        let config = GateConfig {
            instance_secret,
            formats: builtin_hex_formats(),
            gateway_hosts: hosts.map(str::to_owned).collect(),
            has_origin,
            proxy_secrets,
            setup_code: setup_code.as_deref().and_then(SharedSecret::new),
            oidc: oidc.and_then(|json| provider(&json).ok()),
            admin_key,
        };
        Ok(Self {
            rules: Rules::new(config, random),
            tasks: Waiting::new(),
            ready: flat::Ready::new(),
            told: String::new(),
        })
    }

    /// What is wrong with a provider as it is configured, if anything: signing in that way is off then, and nothing else
    /// is.
    #[must_use]
    pub fn oidc_fault(json: &str) -> Option<String> {
        provider(json).err()
    }

    /// The fields by which a request to this URL is decided, each on a line; nothing: all of them.
    #[must_use]
    pub fn fields(&self, url: &str) -> String {
        self.rules.fields(url).unwrap_or_default().join("\n")
    }

    /// Begins with a request, written as `flat::request` reads it. `all`: with all of its fields; else with those that
    /// `fields` named, and a `*` says that this time all are wanted.
    pub fn start(&mut self, now_millis: f64, request: &str, all: bool) -> i32 {
        let now = time(now_millis);
        let Some(request) = flat::request(request) else {
            return self.tell(crate::to_json(&Told::ended(0, Some(bad_request()))));
        };
        if !all && self.rules.wants_all_fields(&request) {
            return self.tell(ALL_FIELDS.to_owned());
        }
        let mut task = self.rules.handle(request);
        let step = task.start(now);
        let id = self.tasks.free();
        self.request_step(now, id, WaitsFor::default(), task, step)
    }

    /// Goes on with the answer to an effect, as JSON.
    pub fn answer(&mut self, now_millis: f64, task: u32, effect: u32, answer: &str) -> i32 {
        let answer = symbolon::json::read(answer).unwrap_or(Answer::Failed);
        self.go_on(time(now_millis), task, effect, answer)
    }

    /// Goes on with whether a signature matches.
    pub fn verdict(&mut self, now_millis: f64, task: u32, effect: u32, matches: bool) -> i32 {
        self.go_on(time(now_millis), task, effect, Answer::Verdict { matches })
    }

    /// What there is to be told, once.
    pub fn told(&mut self) -> String {
        core::mem::take(&mut self.told)
    }

    /// Drops a task that its host gives up.
    pub fn forget(&mut self, task: u32) {
        drop(self.tasks.take(task));
    }
}

impl Gate {
    fn tell(&mut self, told: String) -> i32 {
        self.told = told;
        TOLD
    }

    fn go_on(&mut self, now: Timestamp, task: u32, effect: u32, answer: Answer) -> i32 {
        match self.tasks.take(task) {
            // It was let go. Background work has nobody to tell.
            None => self.tell(crate::to_json(&Told::ended(task, Some(Outcome::took_too_long())))),
            Some((waited_for, Running::Request(mut running))) => {
                let step = running.answer(now, EffectId(effect), answer);
                self.request_step(now, task, waited_for, running, step)
            }
            Some((_, Running::Background(mut running))) => {
                let step = running.answer(now, EffectId(effect), answer);
                let told = self.background_step(now, task, running, step);
                self.tell(crate::to_json(&told))
            }
        }
    }

    fn request_step(
        &mut self,
        now: Timestamp,
        id: u32,
        waited_for: WaitsFor,
        task: Task<Outcome>,
        step: Step<Outcome>,
    ) -> i32 {
        let told = match step {
            Step::Wait(effects) => {
                self.tasks.keep(now, id, waited_for.and(&effects), Running::Request(task));
                flat::waiting(id, &effects).unwrap_or_else(|| crate::to_json(&Told::waiting(id, effects)))
            }
            Step::Done(outcome) => {
                let background = self.background(now);
                if background.is_none()
                    && let Some(number) = self.ready.number(&outcome)
                {
                    return i32::try_from(number).unwrap_or(TOLD);
                }
                let flat = if background.is_none() { flat::outcome(&outcome, &mut self.ready) } else { None };
                flat.unwrap_or_else(|| crate::to_json(&Told { background, ..Told::ended(id, Some(outcome)) }))
            }
        };
        self.tell(told)
    }

    fn background_step(&mut self, now: Timestamp, id: u32, task: Task<()>, step: Step<()>) -> Told {
        match step {
            Step::Wait(effects) => {
                self.tasks.keep(now, id, WaitsFor::Answers, Running::Background(task));
                Told::waiting(id, effects)
            }
            Step::Done(()) => Told { background: self.background(now), ..Told::ended(id, None) },
        }
    }

    /// Begins the next background work that is due, if any.
    fn background(&mut self, now: Timestamp) -> Option<Box<Told>> {
        let mut task = self.rules.background(now)?;
        match task.start(now) {
            Step::Wait(effects) => {
                let id = self.tasks.free();
                self.tasks.keep(now, id, WaitsFor::Answers, Running::Background(task));
                Some(Box::new(Told::waiting(id, effects)))
            }
            Step::Done(()) => None,
        }
    }
}

/// The provider of identities, as the host was configured.
#[derive(Deserialize)]
struct Oidc {
    issuer: String,
    #[serde(default)]
    client_id: String,
    client_secret: Option<String>,
    name: Option<String>,
}

fn provider(json: &str) -> Result<OidcConfig, String> {
    let oidc: Oidc = symbolon::json::read(json).map_err(|_| "OIDC_ISSUER and its like must be texts".to_owned())?;
    OidcConfig::new(oidc.issuer, oidc.client_id, oidc.client_secret, oidc.name).map_err(|error| error.to_string())
}

/// A step as the host is told it.
#[derive(Serialize)]
struct Told {
    task: u32,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    ended: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wait: Vec<(EffectId, ToldEffect)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<Box<Told>>,
}

impl Told {
    const fn ended(task: u32, outcome: Option<Outcome>) -> Self {
        Self { task, ended: true, wait: Vec::new(), outcome, background: None }
    }

    fn waiting(task: u32, effects: Vec<(EffectId, Effect)>) -> Self {
        let wait = effects.into_iter().map(|(id, effect)| (id, effect.into())).collect();
        Self { task, ended: false, wait, outcome: None, background: None }
    }
}

/// An effect as the host is told it: with the name of the object instead of what it is about.
#[derive(Serialize)]
#[serde(untagged)]
enum ToldEffect {
    Ask(ToldAsk),
    Other(Effect),
}

#[derive(Serialize)]
struct ToldAsk {
    effect: &'static str,
    class: &'static str,
    object: String,
    message: String,
    /// Whether asking twice does no harm.
    safe: bool,
    timeout_millis: u32,
}

impl From<Effect> for ToldEffect {
    fn from(effect: Effect) -> Self {
        let Effect::Ask { target, message } = effect else { return Self::Other(effect) };
        let reads = reads(&target, &message);
        let (class, object) = match target {
            Target::Organization(short_id) => ("organization", short_id),
            Target::Instance => ("instance", instance::OBJECT_NAME.to_owned()),
            Target::Locator(key) => ("locator", locator::object_name(&key)),
            Target::Login(shard) => ("login", login::object_name(shard)),
            // A key that is none has no memory: the object of this name fails the call.
            Target::Replay(key) => ("replay", replay::object_name(&key).unwrap_or_else(|| "replay:none".to_owned())),
        };
        let timeout_millis = if reads || class == "replay" { QUICK_MILLIS } else { PATIENT_MILLIS };
        Self::Ask(ToldAsk { effect: "ask", class, object, message, safe: reads, timeout_millis })
    }
}

/// Whether a message only asks. Use counts that go with a question are numbered, so that they count once.
fn reads(target: &Target, message: &str) -> bool {
    match target {
        Target::Locator(_) => true,
        Target::Replay(_) | Target::Login(_) => false,
        Target::Organization(_) | Target::Instance => message::only_asks(message),
    }
}

fn bad_request() -> Outcome {
    let problem = Problem::new(Code::InvalidRequest);
    Outcome::from(HttpResponse {
        status: problem.status,
        headers: vec![("content-type".to_owned(), "application/problem+json".to_owned())],
        body: crate::to_json(&problem),
    })
}
