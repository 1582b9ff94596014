//! wasm-bindgen's test runner as a program of the workspace's own: no download, and no version to keep in step but
//! Cargo.lock's. cargo starts it with a test binary in WebAssembly, which it runs in Node or in a browser.
//!
//! A crate of its own because it takes minutes to compile and only the tests in WebAssembly need it.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())?;
    Ok(())
}
