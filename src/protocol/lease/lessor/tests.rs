use super::*;

const TERMS: LeaseTerms =
    LeaseTerms { lease_millis: 2000, lease_max_millis: 10_000, margin_millis: 500, stale_millis: 0 };

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn new() -> Lessor {
    let (lessor, takeover) = Lessor::start(TERMS, None);
    assert_eq!(takeover, None);
    lessor
}

#[test]
fn the_first_grant_opens_the_horizon_and_the_next_needs_no_write() {
    let mut lessor = new();
    let first = lessor.grant(at(0), true);
    assert_eq!(first.lease_millis, 2000);
    assert_eq!(first.write, Some(Horizon { length_millis: 4000, stale_millis: 0, margin_millis: 500 }));
    assert_eq!(first.timer_millis, Some(2500));
    let second = lessor.grant(at(1999), true);
    assert_eq!((second.lease_millis, second.write, second.timer_millis), (2000, None, None));
    let third = lessor.grant(at(2001), true);
    assert_eq!(third.lease_millis, 2000, "leases are whole");
    assert!(third.write.is_some());
}

#[test]
fn a_narrowing_waits_for_leases_and_for_nothing_without_them() {
    let mut lessor = new();
    assert_eq!(lessor.narrowing_wait_millis(), 0);
    lessor.grant(at(0), false);
    assert_eq!(lessor.narrowing_wait_millis(), 0, "a strict answer leaves nothing behind");
    lessor.grant(at(0), true);
    assert_eq!(lessor.narrowing_wait_millis(), 2500);
    assert_eq!(lessor.creation_wait_millis(), 0);
}

#[test]
fn quiet_comes_a_whole_timer_after_the_last_grant() {
    let mut lessor = new();
    lessor.grant(at(0), true);
    lessor.grant(at(100), true);
    assert_eq!(lessor.quiet(), Quiet::Again { timer_millis: 2500 });
    assert_eq!(lessor.narrowing_wait_millis(), 2500);
    assert_eq!(lessor.quiet(), Quiet::Close);
    assert_eq!(lessor.narrowing_wait_millis(), 0);
    assert!(lessor.grant(at(5100), true).write.is_some(), "a closed horizon is opened by a write");
}

#[test]
fn a_successor_waits_the_whole_horizon_out() {
    let found = Horizon { length_millis: 8000, stale_millis: 3000, margin_millis: 500 };
    let (mut lessor, takeover) = Lessor::start(TERMS, Some(found));
    assert_eq!(takeover, Some(11_500));
    assert_eq!(lessor.narrowing_wait_millis(), 11_500);
    assert_eq!(lessor.creation_wait_millis(), 11_500);
    let grant = lessor.grant(at(0), true);
    assert_eq!(grant.write, Some(found), "the row does not shrink while the former horizon may run");
    assert!(matches!(lessor.quiet(), Quiet::Again { .. }), "and is not closed");
    lessor.taken_over();
    assert_eq!(lessor.narrowing_wait_millis(), 0);
}

#[test]
fn a_lowered_lease_waits_for_the_longer_ones() {
    let mut lessor = new();
    lessor.grant(at(0), true);
    lessor.set_terms(LeaseTerms { lease_millis: 100, lease_max_millis: 100, ..TERMS });
    lessor.grant(at(50), true);
    assert_eq!(lessor.narrowing_wait_millis(), 2500);
}

#[test]
fn a_raised_stale_for_is_durable_before_it_is_granted() {
    let mut lessor = new();
    lessor.grant(at(0), true);
    lessor.set_terms(LeaseTerms { stale_millis: 9000, ..TERMS });
    let grant = lessor.grant(at(1), true);
    assert_eq!(grant.write.map(|row| row.stale_millis), Some(9000));
    assert_eq!((grant.stale_millis, lessor.narrowing_wait_millis()), (9000, 11_500));
}

#[test]
fn the_row_shrinks_under_traffic_once_the_longer_one_has_run_out() {
    let mut lessor = new();
    lessor.set_terms(LeaseTerms { stale_millis: 9000, ..TERMS });
    assert_eq!(lessor.grant(at(0), true).timer_millis, Some(11_500));
    lessor.set_terms(TERMS);
    let row = |grant: Grant| grant.write.map(|row| row.stale_millis);
    assert_eq!(row(lessor.grant(at(10), true)), Some(9000));
    assert_eq!(row(lessor.grant(at(11_400), true)), Some(9000));
    assert!(matches!(lessor.quiet(), Quiet::Again { timer_millis: 2500 }));
    assert_eq!(row(lessor.grant(at(14_000), true)), Some(0), "nothing granted since then may run so long");
}

#[test]
fn a_former_row_stands_until_it_has_been_waited_out() {
    let found = Horizon { length_millis: 8000, stale_millis: 0, margin_millis: 500 };
    let (mut lessor, _) = Lessor::start(TERMS, Some(found));
    lessor.grant(at(0), true);
    lessor.quiet();
    assert_eq!(lessor.grant(at(2500), true).write, Some(found));
    lessor.quiet();
    assert_eq!(lessor.grant(at(5000), true).write, Some(found));
    lessor.taken_over();
    lessor.quiet();
    assert_eq!(lessor.grant(at(9000), true).write.map(|row| row.length_millis), Some(4000));
}

#[test]
fn a_row_that_was_not_written_is_asked_for_again() {
    let mut lessor = new();
    let grant = lessor.grant(at(0), true);
    assert!(grant.write.is_some());
    lessor.not_written(grant);
    let grant = lessor.grant(at(1), true);
    assert!(grant.write.is_some());
    assert_eq!(grant.timer_millis, Some(2500));
}

#[test]
fn long_leases_are_given_more_for_drift() {
    for (length, wait) in [(2000, 2500), (12_000, 12_500), (60_000, 61_500), (86_400_000, 88_200_250)] {
        assert_eq!(ended_after(length, 500), wait);
        // On a clock that runs slow by one in a hundred the length takes this long, and the wait on a fast one.
        let (longest, shortest) = (length * 100 / 99, wait * 100 / 101);
        assert!(shortest >= longest + 200, "{length}: {shortest} against {longest}");
    }
}

#[test]
fn a_step_back_of_the_clock_ends_the_horizon() {
    let mut lessor = new();
    lessor.grant(at(10_000), true);
    assert!(lessor.grant(at(9_000), true).write.is_some());
}

#[test]
fn no_wait_is_longer_than_is_said() {
    let terms = LeaseTerms { stale_millis: 20_000, ..TERMS };
    let (mut lessor, _) = Lessor::start(terms, None);
    let row = (0..6000).filter_map(|question| lessor.grant(at(question / 2), true).write).last().unwrap();
    assert_eq!(row.length_millis, 20_000, "leases are at their longest");
    let (successor, _) = Lessor::start(terms, Some(row));
    assert_eq!(successor.narrowing_wait_millis(), terms.longest_wait_millis());
    assert!(lessor.granted_wait_millis() <= terms.longest_wait_millis());
    assert!(LeaseTerms::default().longest_wait_millis() <= LeaseTerms::WAIT_LIMIT_MILLIS);
}

#[test]
fn older_storage_is_waited_for_as_long_as_any_lease_can_have_been() {
    for (lease_max_millis, stale_millis) in [(0, 46_000), (2_000, 44_000), (10_000, 28_000), (20_000, 8_000)] {
        let terms = LeaseTerms { lease_millis: 0, lease_max_millis, margin_millis: 500, stale_millis };
        assert!(terms.longest_wait_millis() <= LeaseTerms::WAIT_LIMIT_MILLIS, "{terms:?} may be");
        let believed = ended_after(lease_max_millis + stale_millis, terms.margin_millis);
        assert!(believed <= Horizon::LONGEST.wait_millis(), "{terms:?}");
    }
    assert!(Horizon::LONGEST.wait_millis() <= LeaseTerms::WAIT_LIMIT_MILLIS);
    let mut lessor = new();
    lessor.grant(at(0), true);
    let wait = lessor.put_back();
    assert_eq!(wait, Some(Horizon::LONGEST.wait_millis()));
    assert_eq!((Some(lessor.narrowing_wait_millis()), Some(lessor.creation_wait_millis())), (wait, wait));
    let grant = lessor.grant(at(1), true);
    assert_eq!(grant.write, Some(Horizon::LONGEST), "whoever takes over now waits as long");
    assert!(grant.timer_millis.is_some());
}

#[test]
fn rows_of_different_terms_do_not_add_up() {
    let within = |row: Horizon, terms: LeaseTerms| {
        let wait = row.wait_millis();
        assert!(wait <= LeaseTerms::WAIT_LIMIT_MILLIS, "{row:?}");
        assert!(wait >= terms.longest_wait_millis().min(Horizon::LONGEST.wait_millis()), "{row:?}");
    };
    let stale = LeaseTerms { stale_millis: 28_000, ..TERMS };
    let (mut lessor, _) = Lessor::start(stale, None);
    assert!(lessor.put_back().is_some());
    within(lessor.grant(at(0), true).write.unwrap(), stale);

    let short = LeaseTerms { lease_millis: 1000, lease_max_millis: 1000, margin_millis: 500, stale_millis: 46_000 };
    let long = LeaseTerms { lease_millis: 20_000, lease_max_millis: 20_000, margin_millis: 500, stale_millis: 8000 };
    let wide = LeaseTerms { lease_millis: 1000, lease_max_millis: 1000, margin_millis: 40_000, stale_millis: 0 };
    for (first, second) in [(short, long), (long, short), (short, wide), (wide, short), (wide, long)] {
        let (mut lessor, _) = Lessor::start(first, None);
        lessor.grant(at(0), true);
        lessor.set_terms(second);
        let row = lessor.grant(at(1), true).write.unwrap();
        within(row, first);
        within(row, second);
        let (successor, _) = Lessor::start(second, Some(row));
        assert!(successor.narrowing_wait_millis() >= lessor.narrowing_wait_millis(), "whatever was granted ends");
    }
}

#[test]
fn no_question_outlives_the_rest_while_storage_is_put_back() {
    assert!(u64::from(LeaseTerms::QUICK_MILLIS) < Horizon::LONGEST.wait_millis());
    assert!(Horizon::LONGEST.wait_millis() <= LeaseTerms::WAIT_LIMIT_MILLIS);
    const { assert!(LeaseTerms::QUICK_MILLIS < LeaseTerms::PATIENCE_MILLIS) };
}

#[test]
fn older_storage_shortens_no_wait() {
    let found = Horizon { length_millis: 2000, stale_millis: 46_700, margin_millis: 500 };
    let (mut lessor, takeover) = Lessor::start(TERMS, Some(found));
    assert!(takeover > Some(Horizon::LONGEST.wait_millis()));
    assert_eq!(lessor.longest(), found);
    assert_eq!(lessor.put_back(), takeover);
    assert_eq!(lessor.grant(at(0), true).write, Some(found));
}

#[test]
fn many_questions_make_leases_longer() {
    let mut lessor = new();
    for question in 0..900 {
        lessor.grant(at(question), true);
    }
    assert_eq!(lessor.grant(at(1000), true).lease_millis, 6000);
    assert_eq!(lessor.narrowing_wait_millis(), 6500);
    assert_eq!(lessor.grant(at(3000), true).lease_millis, 2000);
}

#[test]
fn without_leases_every_request_asks() {
    let (mut lessor, _) = Lessor::start(LeaseTerms { lease_millis: 0, lease_max_millis: 0, ..TERMS }, None);
    let grant = lessor.grant(at(0), true);
    assert_eq!((grant.lease_millis, grant.stale_millis), (0, 0));
    assert_eq!(lessor.narrowing_wait_millis(), 0);
    assert_eq!(lessor.grant(at(900), true).write, None);
}
