//! `PATCH` and `DELETE /v1/tokens/{id}`, and `POST /v1/tokens/revoke-by-key`.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::policy::{Change, Edit, Edited, Field, Product, Verb};
use symbolon::problem::{Code, Problem};

use super::contract::EditToken;
use super::{Held, Outcome, Until, body, create, document};
use crate::organization::activity::{Action, Entry};
use crate::organization::failure::{Failure, Result};
use crate::organization::session::{Session, subject};
use crate::organization::token::Token;
use crate::store::{Store, Value};

/// Edits what the kind allows.
pub(crate) fn edit<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    let asked: EditToken = body::read(session.request)?;
    let token = session.visible_token(id)?;
    if token.revoked_at.is_some() {
        return Err(Problem::new(Code::Conflict).detail("The token has been revoked.").into());
    }
    let (sets, clears) = (matches!(asked.passphrase, Change::Set(_)), asked.passphrase == Change::Clear);
    let profile = session.profile.clone();
    let now = session.context.now;
    let edited = profile.edit(subject(&token, &profile)?, &session.actor, &token.state(), &to_edit(asked), now)?;
    if edited.changed.is_empty() {
        // It may be the repetition of one that narrowed and whose answer was lost: it waits as long as that one.
        return held(session, token.id, Until::NarrowedBefore(token.version));
    }
    let passphrase = match (sets, clears) {
        (true, _) => create::passphrase(session, true)?.map(str::to_owned),
        (false, true) => None,
        (false, false) => token.passphrase.clone(),
    };
    let Edited { after, changed, shift } = edited;
    let names: Vec<&str> = changed.iter().map(|field| field.as_str()).collect();
    let details =
        json!({ "changed": names, "granted": after.chosen, "expires_at": after.expires_at, "active": after.active });
    let choice = serde_json::to_string(&after.chosen).map_err(|_| Failure::Broken("a choice cannot be written"))?;
    session.change(|change| {
        change.store.execute(
            "UPDATE token SET name = ?2, description = ?3, choice = ?4, role = ?5, expires_at = ?6, active = ?7,
                passphrase = ?8, service = ?9, updated_at = ?10 WHERE id = ?1",
            &[
                Value::text(&token.id),
                after.name.into(),
                after.description.unwrap_or_default().into(),
                choice.into(),
                after.chosen.role.map(|role| role.to_string()).into(),
                after.expires_at.into(),
                after.active.into(),
                passphrase.into(),
                after.service.map(|service| service.to_string()).into(),
                change.context.now.into(),
            ],
        )?;
        if changed.contains(&Field::Passphrase) {
            change.store.execute(
                "UPDATE token SET wrong_tries = 0, locked_until = NULL WHERE id = ?1",
                &[Value::text(&token.id)],
            )?;
        }
        change.touch(token.id)?;
        change.log(&Entry::token(Action::TokenEdit, token.id, details))
    })?;
    held(session, token.id, if shift.narrows { Until::Narrowed } else { Until::Nothing })
}

/// Revokes a token. Revoking it again answers the same, when it holds.
pub(crate) fn revoke<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    let token = session.visible_token(id)?;
    match token.kind_or_gone(&session.profile)? {
        Some(kind) => kind.may(Verb::Revoke, &session.actor, token.owner_id())?,
        None => session.actor.needs(Product::TokensRevoke)?,
    }
    end(session, &token, "management")
}

/// Revokes the token that the request was signed with. It needs no permission but the private key.
pub(crate) fn revoke_by_key<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    if !session.signed {
        return Err(Problem::new(Code::InvalidRequest)
            .detail("This request must be signed with the private key of the token that it ends.")
            .into());
    }
    let token = session.token.clone().ok_or(Code::NotFound)?;
    end(session, &token, "key")
}

/// Revokes the token in use (RFC 7009). It needs no permission but the token itself.
pub(crate) fn revoke_self<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let token = session.token.clone().ok_or(Code::NotFound)?;
    end(session, &token, "holder")
}

fn end<S: Store>(session: &mut Session<'_, '_, S>, token: &Token, by: &str) -> Result<Outcome> {
    if token.revoked_at.is_some() {
        return held(session, token.id, Until::NarrowedBefore(token.version));
    }
    let now = session.context.now;
    session.change(|change| {
        change.store.execute(
            "UPDATE token SET revoked_at = ?2, updated_at = ?2 WHERE id = ?1",
            &[Value::text(&token.id), now.into()],
        )?;
        change.touch(token.id)?;
        let details = json!({ "kind": token.kind, "name": token.name, "by": by });
        change.log(&Entry::token(Action::TokenRevoke, token.id, details))
    })?;
    held(session, token.id, Until::Narrowed)
}

/// The answer to a change: the token as it is now, and when that holds everywhere.
pub(crate) fn held<S: Store>(session: &Session<'_, '_, S>, id: TokenId, until: Until) -> Result<Outcome> {
    let token = Token::find(session.store, session.context.now, id)?
        .ok_or(Failure::Broken("a token that was just written is not there"))?;
    Ok(Outcome::Held(Held {
        until,
        tells: true,
        eventual: token.is_eventual(&session.profile)?,
        status: 200,
        headers: Vec::new(),
        document: super::value(&document::token(&token, &session.profile)?)?,
    }))
}

fn to_edit(asked: EditToken) -> Edit {
    Edit {
        name: asked.name,
        description: asked.description,
        scopes: asked.scopes,
        permissions: asked.permissions,
        grants: asked.grants,
        role: asked.role,
        expires_at: asked.expires_at,
        active: asked.active,
        passphrase_chars: match asked.passphrase {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(text) => Change::Set(text.chars().count()),
        },
        service: asked.service,
    }
}
