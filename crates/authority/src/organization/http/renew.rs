//! `POST /v1/tokens/{id}/rotate` and `/regenerate`: a new secret for the same token.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::policy::Kind;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::ProofKind;
use symbolon::time::Timestamp;

use super::contract::{CreatedToken, RegenerateToken, RotateToken};
use super::create::{Claimed, claimed, digest_name, expiry, generate, of_secret};
use super::{Held, Outcome, Until, body, document};
use crate::organization::activity::{Action, Entry};
use crate::organization::change::Change;
use crate::organization::claims::Wanted;
use crate::organization::failure::{Failure, Result};
use crate::organization::imported;
use crate::organization::session::{Ready, Session, subject};
use crate::organization::token::{self, Token};
use crate::store::{Store, Value};

/// Gives a token a new secret; the old one lives on for the grace that was asked for, and no longer than that.
pub(crate) fn rotate<S: Store>(session: &mut Session<'_, '_, S>, id: &str, ready: Option<Ready>) -> Result<Outcome> {
    let asked: RotateToken = body::read(session.request)?;
    let token = renewable(session, id)?;
    let profile = session.profile.clone();
    let kind = token.kind(&profile)?;
    let grace = profile.rotate(subject(&token, &profile)?, &session.actor, &token.chosen, asked.grace_seconds)?;
    let made = made(session, kind, token.id, ready)?;
    let made = match claimed(session, kind, made)? {
        Claimed::Go(made) => made,
        Claimed::First(made) => return Ok(Outcome::Claim(made)),
    };
    let until = (grace > 0).then(|| session.context.now.plus_seconds(i64::from(grace)));
    session.change(|change| {
        replace(change, kind, &token, &made, until)?;
        let details = json!({ "grace_seconds": grace, "old_secret_until": until });
        change.log(&Entry::token(Action::TokenRotate, token.id, details))
    })?;
    renewed(session, &made, token.id, u64::from(grace).saturating_mul(1000))
}

/// Gives a token a new secret and a new end; the old secret stops.
pub(crate) fn regenerate<S: Store>(
    session: &mut Session<'_, '_, S>,
    id: &str,
    ready: Option<Ready>,
) -> Result<Outcome> {
    let asked: RegenerateToken = body::read(session.request)?;
    let token = renewable(session, id)?;
    let profile = session.profile.clone();
    let kind = token.kind(&profile)?;
    let expires_at = profile.regenerate(
        subject(&token, &profile)?,
        &session.actor,
        &token.state(),
        expiry(&asked.expires_at),
        session.context.now,
    )?;
    let made = made(session, kind, token.id, ready)?;
    let made = match claimed(session, kind, made)? {
        Claimed::Go(made) => made,
        Claimed::First(made) => return Ok(Outcome::Claim(made)),
    };
    session.change(|change| {
        change
            .store
            .execute("UPDATE token SET expires_at = ?2 WHERE id = ?1", &[Value::text(&token.id), expires_at.into()])?;
        replace(change, kind, &token, &made, None)?;
        change.log(&Entry::token(Action::TokenRegenerate, token.id, json!({ "expires_at": expires_at })))
    })?;
    renewed(session, &made, token.id, 0)
}

/// Puts a new secret in the old one's place, within a change.
pub(crate) fn replace<S: Store>(
    change: &mut Change<'_, '_, S>,
    kind: &Kind,
    token: &Token,
    made: &Ready,
    until: Option<Timestamp>,
) -> Result<()> {
    let secret = made.secret.as_ref().ok_or(Failure::Broken("no secret is ready"))?;
    let now = change.context.now;
    let id = Value::text(&token.id);
    match until {
        // A grace that runs already is not prolonged.
        Some(until) => {
            change.store.execute(
                "DELETE FROM proof WHERE token = ?1 AND until IS NOT NULL AND until <= ?2",
                &[id.clone(), now.into()],
            )?;
            change.store.execute(
                "UPDATE proof SET until = min(coalesce(until, ?2), ?2) WHERE token = ?1",
                &[id.clone(), until.into()],
            )?;
        }
        None => {
            change.store.execute("DELETE FROM proof WHERE token = ?1", core::slice::from_ref(&id))?;
        }
    }
    let (proof, prefix, _) = of_secret(kind, secret)?;
    change.store.execute(
        "UPDATE token SET prefix = ?2, issued_at = ?3, updated_at = ?3 WHERE id = ?1",
        &[id, prefix.into(), now.into()],
    )?;
    let keys: Vec<String> = made.keys.iter().map(|wanted| wanted.key.clone()).collect();
    token::add_proof(change.store, change.epoch, token.id, &proof, &keys)?;
    imported::give_up(change, token.id)?;
    change.touch(token.id)
}

fn renewable<S: Store>(session: &Session<'_, '_, S>, id: &str) -> Result<Token> {
    let token = session.visible_token(id)?;
    if token.revoked_at.is_some() {
        return Err(Problem::new(Code::Conflict).detail("The token has been revoked.").into());
    }
    let proofs = token::proofs(session.store, token.id)?;
    if proofs.iter().any(|proof| matches!(proof.kind, ProofKind::Key { .. })) {
        return Err(Problem::new(Code::NotEditable)
            .detail("This token is proved by a key, which only its holder can replace: register another key.")
            .into());
    }
    Ok(token)
}

pub(crate) fn made<S: Store>(
    session: &mut Session<'_, '_, S>,
    kind: &Kind,
    token: TokenId,
    ready: Option<Ready>,
) -> Result<Ready> {
    if let Some(ready) = ready {
        return Ok(ready);
    }
    let secret = generate(session, kind)?;
    let keys = vec![Wanted { key: digest_name(&secret.digest()), token }];
    Ok(Ready { tokens: vec![token], secret: Some(secret), keys, claimed: false })
}

/// The answer to a new secret; older ones end in so many milliseconds.
fn renewed<S: Store>(session: &Session<'_, '_, S>, made: &Ready, id: TokenId, grace_millis: u64) -> Result<Outcome> {
    let token = Token::find(session.store, session.context.now, id)?
        .ok_or(Failure::Broken("a token that was just written is not there"))?;
    let answer = CreatedToken {
        token: document::token(&token, &session.profile)?,
        secret: made.secret.as_ref().map(|secret| secret.expose().to_owned()),
        cautions: Vec::new(),
    };
    Ok(Outcome::Held(Held {
        until: Until::Ending { millis: grace_millis },
        tells: false,
        eventual: false,
        status: 200,
        headers: Vec::new(),
        document: super::value(&answer)?,
    }))
}
