//! Runs the checker and says what it did.

use core::fmt::Debug;
use core::hash::Hash;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

/// What a complete check came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How many different states can be reached.
    pub states: usize,
    /// How many steps lead to the farthest.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
}

/// One check at a time: each uses every core.
static TURN: Mutex<()> = Mutex::new(());
const THREADS: usize = 2;
/// A model that leads to more steps than this is not finished, rather than fill the memory.
const MOST_STEPS: usize = 20_000_000;

fn checker<M>(model: M) -> impl Checker<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let builder = model.checker().threads(THREADS).finish_when(HasDiscoveries::AnyFailures);
    builder.target_state_count(MOST_STEPS).spawn_bfs().join()
}

/// Visits every reachable state; panics, with the steps that lead there, if one is not as it must be, or if something
/// that should be possible is not.
pub fn prove<M>(name: &str, bounds: &str, model: M) -> Figures
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    #[allow(clippy::disallowed_methods, reason = "the figures say how long a check took; nothing depends on it")]
    let start = Instant::now();
    let checker = checker(model);
    let took = start.elapsed();
    drop(turn);
    for (property, path) in checker.discoveries() {
        assert!(
            !checker.model().property(property).expectation.discovery_is_failure(),
            "{name}: {property}, after {:#?}",
            path.into_actions()
        );
    }
    checker.assert_properties();
    assert!(checker.is_done() && checker.state_count() < MOST_STEPS, "{name}: not every state was visited");
    let figures = Figures { states: checker.unique_state_count(), depth: checker.max_depth(), took };
    println!("{name} ({bounds}): {} states, depth {}, {:.1} s", figures.states, figures.depth, took.as_secs_f64());
    figures
}

/// Looks for the shortest way to a state that breaks a property; panics if there is none. Returns the property's name
/// and the number of steps.
pub fn find<M>(name: &str, model: M) -> (&'static str, usize)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let checker = checker(model);
    drop(turn);
    let found = checker
        .discoveries()
        .into_iter()
        .filter(|(property, _)| checker.model().property(property).expectation.discovery_is_failure())
        .map(|(property, path)| (property, path.into_actions()))
        .min_by_key(|(_, actions)| actions.len());
    assert!(found.is_some(), "{name}: no counterexample among {} states", checker.unique_state_count());
    let (property, actions) = found.unwrap_or_default();
    println!("{name}: {property}, broken after {} steps: {actions:?}", actions.len());
    (property, actions.len())
}
