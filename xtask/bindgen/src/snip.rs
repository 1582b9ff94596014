//! Takes the words of panics out of a module.
//!
//! On wasm32-unknown-unknown the message of a panic is put together, written to a standard error that nobody reads, and
//! the instance traps. With `panic = "abort"` all that can be seen from outside is the trap, so the functions that begin
//! a panic may as well trap at once; wasm-opt then finds that nobody calls the machinery behind them. `Debug` goes with
//! it: it serves messages of panics alone, and is kept alive by their tables. Nothing that is shown to anybody is
//! written with `{:?}` (the tests of the npm package go through every message).

use walrus::{FunctionBuilder, FunctionId, FunctionKind, Module};

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

/// Makes each function that begins a panic, or prints for one, a trap. Returns how many there were.
pub(crate) fn snip_panics(module: &mut Module) -> usize {
    let begins =
        |name: &str| BEGINNINGS.iter().any(|beginning| name.contains(beginning)) || (name.contains("fmt::Debug>::fmt"));
    let found: Vec<FunctionId> = module
        .funcs
        .iter()
        .filter(|function| matches!(function.kind, FunctionKind::Local(_)))
        .filter(|function| function.name.as_deref().is_some_and(begins))
        .map(walrus::Function::id)
        .collect();
    for id in &found {
        let signature = module.types.get(module.funcs.get(*id).ty());
        let (params, results) = (signature.params().to_vec(), signature.results().to_vec());
        let arguments = params.iter().map(|kind| module.locals.add(*kind)).collect();
        let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
        builder.func_body().unreachable();
        module.funcs.get_mut(*id).kind = FunctionKind::Local(builder.local_func(arguments));
    }
    found.len()
}
