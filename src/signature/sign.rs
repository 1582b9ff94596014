//! Signing, in two steps: what to sign goes out, and the 64 bytes come back from wherever the key lives.

use sfv::KeyRef;

use super::error::SignatureError;
use super::fields;
use super::policy::components;
use super::{
    BodyPresence, Component, KeyId, LABEL, MAX_PARAMETER_BYTES, Message, Parameter, SignatureInput, TAG, signature_base,
};
use crate::key::{PrivateKey, Signature};
use crate::time::Timestamp;

/// What a signature is to cover and say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignSpec {
    /// Its label in both fields.
    pub label: String,
    /// What it covers, in this order.
    pub components: Vec<Component>,
    /// Its parameters, in this order.
    pub parameters: Vec<Parameter>,
}

impl SignSpec {
    /// What our own signers sign: `"@method" "@authority" "@path" "@query"`, and of a message with content
    /// `"content-digest"` besides, and `"content-type"` and `"content-encoding"` where they are sent; with `created`,
    /// `expires`, `nonce`, `keyid` and `tag="symbolon"`.
    ///
    /// `nonce` must be new each time: 16 random bytes in any printable form.
    #[must_use]
    pub fn native(
        message: &Message<'_>,
        body: BodyPresence,
        key_id: &KeyId,
        created: Timestamp,
        lifetime_seconds: u32,
        nonce: &str,
    ) -> Self {
        let mut covered = components(&["@method", "@authority", "@path", "@query"]);
        if body == BodyPresence::Present {
            covered.extend(components(&["content-digest"]));
            let sent = components(&["content-type", "content-encoding"]).into_iter();
            covered.extend(sent.filter(|field| message.has(field.name())));
        }
        let created = created.as_seconds();
        Self {
            label: LABEL.to_owned(),
            components: covered,
            parameters: vec![
                Parameter::Created(created),
                Parameter::Expires(created.saturating_add(lifetime_seconds.into())),
                Parameter::Nonce(nonce.to_owned()),
                Parameter::KeyId(key_id.to_string()),
                Parameter::Tag(TAG.to_owned()),
            ],
        }
    }

    /// The first step: the bytes to sign.
    ///
    /// # Errors
    /// [`SignatureError`] where the message lacks what is to be covered, or the label or a parameter cannot be written.
    pub fn prepare(&self, message: &Message<'_>) -> Result<SignatureBase, SignatureError> {
        if self.label.len() > MAX_PARAMETER_BYTES || KeyRef::from_str(&self.label).is_err() {
            return Err(SignatureError::MalformedParameter { name: "label".to_owned() });
        }
        let input = SignatureInput::new(self.components.clone(), &self.parameters)?;
        let base = signature_base(message, &input)?;
        Ok(SignatureBase { label: self.label.clone(), input, base })
    }

    /// Both steps at once, for a key that is here.
    ///
    /// # Errors
    /// As [`SignSpec::prepare`].
    pub fn sign(&self, message: &Message<'_>, key: &PrivateKey) -> Result<SignatureHeaders, SignatureError> {
        let base = self.prepare(message)?;
        Ok(base.attach(&key.sign(base.as_bytes()).to_bytes()))
    }
}

/// What is to be signed, waiting for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureBase {
    label: String,
    input: SignatureInput,
    base: String,
}

impl SignatureBase {
    /// The bytes to sign with ECDSA P-256 and SHA-256 (the signer hashes them).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.base.as_bytes()
    }

    /// The same bytes as the text that they are: ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// The value of `Signature-Input`, known before the signature is.
    #[must_use]
    pub fn signature_input(&self) -> String {
        format!("{}={}", self.label, self.input.as_str())
    }

    /// The second step: the fields to send along, given r and s in 32 bytes each, as WebCrypto returns them.
    #[must_use]
    pub fn attach(&self, signature: &[u8; Signature::LEN]) -> SignatureHeaders {
        SignatureHeaders {
            signature_input: self.signature_input(),
            signature: format!("{}={}", self.label, fields::print_bytes(signature)),
        }
    }
}

/// The two fields of a signature. Where the message has such fields already, these are further lines of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// The value of `Signature-Input`.
    pub signature_input: String,
    /// The value of `Signature`.
    pub signature: String,
}
