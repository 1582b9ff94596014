//! Tokens that are made for a purpose which the profile declares: setup, a login, onboarding. They get the kind's least;
//! a login gets what it asked for, if it asked.

use symbolon::id::{MemberId, TokenId};
use symbolon::policy::{Actor, Asked, Creation, ExpiryAsked, Kind, Least, Ownership, Proof, Via};
use symbolon::time::Timestamp;
use symbolon::token::Secret;

use super::create::{Claimed, NewToken, claimed, describe, digest_name, generate, insert, of_secret};
use super::renew;
use crate::organization::activity::{Action, Entry};
use crate::organization::claims::Wanted;
use crate::organization::failure::{Failure, Result};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::store::Store;

/// What became of a token that is to be made.
pub(crate) enum Making {
    /// Its names must be claimed first.
    First(Ready),
    /// It is written.
    Made { id: TokenId, secret: Secret },
}

/// Who a token is made for.
pub(crate) struct Owner<'a> {
    pub(crate) member: Option<MemberId>,
    pub(crate) role: Option<&'a str>,
    /// Who decides about it, where that is not the one who acts.
    pub(crate) actor: Actor,
}

/// What is asked for a token with a kind's least.
pub(crate) fn creation(kind: &Kind, least: Option<&Least>, name: Option<String>, now: Timestamp) -> Creation {
    let after = |seconds: u32| ExpiryAsked::At(now.plus_seconds(i64::from(seconds)));
    let expires = match (least.and_then(|least| least.expires_seconds), &kind.expiry) {
        (Some(seconds), _) => after(seconds),
        // Where an end is required and none is usual, as late as may be.
        (None, rules) if rules.required && rules.default_seconds.is_none() => {
            rules.max_seconds.map_or(ExpiryAsked::Unsaid, after)
        }
        (None, _) => ExpiryAsked::Unsaid,
    };
    Creation {
        via: Via::Create,
        name,
        description: None,
        asked: least.map(Least::to_asked).unwrap_or_default(),
        expires,
        passphrase_chars: None,
        proof: Proof::Bearer,
        active: None,
        service: None,
    }
}

/// The creation of a login's token: with what it asks for, and for the rest like the kind's least.
pub(crate) fn login(kind: &Kind, asked: &Asked, name: Option<String>, now: Timestamp) -> Creation {
    let name = name.or_else(|| kind.naming.default.clone()).unwrap_or_else(|| "command line".into());
    Creation { asked: asked.clone(), ..creation(kind, kind.login.as_ref(), Some(name), now) }
}

/// Makes a token for whoever acts, with a secret that is generated.
pub(crate) fn token<S: Store>(
    session: &mut Session<'_, '_, S>,
    kind: &Kind,
    creation: &Creation,
    id: Option<TokenId>,
    more: &serde_json::Value,
    ready: Option<Ready>,
) -> Result<Making> {
    let role = session.owner_role().map(str::to_owned);
    let owner = Owner { member: session.member(), role: role.as_deref(), actor: session.actor.clone() };
    token_for(session, kind, creation, &owner, id, more, ready)
}

/// Makes a token for somebody.
pub(crate) fn token_for<S: Store>(
    session: &mut Session<'_, '_, S>,
    kind: &Kind,
    creation: &Creation,
    owner: &Owner<'_>,
    id: Option<TokenId>,
    more: &serde_json::Value,
    ready: Option<Ready>,
) -> Result<Making> {
    let now = session.context.now;
    let profile = session.profile.clone();
    let approved = profile.approve(kind, &owner.actor, creation, owner.role, now)?;
    let made = match ready {
        Some(ready) => ready,
        None => {
            let id = match id {
                Some(id) => id,
                None => TokenId::new(now, &session.context.random()),
            };
            let secret = generate(session, kind)?;
            let keys = vec![Wanted { key: digest_name(&secret.digest()), token: id }];
            Ready { tokens: vec![id], secret: Some(secret), keys, claimed: false }
        }
    };
    let made = match claimed(session, kind, made)? {
        Claimed::Go(made) => made,
        Claimed::First(made) => return Ok(Making::First(made)),
    };
    let id = *made.tokens.first().ok_or(Failure::Broken("no token is ready"))?;
    let secret = made.secret.ok_or(Failure::Broken("no secret is ready"))?;
    let (proof, prefix, _) = of_secret(kind, &secret)?;
    let keys: Vec<String> = made.keys.iter().map(|wanted| wanted.key.clone()).collect();
    let by_token = session.actor.token;
    let mut details = describe(kind, &approved);
    if let (Some(object), Some(more)) = (details.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    session.change(|change| {
        insert(
            change,
            &NewToken {
                id,
                kind,
                approved: &approved,
                owner: owner.member.filter(|_| kind.owner == Ownership::Member),
                created_by_member: owner.member,
                created_by_token: by_token,
                prefix: &prefix,
                fingerprint: None,
                passphrase: None,
                not_before: None,
                proof: &proof,
                keys: &keys,
            },
        )?;
        change.log(&Entry::token(Action::TokenCreate, id, details))
    })?;
    Ok(Making::Made { id, secret })
}

/// Gives a token that nobody has used yet another secret.
pub(crate) fn again<S: Store>(
    session: &mut Session<'_, '_, S>,
    kind: &Kind,
    token: &Token,
    ready: Option<Ready>,
) -> Result<Making> {
    let made = renew::made(session, kind, token.id, ready)?;
    let made = match claimed(session, kind, made)? {
        Claimed::Go(made) => made,
        Claimed::First(made) => return Ok(Making::First(made)),
    };
    session.change(|change| {
        renew::replace(change, kind, token, &made, None)?;
        let details = serde_json::json!({ "reason": "asked for again" });
        change.log(&Entry::token(Action::TokenRegenerate, token.id, details))
    })?;
    let secret = made.secret.ok_or(Failure::Broken("no secret is ready"))?;
    Ok(Making::Made { id: token.id, secret })
}
