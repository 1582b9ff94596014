//! Takes the words of panics out of a module.
//!
//! On wasm32-unknown-unknown the message of a panic is put together, written to a standard error that nobody reads, and
//! the instance traps. With `panic = "abort"` all that can be seen from outside is the trap, so the functions that begin
//! a panic may as well trap at once; wasm-opt then finds that nobody calls the machinery behind them. `Debug` goes with
//! it: it serves messages of panics alone, and is kept alive by their tables. It writes nothing then, and does not trap,
//! should a library show something with `{:?}` all the same.

use walrus::{FunctionBuilder, FunctionId, FunctionKind, InstrSeqBuilder, Module, ValType};

/// What stands in the name of a function that writes what only messages of panics show.
const DEBUG: &str = "fmt::Debug>::fmt";

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
    for id in named(module, |name| name.contains(DEBUG) && !begins(name)) {
        let results = module.types.get(module.funcs.get(id).ty()).results();
        // `Ok(())` of `fmt::Result`.
        if results == [ValType::I32] {
            replace(module, id, |body| {
                body.i32_const(0);
            });
        }
    }
    begin.len()
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
