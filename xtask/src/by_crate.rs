//! What a module of WebAssembly is made of: the bytes of its functions by the crate whose code they are.
//!
//! A function that was put into another counts there, and what is generic counts for the crate that wrote it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// The bytes of something, by its name, the largest first.
pub(crate) struct Parts(pub(crate) Vec<(String, u64)>);

/// The bytes of a module's code by crate, and those of its data; the module must still have its names.
pub(crate) fn measure(file: &Path) -> Result<Parts> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let mut sizes = Vec::new();
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    let mut imported: u64 = 0;
    let mut parts: BTreeMap<String, u64> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if matches!(import?.ty, wasmparser::TypeRef::Func(_)) {
                        imported = imported.saturating_add(1);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(length(&body.range())),
            Payload::DataSection(data) => add(&mut parts, "(data)".to_owned(), length(&data.range())),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(subsections) = section.as_known() {
                    for subsection in subsections {
                        if let Name::Function(functions) = subsection? {
                            for naming in functions {
                                let naming = naming?;
                                names.insert(naming.index.into(), naming.name.to_owned());
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (index, size) in (imported..).zip(sizes) {
        add(&mut parts, names.get(&index).map_or("(no name)", |name| crate_of(name)).to_owned(), size);
    }
    let mut parts: Vec<(String, u64)> = parts.into_iter().collect();
    parts.sort_by_key(|(_, size)| core::cmp::Reverse(*size));
    Ok(Parts(parts))
}

fn length(range: &core::ops::Range<usize>) -> u64 {
    range.len().try_into().unwrap_or(u64::MAX)
}

fn add(parts: &mut BTreeMap<String, u64>, name: String, size: u64) {
    let part = parts.entry(name).or_default();
    *part = part.saturating_add(size);
}

/// The crate that a function's name begins with, whether it is a function, a method or an implementation:
/// `core` of `core[1234]::fmt::write`, of `<core[1234]::str as …>` and of `<&core[1234]::str as …>`.
fn crate_of(name: &str) -> &str {
    let inner = name.trim_start_matches(['<', '&', '(', '[']).trim_start_matches("mut ").trim_start_matches("dyn ");
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (first, rest) = inner.split_at(end);
    if rest.starts_with("::") || rest.starts_with('[') { first } else { "(other)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_code_it_is() {
        for (name, expected) in [
            ("core::fmt::write::h0123", "core"),
            ("core[5c93]::fmt::write", "core"),
            ("<serde_json::value::Value as core::fmt::Display>::fmt", "serde_json"),
            ("<&mut serde_json::de::Deserializer<R> as serde_core::de::Deserializer>::deserialize_map", "serde_json"),
            ("<T as base64ct::Encoding>::decode", "(other)"),
            ("memcpy", "(other)"),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }
}
