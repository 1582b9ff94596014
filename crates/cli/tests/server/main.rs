//! The real binary against the real Worker in workerd, which `cargo xtask test cli` starts.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests read the environment, and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod login;
mod organization;
mod person;
mod signed;
mod tasks;
mod tokens;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use support::World;

/// The instance under test, and the token that may make organisations.
struct Instance {
    url: String,
    admin: String,
}

/// What founds an organisation.
fn founding(slug: &str) -> Value {
    json!({
        "organization": { "slug": slug, "name": "Acme", "profile": "symbolon" },
        "owner": { "name": "Ada", "email": "ada@acme.example" },
    })
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Value {
    let mut request = ureq::post(url).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.send(body.to_string()).unwrap();
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

/// The instance; it is set up by the first test that asks.
fn instance() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(|| {
        let of = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these by `cargo xtask test cli`"))
        };
        let url = of("SYMBOLON_TEST_URL");
        let mut body = founding("first");
        body["setup_code"] = of("SYMBOLON_TEST_SETUP_CODE").into();
        let made = post(&format!("{url}/v1/setup"), None, &body);
        Instance { admin: made["secret"].as_str().unwrap().to_owned(), url }
    })
}

/// A home whose environment has the token of the owner of an organisation of its own: limits count by organisation.
pub(crate) fn admin() -> World {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Instance { url, admin } = instance();
    let slug = format!("acme-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let made = post(&format!("{url}/v1/organizations"), Some(admin), &founding(&slug));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    World::new()
        .with("SYMBOLON_URL", url)
        .with("SYMBOLON_ORG", &text(&made["organization"]["short_id"]))
        .with("SYMBOLON_TOKEN", &text(&made["secret"]))
        .with("OWNER", &text(&made["owner"]["id"]))
}

/// The server's address.
pub(crate) fn url() -> &'static str {
    &instance().url
}

/// A home that knows the server and nothing else.
pub(crate) fn stranger() -> World {
    World::new().with("SYMBOLON_URL", &instance().url)
}

/// Makes a token, and returns its id and its secret.
pub(crate) fn create(world: &World, arguments: &[&str]) -> (String, String) {
    let made = world.run(&[&["token", "create", "--json"][..], arguments].concat()).good().json();
    let secret = made["secret"].as_str().unwrap_or_default().to_owned();
    (made["token"]["id"].as_str().unwrap().to_owned(), secret)
}
