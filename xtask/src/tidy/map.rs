//! ARCHITECTURE.md is a map: what it names must be there, and what is there must be on it.

use std::path::Path;

use anyhow::Result;

use super::{Finding, Source};
use crate::workspace::Workspace;

const MAP: &str = "ARCHITECTURE.md";

/// Folders that are made by builds, so that a fresh clone does not have them.
const MADE: [&str; 4] = ["dist/", "target/", "node_modules/", ".tools/"];

pub(super) fn names(workspace: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let Some(map) = sources.iter().find(|source| source.path == MAP) else {
        return Ok(vec![Finding::at(MAP, "is missing")]);
    };
    let mut findings = Vec::new();
    for (index, line) in map.text.lines().enumerate() {
        let named = paths(line);
        for name in &named {
            // A row about one folder names what is in it without repeating the folder.
            let inside = |folder: &&str| workspace.path(folder).join(name).exists();
            if !workspace.path(name).exists() && !named.iter().any(inside) {
                findings.push(Finding::at_line(MAP, index, &format!("{name} is not there")));
            }
        }
    }
    for module in modules(sources) {
        let name = Path::new(&module).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !map.text.contains(&module) && !map.text.contains(&format!("`{name}`")) {
            findings.push(Finding::at(MAP, &format!("says nothing of {module}")));
        }
    }
    Ok(findings)
}

/// What stands between backquotes and is a path of the tree.
fn paths(line: &str) -> Vec<&str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| {
            let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
            let known = [".rs", ".toml", ".md", ".mjs", ".js"].iter().any(|end| word.ends_with(end));
            let made = MADE.iter().any(|folder| word.starts_with(folder) || *word == folder.trim_end_matches('/'));
            plain && !made && !word.starts_with('/') && !word.starts_with("..") && (known || word.contains('/'))
        })
        .collect()
}

/// The crates, and the modules of the core: those the map must show.
fn modules(sources: &[Source]) -> Vec<String> {
    let mut modules = Vec::new();
    for source in sources {
        let parts: Vec<&str> = Path::new(&source.path).iter().filter_map(|part| part.to_str()).collect();
        match parts.as_slice() {
            ["crates", name, ..] => modules.push(format!("crates/{name}")),
            ["src", folder, _, ..] => modules.push(format!("src/{folder}")),
            ["src", file] if *file != "lib.rs" => modules.push(format!("src/{file}")),
            _ => {}
        }
    }
    modules.sort();
    modules.dedup();
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_other_words() {
        assert_eq!(
            paths("`src/time.rs`, `Timestamp`, `/v1/verify`, `crates/gate`, `dist/www`, `a b/c`, `deny.toml`"),
            ["src/time.rs", "crates/gate", "deny.toml"]
        );
    }

    #[test]
    fn crates_and_core_modules_must_be_on_the_map() {
        let sources: Vec<Source> =
            ["src/lib.rs", "src/time.rs", "src/key/mod.rs", "src/key/pem.rs", "crates/gate/src/lib.rs"]
                .iter()
                .map(|path| Source { path: (*path).to_owned(), text: String::new() })
                .collect();
        assert_eq!(modules(&sources), ["crates/gate", "src/key", "src/time.rs"]);
    }
}
