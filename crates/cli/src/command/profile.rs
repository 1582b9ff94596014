//! `symbolon profile check`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use symbolon::policy::{BUILTIN_NAMES, Profile, builtin};

use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};

/// What `symbolon profile` does.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Check a profile's file: each mistake with its line and column
    Check(Check),
}

/// What `symbolon profile check` takes.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file; `-` is standard input
    file: PathBuf,
}

/// Carries it out.
///
/// # Errors
/// [`Failure::Negative`] where the profile has mistakes, [`Failure::Local`] where it cannot be read.
pub(crate) fn run(command: &ProfileCommand, output: &mut Output) -> Result<(), Failure> {
    let ProfileCommand::Check(Check { file }) = command;
    let text = input::text(file, input::MAX_TEXT_BYTES)?;
    let name = if file == Path::new("-") { "-".to_owned() } else { file.display().to_string() };
    match Profile::parse(&text) {
        Ok(profile) => {
            let kinds: Vec<&str> = profile.kinds().iter().map(|kind| kind.name.as_str()).collect();
            if output.is_json() {
                return output
                    .document(&json!({ "valid": true, "name": profile.name(), "kinds": kinds, "errors": [] }));
            }
            let line = format!("{name}: the profile {} is valid; its kinds: {}", profile.name(), kinds.join(", "));
            let line = output.styled(Style::Good, &line);
            output.line(&line)
        }
        Err(errors) => {
            let count = errors.iter().count();
            if output.is_json() {
                output.document(&json!({ "valid": false, "errors": errors }))?;
            } else {
                for error in errors.iter() {
                    output.line(&format!("{name}:{error}"))?;
                }
            }
            let mistakes = if count == 1 { "one mistake".to_owned() } else { format!("{count} mistakes") };
            Err(Failure::Negative(format!("{name}: {mistakes}")))
        }
    }
}

/// A built-in profile by its name, or one from a file.
///
/// # Errors
/// [`Failure::Input`] where there is none or it has mistakes.
pub(crate) fn load(name: &str) -> Result<Profile, Failure> {
    let text = match builtin(name) {
        Some(text) => zeroize::Zeroizing::new(text.to_owned()),
        None if Path::new(name).exists() => input::text(Path::new(name), input::MAX_TEXT_BYTES)?,
        None => {
            let known = BUILTIN_NAMES.join(", ");
            return Err(Failure::input(format!("There is no profile {name}: built in are {known}; or name a file")));
        }
    };
    Profile::parse(&text).map_err(|errors| {
        let first = errors.iter().next().map(ToString::to_string).unwrap_or_default();
        Failure::input(format!("{name}:{first}"))
    })
}
