//! Documents that name tests name tests that are there.

use std::fs;
use std::path::Path;

/// Every `file::name` in backticks.
fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|quoted| {
        let (file, name) = quoted.split_once("::")?;
        (file.contains('/') && file.contains('.')).then_some((file, name))
    })
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("docs/systems.md")).unwrap();
    let mut count = 0;
    for (file, name) in named(&text) {
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let there = if file.ends_with(".mjs") {
            // A name that is made for each of several begins with the same words.
            ['"', '`'].iter().any(|quote| source.contains(&format!("test({quote}{name}")))
        } else {
            source.contains(&format!("fn {name}("))
        };
        assert!(there, "{file} has no test {name}");
        count += 1;
    }
    assert!(count > 50, "only {count} are named");
}
