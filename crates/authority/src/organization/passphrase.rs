//! Tries of a passphrase: reserved before the gate hashes, settled after.
//!
//! A reserved try counts as wrong until it is settled, so that many at once are no way around the limit. As many wrong
//! ones in a row as the profile says lock the token for as long as it says. Beside that, as many wrong ones as there may
//! be failed verifications hold up further tries for all of a member's tokens, and from where they came. Against where
//! they come from tries count only once they are known to be wrong: any number of good clients may be behind one address.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::policy::Profile;
use symbolon::protocol::message::{Attempted, Client};
use symbolon::time::Timestamp;

use super::activity::{self, Action, Entry, Who};
use super::change::within;
use super::failure::Result;
use super::rate;
use super::token::Token;
use crate::machine::Context;
use crate::store::{Store, Value};

/// What wrong passphrases are counted under.
const WRONG: &str = "wrong";
/// How long a reserved try may take until it counts as wrong for good, in milliseconds: a slow hash and a slow network.
const SETTLE_MILLIS: i64 = 30_000;

/// Reserves a try.
pub(crate) fn attempt<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    profile: &Profile,
    id: TokenId,
    client: &Client,
) -> Result<Attempted> {
    let now = context.now;
    let Some(token) = Token::find(store, now, id)?.filter(|token| token.revoked_at.is_none()) else {
        return Ok(Attempted::Unknown);
    };
    if let Some(until) = token.locked_until.filter(|until| now < *until) {
        return Ok(Attempted::Locked { until });
    }
    if token.wrong_tries >= u32::from(profile.limits().passphrase.max_wrong) {
        // All tries are taken. They may be settled any moment; those that nobody settles were wrong.
        let until = token.tried_at.unwrap_or(now).plus_millis(SETTLE_MILLIS);
        if now < until {
            return Ok(Attempted::Locked { until });
        }
        let who = Who { member: token.owner_id(), token: Some(id), client: Client::default() };
        return Ok(Attempted::Locked { until: lock(store, context, profile, &who, id)? });
    }
    let subjects = whose(&token, client);
    if let Some(seconds) = rate::wait(store, now, profile.limits().failed, &subjects)? {
        return Ok(Attempted::Limited { seconds });
    }
    rate::count(store, now, profile.limits().failed, &whose(&token, &Client::default()))?;
    store.execute(
        "UPDATE token SET wrong_tries = wrong_tries + 1, tried_at = ?2 WHERE id = ?1",
        &[Value::text(&id), now.into()],
    )?;
    Ok(Attempted::Reserved)
}

/// Says how a reserved try ended.
pub(crate) fn settle<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    profile: &Profile,
    id: TokenId,
    right: bool,
    client: &Client,
) -> Result<()> {
    let Some(token) = Token::find(store, context.now, id)? else { return Ok(()) };
    if right {
        store.execute("UPDATE token SET wrong_tries = 0 WHERE id = ?1", &[Value::text(&id)])?;
        rate::give_back(store, &whose(&token, &Client::default()))?;
        return Ok(());
    }
    if client.address.is_some() {
        rate::count(store, context.now, profile.limits().failed, &[rate::network(WRONG, client)])?;
    }
    let who = Who { member: token.owner_id(), token: Some(id), client: client.clone() };
    let random = context.random();
    let wrong = Entry::token(Action::TokenPassphraseWrong, id, json!({ "tries": token.wrong_tries }));
    activity::append(store, context.now, &random, &who, &wrong)?;
    if token.wrong_tries >= u32::from(profile.limits().passphrase.max_wrong) {
        lock(store, context, profile, &who, id)?;
    }
    Ok(())
}

/// Whom a try counts against: the token, its member, and where it came from, as far as that is told.
fn whose(token: &Token, client: &Client) -> Vec<String> {
    rate::subjects(WRONG, token.id, token.owner_id(), client)
}

fn lock<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    profile: &Profile,
    who: &Who,
    id: TokenId,
) -> Result<Timestamp> {
    let until = context.now.plus_seconds(i64::from(profile.limits().passphrase.lock_seconds));
    within(store, context, who, |change| {
        change.store.execute(
            "UPDATE token SET locked_until = ?2, wrong_tries = 0 WHERE id = ?1",
            &[Value::text(&id), until.into()],
        )?;
        change.touch(id)?;
        change.log(&Entry::token(Action::TokenLock, id, json!({ "until": until })))
    })?;
    Ok(until)
}
