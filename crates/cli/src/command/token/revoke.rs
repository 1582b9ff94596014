//! `symbolon token revoke`: by its id, or by its own private key.

use clap::Args;
use serde_json::Value;

use crate::args::Global;
use crate::client::Client;
use crate::command::{client, organization};
use crate::credential::{self, Credential};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style, printable};
use crate::settings::Settings;

/// What `symbolon token revoke` takes.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The token's id. Without it --private-key must be said: the token of that key is revoked, by a request that the
    /// key signs; the key itself is not sent
    id: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Revokes a token.
pub(super) fn run(command: &Revoke, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let answer = match &command.id {
        Some(id) => {
            let client = client(global)?;
            input::confirm(&format!("Revoke the token {id}? It cannot be undone."), command.yes)?;
            client.call::<Value>("DELETE", &super::path(id), None)?
        }
        None => {
            if global.private_key.is_none() {
                return Err(Failure::input("Which one? Say its id, or --private-key FILE for the token of that key"));
            }
            let settings = Settings::resolve(global)?;
            let server = settings.server()?.clone();
            let in_use = credential::required(global, &settings)?;
            let Credential::Key(key) = &in_use.credential else {
                return Err(Failure::input("--private-key must name a private key"));
            };
            let thumbprint = key.public_key().thumbprint();
            input::confirm(&format!("Revoke the token of the key {thumbprint}? It cannot be undone."), command.yes)?;
            // A login's organisation says nothing of this key: without --org the key is found by its thumbprint.
            let organization = global.org.as_ref().and_then(|_| organization(&settings));
            Client::new(server, in_use, organization).call::<Value>("POST", "/v1/tokens/revoke-by-key", None)?
        }
    };
    if output.is_json() {
        return output.document(&answer.raw);
    }
    let text = |name: &str| answer.raw.get(name).and_then(Value::as_str).map(printable);
    let name = text("name").unwrap_or_else(|| "the token".to_owned());
    let line = output.styled(Style::Good, &format!("Revoked: {name}"));
    output.line(&line)?;
    match text("holds_everywhere_at") {
        Some(at) => output.line(&format!("It holds everywhere since {at}.")),
        None => {
            output.line("Its kind is decided by copies that may be stale: nobody can say when it holds everywhere.")
        }
    }
}
