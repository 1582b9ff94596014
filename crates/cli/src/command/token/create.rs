//! `symbolon token create`.

use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use clap::Args;
use serde_json::{Map, Value, json};
use symbolon::policy::AskedGrant;
use symbolon::time::Timestamp;

use crate::args::Global;
use crate::client::Client;
use crate::command::client;
use crate::contract::{Challenge, CreatedToken};
use crate::failure::Failure;
use crate::keys;
use crate::output::Output;

use super::fields::{Expiry, SecretOut, asked_grant, expiry, passphrase, print_created};

/// What a challenge of the server begins with; nothing else is signed to prove that a key is ours.
const CHALLENGE: &str = "symbolon-key-challenge.";

/// What `symbolon token create` takes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The kind; `symbolon kinds` lists them
    #[arg(long)]
    kind: String,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// A scope; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A permission; may be repeated
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// A permission on a resource pattern; may be repeated
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
    /// From when on it is good
    #[arg(long, value_name = "TIME")]
    not_before: Option<Timestamp>,
    /// A passphrase that must come along with it: a file, `-` for standard input, or `ask`
    #[arg(long, value_name = "FILE")]
    passphrase: Option<PathBuf>,
    /// A file with a private key of your own: its public half is registered, and the key is sent nowhere
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Make it switched off
    #[arg(long)]
    inactive: bool,
    /// A text by which the server knows a repetition of this very request
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    out: SecretOut,
}

/// Creates a token.
pub(super) fn run(command: &Create, global: &Global, output: &mut Output) -> Result<(), Failure> {
    command.out.check()?;
    if command.idempotency_key.is_some() && matches!(command.expires, Some(Expiry::In(_))) {
        return Err(Failure::input(
            "With --idempotency-key say --expires as a time: counted from now, no request is the same",
        ));
    }
    let client = client(global)?;
    let mut body = Map::new();
    body.insert("kind".to_owned(), json!(command.kind));
    let mut say = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    say("name", command.name.as_ref().map(|it| json!(it)));
    say("description", command.description.as_ref().map(|it| json!(it)));
    // A list that was not given is left out: an empty one would ask for nothing.
    say("scopes", (!command.scopes.is_empty()).then(|| json!(command.scopes)));
    say("permissions", (!command.permissions.is_empty()).then(|| json!(command.permissions)));
    say("grants", (!command.grants.is_empty()).then(|| json!(command.grants)));
    say("role", command.role.as_ref().map(|it| json!(it)));
    say("service", command.service.as_ref().map(|it| json!(it)));
    say("expires_at", command.expires.map(Expiry::json));
    say("not_before", command.not_before.map(|it| json!(it)));
    say("active", command.inactive.then_some(Value::Bool(false)));
    if let Some(path) = &command.passphrase {
        say("passphrase", Some(json!(passphrase(path)?.as_str())));
    }
    if let Some(path) = &command.key {
        let key = keys::private_key_in(path)?;
        say("public_key", Some(json!(key.public_key().to_hex())));
        say("proof", Some(proof(&client, &key)?));
    }
    let answer =
        client.create::<CreatedToken>("/v1/tokens", &Value::Object(body), command.idempotency_key.as_deref())?;
    print_created(answer, &command.out, output)
}

/// Signs a challenge of the server: a public key is public, so whoever registers one shows that the other half is theirs.
fn proof(client: &Client, key: &symbolon::key::PrivateKey) -> Result<Value, Failure> {
    let Challenge { challenge } = client.call("POST", "/v1/keys/challenge", Some(&json!({})))?.read;
    // Whatever else a server might have signed is not signed.
    if !challenge.starts_with(CHALLENGE) || challenge.len() > 200 || !challenge.is_ascii() {
        return Err(Failure::input("The server asks for a signature over something that is no challenge"));
    }
    let signature = Base64UrlUnpadded::encode_string(&key.sign(challenge.as_bytes()).to_bytes());
    Ok(json!({ "challenge": challenge, "signature": signature }))
}
