//! `symbolon request`.

use serde_json::json;
use symbolon::key::PrivateKey;
use symbolon::signature::{Field, Message, Policy, Request, Requirement, Selection, Target, Window, verify};
use symbolon::time::Timestamp;

use crate::support::{Double, Got, World, json as answer, problem};

pub(crate) const KEY: &str = "32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995";

/// Whether what a server got is signed by our key, natively and whole.
pub(crate) fn is_signed(got: &Got, url: &str) -> bool {
    let key = PrivateKey::from_hex(KEY).unwrap().public_key();
    let target = Target::parse(&format!("{url}{}", got.path)).unwrap();
    let fields: Vec<Field<'_>> = got.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let message = Message::from(Request { method: &got.method, target: &target, fields: &fields });
    let created = got.header("signature-input").and_then(|it| it.split("created=").nth(1)).unwrap_or_default();
    let created: i64 = created.split(';').next().unwrap().parse().unwrap_or_default();
    let window = Window {
        max_age_seconds: 60,
        max_lifetime_seconds: 300,
        max_ahead_seconds: 5,
        created: Requirement::Required,
        expires: Requirement::Required,
    };
    let body = got.header("content-length").map(|_| got.body.as_slice());
    let now = Timestamp::from_seconds(created);
    verify(&message, body, &Selection::NATIVE, &Policy::native(window), now, |_| Some(key)).is_ok()
}

fn signing() -> World {
    World::new().with("SYMBOLON_PRIVATE_KEY", KEY)
}

#[test]
fn a_dry_run_shows_the_signature_base_and_the_headers() {
    let world = signing();
    let url = "https://api.example/reports?page=2";
    let shown = world.run(&["request", "POST", url, "-d", "{\"a\":1}", "--org", "Ab3xZ9", "--dry-run"]).good();
    for part in [
        "\"@method\": POST\n\"@authority\": api.example\n\"@path\": /reports\n\"@query\": ?page=2\n\"content-digest\": sha-256=:",
        "\"content-type\": application/json\n\"@signature-params\": (",
        "keyid=\"Ab3xZ9.",
        "\nsignature: sig=:",
    ] {
        assert!(shown.out.contains(part), "{part:?} in {shown:?}");
    }
    let json = world.run(&["request", "GET", url, "--dry-run", "--json"]).good().json();
    assert_eq!(json["method"], "GET");
    assert!(json["signature_base"].as_str().unwrap().starts_with("\"@method\": GET\n"));
    assert!(!shown.out.contains(KEY) && !json.to_string().contains(KEY));
}

#[test]
fn a_signed_request_arrives_as_it_was_signed() {
    let server = Double::new(|got| answer(200, &json!({ "got": got.text() })));
    let world = signing();
    let body = world.write("body", "{\"x\":\"ü\"}");
    for (method, data) in
        [("GET", None), ("POST", Some(format!("@{body}"))), ("POST", None), ("DELETE", None), ("PURGE", None)]
    {
        let url = format!("{}/a%2Fb/c?d=%20&e", server.url);
        let mut arguments = vec!["request", method, &url, "-H", "X-Note: hello"];
        if let Some(data) = &data {
            arguments.extend(["-d", data]);
        }
        world.run(&arguments).good();
        let got = server.got().pop().unwrap();
        assert!(is_signed(&got, &server.url), "{got:?}");
        assert_eq!(got.path, "/a%2Fb/c?d=%20&e");
        assert_eq!(got.header("x-note"), Some("hello"));
    }
}

#[test]
fn components_label_tag_and_profile_are_chosen() {
    let world = signing();
    let base = |extra: &[&str]| {
        let mut arguments = vec!["request", "GET", "https://api.example/a", "--dry-run"];
        arguments.extend(extra);
        world.run(&arguments)
    };
    let chosen =
        base(&["--component", "@path", "--component", "x-a", "-H", "x-a: 1", "--label", "mine", "--tag", "t"]).good();
    assert!(chosen.out.contains("\"@path\": /a\n\"x-a\": 1\n\"@signature-params\": (\"@path\" \"x-a\")"), "{chosen:?}");
    assert!(chosen.out.contains("signature: mine=:") && chosen.out.contains("tag=\"t\""), "{chosen:?}");
    let profile = base(&["--profile", "devguard"]).good();
    assert!(profile.out.contains("x-fingerprint: 16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380"));
    assert!(profile.out.contains("signature: sig77=:"), "{profile:?}");
    base(&["--component", "x-missing"]).fails(2, "x-missing");
    base(&["--component", "@nonsense"]).fails(2, "@nonsense");
    base(&["--profile", "harborguard"]).fails(2, "no kind that is signed");
    base(&["--profile", "symbolon", "--kind", "nothing"]).fails(2, "pat, key, ci");
    base(&["--kind", "pat"]).fails(2, "--profile");
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let server = Double::new(|_| answer(200, &json!({ "ok": true })));
    let world = World::new().with("SYMBOLON_TOKEN", "sym_pat_0123456789");
    let url = format!("{}/a", server.url);
    let sent = world.run(&["request", "GET", &url, "--include"]).good();
    assert!(sent.out.starts_with("HTTP 200\n") && sent.out.ends_with("{\"ok\":true}"), "{sent:?}");
    assert_eq!(server.got().pop().unwrap().header("authorization"), Some("Bearer sym_pat_0123456789"));
    let dry = world.run(&["request", "GET", &url, "--dry-run"]).good();
    assert!(dry.out.contains("authorization: (hidden)") && !dry.out.contains("sym_pat_0123456789"), "{dry:?}");
    assert!(server.got().is_empty(), "a dry run sends nothing");
    world.run(&["request", "GET", &url, "--component", "@path"]).fails(2, "cannot sign");
    let passphrase = world.write("passphrase", "correct horse\n");
    world.run(&["request", "GET", &url, "--passphrase", &passphrase]).good();
    assert_eq!(server.got().pop().unwrap().header("x-token-passphrase"), Some("correct horse"));
}

#[test]
fn a_refusal_is_an_exit_code_and_one_line() {
    let server = Double::new(|got| match got.path.as_str() {
        "/expired" => problem(401, "expired"),
        "/forbidden" => problem(403, "insufficient_permission"),
        "/busy" => problem(429, "rate_limited"),
        "/moved" => crate::support::Answer {
            status: 302,
            headers: vec![("location", "https://elsewhere.example/".to_owned())],
            body: String::new(),
        },
        _ => answer(404, &json!("nothing here")),
    });
    let world = World::new().with("SYMBOLON_TOKEN", "sym_pat_0123456789");
    let get = |path: &str| world.run(&["request", "GET", &format!("{}{path}", server.url)]);
    let expired = get("/expired").fails(4, "the token in SYMBOLON_TOKEN: expired: A title.");
    assert_eq!(expired.err.lines().count(), 1, "{expired:?}");
    get("/forbidden").fails(5, "insufficient_permission");
    get("/busy").fails(8, "rate_limited");
    assert_eq!(get("/other").fails(1, "answered 404").out, "\"nothing here\"");
    let before = server.got().len();
    get("/moved");
    assert_eq!((before, server.got().len()), (4, 1), "a redirect is not followed");
}

#[test]
fn bad_input_sends_nothing() {
    let server = Double::new(|_| answer(200, &json!({})));
    let world = signing();
    let url = format!("{}/a", server.url);
    for (arguments, part) in [
        (vec!["GET", "nonsense"], "not an absolute"),
        (vec!["GET", "https://api.example/a/../b"], "dot segment"),
        (vec!["GET", "http://api.example/a"], "--allow-http"),
        (vec!["GET", "/path"], "No server is known"),
        (vec!["GET", &url, "-H", "nonsense"], "Name: value"),
        (vec!["GET", &url, "-H", "a b: c"], "Name: value"),
        (vec!["GET", &url, "-H", "Authorization: Bearer x"], "second credential"),
        (vec!["GET", &url, "-H", "Host: x"], "follows from"),
        (vec!["GET", &url, "-H", "x: a\nb"], "cannot"),
        (vec!["G T", &url], "cannot be signed"),
    ] {
        let mut all = vec!["request"];
        all.extend(arguments);
        world.run(&all).fails(2, part);
    }
    world.run(&["request", "POST", &url, "-d", "@missing"]).fails(9, "missing");
    assert!(server.got().is_empty());
}
