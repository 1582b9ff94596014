//! Seeds.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]
fn var(n: &str, d: u64) -> u64 { std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d) }
#[test]
fn first() {
    let begun = std::time::Instant::now();
    let (from, n) = (var("FROM", 0), var("SEEDS", 20));
    let trace = var("TRACE", 0) > 0;
    let mut bad = 0;
    let mut last = String::new();
    for seed in from..from + n {
        match symbolon_simulation::run(seed, None, trace) {
            Ok(counts) => last = format!("{seed} {counts:?}"),
            Err(f) => { for l in f.trace.iter().rev().take(var("TRACE", 0) as usize).rev() { println!("{l}"); } println!("{} {}", f.seed, f.what.chars().take(900).collect::<String>()); bad += 1; }
        }
    }
    println!("{bad} bad of {n} in {:?}; {last}", begun.elapsed());
}
