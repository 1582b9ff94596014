//! The clock, randomness and the environment: read here, handed on as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use symbolon::time::Timestamp;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Random bytes of the system's cryptographic source.
///
/// # Errors
/// [`Failure::Local`] where the system has none to give.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| Failure::local("reading random bytes", error))?;
    Ok(bytes)
}

/// A variable of the environment; an empty one counts as not set.
///
/// # Errors
/// [`Failure::Input`] where it is not Unicode. Its value is not repeated.
pub(crate) fn variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match std::env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::input(format!("{name} is not text"))),
    }
}
