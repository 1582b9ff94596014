//! HarborGuard: `/api/personal-access-tokens` and `/api/api-keys`. Its paths and errors are known; that documents stand
//! under `data`, and what their members are called, is ours.

use serde_json::{Map, Value as Json, json};
use symbolon::problem::Code;

use super::documents::{Data, HarborguardNewToken, HarborguardRevoked, HarborguardToken};
use super::{Call, answered, fields, maybe, part, put, renamed, revoke, text, tokens};
use crate::organization::failure::Result;
use crate::organization::http::{Outcome, reply};
use crate::organization::session::{Ready, Session};
use crate::store::Store;

const NAMES: &[(&str, &str)] = &[("expires_at", "expiresAt")];

pub(super) fn handle<S: Store>(
    session: &mut Session<'_, '_, S>,
    rest: &[&str],
    ready: Option<Ready>,
) -> Result<Outcome> {
    let (kind, own, rest) = match rest {
        ["personal-access-tokens", rest @ ..] => ("pat", "&owner=me", rest),
        ["api-keys", rest @ ..] => ("key", "", rest),
        _ => return Err(Code::NotFound.into()),
    };
    match (session.request.method.as_str(), rest) {
        ("POST", []) => create(session, kind, ready).map_err(|failure| renamed(failure, NAMES)),
        ("GET", []) => {
            let items: Vec<_> = tokens(session, &format!("kind={kind}{own}"))?.iter().map(item).collect();
            reply(200, &Data { data: items })
        }
        ("DELETE", [id]) => revoke(session, kind, id, |token| Data {
            data: HarborguardRevoked { id: text(token, "id"), revoked: true },
        }),
        _ => Err(Code::NotFound.into()),
    }
}

fn create<S: Store>(session: &mut Session<'_, '_, S>, kind: &str, ready: Option<Ready>) -> Result<Outcome> {
    let mut asked = fields(session)?;
    let mut body = Map::from_iter([("kind".to_owned(), json!(kind))]);
    let HarborguardNewToken { name, description, permissions, role, expires } = HarborguardNewToken::take(&mut asked);
    for (ours, value) in [
        ("name", name),
        ("description", description),
        ("permissions", permissions),
        ("role", role),
        ("expires_at", expires),
    ] {
        put(&mut body, ours, value);
    }
    // Whatever else was sent is named as unknown.
    body.extend(asked);
    let outcome = Call::new("POST", "/v1/tokens").with(Json::Object(body)).run(session, ready)?;
    answered(outcome, 201, |answer| Data {
        data: HarborguardToken { token: maybe(answer, "secret"), ..item(&part(answer, "token")) },
    })
}

fn item(token: &Json) -> HarborguardToken {
    let names = |list: &Vec<Json>| list.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    HarborguardToken {
        id: text(token, "id"),
        name: text(token, "name"),
        description: maybe(token, "description"),
        prefix: text(token, "prefix"),
        role: maybe(token, "role"),
        permissions: token.get("permissions").and_then(Json::as_array).map(names),
        status: text(token, "status"),
        created_at: text(token, "created_at"),
        created_by: maybe(&part(&part(token, "created_by"), "member"), "name"),
        expires_at: maybe(token, "expires_at"),
        last_used_at: maybe(token, "last_used_at"),
        token: None,
    }
}
