//! `symbolon token show`.

use clap::Args;

use crate::args::Global;
use crate::command::client;
use crate::contract::Token;
use crate::failure::Failure;
use crate::output::Output;

use super::fields::print;

/// What `symbolon token show` takes.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The token's id
    id: String,
}

/// Shows a token.
pub(super) fn run(command: &Show, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let answer = client(global)?.get::<Token>(&super::path(&command.id))?;
    if output.is_json() { output.document(&answer.raw) } else { print(&answer.read, output) }
}
