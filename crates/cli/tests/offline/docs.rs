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
        "routes",
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

#[test]
fn wrong_arguments_are_told_as_json_where_that_is_asked_for_and_in_colour_where_there_is_any() {
    let world = World::new();
    for (arguments, part) in [
        (&["--json"][..], "requires a subcommand"),
        (&["nonsense", "--json"], "nonsense"),
        (&["token", "create", "--json"], "--kind <KIND>"),
        (&["token", "create", "--kind", "pat", "--color", "nonsense", "--json"], "nonsense"),
    ] {
        let told = world.run(arguments).fails(2, part);
        assert_eq!((told.err.lines().count(), told.out.as_str()), (1, ""), "{told:?}");
        let error: serde_json::Value = serde_json::from_str(&told.err).unwrap();
        assert_eq!((&error["error"]["code"], &error["error"]["exit_code"]), (&"invalid_input".into(), &2.into()));
    }
    // Behind `--` it is no flag.
    assert!(!world.run(&["key", "show", "--nonsense", "--", "--json"]).fails(2, "--nonsense").err.starts_with('{'));
    let colored = |arguments: &[&str]| world.terminal(arguments, "").out.contains("\x1b[");
    assert!(colored(&["nonsense"]));
    assert!(!colored(&["nonsense", "--color", "never"]) && !colored(&["nonsense", "--color=never"]));
}
