//! One brain for build, dev, test, bench and tidy: `cargo xtask help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool prints, reads the clock and the environment; nothing here is part of the product"
)]

mod bench;
mod build;
mod by_crate;
mod check;
mod cli;
mod dev;
mod fuzz;
mod glue;
mod npm;
mod openapi;
mod process;
mod readme;
mod setup;
mod size;
mod test;
mod tidy;
mod wasm;
mod wasm_test;
mod workspace;
mod www;

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
    /// Runs the suites that are named, or all.
    Test {
        /// The suites.
        suites: Vec<test::Suite>,
        #[command(flatten)]
        seeds: test::Seeds,
    },
    /// Format, lints and documentation, each without a warning.
    Check,
    /// The rules of the house that can be checked: layers, forbidden words, lock files, the map.
    Tidy,
    /// Measures: sizes, and requests per second in workerd; everything when nothing is named.
    Bench(bench::Options),
    /// Runs the fuzz targets on a nightly toolchain.
    Fuzz {
        /// One target; each in turn when none is named.
        target: Option<String>,
        /// How long each is fuzzed.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Installs what builds and tests need, and nothing else; every other command does so by itself.
    Setup {
        /// A browser and its driver too, from Debian's packages.
        #[arg(long)]
        browser: bool,
        /// The Python packages that tests of interoperation use too, in an environment of their own.
        #[arg(long)]
        python: bool,
    },
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
        Task::Test { suites, seeds } => test::test(&workspace, &suites, seeds),
        Task::Check => check::check(&workspace),
        Task::Tidy => tidy::tidy(&workspace),
        Task::Bench(options) => bench::bench(&workspace, &options),
        Task::Fuzz { target, seconds } => fuzz::fuzz(&workspace, target.as_deref(), seconds),
        Task::Setup { browser, python } => setup::all(&workspace, browser, python),
    }
}
