//! Which crate may know which, and what the pure ones may not bring along.

use anyhow::Result;
use serde_json::Value;

use super::{Finding, Source};
use crate::process::{self, Echo};
use crate::workspace::Workspace;

/// Every crate of the workspace, and the crates of the workspace that it may depend on.
const LAYERS: [(&str, &[&str]); 15] = [
    ("symbolon", &[]),
    ("symbolon-authority", &["symbolon"]),
    ("symbolon-gate", &["symbolon"]),
    ("symbolon-worker", &["symbolon", "symbolon-authority", "symbolon-gate"]),
    ("symbolon-web", &["symbolon"]),
    ("symbolon-cli", &["symbolon"]),
    // What both say of their calls, in one document.
    ("symbolon-openapi", &["symbolon", "symbolon-authority", "symbolon-gate"]),
    // The integration suites look at everything that runs natively; the authority and the gate never meet elsewhere.
    ("symbolon-tests", &["symbolon", "symbolon-authority", "symbolon-gate", "symbolon-openapi"]),
    // Not ours at all: it shares nothing with what it is compared with.
    ("symbolon-interop", &[]),
    ("symbolon-model", &["symbolon"]),
    ("symbolon-simulation", &["symbolon", "symbolon-authority", "symbolon-gate"]),
    ("xtask", &[]),
    ("xtask-bench", &[]),
    ("xtask-bindgen", &[]),
    ("xtask-wasm-test", &[]),
];

/// The crates that do no input or output of their own.
const PURE: [&str; 3] = ["symbolon", "symbolon-authority", "symbolon-gate"];

/// What reaches outside: JavaScript, randomness, clocks, threads of an async runtime.
const IMPURE: [&str; 7] = ["wasm-bindgen", "js-sys", "web-sys", "getrandom", "tokio", "chrono", "rand"];

/// Checks the dependencies of every member, development dependencies included.
pub(super) fn edges(workspace: &Workspace, _: &[Source]) -> Result<Vec<Finding>> {
    let members = workspace.members();
    let names: Vec<&str> = members.iter().filter_map(|package| package.get("name")?.as_str()).collect();
    let mut findings = Vec::new();
    for package in &members {
        let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
            findings.push(Finding::at(name, "a crate that xtask/src/tidy/layers.rs does not know"));
            continue;
        };
        for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            let to = dependency.get("name").and_then(Value::as_str).unwrap_or_default();
            if names.contains(&to) && !allowed.contains(&to) {
                findings.push(Finding::at(name, &format!("must not depend on {to}")));
            }
        }
    }
    Ok(findings)
}

/// Checks everything that the pure crates bring into a Worker, by the features that they ask for themselves.
pub(super) fn purity(workspace: &Workspace, _: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in PURE {
        let mut command = workspace.cargo();
        command.args(["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"]);
        command.args(["--target", "wasm32-unknown-unknown", "--format", "{p}"]);
        let text = process::capture(&mut command, "cargo tree", Echo::Kept)?.expect_success("cargo tree")?;
        findings.extend(impure(&text).into_iter().map(|name| Finding::at(package, &format!("brings in {name}"))));
    }
    Ok(findings)
}

fn impure(tree: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| IMPURE.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impure_crates_are_found_by_their_whole_name() {
        assert_eq!(
            impure("symbolon v0.1.0\ngetrandom v0.4.3\nrand_core v0.10.1\ngetrandom v0.4.3 (*)\n"),
            ["getrandom"]
        );
        assert!(impure("symbolon v0.1.0\nrand_core v0.10.1\n").is_empty());
    }

    #[test]
    fn no_layer_looks_up() {
        for (index, (_, below)) in LAYERS.iter().enumerate() {
            for name in *below {
                let at = LAYERS.iter().position(|(layer, _)| layer == name).unwrap();
                assert!(at < index, "{name}");
            }
        }
    }
}
