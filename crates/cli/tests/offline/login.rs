//! `symbolon login` and `logout`, against a server on this machine that plays both sides of RFC 8628.

use std::io::{BufRead as _, BufReader};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::request::KEY;
use crate::support::{Answer, Double, Got, World, finish, json as answer, problem, silence};

const GRANTED: &str = "sym_pat_granted";

fn whoami() -> Value {
    json!({
        "organization": { "id": "00000000-0000-7000-8000-000000000001", "slug": "acme", "name": "Acme", "short_id": "AAAAAA", "profile": "symbolon" },
        "principal": { "type": "member", "name": "Ada", "email": "ada@acme.example", "role": "owner" },
        "token": {
            "id": "1", "kind": "pat", "name": "cli", "prefix": "sym_pat_", "owner": { "type": "member", "name": "Ada" },
            "status": "active", "created_at": "2026-01-01T00:00:00Z",
        },
        "permissions": ["api:read"],
        "grants": [],
    })
}

/// A server whose answers to polls are these in turn, the last one again and again.
fn server(polls: Vec<Answer>, who: impl Fn() -> Answer + Send + 'static) -> Double {
    let at = AtomicU32::new(0);
    let polls: Vec<(u16, String)> = polls.into_iter().map(|it| (it.status, it.body)).collect();
    Double::new(move |got: &Got| match got.path.as_str() {
        "/oauth/device_authorization" => {
            let page = format!("http://{}/activate", got.header("host").unwrap());
            answer(
                200,
                &json!({
                    "device_code": "device-secret", "user_code": "BCDF-GHJK", "verification_uri": page,
                    "verification_uri_complete": format!("{page}?user_code=BCDF-GHJK"), "expires_in": 600, "interval": 1,
                }),
            )
        }
        "/oauth/token" => {
            let turn = usize::try_from(at.fetch_add(1, Ordering::Relaxed)).unwrap().min(polls.len() - 1);
            let (status, body) = polls[turn].clone();
            Answer { status, headers: vec![("content-type", "application/json".to_owned())], body }
        }
        "/v1/whoami" => who(),
        "/oauth/revoke" => answer(200, &json!({})),
        _ => problem(404, "not_found"),
    })
}

fn pending() -> Answer {
    answer(400, &json!({ "error": "authorization_pending" }))
}

fn granted() -> Answer {
    answer(200, &json!({ "access_token": GRANTED, "token_type": "Bearer" }))
}

fn good() -> Answer {
    answer(200, &whoami())
}

/// A home whose browser writes down what it was to open.
fn home() -> World {
    let world = World::new();
    let browser = world.write("bin/xdg-open", "#!/bin/sh\necho \"$1\" > \"$HOME/opened\"\n");
    crate::support::mode(std::path::Path::new(&browser), 0o755);
    let path = format!("{}:{}", world.path("bin").display(), world.variable("PATH"));
    world.with("PATH", &path)
}

#[test]
fn a_login_is_approved_and_kept_and_forgotten_again() {
    let server = server(vec![pending(), granted()], good);
    let world = home();
    let done = world.run(&["login", &server.url, "--scope", "read", "--scope", "manage"]).good();
    assert!(done.out.contains("Logged in to Acme") && done.err.contains("BCDF-GHJK"), "{done:?}");
    assert!(!format!("{done:?}").contains(GRANTED) && !format!("{done:?}").contains("device-secret"));
    let got = server.got();
    assert_eq!(got[0].text(), "client_id=symbolon-cli&scope=read%20manage");
    assert!(got[1].text().contains("device_code=device-secret"), "{}", got[1].text());
    assert!(world.read("config/credentials.toml").contains(GRANTED));
    assert!(!world.read("config/config.toml").contains(GRANTED));

    world.run(&["whoami"]).good();
    assert_eq!(server.got().pop().unwrap().header("authorization"), Some("Bearer sym_pat_granted"));

    let out = world.run(&["logout"]).good();
    assert!(out.out.contains("stays valid") && server.got().is_empty(), "{out:?}");
    assert!(!world.path("config/credentials.toml").exists());
    world.run(&["whoami"]).fails(3, "No credential");
    world.run(&["logout"]).fails(2, "There is no login");
}

#[test]
fn on_a_terminal_the_browser_opens_and_progress_is_shown() {
    let server = server(vec![pending(), granted()], good);
    let world = home();
    let done = world.terminal(&["login", &server.url], "");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("Waiting for the approval, 9:"), "{done:?}");
    assert_eq!(world.read("opened").trim(), format!("{}/activate?user_code=BCDF-GHJK", server.url));
}

#[test]
fn why_a_login_fails_is_told_and_nothing_is_kept() {
    let oauth = |error: &str, more: &str| answer(400, &json!({ "error": error, "error_description": more }));
    for (poll, code, part) in [
        (oauth("access_denied", "Not by me"), 10, "denied in the browser (Not by me)"),
        (oauth("expired_token", ""), 10, "not approved in time"),
        (oauth("invalid_grant", "x"), 10, "invalid_grant"),
        (answer(403, &json!({})), 8, "answered 403"),
    ] {
        let server = server(vec![poll], good);
        let world = home();
        world.run(&["login", &server.url, "--no-browser"]).fails(code, part);
        assert!(!world.path("config").exists());
    }
    let server = Double::new(|_| problem(404, "not_found"));
    home().run(&["login", &server.url]).fails(6, "not_found");
    home().run(&["login", "http://127.0.0.1:1"]).fails(8, "nothing answers");
    let elsewhere = json!({
        "device_code": "x", "user_code": "X", "verification_uri": "https://evil.example/", "expires_in": 60, "interval": 1,
    });
    let server = Double::new(move |_| answer(200, &elsewhere));
    let world = home();
    world.run(&["login", &server.url]).fails(8, "not on this server");
    assert!(!world.path("opened").exists(), "no browser is sent elsewhere");
}

#[test]
fn a_token_that_is_refused_after_the_approval_is_given_back_and_the_reason_told() {
    let server = server(vec![granted()], || problem(401, "inactive"));
    let world = home();
    world.run(&["login", &server.url]).fails(4, "inactive");
    let last = server.got().pop().unwrap();
    assert_eq!((last.path.as_str(), last.text().as_str()), ("/oauth/revoke", "token=sym_pat_granted"));
    assert!(!world.path("config").exists());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_kept_is_given_back() {
    let server = server(vec![granted()], good);
    let world = home();
    // A file where the folder of settings would be.
    world.write("config", "");
    world.run(&["login", &server.url]).fails(9, "config");
    assert_eq!(server.got().pop().unwrap().path, "/oauth/revoke");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let server = server(vec![pending()], good);
    let world = home();
    let mut child = world.start(&["login", &server.url, "--no-browser"]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("BCDF-GHJK") {}
    let pid = child.id().to_string();
    assert!(world.command("kill").args(["-INT", &pid]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let done = finish(child);
    assert_eq!(done.code, 130, "{done:?} {rest:?}");
    assert!(rest.last().unwrap().contains("nothing was kept"), "{rest:?}");
    assert!(!world.path("config").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_after_the_approval_gives_the_token_back() {
    // The interrupt comes while the server is asked who the new token is: too late for the poll, in time for nothing to be kept.
    let world = home();
    let (tell, told) = std::sync::mpsc::channel::<u32>();
    let told = std::sync::Mutex::new(told);
    let server = server(vec![granted()], move || {
        let pid = told.lock().unwrap().recv().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.unwrap().success());
        good()
    });
    let child = world.start(&["login", &server.url, "--no-browser"]);
    tell.send(child.id()).unwrap();
    let done = finish(child);
    assert_eq!(done.code, 130, "{done:?}");
    assert!(done.err.contains("has been revoked again"), "{done:?}");
    assert_eq!(server.got().pop().unwrap().path, "/oauth/revoke");
    assert!(!world.path("config").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_heard_while_the_server_keeps_silent() {
    let interrupted = |waits_for: &str| {
        let (tell, told) = std::sync::mpsc::channel::<u32>();
        let told = std::sync::Mutex::new(told);
        let interrupt = move || {
            let pid = told.lock().unwrap().recv().unwrap().to_string();
            assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
            silence()
        };
        let server = match waits_for {
            "whoami" => server(vec![granted()], interrupt),
            _ => Double::new(move |_| interrupt()),
        };
        let world = home();
        let child = world.start(&["login", &server.url, "--no-browser"]);
        tell.send(child.id()).unwrap();
        let done = finish(child);
        assert_eq!(done.code, 130, "{done:?}");
        assert!(done.err.contains("nothing was kept"), "{done:?}");
        assert!(!world.path("config").exists());
        (done.err.contains("has been revoked again"), server.got().iter().any(|got| got.path == "/oauth/revoke"))
    };
    assert_eq!(interrupted("the code"), (false, false), "nothing was granted yet");
    assert_eq!(interrupted("whoami"), (true, true), "what was granted is given back");
}

#[test]
fn a_token_or_a_key_that_one_has_is_kept() {
    let server = server(vec![pending()], good);
    let world = home();
    world.pipe(&["login", &server.url, "--token-file", "-"], "sym_pat_mine\n").good();
    assert!(world.read("config/credentials.toml").contains("sym_pat_mine"));
    let out = world.run(&["logout", "--revoke"]).good();
    assert!(out.out.contains("was revoked"), "{out:?}");
    assert_eq!(server.got().pop().unwrap().text(), "token=sym_pat_mine");

    world.write("key.pem", KEY);
    world.run(&["login", &server.url, "--private-key", "key.pem"]).good();
    let settings = world.read("config/config.toml");
    assert!(settings.contains("key.pem") && !settings.contains(KEY), "{settings}");
    world.run(&["whoami"]).good();
    assert!(server.got().pop().unwrap().header("signature-input").unwrap().contains("keyid=\"AAAAAA."));
    let json = world.run(&["logout", "--json"]).good().json();
    assert_eq!((&json["removed"], &json["revoked"]), (&true.into(), &false.into()));
    assert!(world.path("key.pem").exists(), "the key itself is nobody's to remove");
    world.run(&["whoami"]).fails(3, "No credential");
}

#[test]
fn a_revocation_that_fails_forgets_nothing() {
    let server = Double::new(|got| match got.path.as_str() {
        "/v1/whoami" => good(),
        _ => problem(503, "authority_unavailable"),
    });
    let world = home();
    world.pipe(&["login", &server.url, "--token-file", "-"], "sym_pat_mine").good();
    let before = world.files();
    world.run(&["logout", "--revoke"]).fails(8, "authority_unavailable");
    assert_eq!(world.files(), before);
}
