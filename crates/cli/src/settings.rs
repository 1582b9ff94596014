//! Settings: flags before the environment, the environment before the settings file; and where each one came from.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};
use symbolon::id::ShortId;

use crate::args::Global;
use crate::failure::Failure;
use crate::input;
use crate::system;
use crate::transport::BaseUrl;

/// The variable that names the server.
pub(crate) const URL: &str = "SYMBOLON_URL";
/// The variable that names the organisation.
pub(crate) const ORG: &str = "SYMBOLON_ORG";
/// The variable that moves the settings folder.
pub(crate) const CONFIG_DIR: &str = "SYMBOLON_CONFIG_DIR";
/// The variable that says where secrets are kept.
pub(crate) const STORE: &str = "SYMBOLON_STORE";

/// Where a setting or a credential came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(&'static str),
    /// The settings file.
    File(PathBuf),
    /// A login, kept where it says.
    Login(String),
    /// Nothing was said.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Environment(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Login(place) => write!(f, "the login kept in {place}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The setting.
    pub(crate) value: T,
    /// Where it came from.
    pub(crate) source: Source,
}

/// Where secrets are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keep {
    /// In the system's keyring where there is one, else in a file that only its owner can read.
    #[default]
    Auto,
    /// In the system's keyring alone.
    Keyring,
    /// In a file that only its owner can read.
    File,
}

/// The settings file, `config.toml`. It holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SettingsFile {
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// The organisation's short id, on that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    /// A file with the private key that signs requests to that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_key: Option<PathBuf>,
    /// Where secrets are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<Keep>,
}

/// Every setting, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The folder of settings.
    pub(crate) folder: Sourced<PathBuf>,
    /// The server.
    pub(crate) url: Option<Sourced<BaseUrl>>,
    /// The organisation.
    pub(crate) organization: Option<Sourced<ShortId>>,
    /// The file with the private key, where the settings file names one for this server.
    pub(crate) private_key: Option<Sourced<PathBuf>>,
    /// Where secrets are kept.
    pub(crate) keep: Sourced<Keep>,
    /// What the settings file says.
    pub(crate) file: SettingsFile,
}

impl Settings {
    /// Resolves every setting.
    ///
    /// # Errors
    /// [`Failure::Input`] where a flag, a variable or the file cannot be understood, naming which.
    pub(crate) fn resolve(global: &Global) -> Result<Self, Failure> {
        let folder = folder(global)?;
        let path = folder.value.join("config.toml");
        let file = read(&path)?;
        let url = match (&global.url, system::variable(URL)?, &file.url) {
            (Some(text), _, _) => Some((text.clone(), Source::Flag("--url"))),
            (None, Some(text), _) => Some((text.to_string(), Source::Environment(URL))),
            (None, None, Some(text)) => Some((text.clone(), Source::File(path.clone()))),
            (None, None, None) => None,
        };
        let url = url
            .map(|(text, source)| {
                let value = BaseUrl::parse(text.trim(), global.allow_http)
                    .map_err(|why| Failure::input(format!("{source}: {why}")))?;
                Ok(Sourced { value, source })
            })
            .transpose()?;
        // What the file says besides belongs to the server that the file names.
        let known = file.url.as_deref().and_then(|text| BaseUrl::parse(text, true).ok());
        let ours = url.as_ref().is_some_and(|url| known.as_ref() == Some(&url.value));
        let organization = match (&global.org, system::variable(ORG)?, &file.organization) {
            (Some(text), _, _) => Some((text.clone(), Source::Flag("--org"))),
            (None, Some(text), _) => Some((text.trim().to_owned(), Source::Environment(ORG))),
            (None, None, Some(text)) if ours => Some((text.clone(), Source::File(path.clone()))),
            _ => None,
        };
        let organization = organization
            .map(|(text, source)| {
                let value = text.parse().map_err(|_| {
                    Failure::input(format!("{source}: an organisation's short id is six letters and digits"))
                })?;
                Ok::<_, Failure>(Sourced { value, source })
            })
            .transpose()?;
        let private_key = file
            .private_key
            .clone()
            .filter(|_| ours)
            .map(|value| Sourced { value, source: Source::File(path.clone()) });
        let keep = match (system::variable(STORE)?, file.store) {
            (Some(text), _) => Sourced {
                value: Keep::from_str(text.trim(), true)
                    .map_err(|_| Failure::input(format!("{STORE} must be auto, keyring or file")))?,
                source: Source::Environment(STORE),
            },
            (None, Some(value)) => Sourced { value, source: Source::File(path) },
            (None, None) => Sourced { value: Keep::Auto, source: Source::Default },
        };
        Ok(Self { folder, url, organization, private_key, keep, file })
    }

    /// The settings file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.value.join("config.toml")
    }

    /// The server that a command is to speak to.
    ///
    /// # Errors
    /// [`Failure::Input`] where none is known, saying how to name one.
    pub(crate) fn server(&self) -> Result<&BaseUrl, Failure> {
        self.url.as_ref().map(|url| &url.value).ok_or_else(|| {
            Failure::input(format!("No server is known: run `symbolon login URL`, or set {URL}, or say --url URL"))
        })
    }

    /// Writes the settings file.
    ///
    /// # Errors
    /// [`Failure::Local`].
    pub(crate) fn save(&self, file: &SettingsFile) -> Result<(), Failure> {
        let text = toml::to_string(file).map_err(|error| Failure::local("writing the settings", error))?;
        write_private(&self.path(), text.as_bytes(), true)
    }
}

fn folder(global: &Global) -> Result<Sourced<PathBuf>, Failure> {
    if let Some(path) = &global.config_dir {
        return Ok(Sourced { value: path.clone(), source: Source::Flag("--config-dir") });
    }
    if let Some(path) = system::variable(CONFIG_DIR)? {
        return Ok(Sourced { value: PathBuf::from(path.as_str()), source: Source::Environment(CONFIG_DIR) });
    }
    let strategy = etcetera::base_strategy::choose_native_strategy()
        .map_err(|_| Failure::input(format!("There is no home folder: set {CONFIG_DIR}")))?;
    Ok(Sourced { value: strategy.config_dir().join("symbolon"), source: Source::Default })
}

fn read(path: &Path) -> Result<SettingsFile, Failure> {
    if !path.exists() {
        return Ok(SettingsFile::default());
    }
    let text = input::text(path, input::MAX_TEXT_BYTES)?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start).map_or(1, |before| before.matches('\n').count().saturating_add(1))
        });
        Failure::input(format!("{}:{line}: {}", path.display(), error.message()))
    })
}

/// Writes a file that only its owner can read: whole or not at all, in a folder that is made where it is missing.
///
/// # Errors
/// [`Failure::Local`]; [`Failure::Input`] where the file is there and `replace` is not said.
pub(crate) fn write_private(path: &Path, bytes: &[u8], replace: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("writing", path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private_folder(folder).map_err(failed)?;
    // tempfile makes it with the permissions 0600 from the first moment.
    let mut file = tempfile::Builder::new().prefix(".symbolon-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::input(format!("{} is there already, and is not overwritten", path.display())))
        }
        Err(error) => Err(failed(error.error)),
    }
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_private_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/key");
        write_private(&path, b"one", false).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert!(matches!(write_private(&path, b"two", false), Err(Failure::Input(_))));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_private(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_mistake_in_the_file_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "url = \"https://x.example\"\ntoken = \"secret\"\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("config.toml:2: "), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
