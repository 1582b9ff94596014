//! The OpenAPI document and the JSON Schema of profiles, which the Worker serves as static assets: they are made from the
//! product's own types by a program of the workspace, which knows them.

use std::path::Path;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// The names of both, in the folder of static assets.
const FILES: [&str; 2] = ["openapi.json", "profile.schema.json"];

/// Writes both into a folder.
pub(crate) fn write(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut build = workspace.cargo();
    build.args(["build", "--locked", "--quiet", "--package", "symbolon-openapi"]);
    process::run(&mut build, "compiling what writes the OpenAPI document")?;
    let program = workspace.target.join("debug").join(format!("symbolon-openapi{}", std::env::consts::EXE_SUFFIX));
    let mut command = workspace.command(&program.to_string_lossy());
    command.args(FILES.map(|file| folder.join(file)));
    process::run(&mut command, "writing the OpenAPI document")
}
