//! `symbolon routes`, and the organisation's own profile: what is sent, and what is shown.

use serde_json::{Value, json};

use crate::support::{Double, World, json as answer, problem};

/// A server that has one document, which can be replaced.
fn server(path: &'static str, first: Value) -> Double {
    let mut kept = first;
    Double::new(move |got| match (got.method.as_str(), got.path.as_str()) {
        ("GET", it) if it == path => answer(200, &kept),
        ("PUT", it) if it == path => {
            let put: Value = serde_json::from_str(&got.text()).unwrap();
            for (key, value) in put.as_object().unwrap() {
                kept[key] = value.clone();
            }
            answer(200, &kept)
        }
        _ => problem(404, "not_found"),
    })
}

fn world(server: &Double) -> World {
    World::new().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine")
}

#[test]
fn the_route_table_is_shown_and_replaced() {
    let server = server("/v1/routes", json!({"routes": []}));
    let world = world(&server);
    assert!(world.run(&["routes", "show"]).good().err.contains("No routes"));
    let table = json!({"routes": [
        {"method": "GET", "path": "/reports/{*rest}", "permission": "api:read"},
        {"method": "OPTIONS", "path": "/{*rest}", "public": true},
    ]});
    let file = world.write("routes.json", table.to_string());
    world.run(&["routes", "replace", &file]).fails(2, "say --yes");
    let replaced = world.run(&["routes", "replace", &file, "--yes"]).good();
    assert!(replaced.out.contains("/reports/{*rest}") && replaced.out.contains("api:read"), "{replaced:?}");
    assert!(replaced.out.contains("nothing: public"), "{replaced:?}");
    assert_eq!(world.run(&["routes", "show", "--json"]).good().json(), table);
    let _before = server.got();
    world.pipe(&["routes", "replace", "-", "--yes"], "{\n \"routes\": ]").fails(2, "standard input:2:12:");
    world
        .pipe(&["routes", "replace", "-", "--yes"], "{\"routes\": [], \"routes\": []}")
        .fails(2, "`routes` comes twice");
    assert!(server.got().is_empty(), "nothing was sent");
}

#[test]
fn the_profile_is_shown_as_it_was_written_and_replaced_by_a_good_one_alone() {
    let text = symbolon::policy::builtin("symbolon").unwrap();
    let server = server("/v1/profile", json!({"name": "symbolon", "profile": text}));
    let world = world(&server);
    assert_eq!(world.run(&["profile", "show"]).good().out, text);
    let mine = world.write("mine.toml", text.replacen("name = \"symbolon\"", "name = \"mine\"", 1));
    world.run(&["profile", "replace", &mine]).fails(2, "say --yes");
    // The server of this test keeps the name; what it was sent is the file.
    world.run(&["profile", "replace", &mine, "--yes"]).good();
    assert_eq!(world.run(&["profile", "show"]).good().out, world.read("mine.toml"));
    let _before = server.got();
    let bad = world.write("bad.toml", text.replacen("rank = 80", "rank = \"eighty\"", 1));
    let told = world.run(&["profile", "replace", &bad, "--yes"]).fails(1, "one mistake");
    assert!(told.out.contains("bad.toml:"), "{told:?}");
    assert!(server.got().is_empty(), "nothing was sent");
}

#[test]
fn an_empty_list_is_not_said_to_be_all_there_is() {
    let server = server("/v1/tokens?limit=200", json!({"items": []}));
    assert!(world(&server).run(&["token", "list"]).good().err.contains("No tokens that you may see."));
}

#[test]
fn a_line_of_an_export_that_is_no_entry_is_named() {
    let world = World::new();
    world.write("log.ndjson", "\n{\"seq\": 1}\n");
    let id = "00000000-0000-7000-8000-000000000001";
    let arguments = ["activity", "--verify", "--file", "log.ndjson", "--organization-id", id];
    world.run(&arguments).fails(2, "log.ndjson:2: no entry");
}
