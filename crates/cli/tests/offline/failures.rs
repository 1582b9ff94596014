//! What every command that asks a server does where there is no credential, no server, or something else instead of one.

use serde_json::json;
use symbolon::activity::{Actor, Entry, root};
use symbolon::time::Timestamp;

use crate::support::{Double, World, json as answer, problem};

/// Every such command, with arguments that would do.
const COMMANDS: &[&[&str]] = &[
    &["whoami"],
    &["kinds"],
    &["token", "list"],
    &["token", "show", "x"],
    &["token", "create", "--kind", "pat", "--scope", "read"],
    &["token", "edit", "x", "--name", "y"],
    &["token", "rotate", "x"],
    &["token", "regenerate", "x"],
    &["token", "revoke", "x", "--yes"],
    &["token", "import", "tokens.json"],
    &["member", "list"],
    &["member", "add", "--name", "a", "--email", "a@b", "--role", "viewer"],
    &["member", "invite", "--email", "a@b", "--role", "viewer"],
    &["member", "edit", "x", "--name", "y"],
    &["member", "suspend", "x", "--yes"],
    &["member", "resume", "x"],
    &["member", "remove", "x", "--yes"],
    &["activity"],
    &["activity", "--follow"],
    &["activity", "--verify"],
    &["activity", "--export"],
    &["profile", "show"],
    &["profile", "replace", "profile.toml", "--yes"],
    &["routes", "show"],
    &["routes", "replace", "routes.json", "--yes"],
    &["verify", "--credential", "token"],
];

fn world() -> World {
    let world = World::new();
    world.write("tokens.json", "[{\"kind\":\"pat\"}]");
    world.write("token", "sym_pat_other");
    world.write("routes.json", "{\"routes\": []}");
    world.write("profile.toml", symbolon::policy::builtin("symbolon").unwrap());
    world
}

#[test]
fn without_a_credential_each_says_so_in_one_line() {
    let world = world().with("SYMBOLON_URL", "http://127.0.0.1:1");
    let before = world.files();
    for command in COMMANDS {
        let told = world.run(command).fails(3, "No credential");
        assert_eq!((told.err.lines().count(), told.out.as_str()), (1, ""), "{command:?}: {told:?}");
    }
    assert_eq!(world.files(), before, "nothing changed");
}

#[test]
fn a_refused_token_is_one_line_and_an_exit_code() {
    let server = Double::new(|_| problem(401, "expired"));
    let world = world().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine");
    for command in COMMANDS {
        let told = world.run(command).fails(4, "the token in SYMBOLON_TOKEN: expired");
        assert_eq!((told.err.lines().count(), told.out.as_str()), (1, ""), "{command:?}: {told:?}");
        let json = world.run(&[command, &["--json"][..]].concat());
        let error: serde_json::Value = serde_json::from_str(&json.err).unwrap();
        assert_eq!(error["error"]["code"], "expired", "{command:?}");
        assert_eq!(error["error"]["exit_code"], 4);
        assert_eq!(error["error"]["problem"]["status"], 401);
    }
}

#[test]
fn where_nothing_answers_each_says_so() {
    let world = world().with("SYMBOLON_URL", "http://127.0.0.1:1").with("SYMBOLON_TOKEN", "sym_pat_mine");
    for command in COMMANDS {
        world.run(command).fails(8, "http://127.0.0.1:1: nothing answers there");
    }
}

#[test]
fn what_is_no_symbolon_server_is_told() {
    let server = Double::new(|got| match got.path.as_str() {
        "/v1/whoami" => answer(200, &json!({ "hello": "world" })),
        _ => crate::support::Answer {
            status: 404,
            headers: vec![("content-type", "text/html".to_owned())],
            body: "<h1>no</h1>".to_owned(),
        },
    });
    let world = world().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine");
    world.run(&["whoami"]).fails(8, "not understood");
    world.run(&["token", "list"]).fails(8, "is it a Symbolon server?");
}

#[test]
fn bad_arguments_are_told_before_anything_is_sent() {
    let server = Double::new(|_| answer(200, &json!({})));
    let mut world = world().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine");
    world.write("there", "x");
    world.write("bad.json", "{\"secret-thing\": ");
    let before = world.files();
    for (arguments, part) in [
        (&["token", "create"][..], "--kind"),
        (&["token", "create", "--kind", "pat", "--expires", "soon"], "say 90d"),
        (&["token", "create", "--kind", "pat", "--expires", "9d", "--idempotency-key", "x"], "as a time"),
        (&["token", "create", "--kind", "pat", "--grant", "a:b"], "permission@resource"),
        (&["token", "create", "--kind", "pat", "--not-before", "soon"], "--not-before"),
        (&["token", "create", "--kind", "pat", "--secret-out", "there"], "is there already"),
        (&["token", "rotate", "x", "--grace=-1"], "--grace"),
        (&["token", "rotate", "x", "--secret-out", "there"], "is there already"),
        (&["token", "regenerate", "x", "--expires", "soon"], "say 90d"),
        (&["token", "edit", "x"], "Nothing to change"),
        (&["token", "edit", "x", "--active", "--inactive"], "--active"),
        (&["token", "revoke"], "Which one?"),
        (&["token", "revoke", "x"], "say --yes"),
        (&["token", "list", "--limit", "0"], "--limit"),
        (&["token", "import", "bad.json"], "not JSON, at line 1"),
        (&["token", "import", "token"], "not JSON"),
        (&["member", "edit", "x"], "Nothing to change"),
        (&["member", "remove", "x"], "say --yes"),
        (&["member", "suspend", "x"], "say --yes"),
        (&["member", "add", "--name", "a"], "--email"),
        (&["activity", "--since", "soon"], "--since"),
        (&["activity", "--limit", "0"], "--limit"),
        (&["activity", "--verify", "--export"], "--export"),
        (&["activity", "--verify", "--file", "log.ndjson"], "--organization-id"),
        (
            &["activity", "--verify", "--file", "none", "--organization-id", "00000000-0000-7000-8000-000000000000"],
            "cannot be read",
        ),
        (&["activity", "--export", "--out", "there"], "is there already"),
        (&["logout"], "There is no login"),
        (&["login", "nonsense"], "not the URL"),
        (&["login", "--url", "https://a.example", "https://b.example"], "named twice"),
    ] {
        let told = world.run(arguments).fails(2, part);
        assert!(!told.err.contains("secret-thing"), "{told:?}");
    }
    assert_eq!(world.files(), before, "nothing changed");
    assert!(server.got().is_empty(), "nothing was sent");
    world.unset("SYMBOLON_TOKEN");
}

#[test]
fn an_export_is_whole_or_it_is_said_what_cannot_be_known() {
    let organization = "00000000-0000-7000-8000-000000000000".parse().unwrap();
    let mut head = root(organization);
    let lines = [1, 2].map(|seq| {
        let mut entry = Entry {
            seq,
            id: "00000000-0000-7000-8000-000000000002".to_owned(),
            at: Timestamp::from_seconds(1_800_000_000),
            actor: Actor::default(),
            action: "token.create".to_owned(),
            token: None,
            member: None,
            address: None,
            user_agent: None,
            details: json!({}),
            prev_hash: head.clone(),
            hash: String::new(),
        };
        entry.hash = entry.expected_hash();
        head.clone_from(&entry.hash);
        serde_json::to_string(&entry).unwrap()
    });
    let world = World::new();
    let check = |log: &str, more: &[&str]| {
        world.write("log.ndjson", log);
        let id = organization.to_string();
        world.run(&[&["activity", "--verify", "--file", "log.ndjson", "--organization-id", &id], more].concat())
    };
    let whole = check(&lines.join("\n"), &[]).good().out;
    assert!(whole.contains("The chain of 2 entries is whole") && whole.contains("missing at its end"), "{whole}");
    let known = check(&lines.join("\n"), &["--contains", &head]).good().out;
    assert!(!known.contains("missing at its end"), "{known}");
    check(&lines[0], &["--contains", &head]).fails(1, "does not hold the entry");
    for empty in ["", "\n\n"] {
        check(empty, &[]).fails(1, "it holds no entry");
    }
    check(&lines[0].replacen('{', "{\"note\":\"x\",", 1), &[]).fails(2, "log.ndjson:1: no entry");
}

#[test]
fn following_outlives_a_server_that_is_away_for_a_moment() {
    let entry = |seq: u64| {
        json!({
            "seq": seq, "id": "00000000-0000-7000-8000-000000000002", "at": "2026-01-01T00:00:00Z", "actor": {},
            "action": "token.create", "details": {}, "prev_hash": "a", "hash": "b",
        })
    };
    let mut turn = 0;
    let server = Double::new(move |_| {
        turn += 1;
        match turn {
            1 => answer(200, &json!({ "items": [entry(1)] })),
            2 => problem(503, "authority_unavailable"),
            3 => answer(200, &json!({ "items": [entry(2), entry(1)] })),
            _ => problem(401, "revoked"),
        }
    });
    let world = world().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine");
    let told = world.run(&["activity", "--follow", "--json"]).fails(4, "revoked");
    let seqs: Vec<u64> = told
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, [1, 2], "each once");
    assert!(told.err.contains("Trying again"), "{told:?}");
}

#[test]
fn a_question_is_asked_on_a_terminal_and_only_a_yes_is_a_yes() {
    let server =
        Double::new(|_| answer(200, &json!({ "name": "mine", "holds_everywhere_at": "2026-01-01T00:00:00Z" })));
    let world = world().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine");
    for typed in ["n\n", "\n", "yess\n"] {
        let told = world.terminal(&["token", "revoke", "x"], typed);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.out.contains("Revoke the token x?") && told.out.contains("Not done"), "{told:?}");
    }
    assert!(server.got().is_empty());
    let told = world.terminal(&["token", "revoke", "x"], "y\n");
    assert!(told.code == 0 && told.out.contains("Revoked: mine"), "{told:?}");
    assert_eq!(server.got().pop().unwrap().method, "DELETE");
}

#[test]
fn what_others_chose_cannot_repaint_the_terminal() {
    let server = Double::new(|_| answer(200, &json!({ "name": "a\u{1b}[2Jb", "holds_everywhere_at": null })));
    let world = world().with("SYMBOLON_URL", &server.url).with("SYMBOLON_TOKEN", "sym_pat_mine");
    let told = world.run(&["token", "revoke", "x", "--yes"]).good();
    assert!(!told.out.contains('\u{1b}') && told.out.contains("nobody can say when"), "{told:?}");
}
