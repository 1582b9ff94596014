//! `/v1/sessions`: a member's own sessions in the console.

use serde::Serialize;
use serde_json::json;
use symbolon::id::TokenId;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::contract::Operation;
use symbolon::protocol::session::{FRESH, Purpose, csrf_token};
use symbolon::webauthn::WebAuthnError;

use super::contract::{ConfirmSession, CurrentSession, Page, SessionDocument};
use super::{Held, Outcome, Until, body, document as documents, identities, problem, reply, value};
use crate::organization::activity::{Action, Entry};
use crate::organization::console::passkey::{Assertion, Passkey};
use crate::organization::console::{ConsoleSession, clear_cookie, set_cookie, spent};
use crate::organization::failure::{Failure, Result};
use crate::organization::head::Head;
use crate::organization::member::Member;
use crate::organization::session::Session;
use crate::store::{Store, Value};

/// The session in use, with what its page needs.
pub(crate) fn current<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let console = console(session)?;
    reply(200, &document(session.store, &session.head, owner(session)?, console)?)
}

/// A member's own sessions, the one used last first.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let member = own(session)?;
    let current = session.console.as_ref().map(|console| console.id);
    let sessions = ConsoleSession::of(session.store, session.context.now, member.id)?;
    let items = sessions.iter().map(|found| describe(found, current == Some(found.id))).collect();
    reply(200, &Page::<SessionDocument> { items, next_cursor: None })
}

/// Ends a session of one's own: the one in use where none is named.
pub(crate) fn end<S: Store>(session: &mut Session<'_, '_, S>, id: Option<&str>) -> Result<Outcome> {
    let member = own(session)?.id;
    let current = session.console.as_ref().map(|console| console.id);
    let id: TokenId = match id {
        None => current.ok_or(Code::NotFound)?,
        Some(id) => id.parse().map_err(|_| Code::NotFound)?,
    };
    let found = ConsoleSession::find(session.store, session.context.now, id)?;
    let found = found.filter(|found| found.member == member).ok_or(Code::NotFound)?;
    session.change(|change| {
        change.store.execute("DELETE FROM console_session WHERE id = ?1", &[Value::text(&id)])?;
        change.log(&Entry::member(Action::SessionEnd, member, json!({ "session": id })))
    })?;
    let headers = if current == Some(id) { vec![clear_cookie()] } else { Vec::new() };
    ended(&describe(&found, current == Some(id)), headers)
}

/// The answer where a session, or a secret of one, has ended. Edges keep nothing of sessions; it waits until no former
/// machine answers for it any more.
pub(crate) fn ended<T: Serialize>(document: &T, headers: Vec<(String, String)>) -> Result<Outcome> {
    let document = value(document)?;
    Ok(Outcome::Held(Held { until: Until::Created, tells: false, eventual: false, status: 200, headers, document }))
}

/// Asks for the passkey once more: then it counts as fresh, and the session has another secret.
pub(crate) fn confirm<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let mut console = console(session)?.clone();
    let asked: ConfirmSession = body::read(session.request)?;
    let given = Assertion::read(&asked.credential)?;
    // From here on problems are answered and not failed: the challenge is used up, and the log keeps who failed.
    if let Err(refused) = spent::spend(session.store, session.context, Purpose::SignIn, &asked.challenge_id)? {
        return Ok(Outcome::Reply(problem(&refused)));
    }
    let found = Passkey::by_credential(session.store, &given.credential)?;
    let Some(passkey) = found.filter(|passkey| passkey.member == console.member) else {
        let unknown = Problem::new(Code::SignatureInvalid).detail("This passkey is not one of yours here.");
        return Ok(Outcome::Reply(problem(&unknown)));
    };
    let member = console.member;
    let proved = match passkey.verify(&session.request.origin, &asked.challenge_id, &given) {
        Ok(proved) => proved,
        Err(error) => {
            let details = json!({ "method": "confirm", "passkey": passkey.id, "reason": error.as_str() });
            session.change(|change| change.log(&Entry::member(Action::SessionRefuse, member, details)))?;
            return Ok(Outcome::Reply(problem(&assertion_problem(error))));
        }
    };
    passkey.used(session.store, session.context.now, proved)?;
    let head = session.head.clone();
    let (secret, _) = session.change(|change| {
        let secret = console.confirm(change.store, change.context, &head)?;
        let details = json!({ "session": console.id, "passkey": passkey.id });
        change.log(&Entry::member(Action::SessionConfirm, member, details))?;
        Ok(secret)
    })?;
    let current = document(session.store, &session.head, owner(session)?, &console)?;
    let cookie = set_cookie(&secret, console.cookie_seconds(session.context.now));
    ended(&current, vec![cookie])
}

/// What goes wrong with a passkey, as whoever asks is told it.
pub(crate) fn assertion_problem(error: WebAuthnError) -> Problem {
    let detail = match error {
        WebAuthnError::Cloned { .. } => {
            "This passkey's counter did not grow: there may be a copy of it. Use another one, and remove this one."
                .into()
        }
        other => {
            let mut text = other.to_string();
            text.push('.');
            text
        }
    };
    Problem::new(Code::SignatureInvalid).detail(detail)
}

/// The session with its page's token.
pub(crate) fn document<S: Store>(
    store: &S,
    head: &Head,
    member: &Member,
    console: &ConsoleSession,
) -> Result<CurrentSession> {
    Ok(CurrentSession {
        session: describe(console, true),
        member: documents::member(member),
        organization: documents::organization(head),
        csrf_token: csrf_token(&console.digest),
        fresh_until: console.fresh_until,
        confirm_with: identities::confirms_with(store, member.id)?,
    })
}

fn describe(session: &ConsoleSession, current: bool) -> SessionDocument {
    SessionDocument {
        id: session.id,
        method: session.method(),
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at(),
        address: session.address.clone(),
        user_agent: session.user_agent.clone(),
        current,
    }
}

pub(crate) fn console<'s, S: Store>(session: &'s Session<'_, '_, S>) -> Result<&'s ConsoleSession> {
    let none = || Problem::new(Code::MissingCredential).detail("This call is for a session of the console.");
    Ok(session.console.as_ref().ok_or_else(none)?)
}

fn owner<'s, S: Store>(session: &'s Session<'_, '_, S>) -> Result<&'s Member> {
    session.owner.as_ref().ok_or(Failure::Broken("a session has no member"))
}

/// The member whose sessions and passkeys these are: in a session of theirs, or with a token of theirs that may do all
/// that they may. With a lesser one they would give themselves more than it was granted, and what is given outlives the
/// token; but for the very token with which they began, and only until they have a passkey.
///
/// # Errors
/// `insufficient_permission`.
pub(crate) fn own<'s, S: Store>(session: &'s Session<'_, '_, S>) -> Result<&'s Member> {
    let missing = || Problem::new(Code::InsufficientPermission).required("session");
    let owner = session.owner.as_ref().ok_or_else(missing)?;
    if session.console.is_some() {
        return Ok(owner);
    }
    let role = session.profile.role(&owner.role);
    let whole = role.is_some_and(|role| session.actor.effective.contains(&role.grants()));
    if whole || is_first(session)? && Passkey::of(session.store, owner.id)?.is_empty() {
        Ok(owner)
    } else {
        Err(missing().into())
    }
}

/// The member whose ways to sign in are about to change. A token gives its member the first one; from then on a person
/// changes them, in a session: what a token added would outlive it, and could approve what no token may.
///
/// # Errors
/// `insufficient_permission`, which requires `session:fresh` of a token whose member can sign in.
pub(crate) fn own_ways<'s, S: Store>(session: &'s Session<'_, '_, S>) -> Result<&'s Member> {
    let owner = own(session)?;
    no_token_where_a_person_signs_in(session)?;
    Ok(owner)
}

/// Refuses a token whose member has a passkey or a linked identity.
///
/// # Errors
/// `insufficient_permission`, which requires `session:fresh`.
pub(crate) fn no_token_where_a_person_signs_in<S: Store>(session: &Session<'_, '_, S>) -> Result<()> {
    let Some(owner) = &session.owner else { return Ok(()) };
    if session.console.is_some() || identities::confirms_with(session.store, owner.id)?.is_none() {
        return Ok(());
    }
    Err(Problem::new(Code::InsufficientPermission)
        .required(FRESH)
        .detail("You have a way to sign in: do this in the console, once you have shown yourself there.")
        .into())
}

/// Whether the token in use is the one that its member was given by setup or with an invitation.
fn is_first<S: Store>(session: &Session<'_, '_, S>) -> Result<bool> {
    let Some(token) = &session.token else { return Ok(false) };
    if token.id == session.head.first_token {
        return Ok(true);
    }
    let rows = session.store.execute("SELECT 1 FROM first_token WHERE token = ?1", &[Value::text(&token.id)])?;
    Ok(!rows.is_empty())
}

/// Refuses what must not be done in a session whose passkey is not fresh: everything that ends, gives or widens access,
/// since what a stale session could give itself would need no passkey any more. Tokens need none: whoever has one was
/// never asked for a passkey. What no token may do at all, [`in_person`] refuses; and what changes how a member signs in,
/// [`own_ways`].
///
/// # Errors
/// `insufficient_permission`, which requires `session:fresh`.
pub(crate) fn needs_fresh<S: Store>(session: &Session<'_, '_, S>, operation: Operation) -> Result<()> {
    let changes = matches!(
        operation,
        Operation::CreateToken
            | Operation::ImportTokens
            | Operation::EditToken
            | Operation::RevokeToken
            | Operation::RotateToken
            | Operation::RegenerateToken
            | Operation::Onboard
            | Operation::CreateMember
            | Operation::EditMember
            | Operation::RemoveMember
            | Operation::CreateInvitation
            | Operation::ReplaceProfile
            | Operation::ApproveDevice
            | Operation::RemovePasskey
            | Operation::RenewRecoveryCodes
            | Operation::RemoveIdentity
            | Operation::ReplaceSignIn
    );
    // Whoever came in by a recovery code has nothing to show, and needs something.
    let can_show =
        session.console.as_ref().is_some_and(|console| console.passkey.is_some() || console.identity.is_some());
    let adds =
        matches!(operation, Operation::BeginPasskey | Operation::AddPasskey | Operation::BeginIdentity) && can_show;
    if changes || adds { fresh(session) } else { Ok(()) }
}

/// Refuses a session whose passkey is not fresh. The one place that says so.
///
/// # Errors
/// `insufficient_permission`, which requires `session:fresh`.
pub(crate) fn fresh<S: Store>(session: &Session<'_, '_, S>) -> Result<()> {
    match &session.console {
        Some(console) if !console.is_fresh(session.context.now) => Err(Problem::new(Code::InsufficientPermission)
            .required(FRESH)
            .detail("Show yourself again: POST /v1/sessions/current/confirm, or /oidc without a passkey.")
            .into()),
        _ => Ok(()),
    }
}

/// Refuses everything but a session: what is decided here is a person's word, and neither a bearer secret nor a key is
/// one. That the session's passkey is fresh is [`needs_fresh`]'s.
///
/// # Errors
/// `insufficient_permission`, which requires `session:fresh`.
pub(crate) fn in_person<S: Store>(session: &Session<'_, '_, S>) -> Result<()> {
    if session.console.is_some() {
        return Ok(());
    }
    Err(Problem::new(Code::InsufficientPermission)
        .required(FRESH)
        .detail("A token or key approves no login: sign in to the console, open /device there and show your passkey.")
        .into())
}
