//! What leases cost in calls, with and without relays: printed, and held to what the protocol promises.
#![allow(clippy::print_stdout, reason = "the figures of docs/revocation.md")]

use symbolon_simulation::{Cost, Load, cost};

fn row(isolates: usize, requests_per_second: f64, lease_millis: u64, lease_max_millis: u64, relays: usize) -> Cost {
    let cost = cost(Load { isolates, requests_per_second, lease_millis, lease_max_millis, relays });
    println!(
        "| {isolates} | {requests_per_second} | {lease_millis} | {lease_max_millis} | {relays} | {:.0} | {:.0} | {:.1} | {:.2} |",
        cost.authority_per_second, cost.relay_per_second, cost.waited_per_thousand, cost.asked_per_thousand
    );
    cost
}

#[test]
fn calls_grow_with_isolates_and_not_with_requests() {
    println!(
        "| isolates | requests/s each | lease ms | longest ms | relays | asked/s | a relay/s | waited of 1000 | asked per 1000 |"
    );
    let few = row(100, 1.0, 2_000, 2_000, 0);
    let many = row(100, 50.0, 2_000, 2_000, 0);
    // One renewal for each half of a lease at most, whatever the requests.
    assert!(many.authority_per_second <= 100.0 * 1.0 + 1.0);
    assert!(many.waited_per_thousand < few.waited_per_thousand);
    assert!(many.asked_per_thousand < 25.0);
}

#[test]
fn under_load_leases_grow_and_relays_take_the_rest() {
    println!(
        "| isolates | requests/s each | lease ms | longest ms | relays | asked/s | a relay/s | waited of 1000 | asked per 1000 |"
    );
    for lease in [500, 1_000, 2_000, 5_000, 10_000] {
        row(1_000, 10.0, lease, lease, 0);
    }
    let fixed = row(2_000, 10.0, 2_000, 2_000, 0);
    let growing = row(2_000, 10.0, 2_000, 10_000, 0);
    row(5_000, 5.0, 2_000, 10_000, 0);
    let relays = row(2_000, 10.0, 2_000, 2_000, 20);
    row(5_000, 5.0, 2_000, 2_000, 50);
    row(20_000, 2.0, 2_000, 2_000, 100);
    assert!(growing.authority_per_second < fixed.authority_per_second);
    // Each relay asks for each half of a lease at most.
    assert!(relays.authority_per_second <= 21.0);
}
