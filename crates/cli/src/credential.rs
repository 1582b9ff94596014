//! Which credential is in use: flags before the environment, the environment before what is kept.

use symbolon::id::ShortId;
use symbolon::key::PrivateKey;
use symbolon::policy::SecretFormat;
use symbolon::token::{Format, inspect};
use zeroize::Zeroizing;

use crate::args::Global;
use crate::failure::Failure;
use crate::input;
use crate::keys;
use crate::secrets::Secrets;
use crate::settings::{Settings, Source};
use crate::system;
use crate::transport::BaseUrl;

/// The variable that holds a token.
pub(crate) const TOKEN: &str = "SYMBOLON_TOKEN";
/// The variable that holds a private key: its text, in any form.
pub(crate) const PRIVATE_KEY: &str = "SYMBOLON_PRIVATE_KEY";

/// What proves who we are.
pub(crate) enum Credential {
    /// A bearer secret.
    Bearer(Zeroizing<String>),
    /// A key that signs each request.
    Key(PrivateKey),
}

impl Credential {
    /// What people read of it: never the secret.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Bearer(secret) => format!("a token that begins with {}", token_prefix(secret)),
            Self::Key(key) => format!("a key, thumbprint {}", key.public_key().thumbprint()),
        }
    }
}

/// A credential and where it came from.
pub(crate) struct InUse {
    /// The credential.
    pub(crate) credential: Credential,
    /// Where it came from.
    pub(crate) source: Source,
}

impl InUse {
    /// How a failure names it: "the token in SYMBOLON_TOKEN".
    pub(crate) fn title(&self) -> String {
        let what = match self.credential {
            Credential::Bearer(_) => "token",
            Credential::Key(_) => "key",
        };
        match &self.source {
            Source::Login(place) => format!("the {what} kept in {place}"),
            Source::Default => format!("the {what}"),
            Source::Flag(name) => format!("the {what} of {name}"),
            other => format!("the {what} in {other}"),
        }
    }
}

/// The name under which a login is kept.
pub(crate) fn account(url: &BaseUrl, organization: &ShortId) -> String {
    format!("{url} {organization}")
}

/// Finds the credential.
///
/// # Errors
/// [`Failure::Input`] where two contradict each other or one cannot be read; [`Failure::Local`] where what is kept cannot
/// be read.
pub(crate) fn resolve(global: &Global, settings: &Settings) -> Result<Option<InUse>, Failure> {
    if let Some(found) = from_flags(global)? {
        return checked(found, settings).map(Some);
    }
    if let Some(found) = from_environment()? {
        return checked(found, settings).map(Some);
    }
    if let Some(path) = &settings.private_key {
        let key = keys::private_key_in(&path.value)?;
        return Ok(Some(InUse { credential: Credential::Key(key), source: path.source.clone() }));
    }
    let (Some(url), Some(organization)) = (&settings.url, &settings.organization) else { return Ok(None) };
    let secrets = Secrets::open(settings.keep.value, &settings.folder.value)?;
    let found = secrets.get(&account(&url.value, &organization.value))?;
    Ok(found.map(|found| InUse { credential: Credential::Bearer(found.secret), source: Source::Login(found.place) }))
}

/// As [`resolve`], where there must be one.
///
/// # Errors
/// As [`resolve`], and [`Failure::NoCredential`].
pub(crate) fn required(global: &Global, settings: &Settings) -> Result<InUse, Failure> {
    resolve(global, settings)?.ok_or_else(|| {
        Failure::NoCredential(format!(
            "No credential: set {TOKEN} or {PRIVATE_KEY}, say --token-file or --private-key, or run `symbolon login`"
        ))
    })
}

fn from_flags(global: &Global) -> Result<Option<InUse>, Failure> {
    if let Some(token) = &global.token {
        let token = Zeroizing::new(token.0.trim().to_owned());
        return Ok(Some(InUse { credential: bearer(token, "--token")?, source: Source::Flag("--token") }));
    }
    if let Some(path) = &global.token_file {
        let token = input::secret(path)?;
        return Ok(Some(InUse { credential: bearer(token, "--token-file")?, source: Source::Flag("--token-file") }));
    }
    if let Some(path) = &global.private_key {
        let key = keys::private_key_in(path)?;
        return Ok(Some(InUse { credential: Credential::Key(key), source: Source::Flag("--private-key") }));
    }
    Ok(None)
}

fn from_environment() -> Result<Option<InUse>, Failure> {
    match (system::variable(TOKEN)?, system::variable(PRIVATE_KEY)?) {
        (Some(_), Some(_)) => Err(Failure::input(format!(
            "{TOKEN} and {PRIVATE_KEY} are both set: a request has one credential; unset one"
        ))),
        (Some(token), None) => {
            let token = Zeroizing::new(token.trim().to_owned());
            Ok(Some(InUse { credential: bearer(token, TOKEN)?, source: Source::Environment(TOKEN) }))
        }
        (None, Some(text)) => {
            let key = keys::private_key(&text).map_err(|why| Failure::input(format!("{PRIVATE_KEY}: {why}")))?;
            Ok(Some(InUse { credential: Credential::Key(key), source: Source::Environment(PRIVATE_KEY) }))
        }
        (None, None) => Ok(None),
    }
}

/// A token as it can stand in a header. What is wrong with it is told without it.
pub(crate) fn bearer(token: Zeroizing<String>, from: &str) -> Result<Credential, Failure> {
    // RFC 6750, section 2.1: b64token.
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || token.len() > symbolon::token::MAX_CREDENTIAL_LEN || !token.bytes().all(good) {
        return Err(Failure::input(format!(
            "{from} is not a token: it must have 1 to {} letters, digits and -._~+/=",
            symbolon::token::MAX_CREDENTIAL_LEN
        )));
    }
    Ok(Credential::Bearer(token))
}

/// A token that names its organisation must be one of the organisation that was asked for.
fn checked(found: InUse, settings: &Settings) -> Result<InUse, Failure> {
    if let (Credential::Bearer(token), Some(wanted)) = (&found.credential, &settings.organization)
        && !matches!(wanted.source, Source::File(_))
        && let Some(organization) = token_organization(token)
        && organization != wanted.value
    {
        return Err(Failure::input(format!(
            "{} belongs to the organisation {organization}, but {} says {}",
            found.title(),
            wanted.source,
            wanted.value
        )));
    }
    Ok(found)
}

/// How long the body of a native token is: six characters of the organisation, four of its tag, 32 random ones and six
/// of the checksum.
const NATIVE_BODY: usize = 48;

/// The format of a native token, whatever its prefix: the checksum says whether it is one.
fn native_format(token: &str) -> Option<Format> {
    let prefix = token.get(..token.len().checked_sub(NATIVE_BODY)?)?;
    Format::new(prefix, SecretFormat::Native).ok()
}

fn token_organization(token: &str) -> Option<ShortId> {
    let format = native_format(token)?;
    inspect(token, [&format]).ok()?.claimed_organization()
}

/// How a token begins: its kind's prefix, and where it is a native one what is public after it; of others at most four
/// characters.
fn token_prefix(token: &str) -> String {
    let native = native_format(token);
    match native.as_ref().and_then(|format| inspect(token, [format]).ok()) {
        Some(inspected) => inspected.display_prefix().to_owned(),
        None => token.chars().take(4).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_is_told_without_it() {
        for text in ["", "has space", "líne", "two\nlines", &"a".repeat(300)] {
            let Err(failure) = bearer(Zeroizing::new(text.to_owned()), "--token") else { panic!("{text}") };
            assert!(text.is_empty() || !failure.to_string().contains(text));
        }
        assert!(bearer(Zeroizing::new("sym_pat_x".to_owned()), "--token").is_ok());
    }

    #[test]
    fn little_of_a_token_is_shown() {
        let secret = Credential::Bearer(Zeroizing::new("unknown-format-0123456789".to_owned()));
        assert_eq!(secret.shown(), "a token that begins with unkn…");
    }
}
