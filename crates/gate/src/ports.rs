//! The outside as the gate's rules see it: typed calls over the effects of [`Io`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use symbolon::id::ShortId;
use symbolon::key::{PublicKey, Signature};
use symbolon::protocol::imported::{Candidates, candidates_key};
use symbolon::protocol::login::LoginCall;
use symbolon::protocol::message::{InstanceCall, Located, LocatorCall, Lookup, OrganizationCall, ReplayCall, Replayed};
use symbolon::protocol::{Network, Record, directory};
use symbolon::signature::{BodyDigests, ContentDigest, DigestAlgorithm, KeyCheck};
use symbolon::token::InstanceSecret;

use crate::effect::{Answer, Effect, Method, Target};
use crate::task::Io;

/// Something that must be asked did not answer, or not in a way that can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it could not be asked")]
pub struct Unavailable;

/// Why a body could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the limit.
    #[error("the body is too large")]
    TooLarge,
    /// It is not UTF-8.
    #[error("the body is not UTF-8")]
    NotText,
    /// It broke off.
    #[error("the body broke off")]
    Broken,
}

/// How long a server elsewhere may take, in milliseconds.
const FETCH_MILLIS: u32 = 5_000;

/// A question to a server elsewhere. Without `Debug`: it may hold a secret.
pub(crate) struct Fetch {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    /// The most bytes of the answer.
    pub(crate) limit: u32,
}

impl Io {
    /// Asks an organisation's authority.
    ///
    /// # Errors
    /// [`Unavailable`]; then it is not known whether the call was carried out.
    pub async fn organization<R: DeserializeOwned>(
        &self,
        organization: ShortId,
        call: &OrganizationCall,
    ) -> Result<R, Unavailable> {
        self.ask(Target::Organization(organization.to_string()), call).await
    }

    /// Asks the instance.
    ///
    /// # Errors
    /// [`Unavailable`]; then it is not known whether the call was carried out.
    pub async fn instance<R: DeserializeOwned>(&self, call: &InstanceCall) -> Result<R, Unavailable> {
        self.ask(Target::Instance, call).await
    }

    /// Asks where a credential's record is. `shown_by`: where it counts from, if it counts that nobody has it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn locate(&self, lookup: &Lookup, shown_by: Option<Network>) -> Result<Located, Unavailable> {
        let Some(key) = lookup.locator_key() else { return Ok(Located { place: None, limited: None }) };
        let call = LocatorCall::Find { key: key.clone(), shown_by };
        self.ask(Target::Locator(key), &call).await
    }

    /// Asks a shard of logins.
    ///
    /// # Errors
    /// [`Unavailable`]; then it is not known whether the call was carried out.
    pub async fn login<R: DeserializeOwned>(&self, shard: u8, call: &LoginCall) -> Result<R, Unavailable> {
        self.ask(Target::Login(shard), call).await
    }

    /// Asks whose imported bcrypt hashes have this public prefix. `shown_by`: where the secret counts from, if it counts
    /// that there are none.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn candidates(&self, prefix: &str, shown_by: Option<Network>) -> Result<Candidates, Unavailable> {
        let key = candidates_key(prefix);
        let call = LocatorCall::Candidates { key: key.clone(), shown_by };
        self.ask(Target::Locator(key), &call).await
    }

    /// Remembers a signed request, unless it was seen before.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn replay(&self, call: &ReplayCall) -> Result<Replayed, Unavailable> {
        self.ask(Target::Replay(call.key.clone()), call).await
    }

    /// Reads the directory's copy of a record, which may be stale; none where there is none, or none that can be read or
    /// that this instance wrote under this key: the directory only ever saves a trip.
    pub async fn directory(&self, secret: &InstanceSecret, lookup: &Lookup) -> Option<Record> {
        let key = lookup.locator_key()?;
        match self.perform(Effect::Directory { key: key.clone() }).await {
            Answer::Text { text } => directory::read(secret, &key, &text).ok(),
            _ => None,
        }
    }

    /// Checks a signature with the host's cryptography.
    ///
    /// # Errors
    /// [`Unavailable`] where that is out of order.
    pub async fn verify_p256(
        &self,
        key: &PublicKey,
        message: &[u8],
        signature: &Signature,
    ) -> Result<KeyCheck, Unavailable> {
        let effect = Effect::VerifyP256 {
            public_key: key.to_hex(),
            message: message.to_vec(),
            signature: signature.to_bytes().to_vec(),
        };
        match self.perform(effect).await {
            Answer::Verdict { matches: true } => Ok(KeyCheck::Matches),
            Answer::Verdict { matches: false } => Ok(KeyCheck::Differs),
            _ => Err(Unavailable),
        }
    }

    /// Checks an RS256 signature with the host's cryptography.
    ///
    /// # Errors
    /// [`Unavailable`] where that is out of order.
    pub async fn verify_rs256(
        &self,
        modulus: &str,
        exponent: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unavailable> {
        let effect = Effect::VerifyRs256 {
            modulus: modulus.to_owned(),
            exponent: exponent.to_owned(),
            message: message.to_vec(),
            signature: signature.to_vec(),
        };
        match self.perform(effect).await {
            Answer::Verdict { matches } => Ok(matches),
            _ => Err(Unavailable),
        }
    }

    /// Asks a server elsewhere: its status and its body.
    ///
    /// # Errors
    /// [`Unavailable`]: it could not be reached in time, or answered more than was wanted.
    pub(crate) async fn fetch(&self, fetch: Fetch) -> Result<(u16, String), Unavailable> {
        let Fetch { method, url, headers, body, limit } = fetch;
        let effect = Effect::Fetch { method, url, headers, body, limit, timeout_millis: FETCH_MILLIS };
        match self.perform(effect).await {
            Answer::Fetched { status, text } => Ok((status, text)),
            _ => Err(Unavailable),
        }
    }

    /// Digests the request's body, as far as a `Content-Digest` field needs it.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn body_digests(&self, field: &ContentDigest, limit: u32) -> Result<BodyDigests, BodyError> {
        let wants = |algorithm| field.algorithms().any(|listed| listed == algorithm);
        let effect = Effect::BodyDigests {
            sha256: wants(DigestAlgorithm::Sha256),
            sha512: wants(DigestAlgorithm::Sha512),
            limit,
        };
        match self.perform(effect).await {
            Answer::Digests { sha256, sha512 } => Ok(BodyDigests {
                sha256: sha256.and_then(|bytes| bytes.try_into().ok()),
                sha512: sha512.and_then(|bytes| bytes.try_into().ok()),
            }),
            Answer::TooLarge => Err(BodyError::TooLarge),
            _ => Err(BodyError::Broken),
        }
    }

    /// Reads the request's body.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn body_text(&self, limit: u32) -> Result<String, BodyError> {
        match self.perform(Effect::BodyText { limit }).await {
            Answer::Text { text } => Ok(text),
            Answer::TooLarge => Err(BodyError::TooLarge),
            Answer::NotText => Err(BodyError::NotText),
            _ => Err(BodyError::Broken),
        }
    }

    /// Waits so many milliseconds.
    pub async fn sleep(&self, millis: u32) {
        self.perform(Effect::Sleep { millis }).await;
    }

    async fn ask<R: DeserializeOwned>(&self, target: Target, message: &impl Serialize) -> Result<R, Unavailable> {
        let message = serde_json::to_string(message).map_err(|_| Unavailable)?;
        match self.perform(Effect::Ask { target, message }).await {
            Answer::Text { text } => symbolon::json::read(&text).map_err(|_| Unavailable),
            _ => Err(Unavailable),
        }
    }
}
