//! The replay memory: a signed request is accepted once, everywhere.
//!
//! Memories are sharded by the first byte of the key, which is itself a SHA-256. An entry is written before the answer
//! that it is fresh, so a restart forgets nothing.
//!
//! An entry may leave once no request with its time of signing can be inside its window any more. The memory does not
//! trust its clock in this: it keeps the latest time of signing among all entries that ever left, and refuses whatever
//! was signed no later than that. A request that was accepted and then forgotten carries the same time of signing when
//! it comes back, so it is refused whatever the clock did in between, and whatever has become of its kind's rules.
//! So that this refuses nothing else, entries leave by the longest window that the memory has judged, not by their own;
//! when a longer one than ever comes along, what was signed before the last that left is refused once too often.

use symbolon::protocol::message::{ReplayCall, Replayed};
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use crate::answer;
use crate::machine::{Context, Effect, Event, Machine};
use crate::store::{Row, Store, StoreError, Value};

/// The longest window, in milliseconds from signing to its end with all skew: an hour as profiles may declare it, and
/// five minutes of future.
pub const MAX_WINDOW_MILLIS: i64 = 3_900_000;
/// Entries stay for at least this long, in milliseconds from signing: the usual longest window with its skew, so that
/// the first request with such a window does not meet a memory that has forgotten too early.
pub const USUAL_WINDOW_MILLIS: i64 = 310_000;
/// Entries leave in batches, no more often than this, in milliseconds.
pub const SWEEP_MILLIS: i64 = 10_000;

/// The name of the object that remembers this key: `replay:` and two hexadecimal digits; none if it is no key.
#[must_use]
pub fn object_name(key: &str) -> Option<String> {
    let [first, ..] = *key.parse::<Digest>().ok()?.as_bytes();
    Some(format!("replay:{first:02x}"))
}

/// One shard of the replay memory.
pub struct Replay<S> {
    store: S,
    memory: Option<Memory>,
    alarm_set: bool,
}

/// What is known beside the entries. Also in the store, where it is written before it is relied upon.
#[derive(Clone, Copy)]
struct Memory {
    /// The longest window that was judged, in milliseconds.
    longest: i64,
    /// The latest time of signing among all entries that have left.
    forgotten: Option<Timestamp>,
}

impl<S: Store> Replay<S> {
    /// The shard over this store.
    pub const fn new(store: S) -> Self {
        Self { store, memory: None, alarm_set: false }
    }

    fn judge(&mut self, call: &ReplayCall, now: Timestamp) -> Result<Replayed, StoreError> {
        let key: Digest = call.key.parse().map_err(|_| StoreError::database("a replay key is no SHA-256"))?;
        let window = call.until.millis_since(call.created);
        let left = call.until.millis_since(now);
        // The last bound keeps a request that claims to be from the future from staying for long.
        if window <= 0 || window > MAX_WINDOW_MILLIS || left <= 0 || left > MAX_WINDOW_MILLIS {
            return Ok(Replayed::OutsideWindow);
        }
        let memory = self.memory()?;
        if memory.forgotten.is_some_and(|forgotten| call.created <= forgotten) {
            return Ok(Replayed::OutsideWindow);
        }
        let fresh = self.store.transaction(|| {
            if window > memory.longest {
                self.store.execute("UPDATE memory SET longest = ?1", &[window.into()])?;
            }
            let sql = "INSERT INTO seen (key, created) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING RETURNING 1";
            self.store.execute(sql, &[key.as_bytes().as_slice().into(), call.created.into()])
        })?;
        self.memory = Some(Memory { longest: memory.longest.max(window), ..memory });
        Ok(if fresh.is_empty() { Replayed::Seen } else { Replayed::Fresh })
    }

    /// Forgets what can be forgotten.
    fn sweep(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let memory = self.memory()?;
        let end = Value::from(now.plus_millis(memory.longest.saturating_neg()));
        let leaving = "SELECT max(created) FROM seen WHERE created <= ?1";
        let latest: Option<Timestamp> = first(&self.store.execute(leaving, core::slice::from_ref(&end))?)?;
        let Some(latest) = latest else { return Ok(()) };
        let forgotten = memory.forgotten.map_or(latest, |forgotten| forgotten.max(latest));
        self.store.transaction(|| {
            self.store.execute("UPDATE memory SET forgotten = ?1", &[forgotten.into()])?;
            self.store.execute("DELETE FROM seen WHERE created <= ?1", &[end]).map(drop)
        })?;
        self.memory = Some(Memory { forgotten: Some(forgotten), ..memory });
        Ok(())
    }

    /// The alarm for the next entry that leaves, unless one is set already.
    fn alarm(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        if self.alarm_set {
            return Ok(None);
        }
        let earliest: Option<Timestamp> = first(&self.store.execute("SELECT min(created) FROM seen", &[])?)?;
        let Some(earliest) = earliest else { return Ok(None) };
        self.alarm_set = true;
        let at = earliest.plus_millis(self.memory()?.longest).max(now.plus_millis(SWEEP_MILLIS));
        Ok(Some(Effect::SetAlarm { at }))
    }

    fn memory(&mut self) -> Result<Memory, StoreError> {
        if let Some(memory) = self.memory {
            return Ok(memory);
        }
        self.store.transaction(|| {
            self.store.execute(
                "CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, created INTEGER NOT NULL) STRICT, WITHOUT ROWID",
                &[],
            )?;
            self.store.execute("CREATE INDEX IF NOT EXISTS seen_by_created ON seen (created)", &[])?;
            self.store.execute(
                "CREATE TABLE IF NOT EXISTS memory (one INTEGER PRIMARY KEY CHECK (one = 1), longest INTEGER NOT NULL, forgotten INTEGER) STRICT",
                &[],
            )?;
            let sql = "INSERT INTO memory (one, longest) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING";
            self.store.execute(sql, &[USUAL_WINDOW_MILLIS.into()]).map(drop)
        })?;
        let rows = self.store.execute("SELECT longest, forgotten FROM memory", &[])?;
        let row = rows.first().ok_or_else(|| StoreError::database("the row of the memory is gone"))?;
        let memory = Memory { longest: row.get(0)?, forgotten: row.get(1)? };
        self.memory = Some(memory);
        Ok(memory)
    }

    fn call(&mut self, call: &ReplayCall, now: Timestamp) -> Result<(String, Option<Effect>), StoreError> {
        let replayed = self.judge(call, now)?;
        let alarm = if replayed == Replayed::Fresh { self.alarm(now)? } else { None };
        Ok((answer::json(&replayed)?, alarm))
    }
}

impl<S: Store> Machine for Replay<S> {
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        match event {
            Event::Call { id, json } => {
                let mut alarm = None;
                let reply = answer::to_call(id, &json, |call| {
                    let (json, effect) = self.call(call, context.now)?;
                    alarm = effect;
                    Ok(json)
                });
                [Some(reply), alarm].into_iter().flatten().collect()
            }
            Event::Alarm => {
                self.alarm_set = false;
                let next = self.sweep(context.now).and_then(|()| self.alarm(context.now));
                // What could not be forgotten now is forgotten later.
                let retry = || Some(Effect::SetAlarm { at: context.now.plus_millis(SWEEP_MILLIS) });
                next.unwrap_or_else(|_| retry()).into_iter().collect()
            }
            Event::Answered { .. } | Event::KvPut { .. } | Event::Synced { .. } | Event::Timer { .. } => Vec::new(),
        }
    }
}

fn first(rows: &[Row]) -> Result<Option<Timestamp>, StoreError> {
    rows.first().map_or(Ok(None), |row| row.get(0))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::store::Sqlite;
    use crate::test_host::Host;

    /// A request signed `age` seconds ago whose window is so many seconds long.
    fn call(host: &Host, key: u8, age: i64, window: i64) -> ReplayCall {
        let created = host.now.plus_seconds(-age);
        ReplayCall { key: Digest::of([key]).to_string(), created, until: created.plus_seconds(window) }
    }

    fn alarm(effects: &[Effect]) -> Option<Timestamp> {
        effects.iter().find_map(|effect| if let Effect::SetAlarm { at } = effect { Some(*at) } else { None })
    }

    fn entries(store: &Sqlite) -> i64 {
        store.execute("SELECT count(*) FROM seen", &[]).unwrap()[0].get(0).unwrap()
    }

    #[test]
    fn a_request_is_fresh_once_also_after_a_restart() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let asked = call(&host, 1, 5, 60);
        assert_eq!(host.call::<Replayed>(&mut Replay::new(&store), &asked), Replayed::Fresh);
        let mut again = Replay::new(&store);
        assert_eq!(host.call::<Replayed>(&mut again, &asked), Replayed::Seen);
        let other = call(&host, 2, 5, 60);
        assert_eq!(host.call::<Replayed>(&mut again, &other), Replayed::Fresh);
        assert_eq!(host.call::<Replayed>(&mut again, &other), Replayed::Seen);
    }

    #[test]
    fn windows_are_judged_here() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut replay = Replay::new(&store);
        let longest = MAX_WINDOW_MILLIS / 1000;
        for (age, window, expected) in [
            (59, 60, Replayed::Fresh),
            (60, 60, Replayed::OutsideWindow),
            (0, 0, Replayed::OutsideWindow),
            (-10, -5, Replayed::OutsideWindow),
            (0, longest, Replayed::Fresh),
            (0, longest + 1, Replayed::OutsideWindow),
            (-1, longest, Replayed::OutsideWindow),
        ] {
            let asked = call(&host, 9, age, window);
            store.execute("DELETE FROM seen", &[]).ok();
            assert_eq!(host.call::<Replayed>(&mut replay, &asked), expected, "{age} {window}");
        }
    }

    #[test]
    fn entries_leave_when_their_window_has_ended() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut replay = Replay::new(&store);
        let first = call(&host, 1, 0, 310);
        let (_, effects) = host.call_with_effects::<Replayed>(&mut replay, &first);
        let at = alarm(&effects).unwrap();
        assert_eq!(at, host.now.plus_seconds(310));
        let second = call(&host, 2, -30, 60);
        let (_, effects) = host.call_with_effects::<Replayed>(&mut replay, &second);
        assert_eq!(alarm(&effects), None, "one alarm is enough");
        host.now = at;
        let effects = host.on(&mut replay, Event::Alarm);
        assert_eq!(entries(&store), 1);
        host.now = alarm(&effects).unwrap();
        assert_eq!(host.on(&mut replay, Event::Alarm), Vec::new(), "an empty memory sleeps");
        assert_eq!(entries(&store), 0);
    }

    #[test]
    fn what_was_forgotten_is_not_fresh_when_the_clock_goes_back() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let start = host.now;
        let asked = call(&host, 1, 0, 60);
        assert_eq!(host.call::<Replayed>(&mut Replay::new(&store), &asked), Replayed::Fresh);
        host.now = start.plus_seconds(311);
        host.on(&mut Replay::new(&store), Event::Alarm);
        assert_eq!(entries(&store), 0);
        host.now = start.plus_seconds(1);
        assert_eq!(host.call::<Replayed>(&mut Replay::new(&store), &asked), Replayed::OutsideWindow);
    }

    #[test]
    fn what_was_forgotten_is_not_fresh_when_its_rules_grow_longer() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut replay = Replay::new(&store);
        let asked = call(&host, 1, 0, 10);
        assert_eq!(host.call::<Replayed>(&mut replay, &asked), Replayed::Fresh);
        host.now = host.now.plus_seconds(311);
        host.on(&mut replay, Event::Alarm);
        let longer = ReplayCall { until: asked.created.plus_seconds(600), ..asked };
        assert_eq!(host.call::<Replayed>(&mut replay, &longer), Replayed::OutsideWindow);
        // Nor when they grow longer while it is still remembered.
        let asked = call(&host, 2, 0, 10);
        assert_eq!(host.call::<Replayed>(&mut replay, &asked), Replayed::Fresh);
        let other = call(&host, 3, 0, 600);
        assert_eq!(host.call::<Replayed>(&mut replay, &other), Replayed::Fresh);
        host.now = host.now.plus_seconds(400);
        host.on(&mut replay, Event::Alarm);
        let longer = ReplayCall { until: asked.created.plus_seconds(600), ..asked };
        assert_eq!(host.call::<Replayed>(&mut replay, &longer), Replayed::Seen);
    }

    #[test]
    fn short_windows_are_not_refused_because_of_what_has_left() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let mut replay = Replay::new(&store);
        for key in 0..150 {
            let window = if key % 2 == 0 { 10 } else { 120 };
            let asked = call(&host, key, if key % 2 == 0 { 9 } else { 119 }, window);
            assert_eq!(host.call::<Replayed>(&mut replay, &asked), Replayed::Fresh, "{key}");
            host.now = host.now.plus_seconds(7);
            host.on(&mut replay, Event::Alarm);
        }
        assert!(entries(&store) < 60, "the memory does not grow");
    }

    #[test]
    fn what_is_no_key_fails() {
        let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
        let asked = ReplayCall { key: "x".to_owned(), ..call(&host, 1, 0, 10) };
        assert!(host.fails(&mut Replay::new(&store), &serde_json::to_string(&asked).unwrap()));
        assert_eq!(object_name("x"), None);
        assert_eq!(object_name(&Digest::of("abc").to_string()).as_deref(), Some("replay:ba"));
    }
}
