//! `symbolon profile check`.

use crate::support::World;

const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../profiles");

#[test]
fn every_built_in_profile_is_valid() {
    let world = World::new();
    for entry in std::fs::read_dir(BUILT_IN).unwrap() {
        let path = entry.unwrap().path().display().to_string();
        let checked = world.run(&["profile", "check", &path]).good();
        assert!(checked.out.contains("is valid"), "{checked:?}");
    }
}

#[test]
fn each_mistake_is_told_with_file_line_and_column() {
    let world = World::new();
    let text = std::fs::read_to_string(format!("{BUILT_IN}/symbolon.toml")).unwrap();
    let wrong = text.replace("owner = \"member\"", "owner = \"nobody\"").replace("rank = 80", "rank = \"eighty\"");
    let lines: Vec<usize> = wrong
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("nobody") || line.contains("eighty"))
        .map(|(index, _)| index + 1)
        .collect();
    let path = world.write("mine.toml", &wrong);
    let checked = world.run(&["profile", "check", &path]).fails(1, "2 mistakes");
    for line in &lines {
        assert!(checked.out.contains(&format!("{path}:{line}:")), "{line} in {checked:?}");
    }
    let json = world.run(&["profile", "check", &path, "--json"]).fails(1, "check_failed").json();
    assert_eq!(json["valid"], false);
    let told: Vec<u64> = json["errors"].as_array().unwrap().iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert_eq!(told, lines.iter().map(|line| u64::try_from(*line).unwrap()).collect::<Vec<_>>());
}

#[test]
fn a_mistake_is_told_with_file_line_what_is_wrong_and_what_is_allowed() {
    let world = World::new();
    let text = std::fs::read_to_string(format!("{BUILT_IN}/symbolon.toml")).unwrap();
    for (right, wrong, told) in [
        (
            "owner = \"member\"",
            "owner = \"nobody\"",
            "kinds.pat.owner: unknown variant `nobody`, expected `member` or `organization`",
        ),
        (
            "scopes = [\"read\", \"write\", \"verify\", \"manage\"], needed",
            "scopes = [\"read\", \"write\", \"verify\", \"manage\", \"red\"], needed",
            "kinds.pat.grants.scopes[4]: no such scope, expected one of read, write, verify, manage",
        ),
        (
            "default_seconds = 7776000",
            "default_seconds = 31536001",
            "kinds.pat.expiry.default_seconds: must be above 0, and at most `max_seconds`",
        ),
    ] {
        let line = text.lines().position(|line| line.contains(right)).unwrap() + 1;
        let path = world.write("mine.toml", text.replacen(right, wrong, 1));
        let checked = world.run(&["profile", "check", &path]).fails(1, "one mistake");
        let said = checked.out.trim();
        assert!(said.starts_with(&format!("{path}:{line}:")) && said.ends_with(told), "{told} in {said}");
    }
}

#[test]
fn what_cannot_be_read_is_told_apart_from_what_is_wrong() {
    let world = World::new();
    world.run(&["profile", "check", "missing.toml"]).fails(9, "missing.toml");
    world.pipe(&["profile", "check", "-"], "name = ").fails(1, "one mistake");
    let binary = world.write("binary", [0xff, 0xfe]);
    world.run(&["profile", "check", &binary]).fails(2, "not text");
}
