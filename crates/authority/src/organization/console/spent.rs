//! Challenges that were used: a challenge is nobody's to remember until then.

use symbolon::problem::{Code, Problem};
use symbolon::protocol::session::{Challenge, ChallengeError, Purpose};
use symbolon::time::Timestamp;

use super::super::failure::Result;
use crate::machine::Context;
use crate::store::Store;

/// Checks a challenge and uses it up. The inner error is the caller's: what was written is to be kept.
pub(crate) fn spend<S: Store>(
    store: &S,
    context: &Context<'_>,
    purpose: Purpose,
    challenge: &str,
) -> Result<core::result::Result<(), Problem>> {
    let instance = super::instance(context)?;
    let until = match Challenge::check(&instance, purpose, context.now, challenge) {
        Ok(until) => until,
        Err(ChallengeError::Expired) => {
            let detail = "The challenge is older than five minutes: begin again.";
            return Ok(Err(Problem::new(Code::SignatureStale).detail(detail)));
        }
        Err(ChallengeError::Foreign) => {
            let detail = "The challenge was not made here for this.";
            return Ok(Err(Problem::new(Code::SignatureInvalid).detail(detail)));
        }
    };
    if !first(store, context, challenge, until)? {
        return Ok(Err(Problem::new(Code::Replayed).detail("The challenge was used before: begin again.")));
    }
    Ok(Ok(()))
}

/// Uses up what may be used once, and says whether it is the first time.
pub(crate) fn first<S: Store>(store: &S, context: &Context<'_>, name: &str, until: Timestamp) -> Result<bool> {
    store.execute("DELETE FROM spent_challenge WHERE until <= ?1", &[context.now.into()])?;
    let written = store.execute(
        "INSERT INTO spent_challenge (challenge, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING 1",
        &[name.into(), until.into()],
    )?;
    Ok(!written.is_empty())
}
