//! The suites, one after the other, how many tests of each passed, and how long each took.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::build::{self, Flavour};
use crate::process::{self, Echo, say};
use crate::workspace::Workspace;
use crate::{cli, npm, readme, setup, tidy, wasm_test, www};

/// A suite.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// cargo test: the core, authority, gate, vectors, xtask itself, and the protocol in a model checker.
    Core,
    /// The real gate and authorities in a deterministic simulation, many seeds of it.
    Simulation,
    /// What `cargo xtask tidy` checks.
    Tidy,
    /// tests/workerd: the built Worker in workerd.
    Workerd,
    /// tests/workerd/revocation.test.mjs: eight edges, one authority, thousands of changes under load.
    Revocation,
    /// tests/interface: schemathesis over the OpenAPI document, against the Worker in workerd.
    Interface,
    /// tests/proxies: nginx, Caddy and Traefik, configured as docs/protecting.md says, in front of an API.
    Proxies,
    /// tests/npm: the npm package in Node 20 and 24, Deno, Bun and workerd, and in projects that install it.
    Npm,
    /// crates/web in WebAssembly, by wasm-bindgen-test in Node and in Chromium.
    Wasm,
    /// tests/browser: the npm package and the console in Chromium.
    Browser,
    /// The command line: by itself, and against the Worker in workerd; the steps of docs/tasks.
    Cli,
    /// The quickstart of README.md, as a reader would type it.
    Readme,
    /// wrangler deploy --dry-run with the root wrangler.toml.
    Wrangler,
}

/// Which seeds the simulation runs.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Seeds {
    /// How many seeds the simulation runs; more on demand.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// From which seed on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many of the last events of a failing seed to print.
    #[arg(long, default_value_t = 0)]
    trace: u64,
}

/// The test of a suite of its own.
const REVOCATION: &str = "revocation.test.mjs";

/// How many tests ended how.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, and suites that could not be run.
    pub(crate) failed: u64,
    /// Tests that were left out.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Both together.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Runs the suites that are named, or all; an error when any test failed.
pub(crate) fn test(workspace: &Workspace, suites: &[Suite], seeds: Seeds) -> Result<()> {
    let suites = if suites.is_empty() { Suite::value_variants() } else { suites };
    let mut results = Vec::new();
    for suite in suites {
        say(&format!("suite {}", name(*suite)));
        let started = Instant::now();
        let counts = run(workspace, *suite, seeds).unwrap_or_else(|error| {
            say(&format!("suite {}: {error:#}", name(*suite)));
            Counts { failed: 1, ..Counts::default() }
        });
        results.push((*suite, counts, started.elapsed().as_secs()));
    }
    println!();
    let mut total = Counts::default();
    for (suite, counts, seconds) in results {
        println!("suite {:10} {counts} ({seconds} s)", name(suite));
        total.add(counts);
    }
    println!("{total}");
    if total.failed > 0 {
        bail!("some tests failed");
    }
    Ok(())
}

fn name(suite: Suite) -> String {
    suite.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn run(workspace: &Workspace, suite: Suite, seeds: Seeds) -> Result<Counts> {
    match suite {
        Suite::Core => core(workspace),
        Suite::Simulation => simulation(workspace, seeds),
        Suite::Tidy => tidy::counts(workspace),
        Suite::Workerd => workerd(workspace),
        Suite::Revocation => revocation(workspace),
        Suite::Interface => interface(workspace),
        Suite::Proxies => proxies(workspace),
        Suite::Npm => npm::test(workspace),
        Suite::Wasm => wasm_test::test(workspace),
        Suite::Browser => npm::test_in_browser(workspace),
        Suite::Cli => cli::test(workspace),
        Suite::Readme => readme::run(workspace),
        Suite::Wrangler => wrangler(workspace),
    }
}

fn core(workspace: &Workspace) -> Result<Counts> {
    let mut counts = Counts::default();
    let packages = ["xtask", "symbolon-openapi", "symbolon-model"].map(|package| ["--package", package]);
    for package in core::iter::once(&[][..]).chain(packages.iter().map(|package| &package[..])) {
        let mut command = workspace.cargo();
        command.args(["test", "--locked", "--no-fail-fast"]).args(package);
        let finished = process::capture(&mut command, "cargo test", Echo::Shown)?;
        let mut counted = cargo_counts(&finished.stdout);
        if !finished.status.success() && counted.failed == 0 {
            counted.failed = 1;
        }
        counts.add(counted);
    }
    if counts.passed == 0 && counts.failed == 0 {
        bail!("cargo test ran no test");
    }
    Ok(counts)
}

fn simulation(workspace: &Workspace, seeds: Seeds) -> Result<Counts> {
    let mut command = workspace.cargo();
    command
        .args(["test", "--locked", "--profile", "simulation", "--package", "symbolon-simulation"])
        .args(["--", "--nocapture", "--test-threads", "1"])
        // What SQLite counts of its memory takes a lock, which threads would wait for.
        .env("LIBSQLITE3_FLAGS", "-DSQLITE_DEFAULT_MEMSTATUS=0")
        .env("SYMBOLON_SEEDS", seeds.seeds.to_string())
        .env("SYMBOLON_FROM", seeds.from.to_string())
        .env("SYMBOLON_TRACE", seeds.trace.to_string());
    let finished = process::capture(&mut command, "cargo test", Echo::Shown)?;
    let mut counts = cargo_counts(&finished.stdout);
    if !finished.status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    if counts.passed == 0 && counts.failed == 0 {
        bail!("the simulation ran no test");
    }
    Ok(counts)
}

fn workerd(workspace: &Workspace) -> Result<Counts> {
    let mut files = files(workspace, "tests/workerd")?;
    // It wants the machine for itself, while node runs these side by side.
    files.retain(|path| !path.ends_with(REVOCATION));
    build::worker(workspace, Flavour::Release)?;
    build::worker(workspace, Flavour::Test)?;
    www::build(workspace)?;
    setup::python_packages(workspace)?;
    let mut command = setup::node_command(workspace);
    command.args(["--test", "--test-reporter=spec"]).args(&files);
    node_tests(&mut command)
}

fn interface(workspace: &Workspace) -> Result<Counts> {
    build::worker(workspace, Flavour::Test)?;
    www::build(workspace)?;
    setup::python_packages(workspace)?;
    let mut command = setup::node_command(workspace);
    command.args(["--test", "--test-reporter=spec"]).args(files(workspace, "tests/interface")?);
    node_tests(&mut command)
}

fn proxies(workspace: &Workspace) -> Result<Counts> {
    build::worker(workspace, Flavour::Release)?;
    let debian = setup::proxies(workspace)?;
    let python = setup::python_packages(workspace)?;
    let mut command = setup::node_command(workspace);
    command
        .args(["--test", "--test-reporter=spec"])
        .args(files(workspace, "tests/proxies")?)
        .env("SYMBOLON_NGINX", debian.join("usr/sbin/nginx"))
        .env("SYMBOLON_CADDY", debian.join("usr/bin/caddy"))
        .env("SYMBOLON_TRAEFIK", python.with_file_name("traefik"));
    node_tests(&mut command)
}

fn revocation(workspace: &Workspace) -> Result<Counts> {
    build::worker(workspace, Flavour::Release)?;
    let mut command = setup::node_command(workspace);
    command.args(["--test", "--test-reporter=spec"]).arg(workspace.path("tests/workerd").join(REVOCATION));
    node_tests(&mut command)
}

/// The files of tests in a folder; an error when there is none.
pub(crate) fn files(workspace: &Workspace, folder: &str) -> Result<Vec<PathBuf>> {
    let path = workspace.path(folder);
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(&path)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".test.mjs") {
                files.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("there is no test under {folder}");
    }
    Ok(files)
}

/// Runs node's tests and counts them.
pub(crate) fn node_tests(command: &mut std::process::Command) -> Result<Counts> {
    let finished = process::capture(command, "node --test", Echo::Shown)?;
    let mut counts = node_counts(&finished.stdout).context("node --test printed no counts")?;
    if !finished.status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    if counts.passed == 0 && counts.failed == 0 {
        bail!("node --test ran no test");
    }
    Ok(counts)
}

fn wrangler(workspace: &Workspace) -> Result<Counts> {
    setup::npm(workspace)?;
    let out = workspace.path(".tools/wrangler");
    let mut command = setup::package_command(workspace, "wrangler");
    command
        .args(["deploy", "--dry-run", "--outdir"])
        .arg(out.join("out"))
        // Its settings and logs go where git ignores them, and no account is looked for.
        .env("XDG_CONFIG_HOME", out.join("config"))
        .env("WRANGLER_LOG_PATH", out.join("logs"))
        .env("CI", "true")
        .env_remove("CLOUDFLARE_API_TOKEN")
        .env_remove("CLOUDFLARE_ACCOUNT_ID");
    let text = process::capture(&mut command, "wrangler deploy --dry-run", Echo::Shown)?
        .expect_success("wrangler deploy --dry-run")?;
    for binding in ["ORGANIZATION", "INSTANCE", "LOCATOR", "REPLAY", "LOGIN", "DIRECTORY", "ASSETS", "symbolon.wasm"] {
        if !text.contains(binding) {
            bail!("wrangler deploy --dry-run does not name {binding}");
        }
    }
    Ok(Counts { passed: 1, ..Counts::default() })
}

/// Adds up the closing lines of cargo's test binaries.
pub(crate) fn cargo_counts(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text.lines().filter(|line| line.starts_with("test result: ")) {
        for part in line.split([';', '.']) {
            let words: Vec<&str> = part.split_whitespace().collect();
            if let [number, word] = words.as_slice()
                && let Ok(number) = number.parse()
            {
                match *word {
                    "passed" => counts.passed = counts.passed.saturating_add(number),
                    "failed" => counts.failed = counts.failed.saturating_add(number),
                    "ignored" => counts.skipped = counts.skipped.saturating_add(number),
                    _ => {}
                }
            }
        }
    }
    counts
}

/// The closing lines of node's test runner; none where there are none.
fn node_counts(text: &str) -> Option<Counts> {
    let number = |wanted: &str| {
        text.lines().rev().find_map(|line| {
            let rest = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?;
            let (word, number) = rest.split_once(' ')?;
            (word == wanted).then(|| number.trim().parse::<u64>().ok()).flatten()
        })
    };
    Some(Counts {
        passed: number("pass")?,
        failed: number("fail")?.saturating_add(number("cancelled").unwrap_or(0)),
        skipped: number("skipped").unwrap_or(0).saturating_add(number("todo").unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_cargo_are_added_up() {
        let text = "test a ... ok\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s\n\
                    test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.00s\n";
        assert_eq!(cargo_counts(text), Counts { passed: 14, failed: 3, skipped: 1 });
        assert_eq!(cargo_counts("error: could not compile"), Counts::default());
    }

    #[test]
    fn counts_of_node_are_read_and_their_absence_is_noticed() {
        let text = "✔ a (1ms)\nℹ tests 5\nℹ suites 0\nℹ pass 2\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 0\nℹ duration_ms 9\n";
        assert_eq!(node_counts(text), Some(Counts { passed: 2, failed: 2, skipped: 1 }));
        assert_eq!(node_counts("Error: cannot find module"), None);
    }
}
