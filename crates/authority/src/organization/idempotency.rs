//! `Idempotency-Key` on the creation of a token: the same key and body give the same token, without its secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use symbolon::id::TokenId;
use symbolon::problem::{Code, Problem};

use super::failure::{Failure, Result};
use super::http::{Held, Outcome, Until, body, document};
use super::session::Session;
use super::token::Token;
use crate::store::{Store, Value};

/// The longest key, in bytes.
const MAX_KEY_LEN: usize = 255;
/// How long a key is remembered, in seconds: a day.
const LIFE_SECONDS: i64 = 86_400;

/// The answer to a creation that was carried out before under the same key.
///
/// # Errors
/// `conflict` if the key came with another body; `invalid_request` if it is none.
pub(crate) fn repeated<S: Store>(session: &Session<'_, '_, S>) -> Result<Option<Outcome>> {
    let Some(key) = key(session)? else { return Ok(None) };
    let oldest = session.context.now.plus_seconds(LIFE_SECONDS.saturating_neg());
    session.store.execute("DELETE FROM idempotency WHERE at < ?1", &[oldest.into()])?;
    let rows = session.store.execute(
        "SELECT request, token FROM idempotency WHERE principal = ?1 AND key = ?2",
        &[session.principal(), key.into()],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.get::<String>(0)? != fingerprint(session)? {
        return Err(Problem::new(Code::Conflict)
            .detail("This Idempotency-Key was used for another request. Take a new key for a new token.")
            .into());
    }
    let token = Token::find(session.store, session.context.now, row.parsed(1)?)?.ok_or(Code::NotFound)?;
    // As long as the first answer would have waited: what was created must be accepted from then on.
    Ok(Some(Outcome::Held(Held {
        until: Until::Created,
        tells: false,
        eventual: false,
        status: 201,
        headers: Vec::new(),
        document: json!({ "token": document::token(&token, &session.profile)? }),
    })))
}

/// Remembers that this request has made this token.
pub(crate) fn remember<S: Store>(session: &Session<'_, '_, S>, token: TokenId) -> Result<()> {
    let Some(key) = key(session)? else { return Ok(()) };
    session.store.execute(
        "INSERT INTO idempotency (principal, key, request, token, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            session.principal(),
            key.into(),
            fingerprint(session)?.into(),
            Value::text(&token),
            session.context.now.into(),
        ],
    )?;
    Ok(())
}

fn key<'s, S>(session: &'s Session<'_, '_, S>) -> Result<Option<&'s str>> {
    match body::header(session.request, "idempotency-key") {
        None => Ok(None),
        Some(key) if (1..=MAX_KEY_LEN).contains(&key.len()) => Ok(Some(key)),
        Some(_) => Err(Problem::field("idempotency-key", format!("must have 1 to {MAX_KEY_LEN} bytes")).into()),
    }
}

/// What must be the same: path and body. A body may hold a passphrase, which is too weak a secret for a plain hash, so
/// this one is keyed with the instance's secret.
fn fingerprint<S>(session: &Session<'_, '_, S>) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&session.context.config.instance_secret)
        .map_err(|_| Failure::Broken("the instance secret is no key"))?;
    mac.update(b"symbolon idempotency\0");
    mac.update(session.request.path.as_bytes());
    mac.update(b"\0");
    mac.update(session.request.body.as_bytes());
    Ok(base16ct::lower::encode_string(&mac.finalize().into_bytes()))
}
