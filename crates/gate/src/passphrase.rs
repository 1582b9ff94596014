//! The passphrase of a token that has one.
//!
//! A try is reserved at the authority before anything is hashed, so that the lock holds everywhere and a crash counts
//! as a wrong try. A right one is remembered for that version of the record: it is hashed slowly once, not at every
//! request.

use argon2::{Argon2, PasswordHasher as _};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use symbolon::policy::PassphraseRules;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Record;
use symbolon::protocol::message::{Attempted, Done, HttpRequest, OrganizationCall};
use symbolon::token::Secret;

use crate::context::{Context, Hop};
use crate::decide::{Refusal, seconds_until};
use crate::slow;

/// Asks for the passphrase, if the token has one.
pub(crate) async fn check(context: &Context, record: &Record, given: Option<&Secret>) -> Result<(), Refusal> {
    let Some(hash) = &record.passphrase else { return Ok(()) };
    let given = given.ok_or_else(|| Refusal::new(Code::PassphraseRequired))?;
    let remembered = remembered_as(record, given);
    if context.gate.state.borrow_mut().passphrases.get(&remembered).is_some() {
        return Ok(());
    }
    let client = context.guesser();
    let call = OrganizationCall::Attempt { token: record.token, client: client.clone() };
    match context.timed(Hop::Authority, context.io.organization(record.short_id, &call)).await? {
        Attempted::Reserved => {}
        Attempted::Locked { until } => {
            let seconds = seconds_until(until, context.io.now());
            return Err(Problem::new(Code::Locked).retry_after(seconds).into());
        }
        Attempted::Limited { seconds } => return Err(Problem::new(Code::RateLimited).retry_after(seconds).into()),
        Attempted::Unknown => return Err(Refusal::new(Code::UnknownToken)),
    }
    let right = slow::passphrase_matches(given.expose().as_bytes(), hash);
    let call = OrganizationCall::Settle { token: record.token, right, client };
    // Where this is lost, the try stays counted as wrong: the safe side.
    let _settled: Result<Done, _> =
        context.timed(Hop::Authority, context.io.organization(record.short_id, &call)).await;
    if !right {
        return Err(Refusal::new(Code::PassphraseWrong));
    }
    context.gate.state.borrow_mut().passphrases.put(remembered, ());
    Ok(())
}

/// The hash (Argon2id, 19 MiB, two passes) of the passphrase that a management call sets: slow, so it is made here and
/// not in the authority, and only where that has judged everything else, the length included, and has asked for it.
///
/// # Errors
/// Our own fault: there is no passphrase that any kind could have, or the hash could not be made.
pub(crate) fn hash_of_body(context: &Context, request: &HttpRequest) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Sets {
        passphrase: String,
    }
    let internal = || Refusal::new(Code::Internal);
    let Sets { passphrase } = symbolon::json::read(&request.body).map_err(|_| internal())?;
    let given = Secret::from_string(passphrase);
    if given.expose().chars().count() > usize::from(PassphraseRules::MAX) {
        return Err(internal());
    }
    let salt = context.gate.state.borrow_mut().salt();
    let hash = Argon2::default().hash_password_with_salt(given.expose().as_bytes(), &salt).map_err(|_| internal())?;
    Ok(hash.to_string())
}

/// Only whoever has token, passphrase and record can name it; a new version of the record is another name.
fn remembered_as(record: &Record, given: &Secret) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(record.token.to_string());
    hash.update(record.version.get().to_be_bytes());
    hash.update(given.expose());
    hash.finalize().into()
}
