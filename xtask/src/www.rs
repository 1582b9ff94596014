//! The console: TypeScript checked by tsc, bundled by Vite into `dist/www`, which the Worker serves; its tests in
//! Chromium, and how many bytes of it travel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::openapi;
use crate::process::{self, Echo, say};
use crate::setup;
use crate::size::Size;
use crate::workspace::{Inputs, Stamp, Workspace};

/// Builds the console and returns its folder.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::npm(workspace)?;
    let out = workspace.path("dist/www");
    let _only_one = setup::lock(workspace)?;
    let inputs = Inputs::default()
        .folder(&workspace.path("www"))?
        .folder(&workspace.path("crates/web/npm/src"))?
        .file(&workspace.path("xtask/src/www.rs"))?
        .file(&workspace.path("package-lock.json"))?;
    let stamp = Stamp::new(workspace, "www", inputs);
    if stamp.holds() && out.join("index.html").is_file() {
        openapi::build(workspace, &out)?;
        return Ok(out);
    }
    stamp.clear()?;
    say("building dist/www");
    let mut tsc = setup::package_command(workspace, "tsc");
    process::capture(tsc.args(["--project", "www"]), "tsc", Echo::Shown)?.expect_success("tsc")?;
    let mut vite = setup::package_command(workspace, "vite");
    vite.args(["build", "www", "--logLevel", "warn"]);
    process::run(&mut vite, "vite build")?;
    openapi::build(workspace, &out)?;
    stamp.set()?;
    Ok(out)
}

/// What a browser loads before it shows anything: the page, all script, and all style.
pub(crate) fn sizes(folder: &Path) -> Result<Vec<(&'static str, Size)>> {
    let assets = folder.join("assets");
    let mut script = Size::default();
    let mut style = Size::default();
    for entry in fs::read_dir(&assets).with_context(|| format!("reading {}", assets.display()))? {
        let path = entry?.path();
        match path.extension().and_then(|end| end.to_str()) {
            Some("js") => script = script.plus(Size::of(&path)?),
            Some("css") => style = style.plus(Size::of(&path)?),
            _ => {}
        }
    }
    if script.raw == 0 || style.raw == 0 {
        bail!("there is no script or no style in {}", assets.display());
    }
    let page = Size::of(&folder.join("index.html"))?;
    Ok(vec![("page", page), ("script", script), ("style", style), ("(all)", page.plus(script).plus(style))])
}
