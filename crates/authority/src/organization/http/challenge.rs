//! `POST /v1/keys/challenge`: possession of a private key is proved by a signature over a challenge.
//!
//! A public key is public: nobody may register another's. A challenge is used once, within five minutes, by the
//! principal who asked for it.

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding as _};
use symbolon::key::{PublicKey, Signature};
use symbolon::problem::Problem;

use super::contract::{Challenge, PossessionProof};
use super::{Outcome, reply};
use crate::organization::failure::Result;
use crate::organization::session::Session;
use crate::store::{Store, Value};

/// How long a challenge can be used, in seconds.
const LIFE_SECONDS: i64 = 300;
/// How many a principal may have at once; beyond that the oldest is dropped.
const MAX_OUTSTANDING: u32 = 16;
/// What a challenge begins with, so that its signature is of no use for anything else.
const DOMAIN: &str = "symbolon-key-challenge";
/// How long the text of a signature may be, in bytes: 64 bytes are 86 or 88 characters.
const MAX_PROOF_LEN: usize = 100;

/// Makes a challenge. It needs no permission: registering the key does.
pub(crate) fn create<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let now = session.context.now;
    let random: [u8; 32] = session.context.random();
    let challenge = format!("{DOMAIN}.{}.{}", session.head.short_id, Base64UrlUnpadded::encode_string(&random));
    let expires_at = now.plus_seconds(LIFE_SECONDS);
    let principal = session.principal();
    session.store.execute("DELETE FROM challenge WHERE expires_at <= ?1", &[now.into()])?;
    session.store.execute(
        "DELETE FROM challenge WHERE principal = ?1 AND challenge NOT IN (
            SELECT challenge FROM challenge WHERE principal = ?1 ORDER BY expires_at DESC, challenge LIMIT ?2)",
        &[principal.clone(), MAX_OUTSTANDING.saturating_sub(1).into()],
    )?;
    session.store.execute(
        "INSERT INTO challenge (challenge, principal, expires_at) VALUES (?1, ?2, ?3)",
        &[(&challenge).into(), principal, expires_at.into()],
    )?;
    reply(201, &Challenge { challenge, expires_at })
}

/// Uses up the challenge over which the proof is a signature by this key.
///
/// # Errors
/// `invalid_request` about `proof`: it is no signature of 64 bytes, or not one by this key over a challenge that is
/// outstanding.
pub(crate) fn redeem<S: Store>(
    session: &Session<'_, '_, S>,
    public_key: &PublicKey,
    proof: Option<&PossessionProof>,
) -> Result<()> {
    let wrong = |message: &str| Problem::field("proof", message);
    let (text, named) = match proof {
        None => return Err(wrong("is required with public_key: sign a challenge of POST /v1/keys/challenge").into()),
        Some(PossessionProof::Signature(text)) => (text, None),
        Some(PossessionProof::Named(named)) => (&named.signature, Some(&named.challenge)),
    };
    let signature = decode(text)
        .and_then(|bytes| Signature::from_bytes(&bytes).ok())
        .ok_or_else(|| wrong("must be the 64 bytes r and s of an ECDSA signature in base64 or base64url"))?;
    let rows = session.store.execute(
        "SELECT challenge FROM challenge WHERE principal = ?1 AND expires_at > ?2 ORDER BY expires_at DESC LIMIT ?3",
        &[session.principal(), session.context.now.into(), MAX_OUTSTANDING.into()],
    )?;
    for row in rows {
        let challenge: String = row.get(0)?;
        if named.is_none_or(|named| *named == challenge) && public_key.verify(challenge.as_bytes(), &signature) {
            session.store.execute("DELETE FROM challenge WHERE challenge = ?1", &[Value::Text(challenge)])?;
            return Ok(());
        }
    }
    Err(wrong("is not a signature by this key over a challenge that you have outstanding").into())
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_PROOF_LEN {
        return None;
    }
    [Base64UrlUnpadded::decode_vec, Base64Url::decode_vec, Base64Unpadded::decode_vec, Base64::decode_vec]
        .into_iter()
        .find_map(|decode| decode(text).ok())
}
