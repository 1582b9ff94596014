//! Use counts, the directory, the replay memory: every reachable state, and a counterexample for each rule left out.

use symbolon_model::directory::{self, Directory};
use symbolon_model::once::{self, Once};
use symbolon_model::uses::{self, Uses};
use symbolon_model::{find, prove};

const USES: Uses =
    Uses { broken: uses::Broken::Nothing, isolates: 2, uses: 3, sends: 3, doubles: 1, crashes: 0, forgets: 0 };

#[test]
fn uses_are_counted_once() {
    prove("uses", "2 isolates, 3 uses, 3 messages, a double", USES);
    let lossy = Uses { isolates: 1, crashes: 1, forgets: 1, doubles: 2, ..USES };
    prove("uses, with losses", "1 isolate at a time, 3 uses, 3 messages, 2 doubles, a crash, a row that leaves", lossy);
}

#[test]
fn uses_that_are_not_counted_once() {
    for (broken, forgets, expected) in [
        (uses::Broken::CountedTwice, 0, "I3: counts"),
        (uses::Broken::SentOnce, 0, "I3: counts equal"),
        (uses::Broken::NotFrozen, 0, "I3: counts"),
        (uses::Broken::Forgotten, 1, "I3: counts never"),
    ] {
        let (property, _) = find(&format!("{broken:?}"), Uses { broken, forgets, isolates: 1, ..USES });
        assert!(property.starts_with(expected), "{broken:?} broke {property}");
    }
}

const ONCE: Once =
    Once { broken: once::Broken::Nothing, requests: &[1, 2, 4], window: 2, ticks: 7, takeovers: 2, presented: 5 };

#[test]
fn requests_are_accepted_once() {
    prove("once", "3 requests presented 5 times, a clock that shows any of 8 ticks, 2 takeovers", ONCE);
}

#[test]
fn requests_that_are_accepted_twice() {
    for broken in
        [once::Broken::MemoryAlone, once::Broken::AnsweredFirst, once::Broken::NoMark, once::Broken::WindowUnjudged]
    {
        find(&format!("{broken:?}"), Once { broken, ..ONCE });
    }
}

const DIRECTORY: Directory =
    Directory { broken: directory::Broken::Nothing, changes: 3, ticks: 14, takeovers: 2, losses: 2 };

#[test]
fn the_directory_gets_the_newest_version() {
    prove("directory", "3 changes, 14 ticks of 20 s, 2 takeovers, 2 losses", DIRECTORY);
}

#[test]
fn a_directory_that_stays_old() {
    for broken in [
        directory::Broken::PutOnce,
        directory::Broken::AgainAtOnce,
        directory::Broken::LostForGood,
        directory::Broken::AnyVersionSettles,
    ] {
        find(&format!("{broken:?}"), Directory { broken, ..DIRECTORY });
    }
}
