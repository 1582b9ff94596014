//! Imported bcrypt hashes: tries of a secret, and the SHA-256 that takes a hash's place at the first success.
//!
//! A try is counted before the gate hashes, for the client's network and for each token that it is tried on from there,
//! and given back where the secret was right; as many wrong ones as the profile allows, and the next must wait. The token
//! itself is not locked, as with a passphrase: whoever tries knows no more than a public prefix, and has 2^180 secrets to
//! choose from. What is bounded here is what their tries cost; from all networks together a token may be tried
//! [`EVERYWHERE`] times as often, so that nobody locks its holder out with the prefix alone.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::policy::{Profile, Rate};
use symbolon::problem::Code;
use symbolon::protocol::ProofKind;
use symbolon::protocol::imported::{Hashed, MAX_CANDIDATES, Tried, Try, Upgrade, Upgraded, is_candidate_key};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;

use super::activity::{Action, Entry, Who};
use super::change::{Change, within};
use super::claims::{self, Wanted};
use super::failure::{Failure, Result};
use super::head::Head;
use super::http::create::digest_name;
use super::manage::Plan;
use super::token::{self, Token};
use super::{Organization, rate};
use crate::answer;
use crate::machine::{CallId, Context, Effect};
use crate::store::{Store, Value};

/// How many times as often a token may be tried from all networks together as from one.
const EVERYWHERE: u16 = 20;

impl<S: Store> Organization<S> {
    /// Reserves a try of a secret.
    pub(super) fn try_secret(&mut self, context: &Context<'_>, id: CallId, asked: &Try) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![replied(id, &Tried::Reserved { hashes: Vec::new() })];
        }
        let (store, profiles) = (&self.store, &mut self.profiles);
        let tried = store.transaction(|| -> Result<Tried> {
            let profile = profiles.current(store, &Head::read(store)?)?;
            reserve(store, context.now, &profile, asked)
        });
        vec![match tried {
            Ok(tried) => replied(id, &tried),
            Err(failure) => Effect::Fail { id, fault: failure.to_string() },
        }]
    }

    /// Puts a SHA-256 in a bcrypt hash's place: claims the name first, unless that is done.
    pub(super) fn upgrade(&mut self, context: &mut Context<'_>, id: CallId, upgrade: Upgrade) -> Vec<Effect> {
        if !self.leases.is_open() {
            return vec![replied(id, &Upgraded { done: false })];
        }
        let store = &self.store;
        match store.transaction(|| prepare(store, context.now, &upgrade)) {
            Ok(Next::Answer(done)) => vec![replied(id, &Upgraded { done })],
            Ok(Next::Claim(keys)) => self.claim(id, keys, Plan::Upgrade(Box::new(upgrade))),
            // Another call is about to claim the name for the same token.
            Err(Failure::Problem(_)) => vec![replied(id, &Upgraded { done: false })],
            Err(failure) => vec![Effect::Fail { id, fault: failure.to_string() }],
        }
    }

    /// The name is claimed, or could not be.
    pub(super) fn upgrade_claimed(
        &mut self,
        context: &mut Context<'_>,
        id: CallId,
        upgrade: &Upgrade,
        keys: &[Wanted],
        refused: Option<&[String]>,
    ) -> Effect {
        let store = &self.store;
        let now = context.now;
        let outcome = match refused {
            Some(refused) => claims::drop_all(store, now, keys, refused).map(|()| false),
            None => store.transaction(|| {
                claims::held(store, keys)?;
                replace(store, context, upgrade)?;
                Ok(true)
            }),
        };
        match outcome {
            Ok(done) => replied(id, &Upgraded { done }),
            Err(failure) => {
                if refused.is_none() {
                    // Should this fail as well, the alarm finds them.
                    drop(claims::drop_all(&self.store, now, keys, &[]));
                }
                match failure {
                    Failure::Problem(_) => replied(id, &Upgraded { done: false }),
                    failure => Effect::Fail { id, fault: failure.to_string() },
                }
            }
        }
    }
}

/// What an upgrade comes to before anything is claimed.
enum Next {
    /// Nothing more is to be done.
    Answer(bool),
    /// These names are to be claimed first.
    Claim(Vec<Wanted>),
}

fn reserve<S: Store>(store: &S, now: Timestamp, profile: &Profile, asked: &Try) -> Result<Tried> {
    let mut hashes = Vec::new();
    let mut tried = Vec::new();
    for id in asked.tokens.iter().take(MAX_CANDIDATES) {
        let Some(token) = Token::find(store, now, *id)? else { continue };
        if let Some(hash) = hash_of(store, now, *id)? {
            hashes.push(Hashed { token: *id, hash });
            tried.push(token);
        }
    }
    if hashes.is_empty() {
        return Ok(Tried::Reserved { hashes });
    }
    let failed = profile.limits().failed;
    let everywhere = Rate { max: failed.max.saturating_mul(EVERYWHERE), ..failed };
    let (near, far) = subjects(&tried, &asked.client);
    let taken = rate::check(store, now, failed, &near)
        .and_then(|()| rate::take(store, now, everywhere, &far))
        .and_then(|()| rate::count(store, now, failed, &near));
    match taken {
        Ok(()) => Ok(Tried::Reserved { hashes }),
        Err(Failure::Problem(problem)) if problem.code == Code::RateLimited => {
            let seconds = problem.retry_after.unwrap_or(profile.limits().failed.seconds);
            Ok(Tried::Limited { until: now.plus_seconds(i64::from(seconds)) })
        }
        Err(failure) => Err(failure),
    }
}

/// For whom a try counts: from where it comes, which is nowhere where somebody passes on what others present; and from
/// everywhere.
fn subjects(tokens: &[Token], client: &Client) -> (Vec<String>, Vec<String>) {
    let far: Vec<String> = tokens.iter().map(|token| format!("failed token {}", token.id)).collect();
    if client.address.is_none() {
        return (Vec::new(), far);
    }
    let here = rate::network("failed", client);
    let near = tokens.iter().map(|token| format!("{here} token {}", token.id));
    (near.chain([here.clone()]).collect(), far)
}

/// The bcrypt hash that a token has still, if any.
fn hash_of<S: Store>(store: &S, now: Timestamp, id: TokenId) -> Result<Option<symbolon::token::Bcrypt>> {
    let living = |end: Option<Timestamp>| end.is_none_or(|end| now < end);
    Ok(token::proofs(store, id)?.into_iter().find_map(|proof| match proof.kind {
        ProofKind::Bcrypt { hash } if living(proof.until) => Some(hash),
        _ => None,
    }))
}

fn prepare<S: Store>(store: &S, now: Timestamp, upgrade: &Upgrade) -> Result<Next> {
    let Some(token) = Token::find(store, now, upgrade.token)? else { return Ok(Next::Answer(false)) };
    let proofs = token::proofs(store, token.id)?;
    let is = |kind: &ProofKind| proofs.iter().any(|proof| proof.kind == *kind);
    if is(&ProofKind::Bearer { digest: upgrade.digest }) {
        return Ok(Next::Answer(true));
    }
    if !is(&ProofKind::Bcrypt { hash: upgrade.hash.clone() }) {
        return Ok(Next::Answer(false));
    }
    let (near, far) = subjects(core::slice::from_ref(&token), &upgrade.client);
    rate::give_back(store, &near)?;
    rate::give_back(store, &far)?;
    let keys = vec![Wanted { key: digest_name(&upgrade.digest), token: token.id }];
    // Where another call is about to claim it, this one leaves it alone.
    match claims::want(store, now, &keys) {
        Ok(()) => Ok(Next::Claim(keys)),
        Err(Failure::Problem(_)) => Ok(Next::Answer(false)),
        Err(failure) => Err(failure),
    }
}

fn replace<S: Store>(store: &S, context: &mut Context<'_>, upgrade: &Upgrade) -> Result<()> {
    let id = upgrade.token;
    let token = Token::find(store, context.now, id)?.ok_or(Code::Conflict)?;
    let who = Who { member: token.owner_id(), token: Some(id), client: upgrade.client.clone() };
    within(store, context, &who, |change| {
        let kept = ProofKind::Bcrypt { hash: upgrade.hash.clone() };
        // Same secret, same place among the token's secrets, same end.
        let generation = token::generation_of(change.store, id, &kept)?.ok_or(Code::Conflict)?;
        token::replace_proof(change.store, id, generation, &ProofKind::Bearer { digest: upgrade.digest })?;
        change.store.execute(
            "INSERT INTO credential (key, token) VALUES (?1, ?2)",
            &[digest_name(&upgrade.digest).into(), Value::text(&id)],
        )?;
        give_up(change, id)?;
        change.touch(id)?;
        change.log(&Entry::token(Action::TokenUpgrade, id, json!({ "from": "bcrypt", "to": "sha256" })))
    })?;
    Ok(())
}

/// Gives a token's place among the bcrypt hashes of its prefix up, if it has none any more.
pub(crate) fn give_up<S: Store>(change: &Change<'_, '_, S>, id: TokenId) -> Result<()> {
    if token::proofs(change.store, id)?.iter().any(|proof| matches!(proof.kind, ProofKind::Bcrypt { .. })) {
        return Ok(());
    }
    let rows = change.store.execute("SELECT key FROM credential WHERE token = ?1", &[Value::text(&id)])?;
    for row in rows {
        let key: String = row.get(0)?;
        if is_candidate_key(&key) {
            change.store.execute("DELETE FROM credential WHERE key = ?1", &[(&key).into()])?;
            claims::give_up(change.store, change.context.now, &Wanted { key, token: id })?;
        }
    }
    Ok(())
}

fn replied(id: CallId, answer: &impl serde::Serialize) -> Effect {
    match answer::json(answer) {
        Ok(json) => Effect::Reply { id, json },
        Err(fault) => Effect::Fail { id, fault: fault.to_string() },
    }
}
