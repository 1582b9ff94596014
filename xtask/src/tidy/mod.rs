//! The rules of the house that a program can check. Each rule is a function from the tree to its findings.

mod layers;
mod manifests;
mod map;
mod sources;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::process::say;
use crate::test::Counts;
use crate::workspace::Workspace;

/// What a rule has found wrong: where, and why.
pub(crate) struct Finding(String);

impl Finding {
    fn at_line(file: &str, index: usize, why: &str) -> Self {
        Self(format!("{file}:{}: {why}", index.saturating_add(1)))
    }

    fn at(place: &str, why: &str) -> Self {
        Self(format!("{place}: {why}"))
    }
}

/// A text file of the tree.
pub(crate) struct Source {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

impl Source {
    fn is_code(&self) -> bool {
        [".rs", ".js", ".mjs", ".ts", ".css", ".html", ".py"].iter().any(|end| self.path.ends_with(end))
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_lock(&self) -> bool {
        self.path.ends_with("Cargo.lock") || self.path.ends_with("package-lock.json")
    }
}

type Rule = fn(&Workspace, &[Source]) -> Result<Vec<Finding>>;

const RULES: [(&str, Rule); 10] = [
    ("crates depend downwards only", layers::edges),
    ("the pure crates pull in nothing impure", layers::purity),
    ("pure code reads no clock, no randomness and no JavaScript", sources::words),
    ("no profile is named in code", sources::profiles),
    ("files stay short", sources::lengths),
    ("nothing is left unfinished", sources::marks),
    ("no test is switched off", sources::ignored),
    ("no file names this machine or a registry", sources::places),
    ("versions are pinned and lock files hold no address", manifests::pins),
    ("ARCHITECTURE.md names what is there", map::names),
];

/// Prints what is wrong; an error when anything is.
pub(crate) fn tidy(workspace: &Workspace) -> Result<()> {
    let counts = counts(workspace)?;
    println!("tidy: {} rules hold, {} do not", counts.passed, counts.failed);
    if counts.failed > 0 {
        bail!("not tidy");
    }
    Ok(())
}

/// Each rule as a test.
pub(crate) fn counts(workspace: &Workspace) -> Result<Counts> {
    let mut sources = Vec::new();
    for path in workspace.files()? {
        let bytes = fs::read(workspace.path(&path)).with_context(|| format!("reading {path}"))?;
        // What is not text has no words.
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source { path, text });
        }
    }
    let mut counts = Counts::default();
    for (name, rule) in RULES {
        let findings = rule(workspace, &sources)?;
        if findings.is_empty() {
            counts.passed = counts.passed.saturating_add(1);
            continue;
        }
        counts.failed = counts.failed.saturating_add(1);
        say(&format!("not so: {name}"));
        for Finding(text) in findings {
            eprintln!("  {text}");
        }
    }
    Ok(counts)
}
