//! What the browser says of a ceremony (WebAuthn Level 3, section 5.8.1).

use serde::Deserialize;

use super::{Expected, MAX_CLIENT_DATA_LEN, WebAuthnError};
use crate::json;

/// Which ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// A registration.
    Create,
    /// A sign-in.
    Get,
}

impl Ceremony {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// Members that are not known may be there, and are passed over: browsers add some on purpose.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Section 7.1, steps 5 to 11; section 7.2, steps 9 to 14.
pub(super) fn check(ceremony: Ceremony, expected: &Expected<'_>, bytes: &[u8]) -> Result<(), WebAuthnError> {
    // Steps 5 and 9, 6 and 10: UTF-8, then JSON. A byte order mark is no JSON, and no browser writes one.
    if bytes.len() > MAX_CLIENT_DATA_LEN {
        return Err(WebAuthnError::ClientData);
    }
    let data: ClientData = json::read_slice(bytes).map_err(|_| WebAuthnError::ClientData)?;
    // Steps 7 and 11.
    if data.r#type != ceremony.as_str() {
        return Err(WebAuthnError::Type);
    }
    // Steps 8 and 12. The caller knows that it is its own and unused; so there is nothing to learn from time.
    if data.challenge != expected.challenge {
        return Err(WebAuthnError::Challenge);
    }
    // Steps 9 and 13.
    if data.origin != expected.origin {
        return Err(WebAuthnError::Origin);
    }
    // Steps 10 and 11, 14: not in another origin's frame.
    if data.cross_origin || data.top_origin.is_some() {
        return Err(WebAuthnError::CrossOrigin);
    }
    Ok(())
}
