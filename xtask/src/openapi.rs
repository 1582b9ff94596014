//! The OpenAPI document and the JSON Schema of profiles, which the Worker serves as static assets: they are made from the
//! product's own types by a program of the workspace, which knows them. And the page that shows the document, with Swagger
//! UI from npm.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// The names of both, in the folder of static assets.
const FILES: [&str; 2] = ["openapi.json", "profile.schema.json"];

/// What the page loads from `swagger-ui-dist`.
const SWAGGER_UI: [&str; 4] = ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "LICENSE"];

/// Writes everything into the folder of static assets.
pub(crate) fn build(workspace: &Workspace, folder: &Path) -> Result<()> {
    write(workspace, folder)?;
    let docs = folder.join("docs");
    fs::create_dir_all(&docs)?;
    let own = workspace.path("www/swagger");
    copy(&own.join("docs.html"), &folder.join("docs.html"))?;
    copy(&own.join("initialize.js"), &docs.join("initialize.js"))?;
    let package = workspace.path("node_modules/swagger-ui-dist");
    for file in SWAGGER_UI {
        copy(&package.join(file), &docs.join(file))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Writes both documents into a folder.
pub(crate) fn write(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut build = workspace.cargo();
    build.args(["build", "--locked", "--quiet", "--package", "symbolon-openapi"]);
    process::run(&mut build, "compiling what writes the OpenAPI document")?;
    let program = workspace.target.join("debug").join(format!("symbolon-openapi{}", std::env::consts::EXE_SUFFIX));
    let mut command = workspace.command(&program.to_string_lossy());
    command.args(FILES.map(|file| folder.join(file)));
    process::run(&mut command, "writing the OpenAPI document")
}
