//! The route table.

use serde::{Deserialize, Serialize};
use symbolon::problem::Problem;
use symbolon::protocol::Epoch;
use symbolon::protocol::message::{Answer, Ask, Changes, HttpRequest, HttpResponse, Route, Routes};
use symbolon::protocol::route::check_routes;

use super::{Instance, Refusal, body, http};
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
    /// The table for an edge. Without a lease: it is asked for again each time.
    pub(super) fn routes_answer(&mut self, ask: &Ask) -> Result<Routes, StoreError> {
        let (epoch, routes) = self.table()?;
        let changes = if ask.since == Some(epoch) {
            Changes::Since { since: epoch, tokens: Vec::new() }
        } else {
            Changes::StartOver
        };
        let answer = Answer { epoch, record: None, changes, lease_millis: 0, stale_millis: 0, counted: None };
        Ok(Routes { answer, routes })
    }

    /// `GET /v1/routes`.
    pub(super) fn get_routes(&mut self) -> Result<HttpResponse, Refusal> {
        let (_, routes) = self.table()?;
        Ok(http::document(200, &Table { routes })?)
    }

    /// `PUT /v1/routes`: replaces the whole table.
    pub(super) fn put_routes(&mut self, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let table: Table = body::json(request, MAX_TABLE_LEN)?;
        let errors = check_routes(&table.routes);
        if !errors.is_empty() {
            return Err(Problem::fields(errors).into());
        }
        let (epoch, routes) = self.table()?;
        if routes != table.routes {
            self.prepare()?;
            let json = crate::answer::json(&table.routes)?;
            self.store.execute(
                "INSERT INTO route_table (one, epoch, routes) VALUES (1, ?1, ?2)
                    ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, routes = excluded.routes",
                &[Value::count(epoch.next().get())?, json.into()],
            )?;
        }
        Ok(http::document(200, &table)?)
    }

    fn table(&mut self) -> Result<(Epoch, Vec<Route>), StoreError> {
        if !self.is_prepared()? {
            return Ok((Epoch::ZERO, Vec::new()));
        }
        let rows = self.store.execute("SELECT epoch, routes FROM route_table", &[])?;
        match rows.first() {
            Some(row) => Ok((Epoch::new(row.get(0)?), row.json(1)?)),
            None => Ok((Epoch::ZERO, Vec::new())),
        }
    }
}
