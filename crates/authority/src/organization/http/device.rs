//! `/v1/device`: a member decides on a login from a command line; and the token that is made when its client comes for
//! it.
//!
//! Only a person approves, in a session of the console with a fresh passkey; whoever may log in may look, and deny.
//! The login object knows who asks, and for what; this authority what was decided. To approve takes two questions to that
//! object: what is asked for is read before it is decided, and given whole or not at all. A decision is written here
//! after the login object has taken it, so a code that is unknown leaves nothing behind. The token is made when it is
//! collected: exactly what was approved, decided anew with what the member may do then and what the profile says then. A
//! login that would be given more than was approved is denied.

use serde::{Deserialize, Serialize};
use serde_json::json;
use symbolon::id::TokenId;
use symbolon::policy::{Adapter, Creation, ExpiryAsked, Kind, LoginAsk, LoginGiven, Name, Profile};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::login::{Approval, Asking, LoginCall, LoginName, LoginToken, Shown};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;
use symbolon::token::Digest;

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
        Asked::Told(_, Shown::Found(asking)) => asking,
        Asked::Told(_, other) => return refused(session, &other),
    };
    reply(200, &document(session, kind, &answer)?)
}

/// Approves a login: what it asks for, or the kind's least, for the member who approves. What they may not give, or what
/// nobody can have, denies it: its client is told, rather than given a token that cannot do what was asked.
pub(crate) fn approve<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    sessions::in_person(session)?;
    let asked: DecideDevice = body::read(session.request)?;
    let name = name(session, asked.user_code.as_deref(), asked.cli_token.as_deref())?;
    let profile = session.profile.clone();
    let kind = login_kind(&profile)?;
    // Whoever may not at all is told before they see what asks.
    kind.may_create(&session.actor, &kind.verbs.create)?;
    let (told, asking) = match ask(session, LoginCall::Show { name: name.clone() })? {
        Asked::First(outcome) => return Ok(outcome),
        Asked::Told(told, Shown::Found(asking)) => (told, asking),
        Asked::Told(_, other) => return refused(session, &other),
    };
    match told {
        (LoginCall::Decide { approval: Some(approval), .. }, granted) => {
            let granted =
                *granted.ok_or(Failure::Broken("a login was approved before it was decided what it gives"))?;
            written(session, asked.name, approval, granted, &asking)?;
            reply(200, &document(session, kind, &asking)?)
        }
        (LoginCall::Decide { approval: None, .. }, _) => {
            let problem = match gives(session, kind, asking.scope.as_deref()) {
                Err(problem) => problem,
                // It has become theirs to give between two questions.
                Ok(_) => Problem::new(Code::Conflict).detail("This login was denied: start the client once more."),
            };
            log_denial(session, kind, asking, Some(problem.code))?;
            Ok(Outcome::Reply(super::problem(&problem)))
        }
        _ => {
            // What was looked at is approved, and nothing that took its place since.
            if asked.shown.is_some() && asked.shown != shown(&profile, kind, &asking)? {
                let detail = "What this login asks for means something else now: look again.";
                return Err(Problem::new(Code::Conflict).detail(detail).into());
            }
            let (approval, granted) = decided(session, kind, asked.name, &asking)?.unzip();
            question(LoginCall::Decide { name, approval }, granted)
        }
    }
}

/// Decides about what is asked for: an approval and what it gives, or none where it is to be denied.
///
/// # Errors
/// The name cannot be the token's, or the approver may not even give the kind's least: the login goes on waiting.
fn decided<S: Store>(
    session: &mut Session<'_, '_, S>,
    kind: &Kind,
    name: Option<String>,
    asking: &Asking,
) -> Result<Option<(Approval, Granted)>> {
    let now = session.context.now;
    let ask = match gives(session, kind, asking.scope.as_deref()) {
        Ok(ask) => ask,
        Err(_) if asking.scope.is_some() => return Ok(None),
        Err(problem) => return Err(problem.into()),
    };
    // Decided here so that whoever may not is told at once; and again when the token is made.
    let creation = make::login(kind, &ask.asked, name, now);
    let lasts_seconds = lasts(session, kind, &creation)?;
    let granted = Granted { given: session.profile.login_given(kind, &ask), lasts_seconds };
    let token = TokenId::new(now, &session.context.random());
    Ok(Some((Approval { organization: session.head.short_id, token }, granted)))
}

/// How many seconds a token would last if whoever acts made it now; none: it does not end.
fn lasts<S: Store>(session: &Session<'_, '_, S>, kind: &Kind, creation: &Creation) -> Result<Option<i64>> {
    let now = session.context.now;
    let approved = session.profile.approve(kind, &session.actor, creation, session.owner_role(), now)?;
    Ok(approved.expires_at.map(|end| end.as_seconds().saturating_sub(now.as_seconds())))
}

/// Stands for what a login gives, with all that it means; none where it cannot be had.
fn shown(profile: &Profile, kind: &Kind, asking: &Asking) -> Result<Option<String>> {
    let Ok(ask) = profile.login_ask(kind, asking.scope.as_deref()) else { return Ok(None) };
    let given = super::value(&profile.login_given(kind, &ask))?;
    Ok(Some(Digest::of(given.to_string()).to_string()))
}

/// What a login with this scope gives, if whoever acts may give it.
fn gives<S: Store>(
    session: &Session<'_, '_, S>,
    kind: &Kind,
    scope: Option<&str>,
) -> core::result::Result<LoginAsk, Problem> {
    let ask = session.profile.login_ask(kind, scope)?;
    session.profile.may_give_login(kind, &session.actor, &ask, session.owner_role())?;
    Ok(ask)
}

/// Writes an approval down that the login object has taken.
fn written<S: Store>(
    session: &mut Session<'_, '_, S>,
    name: Option<String>,
    approval: Approval,
    granted: Granted,
    asking: &Asking,
) -> Result<()> {
    let now = session.context.now;
    let approver = session.acting();
    let details = Details::of(&granted.given.kind, asking.clone(), None);
    let kept = Kept { details, granted: Some(granted) };
    let details = super::value(&kept.details)?;
    let kept = super::value(&kept)?.to_string();
    let until = asking.expires_at.plus_seconds(KEPT_SECONDS);
    session.change(|change| {
        change.store.execute("DELETE FROM login WHERE expires_at <= ?1", &[now.into()])?;
        change.store.execute(
            "INSERT INTO login (token, approver, name, details, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[Value::text(&approval.token), Value::text(&approver), name.into(), kept.into(), until.into()],
        )?;
        change.log(&Entry::token(Action::LoginApprove, approval.token, details))
    })?;
    Ok(())
}

/// Denies a login.
pub(crate) fn deny<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let asked: DecideDevice = body::read(session.request)?;
    let name = name(session, asked.user_code.as_deref(), asked.cli_token.as_deref())?;
    let profile = session.profile.clone();
    let kind = login_kind(&profile)?;
    let asking = match ask(session, LoginCall::Decide { name, approval: None })? {
        Asked::First(outcome) => return Ok(outcome),
        Asked::Told(_, Shown::Found(asking)) => asking,
        Asked::Told(_, other) => return refused(session, &other),
    };
    log_denial(session, kind, asking.clone(), None)?;
    reply(200, &document(session, kind, &asking)?)
}

fn log_denial<S: Store>(
    session: &mut Session<'_, '_, S>,
    kind: &Kind,
    asking: Asking,
    because: Option<Code>,
) -> Result<()> {
    let details = super::value(&Details::of(&kind.name, asking, because))?;
    session.change(|change| change.log(&Entry { action: Action::LoginDeny, token: None, member: None, details }))?;
    Ok(())
}

/// What is written of a login that was decided.
#[derive(Serialize, Deserialize)]
struct Details {
    kind: String,
    client_id: Option<String>,
    asked_from: Option<Client>,
    /// None: the kind's least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_scope: Option<String>,
    /// Why it was denied, where nobody chose to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<Code>,
}

impl Details {
    fn of(kind: &Name, asking: Asking, because: Option<Code>) -> Self {
        let Asking { client_id, scope, client, .. } = asking;
        Self { kind: kind.to_string(), client_id, asked_from: client, asked_scope: scope, because }
    }
}

/// What an approval gives, as it was decided.
#[derive(Serialize, Deserialize)]
pub(crate) struct Granted {
    given: LoginGiven,
    /// How long its token lasts at most, in seconds; none: it need not end.
    lasts_seconds: Option<i64>,
}

/// What is kept of an approval until it is collected.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    details: Details,
    /// Without it nobody can say what was approved, as where it was approved before this was kept: that is denied.
    #[serde(default)]
    granted: Option<Granted>,
}

/// An approval, until its token is made and used.
pub(crate) struct Approved {
    pub(crate) token: TokenId,
    pub(crate) approver: TokenId,
    name: Option<String>,
    kept: Kept,
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
        kept: row.json(3)?,
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
    let mut until = Until::Created;
    let making = match Token::find(session.store, now, login.token)? {
        None => {
            let (kind, creation) = again(session, &profile, login)?;
            let more = json!({ "login": login.kept.details });
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
    let scopes = token.chosen.scopes.iter().map(ToString::to_string);
    let permissions = token.chosen.permissions.iter().map(ToString::to_string);
    let answer = LoginToken {
        secret: secret.expose().to_owned(),
        user_name,
        scopes: scopes.chain(permissions).collect(),
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

/// What was approved, as it is to be made now: no more than that, and no more than the profile gives now.
///
/// # Errors
/// `conflict`: it would be more than was approved, or can no longer be had.
fn again<'p, S: Store>(
    session: &Session<'_, '_, S>,
    profile: &'p Profile,
    login: &Approved,
) -> Result<(&'p Kind, Creation)> {
    let granted = login.kept.granted.as_ref();
    let Some((granted, (kind, asked))) = granted.and_then(|one| Some((one, profile.login_again(&one.given)?))) else {
        let detail =
            "What was approved means something else now, or cannot be had any more: start the client once more.";
        return Err(Problem::new(Code::Conflict).detail(detail).into());
    };
    let now = session.context.now;
    let creation = make::login(kind, &asked, login.name.clone(), now);
    let lasts = lasts(session, kind, &creation)?;
    let expires = match granted.lasts_seconds {
        Some(most) if lasts.is_none_or(|seconds| seconds > most) => ExpiryAsked::At(now.plus_seconds(most)),
        _ => creation.expires,
    };
    Ok((kind, Creation { expires, ..creation }))
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

/// What the login object is to be asked, or was asked and has answered: with what was decided before.
enum Asked {
    First(Outcome),
    Told((LoginCall, Option<Box<Granted>>), Shown),
}

/// What the login object has answered; it is asked this first where it was asked nothing yet.
fn ask<S: Store>(session: &mut Session<'_, '_, S>, call: LoginCall) -> Result<Asked> {
    match session.told.take() {
        None => {
            rate::check(session.store, session.context.now, session.profile.limits().failed, &guesser(session))?;
            Ok(Asked::First(question(call, None)?))
        }
        Some(session::Told { call, granted, shown: Some(shown) }) => Ok(Asked::Told((call, granted), shown)),
        Some(session::Told { shown: None, .. }) => Err(Problem::new(Code::AuthorityUnavailable).retry_after(1).into()),
    }
}

/// Asks the login object that knows of a login by this name.
fn question(call: LoginCall, granted: Option<Granted>) -> Result<Outcome> {
    let (LoginCall::Show { name } | LoginCall::Decide { name, .. }) = &call else {
        return Err(Failure::Broken("a member neither begins nor collects"));
    };
    Ok(Outcome::AskLogin { shard: name.shard(), call, granted: granted.map(Box::new) })
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

/// What asks, and what it would get from whoever looks.
fn document<S: Store>(session: &Session<'_, '_, S>, kind: &Kind, asking: &Asking) -> Result<AskingDocument> {
    let profile = &session.profile;
    let ask = gives(session, kind, asking.scope.as_deref());
    let refusal = ask.as_ref().err().map(|problem| problem.detail.as_ref().unwrap_or(&problem.title).clone());
    // What is above whoever looks is shown to them as well, as far as it can be had at all.
    let ask = ask.or_else(|_| profile.login_ask(kind, asking.scope.as_deref())).ok();
    let allows = ask.as_ref().map(|ask| profile.could_do(kind, &ask.chosen, session.owner_role()).cloned().collect());
    let later =
        ask.as_ref().map(|ask| profile.could_do_later(kind, &ask.chosen, session.owner_role()).cloned().collect());
    let beyond_least = ask.as_ref().is_some_and(|ask| ask.beyond_least);
    let (scopes, permissions) = ask.map(|ask| (ask.chosen.scopes, ask.chosen.permissions)).unwrap_or_default();
    Ok(AskingDocument {
        client_id: asking.client_id.clone(),
        asked_scope: asking.scope.clone(),
        asked_from: asking.client.clone(),
        you: session.request.client.clone(),
        expires_at: asking.expires_at,
        kind: kind.name.to_string(),
        scopes,
        permissions,
        allows: allows.unwrap_or_default(),
        later: later.unwrap_or_default(),
        beyond_least,
        shown: shown(profile, kind, asking)?,
        refusal,
    })
}
