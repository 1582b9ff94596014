//! `POST /v1/onboarding`: a token for a repository's pipeline, with just what it needs, and how to use it.

use serde_json::json;
use symbolon::policy::Profile;
use symbolon::problem::{Code, Problem};
use symbolon::token::Secret;

use super::contract::{Onboard, OnboardedDocument};
use super::make::{self, Making};
use super::{Held, Outcome, Until, body, document};
use crate::organization::failure::{Failure, Result};
use crate::organization::idempotency::{self, Made};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::store::Store;

/// The longest name of a repository, in characters.
const MAX_REPOSITORY: usize = 200;

/// Makes the token that the profile's onboarding makes.
pub(crate) fn onboard<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    let asked: Onboard = body::read(session.request)?;
    if let Some(outcome) = idempotency::repeated(session, ready.as_ref())? {
        return Ok(outcome);
    }
    let profile = session.profile.clone();
    let none = || Problem::new(Code::NotFound).detail("This organisation's profile has no onboarding.");
    let kind = profile.onboarding_kind().ok_or_else(none)?;
    let least = kind.onboarding.as_ref().ok_or(Failure::Broken("the kind for onboarding has none"))?;
    let repository = asked.repository.as_deref().map(repository).transpose()?;
    // The repository's name, where it makes a good one; else the kind's own.
    let name = repository
        .filter(|name| kind.check_name(name).is_ok())
        .map(str::to_owned)
        .or_else(|| kind.naming.default.clone())
        .unwrap_or_else(|| "onboarding".into());
    let mut creation = make::creation(kind, Some(least), Some(name), session.context.now);
    creation.service.clone_from(&asked.service);
    let more = json!({ "onboarding": { "repository": repository, "service": asked.service } });
    let (id, secret) = match make::token(session, kind, &creation, None, &more, ready)? {
        Making::First(ready) => return Ok(Outcome::Claim(ready)),
        Making::Made { id, secret } => (id, secret),
    };
    let token = Token::find(session.store, session.context.now, id)?
        .ok_or(Failure::Broken("a token that was just made is not there"))?;
    idempotency::remember(session, &Made::Onboarded(id))?;
    let answer = answer(&token, Some(&secret), &profile)?;
    Ok(Outcome::Held(Held {
        until: Until::Created,
        tells: false,
        eventual: false,
        status: 201,
        headers: vec![("location".into(), format!("/v1/tokens/{id}"))],
        document: super::value(&answer)?,
    }))
}

/// What is answered: the token, and how to use it. The secret is told once.
pub(crate) fn answer(token: &Token, secret: Option<&Secret>, profile: &Profile) -> Result<OnboardedDocument> {
    let least = token.kind(profile)?.onboarding.as_ref();
    let variable = least.and_then(|least| least.variable.clone()).unwrap_or_else(|| "SYMBOLON_TOKEN".into());
    Ok(OnboardedDocument {
        token: document::token(token, profile)?,
        secret: secret.map(|secret| secret.expose().to_owned()),
        snippet: format!("env:\n  {variable}: ${{{{ secrets.{variable} }}}}\n"),
        variable,
    })
}

fn repository(name: &str) -> Result<&str> {
    let name = name.trim();
    let good = (1..=MAX_REPOSITORY).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if good {
        Ok(name)
    } else {
        Err(Problem::field("repository", format!("must have 1 to {MAX_REPOSITORY} characters")).into())
    }
}
