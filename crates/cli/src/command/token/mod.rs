//! `symbolon token`: tokens from their creation to their end.

mod change;
mod create;
mod fields;
mod import;
mod list;
mod revoke;
mod show;

use clap::Subcommand;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;

/// What `symbolon token` does.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token: a secret, shown this once, or with --key for a key of your own
    Create(Box<create::Create>),
    /// List tokens
    List(list::List),
    /// Show a token
    Show(show::Show),
    /// Change what the token's kind lets one change
    Edit(Box<change::Edit>),
    /// Give a token a new secret; the old one can live on for a while
    Rotate(change::Rotate),
    /// Give a token a new secret and a new end; the old secret stops at once
    Regenerate(change::Regenerate),
    /// Revoke a token: when the command returns it is refused everywhere
    Revoke(revoke::Revoke),
    /// Bring in tokens of another system, of which the hashes are known
    Import(import::Import),
}

/// Carries it out.
///
/// # Errors
/// [`Failure`].
pub(crate) fn run(command: TokenCommand, global: &Global, output: &mut Output) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(command) => create::run(&command, global, output),
        TokenCommand::List(command) => list::run(&command, global, output),
        TokenCommand::Show(command) => show::run(&command, global, output),
        TokenCommand::Edit(command) => change::edit(&command, global, output),
        TokenCommand::Rotate(command) => change::rotate(&command, global, output),
        TokenCommand::Regenerate(command) => change::regenerate(&command, global, output),
        TokenCommand::Revoke(command) => revoke::run(&command, global, output),
        TokenCommand::Import(command) => import::run(&command, global, output),
    }
}

/// The path of a token.
fn path(id: &str) -> String {
    format!("/v1/tokens/{}", crate::client::encoded(id))
}
