//! A host for tests of machines: a clock that stands until it is moved, random bytes from a generator
//! that always begins alike.

use serde::Serialize;
use serde::de::DeserializeOwned;
use symbolon::protocol::SharedSecret;
use symbolon::protocol::message::{Authorize, Authorized, OrganizationCall};
use symbolon::time::Timestamp;

use crate::machine::{CallId, Config, Context, Effect, Event, Machine, Target};

/// The host, which answers for the founding organisation where the instance asks it.
pub(crate) struct Host {
    pub(crate) now: Timestamp,
    pub(crate) config: Config,
    /// What the founding organisation says to what the instance asks it.
    pub(crate) authorizes: Authorized,
    /// What it was asked.
    pub(crate) authorized: Vec<Authorize>,
    next: u64,
    random: u64,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            now: Timestamp::from_seconds(1_800_000_000),
            config: Config {
                instance_secret: vec![7; 32],
                setup_code: SharedSecret::new("correct horse battery staple"),
            },
            authorizes: Authorized::Granted,
            authorized: Vec::new(),
            next: 0,
            random: 0,
        }
    }
}

impl Host {
    /// Hands in an event. What is written is durable at once.
    pub(crate) fn on(&mut self, machine: &mut impl Machine, event: Event) -> Vec<Effect> {
        let mut effects = self.undisturbed(machine, event);
        while let Some(index) = effects.iter().position(|effect| matches!(effect, Effect::Sync { .. })) {
            if let Effect::Sync { id } = effects.remove(index) {
                effects.extend(self.undisturbed(machine, Event::Synced { id }));
            }
        }
        let asked = effects.iter().enumerate().find_map(|(index, effect)| match effect {
            Effect::Ask { id, json, target: Target::Organization(_) } => match serde_json::from_str(json) {
                Ok(OrganizationCall::Authorize(asked)) => Some((index, *id, asked)),
                _ => None,
            },
            _ => None,
        });
        if let Some((index, id, asked)) = asked {
            effects.remove(index);
            self.authorized.push(asked);
            let answer = Ok(serde_json::to_string(&self.authorizes).unwrap());
            effects.extend(self.undisturbed(machine, Event::Answered { id, answer }));
        }
        effects
    }

    /// Hands in an event, and leaves all of its effects to the test.
    pub(crate) fn undisturbed(&mut self, machine: &mut impl Machine, event: Event) -> Vec<Effect> {
        let random = &mut self.random;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                [*byte, ..] = random.to_be_bytes();
            }
        };
        machine.on(&mut Context { now: self.now, random: &mut fill, config: &self.config }, event)
    }

    /// Hands in a call.
    pub(crate) fn begin(&mut self, machine: &mut impl Machine, call: &impl Serialize) -> (CallId, Vec<Effect>) {
        self.next = self.next.saturating_add(1);
        let id = CallId(self.next);
        let json = serde_json::to_string(call).unwrap();
        (id, self.on(machine, Event::Call { id, json }))
    }

    /// Hands in a call that is answered at once, and returns the answer.
    #[track_caller]
    pub(crate) fn call<A: DeserializeOwned>(&mut self, machine: &mut impl Machine, call: &impl Serialize) -> A {
        self.call_with_effects(machine, call).0
    }

    /// The same, with the other effects.
    #[track_caller]
    pub(crate) fn call_with_effects<A: DeserializeOwned>(
        &mut self,
        machine: &mut impl Machine,
        call: &impl Serialize,
    ) -> (A, Vec<Effect>) {
        let (id, mut effects) = self.begin(machine, call);
        (reply(id, &mut effects), effects)
    }

    /// Whether a call is given up.
    pub(crate) fn fails(&mut self, machine: &mut impl Machine, json: &str) -> bool {
        let effects = self.on(machine, Event::Call { id: CallId(0), json: json.to_owned() });
        matches!(effects.as_slice(), [Effect::Fail { id: CallId(0), .. }])
    }
}

/// Takes the one reply to a call out of the effects.
#[track_caller]
pub(crate) fn reply<A: DeserializeOwned>(call: CallId, effects: &mut Vec<Effect>) -> A {
    let index = effects
        .iter()
        .position(|effect| matches!(effect, Effect::Reply { id, .. } if *id == call))
        .unwrap_or_else(|| panic!("no reply to the call in {effects:?}"));
    match effects.remove(index) {
        Effect::Reply { json, .. } => serde_json::from_str(&json).unwrap(),
        other => panic!("{other:?}"),
    }
}
