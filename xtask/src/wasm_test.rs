//! The tests inside `crates/web`, in WebAssembly: in Node, and in Chromium by its driver.

use anyhow::{Result, bail};

use crate::process::{self, Echo, say};
use crate::setup;
use crate::test::{Counts, cargo_counts};
use crate::wasm;
use crate::workspace::Workspace;

/// Where they run, and the variable that wasm-bindgen's runner takes for it.
const HOSTS: [(&str, &str); 2] =
    [("Node", "WASM_BINDGEN_USE_NODE_EXPERIMENTAL"), ("Chromium", "WASM_BINDGEN_USE_BROWSER")];

/// Runs them in each host.
pub(crate) fn test(workspace: &Workspace) -> Result<Counts> {
    setup::npm(workspace)?;
    setup::chromium(workspace)?;
    wasm::same_bindgen(workspace)?;
    let mut build = workspace.cargo();
    build.args(["build", "--locked", "--quiet", "--package", "xtask-wasm-test"]);
    process::run(&mut build, "compiling wasm-bindgen's test runner (about three minutes of CPU, once)")?;
    let runner = workspace.target.join("debug").join(format!("xtask-wasm-test{}", std::env::consts::EXE_SUFFIX));
    let mut counts = Counts::default();
    for (host, variable) in HOSTS {
        say(&format!("crates/web in WebAssembly, in {host}"));
        let mut command = workspace.cargo();
        command
            .args(["test", "--locked", "--package", "symbolon-web", "--features", "rules,curve"])
            .args(["--target", "wasm32-unknown-unknown"])
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner)
            .env(variable, "1");
        // Its Node is the one that builds use.
        setup::with_packages(workspace, &mut command);
        let finished = process::capture(&mut command, "cargo test", Echo::Shown)?;
        let mut counted = cargo_counts(&finished.stdout);
        if !finished.status.success() && counted.failed == 0 {
            counted.failed = 1;
        }
        if counted.passed == 0 && counted.failed == 0 {
            bail!("no test ran in {host}");
        }
        counts.add(counted);
    }
    Ok(counts)
}
