//! DevGuard: `/api/v1/pats` and `/api/v1/whoami`.

use serde_json::{Map, Value as Json, json};
use symbolon::id::TokenId;
use symbolon::policy::Product;
use symbolon::problem::Code;
use symbolon::protocol::ProofKind;

use super::{Call, answered, fields, millis, part, renamed, revoke, take, time, tokens};
use crate::organization::failure::Result;
use crate::organization::http::{Outcome, edit, reply};
use crate::organization::session::{Ready, Session};
use crate::organization::token::proofs;
use crate::store::Store;

const KIND: &str = "pat";
const NAMES: &[(&str, &str)] = &[("name", "description"), ("expires_at", "expiryDateUnix"), ("public_key", "pubKey")];

pub(super) fn handle<S: Store>(
    session: &mut Session<'_, '_, S>,
    rest: &[&str],
    ready: Option<Ready>,
) -> Result<Outcome> {
    match (session.request.method.as_str(), rest) {
        ("POST", ["pats"]) => create(session, ready).map_err(|failure| renamed(failure, NAMES)),
        ("GET", ["pats"]) => {
            // Its own server refuses whoever may not manage tokens, rather than to show none.
            session.actor.needs(Product::TokensView)?;
            let mut items = Vec::new();
            for token in tokens(session, "kind=pat&owner=me")? {
                items.push(item(session, &token)?);
            }
            reply(200, &items)
        }
        ("DELETE", ["pats", id]) => revoke(session, KIND, id, |_| json!({})),
        ("POST", ["pats", "revoke-by-private-key"]) if session.profile.revoke_by_private_key() => {
            answered(edit::revoke_by_key(session)?, 200, |_| json!({}))
        }
        ("GET", ["whoami"]) => answered(Call::new("GET", "/v1/whoami").run(session, None)?, 200, |me| {
            let principal = part(me, "principal");
            let kind = if part(&principal, "type") == "member" { "user" } else { "token" };
            json!({ "actorId": part(&principal, "id"), "actorType": kind })
        }),
        _ => Err(Code::NotFound.into()),
    }
}

fn create<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    let mut asked = fields(session)?;
    let mut body = Map::from_iter([("kind".to_owned(), json!(KIND))]);
    take(&mut asked, "description", &mut body, "name");
    if let Some(scopes) = asked.remove("scopes") {
        let names = match &scopes {
            Json::String(text) => json!(text.split_whitespace().collect::<Vec<_>>()),
            other => other.clone(),
        };
        body.insert("scopes".to_owned(), names);
    }
    if let Some(expiry) = asked.remove("expiryDateUnix").filter(|value| !value.is_null()) {
        let seconds = expiry.as_i64().or_else(|| expiry.as_str().and_then(|text| text.trim().parse().ok()));
        body.insert(
            "expires_at".to_owned(),
            time("expiryDateUnix", seconds.and_then(|seconds| seconds.checked_mul(1000)))?,
        );
    }
    match asked.remove("pubKey") {
        None | Some(Json::Null) => {}
        Some(Json::String(text)) if text.trim().is_empty() => {}
        Some(key) => {
            body.insert("public_key".to_owned(), key);
        }
    }
    // Its form has no place for a proof: the first registration of a key in the instance holds.
    session.possession_shown = true;
    let outcome = Call::new("POST", "/v1/tokens").with(Json::Object(body)).run(session, ready)?;
    let made = match &outcome {
        Outcome::Held(held) => item(session, &part(&held.document, "token"))?,
        _ => Json::Null,
    };
    answered(outcome, 200, |answer| {
        let mut made = made;
        if let (Some(object), Some(secret)) = (made.as_object_mut(), answer.get("secret")) {
            object.insert("bearerToken".to_owned(), secret.clone());
        }
        made
    })
}

fn item<S: Store>(session: &Session<'_, '_, S>, token: &Json) -> Result<Json> {
    let id: Option<TokenId> = token.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
    let keys = id.map_or_else(|| Ok(Vec::new()), |id| proofs(session.store, id))?;
    let fingerprint = keys.iter().find_map(|proof| match &proof.kind {
        ProofKind::Key { public_key, .. } => Some(public_key.fingerprint().to_string()),
        _ => None,
    });
    let scopes: Vec<&str> =
        token.get("scopes").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    Ok(json!({
        "id": part(token, "id"),
        "createdAt": part(token, "created_at"),
        "description": part(token, "name"),
        "fingerprint": fingerprint,
        "lastUsedAt": part(token, "last_used_at"),
        "expiryDateUnix": millis(token, "expires_at").map(|millis| millis.div_euclid(1000)),
        "scopes": scopes.join(" "),
    }))
}
