//! wasm-bindgen as a program of the workspace's own: no download, and no version to keep in step but Cargo.lock's.
//!
//! A crate of its own because it takes minutes to compile and only the builds of WebAssembly need it.
//!
//! `xtask-bindgen TARGET INPUT.wasm OUT_DIR NAME [--snip-panics]`, where TARGET is one of wasm-bindgen's output modes in
//! [`configure`]; `--snip-panics` is explained in [`snip`].
#![allow(clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

mod snip;

use std::path::{Path, PathBuf};
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
    let (target, input, out_dir, name, snip) = match arguments.as_slice() {
        [target, input, out_dir, name] => (target, input, out_dir, name, false),
        [target, input, out_dir, name, option] if option == "--snip-panics" => (target, input, out_dir, name, true),
        _ => bail!("usage: xtask-bindgen TARGET INPUT.wasm OUT_DIR NAME [--snip-panics]"),
    };
    let input = PathBuf::from(input);
    let mut bindgen = Bindgen::new();
    configure(&mut bindgen, target)?;
    let mut output = bindgen
        .input_path(&input)
        .out_name(name)
        .remove_producers_section(true)
        .remove_name_section(false)
        .generate_output()
        .with_context(|| format!("wasm-bindgen on {}", input.display()))?;
    if snip && snip::snip_panics(output.wasm_mut()) == 0 {
        bail!("no function begins a panic: the names have changed");
    }
    output.emit(Path::new(out_dir)).with_context(|| format!("writing to {out_dir}"))
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
