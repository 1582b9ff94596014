//! Logins from a command line: what gate, login objects and authorities tell each other.
//!
//! A login is asked for by a client that has no credential yet, decided by a member in a browser, and collected by the
//! client. It has a short name for the member: a code that the member types (RFC 8628, section 3.2), or a key that the
//! client made up and put into the address that it opens (Semgrep's `cli-token`). The client collects with a secret of
//! its own, the device code, or with its key.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ShortId, TokenId};
use crate::protocol::message::Client;
use crate::time::Timestamp;
use crate::token::Digest;

/// Letters of user codes: no vowels, so that no word appears, and none that is mistaken for another (RFC 8628,
/// section 6.1).
pub const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters a user code has: some 2^34 codes.
pub const USER_CODE_LEN: usize = 8;
/// The longest `scope` of a login, in bytes.
pub const MAX_SCOPE_BYTES: usize = 200;
/// How many hexadecimal digits of a device code are random: 256 bits.
const DEVICE_RANDOM_DIGITS: usize = 64;

/// A text is no user code, device code or request key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a login code")]
pub struct NoCode;

/// A text is no `scope` of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be at most {MAX_SCOPE_BYTES} bytes of words that spaces separate, in ASCII without quotes and backslashes"
)]
pub struct NoScope;

/// The words of a `scope` (RFC 6749, section 3.3), at most [`MAX_SCOPE_BYTES`] in all. What they mean is for the profile
/// of whoever approves to say. Read leniently: spaces may be anywhere, and a scope of spaces alone asks for nothing.
///
/// # Errors
/// [`NoScope`]: it is too long, or has a character that no word may have.
pub fn scope_words(scope: &str) -> Result<Vec<&str>, NoScope> {
    let good = |byte: u8| matches!(byte, b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if scope.len() > MAX_SCOPE_BYTES || !scope.bytes().all(good) {
        return Err(NoScope);
    }
    Ok(scope.split(' ').filter(|word| !word.is_empty()).collect())
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NoCode;

            fn try_from(text: String) -> Result<Self, NoCode> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.0
            }
        }
    };
}

/// What a member types: eight letters. Read in any case, with hyphens and spaces anywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserCode(String);

as_text!(UserCode);

impl FromStr for UserCode {
    type Err = NoCode;

    fn from_str(text: &str) -> Result<Self, NoCode> {
        let letters: String =
            text.chars().filter(|c| !matches!(c, '-' | ' ')).take(USER_CODE_LEN.saturating_add(1)).collect();
        let letters = letters.to_ascii_uppercase();
        let good = letters.len() == USER_CODE_LEN && letters.bytes().all(|byte| USER_CODE_LETTERS.contains(&byte));
        if good { Ok(Self(letters)) } else { Err(NoCode) }
    }
}

impl UserCode {
    /// A code from random bytes; none if too many of them had to be passed over to keep all letters equally likely.
    #[must_use]
    pub fn from_random(random: &[u8]) -> Option<Self> {
        let letters: String = random
            .iter()
            .filter(|byte| **byte < 240)
            .filter_map(|byte| USER_CODE_LETTERS.get(usize::from(byte % 20)))
            .map(|byte| char::from(*byte))
            .take(USER_CODE_LEN)
            .collect();
        (letters.len() == USER_CODE_LEN).then_some(Self(letters))
    }

    /// As it is shown: two groups of four letters.
    #[must_use]
    pub fn display(&self) -> String {
        let (first, second) = self.0.split_at_checked(4).unwrap_or((&self.0, ""));
        format!("{first}-{second}")
    }
}

/// A key that a client made up: a random UUID (RFC 9562, section 5.4). Others can be guessed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestKey(String);

as_text!(RequestKey);

impl FromStr for RequestKey {
    type Err = NoCode;

    fn from_str(text: &str) -> Result<Self, NoCode> {
        let uuid = Uuid::try_parse(text).map_err(|_| NoCode)?;
        let random = uuid.get_version_num() == 4 && uuid.get_variant() == uuid::Variant::RFC4122;
        // One spelling, however it was sent; `Uuid` also reads braces, URNs and bare digits.
        if random && text.len() == 36 { Ok(Self(uuid.as_hyphenated().to_string())) } else { Err(NoCode) }
    }
}

/// What a client collects with (RFC 8628, section 3.2): the shard that knows it, and 256 random bits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceCode(String);

as_text!(DeviceCode);

impl FromStr for DeviceCode {
    type Err = NoCode;

    fn from_str(text: &str) -> Result<Self, NoCode> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let length = DEVICE_RANDOM_DIGITS.saturating_add(2);
        if text.len() == length && text.bytes().all(digits) { Ok(Self(text.to_owned())) } else { Err(NoCode) }
    }
}

impl DeviceCode {
    /// The code of this shard with these random bytes.
    #[must_use]
    pub fn new(shard: u8, random: &[u8; 32]) -> Self {
        Self(format!("{shard:02x}{}", base16ct::lower::encode_string(random)))
    }

    /// The shard that knows it.
    #[must_use]
    pub fn shard(&self) -> u8 {
        self.0.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Itself, for the client alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Collecting and approving codes are credentials for as long as they live.
macro_rules! no_debug {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        })+
    };
}

no_debug!(UserCode, RequestKey, DeviceCode, LoginToken);

/// By what a member names a login.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginName {
    /// The code that the member types.
    UserCode(UserCode),
    /// The key in the address that the client opened.
    Key(RequestKey),
}

impl LoginName {
    /// What is kept of it. The two kinds never meet: their texts have different lengths.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::UserCode(UserCode(text)) | Self::Key(RequestKey(text)) => Digest::of(text),
        }
    }

    /// The shard that knows it: the first byte of its digest.
    #[must_use]
    pub fn shard(&self) -> u8 {
        let [first, ..] = *self.digest().as_bytes();
        first
    }
}

/// By what a client collects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collector {
    /// The device code that it was given.
    DeviceCode(DeviceCode),
    /// The key that it made up.
    Key(RequestKey),
}

impl Collector {
    /// The shard that knows it.
    #[must_use]
    pub fn shard(&self) -> u8 {
        match self {
            Self::DeviceCode(code) => code.shard(),
            Self::Key(key) => LoginName::Key(key.clone()).shard(),
        }
    }
}

/// What a login object can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginCall {
    /// A client asks for a login (RFC 8628, section 3.1). Answered by [`Begun`].
    Begin {
        /// The number of the object that is asked: codes are drawn until one falls to it.
        shard: u8,
        /// What the client calls itself: anybody may say anything.
        client_id: String,
        /// What it wants to be granted ([`scope_words`]); none for the least of the kind that it will get.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// From where it asks.
        client: Client,
    },
    /// What a member is about to decide. Answered by [`Shown`].
    Show {
        /// Which login.
        name: LoginName,
    },
    /// A member has decided. Answered by [`Shown`].
    Decide {
        /// Which login.
        name: LoginName,
        /// How. None: it is denied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<Approval>,
    },
    /// The client asks whether it was decided. Answered by [`Collected`].
    Collect {
        /// With what it asks.
        with: Collector,
        /// What the client calls itself, as it did when it began; none with a key of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// From where.
        client: Client,
    },
}

/// A member's yes. Its authority keeps all else about it, and makes the token when it is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Whose authority.
    pub organization: ShortId,
    /// The token that will be made.
    pub token: TokenId,
}

/// The answer to [`LoginCall::Begin`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// The codes, told once.
    Made {
        /// What the client collects with.
        device_code: DeviceCode,
        /// What the member types.
        user_code: UserCode,
        /// How long both live, in seconds.
        expires_in: u32,
        /// How long to wait between two questions, in seconds.
        interval: u32,
    },
    /// Too many from this address, or altogether.
    RateLimited {
        /// When to ask again, in seconds.
        retry_after: u32,
    },
}

/// The answer to [`LoginCall::Show`] and [`LoginCall::Decide`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// This is what asks; after a decision: it is decided now.
    Found(Asking),
    /// No such login, or not any more.
    Unknown,
    /// It was decided otherwise before.
    Decided,
    /// No client has asked with this key, so nobody can see from where it asks: it is not approved.
    Unasked,
}

/// What asks for a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What it wants ([`scope_words`]), in its own words: anybody may say anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// From where it asks; none where it has not asked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
}

/// The token that a login ends with. Without `Debug`: it holds a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginToken {
    /// Its secret.
    pub secret: String,
    /// The name of the member who approved.
    pub user_name: String,
    /// What was granted to it: scopes, and permissions that it has besides.
    pub scopes: Vec<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The answer to [`LoginCall::Collect`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collected {
    /// Not decided yet.
    Pending,
    /// Not decided yet, and asked too often: the interval has grown by five seconds (RFC 8628, section 3.5).
    SlowDown {
        /// The new one, in seconds.
        interval: u32,
    },
    /// A member, or their authority, said no.
    Denied,
    /// No such login, or not any more.
    Unknown,
    /// The token, told once.
    Token(LoginToken),
    /// The authority could not be asked: try again.
    Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_codes_are_read_as_people_type_them() {
        for text in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "b-c-d-f-g-h-j-k"] {
            let code: UserCode = text.parse().unwrap();
            assert_eq!(code.display(), "BCDF-GHJK");
        }
        for text in ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-FGHJ", "BCDF_GHJK", &"B".repeat(1000), "BCDF-GHJÄ"] {
            assert_eq!(text.parse::<UserCode>(), Err(NoCode), "{text}");
        }
        assert_eq!(UserCode::from_random(&[0, 240, 255, 19, 20, 39, 1, 2, 3, 4]).unwrap().display(), "BZBZ-CDFG");
        assert_eq!(UserCode::from_random(&[250; 32]), None);
    }

    #[test]
    fn a_scope_is_words_of_bounded_length() {
        assert_eq!(scope_words("read  api:write "), Ok(vec!["read", "api:write"]));
        assert_eq!((scope_words(""), scope_words("  ")), (Ok(vec![]), Ok(vec![])));
        assert_eq!(scope_words(&"a".repeat(MAX_SCOPE_BYTES)).map(|words| words.len()), Ok(1));
        for text in [&"a".repeat(MAX_SCOPE_BYTES + 1), "re\"ad", "re\\ad", "read\twrite", "lesen\u{fc}", "\u{202e}read"]
        {
            assert_eq!(scope_words(text), Err(NoScope), "{text}");
        }
    }

    #[test]
    fn request_keys_are_random_uuids() {
        let key: RequestKey = "8D5E7F0A-6C3B-4F2E-9A1D-0B2C3D4E5F60".parse().unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), "\"8d5e7f0a-6c3b-4f2e-9a1d-0b2c3d4e5f60\"");
        for text in [
            "",
            "00000000-0000-0000-0000-000000000000",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "8d5e7f0a6c3b4f2e9a1d0b2c3d4e5f60",
            "{8d5e7f0a-6c3b-4f2e-9a1d-0b2c3d4e5f60}",
            "8d5e7f0a-6c3b-4f2e-1a1d-0b2c3d4e5f60",
        ] {
            assert_eq!(text.parse::<RequestKey>(), Err(NoCode), "{text}");
        }
    }

    #[test]
    fn device_codes_name_their_shard_and_nothing_shows_them() {
        let code = DeviceCode::new(0xb7, &[1; 32]);
        assert_eq!((code.shard(), code.expose().len()), (0xb7, 66));
        assert_eq!(code.expose().parse(), Ok(code.clone()));
        assert_eq!(format!("{code:?}"), "DeviceCode(…)");
        for text in ["", "b7", &code.expose().to_uppercase(), &format!("{}0", code.expose())] {
            assert_eq!(text.parse::<DeviceCode>(), Err(NoCode), "{text}");
        }
    }
}
