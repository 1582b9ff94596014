//! `symbolon kinds`.

use serde::Deserialize;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;

use super::client;

/// The organisation's profile, as far as a list shows it.
#[derive(Deserialize)]
struct Kinds {
    kinds: Vec<Kind>,
}

/// A kind.
#[derive(Deserialize)]
struct Kind {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    proofs: Vec<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    can_create: bool,
}

/// Lists the kinds.
///
/// # Errors
/// [`Failure`].
pub(crate) fn run(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let answer = client(global)?.get::<Kinds>("/v1/kinds")?;
    if output.is_json() {
        return output.document(&answer.raw);
    }
    let rows: Vec<Vec<String>> = answer
        .read
        .kinds
        .into_iter()
        .map(|kind| {
            let may = if kind.can_create { "yes" } else { "no" };
            vec![kind.name, kind.title, kind.owner, kind.proofs.join(", "), kind.prefix, may.to_owned()]
        })
        .collect();
    output.table(&["KIND", "TITLE", "OWNER", "PROOFS", "PREFIX", "YOU MAY CREATE"], &rows)
}
