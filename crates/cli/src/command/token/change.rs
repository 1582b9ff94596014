//! `symbolon token edit`, `rotate` and `regenerate`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use symbolon::policy::AskedGrant;

use crate::args::Global;
use crate::command::client;
use crate::contract::{CreatedToken, Token};
use crate::failure::Failure;
use crate::output::Output;

use super::fields::{Expiry, SecretOut, asked_grant, expiry, grace, passphrase, print, print_created};

/// What `symbolon token edit` takes.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The token's id
    id: String,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// What it is for; an empty text removes it
    #[arg(long)]
    description: Option<String>,
    /// The scopes, in place of those that it has; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The permissions, in place of those that it has; may be repeated
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// The permissions on resource patterns, in place of those that it has; may be repeated
    #[arg(long = "grant", value_name = "PERMISSION@RESOURCE", value_parser = asked_grant)]
    grants: Vec<AskedGrant>,
    /// The role
    #[arg(long)]
    role: Option<String>,
    /// The service that it is for
    #[arg(long)]
    service: Option<String>,
    /// When it ends: 90d, 12h, never, or a time
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Expiry>,
    /// Switch it on
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Switch it off
    #[arg(long)]
    inactive: bool,
    /// A passphrase that must come along with it: a file, `-` for standard input, or `ask`
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    passphrase: Option<PathBuf>,
    /// No passphrase any more
    #[arg(long)]
    no_passphrase: bool,
}

/// Edits a token.
pub(super) fn edit(command: &Edit, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let mut body = Map::new();
    let mut say = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_ref().map(|it| if it.is_empty() { Value::Null } else { json!(it) });
    say("name", command.name.as_ref().map(|it| json!(it)));
    say("description", text(&command.description));
    say("scopes", (!command.scopes.is_empty()).then(|| json!(command.scopes)));
    say("permissions", (!command.permissions.is_empty()).then(|| json!(command.permissions)));
    say("grants", (!command.grants.is_empty()).then(|| json!(command.grants)));
    say("role", text(&command.role));
    say("service", text(&command.service));
    say("expires_at", command.expires.map(Expiry::json));
    say("active", (command.active || command.inactive).then(|| json!(command.active)));
    if command.no_passphrase {
        say("passphrase", Some(Value::Null));
    }
    if let Some(path) = &command.passphrase {
        say("passphrase", Some(json!(passphrase(path)?.as_str())));
    }
    if body.is_empty() {
        return Err(Failure::input("Nothing to change was said: see `symbolon token edit --help`"));
    }
    let answer = client(global)?.call::<Token>("PATCH", &super::path(&command.id), Some(&Value::Object(body)))?;
    if output.is_json() { output.document(&answer.raw) } else { print(&answer.read, output) }
}

/// What `symbolon token rotate` takes.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The token's id
    id: String,
    /// For how long the old secret lives on: 24h, 30m, or seconds; it ends sooner once the new one is in use
    #[arg(long, value_name = "TIME", value_parser = grace)]
    grace: Option<u32>,
    #[command(flatten)]
    out: SecretOut,
}

/// Rotates a token.
pub(super) fn rotate(command: &Rotate, global: &Global, output: &mut Output) -> Result<(), Failure> {
    command.out.check()?;
    let body = match command.grace {
        Some(seconds) => json!({ "grace_seconds": seconds }),
        None => json!({}),
    };
    let path = format!("{}/rotate", super::path(&command.id));
    print_created(client(global)?.call::<CreatedToken>("POST", &path, Some(&body))?, &command.out, output)
}

/// What `symbolon token regenerate` takes.
#[derive(Debug, Args)]
pub(crate) struct Regenerate {
    /// The token's id
    id: String,
    /// When it ends: 90d, 12h, never, or a time
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Expiry>,
    #[command(flatten)]
    out: SecretOut,
}

/// Regenerates a token.
pub(super) fn regenerate(command: &Regenerate, global: &Global, output: &mut Output) -> Result<(), Failure> {
    command.out.check()?;
    let body = match command.expires {
        Some(expires) => json!({ "expires_at": expires.json() }),
        None => json!({}),
    };
    let path = format!("{}/regenerate", super::path(&command.id));
    print_created(client(global)?.call::<CreatedToken>("POST", &path, Some(&body))?, &command.out, output)
}
