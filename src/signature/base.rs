//! The signature base: the very bytes that are signed (RFC 9421, section 2.5).

use super::error::SignatureError;
use super::{MAX_BASE_BYTES, Message, SignatureInput};

/// Builds the signature base of what `input` covers in a message.
///
/// # Errors
/// [`SignatureError`] where the message lacks a covered component or has it in a form that cannot be signed, or the base
/// would be longer than [`MAX_BASE_BYTES`].
pub fn signature_base(message: &Message<'_>, input: &SignatureInput) -> Result<String, SignatureError> {
    let mut base = String::new();
    for component in input.components() {
        base.push_str(&component.to_string());
        base.push_str(": ");
        base.push_str(&component.value(message)?);
        base.push('\n');
        if base.len() > MAX_BASE_BYTES {
            return Err(SignatureError::TooLarge { what: "signature base".to_owned(), limit: MAX_BASE_BYTES });
        }
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(input.as_str());
    Ok(base)
}
