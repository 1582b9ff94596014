//! Logins from a command line: RFC 8628, and the poll of a client that made up its own key.
//!
//! A shard of logins knows what asks and whether it was decided; what was decided, and by whom, is kept by the
//! authority of the organisation, which makes the token only when the client comes for it. So no secret of a token is
//! ever at rest here, and a login that nobody collects leaves no token behind.
//!
//! Codes are kept as SHA-256, live for ten minutes and are good for one token. A code that nobody was given writes
//! nothing. How often a client asks, and from where one with a key of its own does, is kept in memory alone: where that is
//! lost, the client's next question brings it back, and until then its key is not approved.

mod poll;
mod rows;
#[cfg(test)]
mod tests;

use litemap::LiteMap;
use symbolon::protocol::login::{
    Approval, Asking, Begun, Collected, Collector, DeviceCode, LoginCall, LoginName, LoginToken, Shown, UserCode,
};
use symbolon::protocol::message::{Client, HttpResponse, OrganizationCall};
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use crate::answer;
use crate::machine::{CallId, Context, Effect, EffectId, EffectIds, Event, Machine, Target};
use crate::store::{Store, StoreError};
use poll::{Networks, Pace, Polls};
use rows::{Row, State};

/// How long a code lives, in seconds.
pub const LIFE_SECONDS: u32 = 600;
/// How long a client waits between two questions, in seconds (RFC 8628, section 3.2).
pub const INTERVAL_SECONDS: u32 = 5;
/// How many logins a shard keeps at most.
pub const MAX_LOGINS: u64 = 2_000;
/// How long the name of a client and what it wants may be, in bytes.
pub const MAX_TEXT_LEN: usize = 200;
/// How many codes are drawn until one falls to the shard: one in 256 does, so this many fail less than once in 2^90.
const MAX_DRAWS: u32 = 16_384;

/// The name of the object of this shard: `login:` and two hexadecimal digits.
#[must_use]
pub fn object_name(shard: u8) -> String {
    format!("login:{shard:02x}")
}

/// One shard of logins.
pub struct Login<S> {
    store: S,
    prepared: bool,
    ids: EffectIds,
    polls: Polls,
    networks: Networks,
    /// Clients that wait for their token.
    collecting: LiteMap<EffectId, (CallId, Digest)>,
    alarm_set: bool,
}

impl<S: Store> Login<S> {
    /// The shard over this store.
    pub fn new(store: S) -> Self {
        Self {
            store,
            prepared: false,
            ids: EffectIds::default(),
            polls: Polls::default(),
            networks: Networks::default(),
            collecting: LiteMap::new(),
            alarm_set: false,
        }
    }

    fn call(&mut self, context: &mut Context<'_>, id: CallId, call: LoginCall) -> Result<Vec<Effect>, StoreError> {
        let now = context.now;
        let json = match call {
            LoginCall::Begin { shard, client_id, scope, client } => {
                answer::json(&self.begin(context, shard, client_id, scope, client)?)?
            }
            LoginCall::Show { name } => answer::json(&self.show(now, &name)?)?,
            LoginCall::Decide { name, approval } => answer::json(&self.decide(now, &name, approval)?)?,
            LoginCall::Collect { with, client_id, client } => {
                match self.collect(now, &with, client_id.as_deref(), client)? {
                    Found::Answer(collected) => answer::json(&collected)?,
                    Found::Approved(digest, approval) => return self.fetch(id, digest, approval),
                }
            }
        };
        let mut effects = vec![Effect::Reply { id, json }];
        effects.extend(self.alarm()?);
        Ok(effects)
    }

    /// Draws codes for a client.
    fn begin(
        &mut self,
        context: &mut Context<'_>,
        shard: u8,
        client_id: String,
        scope: Option<String>,
        client: Client,
    ) -> Result<Begun, StoreError> {
        let now = context.now;
        if let Some(retry_after) = self.networks.take(now, client.network()) {
            return Ok(Begun::RateLimited { retry_after });
        }
        if self.is_prepared()? && rows::count(&self.store)? >= MAX_LOGINS {
            return Ok(Begun::RateLimited { retry_after: LIFE_SECONDS });
        }
        let mut draws = 0..MAX_DRAWS;
        let name = draws.find_map(|_| {
            let code = UserCode::from_random(&context.random::<16>())?;
            let name = LoginName::UserCode(code.clone());
            (name.shard() == shard).then_some((code, name))
        });
        let Some((user_code, name)) = name else { return Err(StoreError::database("no code fell to this shard")) };
        let device_code = DeviceCode::new(shard, &context.random());
        self.prepare()?;
        let row = Row {
            digest: name.digest(),
            client_id: Some(client_id),
            scope,
            client: Some(client),
            expires_at: now.plus_seconds(i64::from(LIFE_SECONDS)),
            state: State::Pending,
        };
        // One in 2^34: this client tries again, and nobody's login is taken over.
        if !rows::insert(&self.store, &row, Some(device_code.digest()))? {
            return Ok(Begun::RateLimited { retry_after: 1 });
        }
        Ok(Begun::Made { device_code, user_code, expires_in: LIFE_SECONDS, interval: INTERVAL_SECONDS })
    }

    fn show(&mut self, now: Timestamp, name: &LoginName) -> Result<Shown, StoreError> {
        Ok(match self.find(now, name.digest())? {
            Some(row) if row.state != State::Pending => Shown::Decided,
            Some(row) => Shown::Found(asking(row)),
            None => match name {
                LoginName::UserCode(_) => Shown::Unknown,
                LoginName::Key(_) => Shown::Found(self.asking_with_key(now, name.digest())),
            },
        })
    }

    /// Writes a member's decision down. The same decision once more changes nothing.
    fn decide(&mut self, now: Timestamp, name: &LoginName, approval: Option<Approval>) -> Result<Shown, StoreError> {
        let digest = name.digest();
        let state = approval.map_or(State::Denied, State::Approved);
        match self.find(now, digest)? {
            Some(row) if row.state == State::Pending => {
                rows::set_state(&self.store, digest, state)?;
                Ok(Shown::Found(asking(row)))
            }
            Some(row) if row.state == state => Ok(Shown::Found(asking(row))),
            Some(_) => Ok(Shown::Decided),
            None if matches!(name, LoginName::UserCode(_)) => Ok(Shown::Unknown),
            // Whoever approves compares where both sides are. Nothing asks yet: a link alone could bring anybody's key.
            None if matches!(state, State::Approved(_)) && self.polls.client(now, digest).is_none() => {
                Ok(Shown::Unasked)
            }
            None => {
                self.prepare()?;
                if rows::count(&self.store)? >= MAX_LOGINS {
                    return Ok(Shown::Unknown);
                }
                let asking = self.asking_with_key(now, digest);
                let row = Row {
                    digest,
                    client_id: None,
                    scope: None,
                    client: asking.client.clone(),
                    expires_at: asking.expires_at,
                    state,
                };
                rows::insert(&self.store, &row, None)?;
                Ok(Shown::Found(asking))
            }
        }
    }

    /// What is known of a client with a key of its own, before anything was written of it.
    fn asking_with_key(&self, now: Timestamp, digest: Digest) -> Asking {
        Asking {
            client_id: None,
            scope: None,
            client: self.polls.client(now, digest).cloned(),
            expires_at: now.plus_seconds(i64::from(LIFE_SECONDS)),
        }
    }

    /// A client asks whether it was decided.
    fn collect(
        &mut self,
        now: Timestamp,
        with: &Collector,
        client_id: Option<&str>,
        client: Client,
    ) -> Result<Found, StoreError> {
        let found = match with {
            // RFC 8628, section 3.4: a code is the client's that began.
            Collector::DeviceCode(code) => {
                self.find_device(now, code)?.filter(|row| row.client_id.as_deref() == client_id)
            }
            Collector::Key(key) => self.find(now, LoginName::Key(key.clone()).digest())?,
        };
        let Some(row) = found else {
            return Ok(Found::Answer(match with {
                Collector::DeviceCode(_) => Collected::Unknown,
                Collector::Key(key) => {
                    // Kept in memory alone, so that whoever decides sees from where it asks.
                    self.polls.note(now, LoginName::Key(key.clone()).digest(), client);
                    Collected::Pending
                }
            }));
        };
        let busy = self.collecting.values().any(|(_, digest)| *digest == row.digest);
        Ok(match row.state {
            State::Approved(approval) if !busy => Found::Approved(row.digest, approval),
            State::Denied => {
                rows::delete(&self.store, row.digest)?;
                Found::Answer(Collected::Denied)
            }
            State::Pending if matches!(with, Collector::DeviceCode(_)) => {
                match self.polls.pace(now, row.digest, client) {
                    Pace::Good => Found::Answer(Collected::Pending),
                    Pace::TooFast { interval } => Found::Answer(Collected::SlowDown { interval }),
                }
            }
            State::Pending | State::Approved(_) => Found::Answer(Collected::Pending),
        })
    }

    /// Asks the authority for the token.
    fn fetch(&mut self, call: CallId, digest: Digest, approval: Approval) -> Result<Vec<Effect>, StoreError> {
        let json = answer::json(&OrganizationCall::CollectLogin { token: approval.token })?;
        let id = self.ids.next();
        self.collecting.insert(id, (call, digest));
        Ok(vec![Effect::Ask { id, target: Target::Organization(approval.organization), json }])
    }

    /// The authority has answered, or could not be reached: then it is asked again when the client is back.
    fn fetched(&mut self, id: EffectId, answer: Option<String>) -> Option<Effect> {
        let (call, digest) = self.collecting.remove(&id)?;
        let response: Option<HttpResponse> = answer.and_then(|json| symbolon::json::read(&json).ok());
        let collected = match response {
            Some(HttpResponse { status: 201, body, .. }) => match symbolon::json::read::<LoginToken>(&body) {
                Ok(token) => Collected::Token(token),
                Err(_) => Collected::Unavailable,
            },
            Some(HttpResponse { status: 202, .. }) => Collected::Pending,
            // Anything about now and not about the login: it can be asked again.
            None | Some(HttpResponse { status: 429 | 500.., .. }) => Collected::Unavailable,
            Some(_) => Collected::Denied,
        };
        let ended = matches!(collected, Collected::Denied | Collected::Token(_));
        if ended && let Err(fault) = rows::delete(&self.store, digest) {
            // A code is good for one token: without the row gone, none is told.
            return Some(Effect::Fail { id: call, fault: fault.to_string() });
        }
        Some(match answer::json(&collected) {
            Ok(json) => Effect::Reply { id: call, json },
            Err(fault) => Effect::Fail { id: call, fault: fault.to_string() },
        })
    }

    fn find(&mut self, now: Timestamp, digest: Digest) -> Result<Option<Row>, StoreError> {
        if self.is_prepared()? { rows::find(&self.store, now, digest) } else { Ok(None) }
    }

    fn find_device(&mut self, now: Timestamp, code: &DeviceCode) -> Result<Option<Row>, StoreError> {
        if self.is_prepared()? { rows::find_device(&self.store, now, code.digest()) } else { Ok(None) }
    }

    fn is_prepared(&mut self) -> Result<bool, StoreError> {
        if !self.prepared {
            self.prepared = rows::exist(&self.store)?;
        }
        Ok(self.prepared)
    }

    fn prepare(&mut self) -> Result<(), StoreError> {
        if !self.is_prepared()? {
            self.store.transaction(|| rows::create(&self.store))?;
            self.prepared = true;
        }
        Ok(())
    }

    /// The alarm for the next login that runs out, unless one is set already.
    fn alarm(&mut self) -> Result<Option<Effect>, StoreError> {
        if self.alarm_set || !self.prepared {
            return Ok(None);
        }
        let Some(at) = rows::next_end(&self.store)? else { return Ok(None) };
        self.alarm_set = true;
        Ok(Some(Effect::SetAlarm { at }))
    }

    /// Forgets what has run out.
    fn sweep(&mut self, now: Timestamp) -> Result<Option<Effect>, StoreError> {
        self.alarm_set = false;
        if self.is_prepared()? {
            rows::delete_ended(&self.store, now)?;
        }
        self.alarm()
    }
}

/// What became of a client's question.
enum Found {
    Answer(Collected),
    Approved(Digest, Approval),
}

fn asking(row: Row) -> Asking {
    Asking { client_id: row.client_id, scope: row.scope, client: row.client, expires_at: row.expires_at }
}

impl<S: Store> Machine for Login<S> {
    fn on(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
        match event {
            Event::Call { id, json } => match answer::read(&json).and_then(|call| self.call(context, id, call)) {
                Ok(effects) => effects,
                Err(fault) => vec![Effect::Fail { id, fault: fault.to_string() }],
            },
            Event::Answered { id, answer } => self.fetched(id, answer.ok()).into_iter().collect(),
            Event::Alarm => {
                let next = self.sweep(context.now);
                // What could not be forgotten now is forgotten later; until then it is refused by its time.
                let retry = || Some(Effect::SetAlarm { at: context.now.plus_seconds(i64::from(LIFE_SECONDS)) });
                next.unwrap_or_else(|_| retry()).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
