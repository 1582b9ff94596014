//! The authority of an organisation: its members, tokens and activity log, and the only place where they change.
//!
//! Every change, its entry in the activity log and what the directory must be told of it are one transaction
//! (`change`). Edges ask what they may believe and for how long (`leases`); the directory is written from an outbox
//! (`outbox`); credentials that do not name their organisation are claimed at the locator first (`claims`). An
//! object that nobody founded writes nothing, and knows of nothing.

mod activity;
mod ask;
mod authorize;
mod change;
mod claims;
mod console;
mod failure;
mod found;
mod head;
mod http;
mod idempotency;
mod imported;
mod leases;
mod manage;
mod member;
mod outbox;
mod passphrase;
mod rate;
mod refusals;
mod schema;
mod session;
mod token;
mod uses;

#[cfg(feature = "schema")]
pub(crate) use http::schema::{describe, founded};

use std::rc::Rc;

use litemap::LiteMap;
use symbolon::policy::Profile;
use symbolon::protocol::message::{Claimed, OrganizationCall};
use symbolon::protocol::{Epoch, directory};
use symbolon::time::Timestamp;
use symbolon::token::InstanceSecret;

use crate::answer;
use crate::leased::{self, Leased};
use crate::leases::{Entry, Leases};
use crate::machine::{CallId, Context, Effect, EffectId, EffectIds, Event, Machine, Target};
use crate::store::{Store, StoreError};
use crate::strangers::Strangers;
use failure::{Failure, Result};
use head::Head;
use manage::Pending;
use outbox::Outbox;

/// The authority of an organisation.
pub struct Organization<S> {
    store: S,
    ids: EffectIds,
    profiles: Profiles,
    leases: Leases,
    outbox: Outbox,
    /// Calls that wait for claims, by a number of their own.
    pending: LiteMap<u64, Pending>,
    next_pending: u64,
    asked: LiteMap<EffectId, Asked>,
    strangers: Strangers,
    alarm: Option<Timestamp>,
    /// The last reading of the clock by which errands were done.
    seen: Option<Timestamp>,
}

/// What a question to a locator was about.
enum Asked {
    /// A claim, for a call that waits.
    Claim { pending: u64, key: String },
    /// What a member decides about a login, or wants to know of it.
    Login(manage::Asking),
    /// That a name is given up.
    Release { key: String, number: u64 },
}

/// The profile, parsed once for each time that it is replaced.
#[derive(Default)]
struct Profiles(Option<(Epoch, Rc<Profile>)>);

impl Profiles {
    /// The profile that is in force.
    fn current<S: Store>(&mut self, store: &S, head: &Head) -> Result<Rc<Profile>> {
        match &self.0 {
            Some((epoch, profile)) if *epoch == head.profile_epoch => Ok(Rc::clone(profile)),
            _ => {
                let profile = Rc::new(http::profile::stored(store)?);
                self.0 = Some((head.profile_epoch, Rc::clone(&profile)));
                Ok(profile)
            }
        }
    }
}

impl<S: Store> Organization<S> {
    /// The authority over this store.
    pub fn new(store: S) -> Self {
        Self {
            store,
            ids: EffectIds::default(),
            profiles: Profiles::default(),
            leases: Leases::new("organization"),
            outbox: Outbox::default(),
            pending: LiteMap::new(),
            next_pending: 0,
            asked: LiteMap::new(),
            strangers: Strangers::default(),
            alarm: None,
            seen: None,
        }
    }

    fn call(&mut self, context: &mut Context<'_>, id: CallId, json: &str) -> Vec<Effect> {
        let call = answer::read(json);
        // Whatever is answered, and even where it is only that there is no such thing: a machine beyond its horizon may
        // not know what its successor has changed.
        let wants_lease = matches!(&call, Ok(OrganizationCall::Ask(ask)) if ask.lease);
        let (lease, timer) = match self.grant(context, wants_lease) {
            Ok(granted) => granted,
            Err(failure) => return vec![leases::refuse(id, failure)],
        };
        let effects = match call {
            Err(fault) => vec![Effect::Fail { id, fault: fault.to_string() }],
            Ok(OrganizationCall::Ask(ask)) => self.ask(context, id, &ask, lease),
            Ok(OrganizationCall::Attempt { token, client }) => self.attempt(context, id, token, &client),
            Ok(OrganizationCall::Settle { token, right, client }) => self.settle(context, id, token, right, &client),
            Ok(OrganizationCall::Try(asked)) => self.try_secret(context, id, &asked),
            Ok(OrganizationCall::Upgrade(upgrade)) => self.upgrade(context, id, upgrade),
            Ok(OrganizationCall::Manage(manage)) => self.manage(context, id, manage),
            Ok(OrganizationCall::Authorize(asked)) => self.authorize(context, id, &asked),
            Ok(OrganizationCall::CollectLogin { token }) => self.collect_login(context, id, token),
            Ok(OrganizationCall::AcceptInvitation { request }) => self.accept_invitation(context, id, request),
            Ok(OrganizationCall::SignIn(call)) => self.sign_in(context, id, &call),
            Ok(OrganizationCall::Returned(call)) => self.returned(context, id, &call),
            Ok(OrganizationCall::Found(found)) => self.found(context, id, *found),
        };
        timer.into_iter().chain(effects).collect()
    }

    fn answered(&mut self, context: &mut Context<'_>, id: EffectId, answer: Option<&str>) -> Vec<Effect> {
        // Now, and not when the call came: it may be answered with what is read now. Where nothing may be said, the other
        // side counts as unreachable, for that says nothing.
        let granted = self.grant(context, false);
        let answer = answer.filter(|_| granted.is_ok());
        let claimed: Option<Claimed> = answer.and_then(|json| symbolon::json::read(json).ok());
        let effects = match self.asked.remove(&id) {
            None => Vec::new(),
            Some(Asked::Login(asking)) => match &granted {
                Ok(_) => self.login_answered(context, asking, answer),
                Err(failure) => vec![asking.refuse(failure.clone())],
            },
            Some(Asked::Claim { pending, key }) => self.claim_answered(context, pending, key, claimed),
            Some(Asked::Release { key, number }) => {
                // Unreachable: it is due again later.
                if claimed.is_some_and(|claimed| claimed.done) {
                    drop(claims::released(&self.store, &key, number));
                }
                Vec::new()
            }
        };
        let timer = granted.ok().and_then(|(_, timer)| timer);
        timer.into_iter().chain(effects).collect()
    }

    /// Gives up names that are not wanted any more.
    fn release(&mut self, now: Timestamp) -> Vec<Effect> {
        let pending = &self.pending;
        let has_maker = |key: &str| pending.values().any(|pending| pending.wants(key));
        let Ok((head, due)) = self.store.transaction(|| -> Result<_> {
            Ok((Head::read(&self.store)?, claims::to_release(&self.store, now, has_maker)?))
        }) else {
            return Vec::new();
        };
        due.iter()
            .filter_map(|unwanted| {
                let json = answer::json(&claims::release(&head, unwanted)).ok()?;
                let id = self.ids.next();
                let key = unwanted.name.key.clone();
                self.asked.insert(id, Asked::Release { key: key.clone(), number: unwanted.number });
                Some(Effect::Ask { id, target: Target::Locator(key), json })
            })
            .collect()
    }

    /// Errands are due by the clock, and none by a reading that it has not reached anew after a step back. A former machine
    /// may have read a later one, so the first time counts as a step back.
    fn follow_clock(&mut self, now: Timestamp) -> Result<()> {
        if self.seen.is_none_or(|seen| now < seen) {
            self.outbox.clock_went_back(&self.store, now)?;
            claims::clock_went_back(&self.store, now)?;
        }
        self.seen = Some(now);
        Ok(())
    }

    /// What is to be done after every event: puts that are due, and the alarm for what is due later.
    fn errands(&mut self, context: &Context<'_>) -> Vec<Effect> {
        if !self.leases.is_open() {
            return Vec::new();
        }
        let now = context.now;
        let followed = self.follow_clock(now);
        let (store, profiles, leases) = (&self.store, &mut self.profiles, &self.leases);
        let record = |key: &str, id| {
            let head = Head::read(store)?;
            let profile = profiles.current(store, &head)?;
            let Some(token) = token::Token::find(store, now, id)? else { return Ok(None) };
            let record = token.record(store, &head, &profile)?;
            let secret = InstanceSecret::new(&context.config.instance_secret)
                .map_err(|_| Failure::Broken("the instance's secret is none"))?;
            let row = directory::write(&secret, key, &record);
            row.map(Some).map_err(|_| Failure::Broken("a row of the directory cannot be written"))
        };
        let write = || Ok(leases.only_the_newest(store)?);
        let started = followed.and_then(|()| self.outbox.start(store, now, record, write));
        // What could not be started now is due still, and looked at again soon: this may be the last event for long.
        let soon = now.plus_millis(outbox::PAUSE_MILLIS);
        let (mut effects, again) = started.map_or_else(|_| (Vec::new(), Some(soon)), |effects| (effects, None));
        let due = [self.outbox.due(store, now), claims::due(store), refusals::due(store)];
        let due = due.into_iter().filter_map(|due| due.unwrap_or(Some(soon)));
        if let Some(at) = due.chain(again).min()
            && self.alarm.is_none_or(|set| at < set)
        {
            self.alarm = Some(at);
            effects.push(Effect::SetAlarm { at });
        }
        effects
    }
}

impl<S: Store> Leased for Organization<S> {
    type Fault = Failure;

    fn enter(&mut self, event: Event) -> std::result::Result<Entry, (Event, StoreError)> {
        let store = &self.store;
        self.leases.enter(store, &mut self.ids, event, || schema::exists(store))
    }

    /// The terms are those of the profile in force.
    fn open(&mut self, now: Timestamp) -> Result<Option<Effect>> {
        schema::FORM.migrate(&self.store)?;
        let terms = self.terms()?;
        Ok(self.leases.open(&self.store, &mut self.ids, now, terms)?)
    }

    fn not_opened(&mut self) {
        self.leases.not_opened();
    }

    fn handle(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        let mut effects = match event {
            Event::Call { id, json } => self.call(context, id, &json),
            Event::Answered { id, answer } => self.answered(context, id, answer.ok().as_deref()),
            Event::KvPut { key, version, ok } => {
                // A row that cannot be written stays due, and is put again.
                drop(self.outbox.ended(&self.store, context.now, &key, version, ok));
                Vec::new()
            }
            Event::Timer { id } => self.leases.timer(&self.store, &mut self.ids, id),
            Event::Alarm => {
                self.alarm = None;
                // What cannot be written now stays due.
                drop(self.store.transaction(|| refusals::end_windows(&self.store, context)));
                self.release(context.now)
            }
            Event::Synced { .. } => Vec::new(),
        };
        effects.extend(self.errands(context));
        effects
    }

    /// An alarm that came is gone, and with it what the outbox still has to do.
    fn lost(&self, now: Timestamp, event: &Event) -> Option<Effect> {
        matches!(event, Event::Alarm).then(|| Effect::SetAlarm { at: now.plus_millis(outbox::PAUSE_MILLIS) })
    }
}

impl<S: Store> Machine for Organization<S> {
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        leased::on(self, context, event)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions)]
mod tests;
