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
    /// Begins to answer: no other machine can, or this one has just founded the organisation.
    pub(super) fn open(&mut self) -> Result<Option<Effect>> {
        let terms = self.terms()?;
        Ok(self.leases.open(&self.store, &mut self.ids, terms)?)
    }

    /// What may be said with the answer that is about to be given; every answer needs it. To be called in the
    /// transaction of the call: an answer whose row is not written must not leave.
    pub(super) fn grant(&mut self, context: &Context<'_>, lease: bool) -> Result<(Lease, Option<Effect>)> {
        Ok(self.leases.grant(&self.store, &mut self.ids, context.now, lease)?)
    }

    /// The terms that the profile in force sets.
    fn terms(&mut self) -> Result<LeaseTerms> {
        let head = Head::read(&self.store)?;
        let leases = *self.profiles.current(&self.store, &head)?.leases();
        Ok(LeaseTerms {
            lease_millis: leases.lease_millis.into(),
            lease_max_millis: leases.busy_millis().into(),
            margin_millis: leases.margin_millis.into(),
            stale_millis: u64::from(leases.stale_for_seconds).saturating_mul(1000),
        })
    }

    /// From here on grants as the profile says that was just put in force. What was granted before is waited for.
    pub(super) fn follow_profile(&mut self) -> Result<()> {
        let terms = self.terms()?;
        self.leases.set_terms(terms);
        Ok(())
    }

    /// Answers a change, when it holds everywhere as far as it must: the one way in which a narrowing is answered.
    pub(super) fn reply_when_it_holds(&mut self, context: &Context<'_>, call: CallId, held: Held) -> Effect {
        let (narrowing, creation) = (self.leases.narrowing_wait_millis(), self.leases.creation_wait_millis());
        // Also where nothing was changed: a superseded machine may not know what its successor has changed, and fails
        // by this write.
        if held.until != Until::Nothing
            && let Err(fault) = self.leases.only_the_newest(&self.store)
        {
            return Effect::Fail { id: call, fault: fault.to_string() };
        }
        let wait = match held.until {
            Until::Narrowed => narrowing,
            // An edge that goes by what was before does not know of the end.
            Until::Ending { millis } if millis < narrowing => narrowing,
            Until::Ending { .. } | Until::Created => creation,
            Until::Nothing => 0,
        };
        let mut document = held.document;
        if held.tells
            && let Some(object) = document.as_object_mut()
        {
            // A widening is answered at once, and holds when no edge goes by what was before.
            let millis = i64::try_from(wait.max(narrowing)).unwrap_or(i64::MAX);
            let at = context.now.plus_millis(millis);
            let at = if held.eventual { Json::Null } else { Json::String(at.to_string()) };
            object.insert("holds_everywhere_at".into(), at);
        }
        let response = match http::json(held.status, &document) {
            Ok(mut response) => {
                response.headers.extend(held.headers);
                response
            }
            Err(failure) => return Effect::Fail { id: call, fault: failure.to_string() },
        };
        match crate::answer::json(&response) {
            Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
            Ok(json) => self.leases.reply_after(&mut self.ids, call, json, wait),
        }
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
