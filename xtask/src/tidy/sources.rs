//! What must not be written in a source file.

use anyhow::Result;

use super::{Finding, Source};
use crate::workspace::Workspace;

/// A file is read in one sitting.
const MAX_LINES: usize = 700;

/// Words that have no place in code that is handed its time, randomness and records, and where they have none.
const CORE: [&str; 7] =
    ["SystemTime", "Instant::now", "async fn", "getrandom", "JsValue", "wasm_bindgen", "feature = \"wasm\""];
const AUTHORITY: [&str; 6] = ["SystemTime", "Instant::now", "async fn", "getrandom", "JsValue", "wasm_bindgen"];
const GATE: [&str; 5] = ["SystemTime", "Instant::now", "getrandom", "JsValue", "wasm_bindgen"];

/// The systems that profiles speak for: a sixth is another TOML file, so no code asks which one it is.
const PROFILES: [&str; 5] = ["devguard", "devpilot", "harborguard", "semgrep", "devtron"];

// Written apart, so that this file does not find itself.
const MARKS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("(being", " written)"),
];
const SWITCHED_OFF: [&str; 6] = [
    concat!("#[ig", "nore"),
    concat!("test.sk", "ip("),
    concat!("test.on", "ly("),
    concat!("describe.sk", "ip("),
    concat!("it.sk", "ip("),
    concat!("it.on", "ly("),
];
const PLACES: [&str; 7] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("registry.npm", "js.org"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("files.python", "hosted.org"),
];

pub(super) fn words(_: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let words: &[&str] = if source.path.starts_with("src/") {
            &CORE
        } else if source.path.starts_with("crates/authority/src/") {
            &AUTHORITY
        } else if source.path.starts_with("crates/gate/src/") {
            &GATE
        } else {
            continue;
        };
        for (index, line) in source.text.lines().enumerate() {
            for word in words.iter().filter(|word| code(line).contains(**word)) {
                findings.push(Finding::at_line(&source.path, index, &format!("{word} belongs in an adapter")));
            }
        }
    }
    Ok(findings)
}

pub(super) fn profiles(_: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let exempt = |path: &str| path.contains("/adapters/") || path.contains("tests") || path.starts_with("xtask/");
    for source in sources.iter().filter(|source| source.is_rust() && !exempt(&source.path)) {
        // A unit test may name a profile.
        let body = source.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (index, line) in body.lines().enumerate() {
            for profile in PROFILES.iter().filter(|profile| compares(code(line), profile)) {
                findings.push(Finding::at_line(&source.path, index, &format!("code of its own for {profile}")));
            }
        }
    }
    Ok(findings)
}

pub(super) fn lengths(_: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    Ok(sources
        .iter()
        .filter(|source| source.is_code() && source.text.lines().count() > MAX_LINES)
        .map(|source| {
            Finding::at(&source.path, &format!("{} lines, more than {MAX_LINES}", source.text.lines().count()))
        })
        .collect())
}

pub(super) fn marks(_: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    Ok(anywhere(sources.iter().filter(|source| !source.is_lock()), &MARKS, "left unfinished"))
}

pub(super) fn ignored(_: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    Ok(anywhere(sources.iter().filter(|source| source.is_code()), &SWITCHED_OFF, "a test is switched off"))
}

pub(super) fn places(_: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    Ok(anywhere(sources.iter(), &PLACES, "names this machine or a registry"))
}

fn anywhere<'a>(sources: impl Iterator<Item = &'a Source>, words: &[&str], why: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            for word in words.iter().filter(|word| contains_word(line, word)) {
                findings.push(Finding::at_line(&source.path, index, &format!("{why} ({word})")));
            }
        }
    }
    findings
}

/// Whether the word stands in the line, not as a part of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let starts = word.chars().next().is_some_and(char::is_alphanumeric);
    let ends = word.chars().next_back().is_some_and(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at.saturating_add(word.len())..).and_then(|text| text.chars().next());
        !(starts && is_part(before) || ends && is_part(after))
    })
}

/// The line without its comment.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Whether the line compares something with the name, or matches on it.
fn compares(line: &str, name: &str) -> bool {
    let literal = format!("\"{name}\"");
    line.match_indices(&literal).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default().trim_end();
        let after = line.get(at.saturating_add(literal.len())..).unwrap_or_default().trim_start();
        let compared = |text: &str, end: fn(&str, &str) -> bool| ["==", "!="].iter().any(|sign| end(text, sign));
        compared(before, |text, sign| text.ends_with(sign))
            || compared(after, |text, sign| text.starts_with(sign))
            || after.starts_with("=>")
            || (after.starts_with('|') && !after.starts_with("||"))
            || (before.ends_with('|') && !before.ends_with("||"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn comparisons_are_found_and_mentions_are_not() {
        for line in ["if name == \"semgrep\" {", "\"devtron\" => 1,", "\"devguard\" | \"x\" => 1", "\"semgrep\"!=name"]
        {
            assert!(PROFILES.iter().any(|profile| compares(line, profile)), "{line}");
        }
        for line in ["(\"semgrep\", TEXT),", "load(\"devtron\")", "let a = \"devguard\";"] {
            assert!(!PROFILES.iter().any(|profile| compares(line, profile)), "{line}");
        }
    }

    #[test]
    fn words_are_whole_words() {
        let [mark, ..] = MARKS;
        assert!(contains_word(&format!("// {mark}S and {mark}:"), mark));
        assert!(!contains_word(&format!("{mark}S"), mark));
        assert!(!contains_word(&format!("a_{mark}"), mark));
        let [off, ..] = SWITCHED_OFF;
        assert!(contains_word(&format!("    {off} = \"slow\"]"), off));
    }

    #[test]
    fn long_files_are_found() {
        let long = source("src/a.rs", &"//\n".repeat(701));
        let short = source("src/b.rs", &"//\n".repeat(700));
        let count = [long, short].iter().filter(|file| file.is_code() && file.text.lines().count() > MAX_LINES).count();
        assert_eq!(count, 1);
    }

    #[test]
    fn comments_are_not_code() {
        assert_eq!(code("let a = 1; // SystemTime"), "let a = 1; ");
    }
}
