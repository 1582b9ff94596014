//! Keys in text form: reading them in any form, writing them in the form that was asked for.

use std::path::Path;

use clap::ValueEnum;
use symbolon::key::{KeyError, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input;

/// The forms that keys are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// PKCS#8 and SPKI in PEM.
    Pem,
    /// JSON Web Key.
    Jwk,
    /// Hexadecimal digits: the scalar; or x, then y.
    Hex,
}

/// Reads a private key in any of the forms.
///
/// # Errors
/// [`KeyError`], which holds nothing of it.
pub(crate) fn private_key(text: &str) -> Result<PrivateKey, KeyError> {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'-') => PrivateKey::from_pkcs8_pem(text),
        Some(b'{') => PrivateKey::from_jwk(text),
        // Some clients leave leading zeros out.
        _ => PrivateKey::from_stripped_hex(text),
    }
}

/// Reads the private key in a file, or on standard input where the path is `-`.
///
/// # Errors
/// [`Failure::Local`] where it cannot be read, or others than its owner can; [`Failure::Input`] where it is no key.
pub(crate) fn private_key_in(path: &Path) -> Result<PrivateKey, Failure> {
    check_permissions(path)?;
    let text = input::secret(path)?;
    private_key(&text).map_err(|why| Failure::input(format!("{}: {why}", input::shown(path))))
}

/// Reads a public key from text, of which a private key is the public half too.
///
/// # Errors
/// [`KeyError`] of the form that the text begins like.
pub(crate) fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let private = || private_key(text).map(|key| key.public_key());
    match text.parse::<PublicKey>() {
        Ok(key) => Ok(key),
        Err(KeyError::PrivateKeyGiven | KeyError::WrongPemLabel { .. }) => private(),
        Err(KeyError::UnknownForm) if text.trim().len() <= PrivateKey::HEX_LEN => private(),
        Err(error) => Err(error),
    }
}

/// Reads the public key in a file, or the public half of the private key there.
///
/// # Errors
/// As [`private_key_in`].
pub(crate) fn public_key_in(path: &Path) -> Result<PublicKey, Failure> {
    let text = input::secret(path)?;
    public_key(&text).map_err(|why| Failure::input(format!("{}: {why}", input::shown(path))))
}

/// Writes a public key, without a line feed at its end.
///
/// # Errors
/// [`Failure::Local`], for which there is no known cause.
pub(crate) fn print_public(key: &PublicKey, form: Form) -> Result<String, Failure> {
    Ok(match form {
        Form::Pem => key.to_spki_pem().map_err(|why| Failure::local("writing a key", why))?.trim_end().to_owned(),
        Form::Jwk => key.to_jwk(),
        Form::Hex => key.to_hex(),
    })
}

/// Writes a private key, with a line feed at its end.
///
/// # Errors
/// [`Failure::Local`], for which there is no known cause.
pub(crate) fn print_private(key: &PrivateKey, form: Form) -> Result<Zeroizing<String>, Failure> {
    let mut text = match form {
        Form::Pem => key.to_pkcs8_pem().map_err(|why| Failure::local("writing a key", why))?,
        Form::Jwk => key.to_jwk(),
        Form::Hex => key.to_hex(),
    };
    if !text.ends_with('\n') {
        // Grown in place, a copy would stay behind.
        let mut longer = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
        longer.push_str(&text);
        longer.push('\n');
        text = longer;
    }
    Ok(text)
}

/// A private key that others can read is a mistake that is told at once, as `ssh` does.
fn check_permissions(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    if path != Path::new("-") {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(path).map_err(|error| Failure::file("reading", path, error))?;
        // A pipe, as a shell's `<(…)` makes, has nobody else at its end.
        if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            return Err(Failure::file("reading", path, "others can read it: run `chmod 600` on it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_again() {
        let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
        for form in [Form::Pem, Form::Jwk, Form::Hex] {
            let text = print_private(&key, form).unwrap();
            assert_eq!(*private_key(&text).unwrap().to_bytes(), *key.to_bytes());
            assert_eq!(public_key(&text).unwrap(), key.public_key(), "{form:?}: the public half of a private key");
            let public = print_public(&key.public_key(), form).unwrap();
            assert_eq!(public_key(&public).unwrap(), key.public_key(), "{form:?}");
        }
        assert!(private_key("zz").is_err());
        assert!(public_key("-----BEGIN CERTIFICATE-----\n").is_err());
        assert!(public_key("").is_err());
    }
}
