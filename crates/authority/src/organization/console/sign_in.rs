//! `POST /v1/sessions` and `POST /v1/sessions/recover`: signing in, which nobody has a credential for yet.
//!
//! Tries are counted before anything else, and the count is kept whatever comes of them; so is the entry in the activity
//! log that says who failed. A passkey that nobody has registered leaves no entry: anybody could fill the log.

use serde_json::json;
use symbolon::policy::Rate;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{Client, HttpResponse};
use symbolon::protocol::session::{Purpose, SignIn, UserHandle};

use super::super::activity::{Action, Entry, Who};
use super::super::change::within;
use super::super::failure::Result;
use super::super::head::Head;
use super::super::http::contract::{CreateSession, RecoverSession};
use super::super::http::{self, body, members, sessions};
use super::super::leases::{refuse, reply};
use super::super::member::{COLUMNS, Member, Status};
use super::super::{Organization, rate};
use super::passkey::{Assertion, Passkey};
use super::{ConsoleSession, Method, recovery, spent};
use crate::machine::{CallId, Context, Effect};
use crate::store::Store;

/// Sign-ins by passkey from one address.
pub(super) const SIGN_INS: Rate = Rate { max: 30, seconds: 300 };
/// Tries of recovery codes from one address. They do not count against the member: a code has 100 bits, which nobody
/// guesses from however many addresses, and whoever knows a member's address could keep them out.
const RECOVERIES: Rate = Rate { max: 5, seconds: 900 };

/// What came of a try: in both cases, what was written is kept.
type Tried = core::result::Result<HttpResponse, Problem>;

impl<S: Store> Organization<S> {
    /// Somebody signs in.
    pub(in crate::organization) fn sign_in(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        call: &SignIn,
    ) -> Vec<Effect> {
        if !self.leases.is_open() {
            // As for a passkey that nobody has.
            return vec![reply(id, &http::problem(&unknown()))];
        }
        let store = &self.store;
        let counted = store.transaction(|| count(store, context, call));
        let tried = counted.and_then(|()| store.transaction(|| carry_out(store, context, call)));
        let answer = match tried {
            // A session has begun, and perhaps another has ended.
            Ok(Ok(response)) => match crate::answer::json(&response) {
                Ok(json) => self.leases.reply(self.leases.created(context.now), id, json),
                Err(fault) => Some(Effect::Fail { id, fault: fault.to_string() }),
            },
            Ok(Err(problem)) => Some(reply(id, &http::problem(&problem))),
            Err(failure) => Some(refuse(id, failure)),
        };
        answer.into_iter().collect()
    }
}

fn is_recovery(call: &SignIn) -> bool {
    call.request.path == "/v1/sessions/recover"
}

fn count<S: Store>(store: &S, context: &Context<'_>, call: &SignIn) -> Result<()> {
    let client = &call.request.client;
    let (rate, what) = if is_recovery(call) { (RECOVERIES, "recover") } else { (SIGN_INS, "sign in") };
    rate::take(store, context.now, rate, &[rate::network(what, client)])
}

fn carry_out<S: Store>(store: &S, context: &mut Context<'_>, call: &SignIn) -> Result<Tried> {
    let head = Head::read(store)?;
    if is_recovery(call) { with_code(store, context, &head, call) } else { with_passkey(store, context, &head, call) }
}

fn with_passkey<S: Store>(store: &S, context: &mut Context<'_>, head: &Head, call: &SignIn) -> Result<Tried> {
    let asked: CreateSession = body::read(&call.request)?;
    let given = Assertion::read(&asked.credential)?;
    if let Err(problem) = spent::spend(store, context, Purpose::SignIn, &asked.challenge_id)? {
        return Ok(Err(problem));
    }
    let Some(passkey) = Passkey::by_credential(store, &given.credential)? else { return Ok(Err(unknown())) };
    let Some(member) = Member::find(store, passkey.member)? else { return Ok(Err(unknown())) };
    // Section 7.2, step 6: the user handle must be there, and its member the passkey's.
    let handle = given.user_handle.as_deref().and_then(UserHandle::decode);
    if handle != Some(UserHandle { organization: head.short_id, member: member.id }) {
        return Ok(Err(unknown()));
    }
    let proved = match passkey.verify(&call.request.origin, &asked.challenge_id, &given) {
        Ok(proved) => proved,
        Err(error) => {
            let details = json!({ "method": "passkey", "passkey": passkey.id, "reason": error.as_str() });
            refused(store, context, &member, &call.request.client, details)?;
            return Ok(Err(sessions::assertion_problem(error)));
        }
    };
    if member.status != Status::Active {
        let details = json!({ "method": "passkey", "passkey": passkey.id, "reason": "owner_suspended" });
        refused(store, context, &member, &call.request.client, details)?;
        return Ok(Err(Code::OwnerSuspended.into()));
    }
    passkey.used(store, context.now, proved)?;
    let details = json!({ "method": "passkey", "passkey": passkey.id, "name": passkey.name });
    begin(store, context, head, call, &member, Method::Passkey(passkey.id), &details).map(Ok)
}

fn with_code<S: Store>(store: &S, context: &mut Context<'_>, head: &Head, call: &SignIn) -> Result<Tried> {
    let asked: RecoverSession = body::read(&call.request)?;
    let email = members::check_email(&asked.email)?;
    let wrong = || Problem::new(Code::UnknownToken).detail("Address and recovery code do not match, or it was used.");
    if asked.organization != head.slug {
        return Ok(Err(wrong()));
    }
    let sql = format!("SELECT {COLUMNS} FROM member WHERE email = ?1 AND status <> 'removed'");
    let rows = store.execute(&sql, &[email.into()])?;
    let Some(member) = rows.first().map(Member::read).transpose()? else { return Ok(Err(wrong())) };
    let details = |reason: &str| json!({ "method": "recovery_code", "reason": reason });
    if member.status != Status::Active {
        // The code is not used up, and nobody learns whether it was right.
        refused(store, context, &member, &call.request.client, details("owner_suspended"))?;
        return Ok(Err(wrong()));
    }
    if !recovery::redeem(store, member.id, &asked.recovery_code)? {
        refused(store, context, &member, &call.request.client, details("recovery_code"))?;
        return Ok(Err(wrong()));
    }
    let left = recovery::left(store, member.id)?;
    let details = json!({ "method": "recovery_code", "recovery_codes_left": left });
    begin(store, context, head, call, &member, Method::Recovery, &details).map(Ok)
}

fn begin<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    head: &Head,
    call: &SignIn,
    member: &Member,
    method: Method,
    details: &serde_json::Value,
) -> Result<HttpResponse> {
    let client = &call.request.client;
    let who = Who { member: Some(member.id), token: None, client: client.clone() };
    let action = match method {
        Method::Passkey(_) | Method::Identity(..) => Action::SessionBegin,
        Method::Recovery => Action::SessionRecover,
    };
    let replaces = call.replaces.as_ref();
    let ((session, secret), _) = within(store, context, &who, |change| {
        let begun = ConsoleSession::begin(store, change.context, head, member.id, method, client, replaces)?;
        change.log(&Entry::member(action, member.id, details.clone()))?;
        Ok(begun)
    })?;
    let answer = sessions::document(store, head, member, &session)?;
    let mut response = http::json(201, &answer)?;
    response.headers.push(super::set_cookie(&secret, session.cookie_seconds(context.now)));
    Ok(response)
}

/// Writes down that somebody has tried to sign in as this member. Who it was, nobody knows.
pub(super) fn refused<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    member: &Member,
    client: &Client,
    details: serde_json::Value,
) -> Result<()> {
    let who = Who { member: None, token: None, client: client.clone() };
    within(store, context, &who, |change| change.log(&Entry::member(Action::SessionRefuse, member.id, details)))?;
    Ok(())
}

fn unknown() -> Problem {
    Problem::new(Code::UnknownToken).detail("This passkey is not known here.")
}
