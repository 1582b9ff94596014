//! `GET /v1/whoami` and `GET /v1/kinds`: who the credential is, and what the profile lets one make.

use serde_json::json;
use symbolon::policy::{Profile, Verb};

use super::contract::{PrincipalDocument, WhoAmI};
use super::{Outcome, document, reply};
use crate::organization::failure::Result;
use crate::organization::session::Session;
use crate::store::Store;

/// Who the credential is. It needs no permission.
pub(crate) fn whoami<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let token = &session.token;
    let principal = match &token.owner {
        Some(owner) => PrincipalDocument::Member {
            id: owner.id,
            name: owner.name.clone(),
            email: owner.email.clone(),
            role: owner.role.clone(),
        },
        None => PrincipalDocument::Token { id: token.id, name: token.name.clone(), role: token.chosen.role.clone() },
    };
    let answer = WhoAmI {
        organization: document::organization(&session.head),
        principal,
        token: document::token(token, &session.profile)?,
        permissions: session.actor.effective.iter().cloned().collect(),
    };
    reply(200, &answer)
}

/// What the profile declares, and which kinds the one who asks may make. It needs no permission: none of it is secret.
pub(crate) fn kinds<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let profile: &Profile = &session.profile;
    let mut kinds = Vec::new();
    for kind in profile.kinds() {
        let mut shown = super::value(kind)?;
        if let Some(object) = shown.as_object_mut() {
            object.insert("name".into(), json!(kind.name));
            object.insert("can_create".into(), json!(kind.may_create(&session.actor, &kind.verbs.create).is_ok()));
            object.insert("can_view".into(), json!(session.actor.has(kind.permission_for(Verb::View)).is_ok()));
        }
        kinds.push(shown);
    }
    let named = |name: &symbolon::policy::Name, mut shown: serde_json::Value| {
        if let Some(object) = shown.as_object_mut() {
            object.insert("name".into(), json!(name));
        }
        shown
    };
    reply(
        200,
        &json!({
            "profile": {
                "name": profile.name(), "title": profile.title(), "description": profile.description(),
            },
            "kinds": kinds,
            "scopes": profile.scopes().iter().map(|it| named(&it.name, json!(it))).collect::<Vec<_>>(),
            "permissions": profile.permissions(),
            "roles": profile.roles().iter().map(|it| named(&it.name, json!(it))).collect::<Vec<_>>(),
            "families": profile.families().iter().map(|it| named(&it.name, json!(it))).collect::<Vec<_>>(),
            "services": profile.services().iter().map(|it| named(&it.name, json!(it))).collect::<Vec<_>>(),
        }),
    )
}
