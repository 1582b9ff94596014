//! `credentials.toml`: secrets in a file that only its owner can read, for machines without a keyring.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Place;
use crate::failure::Failure;
use crate::input;
use crate::settings::write_private;

/// The file.
pub(super) struct SecretsFile(PathBuf);

impl SecretsFile {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.join("credentials.toml"))
    }

    fn read(&self) -> Result<BTreeMap<String, String>, Failure> {
        if !self.0.exists() {
            return Ok(BTreeMap::new());
        }
        self.check_permissions()?;
        let text = input::text(&self.0, input::MAX_TEXT_BYTES)?;
        // Not the parser's own message: it shows the line, which holds a secret.
        toml::from_str(&text).map_err(|_| Failure::file("reading", &self.0, "it is not what symbolon wrote"))
    }

    /// A file that others can read has told its secrets already: it is not used on quietly.
    fn check_permissions(&self) -> Result<(), Failure> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&self.0).map_err(|e| Failure::file("reading", &self.0, e))?.permissions().mode();
            if mode & 0o077 != 0 {
                let why = "others can read it: run `chmod 600` on it, and rotate the token if they may have";
                return Err(Failure::file("reading", &self.0, why));
            }
        }
        Ok(())
    }

    fn write(&self, held: &BTreeMap<String, String>) -> Result<(), Failure> {
        if held.is_empty() {
            return match fs::remove_file(&self.0) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Failure::file("removing", &self.0, error))
                }
                _ => Ok(()),
            };
        }
        let text = Zeroizing::new(toml::to_string(held).map_err(|error| Failure::file("writing", &self.0, error))?);
        write_private(&self.0, text.as_bytes(), true)
    }
}

impl Place for SecretsFile {
    fn title(&self) -> String {
        self.0.display().to_string()
    }

    fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        Ok(self.read()?.remove(account).map(Zeroizing::new))
    }

    fn set(&self, account: &str, secret: &str) -> Result<(), Failure> {
        let mut held = self.read()?;
        held.insert(account.to_owned(), secret.to_owned());
        self.write(&held)
    }

    fn remove(&self, account: &str) -> Result<bool, Failure> {
        let mut held = self.read()?;
        let found = held.remove(account).is_some();
        if found {
            self.write(&held)?;
        }
        Ok(found)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_kept_one_beside_another_and_the_last_takes_the_file_along() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::new(folder.path());
        file.set("https://a.example AAAAAA", "one").unwrap();
        file.set("https://b.example BBBBBB", "two \"quoted\"").unwrap();
        assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(**file.get("https://b.example BBBBBB").unwrap().as_ref().unwrap(), "two \"quoted\"");
        assert!(file.remove("https://a.example AAAAAA").unwrap());
        assert!(!file.remove("https://a.example AAAAAA").unwrap());
        assert!(file.remove("https://b.example BBBBBB").unwrap());
        assert!(!file.0.exists());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::new(folder.path());
        file.set("a", "secret-value").unwrap();
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.get("a").unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file.0, "a = secret-value").unwrap();
        assert!(!file.get("a").unwrap_err().to_string().contains("secret-value"));
    }
}
