//! A person's session in the console: its cookie, its protection against forged requests, and the challenges and names
//! that signing in goes by.
//!
//! What is secret here is a native credential with a prefix of its own, kept in a cookie that no script can read. It is
//! found under [`Lookup::Session`](super::message::Lookup::Session) and nowhere else: no header carries it, and none of
//! a token's secrets is ever taken from the cookie.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::message::HttpRequest;
use crate::id::{MemberId, ShortId};
use crate::time::Timestamp;
use crate::token::{Digest, InstanceSecret, TAG_LEN, TokenError};

/// The cookie's name. Its prefix makes browsers hold it to one host, `Secure` and `Path=/` (RFC 6265bis, section
/// 4.1.3.2).
pub const COOKIE: &str = "__Host-symbolon";
/// What the secret in the cookie begins with.
pub const SECRET_PREFIX: &str = "sym_ses_";
/// The field that repeats the session's token against forged requests, in lower case.
pub const CSRF_HEADER: &str = "x-symbolon-csrf";
/// What a refusal names that wants a fresh passkey.
pub const FRESH: &str = "session:fresh";
/// What a refusal names that takes a request for a forged one.
pub const SAME_ORIGIN: &str = "session:same-origin";

/// Somebody signs in, without a credential. Answered by an [`HttpResponse`](super::message::HttpResponse).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// `POST /v1/sessions` or `POST /v1/sessions/recover`.
    pub request: HttpRequest,
    /// The session that the browser still has, which the new one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
}

/// What a page of our own origin repeats in [`CSRF_HEADER`], from the digest of the session's secret. Another origin's
/// page can neither read it nor make it.
#[must_use]
pub fn csrf_token(session: &Digest) -> String {
    let mut hash = Sha256::new();
    hash.update(b"symbolon csrf token 1\0");
    hash.update(session.as_bytes());
    Base64UrlUnpadded::encode_string(&hash.finalize())
}

/// Whether this is that session's token, in a time that does not depend on where it differs.
#[must_use]
pub fn is_csrf_token(session: &Digest, token: &str) -> bool {
    csrf_token(session).as_bytes().ct_eq(token.as_bytes()).into()
}

/// The RP id of an origin: its host name.
#[must_use]
pub fn rp_id(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in, or to confirm that one is still there.
    SignIn,
    /// To register a passkey for this member.
    Register {
        /// Of which organisation.
        organization: ShortId,
        /// Which member.
        member: MemberId,
    },
}

/// Why a challenge is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// This instance did not make it, or for another purpose.
    #[error("the challenge is not one of ours")]
    Foreign,
    /// Its time has run out.
    #[error("the challenge has expired")]
    Expired,
}

/// A challenge that nobody has to remember until it is used: random bytes and the time of its end, with a code under
/// the instance's secret. Whoever takes it must see to it that it is taken once.
#[derive(Clone, Copy, Debug)]
pub struct Challenge;

/// Random bytes of a challenge (WebAuthn Level 3, section 13.4.3, asks for 16).
const RANDOM_LEN: usize = 16;
const TIME_LEN: usize = 8;
const CODE_LEN: usize = 16;
const CHALLENGE_LEN: usize = RANDOM_LEN + TIME_LEN + CODE_LEN;

impl Challenge {
    /// How long one can be used, in seconds.
    pub const LIFE_SECONDS: i64 = 300;

    /// A new one from fresh random bytes, in base64url.
    ///
    /// # Errors
    /// [`TokenError`], for which there is no known cause.
    pub fn make(
        instance: &InstanceSecret,
        purpose: Purpose,
        now: Timestamp,
        random: &[u8; RANDOM_LEN],
    ) -> Result<String, TokenError> {
        let until = now.plus_seconds(Self::LIFE_SECONDS).as_millis().to_be_bytes();
        let code = Self::code(instance, purpose, random, &until)?;
        Ok(Base64UrlUnpadded::encode_string(&[random.as_slice(), &until, &code].concat()))
    }

    /// Checks one, and says when it ends: until then it must be remembered as used.
    ///
    /// # Errors
    /// [`ChallengeError`].
    pub fn check(
        instance: &InstanceSecret,
        purpose: Purpose,
        now: Timestamp,
        text: &str,
    ) -> Result<Timestamp, ChallengeError> {
        let mut bytes = [0; CHALLENGE_LEN];
        let read = Base64UrlUnpadded::decode(text, &mut bytes).map_err(|_| ChallengeError::Foreign)?;
        let (random, rest) = read.split_first_chunk::<RANDOM_LEN>().ok_or(ChallengeError::Foreign)?;
        let (until, code) = rest.split_first_chunk::<TIME_LEN>().ok_or(ChallengeError::Foreign)?;
        let expected = Self::code(instance, purpose, random, until).map_err(|_| ChallengeError::Foreign)?;
        if !bool::from(expected.as_slice().ct_eq(code)) {
            return Err(ChallengeError::Foreign);
        }
        let until = Timestamp::from_millis(i64::from_be_bytes(*until));
        if now >= until { Err(ChallengeError::Expired) } else { Ok(until) }
    }

    fn code(
        instance: &InstanceSecret,
        purpose: Purpose,
        random: &[u8; RANDOM_LEN],
        until: &[u8; TIME_LEN],
    ) -> Result<[u8; CODE_LEN], TokenError> {
        let code = match purpose {
            Purpose::SignIn => instance.code("symbolon sign-in challenge", &[random, until]),
            Purpose::Register { organization, member } => instance.code(
                "symbolon passkey challenge",
                &[random, until, organization.as_str().as_bytes(), &member.to_bytes()],
            ),
        }?;
        Ok(code.first_chunk().copied().unwrap_or_default())
    }
}

/// The name by which authenticators keep a member (WebAuthn Level 3, section 5.4.3): the organisation's short id and the
/// member's id. It tells nothing about the person, and proves nothing: the passkey does, and an organisation that does
/// not exist knows none. No instance's secret is in it, so that passkeys outlive one that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserHandle {
    /// The organisation, which knows the member.
    pub organization: ShortId,
    /// The member.
    pub member: MemberId,
}

const HANDLE_LEN: usize = ShortId::LEN + 16;
/// With the four characters that earlier versions wrote between the two.
const FORMER_HANDLE_LEN: usize = HANDLE_LEN + TAG_LEN;

impl UserHandle {
    /// Its text in base64url.
    #[must_use]
    pub fn encode(&self) -> String {
        let bytes = [self.organization.as_str().as_bytes(), &self.member.to_bytes()].concat();
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// Reads one; none where it is of another form.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; FORMER_HANDLE_LEN];
        let read = Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        let (short, rest) = read.split_first_chunk::<{ ShortId::LEN }>()?;
        let member = if read.len() == FORMER_HANDLE_LEN { rest.get(TAG_LEN..)? } else { rest };
        let organization: ShortId = core::str::from_utf8(short).ok()?.parse().ok()?;
        Some(Self { organization, member: MemberId::from_bytes(member.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(byte: u8) -> InstanceSecret {
        InstanceSecret::new(&[byte; 32]).unwrap()
    }

    fn member(byte: u8) -> MemberId {
        MemberId::from_bytes([byte; 16])
    }

    #[test]
    fn a_challenge_is_for_one_purpose_one_instance_and_five_minutes() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let organization = "Acme42".parse().unwrap();
        let register = |byte| Purpose::Register { organization, member: member(byte) };
        let end = now.plus_seconds(300);
        for purpose in [Purpose::SignIn, register(1)] {
            let challenge = Challenge::make(&instance(7), purpose, now, &[9; 16]).unwrap();
            let check = |secret, purpose, now, text: &str| Challenge::check(&instance(secret), purpose, now, text);
            assert_eq!(check(7, purpose, now, &challenge), Ok(end));
            assert_eq!(check(7, purpose, end.plus_millis(-1), &challenge), Ok(end));
            assert_eq!(check(7, purpose, end, &challenge), Err(ChallengeError::Expired));
            assert_eq!(check(8, purpose, now, &challenge), Err(ChallengeError::Foreign));
            assert_eq!(check(7, register(2), now, &challenge), Err(ChallengeError::Foreign));
            for text in ["", "AAAA", challenge.get(1..).unwrap(), &format!("{challenge}AA"), &challenge.to_uppercase()]
            {
                assert_eq!(check(7, purpose, now, text), Err(ChallengeError::Foreign), "{text}");
            }
        }
        let sign_in = Challenge::make(&instance(7), Purpose::SignIn, now, &[9; 16]).unwrap();
        assert!(Challenge::check(&instance(7), register(1), now, &sign_in).is_err());
    }

    #[test]
    fn a_handle_leads_to_its_organisation_whatever_secret_made_it() {
        let handle = UserHandle { organization: "Acme42".parse().unwrap(), member: member(3) };
        let text = handle.encode();
        assert_eq!(UserHandle::decode(&text), Some(handle));
        // As earlier versions wrote it, with a secret that may have been replaced.
        let former = Base64UrlUnpadded::encode_string(&[&b"Acme42tagX"[..], &[3; 16]].concat());
        assert_eq!(UserHandle::decode(&former), Some(handle));
        let between = Base64UrlUnpadded::encode_string(&[&b"Acme42ta"[..], &[3; 16]].concat());
        for text in ["", "AAAA", text.get(4..).unwrap(), &format!("{text}AA"), &format!("{former}AA"), &between] {
            assert_eq!(UserHandle::decode(text), None, "{text}");
        }
    }

    #[test]
    fn an_rp_id_is_the_host_alone() {
        for (origin, host) in [
            ("https://tokens.example", "tokens.example"),
            ("http://localhost:8787", "localhost"),
            ("https://[::1]:443", "[::1]"),
            ("https://[::1]", "[::1]"),
        ] {
            assert_eq!(rp_id(origin), host);
        }
    }

    #[test]
    fn a_csrf_token_belongs_to_one_session() {
        let (one, other) = (Digest::of("one"), Digest::of("other"));
        assert!(is_csrf_token(&one, &csrf_token(&one)));
        assert!(!is_csrf_token(&one, &csrf_token(&other)));
        assert!(!is_csrf_token(&one, ""));
        assert_ne!(csrf_token(&one), one.to_string(), "what is kept of the secret is not shown");
    }
}
