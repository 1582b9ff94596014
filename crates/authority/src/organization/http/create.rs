//! `POST /v1/tokens`: making a token.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::key::PublicKey;
use symbolon::policy::{Approved, Asked, Change, Creation, ExpiryAsked, Kind, Ownership, Proof, SecretFormat, Via};
use symbolon::problem::Problem;
use symbolon::protocol::ProofKind;
use symbolon::protocol::message::Lookup;
use symbolon::time::Timestamp;
use symbolon::token::{Digest, Format, RANDOM_LEN, Secret};

use super::contract::{CreateToken, CreatedToken, PublicKeyText};
use super::{Held, Outcome, Until, body, challenge, document};
use crate::organization::activity::{Action, Entry};
use crate::organization::change::Change as Writing;
use crate::organization::claims::{self, Wanted};
use crate::organization::failure::{Failure, Result};
use crate::organization::idempotency::{self, Made};
use crate::organization::session::{Ready, Session};
use crate::organization::token::{self, Token};
use crate::store::{Store, Value};

/// A token that is about to be written.
pub(crate) struct NewToken<'a> {
    pub(crate) id: TokenId,
    pub(crate) kind: &'a Kind,
    pub(crate) approved: &'a Approved,
    pub(crate) owner: Option<symbolon::id::MemberId>,
    pub(crate) created_by_member: Option<symbolon::id::MemberId>,
    pub(crate) created_by_token: Option<TokenId>,
    pub(crate) prefix: &'a str,
    pub(crate) fingerprint: Option<String>,
    pub(crate) passphrase: Option<&'a str>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) proof: &'a ProofKind,
    pub(crate) keys: &'a [String],
}

/// Makes a token.
pub(crate) fn create<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    let asked: CreateToken = body::read(session.request)?;
    if let Some(outcome) = idempotency::repeated(session, ready.as_ref())? {
        return Ok(outcome);
    }
    let profile = session.profile.clone();
    let kind = profile.kind(&asked.kind).ok_or_else(|| {
        let names: Vec<&str> = profile.kinds().iter().map(|kind| kind.name.as_str()).collect();
        Problem::field("kind", format!("must be one of {}", names.join(", ")))
    })?;
    let now = session.context.now;
    let approved = profile.approve(kind, &session.actor, &creation(&asked), session.owner_role(), now)?;
    let not_before = not_before(asked.not_before, approved.expires_at)?;
    let passphrase = passphrase(session, asked.passphrase.is_some())?;
    let public_key = asked.public_key.as_ref().map(public_key).transpose()?;
    let made = match (ready, &public_key) {
        (Some(ready), _) => ready,
        (None, Some(key)) => {
            if !session.possession_shown {
                challenge::redeem(session, key, asked.proof.as_ref())?;
            }
            let id = TokenId::new(now, &session.context.random());
            Ready { tokens: vec![id], secret: None, claimed: false, keys: wanted(id, key_names(kind, key)) }
        }
        (None, None) => {
            if asked.proof.is_some() {
                return Err(Problem::field("proof", "belongs with public_key").into());
            }
            let id = TokenId::new(now, &session.context.random());
            let secret = generate(session, kind)?;
            let keys = wanted(id, vec![digest_name(&secret.digest())]);
            Ready { tokens: vec![id], secret: Some(secret), claimed: false, keys }
        }
    };
    let made = match claimed(session, kind, made)? {
        Claimed::Go(made) => made,
        Claimed::First(made) => return Ok(Outcome::Claim(made)),
    };
    let id = *made.tokens.first().ok_or(Failure::Broken("no token is ready"))?;
    let (proof, prefix, fingerprint) = match (&public_key, &made.secret) {
        (Some(key), _) => of_key(key),
        (None, Some(secret)) => of_secret(kind, secret)?,
        (None, None) => return Err(Failure::Broken("neither key nor secret is ready")),
    };
    let keys: Vec<String> = made.keys.iter().map(|wanted| wanted.key.clone()).collect();
    let owner = (kind.owner == Ownership::Member).then(|| session.member()).flatten();
    let (member, by_token) = (session.member(), session.actor.token);
    let passphrase = passphrase.map(str::to_owned);
    session.change(|change| {
        insert(
            change,
            &NewToken {
                id,
                kind,
                approved: &approved,
                owner,
                created_by_member: member,
                created_by_token: by_token,
                prefix: &prefix,
                fingerprint,
                passphrase: passphrase.as_deref(),
                not_before,
                proof: &proof,
                keys: &keys,
            },
        )?;
        change.log(&Entry::token(Action::TokenCreate, id, describe(kind, &approved)))
    })?;
    idempotency::remember(session, &Made::Token(id))?;
    created(session, id, made.secret.as_ref(), approved.cautions)
}

/// The answer to a creation: it waits until every edge accepts the token.
pub(crate) fn created<S: Store>(
    session: &Session<'_, '_, S>,
    id: TokenId,
    secret: Option<&Secret>,
    cautions: Vec<symbolon::policy::Caution>,
) -> Result<Outcome> {
    let token = Token::find(session.store, session.context.now, id)?
        .ok_or(Failure::Broken("a token that was just written is not there"))?;
    let answer = CreatedToken {
        token: document::token(&token, &session.profile)?,
        secret: secret.map(|secret| secret.expose().to_owned()),
        cautions,
    };
    Ok(Outcome::Held(Held {
        until: Until::Created,
        tells: false,
        eventual: false,
        status: 201,
        headers: vec![("location".into(), format!("/v1/tokens/{id}"))],
        document: super::value(&answer)?,
    }))
}

/// What was made ready, and whether its names must be claimed first.
pub(crate) enum Claimed {
    /// They are held: go on.
    Go(Ready),
    /// They must be claimed first.
    First(Ready),
}

/// Sees to it that the names of a new credential are claimed, unless it names its organisation itself.
pub(crate) fn claimed<S: Store>(session: &Session<'_, '_, S>, kind: &Kind, made: Ready) -> Result<Claimed> {
    if made.secret.is_some() && kind.format == SecretFormat::Native {
        claims::check(session.store, &made.keys)?;
        return Ok(Claimed::Go(made));
    }
    if made.claimed {
        claims::held(session.store, &made.keys)?;
        return Ok(Claimed::Go(made));
    }
    claims::want(session.store, session.context.now, &made.keys)?;
    Ok(Claimed::First(made))
}

/// Writes a token with its proof.
pub(crate) fn insert<S: Store>(change: &mut Writing<'_, '_, S>, new: &NewToken<'_>) -> Result<()> {
    let now = change.context.now;
    let approved = new.approved;
    let choice = serde_json::to_string(&approved.chosen).map_err(|_| Failure::Broken("a choice cannot be written"))?;
    change.store.execute(
        "INSERT INTO token (id, version, kind, name, description, prefix, owner, created_by_member, created_by_token,
            choice, role, service, fingerprint, passphrase, active, created_at, issued_at, updated_at, expires_at,
            not_before)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, ?16, ?17, ?18)",
        &[
            Value::text(&new.id),
            Value::count(change.epoch.get())?,
            new.kind.name.as_str().into(),
            (&approved.name).into(),
            approved.description.clone().unwrap_or_default().into(),
            new.prefix.into(),
            new.owner.map(|id| id.to_string()).into(),
            new.created_by_member.map(|id| id.to_string()).into(),
            new.created_by_token.map(|id| id.to_string()).into(),
            choice.into(),
            approved.chosen.role.as_ref().map(ToString::to_string).into(),
            approved.service.as_ref().map(ToString::to_string).into(),
            new.fingerprint.clone().into(),
            new.passphrase.into(),
            approved.active.into(),
            now.into(),
            approved.expires_at.into(),
            new.not_before.into(),
        ],
    )?;
    token::add_proof(change.store, change.epoch, new.id, new.proof, new.keys)?;
    change.touch(new.id)
}

/// What the activity log says of a new token.
pub(crate) fn describe(kind: &Kind, approved: &Approved) -> serde_json::Value {
    json!({
        "kind": kind.name, "name": approved.name, "granted": approved.chosen, "expires_at": approved.expires_at,
        "active": approved.active,
    })
}

/// A new secret of the kind's form.
pub(crate) fn generate<S: Store>(session: &mut Session<'_, '_, S>, kind: &Kind) -> Result<Secret> {
    let instance = session.instance_secret()?;
    let format = Format::of_kind(kind).map_err(|_| Failure::Broken("a kind has no form of secrets"))?;
    let random: [u8; RANDOM_LEN] = session.context.random();
    format
        .generate(&session.head.short_id, &instance, &random)
        .map_err(|_| Failure::Broken("the random bytes did not suffice"))
}

/// What is kept and shown of a secret.
pub(crate) fn of_secret(kind: &Kind, secret: &Secret) -> Result<(ProofKind, String, Option<String>)> {
    let format = Format::of_kind(kind).map_err(|_| Failure::Broken("a kind has no form of secrets"))?;
    let prefix = format.display_prefix(secret.expose()).to_owned();
    Ok((ProofKind::Bearer { digest: secret.digest() }, prefix, None))
}

fn of_key(key: &PublicKey) -> (ProofKind, String, Option<String>) {
    let thumbprint = key.thumbprint();
    let text = thumbprint.to_string();
    let prefix = text.chars().take(8).collect();
    (ProofKind::Key { public_key: *key, thumbprint }, prefix, Some(text))
}

/// The name of a bearer secret in locator and directory.
pub(crate) fn digest_name(digest: &Digest) -> String {
    Lookup::Digest(*digest).locator_key().unwrap_or_default()
}

/// The names of a key: its thumbprint, and where the kind finds keys by the header of another system, its fingerprint
/// and the one that this system's client sends for a key with leading zeros.
fn key_names(kind: &Kind, key: &PublicKey) -> Vec<String> {
    let mut lookups = vec![Lookup::Thumbprint(key.thumbprint())];
    if kind.signature.fingerprint_header {
        lookups.push(Lookup::Alias(key.fingerprint().to_string()));
        lookups.extend(key.stripped_fingerprint().map(|alias| Lookup::Alias(alias.to_string())));
    }
    lookups.iter().filter_map(Lookup::locator_key).collect()
}

fn wanted(token: TokenId, keys: Vec<String>) -> Vec<Wanted> {
    keys.into_iter().map(|key| Wanted { key, token }).collect()
}

fn creation(asked: &CreateToken) -> Creation {
    Creation {
        via: Via::Create,
        name: asked.name.clone(),
        description: asked.description.clone(),
        asked: Asked {
            scopes: asked.scopes.clone(),
            permissions: asked.permissions.clone(),
            grants: asked.grants.clone(),
            role: asked.role.clone(),
        },
        expires: expiry(&asked.expires_at),
        passphrase_chars: asked.passphrase.as_ref().map(|text| text.chars().count()),
        proof: if asked.public_key.is_some() { Proof::Signature } else { Proof::Bearer },
        active: asked.active,
        service: asked.service.clone(),
    }
}

/// What was asked about a token's end: left out, `null`, or a time.
pub(crate) const fn expiry(asked: &Change<Timestamp>) -> ExpiryAsked {
    match asked {
        Change::Keep => ExpiryAsked::Unsaid,
        Change::Clear => ExpiryAsked::Never,
        Change::Set(at) => ExpiryAsked::At(*at),
    }
}

fn not_before(start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Option<Timestamp>> {
    match (start, end) {
        (Some(start), Some(end)) if start >= end => {
            Err(Problem::field("not_before", "must be before expires_at").into())
        }
        _ => Ok(start),
    }
}

/// The hash of the passphrase in the body. The gate makes it, since it is slow, once everything else was judged.
pub(crate) fn passphrase<'t, S: Store>(session: &Session<'t, '_, S>, given: bool) -> Result<Option<&'t str>> {
    match (given, session.passphrase_hash) {
        (false, _) => Ok(None),
        (true, Some(hash)) if hash.starts_with("$argon2id$") => Ok(Some(hash)),
        (true, None) => Err(Failure::WantsHash),
        (true, Some(_)) => Err(Failure::Broken("the hash of a passphrase is none")),
    }
}

fn public_key(text: &PublicKeyText) -> Result<PublicKey> {
    let parsed = match text {
        PublicKeyText::Text(text) => text.parse(),
        PublicKeyText::Jwk(jwk) => PublicKey::from_jwk(&serde_json::Value::Object(jwk.clone()).to_string()),
    };
    parsed.map_err(|error| Problem::field("public_key", error.to_string()).into())
}
