//! `/v1/passkeys`: what a member signs in with.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::json;
use symbolon::id::PasskeyId;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::session::{Challenge, Purpose, UserHandle, rp_id};
use symbolon::webauthn::{self, Expected};

use super::contract::{
    AddPasskey, AddedPasskey, Algorithm, CreationOptions, Descriptor, PasskeyDocument, PasskeyOptions, Passkeys,
    RecoveryCodes, RelyingParty, Selection, User,
};
use super::members::check_name;
use super::sessions::{ended, own, own_ways};
use super::{Outcome, body, problem, reply};
use crate::organization::activity::{Action, Entry};
use crate::organization::console::passkey::{Attestation, MAX_PASSKEYS, Passkey};
use crate::organization::console::{recovery, spent};
use crate::organization::failure::{Failure, Result};
use crate::organization::session::Session;
use crate::store::{Store, Value};

/// How long a browser lets a person take, in milliseconds: as long as the challenge.
const TIMEOUT_MILLIS: i64 = Challenge::LIFE_SECONDS * 1000;
/// The one sort of credential that there is (WebAuthn Level 3, section 5.8.2).
const PUBLIC_KEY: &str = "public-key";
/// ECDSA with P-256 and SHA-256 in COSE (RFC 9053, section 2.1).
const ES256: i32 = -7;

/// What a browser is to be asked to make a passkey.
pub(crate) fn begin<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let member = own_ways(session)?.clone();
    let passkeys = Passkey::of(session.store, member.id)?;
    bounded(passkeys.len())?;
    let instance = session.instance_secret()?;
    let organization = session.head.short_id;
    let broken = |_| Failure::Broken("a challenge cannot be made");
    let random: [u8; 16] = session.context.random();
    let purpose = Purpose::Register { organization, member: member.id };
    let challenge = Challenge::make(&instance, purpose, session.context.now, &random).map_err(broken)?;
    let handle = UserHandle { organization, member: member.id }.encode();
    let rp_id = rp_id(&session.request.origin);
    let exclude = |passkey: &Passkey| Descriptor {
        kind: PUBLIC_KEY,
        id: passkey.credential.clone(),
        transports: passkey.transports.clone(),
    };
    let public_key = CreationOptions {
        rp: RelyingParty { id: rp_id.to_owned(), name: session.head.name.clone() },
        user: User { id: handle, name: member.email, display_name: member.name },
        challenge: challenge.clone(),
        pub_key_cred_params: [Algorithm { kind: PUBLIC_KEY, alg: ES256 }],
        timeout: TIMEOUT_MILLIS,
        exclude_credentials: passkeys.iter().filter(|passkey| passkey.rp_id == rp_id).map(exclude).collect(),
        authenticator_selection: Selection {
            resident_key: "required",
            require_resident_key: true,
            user_verification: "required",
        },
        attestation: "none",
    };
    reply(200, &PasskeyOptions { challenge_id: challenge, public_key })
}

/// Registers a passkey. With the first one come recovery codes.
pub(crate) fn add<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let member = own_ways(session)?.id;
    let asked: AddPasskey = body::read(session.request)?;
    let name = check_name(&asked.name)?;
    let given = Attestation::read(&asked.credential)?;
    let purpose = Purpose::Register { organization: session.head.short_id, member };
    // Answered and not failed: the challenge is used up.
    if let Err(refused) = spent::spend(session.store, session.context, purpose, &asked.challenge_id)? {
        return Ok(Outcome::Reply(problem(&refused)));
    }
    let origin = session.request.origin.as_str();
    let expected = Expected { challenge: &asked.challenge_id, origin, rp_id: rp_id(origin) };
    let registered = match webauthn::register(&expected, &given.client_data, &given.attestation_object) {
        // The id beside the attestation is the one inside it.
        Ok(registered) if encoded(&registered.credential_id) == given.credential => registered,
        Ok(_) => return Ok(Outcome::Reply(problem(&Problem::field("credential.id", "is another than was attested")))),
        Err(error) => {
            return Ok(Outcome::Reply(problem(&Problem::field("credential", error.to_string()))));
        }
    };
    let count = Passkey::of(session.store, member)?.len();
    bounded(count)?;
    let passkey = Passkey {
        id: PasskeyId::new(session.context.now, &session.context.random()),
        member,
        credential: given.credential,
        name,
        public_key: registered.public_key,
        sign_count: registered.sign_count,
        backup_eligible: registered.backup_eligible,
        rp_id: expected.rp_id.to_owned(),
        transports: given.transports,
        created_at: session.context.now,
        last_used_at: None,
    };
    let (recovery_codes, _) = session.change(|change| {
        if !passkey.insert(change.store)? {
            return Err(Problem::new(Code::Conflict).detail("This passkey is registered already.").into());
        }
        let details = json!({ "passkey": passkey.id, "name": passkey.name, "host": passkey.rp_id });
        change.log(&Entry::member(Action::PasskeyAdd, member, details))?;
        if count > 0 {
            return Ok(None);
        }
        let codes = recovery::renew(change.store, change.context, member)?;
        change.log(&Entry::member(Action::RecoveryRenew, member, json!({ "count": codes.len() })))?;
        Ok(Some(codes))
    })?;
    reply(201, &AddedPasskey { passkey: describe(&passkey), recovery_codes })
}

/// A member's own passkeys.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let member = own(session)?.id;
    let items = Passkey::of(session.store, member)?.iter().map(describe).collect();
    reply(200, &Passkeys { items, recovery_codes_left: recovery::left(session.store, member)? })
}

/// Removes a passkey, and ends the sessions that it began, but for the one in use.
pub(crate) fn remove<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    let member = own_ways(session)?.id;
    let id: PasskeyId = id.parse().map_err(|_| Code::NotFound)?;
    let found = Passkey::of(session.store, member)?.into_iter().find(|passkey| passkey.id == id);
    let passkey = found.ok_or(Code::NotFound)?;
    let current = session.console.as_ref().map(|console| console.id.to_string()).unwrap_or_default();
    session.change(|change| {
        change.store.execute("DELETE FROM passkey WHERE id = ?1", &[Value::text(&id)])?;
        change.store.execute(
            "DELETE FROM console_session WHERE passkey = ?1 AND id <> ?2",
            &[Value::text(&id), current.into()],
        )?;
        let details = json!({ "passkey": id, "name": passkey.name });
        change.log(&Entry::member(Action::PasskeyRemove, member, details))
    })?;
    ended(&describe(&passkey), Vec::new())
}

/// New recovery codes, in place of all former ones.
pub(crate) fn renew_codes<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    let member = own_ways(session)?.id;
    if Passkey::of(session.store, member)?.is_empty() {
        return Err(Problem::new(Code::Conflict).detail("Recovery codes come with the first passkey.").into());
    }
    let (recovery_codes, _) = session.change(|change| {
        let codes = recovery::renew(change.store, change.context, member)?;
        change.log(&Entry::member(Action::RecoveryRenew, member, json!({ "count": codes.len() })))?;
        Ok(codes)
    })?;
    reply(201, &RecoveryCodes { recovery_codes })
}

fn bounded(count: usize) -> Result<()> {
    if count >= MAX_PASSKEYS {
        let detail = format!("A member has at most {MAX_PASSKEYS} passkeys: remove one first.");
        return Err(Problem::new(Code::Conflict).detail(detail).into());
    }
    Ok(())
}

fn encoded(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn describe(passkey: &Passkey) -> PasskeyDocument {
    PasskeyDocument {
        id: passkey.id,
        name: passkey.name.clone(),
        created_at: passkey.created_at,
        last_used_at: passkey.last_used_at,
    }
}
