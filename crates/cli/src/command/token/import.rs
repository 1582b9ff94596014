//! `symbolon token import`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::args::Global;
use crate::command::client;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};

/// What `symbolon token import` takes.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A file with a JSON array of tokens, each with `kind`, `name`, the hash of its secret and what it grants;
    /// `-` is standard input
    file: PathBuf,
}

/// Imports tokens: all of them, or none.
pub(super) fn run(command: &Import, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let text = input::text(&command.file, input::MAX_TEXT_BYTES)?;
    let wrong = |why: &str| Failure::input(format!("{}: {why}", input::shown(&command.file)));
    // Not the parser's own words: they may hold a part of what stands there.
    let read: Value = serde_json::from_str(&text)
        .map_err(|error| wrong(&format!("not JSON, at line {} column {}", error.line(), error.column())))?;
    let tokens = match read {
        Value::Array(tokens) => tokens,
        Value::Object(mut object) => match object.remove("tokens") {
            Some(Value::Array(tokens)) if object.is_empty() => tokens,
            _ => return Err(wrong("neither an array of tokens nor an object with `tokens` alone")),
        },
        _ => return Err(wrong("neither an array of tokens nor an object with `tokens` alone")),
    };
    if tokens.is_empty() {
        return Err(wrong("it holds no token"));
    }
    let answer = client(global)?.call::<Value>("POST", "/v1/tokens/import", Some(&json!({ "tokens": tokens })))?;
    if output.is_json() {
        return output.document(&answer.raw);
    }
    let line = output.styled(Style::Good, &format!("Imported: {}", tokens.len()));
    output.line(&line)
}
