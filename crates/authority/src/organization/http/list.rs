//! `GET /v1/tokens` and `GET /v1/tokens/{id}`.

use symbolon::id::MemberId;
use symbolon::policy::Product;
use symbolon::problem::Problem;

use super::contract::{Page, TokenDocument};
use super::query::{Cursor, Place, Query, parameters};
use super::{Outcome, document, reply};
use crate::organization::failure::Result;
use crate::organization::session::Session;
use crate::organization::token::{STATUS, Token, select};
use crate::store::{MAX_INTEGER, Row, Store, Value};

parameters! {
    /// Which tokens a list has, and in what order.
    pub(crate) struct Parameters {
        /// Stands in the name, the description or the prefix, in letters of either case.
        q: text(),
        /// The name of a kind.
        kind: text(),
        /// Whose it is: the id of a member, `me`, or `organization`.
        owner: text(),
        /// Who made it: the id of a member, or `me`.
        created_by: text(),
        /// The name of the role that bounds it.
        role: text(),
        /// The service that it is for.
        service: text(),
        /// What it is now.
        status: one_of(STATUSES),
        /// The order; `-` is downwards. The newest first where nothing is said.
        sort: one_of(&sorts().map(|sort| sort.name)),
        /// How many a page has at most.
        limit: limit(),
        /// The `next_cursor` of the page before, in the same order.
        cursor: text(),
    }
}

/// What a token can be.
pub(crate) const STATUSES: &[&str] = &["active", "inactive", "expired", "revoked", "locked"];

/// An order: its name, what it sorts by, and whether downwards. The identifier decides among equals. A time that is
/// not there sorts as if it lay before all others (never used) or after all others (never ends).
struct Sort {
    name: &'static str,
    by: &'static str,
    down: bool,
}

/// The orders that lists can have. The first where nothing is said: the newest first.
fn sorts() -> [Sort; 8] {
    let sort = |name, by, down| Sort { name, by, down };
    [
        sort("-created_at", "token.created_at", true),
        sort("created_at", "token.created_at", false),
        sort("name", "token.name", false),
        sort("-name", "token.name", true),
        sort("last_used_at", "coalesce(token.last_used_at, -9007199254740991)", false),
        sort("-last_used_at", "coalesce(token.last_used_at, -9007199254740991)", true),
        sort("expires_at", "coalesce(token.expires_at, 9007199254740991)", false),
        sort("-expires_at", "coalesce(token.expires_at, 9007199254740991)", true),
    ]
}

const _: () = assert!(MAX_INTEGER == 9_007_199_254_740_991);

/// Conditions and their parameters; `?1` is the time.
struct Conditions {
    sql: Vec<String>,
    parameters: Vec<Value>,
}

impl Conditions {
    /// Adds a parameter, and says how the statement names it.
    fn parameter(&mut self, value: Value) -> String {
        self.parameters.push(value);
        format!("?{}", self.parameters.len())
    }

    fn equal(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            let name = self.parameter(value.into());
            self.sql.push(format!("{column} = {name}"));
        }
    }
}

/// The tokens that the one who asks may see.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let query = Query::read(session.request, Parameters::NAMES)?;
    let limit = query.limit()?;
    let sorts = sorts();
    let sort = match query.get("sort") {
        None => sorts.first(),
        Some(name) => sorts.iter().find(|sort| sort.name == name),
    };
    let sort = sort.ok_or_else(|| {
        let names: Vec<&str> = sorts.iter().map(|sort| sort.name).collect();
        Problem::field("sort", format!("must be one of {}", names.join(", ")))
    })?;
    let mut conditions = Conditions { sql: Vec::new(), parameters: vec![session.context.now.into()] };
    visible(session, &mut conditions);
    filter(session, &query, &mut conditions)?;
    if let Some(cursor) = query.cursor(sort.name)? {
        let at = conditions.parameter(match cursor.at {
            Place::Number(number) => number.clamp(-MAX_INTEGER, MAX_INTEGER).into(),
            Place::Text(text) => text.into(),
        });
        let id = conditions.parameter(cursor.id.into());
        let than = if sort.down { '<' } else { '>' };
        conditions.sql.push(format!("({}, token.id) {than} ({at}, {id})", sort.by));
    }
    let direction = if sort.down { "DESC" } else { "ASC" };
    let wanted = conditions.parameter(limit.saturating_add(1).into());
    let sql = format!(
        "{} WHERE {} ORDER BY {} {direction}, token.id {direction} LIMIT {wanted}",
        select(),
        conditions.sql.join(" AND "),
        sort.by,
    );
    let rows = session.store.execute(&sql, &conditions.parameters)?;
    page(session, &rows, limit, sort)
}

fn page<S: Store>(session: &Session<'_, '_, S>, rows: &[Row], limit: u32, sort: &Sort) -> Result<Outcome> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let tokens = rows.iter().take(limit).map(Token::read).collect::<Result<Vec<_>>>()?;
    let next_cursor = match tokens.last() {
        Some(last) if rows.len() > limit => {
            Cursor { sort: sort.name.to_owned(), at: place(last, sort), id: last.id.to_string() }.print()
        }
        _ => None,
    };
    let items = tokens.iter().map(|token| document::token(token, &session.profile)).collect::<Result<Vec<_>>>()?;
    reply(200, &Page::<TokenDocument> { items, next_cursor })
}

fn place(token: &Token, sort: &Sort) -> Place {
    let time = |time: Option<symbolon::time::Timestamp>, none| Place::Number(time.map_or(none, |t| t.as_millis()));
    match sort.name.trim_start_matches('-') {
        "name" => Place::Text(token.name.clone()),
        "last_used_at" => time(token.last_used_at, -MAX_INTEGER),
        "expires_at" => time(token.expires_at, MAX_INTEGER),
        _ => time(Some(token.created_at), 0),
    }
}

/// Only what the one who asks may see: kind by kind, all of them or their own.
fn visible<S: Store>(session: &Session<'_, '_, S>, conditions: &mut Conditions) {
    let me = session.actor.member;
    let mut seen = Vec::new();
    for kind in session.profile.kinds() {
        // Whether all are seen is asked with an owner who is nobody: not the one who asks.
        let all = kind.may_see(&session.actor, None);
        let own = me.is_some() && kind.may_see(&session.actor, me);
        if !all && !own {
            continue;
        }
        let name = conditions.parameter(kind.name.as_str().into());
        if all {
            seen.push(format!("token.kind = {name}"));
        } else {
            let owner = conditions.parameter(me.map(|id| id.to_string()).into());
            seen.push(format!("(token.kind = {name} AND token.owner = {owner})"));
        }
    }
    // Revoked ones whose kind the profile has no more.
    let kinds: Vec<String> =
        session.profile.kinds().iter().map(|kind| conditions.parameter(kind.name.as_str().into())).collect();
    let gone = format!("token.kind NOT IN ({})", kinds.join(", "));
    if session.sees_what_has_no_kind() {
        seen.push(gone);
    } else if let Some(me) = me.filter(|_| session.actor.needs(Product::TokensView).is_ok()) {
        let owner = conditions.parameter(me.to_string().into());
        seen.push(format!("({gone} AND token.owner = {owner})"));
    }
    conditions.sql.push(if seen.is_empty() { "FALSE".into() } else { format!("({})", seen.join(" OR ")) });
}

fn filter<S: Store>(session: &Session<'_, '_, S>, query: &Query, conditions: &mut Conditions) -> Result<()> {
    let me = |field: &str| {
        session.actor.member.ok_or_else(|| Problem::field(field, "me is a member, and no member is acting"))
    };
    let member = |field: &str, text: &str| -> Result<MemberId> {
        if text == "me" {
            return Ok(me(field)?);
        }
        text.parse().map_err(|_| Problem::field(field, "must be me or the id of a member").into())
    };
    conditions.equal("token.kind", query.get("kind"));
    conditions.equal("token.service", query.get("service"));
    conditions.equal("coalesce(token.role, owner.role, creator.role)", query.get("role"));
    match query.get("owner") {
        None => {}
        Some("organization") => conditions.sql.push("token.owner IS NULL".into()),
        Some(text) => conditions.equal("token.owner", Some(&member("owner", text)?.to_string())),
    }
    if let Some(text) = query.get("created_by") {
        conditions.equal("token.created_by_member", Some(&member("created_by", text)?.to_string()));
    }
    if let Some(status) = query.get("status") {
        if !STATUSES.contains(&status) {
            return Err(Problem::field("status", format!("must be one of {}", STATUSES.join(", "))).into());
        }
        conditions.equal(STATUS, Some(status));
    }
    if let Some(text) = query.get("q") {
        // Not LIKE: what is searched for may hold its wildcards.
        let text = conditions.parameter(text.into());
        conditions.sql.push(format!(
            "(instr(lower(token.name), lower({text})) > 0 OR instr(lower(token.description), lower({text})) > 0
                OR instr(lower(token.prefix), lower({text})) > 0)"
        ));
    }
    Ok(())
}

/// One token.
pub(crate) fn read<S: Store>(session: &Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    let token = session.visible_token(id)?;
    reply(200, &document::token(&token, &session.profile)?)
}
