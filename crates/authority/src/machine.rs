//! How an authority meets its host: events in, effects out.
//!
//! An authority ([`Machine`]) is synchronous and does nothing by itself. The host (a Durable Object, a test, a
//! simulation) hands it one [`Event`] at a time and carries out the [`Effect`]s that come back, in their order. What
//! must survive is in the store when [`Machine::on`] returns; in memory there are only caches, and the calls that
//! still wait for an answer. A host that loses the machine loses those calls and nothing else: it makes a new one over
//! the same store and goes on.
//!
//! A host must
//! - hand in events one after another, and hold every effect back until the writes of that event are durable (the
//!   output gate of a Durable Object does this);
//! - answer every [`Effect::Ask`] with one [`Event::Answered`], and every [`Effect::KvPut`] with one
//!   [`Event::KvPut`], if it can; what it loses is asked again after an alarm;
//! - give [`Event::Alarm`] when the time of the last [`Effect::SetAlarm`] has come; there is one alarm, a new time
//!   replaces the old, and it may come early, late or twice.

use symbolon::id::ShortId;
use symbolon::protocol::SharedSecret;
use symbolon::time::Timestamp;

/// The host's name for a call that waits for its reply. Never 2^53 or more, so that JavaScript keeps it exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// The machine's name for something that it asked of its host; new for every effect of one machine, from 1 upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// What comes with every event: the time, randomness and settings, none of which a machine has by itself.
pub struct Context<'a> {
    /// The time, read by the host as the event arrived.
    pub now: Timestamp,
    /// Fills the slice with random bytes fit for keys. It never fails: a host that cannot give any must not go on.
    pub random: &'a mut dyn FnMut(&mut [u8]),
    /// The instance's settings.
    pub config: &'a Config,
}

impl Context<'_> {
    /// So many random bytes.
    pub fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }
}

/// The settings of the instance, as the host was given them. Without `Debug`: it holds secrets.
pub struct Config {
    /// The secret under which credentials name their organisation: 32 to 128 bytes.
    pub instance_secret: Vec<u8>,
    /// The code that `POST /v1/setup` asks for; none means that setup is closed.
    pub setup_code: Option<SharedSecret>,
}

/// What a machine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call has come in: one of the messages of [`symbolon::protocol::message`] as JSON.
    Call {
        /// How the reply names it.
        id: CallId,
        /// The message.
        json: String,
    },
    /// An [`Effect::Ask`] was answered, or could not be delivered.
    Answered {
        /// Which.
        id: EffectId,
        /// The answer as JSON. Unreachable: it is not known whether the question was carried out.
        answer: Result<String, Unreachable>,
    },
    /// An [`Effect::KvPut`] has ended.
    KvPut {
        /// Which key.
        key: String,
        /// Which version was put.
        version: u64,
        /// Whether it is known to have been written.
        ok: bool,
    },
    /// The time that was set with [`Effect::SetAlarm`] has come, also when another machine over this store set it.
    Alarm,
    /// An [`Effect::Sync`] is done.
    Synced {
        /// Which.
        id: EffectId,
    },
    /// An [`Effect::Timer`] has run down.
    Timer {
        /// Which.
        id: EffectId,
    },
}

/// The other side could not be reached, or gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it could not be reached")]
pub struct Unreachable;

/// What a machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer a call.
    Reply {
        /// Which.
        id: CallId,
        /// The answer as JSON.
        json: String,
    },
    /// Give a call up: our own fault. The host logs it; who asked learns that it failed, and no more.
    Fail {
        /// Which.
        id: CallId,
        /// What went wrong, for the log: no secret, no parameter of a statement.
        fault: String,
    },
    /// Ask another object.
    Ask {
        /// How the answer names it.
        id: EffectId,
        /// Whom.
        target: Target,
        /// The message as JSON.
        json: String,
    },
    /// Write to the directory (Workers KV). For one key at most one is under way.
    KvPut {
        /// The key: see [`symbolon::protocol::message::Lookup::locator_key`]; at most 100 bytes.
        key: String,
        /// The value; none means to delete the key.
        value: Option<String>,
        /// Which version it is, for the answer: the epoch of the change that made it.
        version: u64,
    },
    /// Give an alarm at this time, in place of the time set before.
    SetAlarm {
        /// When.
        at: Timestamp,
    },
    /// Say when everything written so far is confirmed to be durable (`ctx.storage.sync()`). A machine that takes over
    /// from another asks this first, and answers no call until then: a confirmed write means that the other one can
    /// write no more. Where it fails, the machine must be thrown away.
    Sync {
        /// How the event names it.
        id: EffectId,
    },
    /// Say when this length of time has passed. It is kept in memory alone: a new machine has no timers.
    Timer {
        /// How the event names it.
        id: EffectId,
        /// The length, in milliseconds.
        millis: u64,
    },
}

/// Another object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The authority of an organisation.
    Organization(ShortId),
    /// The instance.
    Instance,
    /// The locator that holds this key.
    Locator(String),
    /// The logins of this shard.
    Login(u8),
}

/// A state machine over a store.
pub trait Machine {
    /// Takes one event and says what is to be done.
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect>;
}

/// Numbers the effects of one machine.
#[derive(Debug, Default)]
pub struct EffectIds(u64);

impl EffectIds {
    /// A number that was not given before.
    pub const fn next(&mut self) -> EffectId {
        self.0 = self.0.saturating_add(1);
        EffectId(self.0)
    }
}
