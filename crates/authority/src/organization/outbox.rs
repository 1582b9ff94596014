//! What the directory must still be told.
//!
//! A change puts the credentials of every token that it touches into the table `outbox`, in its own transaction. From
//! there they are put into the directory: for one key at most one put is under way; one that fails is repeated by
//! alarm, later each time; and since the directory has no compare-and-set, and a former machine's put may still arrive,
//! the newest version is put once more a minute after the last change.

use litemap::LiteMap;
use symbolon::id::TokenId;
use symbolon::time::Timestamp;

use super::failure::{Failure, Result};
use crate::machine::Effect;
use crate::store::Store;

/// How many puts are under way at once: a Worker has a small number of connections.
const MAX_UNDER_WAY: usize = 6;
/// When a put whose end was not heard of counts as lost, in milliseconds.
const LOST_MILLIS: i64 = 60_000;
/// When the newest version is put a second time, in milliseconds.
const AGAIN_MILLIS: i64 = 60_000;
/// The directory takes one write per key and second.
pub(super) const PAUSE_MILLIS: i64 = 1_000;
/// The longest pause after failures, in milliseconds: no row is due later than after so long.
pub(super) const MAX_BACKOFF_MILLIS: i64 = 300_000;

/// The puts that are under way. Memory alone: what is lost with it is put again.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    under_way: LiteMap<String, Timestamp>,
}

/// How long to wait after so many failures, in milliseconds: a second, doubled each time, and at most 5 minutes.
pub(crate) fn backoff(attempts: u32) -> i64 {
    PAUSE_MILLIS.saturating_mul(1i64.checked_shl(attempts.min(16)).unwrap_or(i64::MAX)).min(MAX_BACKOFF_MILLIS)
}

impl Outbox {
    /// The clock has gone back, or may have: what would be due only long after is due now. Else a token that was revoked
    /// before would stay in the directory for as long as the step was.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn clock_went_back<S: Store>(&mut self, store: &S, now: Timestamp) -> Result<()> {
        let latest = now.plus_millis(LOST_MILLIS);
        self.under_way.iter_mut().for_each(|(_, lost_at)| *lost_at = latest.min(*lost_at));
        store.execute(
            "UPDATE outbox SET due_at = ?1 WHERE due_at > ?2",
            &[now.into(), now.plus_millis(MAX_BACKOFF_MILLIS).into()],
        )?;
        Ok(())
    }

    /// Starts the puts that are due, as many as there is room for. `record` makes a token's row of the directory under a
    /// key; where it cannot, that one waits as after a put that failed, and keeps back no other. `write` makes a write of
    /// this turn: a superseded machine starts no put, for the newest version may be in the directory already.
    ///
    /// # Errors
    /// The store's; then no put was started.
    pub(crate) fn start<S: Store>(
        &mut self,
        store: &S,
        now: Timestamp,
        mut record: impl FnMut(&str, TokenId) -> Result<Option<String>>,
        write: impl FnOnce() -> Result<()>,
    ) -> Result<Vec<Effect>> {
        self.under_way.retain(|_, lost_at| now < *lost_at);
        let mut puts = Vec::new();
        let room = MAX_UNDER_WAY.saturating_sub(self.under_way.len());
        if room == 0 {
            return Ok(Vec::new());
        }
        let limit = MAX_UNDER_WAY.saturating_mul(2);
        // A limit that is a parameter would have SQLite plan the statement anew at every event.
        let rows = store.execute(
            &format!("SELECT key, token, version FROM outbox WHERE due_at <= ?1 ORDER BY due_at, key LIMIT {limit}"),
            &[now.into()],
        )?;
        for row in rows {
            let key: String = row.get(0)?;
            if self.under_way.contains_key(&key) {
                continue;
            }
            if puts.len() >= room {
                break;
            }
            let version = row.get(2)?;
            match row.parsed(1).map_err(Failure::from).and_then(|token| record(&key, token)) {
                Ok(value) => puts.push((key, value, version)),
                Err(_) => self.ended(store, now, &key, version, false)?,
            }
        }
        if puts.is_empty() {
            return Ok(Vec::new());
        }
        write()?;
        let start = |(key, value, version): (String, Option<String>, u64)| {
            self.under_way.insert(key.clone(), now.plus_millis(LOST_MILLIS));
            Effect::KvPut { key, value, version }
        };
        Ok(puts.into_iter().map(start).collect())
    }

    /// A put has ended.
    pub(crate) fn ended<S: Store>(
        &mut self,
        store: &S,
        now: Timestamp,
        key: &str,
        version: u64,
        ok: bool,
    ) -> Result<()> {
        self.under_way.remove(key);
        let rows = store.execute("SELECT version, attempts, again FROM outbox WHERE key = ?1", &[key.into()])?;
        let Some(row) = rows.first() else { return Ok(()) };
        let newest: u64 = row.get(0)?;
        let attempts: u32 = row.get(1)?;
        let again: bool = row.get(2)?;
        match (ok, newest == version, again) {
            (true, true, false) => {
                store.execute("DELETE FROM outbox WHERE key = ?1", &[key.into()])?;
            }
            (true, true, true) => {
                store.execute(
                    "UPDATE outbox SET due_at = ?2, attempts = 0, again = 0 WHERE key = ?1",
                    &[key.into(), now.plus_millis(AGAIN_MILLIS).into()],
                )?;
            }
            (true, false, _) => {
                store.execute(
                    "UPDATE outbox SET due_at = ?2, attempts = 0 WHERE key = ?1",
                    &[key.into(), now.plus_millis(PAUSE_MILLIS).into()],
                )?;
            }
            (false, _, _) => {
                store.execute(
                    "UPDATE outbox SET due_at = ?2, attempts = ?3 WHERE key = ?1",
                    &[key.into(), now.plus_millis(backoff(attempts)).into(), attempts.saturating_add(1).into()],
                )?;
            }
        }
        Ok(())
    }

    /// When to look again, if there is anything left to do.
    pub(crate) fn due<S: Store>(&self, store: &S, now: Timestamp) -> Result<Option<Timestamp>> {
        let rows = store.execute("SELECT MIN(due_at) FROM outbox WHERE due_at > ?1", &[now.into()])?;
        let later: Option<Timestamp> = rows.first().map_or(Ok(None), |row| row.get(0))?;
        Ok(later.into_iter().chain(self.under_way.values().copied()).min())
    }
}
