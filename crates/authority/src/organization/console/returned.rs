//! Somebody comes back from the provider of identities: a session for whom it names, a fresh one, or a link.
//!
//! The gate has checked what the provider said. Here it is decided who that is: the member who has linked the identity,
//! or, where the organisation says so, the one whose address the provider has verified, the first time. Tries are
//! counted before anything else, and each return is good once, whatever comes of it.

use serde_json::json;
use symbolon::id::{MemberId, TokenId};
use symbolon::protocol::identity::{Errand, Recognised, RefusedIdentity, Returned};
use symbolon::protocol::message::Client;

use super::super::activity::{Action, Entry, Who};
use super::super::change::within;
use super::super::failure::Result;
use super::super::head::Head;
use super::super::http::members;
use super::super::leases::refuse;
use super::super::member::{COLUMNS, Member, Status};
use super::super::{Organization, rate};
use super::identity::Linked;
use super::passkey::Passkey;
use super::sign_in::{SIGN_INS, refused};
use super::{ConsoleSession, FRESH_SECONDS, Method, spent};
use crate::machine::{CallId, Context, Effect};
use crate::store::Store;

/// What came of a return: in both cases, what was written is kept.
type Came = core::result::Result<Recognised, RefusedIdentity>;

impl<S: Store> Organization<S> {
    /// Somebody comes back from the provider.
    pub(in crate::organization) fn returned(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        call: &Returned,
    ) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![answer(id, Err(RefusedIdentity::UnknownMember))];
        }
        let store = &self.store;
        let subject = rate::network("sign in", &call.client);
        let counted = store.transaction(|| rate::take(store, context.now, SIGN_INS, &[subject]));
        let came = match counted {
            Ok(()) => store.transaction(|| carry_out(store, context, call)),
            Err(failure) if failure.log().is_none() => Ok(Err(RefusedIdentity::RateLimited)),
            Err(failure) => Err(failure),
        };
        let answer = match came {
            Ok(came) => answer(id, came),
            Err(failure) => refuse(id, failure),
        };
        match answer {
            // A session may have begun, and another have ended.
            Effect::Reply { id, json } => {
                self.leases.reply(self.leases.created(context.now), id, json).into_iter().collect()
            }
            failed => vec![failed],
        }
    }
}

fn answer(id: CallId, came: Came) -> Effect {
    let recognised = came.unwrap_or_else(|reason| Recognised::Refused { reason });
    match crate::answer::json(&recognised) {
        Ok(json) => Effect::Reply { id, json },
        Err(fault) => Effect::Fail { id, fault: fault.to_string() },
    }
}

fn carry_out<S: Store>(store: &S, context: &mut Context<'_>, call: &Returned) -> Result<Came> {
    if context.now >= call.until || !spent::first(store, context, &format!("oidc {}", call.state), call.until)? {
        return Ok(Err(RefusedIdentity::Replayed));
    }
    let head = Head::read(store)?;
    match &call.errand {
        Errand::SignIn { organization } if *organization == head.slug => sign_in(store, context, &head, call),
        Errand::SignIn { .. } => Ok(Err(RefusedIdentity::UnknownMember)),
        Errand::Confirm { session, .. } => confirm(store, context, &head, call, *session),
        Errand::Link { member, .. } => link(store, context, call, *member),
    }
}

fn sign_in<S: Store>(store: &S, context: &mut Context<'_>, head: &Head, call: &Returned) -> Result<Came> {
    let identity = &call.identity;
    let (linked, member) = match Linked::find(store, identity)? {
        Some(linked) => match Member::find(store, linked.member)? {
            Some(member) => (linked, member),
            None => return Ok(Err(RefusedIdentity::UnknownMember)),
        },
        None => {
            let member = match by_address(store, context, head, call)? {
                Ok(member) => member,
                Err(reason) => return Ok(Err(reason)),
            };
            if member.status != Status::Active {
                return turned_away(store, context, call, &member, RefusedIdentity::Suspended);
            }
            match insert(store, context, call, &member, "email")? {
                Some(linked) => (linked, member),
                None => return turned_away(store, context, call, &member, RefusedIdentity::Taken),
            }
        }
    };
    if member.status != Status::Active {
        return turned_away(store, context, call, &member, RefusedIdentity::Suspended);
    }
    linked.used(store, context.now)?;
    // As fresh as they showed themselves there, where there is nothing better to show.
    let fresh_until = identity
        .authenticated_at
        .filter(|_| Passkey::of(store, member.id).is_ok_and(|passkeys| passkeys.is_empty()))
        .map(|at| at.min(context.now).plus_seconds(FRESH_SECONDS));
    let method = Method::Identity(linked.id, fresh_until);
    let who = acting(member.id, &call.client);
    let ((session, secret), _) = within(store, context, &who, |change| {
        let begun = ConsoleSession::begin(
            store,
            change.context,
            head,
            member.id,
            method,
            &call.client,
            call.replaces.as_ref(),
        )?;
        let details = json!({ "method": "oidc", "identity": linked.id, "issuer": linked.issuer });
        change.log(&Entry::member(Action::SessionBegin, member.id, details))?;
        Ok(begun)
    })?;
    let (_, set_cookie) = super::set_cookie(&secret, session.cookie_seconds(context.now));
    Ok(Ok(Recognised::Session { set_cookie }))
}

/// The member whose address the provider has verified, where the organisation goes by that: the one that they came with, or
/// that they gave themselves in a session. What others wrote there later says nothing of who they are.
fn by_address<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    head: &Head,
    call: &Returned,
) -> Result<core::result::Result<Member, RefusedIdentity>> {
    let identity = &call.identity;
    if !head.link_by_email {
        return Ok(Err(RefusedIdentity::UnknownMember));
    }
    let Some(email) = identity.email.as_deref() else {
        let unverified = identity.unverified_email.is_some();
        let reason = if unverified { RefusedIdentity::UnverifiedEmail } else { RefusedIdentity::UnknownMember };
        return Ok(Err(reason));
    };
    let Ok(email) = members::check_email(email) else { return Ok(Err(RefusedIdentity::UnknownMember)) };
    let sql = format!("SELECT {COLUMNS}, readdressed FROM member WHERE email = ?1 AND status <> 'removed'");
    let rows = store.execute(&sql, &[email.into()])?;
    let Some(row) = rows.first() else { return Ok(Err(RefusedIdentity::UnknownMember)) };
    let member = Member::read(row)?;
    if row.get::<bool>(6)? {
        let details = json!({ "method": "oidc", "issuer": identity.issuer, "reason": "readdressed" });
        refused(store, context, &member, &call.client, details)?;
        return Ok(Err(RefusedIdentity::UnknownMember));
    }
    Ok(Ok(member))
}

fn confirm<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    head: &Head,
    call: &Returned,
    session: TokenId,
) -> Result<Came> {
    let Some(mut console) = ConsoleSession::find(store, context.now, session)? else {
        return Ok(Err(RefusedIdentity::Ended));
    };
    let Some(member) = Member::find(store, console.member)? else { return Ok(Err(RefusedIdentity::Ended)) };
    if member.status != Status::Active {
        return turned_away(store, context, call, &member, RefusedIdentity::Suspended);
    }
    let linked = Linked::find(store, &call.identity)?.filter(|linked| linked.member == member.id);
    let Some(linked) = linked else {
        return turned_away(store, context, call, &member, RefusedIdentity::OtherIdentity);
    };
    linked.used(store, context.now)?;
    let who = acting(member.id, &call.client);
    let (secret, _) = within(store, context, &who, |change| {
        let secret = console.confirm(store, change.context, head)?;
        let details = json!({ "session": console.id, "identity": linked.id });
        change.log(&Entry::member(Action::SessionConfirm, member.id, details))?;
        Ok(secret)
    })?;
    let (_, set_cookie) = super::set_cookie(&secret, console.cookie_seconds(context.now));
    Ok(Ok(Recognised::Session { set_cookie }))
}

fn link<S: Store>(store: &S, context: &mut Context<'_>, call: &Returned, member: MemberId) -> Result<Came> {
    let member = Member::find(store, member)?.filter(|member| member.status == Status::Active);
    let Some(member) = member else { return Ok(Err(RefusedIdentity::Ended)) };
    match Linked::find(store, &call.identity)? {
        Some(linked) if linked.member == member.id => return Ok(Ok(Recognised::Linked)),
        Some(_) => return turned_away(store, context, call, &member, RefusedIdentity::Taken),
        None => {}
    }
    match insert(store, context, call, &member, "member")? {
        Some(_) => Ok(Ok(Recognised::Linked)),
        None => turned_away(store, context, call, &member, RefusedIdentity::Taken),
    }
}

/// Links the identity, which nobody has. None: the member has another one of this provider.
fn insert<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    call: &Returned,
    member: &Member,
    by: &str,
) -> Result<Option<Linked>> {
    if Linked::of(store, member.id)?.iter().any(|linked| linked.issuer == call.identity.issuer) {
        return Ok(None);
    }
    let who = acting(member.id, &call.client);
    let (linked, _) = within(store, context, &who, |change| {
        let linked = Linked::insert(store, change.context, member.id, &call.identity)?;
        let details = json!({ "identity": linked.id, "issuer": linked.issuer, "email": linked.email, "by": by });
        change.log(&Entry::member(Action::IdentityLink, member.id, details))?;
        Ok(linked)
    })?;
    Ok(Some(linked))
}

/// Refuses somebody, and writes down who was meant.
fn turned_away<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    call: &Returned,
    member: &Member,
    reason: RefusedIdentity,
) -> Result<Came> {
    let details = json!({ "method": "oidc", "issuer": call.identity.issuer, "reason": reason.as_str() });
    refused(store, context, member, &call.client, details)?;
    Ok(Err(reason))
}

fn acting(member: MemberId, client: &Client) -> Who {
    Who { member: Some(member), token: None, client: client.clone() }
}
