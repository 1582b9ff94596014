//! A management call while it is carried out: who acts, as of the very transaction in which it is decided.

use std::rc::Rc;

use symbolon::id::{MemberId, TokenId};
use symbolon::policy::{Actor, GrantSet, Name, Product, Profile, Subject};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::contract::Operation;
use symbolon::protocol::login::{LoginCall, Shown};
use symbolon::protocol::message::{HttpRequest, Manage};
use symbolon::protocol::{Epoch, RecordState};
use symbolon::token::{InstanceSecret, Secret};

use super::activity::Who;
use super::change::{Change, within};
use super::claims::Wanted;
use super::console::ConsoleSession;
use super::failure::{Failure, Result};
use super::head::Head;
use super::http;
use super::http::device::Granted;
use super::member::{Member, Status};
use super::token::Token;
use crate::machine::Context;
use crate::store::{Store, Value};

/// A management call while it is carried out.
pub(crate) struct Session<'t, 'c, S> {
    /// The store, inside the call's transaction.
    pub(crate) store: &'t S,
    /// Time, randomness and settings.
    pub(crate) context: &'t mut Context<'c>,
    pub(crate) head: Head,
    pub(crate) profile: Rc<Profile>,
    pub(crate) request: &'t HttpRequest,
    /// Whether possession was proved by a signature.
    pub(crate) signed: bool,
    /// The Argon2id hash of the passphrase in the body, made by the gate.
    pub(crate) passphrase_hash: Option<&'t str>,
    /// The token in use; none for a session of the console, or where somebody is acted for.
    pub(crate) token: Option<Token>,
    /// The session of the console in use.
    pub(crate) console: Option<ConsoleSession>,
    /// The member who acts, or whose token does.
    pub(crate) owner: Option<Member>,
    /// Who acts, for decisions.
    pub(crate) actor: Actor,
    /// Who acts, for the activity log.
    pub(crate) who: Who,
    /// What the login object has answered, once it was asked.
    pub(crate) told: Option<Told>,
    /// Whether a public key may be registered without a proof: in the form of a system that has no place for one.
    pub(crate) possession_shown: bool,
}

/// What a login object was asked, and what it said; none: it could not be reached.
pub(crate) struct Told {
    pub(crate) call: LoginCall,
    /// What was decided before it was asked.
    pub(crate) granted: Option<Box<Granted>>,
    pub(crate) shown: Option<Shown>,
}

/// What a first pass has made, and a second, after the claims, goes on with.
pub(crate) struct Ready {
    /// The new tokens, or the one that gets a new secret.
    pub(crate) tokens: Vec<TokenId>,
    /// The secret that was generated.
    pub(crate) secret: Option<Secret>,
    /// The names that had to be claimed.
    pub(crate) keys: Vec<Wanted>,
    /// Whether they have been.
    pub(crate) claimed: bool,
}

impl<'t, 'c, S: Store> Session<'t, 'c, S> {
    /// Reads the credential, its owner and role again, and judges whether it still stands.
    ///
    /// `on_behalf`: nobody has presented it just now. It names whoever has approved or invited, as
    /// [`Session::acting`] wrote it down, which may be a member.
    ///
    /// # Errors
    /// The credential's own fault, as at a verification.
    pub(crate) fn open(
        store: &'t S,
        context: &'t mut Context<'c>,
        profile: Rc<Profile>,
        head: Head,
        manage: &'t Manage,
        on_behalf: bool,
    ) -> Result<Self> {
        let now = context.now;
        let Some(token) = Token::find(store, now, manage.token)? else {
            return Self::of_member(store, context, profile, head, manage, on_behalf);
        };
        // Whoever holds a token may end it, however it stands.
        let ends_itself = match http::route(&manage.request) {
            Ok((Operation::RevokeByKey, _)) => manage.signed,
            Ok((Operation::RevokeSelf, _)) => true,
            _ => manage.signed && http::wire::ends_itself(&manage.request),
        };
        if !ends_itself {
            standing(&token, now)?;
        }
        let kind = token.kind_or_gone(&profile)?;
        let role: Option<Name> = match &token.owner {
            Some(owner) => owner.role.parse().ok(),
            None => token.chosen.role.clone(),
        };
        let actor = Actor {
            member: token.owner_id(),
            token: Some(token.id),
            role,
            granted: profile.granted(&token.chosen),
            effective: kind.map(|kind| profile.effective(kind, &token.chosen, token.owner_role())).unwrap_or_default(),
        };
        let who = Who { member: token.owner_id(), token: Some(token.id), client: manage.request.client.clone() };
        if token.id == head.first_token && !head.founding.is_empty() {
            // The first token was used: the call that founded the organisation gets no other secret any more.
            store.execute("UPDATE organization SET founding = ''", &[])?;
        }
        Ok(Self {
            store,
            context,
            head,
            profile,
            request: &manage.request,
            signed: manage.signed,
            passphrase_hash: manage.passphrase_hash.as_deref(),
            owner: token.owner.clone(),
            token: Some(token),
            console: None,
            actor,
            who,
            told: None,
            possession_shown: false,
        })
    }

    /// A member who acts without a token: in the console, or through what they have approved. All that their role
    /// permits as it is now is granted.
    fn of_member(
        store: &'t S,
        context: &'t mut Context<'c>,
        profile: Rc<Profile>,
        head: Head,
        manage: &'t Manage,
        on_behalf: bool,
    ) -> Result<Self> {
        let (console, owner) = if on_behalf {
            (None, Member::find(store, MemberId::from_bytes(manage.token.to_bytes()))?)
        } else {
            let console = ConsoleSession::find(store, context.now, manage.token)?.ok_or(Code::UnknownToken)?;
            console.used(store, context.now, &manage.request.client)?;
            let owner = Member::find(store, console.member)?;
            (Some(console), owner)
        };
        let owner = owner.ok_or(Code::UnknownToken)?;
        if owner.status != Status::Active {
            return Err(Code::OwnerSuspended.into());
        }
        let actor = Actor {
            member: Some(owner.id),
            token: None,
            role: owner.role.parse().ok(),
            granted: GrantSet::all(),
            effective: profile.role(&owner.role).map(|role| role.grants()).unwrap_or_default(),
        };
        let who = Who { member: Some(owner.id), token: None, client: manage.request.client.clone() };
        Ok(Self {
            store,
            context,
            head,
            profile,
            request: &manage.request,
            signed: false,
            passphrase_hash: manage.passphrase_hash.as_deref(),
            token: None,
            console,
            owner: Some(owner),
            actor,
            who,
            told: None,
            possession_shown: false,
        })
    }

    /// The same for another request: that of an adapter, in the contract's form.
    pub(crate) fn with_request<'i>(&'i mut self, request: &'i HttpRequest) -> Session<'i, 'c, S> {
        Session {
            store: self.store,
            context: &mut *self.context,
            head: self.head.clone(),
            profile: Rc::clone(&self.profile),
            request,
            signed: self.signed,
            passphrase_hash: None,
            token: self.token.clone(),
            console: self.console.clone(),
            owner: self.owner.clone(),
            actor: self.actor.clone(),
            who: self.who.clone(),
            told: None,
            possession_shown: self.possession_shown,
        }
    }

    /// Makes a change within the call's transaction, as the one who acts.
    pub(crate) fn change<T>(&mut self, body: impl FnOnce(&mut Change<'_, '_, S>) -> Result<T>) -> Result<(T, Epoch)> {
        within(self.store, self.context, &self.who, body)
    }

    /// The token of this id, if the one who acts may see it.
    ///
    /// # Errors
    /// `not_found`: there is none, or none for this actor to know of.
    pub(crate) fn visible_token(&self, id: &str) -> Result<Token> {
        let id: TokenId = id.parse().map_err(|_| Code::NotFound)?;
        let token = Token::find(self.store, self.context.now, id)?.ok_or(Code::NotFound)?;
        let sees = match token.kind_or_gone(&self.profile)? {
            Some(kind) => kind.may_see(&self.actor, token.owner_id()),
            None => self.actor.owns(token.owner_id()) || self.sees_what_has_no_kind(),
        };
        if sees { Ok(token) } else { Err(Code::NotFound.into()) }
    }

    /// Whether whoever acts sees all revoked tokens whose kind the profile has no more: who may put the kind back does.
    pub(crate) fn sees_what_has_no_kind(&self) -> bool {
        self.actor.needs(Product::TokensView).is_ok() && self.actor.needs(Product::ProfileEdit).is_ok()
    }

    /// The instance's secret, as the token module wants it.
    pub(crate) fn instance_secret(&self) -> Result<InstanceSecret> {
        InstanceSecret::new(&self.context.config.instance_secret)
            .map_err(|_| Failure::Broken("the instance secret is too short or too long"))
    }

    /// Who owns a token that the one who acts makes.
    pub(crate) const fn member(&self) -> Option<MemberId> {
        self.actor.member
    }

    /// The current role of the member who acts, or whose token does.
    pub(crate) fn owner_role(&self) -> Option<&str> {
        self.owner.as_ref().map(|owner| owner.role.as_str())
    }

    /// Who acts, by a name that still leads to them when a session of the console has ended: the token in use, or the
    /// member.
    pub(crate) fn acting(&self) -> TokenId {
        match (self.actor.token, self.actor.member) {
            (Some(token), _) => token,
            (None, Some(member)) => TokenId::from_bytes(member.to_bytes()),
            // There is always one of them.
            (None, None) => TokenId::from_bytes([0; 16]),
        }
    }

    /// Who acts, as the name of what belongs to them alone: challenges and idempotency keys.
    pub(crate) fn principal(&self) -> Value {
        Value::text(&self.acting())
    }
}

/// What a decision about a token needs to know of it.
pub(crate) fn subject<'a>(token: &'a Token, profile: &'a Profile) -> Result<Subject<'a>> {
    Ok(Subject { kind: token.kind(profile)?, owner: token.owner_id(), owner_role: token.owner_role() })
}

fn standing(token: &Token, now: symbolon::time::Timestamp) -> core::result::Result<(), Problem> {
    match token.record_state() {
        RecordState::Revoked => return Err(Code::Revoked.into()),
        RecordState::OwnerSuspended => return Err(Code::OwnerSuspended.into()),
        RecordState::Inactive => return Err(Code::Inactive.into()),
        RecordState::Active => {}
    }
    if token.expires_at.is_some_and(|end| now >= end) || token.not_before.is_some_and(|start| now < start) {
        return Err(Code::Expired.into());
    }
    if token.locked_until.is_some_and(|end| now < end) {
        return Err(Code::Locked.into());
    }
    Ok(())
}
