//! What builds and tests need beyond Rust: installed when it is missing, pinned, and free when it is there.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, Echo, say};
use crate::workspace::{Inputs, Stamp, Workspace};

/// What the tests take from PyPI: a signer of requests, the client whose login is served, and what tries every call of the
/// OpenAPI document.
const PYTHON_PACKAGES: [&str; 3] = ["http-message-signatures==3.0.0", "semgrep==1.182.0", "schemathesis==4.32.5"];

/// The npm packages, and what else is asked for.
pub(crate) fn all(workspace: &Workspace, browser: bool, with_python: bool) -> Result<()> {
    npm(workspace)?;
    if browser {
        chromium(workspace)?;
    }
    if with_python {
        let python = python_packages(workspace)?;
        say(&format!("Python with {}: {}", PYTHON_PACKAGES.join(", "), python.display()));
    }
    Ok(())
}

/// The packages of package-lock.json, Node 24 among them.
pub(crate) fn npm(workspace: &Workspace) -> Result<()> {
    let _only_one = lock(workspace)?;
    let stamp = Stamp::new(
        workspace,
        "npm",
        Inputs::default()
            .text(std::env::consts::OS)
            .text(std::env::consts::ARCH)
            .file(&workspace.path("package.json"))?
            .file(&workspace.path("package-lock.json"))?
            .file(&workspace.path(".npmrc"))?,
    );
    if stamp.holds() && node(workspace).is_file() {
        return Ok(());
    }
    stamp.clear()?;
    if !runs("npm") {
        bail!(
            "npm is not installed: Symbolon needs Node 20 or newer with its npm (it installs the Node it works with by itself)"
        );
    }
    say("installing the npm packages of package-lock.json into node_modules (once)");
    // The machine's own Node only runs npm: that wrangler wants a newer one is met by the package `node`.
    let mut command = workspace.command("npm");
    command.args(["ci", "--loglevel=error", "--no-audit", "--no-fund"]);
    process::run(&mut command, "npm ci")?;
    let mut version = node_command(workspace);
    version.arg("--version");
    let version = process::capture(&mut version, "node --version", Echo::Kept)?.expect_success("node --version")?;
    say(&format!("npm packages installed; node {}", version.trim()));
    stamp.set()
}

/// The Node that everything runs with after [`npm`].
pub(crate) fn node(workspace: &Workspace) -> PathBuf {
    workspace.path("node_modules/.bin/node")
}

/// A command of the installed Node, in the root folder, with the packages' programs first on the path.
pub(crate) fn node_command(workspace: &Workspace) -> Command {
    let mut command = Command::new(node(workspace));
    command.current_dir(&workspace.root);
    with_packages(workspace, &mut command);
    command
}

/// A package's program, in the root folder.
pub(crate) fn package_command(workspace: &Workspace, program: &str) -> Command {
    let mut command = Command::new(workspace.path("node_modules/.bin").join(program));
    command.current_dir(&workspace.root);
    with_packages(workspace, &mut command);
    command
}

/// Puts the packages' programs first on the path, and keeps them from asking the network.
pub(crate) fn with_packages(workspace: &Workspace, command: &mut Command) {
    let mut path = workspace.path("node_modules/.bin").into_os_string();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    command.env("PATH", path);
    // No tool asks the network for anything while it works.
    command
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("MINIFLARE_CF_FETCH_ENABLED", "false")
        .env("NO_UPDATE_NOTIFIER", "1");
}

/// What the tests take from PyPI; the Python that sees it.
pub(crate) fn python_packages(workspace: &Workspace) -> Result<PathBuf> {
    python(workspace, &PYTHON_PACKAGES)
}

/// Packages of PyPI in an environment of their own; the Python that sees them.
pub(crate) fn python(workspace: &Workspace, packages: &[&str]) -> Result<PathBuf> {
    let _only_one = lock(workspace)?;
    let folder = workspace.path(".tools/python");
    let python = folder.join("bin/python");
    let stamp = Stamp::new(workspace, "python", Inputs::default().text(&packages.join(" ")));
    if stamp.holds() && python.is_file() {
        return Ok(python);
    }
    stamp.clear()?;
    if !runs("python3") {
        bail!("python3 is not installed");
    }
    say(&format!("installing from PyPI: {} (once)", packages.join(", ")));
    let mut venv = workspace.command("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    // Debian's python3 comes without ensurepip unless python3-venv is there.
    if !process::capture(&mut venv, "python3 -m venv", Echo::Kept)?.status.success() {
        apt(workspace, &["python3-venv"])?;
        process::run(&mut venv, "python3 -m venv")?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    process::run(&mut pip, "pip install")?;
    stamp.set()?;
    Ok(python)
}

/// A browser and its driver, for the suites that drive one.
pub(crate) fn chromium(workspace: &Workspace) -> Result<()> {
    if runs("chromium") && runs("chromedriver") {
        return Ok(());
    }
    apt(workspace, &["chromium", "chromium-driver"])
}

/// Debian packages; with sudo where the user is not root.
pub(crate) fn apt(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    if !runs("apt-get") {
        bail!("this needs {}, and there is no apt-get here: please install them by hand", packages.join(", "));
    }
    say(&format!("installing Debian packages: {}", packages.join(", ")));
    let root = process::capture(Command::new("id").arg("-u"), "id", Echo::Kept)?.stdout.trim() == "0";
    let command = |words: &[&str]| {
        let mut command = if root { workspace.command("apt-get") } else { workspace.command("sudo") };
        if !root {
            command.args(["--non-interactive", "apt-get"]);
        }
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    process::run(&mut command(&["update", "--quiet", "--quiet"]), "apt-get update")?;
    let mut install = command(&["install", "--quiet", "--quiet", "--yes", "--no-install-recommends"]);
    process::run(install.args(packages), "apt-get install")
}

/// Whether a program can be started.
pub(crate) fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Two xtasks in one tree install one after the other.
pub(crate) fn lock(workspace: &Workspace) -> Result<File> {
    let folder = workspace.path(".tools");
    fs::create_dir_all(&folder)?;
    let file = File::create(folder.join("lock")).context("creating the lock file")?;
    if file.try_lock().is_err() {
        say("waiting for another xtask in this tree");
        file.lock().context("locking")?;
    }
    Ok(file)
}
