//! `symbolon routes`: which requests reach the protected API, and with which permission.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;
use symbolon::protocol::message::Route;

use crate::args::Global;
use crate::contract::RouteTable;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};

use super::{client, or_none};

/// Where the table is.
const PATH: &str = "/v1/routes";

/// What `symbolon routes` does.
#[derive(Debug, Subcommand)]
pub(crate) enum RoutesCommand {
    /// Show the table: the first route that fits decides
    Show,
    /// Replace the whole table by a JSON file
    Replace(Replace),
}

/// What `symbolon routes replace` takes.
#[derive(Debug, Args)]
pub(crate) struct Replace {
    /// A file such as `symbolon routes show --json` prints; `-` is standard input
    file: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Carries it out.
///
/// # Errors
/// [`Failure::Input`] where the file is not JSON, [`Failure::Local`] where it cannot be read, and those of the server.
pub(crate) fn run(command: &RoutesCommand, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let table = match command {
        RoutesCommand::Show => client(global)?.get::<RouteTable>(PATH)?,
        RoutesCommand::Replace(Replace { file, yes }) => {
            let text = input::text(file, input::MAX_TEXT_BYTES)?;
            let table: Value = symbolon::json::parse(&text).map_err(|error| {
                let (line, column) = error.place().unwrap_or_default();
                Failure::input(format!("{}:{line}:{column}: {error}", input::shown(file)))
            })?;
            let client = client(global)?;
            input::confirm("Replace the whole route table?", *yes)?;
            client.call::<RouteTable>("PUT", PATH, Some(&table))?
        }
    };
    if output.is_json() {
        return output.document(&table.raw);
    }
    if table.read.routes.is_empty() {
        output.note(Style::Dim, "No routes: no request reaches the protected API.");
        return Ok(());
    }
    output.table(&["METHOD", "PATH", "NEEDS", "ON", "OF"], &table.read.routes.iter().map(row).collect::<Vec<_>>())
}

fn row(route: &Route) -> Vec<String> {
    let needs = if route.public { "nothing: public".to_owned() } else { or_none(route.permission.as_ref()) };
    vec![
        route.method.clone(),
        route.path.clone(),
        needs,
        or_none(route.resource.as_ref()),
        or_none(route.organization.as_ref()),
    ]
}
