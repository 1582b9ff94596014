//! The leases of an organisation, and the one place through which every narrowing of it is answered.

use serde_json::Value as Json;
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::HttpResponse;

use super::Organization;
use super::failure::{Failure, Result};
use super::head::Head;
use super::http::{self, Held, Until};
use crate::leases::Lease;
use crate::machine::{CallId, Context, Effect};
use crate::store::Store;

impl<S: Store> Organization<S> {
    /// What may be said with the answer that is about to be given; every answer needs it. To be called in the turn of
    /// the answer: one whose row is not written must not leave.
    pub(super) fn grant(&mut self, context: &Context<'_>, lease: bool) -> Result<(Lease, Option<Effect>)> {
        Ok(self.leases.grant(&self.store, &mut self.ids, context.now, lease)?)
    }

    /// The terms that the profile in force sets.
    pub(super) fn terms(&mut self) -> Result<LeaseTerms> {
        let head = Head::read(&self.store)?;
        Ok(self.profiles.current(&self.store, &head)?.leases().terms())
    }

    /// From here on grants as the profile says that was just put in force. What was granted before is waited for.
    pub(super) fn follow_profile(&mut self) -> Result<()> {
        let terms = self.terms()?;
        self.leases.set_terms(terms);
        Ok(())
    }

    /// Answers a change, when it holds everywhere as far as it must: the one way in which a narrowing is answered.
    pub(super) fn reply_when_it_holds(&mut self, context: &Context<'_>, call: CallId, held: Held) -> Vec<Effect> {
        let current = match Head::read(&self.store) {
            Ok(head) => head.epoch,
            Err(failure) => return vec![refuse(call, failure)],
        };
        // Also where nothing was changed: a superseded machine may not know what its successor has changed, and fails
        // by this write.
        if held.until != Until::Nothing
            && let Err(fault) = self.leases.only_the_newest(&self.store)
        {
            return vec![Effect::Fail { id: call, fault: fault.to_string() }];
        }
        let granted = self.leases.granted_wait_millis();
        let narrowed = match held.until {
            Until::Narrowed => Some(current),
            Until::NarrowedBefore(epoch) => Some(epoch),
            // An edge that goes by what was before does not know of the end.
            Until::Ending { millis } if millis < granted => Some(current),
            Until::Ending { .. } | Until::Created | Until::Nothing => None,
        };
        let (wait, timer) = match narrowed {
            Some(epoch) => self.leases.narrowed(&mut self.ids, context.now, epoch, current),
            None => (self.leases.created(context.now), None),
        };
        let mut document = held.document;
        if held.tells
            && let Some(object) = document.as_object_mut()
        {
            // A widening is answered at once, and holds when no edge goes by what was before.
            let widened = context.now.plus_millis(i64::try_from(granted).unwrap_or(i64::MAX));
            let at = if narrowed.is_some() { wait.until } else { wait.until.max(widened) };
            let at = if held.eventual { Json::Null } else { Json::String(at.to_string()) };
            object.insert("holds_everywhere_at".into(), at);
        }
        let json = http::json(held.status, &document).and_then(|mut response| {
            // Its own take the place of the usual ones: a field is written once.
            response.headers.retain(|(name, _)| !held.headers.iter().any(|(own, _)| own == name));
            response.headers.extend(held.headers);
            Ok(crate::answer::json(&response)?)
        });
        let answer = match json {
            Err(failure) => Some(Effect::Fail { id: call, fault: failure.to_string() }),
            Ok(json) if held.until == Until::Nothing => Some(Effect::Reply { id: call, json }),
            Ok(json) => self.leases.reply(wait, call, json),
        };
        timer.into_iter().chain(answer).collect()
    }
}

/// The answer to a management call, as an effect.
pub(crate) fn reply(call: CallId, response: &HttpResponse) -> Effect {
    match crate::answer::json(response) {
        Ok(json) => Effect::Reply { id: call, json },
        Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
    }
}

/// The answer to a call that was not carried out.
pub(crate) fn refuse(call: CallId, failure: Failure) -> Effect {
    match failure.log() {
        Some(fault) => Effect::Fail { id: call, fault },
        None => reply(call, &http::problem(&failure.into_problem())),
    }
}
