//! `symbolon deploy --check`.

use crate::support::World;

const WRANGLER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wrangler.toml");

#[test]
fn our_own_configuration_is_complete() {
    let checked = World::new().run(&["deploy", "--check", WRANGLER]).good();
    assert!(!checked.out.contains("missing"), "{checked:?}");
    assert!(checked.err.contains("wrangler secret put SETUP_CODE"), "{checked:?}");
}

/// A class that the configuration has and the check does not know would be missed where it is missing.
#[test]
fn every_class_of_our_own_configuration_is_checked() {
    let checked = World::new().run(&["deploy", "--check", WRANGLER]).good();
    let whole = std::fs::read_to_string(WRANGLER).unwrap();
    let classes: Vec<&str> = whole
        .lines()
        .find_map(|line| line.trim().strip_prefix("new_sqlite_classes = ["))
        .unwrap()
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(!classes.is_empty());
    for class in classes {
        assert!(checked.out.contains(&format!("migration that makes {class}")), "{class} in {checked:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let whole = std::fs::read_to_string(WRANGLER).unwrap();
    let world = World::new();
    for (from, to, named) in [
        ("binding = \"DIRECTORY\"", "binding = \"OTHER\"", "KV namespace DIRECTORY"),
        ("{ name = \"REPLAY\", class_name = \"Replay\" },", "", "Durable Object REPLAY"),
        ("class_name = \"Replay\"", "class_name = \"Other\"", "Durable Object REPLAY"),
        (", \"Login\"]", "]", "migration that makes Login"),
        ("new_sqlite_classes", "new_classes", "has no SQLite"),
        ("\"SETUP_CODE\", ", "", "secret SETUP_CODE is required"),
        ("\n[vars]\n", "\n[vars]\nINSTANCE_SECRET = \"x\"\n", "stands in vars"),
        ("binding = \"ASSETS\"", "binding = \"OTHER\"", "assets ASSETS"),
        ("run_worker_first = true", "run_worker_first = [\"/v1/*\"]", "the Worker comes before assets"),
        ("compatibility_date", "other_date", "compatibility_date"),
    ] {
        assert!(whole.contains(from), "wrangler.toml has no {from}");
        let path = world.write("wrangler.toml", whole.replace(from, to));
        let checked = world.run(&["deploy", "--check", &path]);
        assert_eq!(checked.code, 1, "{from}: {checked:?}");
        assert!(checked.out.contains(named), "{named} in {checked:?}");
        let json = world.run(&["deploy", "--check", &path, "--json"]).fails(1, "check_failed").json();
        assert_eq!(json["complete"], false);
    }
}

#[test]
fn an_environment_says_its_bindings_for_itself() {
    let whole = std::fs::read_to_string(WRANGLER).unwrap();
    let world = World::new();
    let path = world.write("wrangler.toml", format!("{whole}\n[env.production]\nname = \"tokens\"\n"));
    let checked = world.run(&["deploy", "--check", &path, "--env", "production"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.out.contains("missing  KV namespace DIRECTORY"), "{checked:?}");
    world.run(&["deploy", "--check", &path, "--env", "nothing"]).fails(2, "no environment nothing");
}

#[test]
fn json_with_comments_is_read_as_toml_is() {
    let whole: serde_json::Value = toml::from_str(&std::fs::read_to_string(WRANGLER).unwrap()).unwrap();
    let world = World::new();
    let text = serde_json::to_string_pretty(&whole).unwrap();
    world.write("wrangler.jsonc", text.replacen('{', "{ // the Worker\n", 1).replacen("\n}", ",\n}", 1));
    let checked = world.run(&["deploy", "--check"]).good();
    assert!(checked.out.contains("ok       KV namespace DIRECTORY"), "{checked:?}");
    // wrangler prefers this one.
    world.write("wrangler.json", text.replace("DIRECTORY", "OTHER"));
    world.run(&["deploy", "--check"]).fails(1, "wrangler.json: one thing is missing");
    let path = world.write("broken.jsonc", "{\n  \"name\": \n}");
    world.run(&["deploy", "--check", &path]).fails(2, "broken.jsonc:3:");
}

#[test]
fn what_cannot_be_read_is_told() {
    let world = World::new();
    world.run(&["deploy", "--check"]).fails(9, "wrangler.toml");
    let path = world.write("wrangler.toml", "name = \"a\"\nmain = \n");
    world.run(&["deploy", "--check", &path]).fails(2, "wrangler.toml:2:");
    world.run(&["deploy"]).fails(2, "--check");
}
