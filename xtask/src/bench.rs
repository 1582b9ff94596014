//! Sizes, and requests per second in workerd, side by side in one run on one machine.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::build::{self, Flavour};
use crate::cli;
use crate::npm;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;
use crate::www;

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Subject {
    /// The Worker's bytes, raw and with gzip.
    Size,
    /// The console: its bytes, raw and with gzip, and the time to its first list of 1,000 tokens in Chromium.
    Www,
    /// Requests per second and CPU time of the Worker, against Workers that do nothing.
    Throughput,
    /// Requests per second under each freshness, questions to the authority for 1,000 verifications, and how long a
    /// revocation takes: in one run.
    Leases,
    /// The npm package: bytes of bundles and times, beside other packages and bare WebCrypto.
    Web,
    /// The command line: its size, and how long it takes to start.
    Cli,
}

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// What to measure.
    subjects: Vec<Subject>,
    /// How many times each Worker has its turn; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long one turn is.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// With `size`: whose the Worker's bytes are, before gzip.
    #[arg(long)]
    by_crate: bool,
}

/// Measures what is named, or everything.
pub(crate) fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    let subjects = if options.subjects.is_empty() { Subject::value_variants() } else { &options.subjects };
    for subject in subjects {
        match subject {
            Subject::Size => size(workspace, options.by_crate)?,
            Subject::Www => console(workspace, options)?,
            Subject::Throughput => throughput(workspace, options)?,
            Subject::Web => web(workspace)?,
            Subject::Cli => cli::bench(workspace, options.rounds)?,
            Subject::Leases => leases(workspace, options)?,
        }
    }
    Ok(())
}

fn size(workspace: &Workspace, by_crate: bool) -> Result<()> {
    let folder = build::worker(workspace, Flavour::Release)?;
    println!("size");
    for (name, size) in build::worker_sizes(&folder)? {
        println!("  {name:16} {size}");
    }
    if by_crate {
        for (name, bytes) in build::worker_parts(workspace)?.0 {
            println!("  {name:32} {bytes:>9}");
        }
    }
    Ok(())
}

fn web(workspace: &Workspace) -> Result<()> {
    npm::build(workspace)?;
    let mut command = setup::node_command(workspace);
    process::run(command.arg("xtask/js/bench-web.mjs"), "measuring")
}

fn console(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = www::build(workspace)?;
    println!("www");
    for (name, size) in www::sizes(&folder)? {
        println!("  {name:16} {size}");
    }
    setup::chromium(workspace)?;
    let settings = json!({
        "worker": build::worker(workspace, Flavour::Release)?,
        "assets": folder,
        "rounds": options.rounds,
    });
    let mut command = setup::node_command(workspace);
    command.arg("xtask/js/bench-console.mjs").arg(serde_json::to_string(&settings).context("settings")?);
    process::run(&mut command, "measuring")
}

fn throughput(workspace: &Workspace, options: &Options) -> Result<()> {
    let settings = json!({
        "worker": build::worker(workspace, Flavour::Release)?,
        "emptyRust": build::empty_worker(workspace)?,
        "rounds": options.rounds,
        "seconds": options.seconds,
    });
    measure(workspace, "xtask/js/bench.mjs", &settings)
}

fn leases(workspace: &Workspace, options: &Options) -> Result<()> {
    let settings = json!({
        "worker": build::worker(workspace, Flavour::Release)?,
        "emptyRust": build::empty_worker(workspace)?,
        "rounds": options.rounds,
        "seconds": options.seconds,
    });
    measure(workspace, "xtask/js/bench-leases.mjs", &settings)
}

fn measure(workspace: &Workspace, script: &str, settings: &serde_json::Value) -> Result<()> {
    if !setup::runs("wrk") {
        setup::apt(workspace, &["wrk"])?;
    }
    let mut command = setup::node_command(workspace);
    command.arg(script).arg(serde_json::to_string(settings).context("settings")?);
    process::run(&mut command, "measuring")
}
