//! How often something may be done: so many times in so many seconds, for each subject.

use symbolon::id::{MemberId, TokenId};
use symbolon::policy::Rate;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::Client;
use symbolon::time::Timestamp;

use super::failure::Result;
use crate::store::{Store, Value};

/// How many subjects are remembered at most.
const MAX_SUBJECTS: u64 = 10_000;
/// For how many more there is room where there were too many, so that this is seldom.
const ROOM: u64 = 500;

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

/// The network that something comes from; all of those that nobody knows are one, for whoever
/// counts them at all.
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
    let mut began = false;
    for subject in subjects {
        let rows = store.execute(
            "INSERT INTO rate (subject, since, count, ends) VALUES (?1, ?2, ?4, ?5)
                ON CONFLICT (subject) DO UPDATE SET count = CASE WHEN since <= ?3 THEN ?4 ELSE count + ?4 END,
                    since = CASE WHEN since <= ?3 THEN ?2 ELSE since END,
                    ends = CASE WHEN since <= ?3 THEN ?5 ELSE since + ?5 - ?2 END
                RETURNING since = ?2",
            &[subject.into(), now.into(), begun.into(), more.into(), now.plus_millis(window).into()],
        )?;
        began |= rows.first().map_or(Ok(0), |row| row.get::<u32>(0))? != 0;
    }
    // Nothing else makes a row.
    if began { forget(store, now) } else { Ok(()) }
}

/// Lets those leave whose own time has run out, and where there are too many all the same, those that have the least of
/// it left: what holds for a day is not pushed out by what holds for a minute.
fn forget<S: Store>(store: &S, now: Timestamp) -> Result<()> {
    store.execute("DELETE FROM rate WHERE ends <= ?1", &[now.into()])?;
    let rows = store.execute("SELECT count(*) FROM rate", &[])?;
    let count: u64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
    if count > MAX_SUBJECTS {
        let most = Value::count(count.saturating_sub(MAX_SUBJECTS).saturating_add(ROOM))?;
        store.execute(
            "DELETE FROM rate WHERE subject IN (SELECT subject FROM rate ORDER BY ends, since LIMIT ?1)",
            &[most],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organization::schema::FORM;
    use crate::store::Sqlite;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAY: Rate = Rate { max: 1, seconds: 86_400 };
    const MINUTE: Rate = Rate { max: 1, seconds: 60 };

    fn subject(name: impl Into<String>) -> [String; 1] {
        [name.into()]
    }

    fn rows(store: &Sqlite) -> u64 {
        store.execute("SELECT count(*) FROM rate", &[]).unwrap()[0].get(0).unwrap()
    }

    #[test]
    fn what_holds_for_long_is_not_forgotten_for_what_does_not_and_all_of_it_is_bounded() {
        let store = Sqlite::in_memory().unwrap();
        FORM.create(&store).unwrap();
        let held = |seconds| wait(&store, NOW.plus_seconds(seconds), DAY, &subject("a day")).unwrap().is_some();
        count(&store, NOW, DAY, &subject("a day")).unwrap();
        // So many that each has a minute.
        let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
            INSERT INTO rate SELECT 's' || n, ?2, 1, ?3 FROM n";
        let number = Value::count(MAX_SUBJECTS + 50).unwrap();
        store.execute(fill, &[number, NOW.into(), NOW.plus_seconds(60).into()]).unwrap();
        count(&store, NOW.plus_seconds(30), MINUTE, &subject("late")).unwrap();
        assert_eq!(rows(&store), MAX_SUBJECTS - ROOM);
        assert!(held(31));
        let late = wait(&store, NOW.plus_seconds(31), MINUTE, &subject("late")).unwrap();
        assert!(late.is_some(), "those that end first leave first");
        for number in 0..2 * ROOM {
            count(&store, NOW.plus_seconds(31), MINUTE, &subject(format!("more {number}"))).unwrap();
            assert!(rows(&store) <= MAX_SUBJECTS);
        }
        // A minute later those are gone, whatever somebody counts by then.
        count(&store, NOW.plus_seconds(91), MINUTE, &subject("the last")).unwrap();
        assert_eq!(rows(&store), 2);
        assert!(held(92) && held(86_399) && !held(86_400));
        count(&store, NOW.plus_seconds(86_400), MINUTE, &subject("tomorrow")).unwrap();
        assert_eq!(rows(&store), 1);
    }

    #[test]
    fn a_window_ends_as_long_after_its_beginning_as_the_limit_says_now() {
        let store = Sqlite::in_memory().unwrap();
        FORM.create(&store).unwrap();
        count(&store, NOW, MINUTE, &subject("a")).unwrap();
        count(&store, NOW.plus_seconds(10), DAY, &subject("a")).unwrap();
        count(&store, NOW.plus_seconds(61), MINUTE, &subject("b")).unwrap();
        assert_eq!(wait(&store, NOW.plus_seconds(61), DAY, &subject("a")).unwrap(), Some(86_340));
    }
}
