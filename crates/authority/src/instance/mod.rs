//! The instance: its organisations by name, its setup, and the route table of the protected side.
//!
//! An organisation is made in three steps, each of which can be repeated: its row is written here with the hash of what
//! was asked, its authority is asked to found it, and the row is marked as done. Whoever lost the answer asks again with
//! the same body; the authority answers until the first token was used.
//!
//! Whoever has the permission in the organisation that was made by setup may change the instance. That organisation's
//! authority decides each time, and writes the change into its activity log before it is made here.
//!
//! An instance that nobody has set up writes nothing when it is asked for its routes.

mod body;
#[cfg(feature = "schema")]
pub(crate) mod describe;
mod founding;
mod http;
mod routes;
mod schema;

use litemap::LiteMap;
use serde_json::Value as Json;
use symbolon::id::{OrganizationId, TokenId};
use symbolon::policy::{GrantSet, Permission, Product};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Epoch;
use symbolon::protocol::contract::{self, Operation};
use symbolon::protocol::lease::LeaseTerms;
use symbolon::protocol::message::{Authorize, Authorized, HttpRequest, InstanceAct, InstanceCall, OrganizationCall};
use symbolon::time::Timestamp;

use crate::answer;
use crate::leased::{self, Leased};
use crate::leases::{Entry, Leases};
use crate::machine::{CallId, Context, Effect, EffectId, EffectIds, Event, Machine, Target, Unreachable};
use crate::store::{Store, StoreError};
use founding::Founding;
use routes::Replacement;

/// The name of the one object.
pub const OBJECT_NAME: &str = "instance";

/// The instance.
pub struct Instance<S> {
    store: S,
    ids: EffectIds,
    leases: Leases,
    /// Calls that wait for the authority of an organisation.
    waiting: LiteMap<EffectId, Waiting>,
}

/// Whom a call waits for.
enum Waiting {
    /// The authority of a new organisation, to be made.
    Founding(Founding),
    /// The founding organisation's, to decide.
    Authorizing(Act),
}

/// What is done once the founding organisation has decided that it may be.
struct Act {
    call: CallId,
    deed: Deed,
    request: HttpRequest,
}

/// What the founding organisation decides about.
#[derive(Clone, Copy)]
enum Deed {
    CreateOrganization,
    /// `seen`: which table was in force when it was looked at.
    ReplaceRoutes {
        seen: Epoch,
    },
}

impl Deed {
    /// As the founding organisation is asked.
    const fn act(self) -> InstanceAct {
        match self {
            Self::CreateOrganization => InstanceAct::CreateOrganization,
            Self::ReplaceRoutes { .. } => InstanceAct::ReplaceRoutes,
        }
    }
}

/// Who asks for something, as the gate has confirmed it for this very request.
struct Caller {
    organization: OrganizationId,
    token: TokenId,
    effective: GrantSet,
}

/// Why a call has no good answer.
enum Refusal {
    /// The peer's fault: told.
    Problem(Box<Problem>),
    /// Ours: logged.
    Fault(StoreError),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<StoreError> for Refusal {
    fn from(fault: StoreError) -> Self {
        Self::Fault(fault)
    }
}

impl<S: Store> Instance<S> {
    /// The instance over this store.
    pub fn new(store: S) -> Self {
        Self { store, ids: EffectIds::default(), leases: Leases::new(schema::TABLES.form.row), waiting: LiteMap::new() }
    }

    fn call(&mut self, context: &mut Context<'_>, id: CallId, call: InstanceCall) -> Vec<Effect> {
        // Whatever is answered: a machine beyond its horizon may not know what its successor has changed.
        let wants_lease = matches!(&call, InstanceCall::Routes(ask) if ask.lease);
        let (lease, timer) = match self.leases.grant(&self.store, &mut self.ids, context.now, wants_lease) {
            Ok(granted) => granted,
            Err(fault) => return vec![Effect::Fail { id, fault: fault.to_string() }],
        };
        let result = match call {
            InstanceCall::Routes(ask) => self.routes_answer(context, id, &ask, lease).map_err(Refusal::from),
            InstanceCall::Locate { slug } => match self.named(&slug).and_then(|answer| answer::json(&answer)) {
                Ok(json) => Ok(vec![Effect::Reply { id, json }]),
                Err(fault) => Err(fault.into()),
            },
            InstanceCall::Setup { request } => self.setup(context, id, &request),
            InstanceCall::Manage { organization, token, effective, request } => {
                self.manage(id, &Caller { organization, token, effective }, request)
            }
        };
        timer.into_iter().chain(told(id, result)).collect()
    }

    fn manage(&mut self, id: CallId, caller: &Caller, request: HttpRequest) -> Result<Vec<Effect>, Refusal> {
        let Some(found) = contract::find(&request.path) else { return Err(Problem::new(Code::NotFound).into()) };
        match found.operation(&request.method) {
            Some(Operation::CreateOrganization) => {
                self.may(caller, Product::OrganizationsCreate)?;
                let details = self.describe_creation(&request)?;
                self.authorize(caller, Act { call: id, deed: Deed::CreateOrganization, request }, details)
            }
            Some(Operation::ReadRoutes) => {
                self.may(caller, Product::RoutesView)?;
                let response = self.get_routes()?;
                Ok(vec![http::reply(id, response)])
            }
            Some(Operation::ReplaceRoutes) => {
                self.may(caller, Product::RoutesEdit)?;
                let Replacement { seen, details, demanded } = self.replacement(&request)?;
                may_open(caller, &demanded)?;
                self.authorize(caller, Act { call: id, deed: Deed::ReplaceRoutes { seen }, request }, details)
            }
            None => Ok(vec![http::reply(id, http::method_not_allowed(&found.allow()))]),
            Some(_) => Err(Problem::new(Code::NotFound).into()),
        }
    }

    /// Refuses whoever has not this permission in the founding organisation.
    fn may(&mut self, caller: &Caller, product: Product) -> Result<(), Refusal> {
        let founding = self.founding_organization()?.map(|founding| founding.id);
        if founding == Some(caller.organization) && caller.effective.permits(&product.permission(), None) {
            return Ok(());
        }
        Err(insufficient(product.as_str()).into())
    }

    /// Has the founding organisation decide about a change that was looked at and could be made, and write it down.
    fn authorize(&mut self, caller: &Caller, act: Act, details: Json) -> Result<Vec<Effect>, Refusal> {
        let Some(founding) = self.founding_organization()? else { return Err(Problem::new(Code::NotFound).into()) };
        let asked = Authorize { token: caller.token, act: act.deed.act(), details, client: act.request.client.clone() };
        let json = answer::json(&OrganizationCall::Authorize(asked))?;
        let id = self.ids.next();
        self.waiting.insert(id, Waiting::Authorizing(act));
        Ok(vec![Effect::Ask { id, target: Target::Organization(founding.short_id), json }])
    }

    /// The founding organisation has decided, or could not be reached. What may be done is looked at again: another call
    /// may have come in between.
    fn authorized(
        &mut self,
        context: &mut Context<'_>,
        act: Act,
        answer: Result<String, Unreachable>,
    ) -> Result<Vec<Effect>, Refusal> {
        let Ok(answer) = answer else {
            return Err(Problem::new(Code::AuthorityUnavailable).retry_after(1).into());
        };
        let Act { call, deed, request } = act;
        match answer::read(&answer)? {
            Authorized::Refused { problem } => Err(Refusal::Problem(problem)),
            Authorized::Granted => match deed {
                Deed::CreateOrganization => self.create(context, call, &request),
                Deed::ReplaceRoutes { seen } => self.put_routes(context, call, &request, seen),
            },
        }
    }

    fn answered(
        &mut self,
        context: &mut Context<'_>,
        id: EffectId,
        answer: Result<String, Unreachable>,
    ) -> Vec<Effect> {
        let (call, result) = match self.waiting.remove(&id) {
            None => return Vec::new(),
            Some(Waiting::Founding(founding)) => {
                let response = self.founded(&founding, answer);
                (founding.call, response.map(|response| vec![http::reply(founding.call, response)]))
            }
            Some(Waiting::Authorizing(act)) => {
                // Time has passed since it was asked.
                let timer = match self.leases.grant(&self.store, &mut self.ids, context.now, false) {
                    Ok((_, timer)) => timer,
                    Err(fault) => return vec![Effect::Fail { id: act.call, fault: fault.to_string() }],
                };
                let call = act.call;
                let effects = self.authorized(context, act, answer);
                return timer.into_iter().chain(told(call, effects)).collect();
            }
        };
        told(call, result)
    }
}

/// Refuses whoever has not what routes demand: any of it could be opened to anybody. What another organisation's profile
/// declares nobody here can have one by one; of that, whoever may do all that the product has is trusted.
fn may_open(caller: &Caller, demanded: &[Permission]) -> Result<(), Problem> {
    let permits = |permission: &Permission| caller.effective.permits(permission, None);
    match demanded.iter().find(|permission| !permits(permission)) {
        Some(missing) if !Product::ALL.iter().all(|own| permits(&own.permission())) => {
            Err(insufficient(missing.as_str()))
        }
        _ => Ok(()),
    }
}

fn insufficient(required: &str) -> Problem {
    Problem { required: Some(required.to_owned()), ..Problem::new(Code::InsufficientPermission) }
}

/// The effects of a call, or the one that tells why there are none.
fn told(call: CallId, result: Result<Vec<Effect>, Refusal>) -> Vec<Effect> {
    match result {
        Ok(effects) => effects,
        Err(Refusal::Problem(problem)) => vec![http::reply(call, http::problem(&problem))],
        Err(Refusal::Fault(fault)) => vec![Effect::Fail { id: call, fault: fault.to_string() }],
    }
}

impl<S: Store> Leased for Instance<S> {
    type Fault = StoreError;

    fn enter(&mut self, event: Event) -> Result<Entry, (Event, StoreError)> {
        let store = &self.store;
        self.leases.enter(store, &mut self.ids, event, || schema::TABLES.exist(store))
    }

    /// The table is leased on the usual terms.
    fn open(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        schema::TABLES.form.migrate(&self.store)?;
        self.leases.open(&self.store, &mut self.ids, now, LeaseTerms::default())
    }

    fn not_opened(&mut self) {
        self.leases.not_opened();
    }

    fn handle(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        match event {
            Event::Call { id, json } => match answer::read(&json) {
                Ok(call) => self.call(context, id, call),
                Err(fault) => vec![Effect::Fail { id, fault: fault.to_string() }],
            },
            Event::Answered { id, answer } => self.answered(context, id, answer),
            Event::Timer { id } => self.leases.timer(&self.store, &mut self.ids, id),
            Event::KvPut { .. } | Event::Alarm | Event::Synced { .. } => Vec::new(),
        }
    }
}

impl<S: Store> Machine for Instance<S> {
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        leased::on(self, context, event)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
