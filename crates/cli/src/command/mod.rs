//! The commands, one module for each group.

pub(crate) mod activity;
mod chain;
pub(crate) mod deploy;
pub(crate) mod docs;
pub(crate) mod key;
pub(crate) mod kinds;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod member;
pub(crate) mod profile;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod sign_proxy;
pub(crate) mod signer;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod whoami;

use symbolon::id::ShortId;
use symbolon::policy::{Grant, Permission};

use crate::args::{Arguments, Command, Global};
use crate::client::Client;
use crate::credential;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// Carries a command out.
///
/// # Errors
/// [`Failure`], whose exit code is the process's.
pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let global = arguments.global;
    match arguments.command {
        Command::Login(command) => login::run(&command, &global, output),
        Command::Logout(command) => logout::run(&command, &global, output),
        Command::Whoami => whoami::run(&global, output),
        Command::Status(command) => status::run(&command, &global, output),
        Command::Key(command) => key::run(&command, output),
        Command::Token(command) => token::run(command, &global, output),
        Command::Member(command) => member::run(&command, &global, output),
        Command::Activity(command) => activity::run(&command, &global, output),
        Command::Kinds => kinds::run(&global, output),
        Command::Profile(command) => profile::run(&command, &global, output),
        Command::Routes(command) => routes::run(&command, &global, output),
        Command::Request(command) => request::run(command, &global, output),
        Command::Verify(command) => verify::run(&command, &global, output),
        Command::SignProxy(command) => sign_proxy::run(command, &global, output),
        Command::Deploy(command) => deploy::run(&command, output),
        Command::Completions(command) => docs::completions(&command, output),
        Command::Manual(command) => docs::manual(&command, output),
    }
}

/// A client of the server and with the credential that the settings name.
///
/// # Errors
/// [`Failure::Input`] where a setting cannot be used or no server is known, [`Failure::NoCredential`].
pub(crate) fn client(global: &Global) -> Result<Client, Failure> {
    let settings = Settings::resolve(global)?;
    let server = settings.server()?.clone();
    let credential = credential::required(global, &settings)?;
    Ok(Client::new(server, credential, organization(&settings)))
}

/// The organisation that the settings name.
pub(crate) fn organization(settings: &Settings) -> Option<ShortId> {
    settings.organization.as_ref().map(|organization| organization.value)
}

/// What stands for nothing in a table.
pub(crate) const NONE: &str = "-";

/// Text for a table; a dash where there is none.
pub(crate) fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// A grant for people: `apps:trigger`, or `apps:trigger on team-a/*`.
pub(crate) fn grant(grant: &Grant) -> String {
    match &grant.resource {
        Some(resource) => format!("{} on {resource}", grant.permission),
        None => grant.permission.to_string(),
    }
}

/// What somebody may do, for people.
pub(crate) fn may(permissions: &[Permission], grants: &[Grant]) -> String {
    let all: Vec<String> = permissions.iter().map(ToString::to_string).chain(grants.iter().map(grant)).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}
