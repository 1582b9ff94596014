//! Requests as tests write them, and the few things that nearly every test does with a [`World`].

use serde_json::{Value as Json, json};

use super::world::World;

pub(crate) const MANAGEMENT: &str = "https://tokens.example";
pub(crate) const GATEWAY: &str = "https://api.example";
pub(crate) const SETUP_CODE: &str = "a setup code of this test alone";

/// A request as a test writes it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) address: String,
}

impl Call {
    /// Without a credential.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let url = if path.starts_with('/') { format!("{MANAGEMENT}{path}") } else { path.to_owned() };
        let address = "192.0.2.1".to_owned();
        Self { method: method.to_owned(), url, headers: Vec::new(), body: String::new(), address }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    pub(crate) fn json(mut self, body: &Json) -> Self {
        if !body.is_null() {
            self.body = body.to_string();
            self = self.header("content-type", "application/json");
        }
        self
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }
}

/// `ok`, or the code of a refusal.
pub(crate) fn code((status, body): &(u16, Json)) -> String {
    match status {
        0 | 200..=299 => "ok".to_owned(),
        _ => body["code"].as_str().unwrap_or_else(|| panic!("{status} {body}")).to_owned(),
    }
}

impl World {
    /// Set up with this profile; also the first secret.
    pub(crate) fn set_up(gates: u8, profile: &str) -> (Self, String) {
        let mut world = Self::empty(gates);
        let body = json!({
            "setup_code": SETUP_CODE,
            "organization": {"slug": "acme", "name": "Acme", "profile": profile},
            "owner": {"name": "Ann", "email": "ann@acme.example"},
        });
        let (status, made) = world.send(0, Call::new("POST", "/v1/setup").json(&body));
        assert_eq!(status, 201, "{made}");
        let secret = made["secret"].as_str().unwrap().to_owned();
        // The first use closes the setup.
        assert_eq!(world.get(&secret, "/v1/whoami").0, 200);
        (world, secret)
    }

    /// Another organisation of the same instance, and its first secret.
    pub(crate) fn another(&mut self, secret: &str, slug: &str, profile: &str) -> String {
        let body = json!({
            "organization": {"slug": slug, "name": slug, "profile": profile},
            "owner": {"name": "Bea", "email": format!("bea@{slug}.example")},
        });
        let (status, made) = self.post(secret, "/v1/organizations", &body);
        assert_eq!(status, 201, "{made}");
        made["secret"].as_str().unwrap().to_owned()
    }

    pub(crate) fn get(&mut self, secret: &str, path: &str) -> (u16, Json) {
        self.send(0, Call::new("GET", path).bearer(secret))
    }

    pub(crate) fn post(&mut self, secret: &str, path: &str, body: &Json) -> (u16, Json) {
        self.send(0, Call::new("POST", path).bearer(secret).json(body))
    }

    pub(crate) fn patch(&mut self, secret: &str, path: &str, body: &Json) -> (u16, Json) {
        self.send(0, Call::new("PATCH", path).bearer(secret).json(body))
    }

    pub(crate) fn delete(&mut self, secret: &str, path: &str) -> (u16, Json) {
        self.send(0, Call::new("DELETE", path).bearer(secret))
    }

    /// Creates a token: its document and its secret. Waits, where too many were created.
    #[track_caller]
    pub(crate) fn create(&mut self, secret: &str, body: &Json) -> (Json, String) {
        let (mut status, mut made) = self.post(secret, "/v1/tokens", body);
        if status == 429 {
            self.pass(61_000);
            (status, made) = self.post(secret, "/v1/tokens", body);
        }
        assert_eq!(status, 201, "{made}");
        (made["token"].take(), made["secret"].as_str().unwrap_or_default().to_owned())
    }

    /// What `whoami` says of a secret at a gate: `ok`, or the code of the refusal.
    pub(crate) fn code(&mut self, gate: usize, secret: &str) -> String {
        code(&self.send(gate, Call::new("GET", "/v1/whoami").bearer(secret)))
    }

    /// The object that holds the organisation of a secret.
    pub(crate) fn authority(&mut self, secret: &str) -> String {
        let (_, me) = self.get(secret, "/v1/whoami");
        format!("organization:{}", me["organization"]["short_id"].as_str().expect("an organisation"))
    }
}
