//! `symbolon token list`.

use clap::Args;
use serde::Deserialize as _;
use serde_json::json;

use crate::args::Global;
use crate::client::Query;
use crate::command::client;
use crate::contract::Token;
use crate::failure::Failure;
use crate::output::{Output, Style};

use super::fields::print_table;

/// What `symbolon token list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those with this in their name, description or prefix
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// Only those of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Only those of this owner: `me`, `organization`, or a member's id
    #[arg(long)]
    owner: Option<String>,
    /// Only those that this member made: `me`, or an id
    #[arg(long, value_name = "MEMBER")]
    created_by: Option<String>,
    /// Only those of this role
    #[arg(long)]
    role: Option<String>,
    /// Only those for this service
    #[arg(long)]
    service: Option<String>,
    /// Only those that are active, inactive, expired, revoked or locked
    #[arg(long)]
    status: Option<String>,
    /// The order: name, created_at, expires_at or last_used_at; with a - before it downwards
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

/// Lists tokens.
pub(super) fn run(command: &List, global: &Global, output: &mut Output) -> Result<(), Failure> {
    if command.limit == 0 {
        return Err(Failure::input("--limit must be at least 1"));
    }
    let mut query = Query::default();
    for (name, value) in [
        ("q", &command.query),
        ("kind", &command.kind),
        ("owner", &command.owner),
        ("created_by", &command.created_by),
        ("role", &command.role),
        ("service", &command.service),
        ("status", &command.status),
        ("sort", &command.sort),
    ] {
        query.add(name, value.as_deref());
    }
    let items = client(global)?.list("/v1/tokens", &query, command.limit)?;
    if output.is_json() {
        return output.document(&json!({ "items": items }));
    }
    let tokens = items
        .iter()
        .map(Token::deserialize)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::input(format!("The server answered what is not understood: {error}")))?;
    if tokens.is_empty() {
        output.note(Style::Dim, "No tokens that you may see.");
        return Ok(());
    }
    print_table(&tokens, output)
}
