//! Use counts and refusals, as edges bring them in batches with their questions.
//!
//! Which batch counts is decided by [`symbolon::protocol::uses`]; here its rows are kept and its uses added up.

use serde_json::json;
use symbolon::id::MemberId;
use symbolon::policy::Rate;
use symbolon::problem::Code;
use symbolon::protocol::Epoch;
use symbolon::protocol::message::{Client, Failing, Limited, Refusal, Use, UseBatch};
use symbolon::protocol::uses::{Counted, Taken};
use symbolon::time::Timestamp;

use super::activity::{Action, Entry, Who};
use super::change::within;
use super::failure::Result;
use super::{imported, rate, refusals};
use crate::machine::Context;
use crate::store::{Store, Value};
use crate::strangers::Strangers;

/// How many tokens, and how many refusals, of a batch are looked at; honest batches have fewer.
const MAX_BATCH: usize = 1_000;
/// The longest name of an isolate, in bytes.
const MAX_ISOLATE_LEN: usize = 64;

/// Counts a batch, unless it was counted before, and says the number to acknowledge.
pub(crate) fn count<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    batch: &UseBatch,
    failed: Rate,
    strangers: &mut Strangers,
    limited: &mut Vec<Limited>,
) -> Result<Option<u64>> {
    let name = &batch.isolate;
    if name.is_empty() || name.len() > MAX_ISOLATE_LEN {
        return Ok(None);
    }
    forget(store, context.now)?;
    let rows = store.execute("SELECT number, newest FROM isolate WHERE name = ?1", &[name.into()])?;
    let found = match rows.first() {
        None => None,
        Some(row) => Some(Counted { number: row.get(0)?, newest: row.get(1)? }),
    };
    let rows = store.execute("SELECT uses_forgotten FROM organization", &[])?;
    let forgotten: Option<Timestamp> = rows.first().map_or(Ok(None), |row| row.get(0))?;
    if let Taken::Count(row) = Counted::take(found, forgotten, batch) {
        store.execute(
            "INSERT INTO isolate (name, number, newest) VALUES (?1, ?2, ?3)
                ON CONFLICT (name) DO UPDATE SET number = excluded.number, newest = excluded.newest",
            &[name.into(), Value::count(row.number)?, row.newest.into()],
        )?;
        for used in batch.uses.iter().take(MAX_BATCH) {
            one(store, context, used)?;
        }
        for refusal in batch.refusals.iter().take(MAX_BATCH) {
            if refusal.code == Code::SignatureInvalid {
                // It proved nothing: a stranger, whatever token it named. Of that no log tells.
                let network = refusal.client.address.as_ref().map(|_| refusal.client.network());
                if let Some(network) = network.filter(|_| !refusal.passed_on) {
                    limited.extend(strangers.count(context.now, failed, network, refusal.count));
                }
                continue;
            }
            for found in refused(store, context, refusal, failed)? {
                if !limited.contains(&found) {
                    limited.push(found);
                }
            }
        }
    }
    Ok(Some(batch.number))
}

/// Lets the rows of isolates leave that have long been silent.
fn forget<S: Store>(store: &S, now: Timestamp) -> Result<()> {
    let until = now.plus_millis(Counted::KEEP_MILLIS.saturating_neg());
    let left = store.execute("DELETE FROM isolate WHERE newest <= ?1 RETURNING newest", &[until.into()])?;
    let newest = left.iter().map(|row| row.get(0)).collect::<core::result::Result<Vec<Timestamp>, _>>()?;
    if let Some(newest) = newest.into_iter().max() {
        store.execute(
            "UPDATE organization SET uses_forgotten = max(coalesce(uses_forgotten, ?1), ?1)",
            &[newest.into()],
        )?;
    }
    Ok(())
}

fn one<S: Store>(store: &S, context: &mut Context<'_>, used: &Use) -> Result<()> {
    // A clock at an edge may be ahead; a use is never later than now.
    let at = used.last_at.min(context.now);
    let id = Value::text(&used.token);
    let known = store.execute(
        "UPDATE token SET use_count = use_count + ?2,
            last_used_ip = CASE WHEN coalesce(last_used_at, ?3) <= ?3 THEN ?4 ELSE last_used_ip END,
            last_used_agent = CASE WHEN coalesce(last_used_at, ?3) <= ?3 THEN ?5 ELSE last_used_agent END,
            last_used_at = max(coalesce(last_used_at, ?3), ?3)
            WHERE id = ?1 RETURNING id",
        &[
            id.clone(),
            // So many uses in one batch cannot be; a bound keeps the sum exact.
            Value::count(used.count.min(u64::from(u32::MAX)))?,
            at.into(),
            used.client.address.clone().into(),
            used.client.user_agent.clone().into(),
        ],
    )?;
    if known.is_empty() {
        return Ok(());
    }
    store.execute("UPDATE organization SET founding = '' WHERE first_token = ?1", &[id])?;
    if used.newest { end_grace(store, context, used) } else { Ok(()) }
}

/// The new secret of a rotation is in use: the old one's grace ends.
fn end_grace<S: Store>(store: &S, context: &mut Context<'_>, used: &Use) -> Result<()> {
    let &Use { token, version, .. } = used;
    let id = Value::text(&token);
    let newest = store.execute(
        "SELECT generation, epoch FROM proof WHERE token = ?1 ORDER BY generation DESC LIMIT 1",
        core::slice::from_ref(&id),
    )?;
    let Some(row) = newest.first() else { return Ok(()) };
    let (generation, epoch): (u64, u64) = (row.get(0)?, row.get(1)?);
    // What was the newest in an older version may be the one in grace now.
    if version < Epoch::new(epoch) {
        return Ok(());
    }
    let generation = Value::count(generation)?;
    let older = store.execute(
        "SELECT 1 FROM proof WHERE token = ?1 AND generation < ?2 LIMIT 1",
        &[id.clone(), generation.clone()],
    )?;
    if older.is_empty() {
        return Ok(());
    }
    let who = Who { member: None, token: Some(token), client: used.client.clone() };
    within(store, context, &who, |change| {
        change.store.execute("DELETE FROM proof WHERE token = ?1 AND generation < ?2", &[id, generation])?;
        imported::give_up(change, token)?;
        change.touch(token)?;
        change.log(&Entry::token(Action::TokenRotateEnd, token, json!({ "reason": "new_secret_used" })))
    })?;
    Ok(())
}

/// Counts refusals of a token whose possession was proved, and writes them down. Says who has had as many as may be.
fn refused<S: Store>(store: &S, context: &mut Context<'_>, refusal: &Refusal, failed: Rate) -> Result<Vec<Limited>> {
    let rows = store.execute("SELECT owner FROM token WHERE id = ?1", &[Value::text(&refusal.token)])?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let owner: Option<String> = row.get(0)?;
    let member = owner.and_then(|owner| owner.parse::<MemberId>().ok());
    let mut limited = Vec::new();
    // What a good credential may not do is no failed verification; what a resource server passes on is not its own.
    if refusal.code.status() == 401 && !refusal.passed_on {
        let network = refusal.client.address.as_ref().map(|_| refusal.client.network());
        let failing = [Some(Failing::Token(refusal.token)), member.map(Failing::Member), network.map(Failing::Holder)];
        // The token of a request that somebody caught and sends again is as good as ever: they hold up none but themselves.
        let replayed = refusal.code == Code::Replayed;
        let blamed = |who: &Failing| !replayed || matches!(who, Failing::Holder(_));
        for who in failing.into_iter().flatten().filter(blamed) {
            let subjects = match who {
                Failing::Token(token) => rate::subjects(rate::REFUSED, token, None, &Client::default()),
                Failing::Member(member) => vec![rate::member(rate::REFUSED, member)],
                Failing::Holder(_) | Failing::Stranger(_) => vec![rate::network(rate::REFUSED, &refusal.client)],
            };
            // More than there may be is as much as there may be.
            let more = u32::try_from(refusal.count).unwrap_or(u32::MAX).min(u32::from(failed.max));
            rate::add(store, context.now, failed, &subjects, more)?;
            if let Some(seconds) = rate::wait(store, context.now, failed, &subjects)? {
                limited.push(Limited { who, seconds });
            }
        }
    }
    refusals::note(store, context, refusal)?;
    Ok(limited)
}
