//! `symbolon key`: making, showing and converting keys. Nothing is sent anywhere.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use symbolon::key::{PrivateKey, PublicKey};

use crate::failure::Failure;
use crate::input;
use crate::keys::{self, Form};
use crate::output::{Output, Style};
use crate::settings::write_private;
use crate::system;

use super::profile::load;

/// What `symbolon key` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key pair: the private key goes into a file that only you can read, the public key is printed, to paste
    Generate(Generate),
    /// Show a key's public half and its names
    Show(Show),
    /// Write a key in another form
    Convert(Convert),
}

/// What `symbolon key generate` takes.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Where the private key goes; a file that is there is never overwritten
    #[arg(long, short, value_name = "FILE", required_unless_present = "public_only")]
    out: Option<PathBuf>,
    /// The form of both halves; that of the profile where none is said
    #[arg(long, value_enum)]
    form: Option<Form>,
    /// The profile whose form is used: a built-in one by name, or a file
    #[arg(long, value_name = "PROFILE", default_value = "symbolon")]
    profile: String,
    /// Make none: print the public half of the private key in this file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    public_only: Option<PathBuf>,
}

/// What `symbolon key show` takes.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A file with a private or a public key; `-` is standard input
    file: PathBuf,
    /// The form of the public key
    #[arg(long, value_enum, default_value = "pem")]
    form: Form,
}

/// What `symbolon key convert` takes.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// A file with a private or a public key; `-` is standard input
    file: PathBuf,
    /// The form to write
    #[arg(long, value_enum)]
    to: Form,
    /// Where it goes; a file that is there is never overwritten. A private key goes nowhere else
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the public half
    #[arg(long)]
    public_only: bool,
}

/// Carries it out.
///
/// # Errors
/// [`Failure::Input`], [`Failure::Local`].
pub(crate) fn run(command: &Key, output: &mut Output) -> Result<(), Failure> {
    match command {
        Key::Generate(command) => generate(command, output),
        Key::Show(command) => show(command, output),
        Key::Convert(command) => convert(command, output),
    }
}

fn generate(command: &Generate, output: &mut Output) -> Result<(), Failure> {
    let form = match command.form {
        Some(form) => form,
        None => profile_form(&command.profile)?,
    };
    if let Some(path) = &command.public_only {
        let key = keys::private_key_in(path)?;
        return print(&key.public_key(), form, None, output);
    }
    let Some(path) = &command.out else { return Err(Failure::input("Say --out FILE")) };
    let key = fresh()?;
    write_private(path, keys::print_private(&key, form)?.as_bytes(), false)?;
    print(&key.public_key(), form, Some(path), output)
}

/// A new key; bytes that are no scalar are thrown away, which happens once in 2^32.
fn fresh() -> Result<PrivateKey, Failure> {
    for _ in 0..8 {
        if let Ok(key) = PrivateKey::from_random(&*system::random()?) {
            return Ok(key);
        }
    }
    Err(Failure::local("making a key", "the system's random bytes are not random"))
}

/// The form in which a profile's clients paste public keys: hexadecimal digits where they name their key by the
/// fingerprint of those, PEM otherwise.
fn profile_form(name: &str) -> Result<Form, Failure> {
    let profile = load(name)?;
    let hexadecimal = profile.kinds().iter().any(|kind| kind.signature.fingerprint_header);
    Ok(if hexadecimal { Form::Hex } else { Form::Pem })
}

fn print(key: &PublicKey, form: Form, path: Option<&Path>, output: &mut Output) -> Result<(), Failure> {
    let text = keys::print_public(key, form)?;
    if output.is_json() {
        let mut document = describe(key);
        if let Some(object) = document.as_object_mut() {
            object.insert("public_key".to_owned(), json!(text));
            object.insert("private_key_file".to_owned(), json!(path));
        }
        return output.document(&document);
    }
    if let Some(path) = path {
        output.note(Style::Dim, &format!("The private key is in {}; this is the public key:", path.display()));
    }
    output.line(&text)
}

fn describe(key: &PublicKey) -> Value {
    json!({
        "thumbprint": key.thumbprint(),
        "fingerprint": key.fingerprint(),
        "stripped_fingerprint": key.stripped_fingerprint(),
    })
}

fn show(command: &Show, output: &mut Output) -> Result<(), Failure> {
    let key = keys::public_key_in(&command.file)?;
    if output.is_json() {
        return print(&key, command.form, None, output);
    }
    output.fields(&[("Thumbprint", key.thumbprint().to_string()), ("Fingerprint", key.fingerprint().to_string())])?;
    let text = keys::print_public(&key, command.form)?;
    output.line(&text)
}

fn convert(command: &Convert, output: &mut Output) -> Result<(), Failure> {
    let text = input::secret(&command.file)?;
    let wrong = |why| Failure::input(format!("{}: {why}", input::shown(&command.file)));
    let private = keys::private_key(&text).ok();
    if let (Some(key), false) = (&private, command.public_only) {
        let Some(path) = &command.out else {
            return Err(Failure::input("A private key is written to a file alone: say --out FILE, or --public-only"));
        };
        write_private(path, keys::print_private(key, command.to)?.as_bytes(), false)?;
        if output.is_json() {
            return output.document(&json!({ "private_key_file": path }));
        }
        output.note(Style::Dim, &format!("Written to {}", path.display()));
        return Ok(());
    }
    let key = keys::public_key(&text).map_err(wrong)?;
    let printed = keys::print_public(&key, command.to)?;
    match &command.out {
        Some(path) => write_private(path, format!("{printed}\n").as_bytes(), false),
        None => output.line(&printed),
    }
}
