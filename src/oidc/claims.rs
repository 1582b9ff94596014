//! What an ID token says, and whether it says it to us, now, and in answer to our question.

use serde::{Deserialize, Serialize};

use super::{MAX_SIGN_IN_AGE_SECONDS, MAX_SKEW_SECONDS, OidcError};
use crate::time::Timestamp;

/// The longest subject (OpenID Connect Core 1.0, section 2: 255 ASCII characters).
const MAX_SUBJECT_LEN: usize = 255;
/// The longest mail address that is looked at, in bytes.
const MAX_EMAIL_LEN: usize = 254;
/// How old an ID token may be that comes straight from the token endpoint, in seconds.
const MAX_AGE_SECONDS: i64 = 600;
/// Times beyond this are no times, in seconds since 1970: the year 5138.
const MAX_SECONDS: i64 = 100_000_000_000;

/// What an ID token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// The client's name with the provider.
    pub client_id: &'a str,
    /// What was sent as `nonce`.
    pub nonce: &'a str,
    /// The time.
    pub now: Timestamp,
    /// Where the person was to show themselves anew (`max_age=0`): when that was asked.
    pub anew_since: Option<Timestamp>,
}

/// Who somebody is, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The person's name with the provider: it never changes and is given to nobody else.
    pub subject: String,
    /// Their mail address, where the provider tells, and has verified it.
    pub email: Option<String>,
    /// Their mail address, where the provider tells, and has not verified it.
    pub unverified_email: Option<String>,
    /// When they showed themselves to the provider.
    pub authenticated_at: Option<Timestamp>,
}

/// The claims of a person from the provider's own place for them (OpenID Connect Core 1.0, section 5.3.2).
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    sub: String,
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
}

impl Identity {
    /// Adds what the ID token did not say of the mail address.
    ///
    /// # Errors
    /// [`OidcError::Subject`] if these are the claims of somebody else (section 5.3.2: they must not be used).
    pub fn complete(&mut self, profile: Profile) -> Result<(), OidcError> {
        if profile.sub != self.subject {
            return Err(OidcError::Subject);
        }
        if self.email.is_none() && self.unverified_email.is_none() {
            (self.email, self.unverified_email) = address(profile.email, profile.email_verified.as_ref());
        }
        Ok(())
    }
}

#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: Option<String>,
    aud: Audience,
    azp: Option<String>,
    exp: serde_json::Number,
    iat: serde_json::Number,
    nbf: Option<serde_json::Number>,
    nonce: Option<String>,
    auth_time: Option<serde_json::Number>,
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    pub(super) fn check(self, expected: &Expected<'_>) -> Result<Identity, OidcError> {
        // Section 3.1.3.7, step 2.
        if self.iss != expected.issuer {
            return Err(OidcError::Issuer);
        }
        // Steps 3 to 5.
        let (ours, several) = match &self.aud {
            Audience::One(one) => (one == expected.client_id, false),
            Audience::Many(many) => (many.iter().any(|each| each == expected.client_id), many.len() > 1),
        };
        let party = match &self.azp {
            Some(party) => party == expected.client_id,
            None => !several,
        };
        if !ours || !party {
            return Err(OidcError::Audience);
        }
        // Steps 9 and 10.
        let (exp, iat) = (time(&self.exp)?, time(&self.iat)?);
        let latest = expected.now.plus_seconds(MAX_SKEW_SECONDS);
        let oldest = expected.now.plus_seconds(-MAX_AGE_SECONDS);
        let begun = self.nbf.as_ref().map(time).transpose()?.is_none_or(|begin| begin <= latest);
        if exp <= expected.now.plus_seconds(-MAX_SKEW_SECONDS) || iat > latest || iat < oldest || !begun {
            return Err(OidcError::Time);
        }
        // Step 11.
        if self.nonce.as_deref() != Some(expected.nonce) {
            return Err(OidcError::Nonce);
        }
        let subject = self.sub.unwrap_or_default();
        if !(1..=MAX_SUBJECT_LEN).contains(&subject.len()) || !subject.is_ascii() {
            return Err(OidcError::Subject);
        }
        let authenticated_at = self.auth_time.as_ref().map(time).transpose()?;
        // Step 13: with `max_age` asked for, `auth_time` must be there. Its seconds are cut off. Only where the person was
        // to show themselves anew does anything hang on it; a session that begins without it is not fresh. Nothing stands
        // in for it there: `prompt` and `max_age` pass through the browser, so whoever has that can leave both out.
        let longest = MAX_SIGN_IN_AGE_SECONDS.saturating_add(MAX_SKEW_SECONDS);
        if authenticated_at.is_some_and(|at| at < expected.now.plus_seconds(longest.saturating_neg())) {
            return Err(OidcError::Stale);
        }
        if let Some(since) = expected.anew_since {
            let earliest = since.plus_seconds(-MAX_SKEW_SECONDS);
            let at = authenticated_at.ok_or(OidcError::NoAuthTime)?;
            if !(earliest <= at && at <= latest) {
                return Err(OidcError::Stale);
            }
        }
        let (email, unverified_email) = address(self.email, self.email_verified.as_ref());
        Ok(Identity { issuer: self.iss, subject, email, unverified_email, authenticated_at })
    }
}

/// The address where it is verified, and where it is not. Some providers write the truth as a text.
fn address(email: Option<String>, verified: Option<&serde_json::Value>) -> (Option<String>, Option<String>) {
    let email = email.filter(|email| (1..=MAX_EMAIL_LEN).contains(&email.len()));
    let verified = verified.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"));
    if verified { (email, None) } else { (None, email) }
}

/// A time in seconds since 1970 (RFC 7519, section 2, `NumericDate`); a fraction is cut off.
fn time(number: &serde_json::Number) -> Result<Timestamp, OidcError> {
    let seconds = match number.as_i64() {
        Some(seconds) => Some(seconds),
        // A fraction, in its own text: the whole seconds are before the point.
        None => number.to_string().split_once('.').and_then(|(whole, _)| whole.parse().ok()),
    };
    seconds.filter(|seconds| (0..=MAX_SECONDS).contains(seconds)).map(Timestamp::from_seconds).ok_or(OidcError::Time)
}
