//! `symbolon completions` and `symbolon manual`: what is generated from the definition of the command line.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::Failure;
use crate::output::{Output, Style};

/// What `symbolon completions` takes.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints completions.
///
/// # Errors
/// [`Failure::OutputClosed`].
pub(crate) fn completions(command: &Completions, output: &mut Output) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "symbolon", &mut text);
    output.bytes(&text)
}

/// What `symbolon manual` takes.
#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// Write a manual page for each command into this folder
    #[arg(long, value_name = "DIR", required_unless_present = "markdown")]
    out: Option<PathBuf>,
    /// Print the reference as Markdown
    #[arg(long, conflicts_with = "out")]
    markdown: bool,
}

/// Writes manual pages, or prints the reference.
///
/// # Errors
/// [`Failure::Local`].
pub(crate) fn manual(command: &Manual, output: &mut Output) -> Result<(), Failure> {
    let mut root = Arguments::command();
    root.build();
    let Some(folder) = &command.out else {
        let text = markdown(&root);
        return output.bytes(text.as_bytes());
    };
    std::fs::create_dir_all(folder).map_err(|error| Failure::file("making", folder, error))?;
    clap_mangen::generate_to(root, folder).map_err(|error| Failure::file("writing to", folder, error))?;
    output.note(Style::Plain, &format!("The manual pages are in {}", folder.display()));
    Ok(())
}

/// The reference: every command with its arguments, and once those that every command takes.
fn markdown(root: &Command) -> String {
    let mut text = String::new();
    section(root, "symbolon", &mut text);
    text
}

fn section(command: &Command, path: &str, text: &mut String) {
    let global = path == "symbolon";
    if !global {
        let _infallible = write!(text, "### `{path}`\n\n");
        if let Some(about) = command.get_about() {
            let _infallible = write!(text, "{about}.\n\n");
        }
    }
    let mut rows = String::new();
    for argument in command.get_arguments().filter(|argument| argument.is_global_set() == global) {
        let id = argument.get_id().as_str();
        if argument.is_hide_set() || id == "help" || id == "version" {
            continue;
        }
        let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let takes = argument.get_action().takes_values();
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        let mut name = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
        if name.is_empty() {
            name = if argument.is_required_set() {
                value.clone().unwrap_or_default()
            } else {
                format!("[{}]", value.clone().unwrap_or_default())
            };
        } else if takes {
            name.push_str(&format!(" {}", value.unwrap_or_default()));
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
        let _infallible = writeln!(rows, "| `{name}` | {help} |");
    }
    if !rows.is_empty() {
        let _infallible = write!(text, "| argument | what it is |\n|---|---|\n{rows}\n");
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        section(sub, &format!("{path} {}", sub.get_name()), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_command_and_flag() {
        let mut root = Arguments::command();
        root.build();
        let text = markdown(&root);
        for wanted in ["### `symbolon token rotate`", "`--grace TIME`", "`--url URL`", "`-d, --data DATA`"] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
    }
}
