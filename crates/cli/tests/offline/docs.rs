//! Completions, manual pages, and docs/cli.md.

use crate::support::World;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
const BEGIN: &str = "<!-- begin: symbolon manual --markdown -->\n";
const END: &str = "<!-- end -->";

#[test]
fn completions_are_there_for_every_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let made = world.run(&["completions", shell]).good();
        assert!(made.out.contains("symbolon") && made.out.contains("sign-proxy"), "{shell}");
    }
    world.run(&["completions", "cmd"]).fails(2, "cmd");
}

#[test]
fn manual_pages_are_written() {
    let world = World::new();
    world.run(&["manual", "--out", "man"]).good();
    for page in ["symbolon.1", "symbolon-token-create.1", "symbolon-sign-proxy.1"] {
        assert!(world.read(&format!("man/{page}")).contains(".TH"), "{page}");
    }
    world.run(&["manual"]).fails(2, "--out");
}

#[test]
fn the_page_holds_the_reference_as_it_is() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (_, rest) = page.split_once(BEGIN).expect("the page has a place for the reference");
    let (held, _) = rest.split_once(END).expect("the reference has an end");
    let made = World::new().run(&["manual", "--markdown"]).good().out;
    assert_eq!(held.trim(), made.trim(), "put the output of `symbolon manual --markdown` into docs/cli.md");
}

#[test]
fn help_is_there_for_every_command() {
    let world = World::new();
    for command in [
        "login",
        "logout",
        "whoami",
        "status",
        "key",
        "token",
        "member",
        "activity",
        "kinds",
        "profile",
        "request",
        "verify",
        "sign-proxy",
        "deploy",
        "completions",
        "manual",
    ] {
        assert!(world.run(&[command, "--help"]).good().out.contains("Usage:"), "{command}");
    }
    world.run(&["nonsense"]).fails(2, "nonsense");
    world.run(&[]).fails(2, "Usage");
}
