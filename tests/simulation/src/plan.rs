//! What a seed stands for: how much happens, and how badly things go.

use fastrand::Rng;

/// How long an object whose storage is put back is at rest, in milliseconds: for as long as anything that was said before
/// may be believed, by a clock that runs slow.
pub(crate) const REST_MILLIS: i64 = 51_000;

/// How much happens in a run, and how badly things go. Chances are of 1.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many isolates there are. All hold organisations' leases as soon as they are asked.
    pub(crate) edges: usize,
    /// How many of them most requests go to.
    pub(crate) busy_edges: usize,
    /// How many tokens most requests and changes are about.
    pub(crate) busy_tokens: usize,
    /// How many organisations those belong to.
    pub(crate) busy_organizations: usize,
    /// How long requests and changes go on, in milliseconds.
    pub(crate) millis: i64,
    /// Requests and changes.
    pub(crate) operations: usize,
    /// Of them changes.
    pub(crate) changes: f64,
    /// How often something fails of itself: an instance, an isolate, a clock.
    pub(crate) failures: usize,
    /// How likely a message gets lost; at both ends the same.
    pub(crate) lost: f64,
    /// How likely a message arrives twice.
    pub(crate) doubled: f64,
    /// How likely a message takes long.
    pub(crate) slow: f64,
    /// How likely what an event has written is lost, with the instance.
    pub(crate) unwritten: f64,
    /// How likely a statement of an event is refused.
    pub(crate) refused: f64,
    /// How likely a put to the directory fails or is not acknowledged.
    pub(crate) unput: f64,
    /// How likely a look into the directory shows something old.
    pub(crate) stale: f64,
    /// Whether clocks step.
    pub(crate) steps: bool,
    /// The organisations' lease in milliseconds, and `stale_for` in seconds, where they are not the usual ones.
    pub(crate) terms: Option<(u64, u64)>,
    /// Whether isolates keep to the former or to the new instance while both run, and something is narrowed just then.
    pub(crate) split: bool,
    /// When an organisation's storage is copied and when the copy is put back, in milliseconds.
    pub(crate) put_back: Option<(i64, i64)>,
}

impl Plan {
    /// What this seed stands for.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5eed_0f91_a200_0001);
        // Every fiftieth is broad; the others are small, and vicious in one place.
        let broad = seed % 50 == 49;
        // What changes in between is lost; and afterwards there is time to see what comes of it.
        let mut other = Rng::with_seed(seed ^ 0x5eed_0f91_a200_0002);
        let put_back = (!broad && other.u8(0..8) == 0).then(|| {
            let copied = other.i64(1_000..=8_000);
            (copied, copied + other.i64(2_000..=8_000))
        });
        let longer = put_back.map_or(0, |(_, back)| back + REST_MILLIS);
        let chance = |rng: &mut Rng, most: f64| if rng.bool() { rng.f64() * most } else { 0.0 };
        Self {
            edges: if broad { 120 } else { 100 },
            busy_edges: if broad { 120 } else { rng.usize(2..=6) },
            busy_tokens: if broad { 2_000 } else { rng.usize(1..=8) },
            busy_organizations: if broad { 4 } else { rng.usize(1..=2) },
            millis: longer + rng.i64(15_000..=60_000),
            operations: if broad { 3_000 } else { rng.usize(120..=320) },
            changes: 0.05 + rng.f64() * 0.2,
            failures: if rng.u8(..) < 40 { 0 } else { rng.usize(1..=10) },
            lost: chance(&mut rng, 0.1),
            doubled: chance(&mut rng, 0.1),
            slow: chance(&mut rng, 0.2),
            unwritten: chance(&mut rng, 0.02),
            refused: chance(&mut rng, 0.02),
            unput: chance(&mut rng, 0.5),
            stale: chance(&mut rng, 1.0),
            steps: rng.bool(),
            terms: match rng.u8(0..4) {
                0 => Some((rng.u64(0..=4) * 500, 0)),
                1 => Some((rng.u64(1..=8) * 500, rng.u64(0..=6))),
                _ => None,
            },
            split: rng.bool(),
            put_back,
        }
    }
}
