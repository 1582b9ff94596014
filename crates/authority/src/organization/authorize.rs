//! What the instance has a token, or a session of the console, of this organisation do to it: decided here, where the
//! token is read, and written into this organisation's activity log before it is done.

use serde_json::Value as Json;
use symbolon::policy::Product;
use symbolon::problem::Code;
use symbolon::protocol::message::{Authorize, Authorized, HttpRequest, InstanceAct, Manage};

use super::Organization;
use super::activity::{Action, Entry};
use super::failure::{Failure, Result};
use super::head::Head;
use super::http::sessions;
use super::leases::refuse;
use super::session::Session;
use crate::answer;
use crate::machine::{CallId, Context, Effect};
use crate::store::Store;

impl<S: Store> Organization<S> {
    /// Decides whether somebody may.
    pub(super) fn authorize(&mut self, context: &mut Context<'_>, id: CallId, asked: &Authorize) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![replied(id, &Authorized::Refused { problem: Box::new(Code::UnknownToken.into()) })];
        }
        let timer = match self.grant(context, false) {
            Ok((_, timer)) => timer,
            Err(failure) => return vec![refuse(id, failure)],
        };
        let (store, profiles) = (&self.store, &mut self.profiles);
        let decided = store.transaction(|| {
            let head = Head::read(store)?;
            let profile = profiles.current(store, &head)?;
            let request = HttpRequest { client: asked.client.clone(), ..HttpRequest::default() };
            let manage = Manage { token: asked.token, signed: false, passphrase_hash: None, request };
            let mut session = Session::open(store, context, profile, head, &manage, false)?;
            decide(&mut session, asked)
        });
        let effect = match decided {
            Ok(()) => replied(id, &Authorized::Granted),
            Err(Failure::Problem(problem)) => replied(id, &Authorized::Refused { problem }),
            Err(failure) => Effect::Fail { id, fault: failure.to_string() },
        };
        timer.into_iter().chain([effect]).collect()
    }
}

fn decide<S: Store>(session: &mut Session<'_, '_, S>, asked: &Authorize) -> Result<()> {
    let (product, action) = match asked.act {
        InstanceAct::CreateOrganization => (Product::OrganizationsCreate, Action::OrganizationCreate),
        InstanceAct::ReplaceRoutes => (Product::RoutesEdit, Action::RoutesReplace),
    };
    session.actor.needs(product)?;
    sessions::fresh(session)?;
    // Nothing is done where it was done before.
    if asked.details == Json::Null {
        return Ok(());
    }
    let details = asked.details.clone();
    if matches!(asked.act, InstanceAct::ReplaceRoutes) {
        session.profile.may_route(&session.actor)?;
    }
    session.change(|change| change.log(&Entry { action, token: None, member: None, details }))?;
    Ok(())
}

fn replied(id: CallId, answer: &Authorized) -> Effect {
    match answer::json(answer) {
        Ok(json) => Effect::Reply { id, json },
        Err(fault) => Effect::Fail { id, fault: fault.to_string() },
    }
}
