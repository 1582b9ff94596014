//! How often something may be done: so many times in so many seconds, for each subject.

use symbolon::id::{MemberId, TokenId};
use symbolon::policy::Rate;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;

use super::failure::Result;
use crate::store::Store;

/// How many subjects are remembered at most; beyond that, those whose time has run out are forgotten.
const MAX_SUBJECTS: u64 = 10_000;

/// Takes back one that was counted for each subject: it turned out well.
pub(crate) fn give_back<S: Store>(store: &S, subjects: &[String]) -> Result<()> {
    for subject in subjects {
        store.execute("UPDATE rate SET count = max(count - 1, 0) WHERE subject = ?1", &[subject.into()])?;
    }
    Ok(())
}

/// What the verifications of a token that failed are counted under.
pub(crate) const REFUSED: &str = "refused";

/// Whom something counts against: the token in use, its member, and the network it comes from.
pub(crate) fn subjects(what: &str, token: TokenId, member: Option<MemberId>, client: &Client) -> Vec<String> {
    let member = member.map(|id| self::member(what, id));
    let network = client.address.as_ref().map(|_| network(what, client));
    [Some(format!("{what} token {token}")), member, network].into_iter().flatten().collect()
}

/// The member whose token, or who, does something.
pub(crate) fn member(what: &str, id: MemberId) -> String {
    format!("{what} member {id}")
}

/// The network that something comes from; all of those that nobody knows are one.
pub(crate) fn network(what: &str, client: &Client) -> String {
    format!("{what} address {}", client.network())
}

/// Counts one more for each subject, if each may have one more.
///
/// # Errors
/// `rate_limited` if one of them has had as many as it may; then none is counted.
pub(crate) fn take<S: Store>(store: &S, now: Timestamp, rate: Rate, subjects: &[String]) -> Result<()> {
    check(store, now, rate, subjects)?;
    count(store, now, rate, subjects)
}

/// Whether each subject may have one more.
///
/// # Errors
/// `rate_limited` if not.
pub(crate) fn check<S: Store>(store: &S, now: Timestamp, rate: Rate, subjects: &[String]) -> Result<()> {
    match wait(store, now, rate, subjects)? {
        None => Ok(()),
        Some(seconds) => Err(Problem::new(Code::RateLimited)
            .detail(format!("At most {} in {} seconds.", rate.max, rate.seconds))
            .retry_after(seconds)
            .into()),
    }
}

/// In how many seconds the first of them may have one more that has had as many as it may; none where each may now.
pub(crate) fn wait<S: Store>(store: &S, now: Timestamp, rate: Rate, subjects: &[String]) -> Result<Option<u32>> {
    let window = i64::from(rate.seconds).saturating_mul(1000);
    for subject in subjects {
        let rows = store.execute("SELECT since, count FROM rate WHERE subject = ?1", &[subject.into()])?;
        let Some(row) = rows.first() else { continue };
        let ends = row.get::<Timestamp>(0)?.plus_millis(window);
        if now < ends && row.get::<u32>(1)? >= u32::from(rate.max) {
            let seconds = ends.millis_since(now).div_euclid(1000).saturating_add(1);
            return Ok(Some(u32::try_from(seconds).unwrap_or(rate.seconds)));
        }
    }
    Ok(None)
}

/// Counts one more for each subject, whatever it may have.
pub(crate) fn count<S: Store>(store: &S, now: Timestamp, rate: Rate, subjects: &[String]) -> Result<()> {
    add(store, now, rate, subjects, 1)
}

/// Counts so many more for each subject, whatever it may have.
pub(crate) fn add<S: Store>(store: &S, now: Timestamp, rate: Rate, subjects: &[String], more: u32) -> Result<()> {
    let window = i64::from(rate.seconds).saturating_mul(1000);
    let begun = now.plus_millis(window.saturating_neg());
    for subject in subjects {
        store.execute(
            "INSERT INTO rate (subject, since, count) VALUES (?1, ?2, ?4)
                ON CONFLICT (subject) DO UPDATE SET count = CASE WHEN since <= ?3 THEN ?4 ELSE count + ?4 END,
                    since = CASE WHEN since <= ?3 THEN ?2 ELSE since END",
            &[subject.into(), now.into(), begun.into(), more.into()],
        )?;
    }
    let rows = store.execute("SELECT count(*) FROM rate", &[])?;
    let count: u64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
    if count > MAX_SUBJECTS {
        store.execute("DELETE FROM rate WHERE since <= ?1", &[begun.into()])?;
    }
    Ok(())
}
