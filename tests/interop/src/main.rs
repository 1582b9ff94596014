//! Crate `httpsig`, as a program: signs or verifies the request that comes in as JSON, and answers with JSON.
//!
//! It is not Symbolon's: it shares no code with it, and `tests/npm/interop.test.mjs` exchanges signatures with it.

use std::io::{stdin, stdout};

use anyhow::{Context, Result, bail};
use http::Request;
use httpsig_hyper::MessageSignatureReqSync as _;
use httpsig_hyper::prelude::message_component::HttpMessageComponentId;
use httpsig_hyper::prelude::{AlgorithmName, HttpSignatureParams, PublicKey, SecretKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What is asked.
#[derive(Deserialize)]
struct Task {
    /// `sign` or `verify`.
    r#do: String,
    method: String,
    url: String,
    headers: Map<String, Value>,
    /// To sign: what is covered.
    #[serde(default)]
    components: Vec<String>,
    /// To sign: PKCS#8 in PEM.
    private: Option<String>,
    /// To verify: SPKI in PEM.
    public: Option<String>,
}

fn main() -> Result<()> {
    let task: Task = serde_json::from_reader(stdin())?;
    let mut request = Request::builder().method(task.method.as_str()).uri(&task.url);
    for (name, value) in &task.headers {
        request = request.header(name, value.as_str().context("a header's value")?);
    }
    let mut request = request.body(String::new())?;
    let algorithm = AlgorithmName::EcdsaP256Sha256;
    let answer = match task.r#do.as_str() {
        "sign" => {
            let key = SecretKey::from_pem(&algorithm, &task.private.context("private")?)?;
            let components = task.components.iter().map(|name| HttpMessageComponentId::try_from(name.as_str()));
            let mut params = HttpSignatureParams::try_new(&components.collect::<Result<Vec<_>, _>>()?)?;
            params.set_keyid("k").set_tag("symbolon").set_random_nonce();
            request.set_message_signature_sync(&params, &key, Some("sig1"))?;
            let headers: Map<String, Value> = request
                .headers()
                .iter()
                .map(|(name, value)| Ok((name.as_str().to_owned(), json!(value.to_str()?))))
                .collect::<Result<_>>()?;
            Value::Object(headers)
        }
        "verify" => {
            let key = PublicKey::from_pem(&algorithm, &task.public.context("public")?)?;
            json!({ "verified": request.verify_message_signature_sync(&key, None).is_ok() })
        }
        other => bail!("do what: {other}?"),
    };
    serde_json::to_writer(stdout(), &answer)?;
    Ok(())
}
