//! Management calls and the founding of the organisation, with the claims that they may have to wait for.
//!
//! A call is carried out in one transaction. Where its credential must be claimed, that transaction writes down what is
//! wanted and makes what is needed; when the locators have confirmed, the whole call is carried out again, with what is
//! ready, and decided anew: the token in use may have been revoked meanwhile.

use symbolon::id::{InvitationId, MemberId, TokenId};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::contract::Operation;
use symbolon::protocol::imported::Upgrade;
use symbolon::protocol::login::LoginCall;
use symbolon::protocol::message::{
    Claimed, Client, Found, Founded, HttpRequest, HttpResponse, LocatorCall, Manage, Place,
};
use symbolon::time::Timestamp;

use super::claims::{self, Wanted};
use super::console::ConsoleSession;
use super::failure::{Failure, Result};
use super::found::{self, Prepared};
use super::head::Head;
use super::http::{self, Outcome, device, invitations, wire};
use super::leases::{refuse, reply};
use super::session::{Ready, Session, Told};
use super::{Asked, Organization, rate};
use crate::answer;
use crate::leased::Leased as _;
use crate::machine::{CallId, Context, Effect, Target};
use crate::store::Store;

/// A call that waits for its claims.
pub(crate) struct Pending {
    call: CallId,
    keys: Vec<Wanted>,
    /// Names whose answers have not come.
    open: Vec<String>,
    /// Names that others have.
    refused: Vec<String>,
    /// Whether a refused one has no owner, but no room.
    full: bool,
    unreachable: bool,
    plan: Plan,
}

/// What a call goes on with once its names are claimed.
pub(super) enum Plan {
    Job { job: Box<Job>, ready: Box<Ready> },
    Found { found: Box<Found>, prepared: Box<Prepared> },
    Upgrade(Box<Upgrade>),
}

/// A call that is carried out as the holder of a token.
pub(crate) struct Job {
    manage: Manage,
    does: Does,
}

/// What is done.
enum Does {
    /// What the request asks for.
    AsAsked,
    /// The token of a login is made, as whoever approved it.
    CollectLogin(TokenId),
    /// Somebody becomes a member, as whoever invited them.
    AcceptInvitation(InvitationId),
}

/// A call that waits for a login object.
pub(crate) struct Asking {
    call: CallId,
    job: Box<Job>,
    question: LoginCall,
    granted: Option<Box<device::Granted>>,
}

impl Asking {
    /// The answer where nothing may be said of what was asked.
    pub(crate) fn refuse(&self, failure: Failure) -> Effect {
        refuse(self.call, failure)
    }
}

impl Pending {
    /// Whether this call wants that name.
    pub(crate) fn wants(&self, key: &str) -> bool {
        self.keys.iter().any(|wanted| wanted.key == key)
    }
}

impl<S: Store> Organization<S> {
    /// Carries out a management call.
    pub(super) fn manage(&mut self, context: &mut Context<'_>, id: CallId, manage: Manage) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![reply(id, &http::problem(&Code::UnknownToken.into()))];
        }
        match self.limit(context, &manage) {
            Ok(()) => {
                let job = Box::new(Job { manage, does: Does::AsAsked });
                self.carry_out(context, id, job, None, None)
            }
            Err(failure) => vec![refuse(id, failure)],
        }
    }

    /// Holds up a token of which too many verifications failed, and counts creations, also those that are then refused. To end
    /// a token is never held up.
    fn limit(&mut self, context: &Context<'_>, manage: &Manage) -> Result<()> {
        let creates = http::route(&manage.request).is_ok_and(|(operation, _)| {
            matches!(
                operation,
                Operation::CreateToken | Operation::ImportTokens | Operation::Onboard | Operation::CreateInvitation
            )
        }) || wire::creates(&manage.request);
        let ends = manage.request.method == "DELETE"
            || wire::ends_itself(&manage.request)
            || http::route(&manage.request)
                .is_ok_and(|(operation, _)| matches!(operation, Operation::RevokeSelf | Operation::RevokeByKey));
        if ends {
            return Ok(());
        }
        let (store, profiles) = (&self.store, &mut self.profiles);
        store.transaction(|| {
            let limits = *profiles.current(store, &Head::read(store)?)?.limits();
            let member = member_of(store, context.now, manage.token)?;
            let refused = rate::subjects(rate::REFUSED, manage.token, None, &Client::default());
            rate::check(store, context.now, limits.failed, &refused)?;
            let subjects = rate::subjects("create", manage.token, member, &manage.request.client);
            // With the hash that was asked for, the same call comes a second time.
            if creates && manage.passphrase_hash.is_none() {
                rate::take(store, context.now, limits.creation, &subjects)
            } else {
                Ok(())
            }
        })
    }

    /// The client of a login has come for its token.
    pub(super) fn collect_login(&mut self, context: &mut Context<'_>, id: CallId, token: TokenId) -> Vec<Effect> {
        let found = if self.leases.is_open() { device::approved(&self.store, token) } else { Ok(None) };
        match found {
            Err(failure) => vec![refuse(id, failure)],
            // Not written yet: the login object knows of it a moment earlier.
            Ok(None) => vec![reply(id, &HttpResponse { status: 202, headers: Vec::new(), body: String::new() })],
            Ok(Some(login)) => {
                let manage = on_behalf(login.approver, None);
                self.as_job(context, id, Job { manage, does: Does::CollectLogin(token) })
            }
        }
    }

    /// Somebody accepts an invitation.
    pub(super) fn accept_invitation(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        request: HttpRequest,
    ) -> Vec<Effect> {
        let found = if self.leases.is_open() {
            self.store.transaction(|| invitations::find(&self.store, context.now, &request))
        } else {
            Err(Code::NotFound.into())
        };
        match found {
            Err(failure) => vec![refuse(id, failure)],
            Ok((invitation, inviter)) => {
                let manage = on_behalf(inviter, Some(request));
                self.as_job(context, id, Job { manage, does: Does::AcceptInvitation(invitation) })
            }
        }
    }

    fn as_job(&mut self, context: &mut Context<'_>, id: CallId, job: Job) -> Vec<Effect> {
        self.carry_out(context, id, Box::new(job), None, None)
    }

    fn carry_out(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        job: Box<Job>,
        ready: Option<Ready>,
        told: Option<Told>,
    ) -> Vec<Effect> {
        let claimed = ready.as_ref().map(|ready| ready.keys.clone());
        let (store, profiles) = (&self.store, &mut self.profiles);
        let outcome = store.transaction(|| {
            let head = Head::read(store)?;
            let profile = profiles.current(store, &head)?;
            let mut session =
                Session::open(store, context, profile, head, &job.manage, !matches!(job.does, Does::AsAsked))?;
            session.told = told;
            match job.does {
                Does::AsAsked => match wire::system(&job.manage.request.path) {
                    None => http::handle(&mut session, ready),
                    Some((adapter, rest)) => wire::handle(&mut session, adapter, &rest, ready),
                },
                Does::CollectLogin(token) => {
                    let login = device::approved(store, token)?.ok_or(Code::NotFound)?;
                    device::collect(&mut session, &login, ready)
                }
                Does::AcceptInvitation(invitation) => invitations::accept(&mut session, invitation, ready),
            }
        });
        match outcome {
            Ok(Outcome::Reply(response)) => vec![reply(id, &response)],
            Ok(Outcome::Held(held)) => match self.follow_profile() {
                Ok(()) => self.reply_when_it_holds(context, id, held),
                Err(failure) => vec![refuse(id, failure)],
            },
            Ok(Outcome::Claim(ready)) => {
                let keys = ready.keys.clone();
                self.claim(id, keys, Plan::Job { job, ready: Box::new(ready) })
            }
            Ok(Outcome::AskLogin { shard, call: question, granted }) => match answer::json(&question) {
                Err(fault) => vec![Effect::Fail { id, fault: fault.to_string() }],
                Ok(json) => {
                    let asked = self.ids.next();
                    self.asked.insert(asked, Asked::Login(Asking { call: id, job, question, granted }));
                    vec![Effect::Ask { id: asked, target: Target::Login(shard), json }]
                }
            },
            Err(Failure::WantsHash) => vec![match self.reserve_hash(context, &job.manage) {
                Ok(()) => reply(id, &HttpResponse { status: HttpResponse::WANTS_HASH, ..HttpResponse::default() }),
                Err(failure) => refuse(id, failure),
            }],
            Err(failure) => {
                if let Some(keys) = claimed {
                    // Should this fail as well, the alarm finds them.
                    drop(claims::drop_all(&self.store, context.now, &keys, &[]));
                }
                vec![refuse(id, failure)]
            }
        }
    }

    /// Counts a passphrase that is to be hashed, like a creation: a hash costs the gate more than anything else.
    fn reserve_hash(&mut self, context: &Context<'_>, manage: &Manage) -> Result<()> {
        let (store, profiles) = (&self.store, &mut self.profiles);
        store.transaction(|| {
            let limits = *profiles.current(store, &Head::read(store)?)?.limits();
            let member = member_of(store, context.now, manage.token)?;
            let subjects = rate::subjects("passphrase", manage.token, member, &manage.request.client);
            rate::take(store, context.now, limits.creation, &subjects)
        })
    }

    /// A login object has answered, or could not be reached.
    pub(super) fn login_answered(
        &mut self,
        context: &mut Context<'_>,
        asking: Asking,
        answer: Option<&str>,
    ) -> Vec<Effect> {
        let Asking { call, job, question, granted } = asking;
        let shown = answer.and_then(|json| symbolon::json::read(json).ok());
        self.carry_out(context, call, job, None, Some(Told { call: question, granted, shown }))
    }

    /// Founds the organisation.
    pub(super) fn found(&mut self, context: &mut Context<'_>, id: CallId, found: Found) -> Vec<Effect> {
        match found::prepare(&self.store, context, &found) {
            Err(failure) => vec![founded(id, Err(failure))],
            Ok(prepared) if prepared.ready.claimed => self.found_now(context, id, &found, &prepared),
            Ok(prepared) => {
                let keys = prepared.ready.keys.clone();
                self.claim(id, keys, Plan::Found { found: Box::new(found), prepared: Box::new(prepared) })
            }
        }
    }

    fn found_now(&mut self, context: &mut Context<'_>, id: CallId, found: &Found, prepared: &Prepared) -> Vec<Effect> {
        let store = &self.store;
        let document = store.transaction(|| found::carry_out(store, context, found, prepared));
        let again = self.leases.is_open();
        if document.is_ok() && !again {
            // No other machine can have answered for it: it was not there.
            return match self.open(context.now) {
                Ok(timer) => timer.into_iter().chain([founded(id, document)]).collect(),
                Err(failure) => vec![founded(id, Err(failure))],
            };
        }
        match (founded(id, document), Head::read(&self.store)) {
            // Asked for again: the former secret has ended, and the new one is to be accepted.
            (Effect::Reply { id, json }, Ok(head)) if again => {
                let (wait, timer) = self.leases.narrowed(&mut self.ids, context.now, head.epoch, head.epoch);
                timer.into_iter().chain(self.leases.reply(wait, id, json)).collect()
            }
            (answer, _) => vec![answer],
        }
    }

    pub(super) fn claim(&mut self, call: CallId, keys: Vec<Wanted>, plan: Plan) -> Vec<Effect> {
        let is_founded = !matches!(plan, Plan::Found { .. });
        let organization = match &plan {
            Plan::Found { found, .. } => Ok(found.short_id),
            Plan::Job { .. } | Plan::Upgrade(_) => Head::read(&self.store).map(|head| head.short_id),
        };
        // Of an organisation that is not there yet, the first.
        let number = |wanted: &Wanted| if is_founded { claims::number(&self.store, &wanted.key) } else { Ok(0) };
        let numbers = keys.iter().map(number).collect::<Result<Vec<u64>>>();
        let (organization, numbers) = match organization.and_then(|organization| Ok((organization, numbers?))) {
            Ok(both) => both,
            Err(failure) => return vec![refuse(call, failure)],
        };
        let number = self.next_pending;
        self.next_pending = number.saturating_add(1);
        let mut effects = Vec::new();
        for (Wanted { key, token }, claim) in keys.iter().zip(numbers) {
            let place = Place { organization, token: *token };
            let Ok(json) = answer::json(&LocatorCall::Claim { key: key.clone(), place, claim }) else { continue };
            let id = self.ids.next();
            self.asked.insert(id, Asked::Claim { pending: number, key: key.clone() });
            effects.push(Effect::Ask { id, target: Target::Locator(key.clone()), json });
        }
        let open = keys.iter().map(|wanted| wanted.key.clone()).collect();
        self.pending
            .insert(number, Pending { call, keys, open, refused: Vec::new(), full: false, unreachable: false, plan });
        effects
    }

    /// A locator has answered a claim, or could not be reached. The last one decides.
    pub(super) fn claim_answered(
        &mut self,
        context: &mut Context<'_>,
        number: u64,
        key: String,
        claimed: Option<Claimed>,
    ) -> Vec<Effect> {
        let Some(pending) = self.pending.get_mut(&number) else { return Vec::new() };
        pending.open.retain(|open| *open != key);
        match claimed {
            Some(Claimed { done: true, .. }) => {}
            Some(Claimed { done: false, full }) => {
                pending.full |= full;
                pending.refused.push(key);
            }
            None => pending.unreachable = true,
        }
        if !pending.open.is_empty() {
            return Vec::new();
        }
        let Some(pending) = self.pending.remove(&number) else { return Vec::new() };
        let failure: Option<Failure> = if pending.full {
            Some(claims::full())
        } else if !pending.refused.is_empty() {
            Some(claims::taken())
        } else if pending.unreachable {
            Some(Problem::new(Code::AuthorityUnavailable).retry_after(1).into())
        } else {
            None
        };
        match (pending.plan, failure) {
            (Plan::Job { job, ready }, None) => {
                let ready = Ready { claimed: true, ..*ready };
                self.carry_out(context, pending.call, job, Some(ready), None)
            }
            (Plan::Job { .. }, Some(failure)) => {
                drop(claims::drop_all(&self.store, context.now, &pending.keys, &pending.refused));
                vec![refuse(pending.call, failure)]
            }
            (Plan::Upgrade(upgrade), failure) => {
                let refused = failure.as_ref().map(|_| pending.refused.as_slice());
                vec![self.upgrade_claimed(context, pending.call, &upgrade, &pending.keys, refused)]
            }
            // Names of a secret that nobody has seen need not be given up.
            (Plan::Found { .. }, Some(failure)) => vec![founded(pending.call, Err(failure))],
            (Plan::Found { found, prepared }, None) => self.found_now(context, pending.call, &found, &prepared),
        }
    }
}

/// The member whose token, or whose session of the console, this is.
fn member_of<S: Store>(store: &S, now: Timestamp, token: TokenId) -> Result<Option<MemberId>> {
    Ok(match super::token::Token::find(store, now, token)? {
        Some(token) => token.owner_id(),
        None => ConsoleSession::find(store, now, token)?.map(|console| console.member),
    })
}

/// What is done for somebody without a token, as the holder of this one.
fn on_behalf(token: TokenId, request: Option<HttpRequest>) -> Manage {
    let nothing = || HttpRequest {
        method: String::new(),
        origin: String::new(),
        path: String::new(),
        query: None,
        headers: Vec::new(),
        body: String::new(),
        client: Client::default(),
    };
    Manage { token, signed: false, passphrase_hash: None, request: request.unwrap_or_else(nothing) }
}

fn founded(call: CallId, document: Result<serde_json::Value>) -> Effect {
    let founded = match document {
        Ok(document) => Founded::Made { document },
        Err(failure) => match failure.log() {
            Some(fault) => return Effect::Fail { id: call, fault },
            None => Founded::Refused { problem: Box::new(failure.into_problem()) },
        },
    };
    match answer::json(&founded) {
        Ok(json) => Effect::Reply { id: call, json },
        Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
    }
}
