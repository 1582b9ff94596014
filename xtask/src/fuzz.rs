//! Runs the fuzz targets: with cargo-fuzz where it is installed, else by building them as cargo-fuzz would.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{self, Echo, say};
use crate::setup;
use crate::workspace::Workspace;

/// What cargo-fuzz 0.13 gives to rustc: libFuzzer's coverage, AddressSanitizer, and checks that a release leaves out.
const FLAGS: [&str; 11] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Zsanitizer=address",
    "-Clink-dead-code",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// Fuzzes one target, or each in turn; an error at the first finding.
pub(crate) fn fuzz(workspace: &Workspace, only: Option<&str>, seconds: u32) -> Result<()> {
    if !nightly() {
        bail!(
            "fuzzing needs a nightly toolchain (`rustup toolchain install nightly --profile minimal`), and there is none"
        );
    }
    let targets = targets(workspace)?;
    let chosen: Vec<&String> = targets.iter().filter(|name| only.is_none_or(|only| only == name.as_str())).collect();
    if chosen.is_empty() {
        bail!("there is no such target; there are: {}", targets.join(", "));
    }
    let with_cargo_fuzz = setup::runs("cargo-fuzz");
    if !with_cargo_fuzz {
        say("cargo-fuzz is not installed: building the targets with the flags that it would set");
        build(workspace)?;
    }
    for target in &chosen {
        say(&format!("fuzzing {target} for {seconds} s"));
        let limit = format!("-max_total_time={seconds}");
        let mut command = if with_cargo_fuzz {
            let mut command = nightly_cargo(workspace);
            command.args(["fuzz", "run", target, "--", &limit]);
            command
        } else {
            let artifacts = workspace.path("fuzz/artifacts").join(target);
            let corpus = workspace.path("fuzz/corpus").join(target);
            fs::create_dir_all(&artifacts)?;
            fs::create_dir_all(&corpus)?;
            let binary = workspace.target.join("fuzz").join(triple()?).join("release").join(target);
            let mut command = workspace.command(&binary.to_string_lossy());
            command.arg(format!("-artifact_prefix={}/", artifacts.display())).arg(limit).arg(corpus);
            command.env("ASAN_OPTIONS", "detect_odr_violation=0");
            command
        };
        process::run(&mut command, &format!("fuzzing {target}"))?;
    }
    println!("fuzz: {} targets, {seconds} s each, no finding", chosen.len());
    Ok(())
}

fn build(workspace: &Workspace) -> Result<()> {
    let mut command = nightly_cargo(workspace);
    command
        .args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--bins"])
        // With --target the flags are not given to build scripts.
        .args(["--target", &triple()?, "--target-dir"])
        .arg(workspace.target.join("fuzz"))
        .env("RUSTFLAGS", format!("--cfg fuzzing {}", FLAGS.join(" ")));
    process::run(&mut command, "building the fuzz targets")
}

fn nightly_cargo(workspace: &Workspace) -> Command {
    let mut command = workspace.command("rustup");
    command.args(["run", "nightly", "cargo"]);
    command
}

fn nightly() -> bool {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "rustc", "--version"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The machine's own target.
fn triple() -> Result<String> {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "rustc", "--version", "--verbose"]);
    let text = process::capture(&mut command, "rustc --version", Echo::Kept)?.expect_success("rustc --version")?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc names no host")
}

/// The binaries of fuzz/Cargo.toml.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut command = nightly_cargo(workspace);
    command.args(["metadata", "--format-version=1", "--no-deps", "--manifest-path", "fuzz/Cargo.toml"]);
    let text =
        process::capture(&mut command, "cargo metadata", Echo::Kept)?.expect_success("cargo metadata of fuzz")?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    let targets = packages.flat_map(|package| package.get("targets").and_then(Value::as_array).into_iter().flatten());
    let binaries = targets.filter(|target| {
        target.get("kind").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
    });
    Ok(binaries.filter_map(|target| target.get("name")?.as_str().map(str::to_owned)).collect())
}
