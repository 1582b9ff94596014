//! Takes the words of panics out of a module.
//!
//! On wasm32-unknown-unknown the message of a panic is put together, written to a standard error that nobody reads, and
//! the instance traps. With `panic = "abort"` all that can be seen from outside is the trap, so the functions that begin
//! a panic may as well trap at once; wasm-opt then finds that nobody calls the machinery behind them. `Debug` goes with
//! it: it serves messages of panics alone, and is kept alive by their tables. It writes nothing then, and does not trap,
//! should a library show something with `{:?}` all the same.
//!
//! Nobody says any more where in the sources a panic began, so those places go too: the names of files, and the records
//! `core::panic::Location` that point at them. They become zeros, which cost nothing when the module is packed.

use std::collections::BTreeMap;
use std::ops::Range;

use walrus::ir::Value;
use walrus::{
    ConstExpr, Data, DataId, DataKind, FunctionBuilder, FunctionId, FunctionKind, InstrSeqBuilder, Module, ValType,
};

/// What stands in the name of a function that writes what only messages of panics show.
const DEBUG: [&str; 2] = ["fmt::Debug>::fmt", "::fmt::builders::"];

/// How the names of source files begin: the standard library's, and those of crates and of the workspace as xtask renames
/// them (`xtask/src/wasm.rs`). No other text in a module begins so and ends with `.rs`.
const SOURCES: [&[u8]; 4] = [b"/rustc/", b"cargo/registry/src/", b"crates/", b"src/"];

/// The bytes of a `core::panic::Location` on wasm32: where the name is and how long, the line and the column.
const LOCATION: usize = 16;

/// Where panics begin, by what stands in the name of the function. All of these return never.
const BEGINNINGS: [&str; 11] = [
    "::panicking::",
    "::unwrap_failed",
    "::expect_failed",
    "::slice_error_fail",
    "::slice_index_fail",
    "_index_len_fail",
    "_index_order_fail",
    "::len_mismatch_fail",
    "::handle_alloc_error",
    "::raw_vec::handle_error",
    "::capacity_overflow",
];

/// Makes each function that begins a panic a trap, and each that prints for one write nothing. Returns how many begin
/// one.
pub(crate) fn snip_panics(module: &mut Module) -> usize {
    let begins = |name: &str| BEGINNINGS.iter().any(|beginning| name.contains(beginning));
    let begin = named(module, begins);
    for id in &begin {
        replace(module, *id, |body| {
            body.unreachable();
        });
    }
    for id in named(module, |name| DEBUG.iter().any(|part| name.contains(part)) && !begins(name)) {
        let results = module.types.get(module.funcs.get(id).ty()).results();
        // `Ok(())` of `fmt::Result`.
        if results == [ValType::I32] {
            replace(module, id, |body| {
                body.i32_const(0);
            });
        }
    }
    blank_places(module);
    begin.len()
}

/// Makes zeros of the names of source files in a module's data, and of every place in one of them.
fn blank_places(module: &mut Module) {
    let segments: Vec<DataId> = module.data.iter().map(Data::id).collect();
    // By address, how long a name is.
    let mut names = BTreeMap::new();
    for id in &segments {
        let data = module.data.get_mut(*id);
        let Some(address) = address(&data.kind) else { continue };
        for found in source_names(&data.value) {
            names.insert(address.wrapping_add(to_u32(found.start)), to_u32(found.len()));
            data.value.get_mut(found).into_iter().flatten().for_each(|byte| *byte = 0);
        }
    }
    for id in segments {
        let data = module.data.get_mut(id);
        let Some(address) = address(&data.kind) else { continue };
        // A record is aligned in memory to its words.
        let first = usize::from(address.wrapping_neg().to_le_bytes()[0] & 3);
        for at in (first..data.value.len()).step_by(4) {
            let Some(record) = data.value.get_mut(at..at.saturating_add(LOCATION)) else { break };
            let word = |at: usize| record.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            if word(0).is_some_and(|name| names.get(&name).copied() == word(4)) {
                record.fill(0);
            }
        }
    }
}

/// Where a segment lies in memory; none of one that is copied there later.
fn address(kind: &DataKind) -> Option<u32> {
    match kind {
        DataKind::Active { offset: ConstExpr::Value(Value::I32(at)), .. } => Some(at.cast_unsigned()),
        _ => None,
    }
}

/// The names of source files among these bytes. They follow each other, and other texts, without anything in between.
fn source_names(bytes: &[u8]) -> Vec<Range<usize>> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().take_while(|byte| part(byte)).count();
        let end = rest.get(..length).and_then(|name| name.windows(3).position(|end| end == b".rs"));
        match end.filter(|_| SOURCES.iter().any(|start| rest.starts_with(start))) {
            Some(end) => {
                let next = at.saturating_add(end).saturating_add(3);
                found.push(at..next);
                at = next;
            }
            None => at = at.saturating_add(1),
        }
    }
    found
}

fn to_u32(length: usize) -> u32 {
    // Memory is 4 GiB at most.
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn named(module: &Module, wanted: impl Fn(&str) -> bool) -> Vec<FunctionId> {
    let local = module.funcs.iter().filter(|function| matches!(function.kind, FunctionKind::Local(_)));
    local.filter(|function| function.name.as_deref().is_some_and(&wanted)).map(walrus::Function::id).collect()
}

fn replace(module: &mut Module, id: FunctionId, write: impl FnOnce(&mut InstrSeqBuilder<'_>)) {
    let signature = module.types.get(module.funcs.get(id).ty());
    let (params, results) = (signature.params().to_vec(), signature.results().to_vec());
    let arguments = params.iter().map(|kind| module.locals.add(*kind)).collect();
    let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
    write(&mut builder.func_body());
    module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(arguments));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sources_are_found_and_nothing_else() {
        let bytes = b"the digest/rustc/59/library/core/src/fmt.rscargo/registry/src/x-1/sfv-0.16.0/src/parser.rs, src/key.rs.src/";
        let found: Vec<&[u8]> = source_names(bytes).into_iter().map(|range| &bytes[range]).collect();
        let names: [&[u8]; 3] =
            [b"/rustc/59/library/core/src/fmt.rs", b"cargo/registry/src/x-1/sfv-0.16.0/src/parser.rs", b"src/key.rs"];
        assert_eq!(found, names);
        assert_eq!(source_names(b"https://a.example/src/ and index.rs"), []);
    }

    #[test]
    fn a_place_in_a_source_becomes_zeros_and_other_words_stay() {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let mut add = |at: i32, value: Vec<u8>| {
            module.data.add(DataKind::Active { memory, offset: ConstExpr::Value(Value::I32(at)) }, value)
        };
        let name = add(1001, b"a text src/key.rs and another".to_vec());
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        // A text of the same length elsewhere, a place, and the same address with another length.
        let places = add(2000, words(&[1001, 10, 1, 1, 1008, 10, 7, 9, 1008, 11, 5, 5]));
        blank_places(&mut module);
        assert_eq!(module.data.get(name).value, b"a text \0\0\0\0\0\0\0\0\0\0 and another");
        assert_eq!(module.data.get(places).value, words(&[1001, 10, 1, 1, 0, 0, 0, 0, 1008, 11, 5, 5]));
    }
}
