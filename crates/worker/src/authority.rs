//! The machine of one Durable Object, as its host drives it.

use serde::Serialize;
use symbolon::protocol::SharedSecret;
use symbolon::protocol::lease::LeaseTerms;
use symbolon_authority::instance::{self, Instance};
use symbolon_authority::locator::{self, Locator};
use symbolon_authority::login::{self, Login};
use symbolon_authority::machine::{CallId, Config, Context, Effect, EffectId, Event, Machine, Target, Unreachable};
use symbolon_authority::organization::Organization;
use symbolon_authority::replay::Replay;
use wasm_bindgen::prelude::*;

use crate::store::{Host, SqlStorage};
use crate::time;

/// A machine over its store. Each method hands in one event and returns the effects as a JSON array.
#[wasm_bindgen]
pub struct Authority {
    machine: Box<dyn Machine>,
    host: Host,
    config: Config,
}

#[wasm_bindgen]
impl Authority {
    /// The machine for a Durable Object's class, in lower case.
    ///
    /// # Errors
    /// If there is no such class.
    #[wasm_bindgen(constructor)]
    pub fn new(
        class: &str,
        host: Host,
        instance_secret: &str,
        setup_code: Option<String>,
    ) -> Result<Authority, JsError> {
        let store = SqlStorage::new(host.clone());
        let machine: Box<dyn Machine> = match class {
            "organization" => Box::new(Organization::new(store)),
            "instance" => Box::new(Instance::new(store)),
            "locator" => Box::new(Locator::new(store)),
            "replay" => Box::new(Replay::new(store)),
            "login" => Box::new(Login::new(store)),
            _ => return Err(JsError::new("no such class")),
        };
        let setup_code = setup_code.as_deref().and_then(SharedSecret::new);
        let config = Config { instance_secret: instance_secret.as_bytes().to_vec(), setup_code };
        Ok(Self { machine, host, config })
    }

    /// A call has come in.
    pub fn call(&mut self, now_millis: f64, id: u64, json: String) -> String {
        self.on(now_millis, Event::Call { id: CallId(id), json })
    }

    /// A question was answered; `undefined` where it could not be delivered.
    pub fn answered(&mut self, now_millis: f64, id: u64, answer: Option<String>) -> String {
        self.on(now_millis, Event::Answered { id: EffectId(id), answer: answer.ok_or(Unreachable) })
    }

    /// The directory was written, or not.
    pub fn kv_put(&mut self, now_millis: f64, key: String, version: u64, ok: bool) -> String {
        self.on(now_millis, Event::KvPut { key, version, ok })
    }

    /// The alarm's time has come.
    pub fn alarm(&mut self, now_millis: f64) -> String {
        self.on(now_millis, Event::Alarm)
    }

    /// What was written is durable.
    pub fn synced(&mut self, now_millis: f64, id: u64) -> String {
        self.on(now_millis, Event::Synced { id: EffectId(id) })
    }

    /// A timer has run down.
    pub fn timer(&mut self, now_millis: f64, id: u64) -> String {
        self.on(now_millis, Event::Timer { id: EffectId(id) })
    }
}

/// How long another object may take to answer, in milliseconds.
const ASK_TIMEOUT_MILLIS: u32 = 10_000;

impl Authority {
    fn on(&mut self, now_millis: f64, event: Event) -> String {
        let mut random = |bytes: &mut [u8]| self.host.random(bytes);
        let mut context = Context { now: time(now_millis), random: &mut random, config: &self.config };
        let effects = self.machine.on(&mut context, event);
        let told: Vec<Told<'_>> = effects.iter().map(Told::from).collect();
        crate::to_json(&told)
    }
}

/// An effect as the host is told it.
#[derive(Serialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
enum Told<'a> {
    Reply { id: u64, json: &'a str },
    Fail { id: u64, fault: &'a str },
    Ask { id: u64, class: &'static str, object: String, json: &'a str, timeout_millis: u32 },
    KvPut { key: &'a str, value: Option<&'a str>, version: u64 },
    SetAlarm { at_millis: i64 },
    Sync { id: u64 },
    Timer { id: u64, millis: u64 },
}

impl<'a> From<&'a Effect> for Told<'a> {
    fn from(effect: &'a Effect) -> Self {
        match effect {
            Effect::Reply { id, json } => Self::Reply { id: id.0, json },
            Effect::Fail { id, fault } => Self::Fail { id: id.0, fault },
            Effect::Ask { id, target, json } => {
                let (class, object) = match target {
                    Target::Organization(short_id) => ("organization", short_id.to_string()),
                    Target::Instance => ("instance", instance::OBJECT_NAME.to_owned()),
                    Target::Locator(key) => ("locator", locator::object_name(key)),
                    Target::Login(shard) => ("login", login::object_name(*shard)),
                };
                // An organisation that is founded again answers when the former secret is believed nowhere.
                let timeout_millis =
                    if class == "organization" { LeaseTerms::PATIENCE_MILLIS } else { ASK_TIMEOUT_MILLIS };
                Self::Ask { id: id.0, class, object, json, timeout_millis }
            }
            Effect::KvPut { key, value, version } => Self::KvPut { key, value: value.as_deref(), version: *version },
            Effect::SetAlarm { at } => Self::SetAlarm { at_millis: at.as_millis() },
            Effect::Sync { id } => Self::Sync { id: id.0 },
            Effect::Timer { id, millis } => Self::Timer { id: id.0, millis: *millis },
        }
    }
}
