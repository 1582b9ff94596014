//! The names of things: UUIDv7 for records, six base62 characters for an organisation in a credential.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// The alphabet of base62, in the order used for all native credentials.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a text is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not a UUID in its usual hyphenated form.
    #[error("not a UUID")]
    NotUuid,
    /// Not exactly six letters and digits.
    #[error("not six letters and digits")]
    NotShortId,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }

        impl $name {
            /// A new identifier: UUIDv7 (RFC 9562, section 5.7) of the time and ten random bytes.
            #[must_use]
            pub fn new(now: Timestamp, random: &[u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid())
            }

            /// Its 16 bytes in network order (RFC 9562, section 4).
            #[must_use]
            pub const fn to_bytes(&self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// From its 16 bytes in network order.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // `Uuid` also reads braces, URNs and bare digits; a record has one name.
                if text.len() != 36 {
                    return Err(IdError::NotUuid);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError::NotUuid)
            }
        }
    };
}

uuid_id! {
    /// Names a token. It stays the same through edits and rotations, and is never used again.
    TokenId
}
uuid_id! {
    /// Names a member of an organisation.
    MemberId
}
uuid_id! {
    /// Names an organisation in the HTTP interface. Credentials carry its [`ShortId`].
    OrganizationId
}
uuid_id! {
    /// Names an entry of the activity log.
    ActivityId
}
uuid_id! {
    /// Names an invitation.
    InvitationId
}
uuid_id! {
    /// Names a passkey of a member.
    PasskeyId
}
uuid_id! {
    /// Names who a member is at a provider of identities.
    IdentityId
}

/// Names an organisation inside a credential and a `keyid`: six base62 characters, some 2^35 of them.
///
/// It also names the organisation's authority, so that the edge knows whom to ask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortId([u8; Self::LEN]);

impl ShortId {
    /// How many characters it has.
    pub const LEN: usize = 6;

    /// A new one from random bytes; none if too many of them had to be passed over to keep all characters equally
    /// likely (less than once in 2^40 with the 16 bytes taken).
    #[must_use]
    pub fn from_random(random: &[u8; 16]) -> Option<Self> {
        let mut chars = random.iter().filter(|byte| **byte < 248).filter_map(|byte| BASE62.get(usize::from(byte % 62)));
        let mut short = [0u8; Self::LEN];
        for slot in &mut short {
            *slot = *chars.next()?;
        }
        Some(Self(short))
    }

    /// The six characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ShortId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShortId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9A-Za-z]{6}$" })
    }
}

impl FromStr for ShortId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes: [u8; Self::LEN] = text.as_bytes().try_into().map_err(|_| IdError::NotShortId)?;
        if bytes.iter().all(u8::is_ascii_alphanumeric) { Ok(Self(bytes)) } else { Err(IdError::NotShortId) }
    }
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

crate::text::serde_as_text!(ShortId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_in_and_out_and_carry_their_time() {
        let id = TokenId::new(Timestamp::from_millis(0x0123_4567_89ab), &[0xff; 10]);
        assert_eq!(id.to_string(), "01234567-89ab-7fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_str::<TokenId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn an_id_has_one_spelling() {
        for text in [
            "",
            "0123456789ab7fffbfffffffffffffff",
            "{01234567-89ab-7fff-bfff-ffffffffffff}",
            "01234567-89ab-7fff-bfff-fffffffffffg",
        ] {
            assert_eq!(text.parse::<TokenId>(), Err(IdError::NotUuid), "{text}");
        }
    }

    #[test]
    fn short_ids_are_six_letters_and_digits() {
        let short = ShortId::from_random(&[255, 0, 61, 62, 10, 247, 36, 1, 1, 1, 1, 1, 1, 1, 1, 1]).unwrap();
        assert_eq!(short.as_str(), "0z0Aza");
        assert_eq!(short.as_str().parse(), Ok(short));
        assert_eq!(ShortId::from_random(&[250; 16]), None);
        for text in ["", "abcde", "abcdefg", "abc-ef", "abcdé"] {
            assert_eq!(text.parse::<ShortId>(), Err(IdError::NotShortId), "{text}");
        }
    }
}
