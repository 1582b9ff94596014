//! What goes with one request through the pipeline.

use core::cell::{Cell, RefCell};
use core::fmt::Write as _;
use std::rc::Rc;

use symbolon::id::ShortId;
use symbolon::problem::Problem;
use symbolon::protocol::message::{Client, HttpResponse};
use symbolon::protocol::{Network, Record};

use crate::decide::Refusal;
use crate::gate::Shared;
use crate::limit::Place;
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
    network: Option<Network>,
}

impl Drop for LooksUp<'_> {
    fn drop(&mut self) {
        if let (Some(network), Ok(mut state)) = (self.network, self.gate.state.try_borrow_mut()) {
            state.failures.end(network);
        }
    }
}

/// Uses of tokens, each with whether it was of the newest secret or key.
type Uses = Vec<(Rc<Record>, bool)>;

/// One request's way through the pipeline.
pub(crate) struct Context {
    pub(crate) gate: Rc<Shared>,
    pub(crate) io: Io,
    pub(crate) client: Client,
    /// Whether whoever asks has shown itself, as a proxy or a resource server, and passes on what others present: then
    /// what is wrong with that is not counted against it.
    pub(crate) passes_on: Cell<bool>,
    /// The organisation that the credential under judgement names, or is found in.
    pub(crate) named: Cell<Option<ShortId>>,
    /// Under what this was counted as a stranger's last.
    counted: Cell<Option<Place>>,
    /// The token that a signature under judgement names.
    pub(crate) accused: RefCell<Option<Rc<Record>>>,
    /// Uses that are noted when the request has come to its end; none: they are noted at once.
    uses: RefCell<Option<Uses>>,
    trace: RefCell<Trace>,
}

impl Context {
    pub(crate) fn new(gate: Rc<Shared>, io: Io, client: Client) -> Self {
        Self {
            gate,
            io,
            client,
            passes_on: Cell::new(false),
            named: Cell::new(None),
            counted: Cell::new(None),
            accused: RefCell::default(),
            uses: RefCell::default(),
            trace: RefCell::default(),
        }
    }

    /// Counts a use. `newest`: of the newest secret or key.
    pub(crate) fn used(&self, record: &Rc<Record>, newest: bool) {
        match &mut *self.uses.borrow_mut() {
            Some(uses) => uses.push((Rc::clone(record), newest)),
            None => self.count(record, newest),
        }
    }

    /// Does work during which the host may begin the request anew, since another one trapped beside it: uses are counted
    /// when it is done, so that none counts twice.
    pub(crate) async fn counting_at_its_end<T>(&self, work: impl Future<Output = T>) -> T {
        self.uses.borrow_mut().get_or_insert_default();
        let result = work.await;
        for (record, newest) in self.uses.borrow_mut().take().unwrap_or_default() {
            self.count(&record, newest);
        }
        result
    }

    fn count(&self, record: &Record, newest: bool) {
        let mut state = self.gate.state.borrow_mut();
        state.touch(record.short_id).used(record, newest, self.io.now(), &self.client);
    }

    /// Whether what is wrong with a credential counts against where it comes from: not where a resource server or a proxy
    /// that has shown itself passes on what others present.
    pub(crate) fn counts(&self) -> bool {
        !self.passes_on.get()
    }

    /// Who guesses where a secret is wrong: whoever passes on what others present does not.
    pub(crate) fn guesser(&self) -> Client {
        if self.counts() { self.client.clone() } else { Client::default() }
    }

    /// Where the client is, as limits count it; none where the host cannot tell: then what is in front of it must
    /// limit, since one client could otherwise lock out all the others.
    pub(crate) fn network(&self) -> Option<Network> {
        self.client.address.as_ref().map(|_| self.client.network())
    }

    /// Where whatever nobody has counts, at the authority that is asked for it; none: nowhere.
    pub(crate) fn shown_by(&self) -> Option<Network> {
        self.network().filter(|_| self.counts())
    }

    /// The locator has said for how many seconds too many credentials that nobody has come from here.
    pub(crate) fn told(&self, limited: Option<u32>) {
        if let (Some(seconds), Some(network)) = (limited, self.network()) {
            self.gate.state.borrow_mut().failures.told_nameless(self.io.now(), network, seconds);
        }
    }

    /// Refuses a network from which too many unknown credentials came. To be asked before a call leaves the isolate.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn limited(&self) -> Result<(), Problem> {
        let Some(network) = self.network() else { return Ok(()) };
        let mut state = self.gate.state.borrow_mut();
        let stranger = state.stranger(self.named.get(), network);
        state.failures.check(self.io.now(), &stranger)
    }

    /// Counts an unknown credential.
    pub(crate) fn unknown(&self) {
        if let Some(network) = self.network() {
            let mut state = self.gate.state.borrow_mut();
            let stranger = state.stranger(self.named.get(), network);
            state.failures.count(self.io.now(), &stranger);
            self.counted.set(Some(stranger.place()));
        }
    }

    /// Notes that a credential of which nothing is remembered is looked up, for as long as what is returned lives.
    pub(crate) fn looks_up(&self) -> LooksUp<'_> {
        let network = self.network();
        if let Some(network) = network {
            self.gate.state.borrow_mut().failures.begin(network);
        }
        LooksUp { gate: &self.gate, network }
    }

    /// Counts a call of somebody who shows no credential that could be verified here. To be done before such a call
    /// leaves the isolate, so that many at once are no way around the limit; [`Self::came_to_something`] takes it back.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn stranger(&self) -> Result<(), Problem> {
        self.limited()?;
        self.unknown();
        Ok(())
    }

    /// What a stranger asked was done: that counts for nothing.
    pub(crate) fn came_to_something(&self) {
        if let Some(place) = self.counted.take() {
            self.gate.state.borrow_mut().failures.give_back(&place);
        }
    }

    /// Carries a stranger's call, which is counted unless it succeeds.
    ///
    /// # Errors
    /// `rate_limited`, and what the call itself fails with.
    pub(crate) async fn for_stranger<E>(
        &self,
        call: impl Future<Output = Result<HttpResponse, E>>,
    ) -> Result<HttpResponse, Refusal>
    where
        Refusal: From<E>,
    {
        self.stranger()?;
        let response = call.await?;
        if (200..300).contains(&response.status) {
            self.came_to_something();
        }
        Ok(response)
    }

    /// Counts a poll of somebody who waits until another has decided.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn poll(&self) -> Result<(), Problem> {
        let Some(network) = self.network() else { return Ok(()) };
        self.gate.state.borrow_mut().failures.poll(self.io.now(), network)
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
