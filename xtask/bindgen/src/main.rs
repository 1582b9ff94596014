//! wasm-bindgen as a program of the workspace's own: no download, and no version to keep in step but Cargo.lock's.
//!
//! A crate of its own because it takes minutes to compile and only the builds of WebAssembly need it.
//!
//! `xtask-bindgen TARGET INPUT.wasm OUT_DIR NAME`, where TARGET is one of wasm-bindgen's output modes in [`configure`].
#![allow(clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<()> {
    let [target, input, out_dir, name] = arguments.as_slice() else {
        bail!("usage: xtask-bindgen TARGET INPUT.wasm OUT_DIR NAME");
    };
    let input = PathBuf::from(input);
    let mut bindgen = Bindgen::new();
    configure(&mut bindgen, target)?;
    bindgen
        .input_path(&input)
        .out_name(name)
        .remove_producers_section(true)
        .remove_name_section(false)
        .generate(out_dir)
        .with_context(|| format!("wasm-bindgen on {}", input.display()))
}

/// `no-modules` is what the Worker is made from (a script whose state lives in one function, which xtask turns into a
/// factory of instances); `web` and `bundler` are for the npm package.
fn configure(bindgen: &mut Bindgen, target: &str) -> Result<()> {
    match target {
        "no-modules" => bindgen.no_modules(true)?.typescript(false).omit_default_module_path(true),
        "web" => bindgen.web(true)?.typescript(true).omit_default_module_path(true),
        "bundler" => bindgen.bundler(true)?.typescript(true),
        other => bail!("unknown target {other}: no-modules, web or bundler"),
    };
    Ok(())
}
