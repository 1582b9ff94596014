//! What edges ask: records, leases and changes; and tries of passphrases.

use symbolon::id::TokenId;
use symbolon::policy::Limits;
use symbolon::protocol::message::{Answer, Ask, Attempted, Changes, Client, Done, Lookup};
use symbolon::protocol::{Epoch, Record};

use super::console::ConsoleSession;
use super::failure::Result;
use super::head::Head;
use super::{Organization, change, passphrase, token, uses};
use crate::answer;
use crate::leases::Lease;
use crate::machine::{CallId, Context, Effect};
use crate::store::Store;

impl<S: Store> Organization<S> {
    /// Finds and confirms a record, tells what changed, counts uses.
    pub(super) fn ask(&mut self, context: &mut Context<'_>, id: CallId, ask: &Ask, lease: Lease) -> Vec<Effect> {
        if !self.leases.is_open() {
            let nothing = Answer {
                epoch: Epoch::ZERO,
                record: None,
                changes: Changes::StartOver,
                lease_millis: 0,
                stale_millis: 0,
                counted: None,
                failed: None,
                limited: Vec::new(),
            };
            return vec![replied(id, &nothing)];
        }
        let mut effects = Vec::new();
        if let Err(failure) = self.look_for_lost(context, ask, &mut effects) {
            effects.push(Effect::Fail { id, fault: failure.to_string() });
            return effects;
        }
        let (store, profiles, strangers) = (&self.store, &mut self.profiles, &mut self.strangers);
        let answer = store.transaction(|| -> Result<Answer> {
            let failed = profiles.current(store, &Head::read(store)?)?.limits().failed;
            let mut limited = Vec::new();
            let counted = match &ask.uses {
                None => None,
                Some(batch) => uses::count(store, context, batch, failed, strangers, &mut limited)?,
            };
            let head = Head::read(store)?;
            let record = match &ask.lookup {
                None => None,
                Some(lookup) => {
                    let profile = profiles.current(store, &head)?;
                    find(store, context, &head, &profile, lookup)?
                }
            };
            if let (None, Some(_), Some(network)) = (&record, &ask.lookup, ask.shown_by) {
                limited.extend(strangers.count(context.now, failed, network, 1));
            }
            // Said only where it is another than edges know anyhow.
            let failed = (failed != Limits::default().failed).then_some(failed);
            let changes = match ask.since {
                None => Changes::StartOver,
                Some(since) => change::since(store, &head, since)?
                    .map_or(Changes::StartOver, |tokens| Changes::Since { since, tokens }),
            };
            let Lease { lease_millis, stale_millis } = lease;
            let record = record.map(Box::new);
            Ok(Answer { epoch: head.epoch, record, changes, lease_millis, stale_millis, counted, failed, limited })
        });
        effects.push(match answer {
            Ok(answer) => replied(id, &answer),
            Err(failure) => Effect::Fail { id, fault: failure.to_string() },
        });
        effects
    }

    /// If the edge holds an epoch of a history that was lost, a new one begins here, and whatever was said in the lost one
    /// is waited for. In a transaction before the question's own, since that may fail: once is enough. The timer is among
    /// the effects whatever becomes of it.
    fn look_for_lost(&mut self, context: &mut Context<'_>, ask: &Ask, effects: &mut Vec<Effect>) -> Result<()> {
        let Some(held) = ask.since else { return Ok(()) };
        if change::knows(&self.store, &Head::read(&self.store)?, held)? {
            return Ok(());
        }
        let (store, leases, ids) = (&self.store, &mut self.leases, &mut self.ids);
        store.transaction(|| {
            change::put_back(store, context, held)?;
            effects.extend(leases.put_back(store, ids, context.now)?);
            Ok(())
        })
    }

    /// Reserves a try of a passphrase.
    pub(super) fn attempt(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        token: TokenId,
        client: &Client,
    ) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![replied(id, &Attempted::Unknown)];
        }
        let (store, profiles) = (&self.store, &mut self.profiles);
        let attempted = store.transaction(|| -> Result<Attempted> {
            let profile = profiles.current(store, &Head::read(store)?)?;
            passphrase::attempt(store, context, &profile, token, client)
        });
        vec![match attempted {
            Ok(attempted) => replied(id, &attempted),
            Err(failure) => Effect::Fail { id, fault: failure.to_string() },
        }]
    }

    /// Says how a try of a passphrase ended.
    pub(super) fn settle(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        token: TokenId,
        right: bool,
        client: &Client,
    ) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![replied(id, &Done { epoch: Epoch::ZERO })];
        }
        let (store, profiles) = (&self.store, &mut self.profiles);
        let done = store.transaction(|| -> Result<Done> {
            let profile = profiles.current(store, &Head::read(store)?)?;
            passphrase::settle(store, context, &profile, token, right, client)?;
            Ok(Done { epoch: Head::read(store)?.epoch })
        });
        vec![match done {
            Ok(done) => replied(id, &done),
            Err(failure) => Effect::Fail { id, fault: failure.to_string() },
        }]
    }
}

fn find<S: Store>(
    store: &S,
    context: &Context<'_>,
    head: &Head,
    profile: &symbolon::policy::Profile,
    lookup: &Lookup,
) -> Result<Option<Record>> {
    if let Lookup::Session(digest) = lookup {
        return match ConsoleSession::by_digest(store, context.now, digest)? {
            Some(session) => session.record(store, head, profile),
            None => Ok(None),
        };
    }
    let id = match (lookup, lookup.locator_key()) {
        (Lookup::Token(id), _) => Some(*id),
        (_, Some(key)) => token::by_key(store, &key)?,
        (_, None) => None,
    };
    let Some(id) = id else { return Ok(None) };
    let found = token::Token::find(store, context.now, id)?;
    found.map(|token| token.record(store, head, profile)).transpose()
}

fn replied(id: CallId, answer: &impl serde::Serialize) -> Effect {
    match answer::json(answer) {
        Ok(json) => Effect::Reply { id, json },
        Err(fault) => Effect::Fail { id, fault: fault.to_string() },
    }
}
