//! What is true, as nobody in the world can see it: every state of every token, and when changes had returned.
//!
//! States are read from the organisation's own database after each event that was kept, so the judgement of a run rests
//! on what was committed and on when messages left and arrived, and on nothing that gate or authority say.

use std::collections::BTreeMap;

use symbolon::id::TokenId;
use symbolon::protocol::ProofKind;
use symbolon_authority::store::{Row, Value};

use crate::disk::Database;

/// How far the clocks of the world may disagree on the time, in milliseconds; only ends that are a time need this.
const DISAGREE_MILLIS: i64 = 20_000;
/// How long a widening may take to be seen everywhere, in milliseconds: the longest lease, and a takeover's wait.
const WIDENS_WITHIN_MILLIS: i64 = 60_000;

/// How an authority carried a call out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Carried {
    /// The organisation's epoch after that.
    pub(crate) epoch: u64,
    /// Whether anything was changed: what is asked for again changes nothing.
    pub(crate) anew: bool,
}

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// `api:read`.
    Read,
    /// `api:write`.
    Write,
}

/// A token from one epoch to the next.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) epoch: u64,
    /// When it was committed, on the true clock.
    at: i64,
    stands: bool,
    reads: bool,
    writes: bool,
    expires_at: Option<i64>,
    /// What proves it, by digest or thumbprint, and until when.
    proofs: Vec<(String, Option<i64>)>,
    /// Whether it is what older storage says, and nothing has come of that yet.
    put_back: bool,
}

/// One organisation's truth.
#[derive(Clone, Default)]
pub(crate) struct Truth {
    epoch: u64,
    tokens: BTreeMap<TokenId, Vec<State>>,
    /// When changes had returned, and as of which epoch they hold since: both never fall.
    held: Vec<(i64, u64)>,
    /// The epoch of storage that was put back, until something is changed.
    put_back_to: Option<u64>,
}

const TOKEN: &str =
    "SELECT token.id, token.revoked_at IS NULL AND token.active AND coalesce(member.status = 'active', 1),
    token.choice, coalesce(member.role, 'owner'), token.expires_at, token.version
    FROM token LEFT JOIN member ON member.id = token.owner";

impl Truth {
    /// What a database says from the start.
    pub(crate) fn begin(database: &Database) -> Self {
        let mut truth = Self { epoch: epoch(database), ..Self::default() };
        for row in database.look(TOKEN, &[]) {
            let (id, state) = read(database, &row, i64::MIN);
            truth.tokens.insert(id, vec![state]);
        }
        truth
    }

    /// Takes note of what was committed. Says what must never be.
    pub(crate) fn observe(&mut self, database: &Database, now: i64) -> Result<(), String> {
        let epoch = epoch(database);
        if self.put_back_to == Some(epoch) {
            return Ok(());
        }
        self.put_back_to = None;
        if epoch < self.epoch {
            return Err(format!("the epoch went back from {} to {epoch}", self.epoch));
        }
        if epoch == self.epoch {
            return Ok(());
        }
        let since = [Value::count(self.epoch).expect("a count")];
        self.epoch = epoch;
        let sql = format!("{TOKEN} WHERE token.id IN (SELECT token FROM change WHERE epoch > ?1)");
        for row in database.look(&sql, &since) {
            let (id, state) = read(database, &row, now);
            self.tokens.entry(id).or_default().push(state);
        }
        Ok(())
    }

    /// The storage is an older one from here on: each token that had changed since is what it was, and one that had been
    /// made since is none. That is as if it had been changed, after everything that is lost.
    pub(crate) fn put_back(&mut self, database: &Database, now: i64) {
        let stored = Self::begin(database);
        self.put_back_to = Some(stored.epoch);
        self.epoch += 1;
        for (id, states) in &mut self.tokens {
            let Some(last) = states.last() else { continue };
            let state = stored.tokens.get(id).and_then(|states| states.first());
            if state.is_some_and(|state| state.epoch == last.epoch) {
                continue;
            }
            let state = state.cloned().unwrap_or_else(|| State { stands: false, ..last.clone() });
            states.push(State { epoch: self.epoch, at: now, put_back: true, ..state });
        }
    }

    /// Whether a token is as older storage says, and no edge has brought that to light.
    pub(crate) fn is_put_back(&self, token: TokenId) -> bool {
        self.newest(token).is_some_and(|state| state.put_back)
    }

    /// Whether a token had this secret only in what was lost when older storage came: its row in the directory is nobody's
    /// to change, and says for ever what it said.
    pub(crate) fn is_lost(&self, token: TokenId, proof: &str) -> bool {
        let states = self.tokens.get(&token).map(Vec::as_slice).unwrap_or_default();
        let Some(back) = states.iter().rposition(|state| state.put_back) else { return false };
        !states.iter().skip(back).any(|state| state.proofs.iter().any(|(name, _)| name == proof))
    }

    /// The epoch now.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A change has returned to whoever asked for it: everything up to that epoch holds from here on.
    pub(crate) fn holds_since(&mut self, now: i64, epoch: u64) {
        let most = self.held.last().map_or(0, |(_, epoch)| *epoch).max(epoch);
        self.held.push((now, most));
    }

    fn held_before(&self, sent: i64) -> u64 {
        let before = self.held.partition_point(|(at, _)| *at < sent);
        before.checked_sub(1).and_then(|last| self.held.get(last)).map_or(0, |(_, epoch)| *epoch)
    }

    /// Whether a request that was sent and accepted at these times may have been (I1).
    pub(crate) fn may_accept(
        &self,
        token: TokenId,
        proof: &str,
        need: Need,
        sent: i64,
        ended: i64,
    ) -> Result<(), String> {
        let held = self.held_before(sent);
        let states = self.tokens.get(&token).map(Vec::as_slice).unwrap_or_default();
        let first = states.iter().rposition(|state| state.epoch <= held).unwrap_or(0);
        let possible = states.iter().skip(first).filter(|state| state.at <= ended);
        if possible.clone().any(|state| state.permits(proof, need, sent - DISAGREE_MILLIS)) {
            return Ok(());
        }
        let states: Vec<&State> = possible.collect();
        Err(format!(
            "accepted for {need:?}, sent at {sent} and ended at {ended}, when epoch {held} was held: {states:?}"
        ))
    }

    /// Whether a request that was sent and refused at these times may have been, for a credential that had been handed
    /// out before (I2, and that nothing is refused that stood all along).
    pub(crate) fn may_refuse(
        &self,
        token: TokenId,
        proof: &str,
        need: Need,
        sent: i64,
        ended: i64,
    ) -> Result<(), String> {
        let states = self.tokens.get(&token).map(Vec::as_slice).unwrap_or_default();
        // Before it existed does not count: it had been handed out.
        let known = states.iter().position(|state| state.proofs.iter().any(|(name, _)| name == proof)).unwrap_or(0);
        let first = states.iter().rposition(|state| state.at <= sent - WIDENS_WITHIN_MILLIS).unwrap_or(0).max(known);
        let mut possible = states.iter().skip(first).filter(|state| state.at <= ended);
        if states.is_empty() || possible.any(|state| !state.permits(proof, need, ended + DISAGREE_MILLIS)) {
            return Ok(());
        }
        Err(format!("refused for {need:?}, sent at {sent} and ended at {ended}: {states:?}"))
    }

    /// The epoch of a token's newest state that this epoch has.
    pub(crate) fn newest_until(&self, token: TokenId, epoch: u64) -> Option<u64> {
        self.tokens.get(&token)?.iter().map(|state| state.epoch).filter(|it| *it <= epoch).max()
    }

    /// Whether a token's end was moved to a later time at this epoch: nothing is waited for then.
    pub(crate) fn ends_later(&self, token: TokenId, epoch: u64) -> bool {
        let states = self.tokens.get(&token).map(Vec::as_slice).unwrap_or_default();
        let end = |state: &State| state.expires_at.unwrap_or(i64::MAX);
        let now = states.iter().position(|state| state.epoch == epoch);
        now.and_then(|now| Some(end(states.get(now.checked_sub(1)?)?) < end(&states[now]))).unwrap_or(false)
    }

    /// What a token is now.
    pub(crate) fn newest(&self, token: TokenId) -> Option<&State> {
        self.tokens.get(&token)?.last()
    }

    /// Tokens that have changed since the start.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (TokenId, &State)> {
        self.tokens
            .iter()
            .filter(|(_, states)| states.len() > 1 || states.iter().all(|state| state.at > i64::MIN))
            .filter_map(|(id, states)| Some((*id, states.last()?)))
            .filter(|(_, state)| !state.put_back)
    }
}

impl State {
    /// Whether this proof permits that, for all that could be the time.
    pub(crate) fn permits(&self, proof: &str, need: Need, now: i64) -> bool {
        let lives = |end: Option<i64>| end.is_none_or(|end| now < end);
        self.stands
            && lives(self.expires_at)
            && self.proofs.iter().any(|(name, until)| name == proof && lives(*until))
            && match need {
                Need::Read => self.reads,
                Need::Write => self.writes,
            }
    }
}

/// The organisation's epoch.
pub(crate) fn epoch(database: &Database) -> u64 {
    database.look("SELECT epoch FROM organization", &[])[0].get(0).expect("the epoch")
}

fn read(database: &Database, row: &Row, at: i64) -> (TokenId, State) {
    let id: TokenId = row.parsed(0).expect("the token's id");
    let choice: serde_json::Value = row.json(2).expect("its choice");
    let has = |scope: &str| choice["scopes"].as_array().is_some_and(|scopes| scopes.iter().any(|it| it == scope));
    let role: String = row.get(3).expect("its owner's role");
    let proofs = database
        .look("SELECT proof, until FROM proof WHERE token = ?1", &[Value::text(&id)])
        .iter()
        .map(|row| {
            let name = match row.json::<ProofKind>(0).expect("a proof") {
                ProofKind::Bearer { digest } => digest.to_string(),
                ProofKind::Key { thumbprint, .. } => thumbprint.to_string(),
                ProofKind::Bcrypt { .. } => panic!("nothing with bcrypt is made here"),
            };
            (name, row.get(1).expect("its end"))
        })
        .collect();
    let state = State {
        epoch: row.get(5).expect("its version"),
        at,
        stands: row.get(1).expect("whether it stands"),
        reads: has("read") || has("write"),
        writes: has("write") && role != "viewer",
        expires_at: row.get(4).expect("its end"),
        proofs,
        put_back: false,
    };
    (id, state)
}
