//! `symbolon member` and `activity` at the server.

use std::io::{BufRead as _, BufReader};

use crate::{admin, create};

#[test]
fn a_member_comes_and_goes() {
    let world = admin();
    let added = ["member", "add", "--name", "Bob", "--email", "bob@acme.example", "--role", "developer", "--json"];
    let id = world.run(&added).good().json()["id"].as_str().unwrap().to_owned();
    world.run(&added).fails(7, "conflict");
    assert!(world.run(&["member", "list", "--query", "bob@"]).good().out.contains(&id));
    let edited = world.run(&["member", "edit", &id, "--role", "viewer", "--json"]).good().json();
    assert_eq!(edited["role"], "viewer");
    assert!(world.run(&["member", "suspend", &id, "--yes"]).good().out.contains("suspended"));
    assert!(world.run(&["member", "resume", &id]).good().out.contains("active"));
    world.run(&["member", "edit", &id, "--role", "nothing"]).fails(2, "role");
    world.run(&["member", "remove", &id, "--yes"]).good();
    world.run(&["member", "resume", &id]).fails(7, "removed");
    world.run(&["member", "remove", "nothing", "--yes"]).fails(6, "not_found");
    // The last owner stays.
    world.run(&["member", "remove", &world.variable("OWNER"), "--yes"]).fails(7, "conflict");
    let invited = world.run(&["member", "invite", "--email", "eve@acme.example", "--role", "viewer"]).good();
    assert!(invited.out.starts_with("http"), "{invited:?}");
}

#[test]
fn the_log_is_shown_followed_checked_and_taken_away() {
    let world = admin();
    let (id, _) = create(&world, &["--kind", "key", "--permission", "api:read", "--name", "logged", "--expires", "9d"]);
    let shown = world.run(&["activity", "--about-token", &id]).good();
    assert!(shown.out.contains("token.create"), "{shown:?}");

    let checked = world.run(&["activity", "--verify"]).good();
    let noted = checked.out.trim().rsplit(' ').next().unwrap().to_owned();
    world.run(&["activity", "--verify", "--contains", &noted]).good();
    world.run(&["activity", "--verify", "--contains", &"0".repeat(64)]).fails(1, "does not hold the entry");

    world.run(&["activity", "--export", "--out", "log.ndjson"]).good();
    let log = world.read("log.ndjson");
    assert!(log.lines().count() >= 2 && log.contains(&id));
    assert!(world.run(&["activity", "--export"]).good().out.contains(&id));

    // Whoever has the export needs no server to check it.
    let organization =
        world.run(&["whoami", "--json"]).good().json()["organization"]["id"].as_str().unwrap().to_owned();
    let check = |file: &str| world.run(&["activity", "--verify", "--file", file, "--organization-id", &organization]);
    assert!(check("log.ndjson").good().out.contains("is whole"));
    world.write("altered.ndjson", log.replacen("\"logged\"", "\"lagged\"", 1));
    check("altered.ndjson").fails(1, "is missing or was altered");
    world.write("shorter.ndjson", log.lines().skip(1).collect::<Vec<_>>().join("\n"));
    check("shorter.ndjson").fails(1, "entry 1 is missing");
    let first = log.lines().next().unwrap();
    world.write("broken.ndjson", format!("{first}\n\n{}\n", &first[..40]));
    check("broken.ndjson").fails(2, "broken.ndjson:3: no entry");

    let mut child = world.start(&["activity", "--follow", "--action", "token.edit", "--json", "--limit", "1"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Entries of other tests may come before ours.
    world.run(&["token", "edit", &id, "--name", "followed"]).good();
    while !lines.next().unwrap().unwrap().contains(&id) {}
    child.kill().unwrap();
    child.wait().unwrap();
}
