//! `GET` and `PUT /v1/profile`: the organisation's profile as it was written.

use serde_json::json;
use symbolon::policy::{Freshness, Kind, Missing, Product, Profile, Proof};
use symbolon::problem::{Code, FieldError, Problem};
use symbolon::protocol::ProofKind;

use super::contract::{ProfileDocument, ReplaceProfile};
use super::{Held, Outcome, Until, body, reply};
use crate::organization::activity::{Action, Entry};
use crate::organization::failure::{Failure, Result};
use crate::organization::head::Head;
use crate::organization::session::Session;
use crate::organization::token::{Token, proofs, select};
use crate::store::{Store, Value};

/// How many tokens and members that stand in the way are named.
const MAX_NAMED: usize = 50;

/// The file, and what it declares.
pub(crate) fn read<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ProfileView)?;
    let profile = Head::profile_text(session.store)?;
    reply(200, &ProfileDocument { name: &session.head.profile_name, profile: &profile })
}

/// Puts another file in its place, unless it gives anybody what the credential in use does not have, or a live token or
/// a member names what it does not declare.
pub(crate) fn replace<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ProfileEdit)?;
    let asked: ReplaceProfile = body::read_up_to(session.request, body::MAX_PROFILE_BODY_LEN)?;
    let (text, new) = parse(&asked.profile)?;
    let old = session.profile.clone();
    let mut until = Until::NarrowedBefore(session.head.profile_epoch);
    if Head::profile_text(session.store)? != text {
        old.may_replace(&session.actor, &new)?;
        until = Until::Narrowed;
        fits(session, &old, &new)?;
        let name = new.name().to_string();
        session.change(|change| {
            change.store.execute(
                "UPDATE organization SET profile = ?1, profile_name = ?2, profile_epoch = ?3",
                &[(&text).into(), (&name).into(), Value::count(change.epoch.get())?],
            )?;
            for kind in old.kinds().iter().filter(|kind| is_eventual(kind)) {
                if !new.kind(kind.name.as_str()).is_some_and(is_eventual) {
                    change.store.execute(
                        "UPDATE token SET eventual = 1 WHERE kind = ?1 AND revoked_at IS NULL",
                        &[kind.name.as_str().into()],
                    )?;
                }
            }
            change.touch_all()?;
            change.log(&Entry {
                action: Action::ProfileReplace,
                token: None,
                member: None,
                details: json!({ "name": name, "name_before": old.name() }),
            })
        })?;
    }
    let eventual = old.kinds().iter().chain(new.kinds()).any(is_eventual)
        || !session
            .store
            .execute("SELECT 1 FROM token WHERE eventual = 1 AND revoked_at IS NULL LIMIT 1", &[])?
            .is_empty();
    Ok(Outcome::Held(Held {
        until,
        tells: true,
        eventual,
        status: 200,
        headers: Vec::new(),
        document: super::value(&ProfileDocument { name: new.name().as_str(), profile: &text })?,
    }))
}

/// Whether edges go by the directory alone.
fn is_eventual(kind: &Kind) -> bool {
    kind.freshness == Freshness::Eventual
}

/// Reads a profile: the name of a built-in one, or a file.
///
/// # Errors
/// `invalid_request` with every place at fault.
pub(crate) fn parse(asked: &str) -> Result<(String, Profile)> {
    let text = symbolon::policy::builtin(asked).unwrap_or(asked);
    match Profile::parse(text) {
        Ok(profile) => Ok((text.to_owned(), profile)),
        Err(errors) => {
            let at = |error: &symbolon::policy::ProfileError| FieldError {
                field: "profile".into(),
                message: error.to_string(),
            };
            Err(Problem::fields(errors.iter().map(at).collect()).into())
        }
    }
}

/// Whether nothing that lives names what the new profile does not have.
fn fits<S: Store>(session: &Session<'_, '_, S>, old: &Profile, new: &Profile) -> Result<()> {
    let mut missing: Vec<FieldError> = Vec::new();
    let rows = session.store.execute(
        &format!("{} WHERE token.revoked_at IS NULL ORDER BY token.id", select()),
        &[session.context.now.into()],
    )?;
    for row in &rows {
        let token = Token::read(row)?;
        let proof = match proofs(session.store, token.id)?.first().map(|proof| &proof.kind) {
            Some(ProofKind::Key { .. }) => Proof::Signature,
            _ => Proof::Bearer,
        };
        let lacks = new.missing_for_token(old, &token.kind, proof, &token.chosen, token.service.as_ref());
        missing.extend(lacks.iter().map(|it| named(&format!("tokens.{}", token.id), it)));
    }
    for row in session.store.execute("SELECT id, role FROM member WHERE status <> 'removed' ORDER BY id", &[])? {
        let (id, role): (String, String) = (row.get(0)?, row.get(1)?);
        missing.extend(new.missing_for_member(&role).iter().map(|it| named(&format!("members.{id}"), it)));
    }
    let owners = session.store.execute("SELECT role FROM member WHERE status = 'active'", &[])?;
    let roles = owners.iter().map(|row| row.get(0)).collect::<core::result::Result<Vec<String>, _>>()?;
    if missing.is_empty() {
        return Ok(new.keeps_owner(roles.iter().map(|role| (role.as_str(), true)))?);
    }
    missing.truncate(MAX_NAMED);
    Err(Problem {
        errors: missing,
        ..Problem::new(Code::Conflict).detail("Live tokens or members name what this profile does not declare.")
    }
    .into())
}

fn named(field: &str, missing: &Missing) -> FieldError {
    let what = serde_json::to_value(missing).unwrap_or_default();
    let part = |name: &str| what.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    FieldError { field: field.to_owned(), message: format!("names the {} {}", part("what"), part("name")) }
}

/// The profile that is stored.
pub(crate) fn stored<S: Store>(store: &S) -> Result<Profile> {
    Profile::parse(&Head::profile_text(store)?).map_err(|_| Failure::Broken("the stored profile is no profile"))
}
