//! Where the secrets of logins are kept: the system's keyring where there is one, else a file that only its owner can
//! read.
//!
//! One secret for each server and organisation. Which of the two places holds it is found by looking, so that a login
//! made where there is no keyring works on after one has appeared.

mod file;
mod keyring;

use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::settings::Keep;

/// A place for secrets. The account names server and organisation, and is no secret.
trait Place {
    /// What people read.
    fn title(&self) -> String;
    /// The secret of an account; none where there is none.
    fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, Failure>;
    /// Keeps a secret in place of the one before.
    fn set(&self, account: &str, secret: &str) -> Result<(), Failure>;
    /// Forgets a secret, and says whether there was one.
    fn remove(&self, account: &str) -> Result<bool, Failure>;
}

/// The places in use, the preferred one first.
pub(crate) struct Secrets(Vec<Box<dyn Place>>);

/// A secret and where it was found.
pub(crate) struct Found {
    /// The secret.
    pub(crate) secret: Zeroizing<String>,
    /// What people read of the place.
    pub(crate) place: String,
}

impl Secrets {
    /// The places that the settings ask for; `folder` is that of the settings.
    ///
    /// # Errors
    /// [`Failure::Local`] where the keyring is asked for and there is none.
    pub(crate) fn open(keep: Keep, folder: &Path) -> Result<Self, Failure> {
        let mut places: Vec<Box<dyn Place>> = Vec::new();
        if keep != Keep::File {
            match keyring::Keyring::system() {
                Ok(keyring) => places.push(Box::new(keyring)),
                // Without a keyring (a server, a container, a pipeline) the file is all there is.
                Err(_) if keep == Keep::Auto => {}
                Err(failure) => return Err(failure),
            }
        }
        if keep != Keep::Keyring {
            places.push(Box::new(file::SecretsFile::new(folder)));
        }
        Ok(Self(places))
    }

    /// The secret of an account.
    ///
    /// # Errors
    /// [`Failure::Local`] where no place has it and one cannot be read.
    pub(crate) fn get(&self, account: &str) -> Result<Option<Found>, Failure> {
        let mut failed = None;
        for place in &self.0 {
            match place.get(account) {
                Ok(Some(secret)) => return Ok(Some(Found { secret, place: place.title() })),
                Ok(None) => {}
                Err(failure) => failed = Some(failure),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Keeps a secret in the first place that takes it, forgets it in the others, and names the place.
    ///
    /// # Errors
    /// [`Failure::Local`] where none takes it.
    pub(crate) fn set(&self, account: &str, secret: &str) -> Result<String, Failure> {
        let mut failed = Failure::local("keeping the secret", "there is no place for it");
        for (at, place) in self.0.iter().enumerate() {
            match place.set(account, secret) {
                Ok(()) => {
                    for (_, other) in self.0.iter().enumerate().filter(|(other, _)| *other != at) {
                        // An older secret that cannot be removed is never looked at: this place comes first, or the
                        // other one does not work.
                        let _removed = other.remove(account);
                    }
                    return Ok(place.title());
                }
                Err(failure) => failed = failure,
            }
        }
        Err(failed)
    }

    /// Forgets a secret everywhere, and says whether there was one.
    ///
    /// # Errors
    /// [`Failure::Local`] where a place that may hold it cannot be changed.
    pub(crate) fn remove(&self, account: &str) -> Result<bool, Failure> {
        let mut found = false;
        for place in &self.0 {
            found |= place.remove(account)?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;

    /// A place that can fail on demand.
    #[derive(Default)]
    struct Memory {
        held: RefCell<BTreeMap<String, String>>,
        broken: bool,
    }

    impl Memory {
        fn checked(&self) -> Result<(), Failure> {
            if self.broken { Err(Failure::local("the keyring", "is locked")) } else { Ok(()) }
        }
    }

    impl Place for std::rc::Rc<Memory> {
        fn title(&self) -> String {
            "memory".to_owned()
        }

        fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, Failure> {
            self.checked()?;
            Ok(self.held.borrow().get(account).cloned().map(Zeroizing::new))
        }

        fn set(&self, account: &str, secret: &str) -> Result<(), Failure> {
            self.checked()?;
            self.held.borrow_mut().insert(account.to_owned(), secret.to_owned());
            Ok(())
        }

        fn remove(&self, account: &str) -> Result<bool, Failure> {
            self.checked()?;
            Ok(self.held.borrow_mut().remove(account).is_some())
        }
    }

    fn both(broken: bool) -> (std::rc::Rc<Memory>, tempfile::TempDir, Secrets) {
        let memory = std::rc::Rc::new(Memory { broken, ..Memory::default() });
        let folder = tempfile::tempdir().unwrap();
        let file = Box::new(file::SecretsFile::new(folder.path()));
        let secrets = Secrets(vec![Box::new(memory.clone()), file]);
        (memory, folder, secrets)
    }

    #[test]
    fn the_keyring_comes_first_and_the_file_serves_where_it_fails() {
        let (memory, folder, secrets) = both(false);
        assert_eq!(secrets.set("a", "one").unwrap(), "memory");
        assert_eq!(memory.held.borrow().get("a").map(String::as_str), Some("one"));
        assert!(!folder.path().join("credentials.toml").exists());
        assert!(secrets.remove("a").unwrap());
        assert!(secrets.get("a").unwrap().is_none());

        let (_, folder, secrets) = both(true);
        assert!(secrets.set("a", "one").unwrap().contains("credentials.toml"));
        assert!(folder.path().join("credentials.toml").exists());
        assert_eq!(*secrets.get("a").unwrap().unwrap().secret, "one");
        // What may still hold it could not be asked: nobody is told that it is gone.
        assert!(secrets.remove("a").is_err());
        assert!(secrets.get("b").is_err());
    }

    #[test]
    fn a_new_login_leaves_no_older_secret_in_the_file() {
        let (_, folder, secrets) = both(false);
        file::SecretsFile::new(folder.path()).set("a", "old").unwrap();
        assert_eq!(*secrets.get("a").unwrap().unwrap().secret, "old");
        secrets.set("a", "new").unwrap();
        assert_eq!(*secrets.get("a").unwrap().unwrap().secret, "new");
        assert!(file::SecretsFile::new(folder.path()).get("a").unwrap().is_none());
    }
}
