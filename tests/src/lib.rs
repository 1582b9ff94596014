//! What the suites share: where the independent vectors are, how they are read, and how a run of them is counted.
//!
//! The vectors are read in place: in the folder that `SYMBOLON_VECTORS` names, else in `../shared/vectors` beside the
//! project. Where that folder is absent a suite says so and is left out; a folder that is there but lacks a file is a
//! failure. A suite prints how many vectors passed, and the name of each one that it skipped with the reason.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "this is test code: it reads the environment, and it fails by panicking"
)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Names the folder of vectors, if it is not `../shared/vectors` beside the project.
const FOLDER: &str = "SYMBOLON_VECTORS";

/// The folder of vectors, or none where there is none.
///
/// # Panics
/// Where `SYMBOLON_VECTORS` names something that is no folder: whoever set it wants these tests.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(FOLDER) {
        let named = PathBuf::from(named);
        assert!(named.is_dir(), "{FOLDER} names {}, which is no folder", named.display());
        return Some(named);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    beside.is_dir().then_some(beside)
}

/// Runs one suite: reads `file` (a path inside the folder), hands it to `suite` with a fresh [`Tally`], and prints and
/// judges what came out.
///
/// # Panics
/// Where the file is missing from the folder or is of another form, where a vector failed, and where none passed.
pub fn run<T: DeserializeOwned>(file: &str, suite: impl FnOnce(T, &mut Tally)) {
    let Some(folder) = folder() else {
        say(&format!("LEFT OUT: {file}: no folder of vectors (set {FOLDER} to have these tests run)"));
        return;
    };
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let data = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tally = Tally::new(file);
    suite(data, &mut tally);
    tally.finish();
}

/// The bytes of a hexadecimal text, in either case.
///
/// # Panics
/// Where it is none: the vector is broken.
#[must_use]
pub fn hex(text: &str) -> Vec<u8> {
    base16ct::mixed::decode_vec(text).unwrap_or_else(|_| panic!("not hexadecimal: {text}"))
}

/// Counts a run of vectors. All failures are collected, so that one does not hide the others.
#[derive(Debug)]
pub struct Tally {
    suite: String,
    passed: usize,
    failed: Vec<String>,
    skipped: BTreeMap<String, Vec<String>>,
}

impl Tally {
    /// A count for the suite of this name; [`run`] makes one by itself.
    #[must_use]
    pub fn new(suite: &str) -> Self {
        Self { suite: suite.to_owned(), passed: 0, failed: Vec::new(), skipped: BTreeMap::new() }
    }

    /// One vector: passed if what came out is what was expected.
    pub fn check<T: PartialEq + Debug>(&mut self, id: impl ToString, actual: T, expected: T) {
        if actual == expected {
            self.passed += 1;
        } else {
            self.failed.push(format!("{}: {actual:?}, expected {expected:?}", id.to_string()));
        }
    }

    /// One vector that this suite does not speak of, and why.
    pub fn skip(&mut self, id: impl ToString, reason: &str) {
        self.skipped.entry(reason.to_owned()).or_default().push(id.to_string());
    }

    /// Prints the count; to be called once, at the end.
    ///
    /// # Panics
    /// Where a vector failed, or none passed: a suite that checked nothing has not passed.
    pub fn finish(self) {
        let skipped: usize = self.skipped.values().map(Vec::len).sum();
        say(&format!("{}: {} passed, {skipped} skipped", self.suite, self.passed));
        for (reason, ids) in &self.skipped {
            say(&format!("{}: skipped, {reason}: {}", self.suite, ids.join(", ")));
        }
        assert!(self.failed.is_empty(), "{}: {} failed:\n{}", self.suite, self.failed.len(), self.failed.join("\n"));
        assert!(self.passed > 0, "{}: nothing was checked", self.suite);
    }
}

/// Writes past the test harness, which keeps back what `eprintln!` writes as long as a test passes: a count that nobody
/// sees, or a suite left out in silence, is none.
fn say(line: &str) {
    // In one write, since the harness writes between.
    std::io::stderr().write_all(format!("vectors: {line}\n").as_bytes()).expect("standard error can be written to");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_passes_when_everything_did() {
        let mut tally = Tally::new("tally");
        tally.check("one", 1, 1);
        tally.skip("two", "not spoken");
        tally.finish();
    }

    #[test]
    #[should_panic(expected = "1 failed:\ntwo: 2, expected 3")]
    fn a_tally_fails_when_one_vector_did() {
        let mut tally = Tally::new("tally");
        tally.check("one", 1, 1);
        tally.check("two", 2, 3);
        tally.finish();
    }

    #[test]
    #[should_panic(expected = "nothing was checked")]
    fn a_tally_fails_when_nothing_was_checked() {
        Tally::new("tally").finish();
    }

    #[test]
    fn hexadecimal_is_read_in_either_case() {
        assert_eq!(hex("00ffAB"), [0, 255, 0xab]);
    }
}
