//! The command line: built, tested against the real Worker, and measured.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::dev;
use crate::process::{self, Echo};
use crate::size::Size;
use crate::test::{Counts, cargo_counts};
use crate::workspace::Workspace;

/// Builds `dist/cli/symbolon`, as it is shipped.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    process::run(
        workspace.cargo().args(["build", "--locked", "--release", "--package", "symbolon-cli"]),
        "building the command line",
    )?;
    let name = format!("symbolon{}", std::env::consts::EXE_SUFFIX);
    let built = workspace.target.join("release").join(&name);
    let folder = workspace.path("dist/cli");
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::copy(&built, &path).with_context(|| format!("copying {}", built.display()))?;
    Ok(path)
}

/// Builds the command line for tests, quickly, and returns where it is.
pub(crate) fn build_for_tests(workspace: &Workspace) -> Result<PathBuf> {
    process::run(
        workspace.cargo().args(["build", "--locked", "--package", "symbolon-cli"]),
        "building the command line",
    )?;
    Ok(workspace.target.join("debug").join(format!("symbolon{}", std::env::consts::EXE_SUFFIX)))
}

/// Runs the tests of the command line, with the Worker in workerd for those that need it.
pub(crate) fn test(workspace: &Workspace) -> Result<Counts> {
    let folder = workspace.path(".tools").join(format!("cli-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = tested(workspace, &folder);
    let _removed = fs::remove_dir_all(&folder);
    result
}

fn tested(workspace: &Workspace, folder: &std::path::Path) -> Result<Counts> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let server = dev::start(
        workspace,
        &dev::Options {
            port,
            setup_code: None,
            data: folder.join("data"),
            release: false,
            origin: None,
            gateway_hosts: Vec::new(),
        },
    )?;
    let mut command = workspace.cargo();
    command
        .args(["test", "--locked", "--no-fail-fast", "--package", "symbolon-cli"])
        .env("SYMBOLON_TEST_URL", &server.url)
        .env("SYMBOLON_TEST_SETUP_CODE", &server.setup_code);
    let finished = process::capture(&mut command, "cargo test --package symbolon-cli", Echo::Shown)?;
    let mut counts = cargo_counts(&finished.stdout);
    if !finished.status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    if counts.passed == 0 && counts.failed == 0 {
        bail!("cargo test ran no test");
    }
    Ok(counts)
}

/// Measures the binary's size, and how long it takes to start beside a program that does nothing.
pub(crate) fn bench(workspace: &Workspace, rounds: u32) -> Result<()> {
    let binary = build(workspace)?;
    println!("cli");
    println!("  {:32} {}", "size", Size::of(&binary)?);
    let path = binary.display().to_string();
    let starts: [(&str, &str, &[&str]); 4] = [
        ("true (does nothing)", "true", &[]),
        ("symbolon --version", &path, &["--version"]),
        ("symbolon status --offline", &path, &["status", "--offline"]),
        ("symbolon request --dry-run (signs)", &path, &["request", "GET", "https://api.example/", "--dry-run"]),
    ];
    for (name, program, arguments) in starts {
        // The first runs find the program and fill the caches.
        let mut times = Vec::new();
        for round in 0..rounds.saturating_mul(20).saturating_add(5) {
            let took = once(program, arguments)?;
            if round >= 5 {
                times.push(took);
            }
        }
        times.sort_unstable();
        let median = times.get(times.len().div_euclid(2)).copied().unwrap_or_default();
        println!("  {name:36} {:.2} ms (median of {})", median.as_secs_f64() * 1000.0, times.len());
    }
    Ok(())
}

fn once(program: &str, arguments: &[&str]) -> Result<Duration> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("SYMBOLON_CONFIG_DIR", "dist/cli/no-settings")
        .env("SYMBOLON_STORE", "file")
        .env("SYMBOLON_PRIVATE_KEY", "2b".repeat(32))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().with_context(|| format!("running {program}"))?;
    let took = started.elapsed();
    if !status.success() {
        bail!("{program} {} failed ({status})", arguments.join(" "));
    }
    Ok(took)
}
