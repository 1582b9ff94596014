//! A credential belongs to one organisation: what it is known by is claimed at the locator before the credential lives.
//!
//! A native bearer secret names its organisation and needs no claim. Everything else (public keys, fingerprints,
//! secrets of other forms, imported hashes) does. The rows of a claim are written before the locator is asked, so that
//! a claim whose maker was lost is found by the alarm, and given up. They are deleted in the transaction in which the
//! credential comes to life.

use symbolon::id::TokenId;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::imported::MAX_CANDIDATES;
use symbolon::protocol::message::{LocatorCall, Place};
use symbolon::time::Timestamp;

use super::failure::{Failure, Result};
use super::head::Head;
use super::outbox::{MAX_BACKOFF_MILLIS, backoff};
use crate::store::{Store, Value};

/// After so long, in milliseconds, a claim that is still wanted has lost its maker.
const ORPHANED_MILLIS: i64 = 120_000;
/// How long to wait for the answer to a release before it is sent once more, in milliseconds.
const RELEASE_MILLIS: i64 = 30_000;
/// How many releases are sent at once.
const MAX_RELEASES: u32 = 16;

/// A name that a new credential will be known by, and whose it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) key: String,
    pub(crate) token: TokenId,
}

/// Refuses names that a token of this organisation has already.
pub(crate) fn check<S: Store>(store: &S, keys: &[Wanted]) -> Result<()> {
    for Wanted { key, .. } in keys {
        if !store.execute("SELECT 1 FROM credential WHERE key = ?1", &[key.into()])?.is_empty() {
            return Err(taken());
        }
    }
    Ok(())
}

/// Writes down that these names are about to be claimed.
pub(crate) fn want<S: Store>(store: &S, now: Timestamp, keys: &[Wanted]) -> Result<()> {
    check(store, keys)?;
    for Wanted { key, token } in keys {
        let written = store.execute(
            "INSERT INTO claim (key, token, state, due_at, number) VALUES (?1, ?2, 'wanted', ?3, ?4)
                ON CONFLICT (key) DO NOTHING RETURNING key",
            &[key.into(), Value::text(token), now.plus_millis(ORPHANED_MILLIS).into(), next(store, now)?],
        )?;
        if written.is_empty() {
            return Err(taken());
        }
    }
    Ok(())
}

/// The names are held now; their claims are done. To be called where the credentials are written.
///
/// # Errors
/// `conflict` if one of them was given up meanwhile, because it took too long.
pub(crate) fn held<S: Store>(store: &S, keys: &[Wanted]) -> Result<()> {
    for Wanted { key, token } in keys {
        let done = store.execute(
            "DELETE FROM claim WHERE key = ?1 AND token = ?2 AND state = 'wanted' RETURNING key",
            &[key.into(), Value::text(token)],
        )?;
        if done.is_empty() {
            return Err(Problem::new(Code::Conflict).detail("It took too long. Try again.").into());
        }
    }
    Ok(())
}

/// The names are not wanted any more. Those that somebody else has (`refused`) need not be given up.
pub(crate) fn drop_all<S: Store>(store: &S, now: Timestamp, keys: &[Wanted], refused: &[String]) -> Result<()> {
    for Wanted { key, token } in keys {
        let parameters = [key.into(), Value::text(token)];
        if refused.contains(key) {
            store.execute("DELETE FROM claim WHERE key = ?1 AND token = ?2", &parameters)?;
        } else {
            let [key, token] = parameters;
            store.execute(
                "UPDATE claim SET state = 'releasing', due_at = ?3, attempts = 0 WHERE key = ?1 AND token = ?2",
                &[key, token, now.into()],
            )?;
        }
    }
    Ok(())
}

/// A name that a credential had is not wanted any more.
pub(crate) fn give_up<S: Store>(store: &S, now: Timestamp, name: &Wanted) -> Result<()> {
    store.execute(
        "INSERT INTO claim (key, token, state, due_at, number) VALUES (?1, ?2, 'releasing', ?3, ?4)
            ON CONFLICT (key) DO NOTHING",
        &[(&name.key).into(), Value::text(&name.token), now.into(), next(store, now)?],
    )?;
    Ok(())
}

/// A number that no claim has had, nor a name that was given up. By the clock, as epochs are: also where the storage was
/// put back to an older state.
fn next<S: Store>(store: &S, now: Timestamp) -> Result<Value> {
    let sql = "UPDATE organization SET claims = max(claims + 1, ?1) RETURNING claims";
    let rows = store.execute(sql, &[now.into()])?;
    let row = rows.first().ok_or(Failure::Broken("the organisation has no row"))?;
    Ok(Value::count(row.get(0)?)?)
}

/// The number under which a name is being claimed.
pub(crate) fn number<S: Store>(store: &S, key: &str) -> Result<u64> {
    let rows = store.execute("SELECT number FROM claim WHERE key = ?1", &[key.into()])?;
    Ok(rows.first().map_or(Ok(0), |row| row.get(0))?)
}

/// A name that is to be given up, and which claim of it at the latest.
pub(crate) struct Unwanted {
    pub(crate) name: Wanted,
    pub(crate) number: u64,
}

/// The question with which a name is given up.
pub(crate) fn release(head: &Head, unwanted: &Unwanted) -> LocatorCall {
    let Unwanted { name, number } = unwanted;
    let place = Place { organization: head.short_id, token: name.token };
    LocatorCall::Release { key: name.key.clone(), place, claim: *number }
}

/// The names that are to be given up now, claims without a maker among them. Each is due again later, until
/// [`released`] says that it is done.
pub(crate) fn to_release<S: Store>(
    store: &S,
    now: Timestamp,
    mut has_maker: impl FnMut(&str) -> bool,
) -> Result<Vec<Unwanted>> {
    let rows = store.execute(
        "SELECT key, token, attempts, number FROM claim WHERE due_at <= ?1 ORDER BY due_at, key LIMIT ?2",
        &[now.into(), MAX_RELEASES.into()],
    )?;
    let mut release = Vec::new();
    for row in rows {
        let (key, token, attempts): (String, TokenId, u32) = (row.get(0)?, row.parsed(1)?, row.get(2)?);
        if has_maker(&key) {
            store.execute(
                "UPDATE claim SET due_at = ?2 WHERE key = ?1",
                &[key.into(), now.plus_millis(ORPHANED_MILLIS).into()],
            )?;
            continue;
        }
        let due = now.plus_millis(RELEASE_MILLIS.saturating_add(backoff(attempts)));
        store.execute(
            "UPDATE claim SET state = 'releasing', due_at = ?2, attempts = attempts + 1 WHERE key = ?1",
            &[(&key).into(), due.into()],
        )?;
        release.push(Unwanted { name: Wanted { key, token }, number: row.get(3)? });
    }
    Ok(release)
}

/// A name was given up.
pub(crate) fn released<S: Store>(store: &S, key: &str, number: u64) -> Result<()> {
    store.execute(
        "DELETE FROM claim WHERE key = ?1 AND number = ?2 AND state = 'releasing'",
        &[key.into(), Value::count(number)?],
    )?;
    Ok(())
}

/// The clock has gone back, or may have: what would be due only long after is due now.
pub(crate) fn clock_went_back<S: Store>(store: &S, now: Timestamp) -> Result<()> {
    let latest = now.plus_millis(RELEASE_MILLIS.saturating_add(MAX_BACKOFF_MILLIS));
    store.execute("UPDATE claim SET due_at = ?1 WHERE due_at > ?2", &[now.into(), latest.into()])?;
    Ok(())
}

/// When to look again, if there is anything left to do.
pub(crate) fn due<S: Store>(store: &S) -> Result<Option<Timestamp>> {
    let rows = store.execute("SELECT MIN(due_at) FROM claim", &[])?;
    Ok(rows.first().map_or(Ok(None), |row| row.get(0))?)
}

/// What is told where as many bcrypt hashes have a public prefix as may.
pub(crate) fn full() -> Failure {
    let detail = format!(
        "{MAX_CANDIDATES} tokens with a bcrypt hash have this public prefix already. Once one of them is used, it makes \
         room; or bring this one in with the SHA-256 of its secret."
    );
    Problem::new(Code::Conflict).detail(detail).into()
}

/// What is told of a name that is taken: not by whom.
pub(crate) fn taken() -> Failure {
    Problem::new(Code::Conflict).detail("This credential is registered already.").into()
}
