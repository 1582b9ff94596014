//! `/v1/device`: a member decides on a login from a command line; and the token that is made when its client comes for
//! it.
//!
//! Only a person approves, in a session of the console with a fresh passkey; whoever may log in may look, and deny.
//! The login object knows who asks, this authority what was decided. A decision is written here after the login object
//! has taken it, so a code that is unknown leaves nothing behind; the token is made when it is collected, decided anew
//! with what the member may do then.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::policy::{Adapter, Kind, Profile};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::login::{Approval, Asking, LoginCall, LoginName, LoginToken, Shown};
use symbolon::time::Timestamp;

use super::contract::{AskingDocument, DecideDevice};
use super::make::{self, Making};
use super::query::{Query, parameters};
use super::{Held, Outcome, Until, body, reply, sessions};
use crate::organization::activity::{Action, Entry};
use crate::organization::failure::{Failure, Result};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::organization::{rate, session};
use crate::store::{Store, Value};

/// How much longer than the login an approval is kept, in seconds: its client may come at the last moment.
const KEPT_SECONDS: i64 = 60;

parameters! {
    /// Which login is meant, by one of its codes.
    pub(crate) struct Parameters {
        /// What the device shows, such as `BCDF-GHJK`.
        user_code: text(),
        /// The key that a client made up: a random UUID.
        cli_token: text(),
    }
}

/// Says what asks for a login, and from where: to be compared with where one is oneself.
pub(crate) fn show<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let query = Query::read(session.request, Parameters::NAMES)?;
    let name = name(session, query.get("user_code"), query.get("cli_token"))?;
    let profile = session.profile.clone();
    let kind = login_kind(&profile)?;
    let answer = match ask(session, LoginCall::Show { name })? {
        Asked::First(outcome) => return Ok(outcome),
        Asked::Told(Shown::Found(asking)) => asking,
        Asked::Told(other) => return refused(session, &other),
    };
    reply(200, &document(session, kind, &answer))
}

/// Approves a login: the kind's least, for the member who approves.
pub(crate) fn approve<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    sessions::in_person(session)?;
    let asked: DecideDevice = body::read(session.request)?;
    let name = name(session, asked.user_code.as_deref(), asked.cli_token.as_deref())?;
    let profile = session.profile.clone();
    let kind = login_kind(&profile)?;
    let now = session.context.now;
    // Decided here so that whoever may not is told at once; and again when the token is made.
    let creation = make::login(kind, asked.name.clone(), now);
    profile.approve(kind, &session.actor, &creation, session.owner_role(), now)?;
    let approval = Approval {
        organization: session.head.short_id,
        token: match &session.told {
            Some(told) => told.token,
            None => TokenId::new(now, &session.context.random()),
        },
    };
    let asking = match ask_about(session, LoginCall::Decide { name, approval: Some(approval) }, approval.token)? {
        Asked::First(outcome) => return Ok(outcome),
        Asked::Told(Shown::Found(asking)) => asking,
        Asked::Told(other) => return refused(session, &other),
    };
    let approver = session.acting();
    let details = json!({
        "kind": kind.name, "client_id": asking.client_id, "asked_from": asking.client,
    });
    let written = details.to_string();
    let until = asking.expires_at.plus_seconds(KEPT_SECONDS);
    session.change(|change| {
        change.store.execute("DELETE FROM login WHERE expires_at <= ?1", &[now.into()])?;
        change.store.execute(
            "INSERT INTO login (token, approver, name, details, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                Value::text(&approval.token),
                Value::text(&approver),
                asked.name.clone().into(),
                written.into(),
                until.into(),
            ],
        )?;
        change.log(&Entry::token(Action::LoginApprove, approval.token, details))
    })?;
    reply(200, &document(session, kind, &asking))
}

/// Denies a login.
pub(crate) fn deny<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let asked: DecideDevice = body::read(session.request)?;
    let name = name(session, asked.user_code.as_deref(), asked.cli_token.as_deref())?;
    let profile = session.profile.clone();
    let kind = login_kind(&profile)?;
    let asking = match ask(session, LoginCall::Decide { name, approval: None })? {
        Asked::First(outcome) => return Ok(outcome),
        Asked::Told(Shown::Found(asking)) => asking,
        Asked::Told(other) => return refused(session, &other),
    };
    let details = json!({ "client_id": asking.client_id, "asked_from": asking.client });
    session.change(|change| change.log(&Entry { action: Action::LoginDeny, token: None, member: None, details }))?;
    reply(200, &document(session, kind, &asking))
}

/// An approval, until its token is made and used.
pub(crate) struct Approved {
    pub(crate) token: TokenId,
    pub(crate) approver: TokenId,
    name: Option<String>,
    details: serde_json::Value,
    expires_at: Timestamp,
}

/// The approval of this token.
pub(crate) fn approved<S: Store>(store: &S, token: TokenId) -> Result<Option<Approved>> {
    let rows = store.execute(
        "SELECT token, approver, name, details, expires_at FROM login WHERE token = ?1",
        &[Value::text(&token)],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Approved {
        token: row.parsed(0)?,
        approver: row.parsed(1)?,
        name: row.get(2)?,
        details: row.json(3)?,
        expires_at: row.get(4)?,
    }))
}

/// Makes the token of a login, as whoever approved it. Asked again before the token was used, it gets another secret:
/// the answer was lost.
pub(crate) fn collect<S: Store>(
    session: &mut Session<'_, '_, S>,
    login: &Approved,
    ready: Option<Ready>,
) -> Result<Outcome> {
    let now = session.context.now;
    if now >= login.expires_at {
        return Err(Code::Expired.into());
    }
    let profile = session.profile.clone();
    let kind = login_kind(&profile)?;
    let mut until = Until::Created;
    let making = match Token::find(session.store, now, login.token)? {
        None => {
            let creation = make::login(kind, login.name.clone(), now);
            let more = json!({ "login": login.details });
            make::token(session, kind, &creation, Some(login.token), &more, ready)?
        }
        Some(token) if token.use_count == 0 && token.last_used_at.is_none() && token.revoked_at.is_none() => {
            until = Until::Narrowed;
            make::again(session, token.kind(&profile)?, &token, ready)?
        }
        Some(_) => return Err(Problem::new(Code::Conflict).detail("The login was collected already.").into()),
    };
    let secret = match making {
        Making::First(ready) => return Ok(Outcome::Claim(ready)),
        Making::Made { secret, .. } => secret,
    };
    let token = Token::find(session.store, now, login.token)?
        .ok_or(Failure::Broken("a token that was just made is not there"))?;
    let user_name = match (&token.owner, &token.created_by_member) {
        (Some(owner), _) => owner.name.clone(),
        (None, Some((_, name))) => name.clone(),
        (None, None) => token.name.clone(),
    };
    let answer = LoginToken {
        secret: secret.expose().to_owned(),
        user_name,
        scopes: token.chosen.scopes.iter().map(ToString::to_string).collect(),
        expires_at: token.expires_at,
    };
    Ok(Outcome::Held(Held {
        // Asked for again: the former secret has ended.
        until,
        tells: false,
        eventual: false,
        status: 201,
        headers: Vec::new(),
        document: super::value(&answer)?,
    }))
}

fn login_kind(profile: &Profile) -> Result<&Kind> {
    let none = || Problem::new(Code::NotFound).detail("This organisation's profile has no login.");
    Ok(profile.login_kind().ok_or_else(none)?)
}

fn name<S: Store>(session: &Session<'_, '_, S>, user_code: Option<&str>, cli_token: Option<&str>) -> Result<LoginName> {
    match (user_code, cli_token) {
        (Some(code), None) => match code.parse() {
            Ok(code) => Ok(LoginName::UserCode(code)),
            Err(_) => Err(Problem::field("user_code", "must be eight letters such as BCDF-GHJK").into()),
        },
        // Only the clients of one system make up their own keys.
        (None, Some(_)) if !session.profile.has_adapter(Adapter::Semgrep) => Err(Code::NotFound.into()),
        (None, Some(key)) => match key.parse() {
            Ok(key) => Ok(LoginName::Key(key)),
            Err(_) => Err(Problem::field("cli_token", "must be a random UUID (version 4)").into()),
        },
        _ => Err(Problem::field("user_code", "give either user_code or cli_token").into()),
    }
}

/// What the login object was asked, or has answered.
enum Asked {
    First(Outcome),
    Told(Shown),
}

fn ask<S: Store>(session: &mut Session<'_, '_, S>, call: LoginCall) -> Result<Asked> {
    let token = session.acting();
    ask_about(session, call, token)
}

fn ask_about<S: Store>(session: &mut Session<'_, '_, S>, call: LoginCall, token: TokenId) -> Result<Asked> {
    match session.told.take() {
        None => {
            rate::check(session.store, session.context.now, session.profile.limits().failed, &guesser(session))?;
            let (LoginCall::Show { name } | LoginCall::Decide { name, .. }) = &call else {
                return Err(Failure::Broken("a member neither begins nor collects"));
            };
            Ok(Asked::First(Outcome::AskLogin { shard: name.shard(), call, token }))
        }
        Some(session::Told { shown: Some(shown), .. }) => Ok(Asked::Told(shown)),
        Some(session::Told { shown: None, .. }) => Err(Problem::new(Code::AuthorityUnavailable).retry_after(1).into()),
    }
}

/// Who guesses at codes.
fn guesser<S: Store>(session: &Session<'_, '_, S>) -> Vec<String> {
    rate::subjects("login", session.acting(), session.actor.member, &session.request.client)
}

/// A code that is not there counts as a guess. Answered and not failed, so that the count is kept.
fn refused<S: Store>(session: &Session<'_, '_, S>, shown: &Shown) -> Result<Outcome> {
    let problem = match shown {
        Shown::Decided => Problem::new(Code::Conflict).detail("This login was decided already."),
        Shown::Unasked => Problem::new(Code::Conflict)
            .detail("No client has asked with this key yet, so nobody can see where it is: start the client first."),
        Shown::Unknown | Shown::Found(_) => {
            rate::count(session.store, session.context.now, session.profile.limits().failed, &guesser(session))?;
            Problem::new(Code::NotFound)
                .detail("No login waits under this code: it was mistyped, used, or is older than ten minutes.")
        }
    };
    Ok(Outcome::Reply(super::problem(&problem)))
}

fn document<S: Store>(session: &Session<'_, '_, S>, kind: &Kind, asking: &Asking) -> AskingDocument {
    let least = kind.login.as_ref();
    AskingDocument {
        client_id: asking.client_id.clone(),
        asked_scope: asking.scope.clone(),
        asked_from: asking.client.clone(),
        you: session.request.client.clone(),
        expires_at: asking.expires_at,
        kind: kind.name.to_string(),
        scopes: least.map(|least| least.scopes.clone()).unwrap_or_default(),
        permissions: least.map(|least| least.permissions.clone()).unwrap_or_default(),
    }
}
