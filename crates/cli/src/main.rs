//! `symbolon`, the command line: keys, tokens and signed requests from a terminal, a script or a pipeline.
//!
//! It is an adapter over the core: what a key, a signature, a profile or a token is, and what is wrong with one, the
//! core says. Here are the clock, randomness, files, the terminal and HTTP. One module for each group of commands, in
//! `command`; what they share lies beside it.
//!
//! Nothing here panics, and no secret gets into an error, a log or another process's arguments: secrets come from
//! files, standard input or the environment, and a token leaves this process in an HTTP header alone.
#![forbid(unsafe_code)]
// An adapter: this is where clocks and the environment are read, in `system.rs` alone.
#![allow(rustdoc::bare_urls, reason = "doc comments of arguments are what --help prints, word for word")]
#![allow(clippy::disallowed_methods, reason = "the core takes the time and settings as arguments; they are read here")]

mod args;
mod client;
mod command;
mod contract;
mod credential;
mod failure;
mod input;
mod interrupt;
mod keys;
mod message;
mod output;
mod secrets;
mod settings;
mod signing;
mod system;
mod transport;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::Arguments;
use output::{Color, Output};

fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    let mut output = Output::new(arguments.global.json, arguments.global.color);
    let result = command::run(arguments, &mut output).and_then(|()| output.flush());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Reads the arguments. What is wrong with them is told as every failure is: in colour or not, for people or as JSON.
fn parse() -> Result<Arguments, ExitCode> {
    // They cannot be asked yet how they want to be told.
    let said: Vec<_> = std::env::args_os().skip(1).take_while(|argument| argument != "--").collect();
    let json = said.iter().any(|argument| argument == "--json");
    let plain = said.iter().any(|argument| argument == "--color=never")
        || said.windows(2).any(|pair| matches!(pair, [flag, value] if flag == "--color" && value == "never"));
    let color = if plain { clap::ColorChoice::Never } else { clap::ColorChoice::Auto };
    let parsed = Arguments::command().color(color).try_get_matches();
    parsed.and_then(|matches| Arguments::from_arg_matches(&matches)).map_err(|error| {
        if error.use_stderr() && json {
            let text = error.render().to_string();
            let first = text.split("\n\n").next().unwrap_or_default();
            let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
            let failure = failure::Failure::input(line.strip_prefix("error: ").unwrap_or(&line));
            Output::new(true, Color::Never).failure(&failure);
            return ExitCode::from(failure.exit_code());
        }
        // Where it cannot be written there is nobody to tell.
        let _told = error.print();
        if error.use_stderr() { ExitCode::from(failure::Failure::input("").exit_code()) } else { ExitCode::SUCCESS }
    })
}
