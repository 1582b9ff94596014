//! `GET /v1/whoami` and `GET /v1/kinds`: who the credential is, and what the profile lets one make.

use super::contract::{PrincipalDocument, WhoAmI};
use super::{Outcome, document, reply};
use crate::organization::failure::{Failure, Result};
use crate::organization::session::Session;
use crate::store::Store;

/// Who the credential is. It needs no permission.
pub(crate) fn whoami<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let principal = match (&session.owner, &session.token) {
        (Some(owner), _) => PrincipalDocument::Member {
            id: owner.id,
            name: owner.name.clone(),
            email: owner.email.clone(),
            role: owner.role.clone(),
        },
        (None, Some(token)) => {
            PrincipalDocument::Token { id: token.id, name: token.name.clone(), role: token.chosen.role.clone() }
        }
        (None, None) => return Err(Failure::Broken("neither a member nor a token acts")),
    };
    let token = session.token.as_ref().map(|token| document::token(token, &session.profile)).transpose()?;
    let answer = WhoAmI {
        organization: document::organization(&session.head),
        principal,
        token,
        permissions: session.actor.effective.unlimited().cloned().collect(),
        grants: session.actor.effective.limited().cloned().collect(),
    };
    reply(200, &answer)
}

/// What the profile declares, and which kinds the one who asks may make. It needs no permission: none of it is secret.
pub(crate) fn kinds<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    reply(200, &session.profile.public(&session.actor))
}
