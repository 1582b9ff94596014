//! One brain for build, dev, test, bench and tidy: `cargo xtask help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool prints, reads the clock and the environment; nothing here is part of the product"
)]

mod build;
mod dev;
mod glue;
mod process;
#[allow(dead_code, reason = "the suites that need Python and a browser come next")]
mod setup;
mod size;
mod wasm;
#[allow(dead_code, reason = "tidy comes next")]
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Builds, serves, tests and checks Symbolon. Whatever a command needs beyond Rust, Node 20 with npm, and Python 3, it
/// installs by itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds what is shipped, under dist/; everything when nothing is named.
    Build {
        /// What to build.
        products: Vec<build::Product>,
        /// The Worker with its test hooks, into dist/worker-test; never deployed.
        #[arg(long = "test")]
        test_hooks: bool,
    },
    /// Sets up, builds, and serves with workerd on localhost.
    Dev(dev::Options),
    /// Installs what builds need, and nothing else.
    Setup,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            process::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    process::end_children_on_signal()?;
    let workspace = Workspace::find()?;
    match arguments.command {
        Task::Build { products, test_hooks } => build::build(&workspace, &products, test_hooks),
        Task::Dev(options) => dev::dev(&workspace, &options),
        Task::Setup => setup::npm(&workspace),
    }
}
