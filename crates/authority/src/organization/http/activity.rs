//! `/v1/activity`: the log, its check, and its export.

use symbolon::activity::Entry;
use symbolon::policy::Product;
use symbolon::problem::Problem;
use symbolon::protocol::message::HttpResponse;
use symbolon::time::Timestamp;

use super::contract::Page;
use super::query::{Cursor, Place, Query, parameters};
use super::{Outcome, headers, reply};
use crate::organization::activity::{self, COLUMNS, read};
use crate::organization::failure::{Failure, Result};
use crate::organization::session::Session;
use crate::store::{MAX_INTEGER, Store, Value};

parameters! {
    /// Which entries a list has.
    pub(crate) struct Filters {
        /// What was done, such as `token.create`.
        action: text(),
        /// The id of the token that it was done to.
        token: text(),
        /// The id of the member that it was done to.
        member: text(),
        /// The id of the member who did it.
        actor: text(),
        /// Not before this time.
        since: time(),
        /// Before this time.
        until: time(),
        /// How many a page has at most.
        limit: limit(),
        /// The `next_cursor` of the page before.
        cursor: text(),
    }
}

parameters! {
    /// Where an export begins.
    pub(crate) struct ExportParameters {
        /// The `seq` of the last entry that you have.
        after: number(),
    }
}

/// How many entries one export holds; the next begins after its last.
const MAX_EXPORT: u32 = 2_000;

/// Entries, the newest first.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ActivityView)?;
    let query = Query::read(session.request, Filters::NAMES)?;
    let limit = query.limit()?;
    let before = match query.cursor("-seq")? {
        Some(Cursor { at: Place::Number(seq), .. }) => seq.clamp(0, MAX_INTEGER),
        Some(_) => return Err(Problem::field("cursor", "is not a next_cursor of this list in this order").into()),
        None => MAX_INTEGER,
    };
    let (conditions, mut parameters) = filter(&query)?;
    parameters.push(before.into());
    parameters.push(limit.saturating_add(1).into());
    let last = parameters.len();
    let sql = format!(
        "SELECT {COLUMNS} FROM activity WHERE {conditions} AND seq < ?{} ORDER BY seq DESC LIMIT ?{last}",
        last.saturating_sub(1),
    );
    let rows = session.store.execute(&sql, &parameters)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let items = rows.iter().take(limit).map(read).collect::<Result<Vec<_>>>()?;
    let next_cursor = match items.last() {
        Some(entry) if rows.len() > limit => Cursor {
            sort: "-seq".into(),
            at: Place::Number(i64::try_from(entry.seq).unwrap_or(MAX_INTEGER)),
            id: entry.id.clone(),
        }
        .print(),
        _ => None,
    };
    reply(200, &Page::<Entry> { items, next_cursor })
}

/// Whether the chain is whole.
pub(crate) fn verify<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ActivityView)?;
    reply(200, &activity::verify(session.store, session.head.id)?)
}

/// Entries in their order, one JSON object a line. `after` is the number of the last entry that one has; the answer's
/// `link` names the next part.
pub(crate) fn export<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ActivityView)?;
    let query = Query::read(session.request, ExportParameters::NAMES)?;
    let after: i64 = match query.get("after") {
        None => 0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|after| (0..=MAX_INTEGER).contains(after))
            .ok_or_else(|| Problem::field("after", "must be the seq of an entry"))?,
    };
    let rows = session.store.execute(
        &format!("SELECT {COLUMNS} FROM activity WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
        &[after.into(), MAX_EXPORT.into()],
    )?;
    let mut body = String::new();
    let mut last = None;
    for row in &rows {
        let entry = read(row)?;
        let line = serde_json::to_string(&entry).map_err(|_| Failure::Broken("an entry cannot be written"))?;
        body.push_str(&line);
        body.push('\n');
        last = Some(entry.seq);
    }
    let mut headers = headers("application/x-ndjson");
    if let Some(last) = last.filter(|_| rows.len() >= usize::try_from(MAX_EXPORT).unwrap_or(usize::MAX)) {
        headers.push(("link".into(), format!("</v1/activity/export?after={last}>; rel=\"next\"")));
    }
    Ok(Outcome::Reply(HttpResponse { status: 200, headers, body }))
}

fn filter(query: &Query) -> Result<(String, Vec<Value>)> {
    let mut sql = vec!["TRUE".to_owned()];
    let mut parameters: Vec<Value> = Vec::new();
    for (name, condition) in
        [("action", "action = ?"), ("token", "token = ?"), ("member", "member = ?"), ("actor", "actor_member = ?")]
    {
        if let Some(text) = query.get(name) {
            parameters.push(text.into());
            sql.push(format!("{condition}{}", parameters.len()));
        }
    }
    for (name, condition) in [("since", "at >= ?"), ("until", "at < ?")] {
        if let Some(text) = query.get(name) {
            let time: Timestamp = text
                .parse()
                .map_err(|_| Problem::field(name, "must be a time in RFC 3339 such as 2026-01-31T12:00:00Z"))?;
            parameters.push(time.into());
            sql.push(format!("{condition}{}", parameters.len()));
        }
    }
    Ok((sql.join(" AND "), parameters))
}
