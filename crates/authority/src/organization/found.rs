//! Founding an organisation: its tables, its owner and its first token.

use std::rc::Rc;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use symbolon::id::{MemberId, TokenId};
use symbolon::policy::{Actor, Creation, GrantSet, Kind, Ownership, Profile, SecretFormat};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::Found;
use symbolon::time::Timestamp;
use symbolon::token::{Format, InstanceSecret, RANDOM_LEN, Secret};

use super::activity::{Action, Entry, Who};
use super::change::within;
use super::claims::Wanted;
use super::console::passkey::Passkey;
use super::console::recovery;
use super::failure::{Failure, Result};
use super::head::Head;
use super::http::contract::{FirstSignInDocument, FoundedDocument};
use super::http::create::{NewToken, describe, digest_name, insert, of_secret};
use super::http::members::{check_email, check_name};
use super::http::{document, make, profile, renew, value};
use super::member::{Member, Status};
use super::schema;
use super::session::Ready;
use super::token::Token;
use crate::machine::Context;
use crate::store::{Store, Value};

/// What is made before anything is written: the secret must be claimed where it names no organisation.
pub(crate) struct Prepared {
    pub(crate) ready: Ready,
    profile_text: String,
    profile: Rc<Profile>,
}

/// The first half of founding: decides, and makes the secret. It writes nothing.
///
/// # Errors
/// `conflict` if the organisation was founded by another call, or its first token was used; `invalid_request`.
pub(crate) fn prepare<S: Store>(store: &S, context: &mut Context<'_>, found: &Found) -> Result<Prepared> {
    let exists = schema::exists(store)?;
    let (profile_text, profile) = if exists {
        let head = Head::read(store)?;
        if head.founding != fingerprint(found) {
            return Err(Problem::new(Code::Conflict).detail("The organisation is there already.").into());
        }
        (String::new(), profile::stored(store)?)
    } else {
        profile::parse(&found.profile)?
    };
    check_name(&found.name)?;
    check_name(&found.owner_name)?;
    check_email(&found.owner_email)?;
    let (kind, _) = first(&profile, context.now)?;
    let token = if exists { Head::read(store)?.first_token } else { TokenId::new(context.now, &context.random()) };
    let instance = InstanceSecret::new(&context.config.instance_secret)
        .map_err(|_| Failure::Broken("the instance secret is too short or too long"))?;
    let random: [u8; RANDOM_LEN] = context.random();
    let secret = Format::of_kind(kind)
        .and_then(|format| format.generate(&found.short_id, &instance, &random))
        .map_err(|_| Failure::Broken("the first secret cannot be made"))?;
    let claimed = kind.format == SecretFormat::Native;
    let keys = vec![Wanted { key: digest_name(&secret.digest()), token }];
    let ready = Ready { tokens: vec![token], secret: Some(secret), keys, claimed };
    Ok(Prepared { ready, profile_text, profile: Rc::new(profile) })
}

/// The second half, in a transaction: writes everything, and makes the document with `organization`, `owner`, `token`
/// and `secret`.
pub(crate) fn carry_out<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    found: &Found,
    prepared: &Prepared,
) -> Result<serde_json::Value> {
    if schema::exists(store)? {
        return again(store, context, found, prepared);
    }
    let id = *prepared.ready.tokens.first().ok_or(Failure::Broken("no token is ready"))?;
    let secret = secret(&prepared.ready)?;
    let profile = &prepared.profile;
    let (kind, creation) = first(profile, context.now)?;
    let role = profile.owner_role().ok_or(Failure::Broken("a profile has no roles"))?;
    let now = context.now;
    let member = Member {
        id: MemberId::new(now, &context.random()),
        name: check_name(&found.owner_name)?,
        email: check_email(&found.owner_email)?,
        role: role.name.to_string(),
        status: Status::Active,
        created_at: now,
    };
    // The founder acts with all that there is: the instance has checked that they may.
    let actor = Actor {
        member: Some(member.id),
        token: None,
        role: Some(role.name.clone()),
        granted: GrantSet::all(),
        effective: GrantSet::all(),
    };
    let approved = profile.approve(kind, &actor, &creation, Some(role.name.as_str()), now)?;
    schema::FORM.create(store)?;
    store.execute(
        "INSERT INTO organization (one, schema, id, short_id, slug, name, profile, profile_name, profile_epoch, epoch,
            log_floor, activity_seq, activity_hash, founding, first_token, created_at)
            VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0, ?8, ?9, ?10, ?11)",
        &[
            schema::FORM.version.into(),
            Value::text(&found.id),
            Value::text(&found.short_id),
            (&found.slug).into(),
            check_name(&found.name)?.into(),
            (&prepared.profile_text).into(),
            profile.name().as_str().into(),
            symbolon::activity::root(found.id).into(),
            fingerprint(found).into(),
            Value::text(&id),
            now.into(),
        ],
    )?;
    member.insert(store)?;
    let (proof, prefix, _) = of_secret(kind, secret)?;
    let keys = [digest_name(&secret.digest())];
    let who = Who { member: Some(member.id), token: None, client: found.client.clone() };
    within(store, context, &who, |change| {
        change.log(&Entry {
            action: Action::OrganizationFound,
            token: None,
            member: Some(member.id),
            details: json!({ "slug": found.slug, "name": found.name, "profile": profile.name() }),
        })?;
        insert(
            change,
            &NewToken {
                id,
                kind,
                approved: &approved,
                owner: (kind.owner == Ownership::Member).then_some(member.id),
                created_by_member: Some(member.id),
                created_by_token: None,
                prefix: &prefix,
                fingerprint: None,
                passphrase: None,
                not_before: None,
                proof: &proof,
                keys: &keys,
            },
        )?;
        change.log(&Entry::token(Action::TokenCreate, id, describe(kind, &approved)))
    })?;
    made(store, context, &member, id, secret, profile)
}

/// How the owner signs in to the console for the first time, where the first token is the organisation's and so makes
/// nobody known. Whoever has a passkey needs no such way.
fn first_sign_in<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    owner: &Member,
    token: &Token,
) -> Result<Option<FirstSignInDocument>> {
    if token.owner_id().is_some() || !Passkey::of(store, owner.id)?.is_empty() {
        return Ok(None);
    }
    let recovery_codes = recovery::renew(store, context, owner.id)?;
    Ok(Some(FirstSignInDocument { organization: Head::read(store)?.slug, recovery_codes }))
}

/// The same call once more, before the first token was used: a new secret for the same token.
fn again<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    found: &Found,
    prepared: &Prepared,
) -> Result<serde_json::Value> {
    let head = Head::read(store)?;
    let token = Token::find(store, context.now, head.first_token)?
        .filter(|token| token.revoked_at.is_none() && head.founding == fingerprint(found))
        .ok_or_else(|| Problem::new(Code::Conflict).detail("The organisation is there already."))?;
    let kind = token.kind(&prepared.profile)?;
    let who = Who { member: token.owner_id(), token: None, client: found.client.clone() };
    within(store, context, &who, |change| {
        renew::replace(change, kind, &token, &prepared.ready, None)?;
        change.log(&Entry::token(Action::TokenRegenerate, token.id, json!({ "reason": "asked for again" })))
    })?;
    let owner = match token.created_by_member {
        Some((id, _)) => Member::find(store, id)?,
        None => None,
    };
    let owner = owner.ok_or(Failure::Broken("the first token has no maker"))?;
    made(store, context, &owner, token.id, secret(&prepared.ready)?, &prepared.profile)
}

fn made<S: Store>(
    store: &S,
    context: &mut Context<'_>,
    owner: &Member,
    token: TokenId,
    secret: &Secret,
    profile: &Profile,
) -> Result<serde_json::Value> {
    let token =
        Token::find(store, context.now, token)?.ok_or(Failure::Broken("a token that was just written is not there"))?;
    value(&FoundedDocument {
        organization: document::organization(&Head::read(store)?),
        owner: document::member(owner),
        token: document::token(&token, profile)?,
        secret: secret.expose(),
        sign_in: first_sign_in(store, context, owner, &token)?,
    })
}

/// The kind of the first token and what is asked for it: what the profile says that setup makes.
fn first(profile: &Profile, now: Timestamp) -> Result<(&Kind, Creation)> {
    let (kind, least) = profile
        .kinds()
        .iter()
        .find_map(|kind| kind.setup.as_ref().map(|least| (kind, least)))
        .ok_or_else(|| Problem::field("profile", "has no kind for the first token: give one of them `setup`"))?;
    let creation = Creation {
        description: (kind.describing.max >= 40).then(|| "Made when the organisation was set up".into()),
        ..make::creation(kind, Some(least), Some("setup".into()), now)
    };
    Ok((kind, creation))
}

fn secret(ready: &Ready) -> Result<&Secret> {
    ready.secret.as_ref().ok_or(Failure::Broken("no secret is ready"))
}

/// SHA-256 of all that makes two calls the same; from where they come does not.
fn fingerprint(found: &Found) -> String {
    let mut hash = Sha256::new();
    for part in [
        found.id.to_string().as_str(),
        found.short_id.as_str(),
        &found.slug,
        &found.name,
        &found.profile,
        &found.owner_name,
        &found.owner_email,
    ] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    base16ct::lower::encode_string(&hash.finalize())
}
