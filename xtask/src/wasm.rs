//! From a cdylib to optimised WebAssembly with its JavaScript glue: cargo, wasm-bindgen, wasm-opt.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{self, Echo};
use crate::setup;
use crate::workspace::Workspace;

/// The version of wasm-bindgen that `xtask/bindgen` links; Cargo.lock must agree.
const BINDGEN: &str = "0.2.130";

/// What rustc 1.95 lets code for wasm32-unknown-unknown use. wasm-opt assumes less by itself, and must not assume more
/// than workerd and the browsers run.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Whether a build is for people who wait for it or for what is shipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// Quick to build, names kept.
    Debug,
    /// Small and fast.
    Release,
}

/// A cdylib of the workspace.
pub(crate) struct Cdylib<'a> {
    /// The package's name.
    pub(crate) package: &'a str,
    /// Its cargo features.
    pub(crate) features: &'a [&'a str],
    /// The profile.
    pub(crate) profile: Profile,
}

/// Compiles the crate, alone with `-p`, so that no other crate's features are joined into it.
pub(crate) fn compile(workspace: &Workspace, library: &Cdylib<'_>) -> Result<PathBuf> {
    // Builds with other features go to another folder: they would otherwise overwrite each other's file.
    let target = if library.features.is_empty() {
        workspace.target.clone()
    } else {
        workspace.target.join(library.features.join("-"))
    };
    let mut command = workspace.cargo();
    command.args(["build", "--locked", "--package", library.package, "--target", "wasm32-unknown-unknown"]);
    command.arg("--target-dir").arg(&target);
    if library.profile == Profile::Release {
        command.args(["--profile", "worker"]);
    }
    if !library.features.is_empty() {
        command.arg("--features").arg(library.features.join(","));
    }
    process::run(&mut command, &format!("compiling {} to WebAssembly", library.package))?;
    let folder = match library.profile {
        Profile::Debug => "debug",
        Profile::Release => "worker",
    };
    let file = format!("{}.wasm", library.package.replace('-', "_"));
    Ok(target.join("wasm32-unknown-unknown").join(folder).join(file))
}

/// Compiles the browser's crate with one of its features, for size before all else.
///
/// The paths of this machine stay out of the module, and SHA-256 is the compact one: WebCrypto serves where speed counts.
pub(crate) fn compile_for_web(workspace: &Workspace, feature: &str) -> Result<PathBuf> {
    let mut command = workspace.cargo();
    command.args(["build", "--locked", "--package", "symbolon-web", "--features", feature]);
    command.args(["--profile", "web", "--target", "wasm32-unknown-unknown"]);
    let mut flags = vec![
        "--cfg=sha2_backend=\"soft\"".to_owned(),
        "--cfg=sha2_backend_soft=\"compact\"".to_owned(),
        format!("--remap-path-prefix={}=symbolon", workspace.root.display()),
    ];
    if let Some(home) =
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")))
    {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    process::run(&mut command, &format!("compiling symbolon-web ({feature}) to WebAssembly"))?;
    let folder = workspace.target.join("wasm32-unknown-unknown/web");
    // The other feature's build writes to the same place.
    let kept = folder.join(format!("symbolon_{feature}.wasm"));
    fs::copy(folder.join("symbolon_web.wasm"), &kept).context("copying the module")?;
    Ok(kept)
}

/// What becomes of the messages of panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Panics {
    /// They are put together, for whoever reads them.
    Speak,
    /// A panic traps at once (`xtask/bindgen/src/snip.rs`).
    Trap,
}

/// wasm-bindgen: writes `NAME.js` and `NAME_bg.wasm` into `out`.
pub(crate) fn bindgen(
    workspace: &Workspace,
    mode: &str,
    input: &Path,
    out: &Path,
    name: &str,
    panics: Panics,
) -> Result<()> {
    same_bindgen(workspace)?;
    let mut build = workspace.cargo();
    build.args(["build", "--locked", "--quiet", "--package", "xtask-bindgen"]);
    process::run(&mut build, "compiling wasm-bindgen (about two minutes of CPU, once)")?;
    let program = workspace.target.join("debug").join(format!("xtask-bindgen{}", std::env::consts::EXE_SUFFIX));
    let mut command = workspace.command(&program.to_string_lossy());
    command.arg(mode).arg(input).arg(out).arg(name);
    if panics == Panics::Trap {
        command.arg("--snip-panics");
    }
    process::run(&mut command, "wasm-bindgen")
}

/// The crate and the tool are one protocol without a version of its own: they must be the very same release.
pub(crate) fn same_bindgen(workspace: &Workspace) -> Result<()> {
    let packages = workspace.metadata.get("packages").and_then(serde_json::Value::as_array).context("packages")?;
    for package in packages {
        let name = package.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
        let version = package.get("version").and_then(serde_json::Value::as_str).unwrap_or_default();
        if matches!(name, "wasm-bindgen" | "wasm-bindgen-cli" | "wasm-bindgen-cli-support") && version != BINDGEN {
            bail!("Cargo.lock has {name} {version}, and xtask expects {BINDGEN}: change them together");
        }
    }
    Ok(())
}

/// How wasm-opt makes the Worker smaller. rustc has optimised for size already, and has put what is called once where it
/// is called: doing that anew leaves gzip 2 % less to repeat. Functions in the order of their names lie beside their
/// like, which is worth as much again. Alignments are hints that no engine heeds where the processor does not care, and
/// without them more code looks alike (0.7 %).
pub(crate) const SORTED: &[&str] =
    &["-O2", "--one-caller-inline-max-function-size=0", "--reorder-functions-by-name", "--dealign"];
/// How it makes a small module smaller, of which all is within gzip's reach. Blocks and branches that are built anew once
/// what is superfluous has gone are 0.4 to 0.6 % smaller.
pub(crate) const SMALL: &[&str] = &["-Os", "--flatten", "--rereloop", "-Os", "--converge", "--dealign"];

/// wasm-opt: smaller and faster, or, for a debug build, left as it is.
pub(crate) fn optimize(
    workspace: &Workspace,
    profile: Profile,
    passes: &[&str],
    input: &Path,
    output: &Path,
) -> Result<()> {
    match profile {
        Profile::Debug => {
            fs::copy(input, output).with_context(|| format!("copying to {}", output.display()))?;
            Ok(())
        }
        Profile::Release => {
            let mut command = setup::package_command(workspace, "wasm-opt");
            command.args(FEATURES).args(passes);
            // Names go last, with the rest of what is for debugging, unless they are asked for.
            if !passes.contains(&"-g") {
                command.arg("--strip-debug");
            }
            command.arg("--strip-producers");
            command.arg(input).arg("-o").arg(output);
            // wasm-opt is itself a program that V8 has to compile: its chatter is kept unless it fails.
            process::capture(&mut command, "wasm-opt", Echo::Kept)?.expect_success("wasm-opt")?;
            Ok(())
        }
    }
}
