//! The route table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use symbolon::id::ShortId;
use symbolon::policy::Permission;
use symbolon::problem::{Code, FieldError, Problem};
use symbolon::protocol::Epoch;
use symbolon::protocol::message::{Answer, Ask, Changes, HttpRequest, HttpResponse, Route, Routes};
use symbolon::protocol::route::check_routes;
use symbolon::token::Digest;

use super::{Instance, Refusal, body, http};
use crate::leases::Lease;
use crate::machine::{CallId, Context, Effect};
use crate::store::{Store, StoreError, Value};

/// The most bytes of a table as JSON: it fits into one row, and one message.
const MAX_TABLE_LEN: usize = 512 * 1024;

/// The table over HTTP.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RouteTable"))]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// The first that fits decides.
    pub(super) routes: Vec<Route>,
}

/// What there is to decide about a table that is to replace the one in force.
pub(super) struct Replacement {
    /// Which table is in force.
    pub(super) seen: Epoch,
    /// What is written down of the new one: how large it is, and the SHA-256 of its JSON as it is kept; null where it is
    /// the one that is in force.
    pub(super) details: Json,
    /// Every permission that either of them demands somewhere: any of them could be opened. None where nothing changes.
    /// What the application's profile declares besides is held against whoever asks by their organisation, which knows
    /// it.
    pub(super) demanded: Vec<Permission>,
}

impl<S: Store> Instance<S> {
    /// The table for an edge, unless it has the same, and for how long it may go by it.
    pub(super) fn routes_answer(
        &mut self,
        context: &Context<'_>,
        call: CallId,
        ask: &Ask,
        lease: Lease,
    ) -> Result<Vec<Effect>, StoreError> {
        let mut effects = Vec::new();
        let epoch = self.table_epoch()?;
        // Nobody can have a newer table: then the storage was put back to an older state.
        let lost = ask.since.filter(|held| *held > epoch && self.leases.is_open());
        if lost.is_some() {
            effects.extend(self.leases.put_back(&self.store, &mut self.ids, context.now)?);
        }
        // The timer is started whatever becomes of the rest: changes wait for it.
        effects.push(match self.table_for(context, ask, lost, lease) {
            Ok(json) => Effect::Reply { id: call, json },
            Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
        });
        Ok(effects)
    }

    /// The same as JSON. `lost`: an epoch that an edge holds, and which is lost; the table gets one that is greater.
    fn table_for(
        &self,
        context: &Context<'_>,
        ask: &Ask,
        lost: Option<Epoch>,
        Lease { lease_millis, stale_millis }: Lease,
    ) -> Result<String, StoreError> {
        if let Some(held) = lost {
            let (_, routes) = self.table()?;
            self.keep(held.after(context.now), &routes)?;
        }
        let epoch = self.table_epoch()?;
        let is_same = ask.since == Some(epoch);
        let changes = if is_same { Changes::Since { since: epoch, tokens: Vec::new() } } else { Changes::StartOver };
        // A large table would make each renewal as large.
        let routes = if is_same && ask.keeps { None } else { Some(self.table()?.1) };
        let answer = Answer {
            epoch,
            record: None,
            changes,
            lease_millis,
            stale_millis,
            counted: None,
            failed: None,
            limited: Vec::new(),
        };
        let organizations = self.organizations(routes.as_deref().unwrap_or_default())?;
        crate::answer::json(&Routes { answer, routes, organizations })
    }

    /// `GET /v1/routes`.
    pub(super) fn get_routes(&self) -> Result<HttpResponse, Refusal> {
        let (_, routes) = self.table()?;
        Ok(http::document(200, &Table { routes })?)
    }

    /// `PUT /v1/routes`: replaces the whole table, and answers when no edge goes by the former one. Any change of it may
    /// turn a yes into a no, and the same table again waits until the first time holds. `seen`: which table was in force
    /// when it was decided that this one may replace it.
    pub(super) fn put_routes(
        &mut self,
        context: &Context<'_>,
        call: CallId,
        request: &HttpRequest,
        seen: Epoch,
    ) -> Result<Vec<Effect>, Refusal> {
        let table = self.read_table(request)?;
        let (mut epoch, routes) = self.table()?;
        if routes == table.routes {
            self.leases.only_the_newest(&self.store)?;
        } else if epoch != seen {
            let problem = Problem::new(Code::Conflict);
            return Err(problem.detail("The routes were replaced meanwhile: read them, and decide again.").into());
        } else {
            epoch = epoch.after(context.now);
            self.keep(epoch, &table.routes)?;
        }
        let json = crate::answer::json(&http::document(200, &table)?)?;
        let (wait, timer) = self.leases.narrowed(&mut self.ids, context.now, epoch, epoch);
        Ok(timer.into_iter().chain(self.leases.reply(wait, call, json)).collect())
    }

    fn keep(&self, epoch: Epoch, routes: &[Route]) -> Result<(), StoreError> {
        self.store.execute(
            "INSERT INTO route_table (one, epoch, routes) VALUES (1, ?1, ?2)
                ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, routes = excluded.routes",
            &[Value::count(epoch.get())?, crate::answer::json(&routes)?.into()],
        )?;
        Ok(())
    }

    fn table_epoch(&self) -> Result<Epoch, StoreError> {
        if !self.leases.is_open() {
            return Ok(Epoch::ZERO);
        }
        let rows = self.store.execute("SELECT epoch FROM route_table", &[])?;
        rows.first().map_or(Ok(Epoch::ZERO), |row| Ok(Epoch::new(row.get(0)?)))
    }

    /// Holds the table that is to replace the one in force against it.
    pub(super) fn replacement(&self, request: &HttpRequest) -> Result<Replacement, Refusal> {
        let new = self.read_table(request)?.routes;
        let (seen, old) = self.table()?;
        if new == old {
            return Ok(Replacement { seen, details: Json::Null, demanded: Vec::new() });
        }
        let digest = Digest::of(crate::answer::json(&new)?);
        let details = json!({ "routes": new.len(), "sha256": digest.to_string() });
        let demanded = old.into_iter().chain(new).filter_map(|route| route.permission).collect();
        Ok(Replacement { seen, details, demanded })
    }

    fn read_table(&self, request: &HttpRequest) -> Result<Table, Refusal> {
        let table: Table = body::json(request, MAX_TABLE_LEN)?;
        let mut errors = check_routes(&table.routes);
        if errors.is_empty() {
            let known = self.organizations(&table.routes)?;
            errors.extend(table.routes.iter().enumerate().filter_map(|(index, route)| {
                let name = named(route)?;
                let field = || format!("routes[{index}].organization");
                (!known.contains_key(name))
                    .then(|| FieldError { field: field(), message: "there is no such organization".to_owned() })
            }));
        }
        if errors.is_empty() { Ok(table) } else { Err(Problem::fields(errors).into()) }
    }

    /// The organisations that routes name, and without a name the founding one.
    fn organizations(&self, routes: &[Route]) -> Result<BTreeMap<String, ShortId>, StoreError> {
        let mut known = BTreeMap::new();
        if let Some(founding) = self.founding_organization()? {
            known.insert(String::new(), founding.short_id);
        }
        for name in routes.iter().filter_map(named) {
            if !known.contains_key(name)
                && let Some(organization) = self.named(name)?.organization
            {
                known.insert(name.to_owned(), organization);
            }
        }
        Ok(known)
    }

    fn table(&self) -> Result<(Epoch, Vec<Route>), StoreError> {
        if !self.leases.is_open() {
            return Ok((Epoch::ZERO, Vec::new()));
        }
        let rows = self.store.execute("SELECT epoch, routes FROM route_table", &[])?;
        match rows.first() {
            Some(row) => Ok((Epoch::new(row.get(0)?), row.json(1)?)),
            None => Ok((Epoch::ZERO, Vec::new())),
        }
    }
}

/// The one organisation that a route names.
fn named(route: &Route) -> Option<&str> {
    route.organization.as_deref().filter(|name| *name != Route::ANY_ORGANIZATION)
}
