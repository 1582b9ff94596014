//! A member's passkeys.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value as Json;
use symbolon::id::{MemberId, PasskeyId};
use symbolon::key::PublicKey;
use symbolon::problem::Problem;
use symbolon::protocol::session::rp_id;
use symbolon::time::Timestamp;
use symbolon::webauthn::{self, Authenticated, Expected, Kept, MAX_AUTHENTICATOR_DATA_LEN, MAX_CREDENTIAL_ID_LEN};

use super::super::failure::{Failure, Result};
use crate::store::{Row, Store, Value};

/// How many passkeys a member may have.
pub(crate) const MAX_PASSKEYS: usize = 20;
/// The ways to reach an authenticator (WebAuthn Level 3, section 5.8.4); others are not kept.
const TRANSPORTS: &[&str] = &["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passkey {
    pub(crate) id: PasskeyId,
    pub(crate) member: MemberId,
    /// The authenticator's name for it, in base64url.
    pub(crate) credential: String,
    pub(crate) name: String,
    pub(crate) public_key: PublicKey,
    pub(crate) sign_count: u32,
    pub(crate) backup_eligible: bool,
    /// The host that it was made for.
    pub(crate) rp_id: String,
    pub(crate) transports: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, member, credential, name, public_key, sign_count, backup_eligible, rp_id, transports,
    created_at, last_used_at";

impl Passkey {
    fn read(row: &Row) -> Result<Self> {
        let key: String = row.get(4)?;
        Ok(Self {
            id: row.parsed(0)?,
            member: row.parsed(1)?,
            credential: row.get(2)?,
            name: row.get(3)?,
            public_key: PublicKey::from_hex(&key).map_err(|_| Failure::Broken("a passkey has no key"))?,
            sign_count: row.get(5)?,
            backup_eligible: row.get(6)?,
            rp_id: row.get(7)?,
            transports: row.json(8)?,
            created_at: row.get(9)?,
            last_used_at: row.get(10)?,
        })
    }

    /// The passkey of this credential id.
    pub(crate) fn by_credential<S: Store>(store: &S, credential: &str) -> Result<Option<Self>> {
        let rows =
            store.execute(&format!("SELECT {COLUMNS} FROM passkey WHERE credential = ?1"), &[credential.into()])?;
        rows.first().map(Self::read).transpose()
    }

    /// The passkeys of a member, the oldest first.
    pub(crate) fn of<S: Store>(store: &S, member: MemberId) -> Result<Vec<Self>> {
        let rows = store.execute(
            &format!("SELECT {COLUMNS} FROM passkey WHERE member = ?1 ORDER BY created_at, id"),
            &[Value::text(&member)],
        )?;
        rows.iter().map(Self::read).collect()
    }

    /// Writes a new one. False: somebody has registered this credential.
    pub(crate) fn insert<S: Store>(&self, store: &S) -> Result<bool> {
        let transports =
            serde_json::to_string(&self.transports).map_err(|_| Failure::Broken("transports cannot be written"))?;
        let written = store.execute(
            "INSERT INTO passkey (id, member, credential, name, public_key, sign_count, backup_eligible, rp_id,
                transports, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                ON CONFLICT DO NOTHING RETURNING 1",
            &[
                Value::text(&self.id),
                Value::text(&self.member),
                (&self.credential).into(),
                (&self.name).into(),
                self.public_key.to_hex().into(),
                self.sign_count.into(),
                self.backup_eligible.into(),
                (&self.rp_id).into(),
                transports.into(),
                self.created_at.into(),
            ],
        )?;
        Ok(!written.is_empty())
    }

    /// Checks an assertion by this passkey on a page of `origin`. It must have been made for that page's host.
    pub(crate) fn verify(
        &self,
        origin: &str,
        challenge: &str,
        given: &Assertion,
    ) -> core::result::Result<Authenticated, webauthn::WebAuthnError> {
        let rp_id = rp_id(origin);
        if self.rp_id != rp_id {
            return Err(webauthn::WebAuthnError::RpId);
        }
        let expected = Expected { challenge, origin, rp_id };
        let kept =
            Kept { public_key: &self.public_key, sign_count: self.sign_count, backup_eligible: self.backup_eligible };
        webauthn::authenticate(&expected, &kept, &given.client_data, &given.authenticator_data, &given.signature)
    }

    /// Notes a use.
    pub(crate) fn used<S: Store>(&self, store: &S, now: Timestamp, proved: Authenticated) -> Result<()> {
        store.execute(
            "UPDATE passkey SET sign_count = ?2, last_used_at = ?3 WHERE id = ?1",
            &[Value::text(&self.id), proved.sign_count.into(), now.into()],
        )?;
        Ok(())
    }
}

/// What a browser answers to a registration: `RegistrationResponseJSON` (WebAuthn Level 3, section 5.1.8), as far as it
/// is read.
pub(crate) struct Attestation {
    pub(crate) credential: String,
    pub(crate) client_data: Vec<u8>,
    pub(crate) attestation_object: Vec<u8>,
    pub(crate) transports: Vec<String>,
}

/// What a browser answers to a sign-in: `AuthenticationResponseJSON`.
pub(crate) struct Assertion {
    pub(crate) credential: String,
    pub(crate) client_data: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) user_handle: Option<String>,
}

type Object = serde_json::Map<String, Json>;

impl Attestation {
    /// Reads one. Members that are not known are passed over: browsers send more than is asked for.
    ///
    /// # Errors
    /// `invalid_request`, naming the member.
    pub(crate) fn read(object: &Object) -> core::result::Result<Self, Problem> {
        let response = response(object)?;
        let transports = response.get("transports").and_then(Json::as_array);
        Ok(Self {
            credential: credential(object)?,
            client_data: bytes(response, "clientDataJSON")?,
            attestation_object: bytes(response, "attestationObject")?,
            transports: TRANSPORTS
                .iter()
                .filter(|known| transports.is_some_and(|given| given.iter().any(|text| text == **known)))
                .map(|known| (*known).to_owned())
                .collect(),
        })
    }
}

impl Assertion {
    /// Reads one, in the same way.
    ///
    /// # Errors
    /// `invalid_request`, naming the member.
    pub(crate) fn read(object: &Object) -> core::result::Result<Self, Problem> {
        let response = response(object)?;
        Ok(Self {
            credential: credential(object)?,
            client_data: bytes(response, "clientDataJSON")?,
            authenticator_data: bytes(response, "authenticatorData")?,
            signature: bytes(response, "signature")?,
            user_handle: response.get("userHandle").and_then(Json::as_str).map(str::to_owned),
        })
    }
}

fn wrong(member: &str) -> Problem {
    Problem::field(format!("credential.{member}"), "must be as the browser's toJSON() gives it")
}

fn response(object: &Object) -> core::result::Result<&Object, Problem> {
    if object.get("type").and_then(Json::as_str) != Some("public-key") {
        return Err(wrong("type"));
    }
    object.get("response").and_then(Json::as_object).ok_or_else(|| wrong("response"))
}

/// The credential's id, in its one spelling.
fn credential(object: &Object) -> core::result::Result<String, Problem> {
    let text = object.get("id").and_then(Json::as_str).ok_or_else(|| wrong("id"))?;
    // Four characters for three bytes.
    if text.len() > MAX_CREDENTIAL_ID_LEN.saturating_mul(2) {
        return Err(wrong("id"));
    }
    let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| wrong("id"))?;
    if bytes.is_empty() || bytes.len() > MAX_CREDENTIAL_ID_LEN {
        return Err(wrong("id"));
    }
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}

fn bytes(response: &Object, member: &str) -> core::result::Result<Vec<u8>, Problem> {
    let problem = || wrong(&format!("response.{member}"));
    let text = response.get(member).and_then(Json::as_str).ok_or_else(problem)?;
    if text.len() > MAX_AUTHENTICATOR_DATA_LEN.saturating_mul(2) {
        return Err(problem());
    }
    Base64UrlUnpadded::decode_vec(text).map_err(|_| problem())
}
