//! Devtron: `/orchestrator/api-token`. Its clients name tokens by numbers: each token gets one, and none is given twice.

use serde_json::{Map, Value as Json, json};
use symbolon::id::TokenId;
use symbolon::problem::{Code, Problem};
use symbolon::time::Timestamp;

use super::documents::{DevtronDone, DevtronEdit, DevtronMade, DevtronNewToken, DevtronToken, Envelope};
use super::{Call, answered, fields, maybe, millis, part, put, renamed, revoke, text, time, tokens};
use crate::organization::failure::{Failure, Result};
use crate::organization::http::{Outcome, reply};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::store::{Store, Value};

const KIND: &str = "token";
const NAMES: &[(&str, &str)] = &[("expires_at", "expireAtInMs")];

pub(super) fn handle<S: Store>(
    session: &mut Session<'_, '_, S>,
    rest: &[&str],
    ready: Option<Ready>,
) -> Result<Outcome> {
    match (session.request.method.as_str(), rest) {
        ("GET", []) => list(session),
        ("POST", []) => create(session, ready).map_err(|failure| renamed(failure, NAMES)),
        ("PUT", [number]) => {
            let token = token(session, number)?;
            edit(session, &token, ready).map_err(|failure| renamed(failure, NAMES))
        }
        ("DELETE", [number]) => {
            let token = token(session, number)?;
            revoke(session, KIND, &token.id.to_string(), |_| Envelope::of(DevtronDone { success: true, token: None }))
        }
        _ => Err(Code::NotFound.into()),
    }
}

fn list<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    // Those that were made by other ways get their numbers now.
    session.store.execute(
        "INSERT INTO alias (token) SELECT id FROM token
            WHERE NOT EXISTS (SELECT 1 FROM alias WHERE alias.token = token.id) ORDER BY created_at, id",
        &[],
    )?;
    let mut items = Vec::new();
    for token in tokens(session, "kind=token")? {
        let (number, updated_at) = row(session, token.get("id").and_then(Json::as_str).unwrap_or_default())?;
        items.push(DevtronToken {
            id: number,
            user_id: number,
            user_identifier: identifier(&token),
            name: text(&token, "name"),
            description: text(&token, "description"),
            expire_at_in_ms: millis(&token, "expires_at").unwrap_or_default(),
            last_used_at: text(&token, "last_used_at"),
            last_used_by_ip: text(&token, "last_used_ip"),
            updated_at: updated_at.to_string(),
        });
    }
    reply(200, &Envelope::of(items))
}

fn create<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    let asked = DevtronNewToken::take(&mut fields(session)?);
    let mut body = Map::from_iter([("kind".to_owned(), json!(KIND))]);
    put(&mut body, "name", asked.name);
    put(&mut body, "description", asked.description);
    if let Some(expiry) = asked.expires {
        body.insert("expires_at".to_owned(), end(&expiry)?);
    }
    let outcome = Call::new("POST", "/v1/tokens").with(Json::Object(body)).run(session, ready)?;
    let Outcome::Held(held) = &outcome else { return Ok(outcome) };
    let token = part(&held.document, "token");
    let id = token.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    session.store.execute("INSERT INTO alias (token) VALUES (?1) ON CONFLICT DO NOTHING", &[(&id).into()])?;
    let (number, _) = row(session, &id)?;
    answered(outcome, 200, |answer| {
        Envelope::of(DevtronMade {
            success: true,
            token: text(answer, "secret"),
            user_id: number,
            user_identifier: identifier(&token),
        })
    })
}

/// The description changes in place; another end makes a new secret, and the old one stops.
fn edit<S: Store>(session: &mut Session<'_, '_, S>, token: &Token, ready: Option<Ready>) -> Result<Outcome> {
    let asked = DevtronEdit::take(&mut fields(session)?);
    let mut body = Map::new();
    put(&mut body, "description", asked.description);
    let path = format!("/v1/tokens/{}", token.id);
    let edited = Call::new("PATCH", &path).with(Json::Object(body)).run(session, None)?;
    let expires_at = asked.expires.map(|expiry| end(&expiry)).transpose()?;
    let now = token.expires_at.map_or(Json::Null, |at| Json::String(at.to_string()));
    let Some(expires_at) = expires_at.filter(|asked| *asked != now) else {
        return answered(edited, 200, |_| Envelope::of(DevtronDone { success: true, token: None }));
    };
    let renewed = Call::new("POST", &format!("{path}/regenerate"))
        .with(json!({ "expires_at": expires_at }))
        .run(session, ready)?;
    answered(renewed, 200, |answer| Envelope::of(DevtronDone { success: true, token: maybe(answer, "secret") }))
}

/// An end in milliseconds since 1970; 0 is none.
fn end(expiry: &Json) -> Result<Json> {
    match expiry.as_i64() {
        Some(0) => Ok(Json::Null),
        millis => time("expireAtInMs", millis),
    }
}

fn identifier(token: &Json) -> String {
    format!("API-TOKEN:{}", token.get("name").and_then(Json::as_str).unwrap_or_default())
}

/// The number of a token, and when somebody last changed it: of neither do the contract's documents say anything.
fn row<S: Store>(session: &Session<'_, '_, S>, id: &str) -> Result<(u64, Timestamp)> {
    // One that a former program made has no time of its own until it changes.
    let rows = session.store.execute(
        "SELECT alias.number, max(token.updated_at, token.created_at)
            FROM alias JOIN token ON token.id = alias.token WHERE alias.token = ?1",
        &[id.into()],
    )?;
    let row = rows.first().ok_or(Failure::Broken("a token has no number"))?;
    Ok((row.get(0)?, row.get(1)?))
}

fn token<S: Store>(session: &Session<'_, '_, S>, number: &str) -> Result<Token> {
    let number: u32 = number.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let rows = session.store.execute("SELECT token FROM alias WHERE number = ?1", &[Value::from(number)])?;
    let id: TokenId = rows.first().ok_or(Code::NotFound)?.parsed(0)?;
    Ok(Token::find(session.store, session.context.now, id)?.ok_or(Code::NotFound)?)
}
