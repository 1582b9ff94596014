//! What goes with one request through the pipeline.

use core::cell::{Cell, RefCell};
use core::fmt::Write as _;
use std::rc::Rc;

use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::Client;

use crate::gate::Shared;
use crate::limit;
use crate::task::Io;

/// Whom a decision asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// The isolate's own memory, under a lease.
    Memory,
    /// The directory (Workers KV).
    Directory,
    /// The authority of the organisation.
    Authority,
    /// The locator.
    Locator,
    /// The replay memory.
    Replay,
    /// The instance, for the route table.
    Instance,
    /// The host's check of a signature.
    Signature,
}

impl Hop {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Directory => "directory",
            Self::Authority => "authority",
            Self::Locator => "locator",
            Self::Replay => "replay",
            Self::Instance => "instance",
            Self::Signature => "signature",
        }
    }
}

/// Whom a decision asked and how long each took, in milliseconds, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace(Vec<(Hop, i64)>);

impl Trace {
    /// The value of a `Server-Timing` field.
    #[must_use]
    pub(crate) fn server_timing(&self) -> String {
        let mut value = String::new();
        for (hop, millis) in &self.0 {
            let comma = if value.is_empty() { "" } else { ", " };
            // Writing into a string cannot fail.
            let _ = write!(value, "{comma}{};dur={millis}", hop.as_str());
        }
        value
    }
}

/// A look-up that is under way; it ends with this, also where the request is given up.
pub(crate) struct LooksUp<'a> {
    gate: &'a Shared,
    network: Option<String>,
}

impl Drop for LooksUp<'_> {
    fn drop(&mut self) {
        if let (Some(network), Ok(mut state)) = (&self.network, self.gate.state.try_borrow_mut()) {
            state.failures.end(network);
        }
    }
}

/// One request's way through the pipeline.
pub(crate) struct Context {
    pub(crate) gate: Rc<Shared>,
    pub(crate) io: Io,
    pub(crate) client: Client,
    /// Whether whoever asks has shown itself and passes on what others present.
    pub(crate) passes_on: Cell<bool>,
    trace: RefCell<Trace>,
}

impl Context {
    pub(crate) fn new(gate: Rc<Shared>, io: Io, client: Client) -> Self {
        Self { gate, io, client, passes_on: Cell::new(false), trace: RefCell::default() }
    }

    /// Refuses an address from which too many unknown credentials came. To be asked before a call leaves the isolate.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn limited(&self) -> Result<(), Problem> {
        let Some(network) = self.network() else { return Ok(()) };
        match self.gate.state.borrow_mut().failures.wait(self.io.now(), &network) {
            None => Ok(()),
            Some(seconds) => Err(Problem::new(Code::RateLimited)
                .detail("Too many unknown credentials came from this address.")
                .retry_after(seconds)),
        }
    }

    /// Counts an unknown credential.
    pub(crate) fn unknown(&self) {
        if let Some(network) = self.network() {
            self.gate.state.borrow_mut().failures.count(self.io.now(), &network);
        }
    }

    /// Notes that a credential of which nothing is remembered is looked up, for as long as what is returned lives.
    pub(crate) fn looks_up(&self) -> LooksUp<'_> {
        let network = self.network();
        if let Some(network) = &network {
            self.gate.state.borrow_mut().failures.begin(self.io.now(), network);
        }
        LooksUp { gate: &self.gate, network }
    }

    fn network(&self) -> Option<String> {
        self.client.address.as_deref().map(limit::network)
    }

    /// Notes that something was answered on the spot.
    pub(crate) fn note(&self, hop: Hop) {
        self.trace.borrow_mut().0.push((hop, 0));
    }

    /// Notes whom one waits for, and for how long.
    pub(crate) async fn timed<T>(&self, hop: Hop, work: impl Future<Output = T>) -> T {
        let begun = self.io.now();
        let result = work.await;
        self.trace.borrow_mut().0.push((hop, self.io.now().millis_since(begun).max(0)));
        result
    }

    pub(crate) fn trace(&self) -> Trace {
        self.trace.borrow().clone()
    }
}
