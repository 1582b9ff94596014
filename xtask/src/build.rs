//! What is shipped, under `dist/`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::glue;
use crate::process::{self, say};
use crate::setup;
use crate::size::Size;
use crate::wasm::{self, Cdylib, Profile};
use crate::workspace::{Inputs, Stamp, Workspace};

/// Something that can be built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Product {
    /// The Cloudflare Worker: dist/worker.
    Worker,
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
            Self::Test => &["test-hooks"],
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
        }
    }
    Ok(())
}

/// Builds the Worker and returns its folder, with `index.js` and `symbolon.wasm` in it.
///
/// `crates/worker/js/index.js` is the entry; it gets instances of the WebAssembly from the module `symbolon-wasm`
/// ([`glue`]).
pub(crate) fn worker(workspace: &Workspace, flavour: Flavour) -> Result<PathBuf> {
    setup::npm(workspace)?;
    let out = workspace.path("dist").join(flavour.name());
    let library = Cdylib { package: "symbolon-worker", features: flavour.features(), profile: flavour.profile() };
    let compiled = wasm::compile(workspace, &library)?;
    let _only_one = setup::lock(workspace)?;
    let inputs = Inputs::default()
        .file(&compiled)?
        .folder(&workspace.path("crates/worker/js"))?
        .file(&workspace.path("xtask/src/build.rs"))?
        .file(&workspace.path("xtask/src/glue.rs"))?
        .file(&workspace.path("xtask/src/wasm.rs"))?
        .folder(&workspace.path("xtask/bindgen/src"))?
        .file(&workspace.path("Cargo.lock"))?
        .file(&workspace.path("package-lock.json"))?;
    let stamp = Stamp::new(workspace, flavour.name(), inputs);
    if stamp.holds() && out.join("index.js").is_file() && out.join("symbolon.wasm").is_file() {
        return Ok(out);
    }
    stamp.clear()?;
    say(&format!("building dist/{}", flavour.name()));
    let work = workspace.path(".tools/build").join(flavour.name());
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    fs::create_dir_all(&out)?;
    // wrangler wants the folder of static assets to be there, even with nothing in it yet.
    fs::create_dir_all(workspace.path("dist/www"))?;
    wasm::bindgen(workspace, "no-modules", &compiled, &work, "symbolon")?;
    let script = fs::read_to_string(work.join("symbolon.js")).context("reading wasm-bindgen's glue")?;
    let module = work.join("symbolon.mjs");
    fs::write(&module, glue::factory(&script, "./symbolon.wasm")?)?;
    wasm::optimize(workspace, flavour.profile(), &work.join("symbolon_bg.wasm"), &out.join("symbolon.wasm"))?;
    let mut esbuild = setup::package_command(workspace, "esbuild");
    esbuild
        .arg(workspace.path("crates/worker/js/index.js"))
        .args(["--bundle", "--format=esm", "--platform=neutral", "--target=es2024", "--conditions=workerd,worker"])
        .args(["--external:*.wasm", "--external:cloudflare:*", "--external:node:*", "--log-level=warning"])
        .arg(format!("--alias:symbolon-wasm={}", module.display()))
        .arg(format!("--outfile={}", out.join("index.js").display()));
    if flavour.profile() == Profile::Release {
        // Names of classes are part of the contract with the runtime, and stack traces stay readable.
        esbuild.args(["--minify-syntax", "--minify-whitespace", "--keep-names"]);
    }
    process::run(&mut esbuild, "esbuild")?;
    stamp.set()?;
    Ok(out)
}

/// The sizes of a built Worker: each file, then both together.
pub(crate) fn worker_sizes(folder: &std::path::Path) -> Result<Vec<(&'static str, Size)>> {
    let script = Size::of(&folder.join("index.js"))?;
    let wasm = Size::of(&folder.join("symbolon.wasm"))?;
    Ok(vec![("index.js", script), ("symbolon.wasm", wasm), ("(both)", script.plus(wasm))])
}
