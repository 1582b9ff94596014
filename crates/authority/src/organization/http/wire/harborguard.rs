//! HarborGuard: `/api/personal-access-tokens` and `/api/api-keys`. Its paths and errors are known; that documents stand
//! under `data`, and what their members are called, is ours.

use serde_json::{Map, Value as Json, json};
use symbolon::problem::Code;

use super::{Call, answered, fields, part, renamed, revoke, take, tokens};
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
            let items: Vec<Json> = tokens(session, &format!("kind={kind}{own}"))?.iter().map(item).collect();
            reply(200, &json!({ "data": items }))
        }
        ("DELETE", [id]) => {
            revoke(session, kind, id, |token| json!({ "data": { "id": part(token, "id"), "revoked": true } }))
        }
        _ => Err(Code::NotFound.into()),
    }
}

fn create<S: Store>(session: &mut Session<'_, '_, S>, kind: &str, ready: Option<Ready>) -> Result<Outcome> {
    let mut asked = fields(session)?;
    let mut body = Map::from_iter([("kind".to_owned(), json!(kind))]);
    for (theirs, ours) in [
        ("name", "name"),
        ("description", "description"),
        ("permissions", "permissions"),
        ("role", "role"),
        ("expiresAt", "expires_at"),
    ] {
        take(&mut asked, theirs, &mut body, ours);
    }
    // Whatever else was sent is named as unknown.
    body.extend(asked);
    let outcome = Call::new("POST", "/v1/tokens").with(Json::Object(body)).run(session, ready)?;
    answered(outcome, 201, |answer| {
        let mut made = item(&part(answer, "token"));
        if let (Some(object), Some(secret)) = (made.as_object_mut(), answer.get("secret")) {
            object.insert("token".to_owned(), secret.clone());
        }
        json!({ "data": made })
    })
}

fn item(token: &Json) -> Json {
    json!({
        "id": part(token, "id"),
        "name": part(token, "name"),
        "description": part(token, "description"),
        "prefix": part(token, "prefix"),
        "role": part(token, "role"),
        "permissions": part(token, "permissions"),
        "status": part(token, "status"),
        "createdAt": part(token, "created_at"),
        "createdBy": part(&part(&part(token, "created_by"), "member"), "name"),
        "expiresAt": part(token, "expires_at"),
        "lastUsedAt": part(token, "last_used_at"),
    })
}
