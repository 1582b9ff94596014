//! What is shipped, under `dist/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::by_crate;
use crate::cli;
use crate::glue;
use crate::npm;
use crate::process::{self, say};
use crate::setup;
use crate::size::Size;
use crate::wasm::{self, Cdylib, Profile};
use crate::workspace::{Inputs, Stamp, Workspace};
use crate::www;

/// The cargo feature of a Worker for tests.
const TEST_HOOKS: &str = "test-hooks";

/// Something that can be built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Product {
    /// The Cloudflare Worker: dist/worker.
    Worker,
    /// The npm package: dist/npm.
    Npm,
    /// The console: dist/www.
    Www,
    /// The command line: dist/cli.
    Cli,
}

/// Which Worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flavour {
    /// The one that is deployed: dist/worker.
    Release,
    /// With the cargo feature `test-hooks` (a clock from a binding, a trap on purpose): dist/worker-test.
    Test,
    /// Quick to build, for `cargo xtask dev`: dist/worker-dev.
    Dev,
}

impl Flavour {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "worker",
            Self::Test => "worker-test",
            Self::Dev => "worker-dev",
        }
    }

    fn profile(self) -> Profile {
        match self {
            Self::Release | Self::Test => Profile::Release,
            Self::Dev => Profile::Debug,
        }
    }

    fn features(self) -> &'static [&'static str] {
        match self {
            Self::Release | Self::Dev => &[],
            Self::Test => &[TEST_HOOKS],
        }
    }
}

/// Builds everything that was named; everything there is when nothing was.
pub(crate) fn build(workspace: &Workspace, products: &[Product], test_hooks: bool) -> Result<()> {
    let products = if products.is_empty() { Product::value_variants() } else { products };
    for product in products {
        match product {
            Product::Worker => {
                let flavour = if test_hooks { Flavour::Test } else { Flavour::Release };
                let folder = worker(workspace, flavour)?;
                worker_sizes(&folder)?
                    .iter()
                    .for_each(|(name, size)| println!("dist/{}/{name}: {size}", flavour.name()));
            }
            Product::Npm => {
                npm::build(workspace)?;
            }
            Product::Www => {
                let folder = www::build(workspace)?;
                www::sizes(&folder)?.iter().for_each(|(name, size)| println!("dist/www {name}: {size}"));
            }
            Product::Cli => {
                let path = cli::build(workspace)?;
                println!("{}: {}", path.strip_prefix(&workspace.root).unwrap_or(&path).display(), Size::of(&path)?);
            }
        }
    }
    Ok(())
}

/// Builds the Worker and returns its folder, with `index.js` and `symbolon.wasm` in it.
pub(crate) fn worker(workspace: &Workspace, flavour: Flavour) -> Result<PathBuf> {
    // wrangler wants the folder of static assets to be there, even with nothing in it yet.
    fs::create_dir_all(workspace.path("dist/www"))?;
    let library = Cdylib { package: "symbolon-worker", features: flavour.features(), profile: flavour.profile() };
    bundle(workspace, &library, &workspace.path("crates/worker/js"), &workspace.path("dist").join(flavour.name()))
}

/// A Worker in Rust that does nothing, for the benchmark.
pub(crate) fn empty_worker(workspace: &Workspace) -> Result<PathBuf> {
    let library = Cdylib { package: "xtask-bench", features: &[], profile: Profile::Release };
    bundle(workspace, &library, &workspace.path("xtask/bench/js"), &workspace.path(".tools/bench/empty-rust"))
}

/// Makes `index.js` and `symbolon.wasm` in the folder `out` from a cdylib and its host in JavaScript.
///
/// `index.js` in the folder `host` is the entry; it gets instances of the WebAssembly from the module `symbolon-wasm`
/// ([`glue`]).
fn bundle(workspace: &Workspace, library: &Cdylib<'_>, host: &Path, out: &Path) -> Result<PathBuf> {
    setup::npm(workspace)?;
    let compiled = wasm::compile(workspace, library)?;
    let _only_one = setup::lock(workspace)?;
    let inputs = Inputs::default()
        .file(&compiled)?
        .folder(host)?
        .file(&workspace.path("xtask/src/build.rs"))?
        .file(&workspace.path("xtask/src/glue.rs"))?
        .file(&workspace.path("xtask/src/wasm.rs"))?
        .folder(&workspace.path("xtask/bindgen/src"))?
        .file(&workspace.path("Cargo.lock"))?
        .file(&workspace.path("package-lock.json"))?;
    let name = out.file_name().context("the output folder's name")?.to_string_lossy().into_owned();
    let stamp = Stamp::new(workspace, &name, inputs);
    let wasm = out.join("symbolon.wasm");
    let script = out.join("index.js");
    if stamp.holds() && script.is_file() && wasm.is_file() {
        return Ok(out.to_path_buf());
    }
    stamp.clear()?;
    say(&format!("building {}", out.strip_prefix(&workspace.root).unwrap_or(out).display()));
    let work = workspace.path(".tools/build").join(&name);
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    fs::create_dir_all(out)?;
    // Nobody hears a panic of the Worker: there is no standard error. A developer's build is not made smaller.
    let panics = if library.profile == Profile::Release { wasm::Panics::Trap } else { wasm::Panics::Speak };
    wasm::bindgen(workspace, "no-modules", &compiled, &work, "symbolon", panics)?;
    let glue = fs::read_to_string(work.join("symbolon.js")).context("reading wasm-bindgen's glue")?;
    let module = work.join("symbolon.mjs");
    fs::write(&module, glue::factory(&glue, "./symbolon.wasm")?)?;
    wasm::optimize(workspace, library.profile, wasm::SORTED, &work.join("symbolon_bg.wasm"), &wasm)?;
    let mut esbuild = setup::package_command(workspace, "esbuild");
    esbuild
        .arg(host.join("index.js"))
        .args(["--bundle", "--format=esm", "--platform=neutral", "--target=es2024", "--conditions=workerd,worker"])
        .args(["--external:*.wasm", "--external:cloudflare:*", "--external:node:*", "--log-level=warning"])
        // The host's own hooks for tests come and go with the crate's.
        .arg(format!("--define:TEST_HOOKS={}", library.features.contains(&TEST_HOOKS)))
        .arg(format!("--alias:symbolon-wasm={}", module.display()))
        .arg(format!("--outfile={}", script.display()));
    if library.profile == Profile::Release {
        // Identifiers stay as they are: stack traces are read by people.
        esbuild.args(["--minify-syntax", "--minify-whitespace"]);
    }
    process::run(&mut esbuild, "esbuild")?;
    stamp.set()?;
    Ok(out.to_path_buf())
}

/// Whose the bytes of the built Worker are: of the module as it is shipped, but with its names.
pub(crate) fn worker_parts(workspace: &Workspace) -> Result<by_crate::Parts> {
    let work = workspace.path(".tools/build").join(Flavour::Release.name());
    let named = work.join("named.wasm");
    wasm::optimize(
        workspace,
        Profile::Release,
        &[wasm::SORTED, &["-g"]].concat(),
        &work.join("symbolon_bg.wasm"),
        &named,
    )?;
    by_crate::measure(&named)
}

/// The sizes of a built Worker: each file, then both together.
pub(crate) fn worker_sizes(folder: &Path) -> Result<Vec<(&'static str, Size)>> {
    let script = Size::of(&folder.join("index.js"))?;
    let wasm = Size::of(&folder.join("symbolon.wasm"))?;
    Ok(vec![("index.js", script), ("symbolon.wasm", wasm), ("(both)", script.plus(wasm))])
}
