//! The instance: its organisations by name, its setup, and the route table of the protected side.
//!
//! An organisation is made in three steps, each of which can be repeated: its row is written here with the hash of what
//! was asked, its authority is asked to found it, and the row is marked as done. Whoever lost the answer asks again with
//! the same body; the authority answers until the first token was used.
//!
//! An instance that nobody has set up writes nothing when it is asked for its routes.

mod body;
mod founding;
mod http;
mod routes;
mod schema;

use std::collections::BTreeMap;

use symbolon::policy::Product;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{HttpRequest, InstanceCall};

use crate::answer;
use crate::leases::{Entry, Leases};
use crate::machine::{CallId, Context, Effect, EffectId, EffectIds, Event, Machine};
use crate::store::{Store, StoreError};
use founding::Waiting;

/// The name of the one object.
pub const OBJECT_NAME: &str = "instance";

/// The instance.
pub struct Instance<S> {
    store: S,
    ids: EffectIds,
    leases: Leases,
    /// Calls that wait for the authority of a new organisation.
    waiting: BTreeMap<EffectId, Waiting>,
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
        Self { store, ids: EffectIds::default(), leases: Leases::new(schema::LEASE_TABLE), waiting: BTreeMap::new() }
    }

    fn call(&mut self, context: &mut Context<'_>, id: CallId, call: InstanceCall) -> Vec<Effect> {
        // Whatever is answered: a machine beyond its horizon may not know what its successor has changed.
        let wants_lease = matches!(&call, InstanceCall::Routes(ask) if ask.lease);
        let (lease, timer) = match self.leases.grant(&self.store, &mut self.ids, context.now, wants_lease) {
            Ok(granted) => granted,
            Err(fault) => return vec![Effect::Fail { id, fault: fault.to_string() }],
        };
        let result = match call {
            InstanceCall::Routes(ask) => self.routes_answer(id, &ask, lease).map_err(Refusal::from),
            InstanceCall::Locate { slug } => match self.named(&slug).and_then(|answer| answer::json(&answer)) {
                Ok(json) => Ok(vec![Effect::Reply { id, json }]),
                Err(fault) => Err(fault.into()),
            },
            InstanceCall::Setup { request } => self.setup(context, id, &request),
            InstanceCall::Manage { organization, token: _, effective, request } => {
                self.founding_organization().map_err(Refusal::from).and_then(|founding| {
                    let may = |product: Product| {
                        let permitted =
                            founding == Some(organization) && effective.permits(&product.permission(), None);
                        if permitted {
                            Ok(())
                        } else {
                            let problem = Problem::new(Code::InsufficientPermission);
                            Err(Problem { required: Some(product.as_str().to_owned()), ..problem }.into())
                        }
                    };
                    self.manage(context, id, &request, &may)
                })
            }
        };
        let effects = match result {
            Ok(effects) => effects,
            Err(Refusal::Problem(problem)) => vec![http::reply(id, http::problem(&problem))],
            Err(Refusal::Fault(fault)) => vec![Effect::Fail { id, fault: fault.to_string() }],
        };
        timer.into_iter().chain(effects).collect()
    }

    fn manage(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        request: &HttpRequest,
        may: &dyn Fn(Product) -> Result<(), Refusal>,
    ) -> Result<Vec<Effect>, Refusal> {
        match (request.path.as_str(), request.method.as_str()) {
            ("/v1/organizations", "POST") => {
                may(Product::OrganizationsCreate)?;
                self.create(context, id, request)
            }
            ("/v1/routes", "GET") => {
                may(Product::RoutesView)?;
                let response = self.get_routes()?;
                Ok(vec![http::reply(id, response)])
            }
            ("/v1/routes", "PUT") => {
                may(Product::RoutesEdit)?;
                self.put_routes(context, id, request)
            }
            ("/v1/organizations", _) => Ok(vec![http::reply(id, http::method_not_allowed("POST"))]),
            ("/v1/routes", _) => Ok(vec![http::reply(id, http::method_not_allowed("GET, PUT"))]),
            _ => Err(Problem::new(Code::NotFound).into()),
        }
    }
}

impl<S: Store> Instance<S> {
    fn handle(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        match event {
            Event::Call { id, json } => match answer::read(&json) {
                Ok(call) => self.call(context, id, call),
                Err(fault) => vec![Effect::Fail { id, fault: fault.to_string() }],
            },
            Event::Answered { id, answer } => self.founded(id, answer),
            Event::Timer { id } => self.leases.timer(&self.store, &mut self.ids, id),
            Event::KvPut { .. } | Event::Alarm | Event::Synced { .. } => Vec::new(),
        }
    }
}

impl<S: Store> Machine for Instance<S> {
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        let store = &self.store;
        match self.leases.enter(store, &mut self.ids, event, || schema::exists(store)) {
            Ok(Entry::Open(event)) => self.handle(context, event),
            Ok(Entry::Fenced(events)) => match self.open(context.now).map_err(|fault| fault.to_string()) {
                Ok(first) => {
                    let mut effects: Vec<Effect> = first.into_iter().collect();
                    for event in events {
                        effects.extend(self.handle(context, event));
                    }
                    effects
                }
                Err(fault) => {
                    self.leases.not_opened();
                    events.iter().flat_map(|event| Entry::give_up(event, &fault)).collect()
                }
            },
            Ok(Entry::Wait(effect)) => effect.into_iter().collect(),
            Ok(Entry::Unfounded(event)) => self.handle(context, event),
            Ok(Entry::Full(event)) => Entry::give_up(&event, Entry::FULL),
            Err((event, fault)) => Entry::give_up(&event, &fault.to_string()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
