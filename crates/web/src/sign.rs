//! Signing in two steps: what to sign goes out, and 64 bytes come back from wherever the key lives.

use js_sys::Error;
use symbolon::problem::Code;
use symbolon::signature::{Component, Message, Parameter, Request, SignSpec, SignatureError, Target};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{error, of_signature};

/// The lines of a text; none of an empty one.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').filter(|line| !line.is_empty())
}

/// Fields, from lines `name:value`. Neither part can hold a line feed.
pub(crate) fn field_lines(text: &str) -> Vec<(&str, &[u8])> {
    pieces(text).filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.as_bytes())).collect()
}

pub(crate) fn target(url: &str) -> Result<Target, Error> {
    Target::parse(url).map_err(|cause| of_signature(&cause.into()))
}

/// The first step.
///
/// `fields` has a line `name:value` for each field, `components` one for each identifier, and `parameters` a line
/// `name=value` for each parameter, in the order in which they are to be written. The answer's first line is the value of
/// `Signature-Input`, and all that follows it are the bytes to sign.
///
/// # Errors
/// The core's, where the message lacks a component or something cannot be written.
#[wasm_bindgen]
pub fn prepare(
    method: &str,
    url: &str,
    fields: &str,
    label: &str,
    components: &str,
    parameters: &str,
) -> Result<String, Error> {
    let target = target(url)?;
    let fields = field_lines(fields);
    let message = Message::from(Request { method, target: &target, fields: &fields });
    let components = pieces(components).map(str::parse).collect::<Result<Vec<Component>, SignatureError>>();
    let parameters = pieces(parameters).filter_map(|line| line.split_once('='));
    let spec = SignSpec {
        label: label.to_owned(),
        components: components.map_err(|cause| of_signature(&cause))?,
        parameters: parameters.map(|(name, value)| parameter(name, value)).collect::<Result<_, _>>()?,
    };
    let base = spec.prepare(&message).map_err(|cause| of_signature(&cause))?;
    Ok(base.signature_input() + "\n" + base.as_str())
}

fn parameter(name: &str, value: &str) -> Result<Parameter, Error> {
    let wrong = || error(Code::InvalidRequest, "not a parameter of a signature");
    let seconds = || value.parse().map_err(|_| wrong());
    let text = value.to_owned();
    Ok(match name {
        "created" => Parameter::Created(seconds()?),
        "expires" => Parameter::Expires(seconds()?),
        "nonce" => Parameter::Nonce(text),
        "alg" => Parameter::Alg(text),
        "keyid" => Parameter::KeyId(text),
        "tag" => Parameter::Tag(text),
        _ => return Err(wrong()),
    })
}
