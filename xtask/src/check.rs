//! Format, lints, documentation and the types of the Worker's host, each without a warning.

use anyhow::Result;
use serde_json::Value;

use crate::process::{self, say};
use crate::setup;
use crate::workspace::Workspace;

const WASM: &str = "wasm32-unknown-unknown";

/// Runs every check in turn; the first that fails ends it.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let run = |what: &str, words: &[&str]| {
        say(what);
        process::run(workspace.cargo().args(words).env("RUSTDOCFLAGS", "-D warnings"), what)
    };
    run("format", &["fmt", "--all", "--check"])?;

    // The WebAssembly crates are linted for the target that they are for, each with its own -p and features.
    let cdylibs = cdylibs(workspace);
    let mut lint = vec!["clippy", "--locked", "--workspace", "--all-targets"];
    for (name, _) in &cdylibs {
        lint.extend(["--exclude", name]);
    }
    lint.extend(["--", "-D", "warnings"]);
    run("clippy", &lint)?;
    for (name, features) in &cdylibs {
        let base = ["clippy", "--locked", "--target", WASM, "--package", name];
        let deny = ["--", "-D", "warnings"];
        run(&format!("clippy: {name}"), &[&base[..], &deny].concat())?;
        for feature in features {
            run(&format!("clippy: {name} with {feature}"), &[&base[..], &["--features", feature], &deny].concat())?;
        }
    }

    let mut documents = vec!["doc", "--locked", "--workspace", "--no-deps"];
    for (name, _) in &cdylibs {
        documents.extend(["--exclude", name]);
    }
    run("documentation", &documents)?;
    for (name, _) in &cdylibs {
        run(&format!("documentation: {name}"), &["doc", "--locked", "--no-deps", "--target", WASM, "--package", name])?;
    }

    say("types of the Worker's host");
    setup::npm(workspace)?;
    process::run(setup::package_command(workspace, "tsc").args(["--project", "crates/worker/js"]), "tsc")?;

    if setup::runs("cargo-deny") {
        run("licences and sources", &["deny", "--locked", "check", "licenses", "bans", "sources"])?;
    } else {
        say("cargo-deny is not installed: licences and sources (deny.toml) are not checked here");
    }
    println!("check: all well");
    Ok(())
}

/// The workspace's cdylibs, with the features that each can be built with.
fn cdylibs(workspace: &Workspace) -> Vec<(&str, Vec<&str>)> {
    let members = workspace.members();
    let is_cdylib = |package: &&Value| {
        let targets = package.get("targets").and_then(Value::as_array).into_iter().flatten();
        targets
            .flat_map(|target| target.get("crate_types").and_then(Value::as_array).into_iter().flatten())
            .any(|kind| kind == "cdylib")
    };
    members
        .into_iter()
        .filter(is_cdylib)
        .filter_map(|package| {
            let features = package.get("features").and_then(Value::as_object)?;
            let names = features.keys().map(String::as_str).filter(|name| *name != "default").collect();
            Some((package.get("name")?.as_str()?, names))
        })
        .collect()
}
