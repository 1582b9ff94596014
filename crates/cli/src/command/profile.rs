//! `symbolon profile`: checking a file, and the organisation's own.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use symbolon::policy::{BUILTIN_NAMES, Profile, builtin};

use crate::args::Global;
use crate::contract::OwnProfile;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};

use super::client;

/// Where the organisation's profile is.
const PATH: &str = "/v1/profile";

/// What `symbolon profile` does.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Check a profile's file: each mistake with its line and column
    Check(Check),
    /// Print the organisation's profile as it was written
    Show,
    /// Replace the organisation's profile by a file, which is checked here first
    Replace(Replace),
}

/// What `symbolon profile replace` takes.
#[derive(Debug, Args)]
pub(crate) struct Replace {
    /// The file; `-` is standard input
    file: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
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
/// [`Failure::Negative`] where the profile has mistakes, [`Failure::Local`] where it cannot be read, and those of the
/// server.
pub(crate) fn run(command: &ProfileCommand, global: &Global, output: &mut Output) -> Result<(), Failure> {
    match command {
        ProfileCommand::Check(Check { file }) => check(file, output),
        ProfileCommand::Show => {
            let found = client(global)?.get::<OwnProfile>(PATH)?;
            if output.is_json() { output.document(&found.raw) } else { output.line(found.read.profile.trim_end()) }
        }
        ProfileCommand::Replace(command) => replace(command, global, output),
    }
}

fn replace(command: &Replace, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let text = input::text(&command.file, input::MAX_TEXT_BYTES)?;
    // With every mistake and its place; the server would tell the same.
    if Profile::parse(&text).is_err() {
        return told(&text, &name_of(&command.file), output);
    }
    let client = client(global)?;
    input::confirm("Replace the organisation's profile?", command.yes)?;
    let put = client.call::<OwnProfile>("PUT", PATH, Some(&json!({ "profile": &*text })))?;
    if output.is_json() {
        return output.document(&put.raw);
    }
    let line = output.styled(Style::Good, &format!("The organisation's profile is {} now.", put.read.name));
    output.line(&line)
}

fn name_of(file: &Path) -> String {
    if file == Path::new("-") { "-".to_owned() } else { file.display().to_string() }
}

fn check(file: &Path, output: &mut Output) -> Result<(), Failure> {
    told(&input::text(file, input::MAX_TEXT_BYTES)?, &name_of(file), output)
}

/// Tells whether a text is a profile, and else each of its mistakes.
fn told(text: &str, name: &str, output: &mut Output) -> Result<(), Failure> {
    match Profile::parse(text) {
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
