//! Counts that are handed over although messages are lost and tasks are ended; and what a step of the clock voids.

use symbolon::protocol::Epoch;
use symbolon::protocol::Record;
use symbolon::protocol::message::{Answer as Told, Changes, Client};

use crate::effect::{Answer, Effect};
use crate::testing::{World, bearer, organization, record, request, token_id, token_of};
use crate::{Step, Task};

const THINGS: &str = "https://api.example/things";
const PUBLIC: &str = "https://api.example/public/a";

/// Carries a task out, and loses its first questions to an authority.
fn losing<T>(world: &mut World, mut task: Task<T>, mut lost: u32) -> T {
    let mut step = task.start(world.now);
    loop {
        let (id, effect) = match step {
            Step::Done(value) => return value,
            Step::Wait(new) => new.into_iter().next().expect("the task waits for nothing"),
        };
        let answer = match effect {
            Effect::Ask { .. } if lost > 0 => {
                lost = lost.saturating_sub(1);
                Answer::Failed
            }
            effect => world.perform(effect),
        };
        step = task.answer(world.now, id, answer);
    }
}

fn counted(world: &World) -> u64 {
    world.batches.iter().flat_map(|batch| &batch.uses).map(|used| used.count).sum()
}

#[test]
fn whoever_hands_over_tries_again_for_it_may_have_been_the_last_request() {
    let mut world = World::new();
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    let task = world.gate.background(world.now).unwrap();
    losing(&mut world, task, 2);
    assert_eq!(counted(&world), 1);
    assert_eq!(world.background(), 0, "nothing is left");
}

#[test]
fn what_nobody_handed_over_is_handed_over_later() {
    let mut world = World::new();
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    // The runtime ends it; nobody uses a token of this organisation again.
    drop(world.gate.background(world.now).unwrap());
    assert_eq!(world.code(request("GET", PUBLIC, &[])), "forward");
    world.background();
    assert_eq!(counted(&world), 0, "whoever was told may be about to");
    world.now = world.now.plus_seconds(30);
    assert_eq!(world.code(request("GET", PUBLIC, &[])), "forward");
    world.background();
    assert_eq!(counted(&world), 1);
    // Nor is it lost when the authority cannot be reached for long.
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    world.down.insert("organization");
    for _ in 0..3 {
        world.background();
        world.now = world.now.plus_seconds(30);
    }
    world.down.clear();
    assert_eq!(world.code(request("GET", PUBLIC, &[])), "forward");
    world.background();
    assert_eq!(counted(&world), 2);
}

#[test]
fn a_verification_that_is_begun_anew_counts_once() {
    let mut world = World::new();
    let ask = |world: &mut World| {
        world.body = format!(r#"{{"credential": "{}"}}"#, crate::testing::token()).into_bytes();
        let mut request = bearer("POST", "https://tokens.example/v1/verify");
        request.has_body = true;
        request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        world.gate.handle(request)
    };
    // Another request traps when the caller is known and the body is read; the host begins anew.
    let mut task = ask(&mut world);
    let mut step = task.start(world.now);
    loop {
        let Step::Wait(new) = step else { panic!("it wants the body") };
        let (id, effect) = new.into_iter().next().unwrap();
        if matches!(effect, Effect::BodyText { .. }) {
            break;
        }
        let answer = world.perform(effect);
        step = task.answer(world.now, id, answer);
    }
    world.background();
    assert_eq!(counted(&world), 0, "what is handed over cannot be taken back");
    drop(task);
    let task = ask(&mut world);
    assert!(matches!(world.run(task), crate::Outcome::Respond(response) if response.status == 200));
    world.background();
    assert_eq!(counted(&world), 2, "the caller's, and that of the credential that was verified");
}

#[test]
fn as_many_tokens_as_wait_are_handed_over_at_once() {
    let mut world = World::new();
    assert_eq!(world.code(bearer("GET", THINGS)), "forward");
    {
        let mut state = world.gate.shared.state.borrow_mut();
        for number in 0..3_000_u64 {
            let mut bytes = [9; 16];
            bytes[8..].copy_from_slice(&number.to_be_bytes());
            let used = Record { token: symbolon::id::TokenId::from_bytes(bytes), ..record() };
            state.touch(organization()).used(&used, true, world.now, &Client::default());
        }
    }
    world.background();
    assert_eq!(counted(&world), 3_001);
}

#[test]
fn an_answer_to_a_ledger_that_was_pushed_out_acknowledges_nothing_of_its_successor() {
    let world = World::new();
    let mut state = world.gate.shared.state.borrow_mut();
    let (id, now) = (organization(), world.now);
    let used = |state: &mut crate::state::State, seed| {
        state.touch(id).used(&Record { token: token_id(seed), ..record() }, true, now, &Client::default());
        let (question, ask) = state.question(id, None, now);
        (question, ask.uses.unwrap())
    };
    let (question, first) = used(&mut state, 1);
    for number in 0..600 {
        state.touch(format!("o{number:05}").parse().unwrap());
    }
    let (_, second) = used(&mut state, 2);
    assert_ne!(first.isolate, second.isolate, "it was pushed out, and begins anew");
    let answer = Told {
        epoch: Epoch::new(1),
        record: None,
        changes: Changes::StartOver,
        lease_millis: 2000,
        stale_millis: 0,
        counted: Some(first.number),
        failed: None,
        limited: Vec::new(),
    };
    drop(state.receive(id, &question, None, false, answer, now));
    assert!(state.has_counts(id), "the other batch is still to be counted");
}

#[test]
fn that_nobody_has_a_secret_is_not_believed_beyond_a_step_of_the_clock() {
    let mut world = World::new();
    let unknown = |world: &mut World| {
        let header = format!("Bearer {}", token_of(organization(), 99));
        let code = world.code(request("GET", THINGS, &[("authorization", &header)]));
        assert_eq!(code, "unknown_token");
        world.calls.iter().filter(|call| *call == "organization").count()
    };
    assert_eq!(unknown(&mut world), 1);
    world.now = world.now.plus_millis(900);
    assert_eq!(unknown(&mut world), 0, "under a lease");
    // As leases end by it, so does this; nobody knows how much time has passed.
    world.now = world.now.plus_millis(-500);
    assert_eq!(unknown(&mut world), 1);
}
