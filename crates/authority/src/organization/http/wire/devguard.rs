//! DevGuard: `/api/v1/pats` and `/api/v1/whoami`.

use serde_json::{Map, Value as Json, json};
use symbolon::id::TokenId;
use symbolon::key::PublicKey;
use symbolon::policy::Product;
use symbolon::problem::Code;
use symbolon::protocol::ProofKind;

use super::documents::{DevguardActor, DevguardNewToken, DevguardToken, Nothing};
use super::{Call, answered, fields, maybe, millis, part, put, renamed, revoke, text, time, tokens};
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
        ("DELETE", ["pats", id]) => revoke(session, KIND, id, |_| Nothing {}),
        ("POST", ["pats", "revoke-by-private-key"]) if session.profile.revoke_by_private_key() => {
            answered(edit::revoke_by_key(session)?, 200, |_| Nothing {})
        }
        ("GET", ["whoami"]) => answered(Call::new("GET", "/v1/whoami").run(session, None)?, 200, |me| {
            let principal = part(me, "principal");
            let actor_type = if part(&principal, "type") == "member" { "user" } else { "token" };
            DevguardActor { actor_id: text(&principal, "id"), actor_type }
        }),
        _ => Err(Code::NotFound.into()),
    }
}

fn create<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    let asked = DevguardNewToken::take(&mut fields(session)?);
    let mut body = Map::from_iter([("kind".to_owned(), json!(KIND))]);
    put(&mut body, "name", asked.description);
    if let Some(scopes) = asked.scopes {
        let names = match &scopes {
            Json::String(text) => json!(text.split_whitespace().collect::<Vec<_>>()),
            other => other.clone(),
        };
        body.insert("scopes".to_owned(), names);
    }
    if let Some(expiry) = asked.expires.filter(|value| !value.is_null()) {
        let seconds = expiry.as_i64().or_else(|| expiry.as_str().and_then(|text| text.trim().parse().ok()));
        body.insert(
            "expires_at".to_owned(),
            time("expiryDateUnix", seconds.and_then(|seconds| seconds.checked_mul(1000)))?,
        );
    }
    match asked.public_key {
        None | Some(Json::Null) => {}
        Some(Json::String(text)) if text.trim().is_empty() => {}
        // As its Go client writes it, without the leading zero bytes of a coordinate, or in any form that is known.
        Some(Json::String(text)) => {
            let key = PublicKey::from_stripped_hex(text.trim()).map_or(text, |key| key.to_hex());
            body.insert("public_key".to_owned(), json!(key));
        }
        Some(key) => {
            body.insert("public_key".to_owned(), key);
        }
    }
    // Its form has no place for a proof: the first registration of a key in the instance holds.
    session.possession_shown = true;
    let outcome = Call::new("POST", "/v1/tokens").with(Json::Object(body)).run(session, ready)?;
    let Outcome::Held(held) = &outcome else { return Ok(outcome) };
    let made = item(session, &part(&held.document, "token"))?;
    answered(outcome, 200, |answer| DevguardToken { bearer_token: maybe(answer, "secret"), ..made })
}

fn item<S: Store>(session: &Session<'_, '_, S>, token: &Json) -> Result<DevguardToken> {
    let id: Option<TokenId> = token.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
    let keys = id.map_or_else(|| Ok(Vec::new()), |id| proofs(session.store, id))?;
    let fingerprint = keys.iter().find_map(|proof| match &proof.kind {
        ProofKind::Key { public_key, .. } => Some(public_key.fingerprint().to_string()),
        _ => None,
    });
    let scopes: Vec<&str> =
        token.get("scopes").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    Ok(DevguardToken {
        id: text(token, "id"),
        created_at: text(token, "created_at"),
        description: text(token, "name"),
        fingerprint,
        last_used_at: maybe(token, "last_used_at"),
        expiry_date_unix: millis(token, "expires_at").map(|millis| millis.div_euclid(1000)),
        scopes: scopes.join(" "),
        bearer_token: None,
    })
}
