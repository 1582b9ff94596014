//! `Idempotency-Key` on whatever is created: the same key and body give what was made then, without its secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use symbolon::id::{InvitationId, MemberId, TokenId};
use symbolon::problem::{Code, Problem};

use super::claims;
use super::failure::{Failure, Result};
use super::http::contract::{CreatedToken, ImportedTokens, InvitedDocument};
use super::http::{Held, Outcome, Until, body, document, invitations, onboarding, value};
use super::member::Member;
use super::session::{Ready, Session};
use super::token::Token;
use crate::store::Store;

/// The longest key, in bytes.
const MAX_KEY_LEN: usize = 255;
/// How long a key is remembered, in seconds: a day.
const LIFE_SECONDS: i64 = 86_400;

/// What a request has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "id", rename_all = "snake_case")]
pub(crate) enum Made {
    /// A token.
    Token(TokenId),
    /// A repository's token.
    Onboarded(TokenId),
    /// Tokens that were brought in, in the order of the request.
    Tokens(Vec<TokenId>),
    /// A member.
    Member(MemberId),
    /// An invitation.
    Invitation(InvitationId),
}

/// The answer to a creation that was carried out before under the same key; then what was made `ready` for a second
/// carrying out is given up.
///
/// # Errors
/// `conflict` if the key came with another body; `invalid_request` if it is none.
pub(crate) fn repeated<S: Store>(session: &Session<'_, '_, S>, ready: Option<&Ready>) -> Result<Option<Outcome>> {
    let Some(key) = key(session)? else { return Ok(None) };
    let oldest = session.context.now.plus_seconds(LIFE_SECONDS.saturating_neg());
    session.store.execute("DELETE FROM idempotency WHERE at < ?1", &[oldest.into()])?;
    let rows = session.store.execute(
        "SELECT request, made FROM idempotency WHERE principal = ?1 AND key = ?2",
        &[session.principal(), key.into()],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.get::<String>(0)? != fingerprint(session)? {
        return Err(Problem::new(Code::Conflict)
            .detail("This Idempotency-Key was used for another request. Take a new key for what is new.")
            .into());
    }
    if let Some(ready) = ready {
        claims::drop_all(session.store, session.context.now, &ready.keys, &[])?;
    }
    let find = |id: TokenId| -> Result<Token> {
        Ok(Token::find(session.store, session.context.now, id)?.ok_or(Code::NotFound)?)
    };
    let profile = &session.profile;
    // As long as the first answer would have waited: what was created must be accepted from then on.
    let (until, document) = match row.json(1)? {
        Made::Token(id) => {
            let token = document::token(&find(id)?, profile)?;
            (Until::Created, value(&CreatedToken { token, secret: None, cautions: Vec::new() })?)
        }
        Made::Onboarded(id) => (Until::Created, value(&onboarding::answer(&find(id)?, None, profile)?)?),
        Made::Tokens(ids) => {
            let tokens = ids.into_iter().map(|id| document::token(&find(id)?, profile)).collect::<Result<_>>()?;
            (Until::Narrowed, value(&ImportedTokens { tokens })?)
        }
        Made::Member(id) => {
            let member = Member::find(session.store, id)?.ok_or(Code::NotFound)?;
            (Until::Nothing, value(&document::member(&member))?)
        }
        Made::Invitation(id) => {
            let invitation = invitations::shown(session, id)?;
            (Until::Nothing, value(&InvitedDocument { invitation, secret: None, link: None })?)
        }
    };
    Ok(Some(Outcome::Held(Held { until, tells: false, eventual: false, status: 201, headers: Vec::new(), document })))
}

/// Remembers what this request has made.
pub(crate) fn remember<S: Store>(session: &Session<'_, '_, S>, made: &Made) -> Result<()> {
    let Some(key) = key(session)? else { return Ok(()) };
    let made = serde_json::to_string(made).map_err(|_| Failure::Broken("what was made cannot be written"))?;
    session.store.execute(
        "INSERT INTO idempotency (principal, key, request, made, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[session.principal(), key.into(), fingerprint(session)?.into(), made.into(), session.context.now.into()],
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
