//! Many requests at once for one credential: as little is asked as the runtime allows.

use symbolon::problem::Code;
use symbolon::protocol::RecordState;

use crate::effect::{Effect, EffectId, Target};
use crate::testing::{MANAGEMENT, World, bearer, organization, request, token_of};
use crate::{GateRequest, Outcome, Step, Task};

const THINGS: &str = "https://api.example/things";

/// A request under way, with what it waits for.
struct Waiting {
    task: Task<Outcome>,
    effects: Vec<(EffectId, Effect)>,
    outcome: Option<Outcome>,
}

fn begin(world: &World, request: GateRequest) -> Waiting {
    let mut waiting = Waiting { task: world.gate.handle(request), effects: Vec::new(), outcome: None };
    let step = waiting.task.start(world.now);
    waiting.take(step);
    waiting
}

impl Waiting {
    fn take(&mut self, step: Step<Outcome>) {
        match step {
            Step::Done(outcome) => self.outcome = Some(outcome),
            Step::Wait(new) => self.effects.extend(new),
        }
    }

    /// Carries out all that it waits for and is of this sort; whether there was any.
    fn carry_out(&mut self, world: &mut World, sort: fn(&Effect) -> bool) -> bool {
        let (now, later): (Vec<_>, Vec<_>) = core::mem::take(&mut self.effects).into_iter().partition(|it| sort(&it.1));
        self.effects = later;
        let any = !now.is_empty();
        for (id, effect) in now {
            let answer = world.perform(effect);
            let step = self.task.answer(world.now, id, answer);
            self.take(step);
        }
        any
    }
}

fn is_ask(effect: &Effect) -> bool {
    matches!(effect, Effect::Ask { .. })
}

fn is_sleep(effect: &Effect) -> bool {
    matches!(effect, Effect::Sleep { .. })
}

/// A world that has the routes, and nothing else.
fn cold() -> World {
    let mut world = World::new();
    let other = request("GET", "https://api.example/public/a", &[]);
    assert_eq!(world.code(other), "forward");
    world.calls.clear();
    world
}

#[test]
fn of_many_requests_for_a_cold_token_one_asks() {
    let mut world = cold();
    let mut all: Vec<Waiting> = (0..20).map(|_| begin(&world, bearer("GET", THINGS))).collect();
    for waiting in &mut all {
        while waiting.carry_out(&mut world, |effect| matches!(effect, Effect::Ask { target: Target::Instance, .. })) {}
    }
    world.calls.clear();
    assert!(all.iter_mut().skip(1).all(|waiting| waiting.effects.iter().all(|(_, effect)| is_sleep(effect))));
    assert!(all[0].carry_out(&mut world, is_ask));
    for waiting in &mut all {
        while waiting.carry_out(&mut world, is_sleep) {}
        assert!(matches!(waiting.outcome, Some(Outcome::Forward(_))));
    }
    assert_eq!(world.calls.iter().filter(|call| *call == "organization").count(), 1);
}

#[test]
fn whoever_waits_loses_patience_and_asks() {
    let mut world = cold();
    let (mut first, mut second) = (begin(&world, bearer("GET", THINGS)), begin(&world, bearer("GET", THINGS)));
    while first.effects.iter().any(|(_, effect)| matches!(effect, Effect::Ask { target: Target::Instance, .. })) {
        first.carry_out(&mut world, is_ask);
    }
    // The first one is never answered.
    let begun = world.now;
    while second.outcome.is_none() {
        assert!(second.carry_out(&mut world, |_| true));
    }
    assert!(matches!(second.outcome, Some(Outcome::Forward(_))));
    assert!(world.now.millis_since(begun) < 1_200);
}

#[test]
fn a_lease_that_ran_out_is_renewed_once_for_all_tokens() {
    let mut world = World::new();
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    world.now = world.now.plus_millis(5_000);
    // A question to the same authority is under way, about nothing in particular.
    let mut renewal = begin(&world, bearer("GET", THINGS));
    renewal.carry_out(&mut world, is_ask);
    let mut waiting = begin(&world, bearer("GET", THINGS));
    assert!(waiting.effects.iter().all(|(_, effect)| !is_ask(effect)));
    world.change(|record| record.state = RecordState::Revoked);
    while renewal.carry_out(&mut world, is_ask) {}
    while waiting.carry_out(&mut world, |_| true) {}
    assert!(
        matches!(&waiting.outcome, Some(Outcome::Respond(response)) if response.body.contains(Code::Revoked.as_str()))
    );
}

#[test]
fn where_no_leases_are_given_nobody_waits() {
    let mut world = World::new();
    world.lease_millis = 0;
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    let first = begin(&world, bearer("GET", THINGS));
    let second = begin(&world, bearer("GET", THINGS));
    for waiting in [first, second] {
        assert!(waiting.effects.iter().all(|(_, effect)| is_ask(effect)));
    }
}

#[test]
fn a_secret_that_nobody_has_is_asked_for_once_in_a_lease() {
    let mut world = World::new();
    let unknown = || {
        let token = token_of(organization(), 99);
        request("GET", THINGS, &[("Authorization", &format!("Bearer {token}"))])
    };
    assert_eq!(world.code(unknown()), "unknown_token");
    assert_eq!(world.code(unknown()), "unknown_token");
    assert!(!world.calls.contains(&"organization".to_owned()));
    world.now = world.now.plus_millis(2_000);
    assert_eq!(world.code(unknown()), "unknown_token");
    assert!(world.calls.contains(&"organization".to_owned()));
    // Management asks each time.
    let strict = || {
        let token = token_of(organization(), 99);
        request("GET", &format!("{MANAGEMENT}/v1/whoami"), &[("Authorization", &format!("Bearer {token}"))])
    };
    for _ in 0..2 {
        assert_eq!(world.code(strict()), "unknown_token");
        assert_eq!(world.calls, ["organization"]);
    }
}
