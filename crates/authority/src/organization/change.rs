//! One change to an organisation: the only way in which anything that an edge may rely on is written.
//!
//! [`within`] a call's transaction, it gives the change its epoch, runs it, and writes down what it touched: the change
//! log, from which edges learn what to drop; the outbox, from which the directory is written; and the epoch itself. A
//! change that leaves no entry in the activity log is refused, so that none can be forgotten.
//!
//! The change log has every epoch that this history of the organisation has had since the log begins. One that it does
//! not have is of another history, which ended when the storage was put back to an older state (`put_back`).

use serde_json::json;
use symbolon::id::{MemberId, TokenId};
use symbolon::protocol::Epoch;

use super::activity::{self, Action, Entry, Who};
use super::failure::{Failure, Result};
use super::head::Head;
use crate::machine::Context;
use crate::store::{Store, Value};

/// How many rows the change log keeps: an edge that was away for longer starts over.
pub(crate) const MAX_LOG: u64 = 4096;

/// Epochs below this one (in 2001) are from when changes were counted. The log of then lacks those that touched no token.
const FIRST_BY_CLOCK: Epoch = Epoch::new(1_000_000_000_000);

/// A change while it is being made.
pub(crate) struct Change<'t, 'c, S> {
    /// The store, inside the transaction.
    pub(crate) store: &'t S,
    /// Time, randomness and settings.
    pub(crate) context: &'t mut Context<'c>,
    /// The organisation before the change.
    pub(crate) head: Head,
    /// The epoch of this change: the version of every record that it makes.
    pub(crate) epoch: Epoch,
    who: Who,
    entries: u32,
    /// Whether edges are to drop whatever they know from before.
    starts_over: bool,
}

/// Makes a change within the transaction of the call that is open, and says its epoch. A change that touched no token
/// has one as well: it may have been to something that only the authority reads, and one rule is easier to keep than two.
pub(crate) fn within<S: Store, T>(
    store: &S,
    context: &mut Context<'_>,
    who: &Who,
    body: impl FnOnce(&mut Change<'_, '_, S>) -> Result<T>,
) -> Result<(T, Epoch)> {
    within_after(store, context, who, Epoch::ZERO, body)
}

fn within_after<S: Store, T>(
    store: &S,
    context: &mut Context<'_>,
    who: &Who,
    latest: Epoch,
    body: impl FnOnce(&mut Change<'_, '_, S>) -> Result<T>,
) -> Result<(T, Epoch)> {
    let head = Head::read(store)?;
    let epoch = head.epoch.max(latest).after(context.now);
    let mut change = Change { store, context, head, epoch, who: who.clone(), entries: 0, starts_over: false };
    let result = body(&mut change)?;
    change.finish()?;
    Ok((result, epoch))
}

/// An edge holds this epoch, and this history of the organisation does not have it: the storage was put back to an older
/// state since. Whatever edges and directory know may be of what was lost: edges start over, every record gets a new
/// version, greater than any before, and the directory is told of all. The activity log says so.
pub(crate) fn put_back<S: Store>(store: &S, context: &mut Context<'_>, held: Epoch) -> Result<()> {
    within_after(store, context, &Who::default(), held, |change| {
        change.starts_over = true;
        change.touch_all()?;
        let details = json!({ "held": held.get(), "newest": change.head.epoch.get() });
        change.log(&Entry { action: Action::StoragePutBack, token: None, member: None, details })
    })?;
    Ok(())
}

impl<S: Store> Change<'_, '_, S> {
    /// Writes down what is done.
    pub(crate) fn log(&mut self, entry: &Entry) -> Result<()> {
        let random = self.context.random();
        activity::append(self.store, self.context.now, &random, &self.who, entry)?;
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    /// Makes a new version of a token's record. Call it after the token's credentials have been written.
    pub(crate) fn touch(&mut self, token: TokenId) -> Result<()> {
        self.touch_where("id = ?3", Some(Value::text(&token)))
    }

    /// Makes new versions of the records of all tokens of a member.
    pub(crate) fn touch_owner(&mut self, member: MemberId) -> Result<()> {
        self.touch_where("owner = ?3", Some(Value::text(&member)))
    }

    /// Makes new versions of all records.
    pub(crate) fn touch_all(&mut self) -> Result<()> {
        self.touch_where("TRUE", None)
    }

    /// Touches the tokens of a condition. What a locator alone is asked for, the directory is not told.
    fn touch_where(&mut self, condition: &str, parameter: Option<Value>) -> Result<()> {
        let epoch = Value::count(self.epoch.get())?;
        let parameters: Vec<Value> = [epoch, self.context.now.into()].into_iter().chain(parameter).collect();
        for sql in [
            // `?2` is named in each, since some adapters want every parameter used.
            format!("UPDATE token SET version = ?1 WHERE ?2 IS NOT NULL AND {condition}"),
            format!("INSERT OR IGNORE INTO change (epoch, token) SELECT ?1, id FROM token WHERE ?2 IS NOT NULL AND {condition}"),
            format!(
                "INSERT INTO outbox (key, token, version, due_at)
                    SELECT key, token, ?1, ?2 FROM credential
                    WHERE token IN (SELECT id FROM token WHERE {condition}) AND key NOT GLOB 'b:*'
                    ON CONFLICT (key) DO UPDATE SET token = excluded.token, version = excluded.version, due_at = excluded.due_at,
                        attempts = 0, again = 1"
            ),
        ] {
            self.store.execute(&sql, &parameters)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        if self.entries == 0 {
            return Err(Failure::Broken("a change left no entry in the activity log"));
        }
        let epoch = Value::count(self.epoch.get())?;
        // One that touched no token has its epoch all the same.
        self.store.execute(
            "INSERT INTO change (epoch, token) SELECT ?1, '' WHERE NOT EXISTS (SELECT 1 FROM change WHERE epoch = ?1)",
            &[epoch],
        )?;
        let floor = trim(self.store, self.head.log_floor)?;
        Head::set_epoch(self.store, self.epoch, if self.starts_over { self.epoch } else { floor })
    }
}

/// Shortens the log to its bound, whole epochs at a time, and says the newest epoch of which it no longer tells.
fn trim<S: Store>(store: &S, floor: Epoch) -> Result<Epoch> {
    let rows = store.execute(
        "SELECT epoch FROM change ORDER BY epoch DESC, token DESC LIMIT 1 OFFSET ?1",
        &[Value::count(MAX_LOG)?],
    )?;
    let Some(row) = rows.first() else { return Ok(floor) };
    let oldest: u64 = row.get(0)?;
    store.execute("DELETE FROM change WHERE epoch <= ?1", &[Value::count(oldest)?])?;
    Ok(Epoch::new(oldest))
}

/// Whether this history of the organisation has the epoch that an edge holds, as far as the log tells.
pub(crate) fn knows<S: Store>(store: &S, head: &Head, held: Epoch) -> Result<bool> {
    if held > head.epoch {
        return Ok(false);
    }
    if held <= head.log_floor || held == head.epoch || held < FIRST_BY_CLOCK {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM change WHERE epoch = ?1 LIMIT 1";
    Ok(!store.execute(sql, &[Value::count(held.get())?])?.is_empty())
}

/// The tokens that changed after `since`, or none if the log no longer tells. Nor does it of a number that was counted,
/// unless that is the newest: whether it is of this history nobody can say.
pub(crate) fn since<S: Store>(store: &S, head: &Head, since: Epoch) -> Result<Option<Vec<TokenId>>> {
    let counted = since < FIRST_BY_CLOCK && since != head.epoch;
    if since < head.log_floor || since > head.epoch || counted {
        return Ok(None);
    }
    let sql = "SELECT DISTINCT token FROM change WHERE epoch > ?1 AND token <> '' ORDER BY token";
    let rows = store.execute(sql, &[Value::count(since.get())?])?;
    Ok(Some(rows.iter().map(|row| row.parsed(0)).collect::<core::result::Result<_, _>>()?))
}
