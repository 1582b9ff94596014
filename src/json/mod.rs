//! From JSON to our types, by one reader for all of them.
//!
//! A text is read into a tree first ([`parse`]) and the tree into a type ([`from_value`]), because what serde derives
//! is compiled anew for every source that a type is ever read from: with one source, which has nothing to do with
//! syntax, a type costs the Worker a fraction of its bytes. The tree's sort is that of `serde_json`; profiles, which
//! are TOML, become the same tree.
//!
//! It is stricter than `serde_json` in two things: no object names a field twice (RFC 8259, section 4, leaves open
//! which of the two would count), and a struct is never read from an array.

mod error;
mod reader;
mod tree;

pub use error::{JsonError, Step};

use serde::Deserialize;
use serde_json::Value;

/// Reads a text into a tree.
///
/// # Errors
/// Where it is not JSON, nests deeper than 128, or names a field of an object twice; with the line and the column.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    serde_json::from_str(text).map(|tree::Strict(value)| value).map_err(|error| JsonError::syntax(&error))
}

/// Reads a text into a type.
///
/// # Errors
/// As [`parse`] and [`from_value`].
pub fn read<T: for<'v> Deserialize<'v>>(text: &str) -> Result<T, JsonError> {
    from_value(&parse(text)?)
}

/// Reads bytes into a type.
///
/// # Errors
/// As [`read`], and where they are not UTF-8.
pub fn read_slice<T: for<'v> Deserialize<'v>>(bytes: &[u8]) -> Result<T, JsonError> {
    let tree::Strict(value) = serde_json::from_slice(bytes).map_err(|error| JsonError::syntax(&error))?;
    from_value(&value)
}

/// Reads a tree into a type.
///
/// # Errors
/// Where the type wants something else; with the way to it. What serde says of it may hold a part of what was read.
pub fn from_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, JsonError> {
    T::deserialize(reader::Reader(value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Every {
        text: String,
        small: u8,
        signed: i64,
        yes: bool,
        pairs: Vec<(String, u32)>,
        #[serde(default)]
        maybe: Option<Sort>,
        #[serde(default)]
        named: BTreeMap<String, Sort>,
        #[serde(default)]
        any: Value,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sort {
        Unit,
        New(u16),
        Fields { a: bool },
    }

    const EVERY: &str = r#"{"text": "a\n", "small": 7, "signed": -8, "yes": true, "pairs": [["x", 1], ["y", 2]],
        "maybe": {"fields": {"a": false}}, "named": {"u": "unit", "n": {"new": 9}}, "any": [1.5, null, {"k": "v"}]}"#;

    #[test]
    fn every_sort_of_value_is_read() {
        let every: Every = read(EVERY).unwrap();
        assert_eq!(every.text, "a\n");
        assert_eq!((every.small, every.signed, every.yes), (7, -8, true));
        assert_eq!(every.pairs, [("x".to_owned(), 1), ("y".to_owned(), 2)]);
        assert_eq!(every.maybe, Some(Sort::Fields { a: false }));
        assert_eq!(every.named.get("u"), Some(&Sort::Unit));
        assert_eq!(every.named.get("n"), Some(&Sort::New(9)));
        assert_eq!(every.any, serde_json::json!([1.5, null, {"k": "v"}]));
        assert_eq!(every, serde_json::from_str(EVERY).unwrap(), "as serde_json reads it");
    }

    #[track_caller]
    fn refused(part: &str, by: &str, path: &str, message: &str) {
        let text = EVERY.replacen(part, by, 1);
        assert_ne!(text, EVERY);
        let error = read::<Every>(&text).expect_err(by);
        assert_eq!(error.path(), path, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_to_it() {
        refused("\"small\": 7", "\"small\": 256", "small", "256");
        refused("\"small\": 7", "\"small\": 7.0", "small", "floating point");
        refused("\"small\": 7", "\"small\": \"7\"", "small", "string");
        refused("\"small\": 7", "\"small\": null", "small", "null");
        refused("\"small\": 7, ", "", "", "missing field `small`");
        refused("\"small\": 7", "\"small\": 7, \"large\": 8", "large", "unknown field `large`");
        refused("[\"y\", 2]", "[\"y\"]", "pairs[1]", "length 1");
        refused("[\"y\", 2]", "[\"y\", 2, 3]", "pairs[1]", "length 3");
        refused("[\"y\", 2]", "[\"y\", -2]", "pairs[1][1]", "-2");
        refused("{\"a\": false}", "{\"a\": 0}", "maybe.fields.a", "boolean");
        refused("\"fields\"", "\"field\"", "maybe.field", "unknown variant `field`");
        refused("{\"new\": 9}", "\"new\"", "named.n", "variant");
        refused("{\"new\": 9}", "{\"new\": 9, \"unit\": null}", "named.n", "single key");
        refused("\"unit\"", "{\"unit\": 1}", "named.u", "unit");
    }

    #[test]
    fn a_field_that_comes_twice_is_refused_wherever_it_stands() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": 1, "b": 2, "\u0061": 3}}]"#] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains("`a` comes twice"), "{error}");
            assert_eq!(error.twice().as_deref(), Some("a"));
        }
        let long = "x".repeat(100);
        let error = parse(&format!("{{\"{long}\": 1, \"{long}\": 1}}")).unwrap_err();
        assert_eq!(error.twice().map(|name| name.len()), Some(64));
        assert_eq!(parse("{").unwrap_err().twice(), None);
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, place) in [("", (1, 0)), ("{\n \"a\": }", (2, 7)), ("[1] 2", (1, 5)), ("nul", (1, 3))] {
            assert_eq!(parse(text).unwrap_err().place(), Some(place), "{text}");
        }
        assert!(parse(&"[".repeat(129)).unwrap_err().place().is_some());
    }
}
