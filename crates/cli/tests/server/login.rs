//! `symbolon login` by RFC 8628, decided by a person in a session of the console, with what its page would send.

use std::io::{BufRead as _, BufReader};

use serde_json::json;

use crate::person::Person;
use crate::support::{World, finish};
use crate::{admin, stranger, url};

/// Begins a login, and its owner decides it as soon as its code is shown.
fn login(world: &World, owner: &World, decision: &str, extra: &[&str]) -> crate::support::Finished {
    let mut person = Person::signed_in(url(), &owner.variable("SYMBOLON_TOKEN"));
    let mut child = world.start(&[&["login", "--no-browser"][..], extra].concat());
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let code = loop {
        let line = lines.next().expect("a code is shown").unwrap();
        if let Some(code) = line.strip_prefix("with the code ") {
            break code.to_owned();
        }
    };
    person.post(&format!("/v1/device/{decision}"), &json!({ "user_code": code })).expect(200);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let mut finished = finish(child);
    finished.err = rest.join("\n");
    finished
}

#[test]
fn a_login_that_is_approved_works_until_it_is_revoked() {
    let world = stranger();
    let owner = admin();
    let done = login(&world, &owner, "approve", &[]).good();
    assert!(done.out.contains("Logged in to Acme"), "{done:?}");
    let who = world.run(&["whoami"]).good();
    assert!(who.out.contains("Ada <ada@acme.example>"), "{who:?}");
    let settings = world.read("config/config.toml");
    assert!(settings.contains(&owner.variable("SYMBOLON_ORG")), "{settings}");
    let secret = world.read("config/credentials.toml");
    let secret = secret.trim().rsplit('"').nth(1).unwrap().to_owned();
    world.run(&["logout", "--revoke"]).good();
    stranger().with("SYMBOLON_TOKEN", &secret).run(&["whoami"]).fails(4, "revoked");
}

#[test]
fn a_login_that_is_denied_says_so_and_keeps_nothing() {
    let world = stranger();
    login(&world, &admin(), "deny", &[]).fails(10, "denied in the browser");
    assert!(!world.path("config").exists());
}
