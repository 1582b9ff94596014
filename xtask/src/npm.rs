//! The npm package `symbolon`: two modules of WebAssembly, their glue, and TypeScript written by hand, into `dist/npm`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::build::{self, Flavour};
use crate::cli;
use crate::openapi;
use crate::process::{self, Echo, say};
use crate::setup;
use crate::test::{self, Counts};
use crate::wasm::{self, Profile};
use crate::workspace::{Inputs, Stamp, Workspace};
use crate::www;

/// The modules, by the cargo feature that each is built with: what RFC 9421 says, and P-256.
const MODULES: [&str; 2] = ["rules", "curve"];

/// What makes the API client from the OpenAPI document.
const API_CLIENT: &str = "xtask/js/api.mjs";

/// Builds the package and returns its folder, ready for `npm pack`.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::npm(workspace)?;
    let source = workspace.path("crates/web/npm");
    let out = workspace.path("dist/npm");
    let mut compiled = Vec::new();
    for module in MODULES {
        compiled.push((module, wasm::compile_for_web(workspace, module)?));
    }
    // What the API client is made from.
    let interface = workspace.path(".tools/build/interface");
    fs::create_dir_all(&interface)?;
    openapi::write(workspace, &interface)?;
    let document = interface.join("openapi.json");
    let _only_one = setup::lock(workspace)?;
    let mut inputs = Inputs::default()
        .folder(&source)?
        .file(&document)?
        .file(&workspace.path(API_CLIENT))?
        .file(&workspace.path("docs/npm.md"))?
        .file(&workspace.path("xtask/src/npm.rs"))?
        .file(&workspace.path("xtask/src/wasm.rs"))?
        .folder(&workspace.path("xtask/bindgen/src"))?
        .file(&workspace.path("package-lock.json"))?;
    for (_, file) in &compiled {
        inputs = inputs.file(file)?;
    }
    let stamp = Stamp::new(workspace, "npm-package", inputs);
    if stamp.holds() && out.join("package.json").is_file() {
        return Ok(out);
    }
    stamp.clear()?;
    say("building dist/npm");
    for folder in [&out, &workspace.path(".tools/build/npm")] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    // TypeScript is compiled beside the glue that it imports.
    let work = workspace.path(".tools/build/npm");
    copy_files(&source, &work, |_| true)?;
    let mut client = setup::node_command(workspace);
    client.arg(API_CLIENT).arg(&document).arg(work.join("src/api/generated.ts"));
    process::run(&mut client, "making the API client")?;
    let generated = work.join("src/wasm/generated");
    let library = out.join("lib/wasm");
    fs::create_dir_all(&generated)?;
    let workers = out.join("workerd/wasm");
    fs::create_dir_all(library.join("generated"))?;
    fs::create_dir_all(&workers)?;
    for (module, file) in &compiled {
        wasm::bindgen(workspace, "web", file, &generated, module, wasm::Panics::Trap)?;
        let optimised = workers.join(format!("{module}.wasm"));
        let unoptimised = generated.join(format!("{module}_bg.wasm"));
        wasm::optimize(workspace, Profile::Release, wasm::SMALL, &unoptimised, &optimised)?;
        for end in ["js", "d.ts"] {
            let name = format!("{module}.{end}");
            fs::copy(generated.join(&name), library.join("generated").join(&name))?;
        }
    }
    let mut tsc = setup::package_command(workspace, "tsc");
    tsc.current_dir(&work).args(["--project", ".", "--outDir"]).arg(out.join("lib"));
    process::capture(&mut tsc, "tsc", Echo::Shown)?.expect_success("tsc")?;
    // The same scripts twice, each with its own way to a module of WebAssembly. One file that chose would need a name that
    // something resolves, and a page without a build step has nothing that does.
    copy_files(&out.join("lib"), &out.join("workerd"), |path| path.extension().is_some_and(|end| end == "js"))?;
    for module in MODULES {
        let packed = inline(&fs::read(workers.join(format!("{module}.wasm")))?)?;
        fs::write(library.join(format!("{module}.module.js")), packed)?;
        fs::write(workers.join(format!("{module}.module.js")), workerd(module))?;
    }
    fs::copy(source.join("package.json"), out.join("package.json"))?;
    fs::copy(workspace.path("docs/npm.md"), out.join("README.md"))?;
    fs::copy(&document, out.join("openapi.json"))?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(workspace.path(licence), out.join(licence))?;
    }
    stamp.set()?;
    Ok(out)
}

/// tests/npm, with the Node that builds use and with the machine's own, which may be older.
pub(crate) fn test(workspace: &Workspace) -> Result<Counts> {
    build(workspace)?;
    build::worker(workspace, Flavour::Test)?;
    let python = setup::python_packages(workspace)?;
    let httpsig = httpsig(workspace)?;
    let mut command = setup::node_command(workspace);
    command.args(["--test", "--test-reporter=spec"]).args(test::files(workspace, "tests/npm")?);
    let mut counts = test::node_tests(command.env("PYTHON", &python).env("HTTPSIG", &httpsig))?;
    let mut own = workspace.command("node");
    own.args(["--test", "--test-reporter=spec", "tests/npm/node.test.mjs"]);
    counts.add(test::node_tests(&mut own)?);
    Ok(counts)
}

/// Crate `httpsig` as a program, for the tests of interoperation.
fn httpsig(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = workspace.cargo();
    build.args(["build", "--locked", "--quiet", "--package", "symbolon-interop"]);
    process::run(&mut build, "compiling crate httpsig")?;
    Ok(workspace.target.join("debug").join(format!("symbolon-interop{}", std::env::consts::EXE_SUFFIX)))
}

/// tests/browser: the package, the console, and the command line whose login is approved there.
pub(crate) fn test_in_browser(workspace: &Workspace) -> Result<Counts> {
    build(workspace)?;
    www::build(workspace)?;
    build::worker(workspace, Flavour::Test)?;
    setup::chromium(workspace)?;
    let binary = cli::build_for_tests(workspace)?;
    let mut command = setup::node_command(workspace);
    command.env("SYMBOLON_CLI", binary);
    // One file after the other: each has a browser of its own.
    command
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(test::files(workspace, "tests/browser")?);
    test::node_tests(&mut command)
}

/// A module of JavaScript that carries the WebAssembly in its text: raw deflate in base64, so that it travels as small as
/// the file itself, and no bundler, server or content type has to know about WebAssembly. Zopfli looks for the shortest
/// deflate there is, 5 % below gzip's best: it takes a second, once for all who download it.
fn inline(wasm: &[u8]) -> Result<String> {
    let mut packed = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Deflate, wasm, &mut packed)?;
    let text = data_encoding::BASE64.encode(&packed);
    Ok(format!(
        "import {{ compile }} from \"./compile.js\";\nexport const compiled = () => compile(\n  \"{text}\",\n);\n"
    ))
}

/// workerd compiles no bytes at run time: there the module is imported, and compiled when the Worker is deployed.
fn workerd(module: &str) -> String {
    format!("import module from \"./{module}.wasm\";\nexport const compiled = async () => module;\n")
}

/// Copies the files of a folder that are wanted, and those of the folders in it.
fn copy_files(from: &Path, to: &Path, wanted: fn(&Path) -> bool) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_files(&path, &target, wanted)?;
        } else if wanted(&path) {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
