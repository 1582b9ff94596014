//! `symbolon token`, `kinds`, `whoami` and `verify` at the server.

use crate::{admin, create, stranger};

const KEY: &[&str] = &["--kind", "key", "--permission", "api:read", "--expires", "90d"];

#[test]
fn a_token_lives_and_ends() {
    let world = admin();
    let (id, secret) = create(&world, &[KEY, &["--name", "lives", "--description", "For a test"]].concat());
    assert!(secret.starts_with("sym_key_"));
    let shown = world.run(&["token", "show", &id]).good();
    assert!(shown.out.contains("For a test") && shown.out.contains("api:read") && !shown.out.contains(&secret));
    let listed = world.run(&["token", "list", "--query", "lives", "--kind", "key", "--status", "active"]).good();
    assert!(listed.out.contains(&id) && listed.out.contains("organisation"), "{listed:?}");
    let edited = world.run(&["token", "edit", &id, "--name", "renamed", "--description", "", "--json"]).good().json();
    assert_eq!(edited["name"], "renamed");

    let bearer = |secret: &str| stranger().with("SYMBOLON_TOKEN", secret).run(&["whoami"]);
    assert!(bearer(&secret).good().out.contains("renamed"));
    let new = world.run(&["token", "regenerate", &id, "--expires", "30d"]).good().out.trim().to_owned();
    bearer(&secret).fails(4, "the token in SYMBOLON_TOKEN: ");
    bearer(&new).good();
    let rotated = world.run(&["token", "rotate", &id, "--secret-out", "secret"]).good();
    assert_eq!(rotated.out.trim(), id);
    let newest = world.read("secret").trim().to_owned();
    bearer(&new).fails(4, "the token in SYMBOLON_TOKEN: ");
    bearer(&newest).good();

    let revoked = world.run(&["token", "revoke", &id, "--yes"]).good();
    assert!(revoked.out.contains("Revoked: renamed") && revoked.out.contains("holds everywhere since"), "{revoked:?}");
    bearer(&newest).fails(4, "revoked");
    world.run(&["token", "edit", &id, "--name", "x"]).fails(7, "revoked");
}

#[test]
fn bad_requests_change_nothing() {
    let world = admin();
    let tokens = || world.run(&["token", "list", "--json"]).good().out;
    let (id, secret) = create(&world, &[KEY, &["--name", "unchanged"]].concat());
    let shown = world.run(&["token", "show", &id, "--json"]).good().json();
    let weak = stranger().with("SYMBOLON_TOKEN", &secret);
    for (arguments, code, part) in [
        (&["token", "create", "--kind", "nothing"][..], 2, "kind must be one of"),
        (&["token", "create", "--kind", "pat", "--name", "x"], 2, "invalid_request"),
        (&["token", "create", "--kind", "pat", "--name", "x", "--scope", "nothing"], 2, "scopes"),
        (
            &["token", "create", "--kind", "pat", "--name", "x", "--scope", "read", "--expires", "9999d"],
            2,
            "expires_at",
        ),
        (
            &["token", "create", "--kind", "pat", "--name", "x", "--scope", "read", "--expires", "never"],
            2,
            "expires_at",
        ),
        (&["token", "show", "nothing"], 6, "not_found"),
        (&["token", "show", "../whoami"], 6, "not_found"),
        (&["token", "edit", &id, "--scope", "nothing"], 2, "scopes"),
        (&["token", "rotate", &id, "--grace", "999d"], 2, "grace_seconds"),
        (&["token", "revoke", "01a200dd-b927-7ecb-8dbe-30e7ecdc692c", "--yes"], 6, "not_found"),
        (&["token", "list", "--sort", "nothing"], 2, "sort"),
        (&["token", "list", "--status", "nothing"], 2, "status"),
    ] {
        world.run(arguments).fails(code, part);
    }
    weak.run(&[&["token", "create", "--name", "x"][..], KEY].concat()).fails(5, "insufficient_permission");
    weak.run(&["member", "list"]).fails(5, "insufficient_permission");
    let after = world.run(&["token", "show", &id, "--json"]).good().json();
    for field in ["name", "permissions", "expires_at", "status"] {
        assert_eq!(shown[field], after[field], "{field}");
    }
    assert!(!tokens().contains("\"name\": \"x\""));
}

#[test]
fn a_passphrase_is_asked_for_on_a_terminal_and_never_shown() {
    let world = admin();
    let arguments =
        [&["token", "create", "--name", "with", "--passphrase", "ask", "--secret-out", "secret"][..], KEY].concat();
    let made = world.terminal(&arguments, "correct horse battery\ncorrect horse battery\n");
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.out.contains("Passphrase:") && made.out.contains("Once more:"), "{made:?}");
    world.write("passphrase", "correct horse battery");
    let check = |extra: &[&str]| world.run(&[&["verify", "--credential", "secret"][..], extra].concat());
    check(&[]).fails(1, "passphrase_required");
    check(&["--passphrase", "passphrase", "--require", "api:read"]).good();
    check(&["--passphrase", "passphrase", "--require", "api:write"]).fails(1, "insufficient_permission");
    let different = world.terminal(&arguments, "correct horse battery\nanother\n");
    assert_eq!(different.code, 2, "{different:?}");
}

#[test]
fn what_another_system_had_is_imported_all_or_none() {
    let world = admin();
    // SHA-256 of `sym_key_imported-from-elsewhere`, as the other system kept it.
    let one = r#"{"kind":"key","name":"imported","permissions":["api:read"],"sha256":"HASH"}"#;
    let hash = "2f0c1b8a4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7";
    let good = one.replace("HASH", hash);
    let bad = one.replace("HASH", "nonsense");
    world.write("bad.json", format!("[{good},{bad}]"));
    world.run(&["token", "import", "bad.json"]).fails(2, "invalid_request");
    let listed = || world.run(&["token", "list", "--query", "imported", "--json"]).good().json();
    assert_eq!(listed()["items"].as_array().unwrap().len(), 0);
    world.write("good.json", format!("{{\"tokens\":[{good}]}}"));
    assert!(world.run(&["token", "import", "good.json"]).good().out.contains("Imported: 1"));
    assert_eq!(listed()["items"].as_array().unwrap().len(), 1);
    world.run(&["token", "import", "good.json"]).fails(7, "conflict");
}

#[test]
fn a_repeated_creation_makes_one_token() {
    let world = admin();
    let arguments =
        ["--kind", "key", "--permission", "api:read", "--name", "once", "--idempotency-key", "a-key-of-mine"];
    let (first, _) = create(&world, &arguments);
    let (second, secret) = create(&world, &arguments);
    assert_eq!((first, secret.as_str()), (second, ""), "the secret is shown once");
}

#[test]
fn who_and_what_there_is() {
    let world = admin();
    let who = world.run(&["whoami"]).good();
    assert!(
        who.out.contains("Ada <ada@acme.example>, owner") && who.out.contains(&world.variable("SYMBOLON_ORG")),
        "{who:?}"
    );
    let kinds = world.run(&["kinds"]).good();
    for kind in ["pat", "key", "ci"] {
        assert!(kinds.out.contains(kind), "{kinds:?}");
    }
    assert!(world.run(&["status"]).good().out.contains("accepted: Acme"));
    let unknown = stranger().with("SYMBOLON_TOKEN", "sym_pat_nonsense");
    let told = unknown.run(&["whoami"]).fails(4, "the token in SYMBOLON_TOKEN: ");
    assert_eq!(told.err.lines().count(), 1, "{told:?}");
}
