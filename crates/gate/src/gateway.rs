//! The protected side: routes, and what is passed on to the origin.
//!
//! What matches no route never reaches the origin, and a gateway host serves no path of the product.

use std::collections::BTreeMap;
use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{InstanceCall, Route, Routes};
use symbolon::protocol::route::{Captures, PathPattern, is_canonical_path};

use crate::context::{Context, Hop};
use crate::credential::Side;
use crate::decide::{self, Demand, Refusal};
use crate::gate::Shared;
use crate::ports::Unavailable;
use crate::request::{Address, Forward, GateRequest, Outcome};
use crate::state::Told;
use crate::task::Io;
use crate::{identity, refusal};

/// How often the instance is asked again whose answer was outdated when it came.
const MAX_ASKS: usize = 3;

/// The route table, ready to be matched. None where a pattern of it cannot be read: then nothing is let through, since
/// leaving one route out could let a later one decide.
pub(crate) struct Table {
    routes: Option<Vec<(PathPattern, Route)>>,
    organizations: BTreeMap<String, ShortId>,
}

impl Table {
    pub(crate) fn new(routes: Vec<Route>, organizations: BTreeMap<String, ShortId>) -> Self {
        let routes = routes.into_iter().map(|route| Some((route.path.parse().ok()?, route))).collect();
        Self { routes, organizations }
    }

    /// Whether it came with its organisations: an instance of an earlier version tells none.
    pub(crate) fn is_whole(&self) -> bool {
        !self.organizations.is_empty()
    }

    /// The one organisation whose tokens are known on a route; none: all are.
    ///
    /// # Errors
    /// It is not known which: an instance of an earlier version has told the table.
    fn within(&self, route: &Route) -> Result<Option<ShortId>, Unavailable> {
        match route.organization.as_deref() {
            Some(Route::ANY_ORGANIZATION) => Ok(None),
            name => self.organizations.get(name.unwrap_or_default()).copied().map(Some).ok_or(Unavailable),
        }
    }

    /// The first route for this method and path. `HEAD` asks for what `GET` is answered, without its content (RFC 9110,
    /// section 9.3.2): unless the first route that fits names it, it goes by the one for `GET`, and never by a laxer one for
    /// any method that stands behind that. The path must have one spelling.
    pub(crate) fn find<'a>(
        &'a self,
        method: &str,
        path: &'a str,
    ) -> Result<Option<(&'a Route, Captures<'a>)>, Refusal> {
        let routes = self.routes.as_ref().ok_or_else(|| Refusal::new(Code::Internal))?;
        let first = |method: &str| {
            routes.iter().find_map(|(pattern, route)| {
                (route.method == "*" || route.method == method).then_some(())?;
                pattern.matches(path).map(|captures| (route, captures))
            })
        };
        Ok(match first(method) {
            Some(found) if method != "HEAD" || found.0.method == "HEAD" => Some(found),
            _ if method == "HEAD" => first("GET"),
            _ => None,
        })
    }
}

/// Answers a request on a gateway host.
pub(crate) async fn handle(context: &Context, request: &GateRequest, address: Address<'_>) -> Outcome {
    match decide(context, request, &request.method, address.path).await {
        Ok(forward) => Outcome::Forward(forward),
        Err(refusal) => refusal::response(&refusal).into(),
    }
}

async fn decide(context: &Context, request: &GateRequest, method: &str, path: &str) -> Result<Forward, Refusal> {
    if !context.gate.has_origin {
        return Err(Refusal::new(Code::NotFound));
    }
    let known = &context.gate.known;
    Ok(match authorize(context, request, method, path).await? {
        None => identity::forward(request, known, None, false),
        Some(allowed) => {
            let identity = context.gate.state.borrow_mut().identity(&allowed.record);
            identity::forward(request, known, Some(&identity.fields), allowed.signed)
        }
    })
}

/// Holds a request against the route table: who asks, or none on a public route.
pub(crate) async fn authorize(
    context: &Context,
    request: &GateRequest,
    method: &str,
    path: &str,
) -> Result<Option<decide::Allowed>, Refusal> {
    if !is_canonical_path(path) {
        let detail =
            "the path must be in its canonical form: no empty or dot segments, no escaped slash or needless escape";
        return Err(Problem::new(Code::InvalidRequest).detail(detail).into());
    }
    let table = table(context).await?;
    let (route, captures) = table.find(method, path)?.ok_or_else(|| Refusal::new(Code::NotFound))?;
    if route.public {
        return Ok(None);
    }
    // A table that was checked has a permission here; without one, nothing is permitted.
    let permission = route.permission.clone().ok_or_else(|| Refusal::new(Code::Internal))?;
    let resource = match &route.resource {
        None => None,
        Some(template) => Some(captures.fill(template).ok_or_else(|| Refusal::new(Code::InvalidRequest))?),
    };
    let demand = Demand {
        permissions: core::slice::from_ref(&permission),
        resource: resource.as_deref(),
        freshness: route.freshness,
        native_signature: false,
        to_end_it: false,
        within: table.within(route)?,
    };
    decide::request(context, request, Side::Gateway, &demand).await.map(Some)
}

/// The route table as the instance confirms it: from memory under a lease, or by asking.
async fn table(context: &Context) -> Result<Rc<Table>, Unavailable> {
    if let Some(table) = context.gate.state.borrow_mut().table(context.io.now(), false) {
        return Ok(table);
    }
    for _ in 0..MAX_ASKS {
        match context.timed(Hop::Instance, ask_routes(&context.gate, &context.io)).await {
            Ok(Told::Good(table)) => return Ok(table),
            Ok(Told::Outdated) => {}
            Err(Unavailable) => {
                return context.gate.state.borrow_mut().table(context.io.now(), true).ok_or(Unavailable);
            }
        }
    }
    Err(Unavailable)
}

/// Asks the instance for the route table, and remembers it.
pub(crate) async fn ask_routes(gate: &Shared, io: &Io) -> Result<Told<Rc<Table>>, Unavailable> {
    let (question, ask) = gate.state.borrow_mut().route_question(io.now());
    let answer = io.instance::<Routes>(&InstanceCall::Routes(ask)).await;
    let mut state = gate.state.borrow_mut();
    match answer {
        Ok(answer) => Ok(state.receive_routes(&question, answer, io.now())),
        Err(Unavailable) => {
            state.instance.edge.unanswered(&question);
            Err(Unavailable)
        }
    }
}
