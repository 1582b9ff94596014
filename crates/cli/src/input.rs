//! What is read: files and standard input, bounded; and what a person is asked for.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// How large a secret's file may be, in bytes: a key in any form, or a token, with room for white space.
pub(crate) const MAX_SECRET_BYTES: u64 = 8 * 1024;
/// How large a body to send may be, in bytes: it is read whole, since its digest is signed.
pub(crate) const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;
/// How large a request in a file may be, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: u64 = MAX_BODY_BYTES;
/// How large a configuration or a profile may be, in bytes.
pub(crate) const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// Reads a file, or standard input where the path is `-`.
///
/// # Errors
/// [`Failure::Local`] where it cannot be read, [`Failure::Input`] where it is larger than `limit` bytes.
pub(crate) fn bytes(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut read = Zeroizing::new(Vec::new());
    let failed = |error: io::Error| Failure::file("reading", path, error);
    let all = limit.saturating_add(1);
    if path == Path::new("-") {
        io::stdin().lock().take(all).read_to_end(&mut read).map_err(failed)?;
    } else {
        File::open(path).and_then(|file| file.take(all).read_to_end(&mut read)).map_err(failed)?;
    }
    if u64::try_from(read.len()).unwrap_or(u64::MAX) > limit {
        return Err(Failure::input(format!("{} is larger than {limit} bytes", shown(path))));
    }
    Ok(read)
}

/// Reads text, as [`bytes`] does.
///
/// # Errors
/// As [`bytes`], and [`Failure::Input`] where it is not UTF-8.
pub(crate) fn text(path: &Path, limit: u64) -> Result<Zeroizing<String>, Failure> {
    let bytes = bytes(path, limit)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::input(format!("{} is not text", shown(path))))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads a secret that stands alone in a file or on standard input, without the white space around it.
///
/// # Errors
/// As [`text`], and [`Failure::Input`] where there is none.
pub(crate) fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = text(path, MAX_SECRET_BYTES)?;
    let secret = Zeroizing::new(text.trim().to_owned());
    if secret.is_empty() { Err(Failure::input(format!("{} is empty", shown(path)))) } else { Ok(secret) }
}

/// How a path is named in a message.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Whether a person sits there to be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a yes; anything else is a no.
///
/// # Errors
/// [`Failure::Input`] where nobody can be asked, naming `--yes`, or the answer is no.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !is_interactive() {
        return Err(Failure::input(format!("{question} Nobody can be asked here: say --yes")));
    }
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
    asked.and_then(|()| io::stdin().lock().take(16).read_line(&mut answer)).map_err(|e| Failure::local("asking", e))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::input("Not done: it was not confirmed"))
    }
}

/// Asks for a secret without showing it, twice where a typing error would lock somebody out.
///
/// # Errors
/// [`Failure::Input`] where nobody can be asked or the two differ.
pub(crate) fn ask_secret(question: &str, twice: bool) -> Result<Zeroizing<String>, Failure> {
    if !is_interactive() {
        return Err(Failure::input(format!("{question}: nobody can be asked here; give it in a file or by `-`")));
    }
    let ask = |question: &str| {
        rpassword::prompt_password(format!("{question}: ")).map(Zeroizing::new).map_err(|e| Failure::local("asking", e))
    };
    let first = ask(question)?;
    if twice && *ask("Once more")? != *first {
        return Err(Failure::input("The two differ"));
    }
    Ok(first)
}
