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
mod keys;
mod message;
mod output;
mod secrets;
mod settings;
mod signing;
mod system;
mod transport;

use std::process::ExitCode;

use clap::Parser as _;

use args::Arguments;
use output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
