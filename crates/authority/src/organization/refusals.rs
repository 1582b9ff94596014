//! Refusals of known tokens in the activity log: one entry for each token and code in a window.
//!
//! Whoever holds a dead token can have it refused as often as they like, and nothing of a log of hashes can be taken
//! back. So the first refusal is written at once; those that follow are added up, and written as one entry when the
//! window has ended.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::protocol::message::{Client, Refusal};
use symbolon::time::Timestamp;

use super::activity::{self, Action, Entry, Who};
use super::failure::Result;
use crate::machine::Context;
use crate::store::{Store, Value};

/// How long refusals are added up, in milliseconds: five minutes.
pub(crate) const WINDOW_MILLIS: i64 = 300_000;
/// How many windows are ended at a time.
const MAX_ENDED: u32 = 500;

/// Writes refusals down, or adds them to those of their window.
pub(crate) fn note<S: Store>(store: &S, context: &mut Context<'_>, refusal: &Refusal) -> Result<()> {
    end_windows(store, context)?;
    // A clock at an edge may be ahead.
    let last_at = refusal.last_at.min(context.now);
    let count = Value::count(refusal.count.min(u64::from(u32::MAX)))?;
    let (token, code) = (Value::text(&refusal.token), Value::from(refusal.code.as_str()));
    let added = store.execute(
        "UPDATE refusal SET count = count + ?3, last_at = max(last_at, ?4), address = ?5, user_agent = ?6
            WHERE token = ?1 AND code = ?2 RETURNING 1",
        &[
            token.clone(),
            code.clone(),
            count,
            last_at.into(),
            refusal.client.address.clone().into(),
            refusal.client.user_agent.clone().into(),
        ],
    )?;
    if !added.is_empty() {
        return Ok(());
    }
    store.execute(
        "INSERT INTO refusal (token, code, ends_at, count, last_at) VALUES (?1, ?2, ?3, 0, ?4)",
        &[token, code, context.now.plus_millis(WINDOW_MILLIS).into(), last_at.into()],
    )?;
    write(store, context, refusal.token, refusal.code.as_str(), refusal.count, last_at, refusal.client.clone())
}

/// Ends the windows whose time has come, and writes down what was added up in them.
pub(crate) fn end_windows<S: Store>(store: &S, context: &mut Context<'_>) -> Result<()> {
    let ended = store.execute(
        "DELETE FROM refusal WHERE (token, code) IN (
            SELECT token, code FROM refusal WHERE ends_at <= ?1 ORDER BY ends_at, token, code LIMIT ?2)
            RETURNING token, code, count, last_at, address, user_agent",
        &[context.now.into(), MAX_ENDED.into()],
    )?;
    for row in ended {
        let count: u64 = row.get(2)?;
        if count > 0 {
            let client = Client { address: row.get(4)?, user_agent: row.get(5)? };
            let code: String = row.get(1)?;
            write(store, context, row.parsed(0)?, &code, count, row.get(3)?, client)?;
        }
    }
    Ok(())
}

/// When the next window ends.
pub(crate) fn due<S: Store>(store: &S) -> Result<Option<Timestamp>> {
    let rows = store.execute("SELECT MIN(ends_at) FROM refusal", &[])?;
    Ok(rows.first().map_or(Ok(None), |row| row.get(0))?)
}

fn write<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    token: TokenId,
    code: &str,
    count: u64,
    last_at: Timestamp,
    client: Client,
) -> Result<()> {
    let who = Who { member: None, token: Some(token), client };
    let details = json!({ "code": code, "count": count, "last_at": last_at });
    let random = context.random();
    activity::append(store, context.now, &random, &who, &Entry::token(Action::TokenRefuse, token, details))
}
