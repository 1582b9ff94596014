//! Where things are, and what a step's inputs hash to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::process::{self, Echo};

/// The tree that this xtask was built from.
pub(crate) struct Workspace {
    /// The root folder.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, which may be shared between trees.
    pub(crate) target: PathBuf,
    /// `cargo metadata`, without dependencies outside the workspace resolved away.
    pub(crate) metadata: serde_json::Value,
}

impl Workspace {
    /// Finds the tree by xtask's manifest: the one that cargo runs now, which in a target folder shared between trees
    /// need not be the one that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the root folder")?.to_path_buf();
        let mut command = Command::new(cargo());
        command.current_dir(&root).args(["metadata", "--format-version=1", "--locked", "--quiet"]);
        let text = process::capture(&mut command, "cargo metadata", Echo::Kept)?.expect_success("cargo metadata")?;
        let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata")?;
        let target =
            metadata.get("target_directory").and_then(serde_json::Value::as_str).context("target_directory")?;
        Ok(Self { root, target: PathBuf::from(target), metadata })
    }

    /// A path under the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A command that runs in the root folder.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Cargo, in the root folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        command
    }

    /// The packages of the workspace, as `cargo metadata` describes them.
    pub(crate) fn members(&self) -> Vec<&serde_json::Value> {
        let list = |name| self.metadata.get(name).and_then(serde_json::Value::as_array).into_iter().flatten();
        let ids: Vec<_> = list("workspace_members").collect();
        list("packages").filter(|package| package.get("id").is_some_and(|id| ids.contains(&id))).collect()
    }

    /// Files that git knows or would know (tracked, or new and not ignored), relative to the root, in order.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut command = self.command("git");
        command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let text = process::capture(&mut command, "git ls-files", Echo::Kept)?.expect_success("git ls-files")?;
        let mut files: Vec<String> =
            text.split('\0').filter(|name| !name.is_empty() && self.path(name).is_file()).map(str::to_owned).collect();
        files.sort();
        files.dedup();
        Ok(files)
    }
}

/// The cargo that runs this program.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// A digest over everything that a step depends on.
#[derive(Default)]
pub(crate) struct Inputs {
    hash: Sha256,
}

impl Inputs {
    /// Adds a text, such as a command's options.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.add(text.as_bytes());
        self
    }

    /// Adds a file's name and content.
    pub(crate) fn file(mut self, path: &Path) -> Result<Self> {
        self.add(path.to_string_lossy().as_bytes());
        self.add(&fs::read(path).with_context(|| format!("reading {}", path.display()))?);
        Ok(self)
    }

    /// Adds every file under a folder, in order of names; a folder that is not there counts as empty.
    pub(crate) fn folder(mut self, path: &Path) -> Result<Self> {
        for file in files_under(path)? {
            self = self.file(&file)?;
        }
        Ok(self)
    }

    // Each part is preceded by its length, so that no two lists of parts are the same bytes.
    fn add(&mut self, part: &[u8]) {
        self.hash.update(part.len().to_string().as_bytes());
        self.hash.update(b":");
        self.hash.update(part);
    }

    /// The digest in hexadecimal digits.
    pub(crate) fn digest(self) -> String {
        data_encoding::HEXLOWER.encode(&self.hash.finalize())
    }
}

/// Every file under a folder, in order of names.
pub(crate) fn files_under(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let entry = entry?.path();
            if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
        }
    }
    files.sort();
    Ok(files)
}

/// A file that remembers what the inputs of a step were when it last succeeded.
pub(crate) struct Stamp {
    path: PathBuf,
    digest: String,
}

impl Stamp {
    /// The stamp of a step under a folder that git ignores.
    pub(crate) fn new(workspace: &Workspace, step: &str, inputs: Inputs) -> Self {
        Self { path: workspace.path(".tools/stamps").join(step), digest: inputs.digest() }
    }

    /// Whether the step last succeeded with these very inputs.
    pub(crate) fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.digest)
    }

    /// Remembers that the step succeeded.
    pub(crate) fn set(&self) -> Result<()> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&self.path, &self.digest).with_context(|| format!("writing {}", self.path.display()))
    }

    /// Forgets it, before the step begins: half a step is none.
    pub(crate) fn clear(&self) -> Result<()> {
        if self.path.exists() {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}
