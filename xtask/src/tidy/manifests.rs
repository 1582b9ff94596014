//! What is depended on is said exactly, and where it comes from is the package manager's affair.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Finding, Source};
use crate::workspace::Workspace;

/// The one source that Cargo.lock may name.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The field of package-lock.json that says where a package was downloaded from; .npmrc leaves it out.
const RESOLVED: &str = "\"resolved\"";

pub(super) fn pins(workspace: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in workspace.members() {
        let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
        for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            let to = dependency.get("name").and_then(Value::as_str).unwrap_or_default();
            let version = dependency.get("req").and_then(Value::as_str).unwrap_or_default();
            let in_tree = dependency.get("path").is_some_and(Value::is_string);
            if !in_tree && !is_full(version) {
                findings.push(Finding::at(name, &format!("{to} {version} is not a full version")));
            }
        }
    }
    for source in sources {
        if source.path.ends_with("package-lock.json") {
            findings.extend(lines(source, RESOLVED, "an address in a lock file", |_| true));
        } else if source.path.ends_with("Cargo.lock") {
            findings
                .extend(lines(source, "source = ", "a source other than crates.io", |line| !line.contains(CRATES_IO)));
        } else if source.path.ends_with("package.json") {
            let manifest: Value = serde_json::from_str(&source.text).with_context(|| source.path.clone())?;
            for kind in ["dependencies", "devDependencies"] {
                for (name, version) in manifest.get(kind).and_then(Value::as_object).into_iter().flatten() {
                    let version = version.as_str().unwrap_or_default();
                    if !is_exact(version) {
                        findings.push(Finding::at(&source.path, &format!("{name} {version} is not an exact version")));
                    }
                }
            }
        }
    }
    Ok(findings)
}

fn lines(source: &Source, word: &str, why: &str, also: fn(&str) -> bool) -> Vec<Finding> {
    let wrong = |line: &str| line.contains(word) && also(line);
    let found = source.text.lines().enumerate().filter(|(_, line)| wrong(line));
    found.map(|(index, _)| Finding::at_line(&source.path, index, why)).collect()
}

/// A requirement of cargo's with all three numbers.
fn is_full(requirement: &str) -> bool {
    is_exact(requirement.trim_start_matches(['^', '=', '~']).trim())
}

/// Three numbers, and perhaps a pre-release or build after them.
fn is_exact(version: &str) -> bool {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = numbers.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_are_a_version() {
        for full in ["^1.2.3", "=0.2.130", "1.0.0-rc.24"] {
            assert!(is_full(full), "{full}");
        }
        for partial in ["^1", "1.2", "*", "", "^1.2.x", ">=1.2.3, <2"] {
            assert!(!is_full(partial), "{partial}");
        }
        assert!(!is_exact("^1.2.3"));
    }

    #[test]
    fn an_address_in_a_lock_file_is_found() {
        let lock =
            Source { path: "package-lock.json".to_owned(), text: "a\n\"resolved\": \"https://x/y\"\n".to_owned() };
        assert_eq!(lines(&lock, RESOLVED, "why", |_| true).len(), 1);
    }
}
