//! Makes a factory of instances out of wasm-bindgen's glue.
//!
//! wasm-bindgen's glue keeps one instance in the variables around its functions. The Worker needs several in one
//! isolate: an instance that has trapped is thrown away and a fresh one takes its place, and what still runs on the old
//! one must not find the new one's memory behind its references. The mode `no-modules` wraps everything in one function
//! that is called on the spot; here that function is kept and called once per instance instead, so that each has
//! variables of its own. wasm-bindgen's own way (`__wbg_reset_state`) has one set of variables for all.

use anyhow::{Context, Result, bail};

const HEAD: &str = "let wasm_bindgen = (function(exports) {";
const TAIL: &str = "return Object.assign(__wbg_init, { initSync }, exports);\n})({ __proto__: null });";

/// An ES module with `instantiate()`, which makes a new instance of the module in `wasm` (a specifier that gives a
/// compiled `WebAssembly.Module`) and returns its exported classes and functions.
///
/// # Errors
/// When the glue does not begin and end as wasm-bindgen 0.2.130 writes it.
pub(crate) fn factory(glue: &str, wasm: &str) -> Result<String> {
    let lines: Vec<&str> = glue.lines().map(str::trim_end).collect();
    let unindented = |line: &&str| line.trim_start().to_owned();
    let body = lines.join("\n");
    let body = body.trim();
    let inner = body.strip_prefix(HEAD).context("wasm-bindgen's glue does not begin as expected")?;
    // The closing lines are compared without their indentation.
    let mut parts: Vec<&str> = inner.lines().collect();
    let mut tail: Vec<String> = Vec::new();
    for _ in TAIL.lines() {
        tail.insert(0, parts.pop().as_ref().map(unindented).unwrap_or_default());
    }
    if tail.join("\n") != TAIL {
        bail!("wasm-bindgen's glue does not end as expected");
    }
    let inner = parts.join("\n");
    if inner.contains("import.meta") || inner.contains("\nimport ") {
        bail!("wasm-bindgen's glue imports something, which a function cannot");
    }
    Ok(format!(
        "// Made by xtask from wasm-bindgen's glue: each call has variables of its own.\n\
         import module from {specifier};\n\n\
         function glue(exports) {{{inner}\n    return {{ exports, initSync }};\n}}\n\n\
         export function instantiate() {{\n    \
             const {{ exports, initSync }} = glue({{ __proto__: null }});\n    \
             initSync({{ module }});\n    \
             return exports;\n\
         }}\n",
        specifier = serde_json::to_string(wasm)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "let wasm_bindgen = (function(exports) {\n    let wasm;\n    function initSync(module) {}\n    \
                        return Object.assign(__wbg_init, { initSync }, exports);\n})({ __proto__: null });\n";

    #[test]
    fn keeps_the_body_and_exports_a_factory() {
        let module = factory(GLUE, "./symbolon.wasm").unwrap();
        assert!(module.contains("import module from \"./symbolon.wasm\";"));
        assert!(
            module.contains("function glue(exports) {\n    let wasm;\n    function initSync(module) {}\n    return {")
        );
        assert!(module.contains("export function instantiate() {"));
        assert!(!module.contains("wasm_bindgen ="));
    }

    #[test]
    fn refuses_glue_of_another_shape() {
        for glue in [
            GLUE.replace("(function(exports)", "((exports)"),
            GLUE.replace("{ initSync }, ", ""),
            GLUE.replace("})({ __proto__: null });", "})({});"),
            GLUE.replace("let wasm;", "let wasm = import.meta.url;"),
            String::new(),
        ] {
            assert!(factory(&glue, "./symbolon.wasm").is_err(), "{glue}");
        }
    }
}
