//! `symbolon verify`: a signed request against a public key, here; or a request or a token, at the server.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use symbolon::signature::{
    self, BodyDigests, Field, Message, Policy, Requirement, Scheme, Selection, SignatureError, Verified, Window,
};
use symbolon::time::Timestamp;

use crate::args::Global;
use crate::contract::Verification;
use crate::failure::Failure;
use crate::input;
use crate::keys;
use crate::message;
use crate::output::{Output, Style};
use crate::system;
use crate::transport::Request;

use super::signer::rules;
use super::{client, may};

/// The window that a native signature is held to.
const WINDOW: Window = Window {
    max_age_seconds: 60,
    max_lifetime_seconds: 300,
    max_ahead_seconds: 5,
    created: Requirement::Required,
    expires: Requirement::Optional,
};

/// The scheme of a target that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemeName {
    /// http.
    Http,
    /// https.
    Https,
}

/// What `symbolon verify` takes.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A file with an HTTP/1.1 request: head, empty line, content; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Verify here, against the public key in this file; without it the server is asked
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// The scheme, where the request does not name one
    #[arg(long, value_enum, default_value = "https")]
    scheme: SchemeName,
    /// Hold it to this profile's rules: a built-in one by name, or a file
    #[arg(long, value_name = "PROFILE", requires = "public_key")]
    profile: Option<String>,
    /// The kind of the profile, where several can be signed
    #[arg(long, requires = "profile")]
    kind: Option<String>,
    /// Verify as if it were this time
    #[arg(long, value_name = "TIME", requires = "public_key")]
    at: Option<Timestamp>,
    /// Ask the server about the bearer token in this file instead of a request; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["public_key", "file"])]
    credential: Option<PathBuf>,
    /// Ask the server whether it has this permission; may be repeated
    #[arg(long = "require", value_name = "PERMISSION", conflicts_with = "public_key")]
    require: Vec<String>,
    /// Ask the server about this resource
    #[arg(long, conflicts_with = "public_key")]
    resource: Option<String>,
    /// A file with the passphrase that came along; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    passphrase: Option<PathBuf>,
}

/// Verifies.
///
/// # Errors
/// [`Failure::Negative`] where it is not valid, with the reason; those of the server and of this machine.
pub(crate) fn run(command: &Verify, global: &Global, output: &mut Output) -> Result<(), Failure> {
    match &command.public_key {
        Some(path) => offline(command, path, output),
        None => online(command, global, output),
    }
}

fn request(command: &Verify) -> Result<Request, Failure> {
    let bytes = input::bytes(&command.file, input::MAX_MESSAGE_BYTES)?;
    let scheme = match command.scheme {
        SchemeName::Http => Scheme::Http,
        SchemeName::Https => Scheme::Https,
    };
    message::parse(&bytes, scheme)
}

fn offline(command: &Verify, path: &Path, output: &mut Output) -> Result<(), Failure> {
    let key = keys::public_key_in(path)?;
    let request = request(command)?;
    let (policy, label) = match &command.profile {
        Some(profile) => {
            let rules = rules(profile, command.kind.as_deref())?;
            let policy = Policy::try_from(&rules).map_err(|error| Failure::input(error.to_string()))?;
            (policy, rules.applied().labels.into_iter().next())
        }
        None => (Policy::native(WINDOW), None),
    };
    let fields: Vec<Field<'_>> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let message =
        Message::from(signature::Request { method: &request.method, target: &request.target, fields: &fields });
    let selection = Selection { label: label.as_deref(), ..Selection::NATIVE };
    let now = command.at.unwrap_or_else(system::now);
    let result = signature::verify(&message, request.body.as_deref(), &selection, &policy, now, |_| Some(key));
    print_offline(&result, output)
}

fn print_offline(result: &Result<Verified, SignatureError>, output: &mut Output) -> Result<(), Failure> {
    match result {
        Ok(verified) => {
            let input = verified.input();
            let covered: Vec<String> = input.components().iter().map(ToString::to_string).collect();
            let until = verified.replayable_until();
            if output.is_json() {
                return output.document(&json!({
                    "valid": true, "code": "ok", "label": verified.label(), "covered": covered,
                    "keyid": input.key_id(), "valid_until": until,
                }));
            }
            let line = output.styled(Style::Good, "The signature is valid.");
            output.line(&line)?;
            output.fields(&[
                ("Label", verified.label().to_owned()),
                ("Covers", covered.join(" ")),
                ("Key id", super::or_none(input.key_id())),
                ("Valid until", until.to_string()),
            ])
        }
        Err(error) => {
            if output.is_json() {
                output.document(&json!({ "valid": false, "code": error.code(), "reason": error.to_string() }))?;
            }
            Err(Failure::Negative(format!("Not valid: {}: {error}", error.code())))
        }
    }
}

fn online(command: &Verify, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let mut question = Map::new();
    match &command.credential {
        Some(path) => {
            question.insert("credential".to_owned(), json!(input::secret(path)?.as_str()));
        }
        None => {
            question.insert("request".to_owned(), describe(&request(command)?));
        }
    }
    if let Some(path) = &command.passphrase {
        question.insert("passphrase".to_owned(), json!(input::secret(path)?.as_str()));
    }
    if !command.require.is_empty() {
        question.insert("require".to_owned(), json!(command.require));
    }
    if let Some(resource) = &command.resource {
        question.insert("resource".to_owned(), json!(resource));
    }
    let answer = client(global)?.call::<Verification>("POST", "/v1/verify", Some(&Value::Object(question)))?;
    let Verification { valid, code, token, permissions, grants } = answer.read;
    if output.is_json() {
        output.document(&answer.raw)?;
    } else if valid {
        let line = output.styled(Style::Good, "The credential is valid.");
        output.line(&line)?;
        let mut fields = Vec::new();
        if let Some(token) = token {
            fields.push(("Token", format!("{} ({}, {})", token.name, token.kind, token.id)));
        }
        fields.push(("May", may(&permissions.unwrap_or_default(), &grants.unwrap_or_default())));
        output.fields(&fields)?;
    }
    if valid { Ok(()) } else { Err(Failure::Negative(format!("Not valid: {code}"))) }
}

/// A request as the server takes it: the digest of its content in place of the content.
fn describe(request: &Request) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in &request.headers {
        match headers.get_mut(name) {
            Some(Value::Array(values)) => values.push(json!(value)),
            _ => {
                headers.insert(name.clone(), json!([value]));
            }
        }
    }
    let digest = request.body.as_ref().map(|body| BodyDigests::sha256(body).to_field());
    json!({
        "method": request.method, "url": request.target.to_string(), "headers": headers, "content_digest": digest,
    })
}
