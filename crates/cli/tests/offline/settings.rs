//! Which of several settings wins, and that `status` says so.

use serde_json::json;

use crate::request::KEY;
use crate::support::{Double, Finished, World, json as answer, mode, problem};

const TOKEN: &str = "sym_pat_0123456789";

fn status(world: &World, extra: &[&str]) -> serde_json::Value {
    let mut arguments = vec!["status", "--offline", "--json"];
    arguments.extend(extra);
    world.run(&arguments).good().json()
}

/// A home with a login for a server and an organisation.
fn logged_in(url: &str) -> World {
    let world = World::new();
    world.write("config/config.toml", format!("url = \"{url}\"\norganization = \"AAAAAA\"\n"));
    world.write("config/credentials.toml", format!("\"{url} AAAAAA\" = \"sym_pat_fromfile\"\n"));
    world
}

#[test]
fn flags_beat_the_environment_and_the_environment_beats_files() {
    let mut world = logged_in("https://file.example");
    let key = world.write("key", KEY);
    let token = world.write("token", "sym_pat_fromflag\n");
    let file = world.path("config/config.toml").display().to_string();
    let credentials = format!("the login kept in {}", world.path("config/credentials.toml").display());

    let seen = status(&world, &[]);
    assert_eq!(seen["url"], json!({ "value": "https://file.example", "source": file }));
    assert_eq!(seen["organization"], json!({ "value": "AAAAAA", "source": file }));
    assert_eq!(seen["credential"]["source"], credentials);
    assert_eq!(seen["overruled"], json!([]));

    world.set("SYMBOLON_TOKEN", TOKEN);
    let seen = status(&world, &[]);
    assert_eq!(seen["credential"]["source"], "SYMBOLON_TOKEN");
    assert_eq!(seen["overruled"], json!(["the login that is kept"]));

    world.set("SYMBOLON_URL", "https://environment.example/");
    world.set("SYMBOLON_ORG", "BBBBBB");
    let seen = status(&world, &[]);
    assert_eq!(seen["url"], json!({ "value": "https://environment.example", "source": "SYMBOLON_URL" }));
    assert_eq!(seen["organization"], json!({ "value": "BBBBBB", "source": "SYMBOLON_ORG" }));

    let flags = ["--url", "https://flag.example", "--org", "CCCCCC", "--token-file", &token];
    let seen = status(&world, &flags);
    assert_eq!(seen["url"], json!({ "value": "https://flag.example", "source": "--url" }));
    assert_eq!(seen["organization"], json!({ "value": "CCCCCC", "source": "--org" }));
    assert_eq!(seen["credential"]["source"], "--token-file");
    for lost in ["SYMBOLON_URL", "SYMBOLON_ORG", "SYMBOLON_TOKEN"] {
        assert!(seen["overruled"].as_array().unwrap().contains(&json!(lost)), "{seen}");
    }
    assert_eq!(status(&world, &["--private-key", &key])["credential"]["source"], "--private-key");
    world.unset("SYMBOLON_TOKEN");
    world.set("SYMBOLON_PRIVATE_KEY", KEY);
    let seen = status(&world, &[]);
    assert_eq!(seen["credential"]["source"], "SYMBOLON_PRIVATE_KEY");
    assert!(!seen.to_string().contains(KEY));
}

#[test]
fn a_login_belongs_to_its_server() {
    let world = logged_in("https://file.example");
    let seen = status(&world, &["--url", "https://other.example"]);
    assert_eq!((&seen["organization"], &seen["credential"]), (&json!(null), &json!(null)));
    let server = Double::new(|_| answer(200, &json!({})));
    let url = format!("{}/a", server.url);
    world.run(&["request", "GET", &url]).fails(2, "is not the server of the login");
    assert!(server.got().is_empty());
    world.run(&["request", "GET", &url, "--any-host"]).good();
    assert_eq!(server.got().pop().unwrap().header("authorization"), Some("Bearer sym_pat_fromfile"));
}

#[test]
fn contradictions_are_told() {
    let world = World::new().with("SYMBOLON_TOKEN", TOKEN).with("SYMBOLON_PRIVATE_KEY", KEY);
    world.run(&["status", "--offline"]).fails(2, "both set");
    let key = world.write("key", KEY);
    world.run(&["status", "--offline", "--token", "x", "--private-key", &key]).fails(2, "cannot be used with");
    // A native token names its organisation, and this one's checksum is right.
    let native = "sym_pat_EcVpwpSqPvVG6O9pSyXXOUlCYr8JXklEeno2Fp5eAZ1YBcFK";
    let world = World::new().with("SYMBOLON_TOKEN", native);
    let told = world.run(&["status", "--offline", "--org", "AAAAAA"]).fails(2, "belongs to the organisation EcVpwp");
    assert!(!told.err.contains(native));
    let seen = status(&world, &["--org", "EcVpwp"]);
    assert_eq!(seen["credential"]["shown"], "a token that begins with sym_pat_EcVpwpSqPvVG6O");
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    for (name, value, part) in [
        ("SYMBOLON_URL", "nonsense", "SYMBOLON_URL: not the URL"),
        ("SYMBOLON_URL", "http://tokens.example", "SYMBOLON_URL: http sends"),
        ("SYMBOLON_URL", "https://tokens.example/path", "SYMBOLON_URL: the URL of a server has no path"),
        ("SYMBOLON_ORG", "too-long", "SYMBOLON_ORG: an organisation"),
        ("SYMBOLON_STORE", "nowhere", "SYMBOLON_STORE must be"),
        ("SYMBOLON_TOKEN", "two words", "SYMBOLON_TOKEN is not a token"),
        ("SYMBOLON_PRIVATE_KEY", "zz-secret-zz", "SYMBOLON_PRIVATE_KEY: "),
    ] {
        let told = World::new().with(name, value).run(&["status", "--offline"]).fails(2, part);
        assert!(name == "SYMBOLON_URL" || !told.err.contains(value), "{told:?}");
    }
    let world = World::new();
    world.write("config/config.toml", "url = \"https://a.example\"\nnonsense = 1\n");
    world.run(&["status", "--offline"]).fails(2, "config.toml:2:");
    let world = World::new().with("SYMBOLON_STORE", "keyring");
    world.write("config/config.toml", "url = \"https://a.example\"\norganization = \"AAAAAA\"\n");
    world.run(&["whoami"]).fails(9, "the keyring");
}

#[cfg(unix)]
#[test]
fn secrets_that_others_can_read_are_not_used() {
    let world = logged_in("https://file.example");
    mode(&world.path("config/credentials.toml"), 0o644);
    world.run(&["whoami"]).fails(9, "chmod 600");
}

#[test]
fn colours_are_for_terminals_alone_and_not_where_they_are_unwanted() {
    let whoami = |world: &World| world.terminal(&["status", "--offline"], "");
    let colored = |finished: &Finished| finished.out.contains("\x1b[");
    let world = World::new();
    assert!(colored(&whoami(&world)), "{:?}", whoami(&world));
    assert!(!colored(&world.run(&["status", "--offline"]).good()), "not a terminal");
    assert!(colored(&world.run(&["status", "--offline", "--color", "always"]).good()));
    assert!(!colored(&world.terminal(&["status", "--offline", "--color", "never"], "")));
    let world = world.with("NO_COLOR", "1");
    assert!(!colored(&whoami(&world)));
}

#[test]
fn status_asks_the_server_and_tells_by_its_exit_code() {
    let server = Double::new(|_| problem(401, "revoked"));
    let world = World::new().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", TOKEN);
    let told = world.run(&["status"]).fails(4, "the token in SYMBOLON_TOKEN: revoked");
    assert!(told.out.contains("from SYMBOLON_TOKEN") && told.out.contains("from SYMBOLON_URL"), "{told:?}");
    World::new().with("SYMBOLON_TOKEN", TOKEN).run(&["status"]).fails(2, "No server is known");
    World::new().with("SYMBOLON_URL", &server.url).run(&["status"]).fails(3, "No credential");
}
