//! The route table.

use serde::{Deserialize, Serialize};
use symbolon::problem::Problem;
use symbolon::protocol::Epoch;
use symbolon::protocol::message::{Answer, Ask, Changes, HttpRequest, HttpResponse, Route, Routes};
use symbolon::protocol::route::check_routes;

use super::{Instance, Refusal, body, http};
use crate::leases::Lease;
use crate::machine::{CallId, Context, Effect};
use crate::store::{Store, StoreError, Value};

/// The most bytes of a table as JSON: it fits into one row, and one message.
const MAX_TABLE_LEN: usize = 512 * 1024;

/// The table over HTTP.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    routes: Vec<Route>,
}

impl<S: Store> Instance<S> {
    /// The table for an edge, unless it has the same, and for how long it may go by it.
    pub(super) fn routes_answer(
        &mut self,
        call: CallId,
        ask: &Ask,
        Lease { lease_millis, stale_millis }: Lease,
    ) -> Result<Vec<Effect>, StoreError> {
        let epoch = self.table_epoch()?;
        let is_same = ask.since == Some(epoch);
        let changes = if is_same { Changes::Since { since: epoch, tokens: Vec::new() } } else { Changes::StartOver };
        // A large table would make each renewal as large.
        let routes = if is_same && ask.keeps { None } else { Some(self.table()?.1) };
        let answer = Answer { epoch, record: None, changes, lease_millis, stale_millis, counted: None };
        let json = crate::answer::json(&Routes { answer, routes })?;
        Ok(vec![Effect::Reply { id: call, json }])
    }

    /// `GET /v1/routes`.
    pub(super) fn get_routes(&mut self) -> Result<HttpResponse, Refusal> {
        let (_, routes) = self.table()?;
        Ok(http::document(200, &Table { routes })?)
    }

    /// `PUT /v1/routes`: replaces the whole table, and answers when no edge goes by the former one. Any change of it may
    /// turn a yes into a no, and the same table again waits until the first time holds.
    pub(super) fn put_routes(
        &mut self,
        context: &Context<'_>,
        call: CallId,
        request: &HttpRequest,
    ) -> Result<Vec<Effect>, Refusal> {
        let table: Table = body::json(request, MAX_TABLE_LEN)?;
        let errors = check_routes(&table.routes);
        if !errors.is_empty() {
            return Err(Problem::fields(errors).into());
        }
        let (mut epoch, routes) = self.table()?;
        if routes == table.routes {
            self.leases.only_the_newest(&self.store)?;
        } else {
            epoch = epoch.next();
            let json = crate::answer::json(&table.routes)?;
            self.store.execute(
                "INSERT INTO route_table (one, epoch, routes) VALUES (1, ?1, ?2)
                    ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, routes = excluded.routes",
                &[Value::count(epoch.get())?, json.into()],
            )?;
        }
        let json = crate::answer::json(&http::document(200, &table)?)?;
        let (wait, timer) = self.leases.narrowed(&mut self.ids, context.now, epoch, epoch);
        Ok(timer.into_iter().chain(self.leases.reply(wait, call, json)).collect())
    }

    fn table_epoch(&self) -> Result<Epoch, StoreError> {
        if !self.leases.is_open() {
            return Ok(Epoch::ZERO);
        }
        let rows = self.store.execute("SELECT epoch FROM route_table", &[])?;
        rows.first().map_or(Ok(Epoch::ZERO), |row| Ok(Epoch::new(row.get(0)?)))
    }

    fn table(&mut self) -> Result<(Epoch, Vec<Route>), StoreError> {
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
