//! Signing in at a provider (OpenID Connect): what is under way between the two visits of a browser, and what the
//! organisation is then told.
//!
//! Nothing is stored while a person is away. What is under way lies in a cookie of theirs, under a code of the
//! instance's secret; `state`, `nonce` and the PKCE verifier are made from its random bytes under the same secret, so
//! that none of them is in the cookie, and only the browser that began can end it. The organisation remembers each
//! `state` from when it was used until it can be used no more.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::message::Client;
use crate::id::{MemberId, ShortId, TokenId};
use crate::json;
use crate::oidc::Identity;
use crate::time::Timestamp;
use crate::token::{Digest, InstanceSecret, TokenError};

/// Where a visit to the provider begins: what the console is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Visit {
    /// The address to send the browser to.
    pub location: String,
}

/// The cookie of what is under way. `SameSite=Lax`, unlike the session's: the provider's answer is a visit that
/// another site has caused.
pub const FLOW_COOKIE: &str = "__Host-symbolon-oidc";
/// The longest address of the console to which one comes back, in bytes.
pub const MAX_NEXT_LEN: usize = 512;
/// The longest cookie that is looked into, in bytes.
const MAX_COOKIE_LEN: usize = 2048;

/// What somebody goes to the provider for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Errand {
    /// To sign in to the organisation of this name; nobody has looked yet whether it is there.
    SignIn {
        /// Its name in addresses.
        organization: String,
    },
    /// To show in a session that they are still there.
    Confirm {
        /// The organisation.
        organization: ShortId,
        /// The session.
        session: TokenId,
    },
    /// To sign in that way from now on.
    Link {
        /// The organisation.
        organization: ShortId,
        /// Who.
        member: MemberId,
    },
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// 16 random bytes in base64url.
    random: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// What for.
    pub errand: Errand,
    /// The address of the console to come back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Flow {
    /// How long a person may be away, in seconds.
    pub const LIFE_SECONDS: i64 = 600;

    /// Begins one, with fresh random bytes. An address to come back to that is not one of the console's is left out.
    #[must_use]
    pub fn begin(errand: Errand, next: Option<String>, now: Timestamp, random: &[u8; 16]) -> Self {
        let next = next.filter(|next| is_own_address(next));
        Self { random: Base64UrlUnpadded::encode_string(random), begun_at: now, errand, next }
    }

    /// Whether the person must show themselves anew (`max_age=0`), be they signed in at the provider or not.
    #[must_use]
    pub const fn is_anew(&self) -> bool {
        matches!(self.errand, Errand::Confirm { .. } | Errand::Link { .. })
    }

    /// Until when it can be ended.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.begun_at.plus_seconds(Self::LIFE_SECONDS)
    }

    /// `state` (RFC 6749, section 10.12).
    ///
    /// # Errors
    /// [`TokenError`], for which there is no known cause; so for the next two.
    pub fn state(&self, instance: &InstanceSecret) -> Result<String, TokenError> {
        self.derive(instance, "symbolon oidc state")
    }

    /// `nonce` (OpenID Connect Core 1.0, section 15.5.2).
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn nonce(&self, instance: &InstanceSecret) -> Result<String, TokenError> {
        self.derive(instance, "symbolon oidc nonce")
    }

    /// The PKCE verifier (RFC 7636, section 4.1): 43 characters.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verifier(&self, instance: &InstanceSecret) -> Result<String, TokenError> {
        self.derive(instance, "symbolon oidc verifier")
    }

    /// The PKCE challenge by S256 (RFC 7636, section 4.2).
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn challenge(&self, instance: &InstanceSecret) -> Result<String, TokenError> {
        Ok(Base64UrlUnpadded::encode_string(&Sha256::digest(self.verifier(instance)?)))
    }

    fn derive(&self, instance: &InstanceSecret, what: &str) -> Result<String, TokenError> {
        Ok(Base64UrlUnpadded::encode_string(&instance.code(what, &[self.random.as_bytes()])?))
    }

    /// The cookie's value.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn to_cookie(&self, instance: &InstanceSecret) -> Result<String, TokenError> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let code = instance.code(COOKIE_DOMAIN, &[&json])?;
        Ok(format!("{}.{}", Base64UrlUnpadded::encode_string(&json), Base64UrlUnpadded::encode_string(&code)))
    }

    /// What a cookie holds; none where this instance did not make it, or its time has run out.
    #[must_use]
    pub fn from_cookie(instance: &InstanceSecret, now: Timestamp, value: &str) -> Option<Self> {
        if value.len() > MAX_COOKIE_LEN {
            return None;
        }
        let (json, code) = value.split_once('.')?;
        let json = Base64UrlUnpadded::decode_vec(json).ok()?;
        let code = Base64UrlUnpadded::decode_vec(code).ok()?;
        let expected = instance.code(COOKIE_DOMAIN, &[&json]).ok()?;
        if !bool::from(expected.as_slice().ct_eq(&code)) {
            return None;
        }
        let flow: Self = json::read_slice(&json).ok()?;
        (flow.begun_at <= now && now < flow.until()).then_some(flow)
    }

    /// Whether an answer's `state` is this one's, in a time that does not depend on where it differs.
    #[must_use]
    pub fn is_state(&self, instance: &InstanceSecret, state: &str) -> bool {
        self.state(instance).is_ok_and(|own| own.as_bytes().ct_eq(state.as_bytes()).into())
    }
}

const COOKIE_DOMAIN: &str = "symbolon oidc flow";

/// An address of this console and of nothing else: a path that no browser reads as another host.
fn is_own_address(next: &str) -> bool {
    next.len() <= MAX_NEXT_LEN
        && next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// What an organisation lets a member begin: it has checked that they may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permitted {
    /// What for.
    pub errand: Errand,
    /// Where to come back to, as the body said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody comes back from the provider, which has said who they are. Answered by [`Recognised`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// What they went for.
    pub errand: Errand,
    /// The `state` of their visit, to be used once.
    pub state: String,
    /// Until when it must be remembered.
    pub until: Timestamp,
    /// Who they are. The gate has checked it.
    pub identity: Identity,
    /// Who asks.
    pub client: Client,
    /// The session that the browser still has, which the new one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "recognised", rename_all = "snake_case")]
pub enum Recognised {
    /// They have a session, or a fresh one.
    Session {
        /// The `Set-Cookie` field with its secret.
        set_cookie: String,
    },
    /// From now on they can sign in that way.
    Linked,
    /// Not let in.
    Refused {
        /// Why.
        reason: RefusedIdentity,
    },
}

/// Why somebody whom the provider knows is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusedIdentity {
    /// No member has linked this identity, and the organisation links none by address, or has none of this address.
    UnknownMember,
    /// The provider has not verified the mail address.
    UnverifiedEmail,
    /// The member is suspended.
    Suspended,
    /// This return was used before.
    Replayed,
    /// It is somebody else than the one whose session it is.
    OtherIdentity,
    /// Another member has linked this identity, or this member another one.
    Taken,
    /// The session has ended meanwhile, or the member left.
    Ended,
    /// Too many tries.
    RateLimited,
}

impl RefusedIdentity {
    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownMember => "unknown_member",
            Self::UnverifiedEmail => "unverified_email",
            Self::Suspended => "suspended",
            Self::Replayed => "replayed",
            Self::OtherIdentity => "other_identity",
            Self::Taken => "taken",
            Self::Ended => "ended",
            Self::RateLimited => "rate_limited",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn instance(byte: u8) -> InstanceSecret {
        InstanceSecret::new(&[byte; 32]).unwrap()
    }

    fn flow(random: u8, next: Option<&str>) -> Flow {
        let errand = Errand::SignIn { organization: "acme".to_owned() };
        Flow::begin(errand, next.map(str::to_owned), NOW, &[random; 16])
    }

    #[test]
    fn a_cookie_is_good_for_its_instance_and_its_time() {
        let begun = flow(1, Some("/tokens?kind=pat"));
        let cookie = begun.to_cookie(&instance(7)).unwrap();
        assert_eq!(Flow::from_cookie(&instance(7), NOW, &cookie), Some(begun.clone()));
        assert_eq!(Flow::from_cookie(&instance(8), NOW, &cookie), None);
        assert_eq!(Flow::from_cookie(&instance(7), NOW.plus_seconds(599), &cookie), Some(begun));
        assert_eq!(Flow::from_cookie(&instance(7), NOW.plus_seconds(600), &cookie), None);
        assert_eq!(Flow::from_cookie(&instance(7), NOW.plus_seconds(-1), &cookie), None);
        let (json, code) = cookie.split_once('.').unwrap();
        let other = flow(2, None).to_cookie(&instance(7)).unwrap();
        let (other, _) = other.split_once('.').unwrap();
        for value in ["", ".", json, &format!("{json}."), &format!("{other}.{code}"), &format!("{json}.{json}")] {
            assert_eq!(Flow::from_cookie(&instance(7), NOW, value), None, "{value}");
        }
    }

    #[test]
    fn what_is_sent_is_of_one_flow_and_told_by_nothing_in_the_cookie() {
        let (one, two) = (flow(1, None), flow(2, None));
        let sent = |flow: &Flow, secret| {
            let instance = instance(secret);
            [flow.state(&instance), flow.nonce(&instance), flow.verifier(&instance), flow.challenge(&instance)]
                .map(Result::unwrap)
        };
        let all: std::collections::BTreeSet<String> =
            [sent(&one, 7), sent(&two, 7), sent(&one, 8)].into_iter().flatten().collect();
        assert_eq!(all.len(), 12);
        assert!(all.iter().all(|text| text.len() == 43));
        assert!(one.is_state(&instance(7), &one.state(&instance(7)).unwrap()));
        for state in ["", &two.state(&instance(7)).unwrap(), &one.nonce(&instance(7)).unwrap()] {
            assert!(!one.is_state(&instance(7), state));
        }
    }

    #[test]
    fn one_comes_back_to_the_console_alone() {
        for (next, kept) in [
            ("/", true),
            ("/tokens/1?x=%2F%2Fevil.example", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("tokens", false),
            ("", false),
            ("/a\r\nset-cookie: x", false),
            ("/\t/evil.example", false),
        ] {
            assert_eq!(flow(1, Some(next)).next.is_some(), kept, "{next}");
        }
        assert!(flow(1, Some(&format!("/{}", "a".repeat(MAX_NEXT_LEN)))).next.is_none());
    }
}
