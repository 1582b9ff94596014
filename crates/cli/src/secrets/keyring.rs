//! The system's keyring: Keychain, Credential Manager, or the Secret Service of a Linux desktop.
//!
//! On Linux not the kernel's keyring, which forgets at the next start and after three days without use.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::Place;
use crate::failure::Failure;

/// What all entries have in common.
const SERVICE: &str = "symbolon";

/// A keyring.
pub(super) struct Keyring(Arc<CredentialStore>);

impl Keyring {
    /// The keyring of this system.
    ///
    /// # Errors
    /// [`Failure::Local`] where there is none.
    pub(super) fn system() -> Result<Self, Failure> {
        system_store().map(Self)
    }

    fn entry(&self, account: &str) -> Result<Entry, Failure> {
        self.0.build(SERVICE, account, None).map_err(failed)
    }
}

#[cfg(target_os = "linux")]
fn system_store() -> Result<Arc<CredentialStore>, Failure> {
    Ok(dbus_secret_service_keyring_store::Store::new().map_err(failed)?)
}

#[cfg(target_os = "macos")]
fn system_store() -> Result<Arc<CredentialStore>, Failure> {
    Ok(apple_native_keyring_store::keychain::Store::new().map_err(failed)?)
}

#[cfg(windows)]
fn system_store() -> Result<Arc<CredentialStore>, Failure> {
    Ok(windows_native_keyring_store::Store::new().map_err(failed)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn system_store() -> Result<Arc<CredentialStore>, Failure> {
    Err(Failure::local("the keyring", "none is known on this system"))
}

/// Some of these errors carry what was stored: it is never shown.
fn failed(error: Error) -> Failure {
    let why = match error {
        Error::PlatformFailure(error) | Error::NoStorageAccess(error) => error.to_string(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "it holds something that symbolon did not write".to_owned(),
        Error::Ambiguous(_) => "it holds more than one secret of this name".to_owned(),
        Error::TooLong(name, limit) => format!("{name} is longer than {limit}"),
        other => other.to_string(),
    };
    Failure::local("the keyring", why)
}

impl Place for Keyring {
    fn title(&self) -> String {
        "the system's keyring".to_owned()
    }

    fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        match self.entry(account)?.get_password() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn set(&self, account: &str, secret: &str) -> Result<(), Failure> {
        self.entry(account)?.set_password(secret).map_err(failed)
    }

    fn remove(&self, account: &str) -> Result<bool, Failure> {
        match self.entry(account)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use keyring_core::mock;

    use super::*;

    fn keyring() -> (Arc<mock::Store>, Keyring) {
        let store = mock::Store::new().unwrap();
        (store.clone(), Keyring(store))
    }

    #[test]
    fn a_secret_goes_in_and_out() {
        let (_, keyring) = keyring();
        let account = "https://tokens.example AAAAAA";
        assert!(keyring.get(account).unwrap().is_none());
        assert!(!keyring.remove(account).unwrap());
        keyring.set(account, "one").unwrap();
        keyring.set(account, "two").unwrap();
        assert_eq!(**keyring.get(account).unwrap().as_ref().unwrap(), "two");
        assert!(keyring.get("https://tokens.example BBBBBB").unwrap().is_none());
        assert!(keyring.remove(account).unwrap());
        assert!(keyring.get(account).unwrap().is_none());
    }

    #[test]
    fn what_the_keyring_holds_is_in_no_error() {
        let message = failed(Error::BadEncoding(b"secret-value".to_vec())).to_string();
        assert!(!message.contains("secret-value"), "{message}");
        let parsed = failed(Error::BadDataFormat(b"secret-value".to_vec(), "x".into())).to_string();
        assert!(!parsed.contains("secret-value"), "{parsed}");
    }
}
