//! Writes the OpenAPI document and the JSON Schema of profiles into the files that are named.
//!
//! `symbolon-openapi OPENAPI.json PROFILE.schema.json`
#![allow(clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [document, profile] = arguments.as_slice() else {
        eprintln!("symbolon-openapi OPENAPI.json PROFILE.schema.json");
        return ExitCode::FAILURE;
    };
    match write(document, profile) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("symbolon-openapi: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(document: &str, profile: &str) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(document, symbolon_openapi::print(&symbolon_openapi::document()?))?;
    std::fs::write(profile, symbolon_openapi::print(&symbolon_openapi::profile_schema()))?;
    Ok(())
}
