//! The lease protocol: every reachable state within stated bounds, and a counterexample for each rule left out.

use symbolon_model::lease::{Broken, Changes, Lease, Network};
use symbolon_model::{find, prove};

const CHANGES: Changes = Changes { narrowings: 1, widenings: 0, others: 0, terms: 0, takeovers: 0, put_backs: 0 };
const NETWORK: Network = Network { questions: 2, delay: 4, doubles: 0, lags: 1, steps: 0, restarts: 0 };

/// One edge, terms of whole ticks, a token that exists.
fn model(lease: u64, margin: u64, stale: u64, ticks: u8) -> Lease {
    Lease {
        broken: Broken::Nothing,
        edges: 1,
        ticks,
        exists: true,
        strict: false,
        changes: CHANGES,
        network: NETWORK,
        terms: [Lease::terms(lease, margin, stale); 2],
        log: 9,
    }
}

/// The rule left out is caught, and at the same bounds nothing is wrong with it in place.
fn check(name: &str, broken: Broken, expected: &str, model: Lease) {
    let (property, _) = find(name, Lease { broken, ..model.clone() });
    assert!(property.starts_with(expected), "{name} broke {property}");
    holds(&format!("{name}: the rule in place"), model);
}

fn holds(name: &str, model: Lease) {
    prove(name, &model.bounds(), model);
}

#[test]
fn a_lease_counted_from_the_answer() {
    check("lease from the answer", Broken::LeaseFromAnswer, "I1", model(1, 1, 0, 6));
}

#[test]
fn a_late_confirmation() {
    check("late confirmation", Broken::LateConfirmation, "I1", model(2, 1, 0, 7));
}

#[test]
fn a_retry_that_answers_at_once() {
    let changes = Changes { narrowings: 2, ..CHANGES };
    check("retry at once", Broken::RetryAtOnce, "I1", Lease { changes, ..model(1, 1, 0, 5) });
}

#[test]
fn a_retry_that_writes_nothing() {
    let changes = Changes { narrowings: 2, widenings: 1, takeovers: 1, ..CHANGES };
    check("retry unwritten", Broken::RetryUnwritten, "I1", Lease { changes, ..model(1, 1, 0, 4) });
}

fn takeover(lease: u64, margin: u64, stale: u64, ticks: u8) -> Lease {
    Lease { changes: Changes { takeovers: 1, ..CHANGES }, ..model(lease, margin, stale, ticks) }
}

#[test]
fn a_horizon_shorter_than_a_lease() {
    check("short horizon", Broken::ShortHorizon, "I1", takeover(3, 1, 0, 9));
}

#[test]
fn a_lease_past_the_horizon() {
    check("lease past the horizon", Broken::LeasePastHorizon, "I1", takeover(3, 1, 0, 9));
}

#[test]
fn no_wait_after_a_restart() {
    check("no wait after a restart", Broken::NoTakeoverWait, "I1", takeover(1, 1, 0, 6));
}

#[test]
fn no_horizon() {
    check("no horizon", Broken::NoHorizon, "I1", takeover(1, 1, 0, 6));
}

#[test]
fn a_takeover_counted_from_before_its_fence() {
    check("takeover counted from the write", Broken::TakeoverFromWrite, "I1", takeover(1, 1, 0, 7));
}

/// Storage is put back to what it was, after a change that edges may have heard of.
fn put_back(ticks: u8) -> Lease {
    let changes = Changes { others: 1, put_backs: 1, ..CHANGES };
    let network = Network { delay: 2, ..NETWORK };
    Lease { changes, network, ..model(1, 1, 0, ticks) }
}

#[test]
fn epochs_that_storage_takes_back() {
    check("epochs counted", Broken::EpochsCounted, "I1", put_back(5));
}

#[test]
fn an_epoch_that_nobody_knows() {
    // What is lost is that the token was made.
    let changes = Changes { widenings: 1, ..put_back(4).changes };
    check("unknown goes on", Broken::UnknownGoesOn, "I1", Lease { exists: false, changes, ..put_back(4) });
}

#[test]
fn storage_that_is_put_back_without_rest() {
    check("no rest", Broken::NoRest, "I1", put_back(5));
}

/// Narrowed, widened again, and narrowed while the first wait still runs.
fn twice(ticks: u8) -> Lease {
    let changes = Changes { narrowings: 2, widenings: 1, ..CHANGES };
    Lease { changes, ..model(1, 1, 0, ticks) }
}

#[test]
fn a_wait_that_began_before_the_change() {
    check("joins an earlier wait", Broken::JoinsEarlierWait, "I1", twice(5));
}

#[test]
fn a_wait_that_ends_later_ones() {
    check("ends later waits", Broken::EndsLaterWaits, "I1", twice(5));
}

#[test]
fn waits_that_are_shared() {
    // The other token's wait is one that a retried narrowing may share, also one that a former instance carried out.
    let changes = Changes { narrowings: 2, others: 1, takeovers: 1, ..CHANGES };
    let network = Network { delay: 2, ..NETWORK };
    holds("shared waits", Lease { changes, network, ..model(1, 1, 0, 5) });
}

#[test]
fn a_takeover_that_waits_for_a_lease() {
    check("takeover waits for a lease", Broken::TakeoverWaitLease, "I1", takeover(2, 1, 0, 9));
}

#[test]
fn staleness_forgotten_after_a_takeover() {
    check("stale_for forgotten", Broken::StaleForgotten, "I1", takeover(1, 1, 2, 8));
}

#[test]
fn no_fence() {
    check("no fence", Broken::NoFence, "I1", takeover(1, 1, 0, 8));
}

#[test]
fn a_directory_that_is_trusted() {
    check("directory trusted", Broken::DirectoryTrusted, "I1", model(1, 1, 0, 5));
}

#[test]
fn no_margin() {
    check("no margin", Broken::NoMargin, "I1", model(1, 1, 0, 5));
    check("no margin after a takeover", Broken::NoMargin, "I1", takeover(1, 1, 0, 6));
}

#[test]
fn a_list_of_the_last_change() {
    let changes = Changes { others: 1, ..CHANGES };
    check("list cut", Broken::ListCut, "I1", Lease { changes, ..model(2, 1, 0, 7) });
}

#[test]
fn no_high_water_mark() {
    let network = Network { steps: 1, lags: 0, ..NETWORK };
    check("no high-water mark", Broken::NoHighWater, "I1", Lease { network, ..model(2, 1, 0, 7) });
}

#[test]
fn only_the_last_grant_counts() {
    let changes = Changes { terms: 1, ..CHANGES };
    let terms = [Lease::terms(4, 1, 0), Lease::terms(1, 1, 0)];
    check("last grant only", Broken::LastGrantOnly, "I1", Lease { changes, terms, ..model(4, 1, 0, 8) });
}

#[test]
fn closed_too_early() {
    check("closed too early", Broken::ClosedTooEarly, "I1", takeover(1, 1, 0, 8));
}

#[test]
fn closed_in_the_row_alone() {
    // Without leases, every answer is for one decision, and the quiet timer is shorter than the horizon.
    let model = takeover(0, 1, 0, 5);
    check("closed in the row alone", Broken::ClosedInRowAlone, "I1", model);
}

#[test]
fn a_creation_that_does_not_wait() {
    let changes = Changes { narrowings: 0, widenings: 1, takeovers: 1, ..CHANGES };
    let model = Lease { exists: false, changes, ..model(1, 1, 0, 6) };
    check("creation at once", Broken::CreationAtOnce, "I2", model);
}

#[test]
fn two_edges() {
    let network = Network { questions: 3, delay: 2, ..NETWORK };
    holds("two edges", Lease { edges: 2, network, ..model(1, 1, 0, 5) });
}

#[test]
fn two_edges_and_a_takeover() {
    let network = Network { delay: 3, ..NETWORK };
    holds("two edges, a takeover", Lease { edges: 2, network, ..takeover(1, 1, 0, 6) });
}

#[test]
fn three_questions() {
    let network = Network { questions: 3, delay: 2, ..NETWORK };
    let model = Lease { network, ..takeover(1, 1, 0, 4) };
    holds("three questions", model);
}

#[test]
fn two_takeovers() {
    let changes = Changes { takeovers: 2, ..CHANGES };
    let network = Network { delay: 3, ..NETWORK };
    let model = Lease { changes, network, ..takeover(1, 1, 0, 6) };
    holds("two takeovers", model);
}

#[test]
fn made_narrowed_widened_and_narrowed() {
    let changes = Changes { narrowings: 2, widenings: 2, takeovers: 1, ..CHANGES };
    let network = Network { delay: 2, ..NETWORK };
    let model = Lease { exists: false, changes, network, ..model(1, 1, 0, 4) };
    holds("made and changed", model);
}

#[test]
fn messages_that_arrive_twice() {
    let network = Network { doubles: 1, delay: 2, ..NETWORK };
    holds("doubles", Lease { network, ..takeover(1, 1, 0, 4) });
}

#[test]
fn clocks_that_step_back_and_isolates_that_start_anew() {
    let network = Network { steps: 1, restarts: 1, delay: 2, ..NETWORK };
    holds("faults of edges", Lease { network, ..takeover(1, 1, 0, 4) });
}

#[test]
fn strict_beside_leases() {
    let network = Network { delay: 2, ..NETWORK };
    holds("strict", Lease { network, strict: true, ..takeover(1, 1, 0, 5) });
}

#[test]
fn terms_that_change() {
    let changes = Changes { terms: 2, takeovers: 1, ..CHANGES };
    let terms = [Lease::terms(2, 1, 0), Lease::terms(1, 1, 1)];
    let network = Network { delay: 2, ..NETWORK };
    let model = Lease { changes, terms, network, ..takeover(2, 1, 0, 5) };
    holds("terms changed twice", model);
}

#[test]
fn three_questions_without_a_takeover() {
    let network = Network { questions: 3, delay: 3, ..NETWORK };
    holds("three questions, longer", Lease { network, ..model(1, 1, 0, 5) });
}

#[test]
fn a_log_that_was_shortened() {
    let changes = Changes { others: 2, ..CHANGES };
    let network = Network { delay: 3, ..NETWORK };
    let model = Lease { changes, network, log: 1, ..model(2, 1, 0, 4) };
    holds("a shortened log", model);
}
