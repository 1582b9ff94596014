//! Seeds, and worlds that are wrong on purpose.
//!
//! `SYMBOLON_SEEDS` says how many (100 where not said; `cargo xtask test simulation` runs 2,000 unless told), `SYMBOLON_FROM` from
//! which on, `SYMBOLON_TRACE` how many of the last events of a failing run to print. `SYMBOLON_VARIANT` names the one wrong
//! world to look at, where it is not all of them.
#![allow(clippy::print_stdout, reason = "a failing seed says how to run it again")]
#![allow(clippy::disallowed_methods, reason = "the settings of a test, and how long it took")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use symbolon_simulation::{Counts, Variant, run};

/// How many seeds run at once.
const THREADS: usize = 2;
/// Failures after which no further seed is begun.
const MAX_FAILURES: usize = 5;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

#[test]
fn what_must_hold_holds() {
    let (seeds, from) = (setting("SYMBOLON_SEEDS", 100), setting("SYMBOLON_FROM", 0));
    let trace = usize::try_from(setting("SYMBOLON_TRACE", 0)).unwrap();
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let total = Mutex::new((Counts::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || total.lock().unwrap().1.len() >= MAX_FAILURES {
                        break;
                    }
                    let result = run(from.wrapping_add(seed), None, trace > 0);
                    let mut total = total.lock().unwrap();
                    match result {
                        Ok(counts) => total.0.add(&counts),
                        Err(failure) => total.1.push(failure),
                    }
                }
            });
        }
    });
    let (counts, failures) = total.into_inner().unwrap();
    println!("{seeds} seeds from {from} in {:.1} s: {counts:?}", begun.elapsed().as_secs_f64());
    for failure in &failures {
        for line in failure.trace.iter().skip(failure.trace.len().saturating_sub(trace)) {
            println!("{line}");
        }
        let what: String = failure.what.chars().take(2_000).collect();
        println!(
            "seed {}: {what}\n  again: cargo xtask test simulation --seeds 1 --from {}",
            failure.seed, failure.seed
        );
    }
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
    assert!(counts.accepted > 0 && counts.changes > 0);
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [3, 4] {
        let first = run(seed, None, false).map(|counts| format!("{counts:?}"));
        let second = run(seed, None, false).map(|counts| format!("{counts:?}"));
        assert_eq!(first.map_err(|failure| failure.what), second.map_err(|failure| failure.what));
    }
}

#[test]
fn a_seed_that_fails_fails_again_in_the_same_way() {
    let fails = |seed| run(seed, Some(Variant::WaitCut), true).err();
    let first = (0..1_000).find_map(fails).expect("a world that is wrong is noticed");
    let second = fails(first.seed).expect("it fails again");
    assert_eq!(first.what, second.what);
    assert!(first.trace.len() > 100, "the trace says what happened before");
    assert_eq!(first.trace, second.trace, "event by event");
}

#[test]
fn worlds_that_are_wrong_are_noticed() {
    let most = setting("SYMBOLON_SEEDS_FOR_VARIANTS", 1_000);
    let wanted = std::env::var("SYMBOLON_VARIANT").ok();
    let chosen = Variant::ALL.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name));
    let mut missed = Vec::new();
    let mut looked_at = 0;
    for (name, variant) in chosen {
        looked_at += 1;
        match (0..most).find_map(|seed| run(seed, Some(*variant), false).err()) {
            Some(failure) => {
                let what: String = failure.what.chars().take(80).collect();
                println!("{name}: seed {}: {what}", failure.seed);
            }
            None => missed.push(name),
        }
    }
    assert!(looked_at > 0, "no wrong world has that name");
    assert!(missed.is_empty(), "not noticed within {most} seeds: {missed:?}");
}
