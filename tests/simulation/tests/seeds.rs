//! Seeds.
#[test]
fn first() {
    for seed in 0..5 {
        match symbolon_simulation::run(seed, None, true) {
            Ok(counts) => println!("{seed} {counts:?}"),
            Err(f) => { for l in f.trace.iter().rev().take(80).rev() { println!("{l}"); } panic!("{} {}", f.seed, f.what) }
        }
    }
}
