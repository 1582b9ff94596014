//! The gate: one for each isolate, a task for each request.

use core::cell::RefCell;
use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::key::PublicKey;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::SharedSecret;
use symbolon::protocol::message::{Answer, OrganizationCall};
use symbolon::time::Timestamp;
use symbolon::token::{Format, InstanceSecret};

use crate::context::Context;
use crate::credential::Known;
use crate::forward_auth::ProxySecrets;
use crate::oidc::OidcConfig;
use crate::ports::Unavailable;
use crate::request::{Address, GateRequest, Outcome};
use crate::state::{Due, State};
use crate::task::{Io, Task};
use crate::{forward_auth, gateway, manage, refusal};

/// How long uses are gathered before they are handed over by themselves, in milliseconds: within the default lease.
const FLUSH_AFTER_MILLIS: u32 = 1000;

/// How many batches are handed over in a row: all that an isolate counts at most, and those that come up meanwhile.
const MAX_TELLS: usize = 24;

/// How often a question that brings counts is repeated when it is not answered.
const MAX_REPEATS: u32 = 2;

/// The settings of a gate. Without `Debug`: it holds secrets.
pub struct GateConfig {
    /// The secret under which native credentials name their organisation.
    pub instance_secret: InstanceSecret,
    /// The formats of tokens that do not prove themselves: every profile's hexadecimal ones. Native ones are known by
    /// any prefix.
    pub formats: Vec<Format>,
    /// The host names of the protected side, without ports; all others are management's.
    pub gateway_hosts: Vec<String>,
    /// Whether there is an origin behind the gateway hosts.
    pub has_origin: bool,
    /// The secrets by which proxies that ask `/v1/forward-auth` show themselves; where there is none for a kind of proxy,
    /// its path is off.
    pub proxy_secrets: ProxySecrets,
    /// What `POST /v1/setup` asks for; none: setup is closed.
    pub setup_code: Option<SharedSecret>,
    /// The provider at which people may sign in to the console; none switches that off.
    pub oidc: Option<OidcConfig>,
    /// The public key that is meant where a signature names none, as the administrator of a DevGuard instance signs. It
    /// may do what the token may that it is registered for, of a kind that finds keys by the header X-Fingerprint.
    pub admin_key: Option<PublicKey>,
}

/// Verification at the edge, for one isolate.
pub struct Gate {
    pub(crate) shared: Rc<Shared>,
}

/// What all requests of an isolate share. Borrowed between awaits, never across one.
pub(crate) struct Shared {
    pub(crate) known: Known,
    pub(crate) gateway_hosts: Vec<String>,
    pub(crate) has_origin: bool,
    pub(crate) proxy_secrets: ProxySecrets,
    pub(crate) setup_code: Option<SharedSecret>,
    pub(crate) oidc: Option<OidcConfig>,
    pub(crate) admin_key: Option<PublicKey>,
    pub(crate) state: RefCell<State>,
}

impl Gate {
    /// A gate that remembers nothing yet. `random`: fresh bytes from a cryptographic source, from which come the
    /// isolate's name where uses are counted, and salts.
    #[must_use]
    pub fn new(config: GateConfig, random: [u8; 16]) -> Self {
        let GateConfig {
            instance_secret,
            formats,
            gateway_hosts,
            has_origin,
            proxy_secrets,
            setup_code,
            oidc,
            admin_key,
        } = config;
        let gateway_hosts = gateway_hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect();
        Self {
            shared: Rc::new(Shared {
                known: Known { formats, secret: instance_secret },
                gateway_hosts,
                has_origin,
                proxy_secrets,
                setup_code,
                oidc,
                admin_key,
                state: RefCell::new(State::new(random)),
            }),
        }
    }

    /// The fields that a request to this URL is decided by, so that a host need not read the others; none where all are
    /// wanted. A query does not matter. The names are in lower case.
    #[must_use]
    pub fn fields(&self, url: &str) -> Option<Vec<&'static str>> {
        Some(forward_auth::fields(self.proxy(url)?).collect())
    }

    /// Whether a request of which only [`Gate::fields`] were read is to be read as a whole, since its signature may
    /// cover others.
    #[must_use]
    pub fn wants_all_fields(&self, request: &GateRequest) -> bool {
        // Most are not signed: that alone says it.
        request.values("signature-input").next().is_some()
            && self.proxy(&request.url).is_none_or(|proxy| forward_auth::covers_further(request, proxy))
    }

    fn proxy(&self, url: &str) -> Option<forward_auth::Proxy> {
        let address = Address::of(url)?;
        if self.shared.gateway_hosts.contains(&address.host()) {
            return None;
        }
        manage::proxy(address.path)
    }

    /// What is to become of a request.
    #[must_use]
    pub fn handle(&self, request: GateRequest) -> Task<Outcome> {
        let shared = Rc::clone(&self.shared);
        Task::new(move |io| async move {
            let mut request = request;
            let context = Context::new(shared, io, request.client());
            let url = request.url.clone();
            let Some(address) = Address::of(&url) else {
                return refusal::of(Problem::new(Code::InvalidRequest)).into();
            };
            if context.gate.gateway_hosts.contains(&address.host()) {
                gateway::handle(&context, &request, address).await
            } else {
                manage::handle(&context, &mut request, address).await
            }
        })
    }

    /// Work that is due besides requests: leases to renew ahead of need, counts to hand over. The host asks after each
    /// request, until there is none, and does it while nobody waits (`waitUntil`). Work that is dropped is offered
    /// again later.
    #[must_use]
    pub fn background(&self, now: Timestamp) -> Option<Task<()>> {
        let due = self.shared.state.borrow_mut().due(now, i64::from(FLUSH_AFTER_MILLIS))?;
        let shared = Rc::clone(&self.shared);
        Some(Task::new(move |io| async move {
            match due {
                Due::Renew(organization) => tell(&shared, &io, organization).await,
                Due::Flush(organization) => {
                    io.sleep(FLUSH_AFTER_MILLIS).await;
                    tell(&shared, &io, organization).await;
                }
                // Whether it succeeds is for the next request to see.
                Due::Routes => drop(gateway::ask_routes(&shared, &io).await),
            }
        }))
    }
}

/// Renews an organisation's lease, and hands its counts over, those that came up meanwhile included. Where it is not
/// answered it tries again: this may have been the last request for long.
async fn tell(shared: &Shared, io: &Io, organization: ShortId) {
    let mut repeats = 0;
    for _ in 0..MAX_TELLS {
        let (question, ask) = shared.state.borrow_mut().question(organization, None, io.now());
        let answer = io.organization::<Answer>(organization, &OrganizationCall::Ask(ask)).await;
        let unanswered = answer.is_err();
        {
            let mut state = shared.state.borrow_mut();
            match answer {
                Ok(answer) => drop(state.receive(organization, &question, None, false, answer, io.now())),
                Err(Unavailable) => state.unanswered(organization, &question, None),
            }
            if !state.has_counts(organization) || (unanswered && repeats == MAX_REPEATS) {
                return;
            }
        }
        if unanswered {
            repeats = repeats.saturating_add(1);
            io.sleep(FLUSH_AFTER_MILLIS).await;
            // Another question may have brought them meanwhile.
            if !shared.state.borrow().has_counts(organization) {
                return;
            }
        }
    }
}
