//! A person at the console: a passkey in software (WebAuthn Level 3), and the session that it begins.

use base64ct::{Base64UrlUnpadded as Base64Url, Encoding as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use symbolon::key::PrivateKey;

/// Flags of an authenticator's data (section 6.1): the user was present and verified; a credential comes along.
const PRESENT_AND_VERIFIED: u8 = 0x05;
const HAS_CREDENTIAL: u8 = 0x40;

/// Somebody who has just signed in.
pub(crate) struct Person {
    url: &'static str,
    cookie: Option<String>,
    csrf: Option<String>,
}

struct Passkey {
    key: PrivateKey,
    url: &'static str,
    count: u32,
}

impl Person {
    /// Registers a passkey with a token, and signs in with it.
    pub(crate) fn signed_in(url: &'static str, token: &str) -> Self {
        let mut person = Self { url, cookie: None, csrf: None };
        let mut passkey = Passkey { key: PrivateKey::from_bytes(&[7; 32]).unwrap(), url, count: 0 };
        let options = person.call("/v1/passkeys/options", Some(token), &Value::Null).expect(200);
        let (handle, credential) = passkey.create(&options["public_key"]);
        let body = json!({ "challenge_id": options["challenge_id"], "name": "Laptop", "credential": credential });
        person.call("/v1/passkeys", Some(token), &body).expect(201);
        let options = person.call("/v1/sessions/options", None, &json!({})).expect(200);
        let credential = passkey.get(&options["public_key"], &handle);
        let body = json!({ "challenge_id": options["challenge_id"], "credential": credential });
        let session = person.call("/v1/sessions", None, &body).expect(201);
        person.csrf = Some(session["csrf_token"].as_str().unwrap().to_owned());
        person
    }

    /// A POST from a page of the console.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answered {
        self.call(path, None, body)
    }

    fn call(&mut self, path: &str, token: Option<&str>, body: &Value) -> Answered {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request = agent.post(format!("{}{path}", self.url)).header("origin", self.url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-symbolon-csrf", csrf);
        }
        let mut answer = match body {
            Value::Null => request.send_empty().unwrap(),
            body => request.header("content-type", "application/json").send(body.to_string()).unwrap(),
        };
        if let Some(set) = answer.headers().get("set-cookie") {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let text = answer.body_mut().read_to_string().unwrap();
        Answered { status: answer.status().as_u16(), body: serde_json::from_str(&text).unwrap_or_default() }
    }
}

/// What the console was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    status: u16,
    body: Value,
}

impl Answered {
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }
}

impl Passkey {
    const ID: &[u8] = b"a passkey in software";

    /// Answers creation options (section 7.1): the user's handle, and the credential, without attestation.
    fn create(&mut self, options: &Value) -> (Value, Value) {
        let (x, y) = self.key.public_key().coordinates();
        let mut data = self.data(PRESENT_AND_VERIFIED | HAS_CREDENTIAL);
        data.extend([0; 16]);
        data.extend([0, Self::ID.len() as u8]);
        data.extend(Self::ID);
        // A key in COSE, in CBOR: EC2, ES256, P-256, x and y.
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(x);
        data.extend([0x22, 0x58, 32]);
        data.extend(y);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(data.len() as u8);
        object.extend(data);
        let response = json!({
            "clientDataJSON": Base64Url::encode_string(&self.client_data("webauthn.create", options)),
            "attestationObject": Base64Url::encode_string(&object),
            "transports": ["internal"],
        });
        (options["user"]["id"].clone(), Self::credential(response))
    }

    /// Answers request options (section 7.2).
    fn get(&mut self, options: &Value, handle: &Value) -> Value {
        let data = self.data(PRESENT_AND_VERIFIED);
        let client = self.client_data("webauthn.get", options);
        let message = [&data[..], &Sha256::digest(&client)].concat();
        Self::credential(json!({
            "clientDataJSON": Base64Url::encode_string(&client),
            "authenticatorData": Base64Url::encode_string(&data),
            "signature": Base64Url::encode_string(&der(&self.key.sign(&message).to_bytes())),
            "userHandle": handle,
        }))
    }

    fn credential(response: Value) -> Value {
        let id = Base64Url::encode_string(Self::ID);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": response })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({ "type": kind, "challenge": options["challenge"], "origin": self.url, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    fn data(&mut self, flags: u8) -> Vec<u8> {
        self.count += 1;
        let host = self.url.split("://").nth(1).unwrap().split(':').next().unwrap();
        [&Sha256::digest(host)[..], &[flags], &self.count.to_be_bytes()].concat()
    }
}

/// The signature as WebAuthn has it: two numbers in ASN.1.
fn der(raw: &[u8; 64]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let pad: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        [&[2, (bytes.len() + pad.len()) as u8], pad, &bytes].concat()
    };
    let both = [number(&raw[..32]), number(&raw[32..])].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}
