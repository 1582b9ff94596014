//! `POST /v1/tokens/import`: tokens of another system are brought in with a SHA-256 or bcrypt hash of their secrets.
//!
//! A bcrypt hash comes with the secret's public prefix, by which it is found; at the first success a SHA-256 takes its
//! place. All of a request or none: each entry is decided as a creation, with `tokens:import` in place of the kind's creation
//! permission. Whoever has a hash does not have the secret, so a hash that is registered anywhere else in the instance
//! is refused, and the whole request with it.
//!
//! A token of a kind that members own belongs to whoever brings it in, or to the member named as its `owner`: one whom
//! they may manage, whose role bounds it, and for whom they have all that it grants. The log names both.

use serde_json::{Map, Value as Json};
use symbolon::id::{MemberId, TokenId};
use symbolon::policy::{Approved, Asked, Creation, Kind, Ownership, Product, Profile, Proof, Via, builtin_hex_formats};
use symbolon::problem::{Code, FieldError, Problem};
use symbolon::protocol::ProofKind;
use symbolon::protocol::imported::candidate_key;
use symbolon::token::{Bcrypt, Digest, Format, SecretFormat, TokenError};

use super::body::{Body, read_up_to};
use super::contract::{ImportToken, ImportTokens, ImportedTokens};
use super::create::{NewToken, describe, digest_name, expiry, insert};
use super::{Held, Outcome, Until, document};
use crate::organization::activity::{Action, Entry};
use crate::organization::claims::{self, Wanted};
use crate::organization::failure::{Failure, Result};
use crate::organization::idempotency::{self, Made};
use crate::organization::member::{Member, Status};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::store::Store;

/// How many tokens one request may bring in.
const MAX_TOKENS: usize = 100;
/// How large its body may be, in bytes.
const MAX_IMPORT_BODY_LEN: usize = 1024 * 1024;

struct Imported<'p> {
    kind: &'p Kind,
    approved: Approved,
    owner: Option<MemberId>,
    proof: ProofKind,
    /// What locators know the credential by.
    key: String,
    prefix: String,
}

/// Brings tokens in.
pub(crate) fn import<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    session.actor.needs(Product::TokensImport)?;
    let asked: ImportTokens = read_up_to(session.request, MAX_IMPORT_BODY_LEN)?;
    if !(1..=MAX_TOKENS).contains(&asked.tokens.len()) {
        return Err(Problem::field("tokens", format!("must have 1 to {MAX_TOKENS} entries")).into());
    }
    if let Some(outcome) = idempotency::repeated(session, ready.as_ref())? {
        return Ok(outcome);
    }
    let profile = session.profile.clone();
    let mut all = Vec::new();
    for (index, entry) in asked.tokens.into_iter().enumerate() {
        all.push(one(session, &profile, entry).map_err(|failure| at(index, failure))?);
    }
    let now = session.context.now;
    let ready = match ready {
        Some(ready) => {
            claims::held(session.store, &ready.keys)?;
            ready
        }
        None => {
            let tokens: Vec<TokenId> = all.iter().map(|_| TokenId::new(now, &session.context.random())).collect();
            let wanted = |(token, new): (&TokenId, &Imported<'_>)| Wanted { key: new.key.clone(), token: *token };
            let keys: Vec<Wanted> = tokens.iter().zip(&all).map(wanted).collect();
            claims::want(session.store, now, &keys)?;
            return Ok(Outcome::Claim(Ready { tokens, secret: None, keys, claimed: false }));
        }
    };
    let (member, by_token) = (session.member(), session.actor.token);
    session.change(|change| {
        for (id, new) in ready.tokens.iter().zip(&all) {
            insert(
                change,
                &NewToken {
                    id: *id,
                    kind: new.kind,
                    approved: &new.approved,
                    owner: new.owner,
                    created_by_member: member,
                    created_by_token: by_token,
                    prefix: &new.prefix,
                    fingerprint: None,
                    passphrase: None,
                    not_before: None,
                    proof: &new.proof,
                    keys: core::slice::from_ref(&new.key),
                },
            )?;
            let mut details = describe(new.kind, &new.approved);
            if let Some(object) = details.as_object_mut() {
                object.insert("owner".into(), super::value(&new.owner)?);
            }
            change.log(&Entry::token(Action::TokenImport, *id, details))?;
        }
        Ok(())
    })?;
    idempotency::remember(session, &Made::Tokens(ready.tokens.clone()))?;
    let mut tokens = Vec::new();
    for id in &ready.tokens {
        let token = Token::find(session.store, now, *id)?
            .ok_or(Failure::Broken("a token that was just written is not there"))?;
        tokens.push(document::token(&token, &session.profile)?);
    }
    Ok(Outcome::Held(Held {
        // Whoever has the secret may have presented it already: an edge may remember for a lease that nobody has it.
        until: Until::Narrowed,
        tells: false,
        eventual: false,
        status: 201,
        headers: Vec::new(),
        document: super::value(&ImportedTokens { tokens })?,
    }))
}

fn one<'p, S: Store>(
    session: &Session<'_, '_, S>,
    profile: &'p Profile,
    entry: Map<String, Json>,
) -> Result<Imported<'p>> {
    let asked = ImportToken::read(entry)?;
    let kind = profile.kind(&asked.kind).ok_or_else(|| {
        let names: Vec<&str> = profile.kinds().iter().map(|kind| kind.name.as_str()).collect();
        Problem::field("kind", format!("must be one of {}", names.join(", ")))
    })?;
    let (proof, key, prefix) = credential(kind, asked.sha256, asked.bcrypt, asked.prefix)?;
    let another = asked.owner.as_deref().map(|id| owner(session, id)).transpose()?;
    let another = another.filter(|owner| Some(owner.id) != session.member());
    let creation = Creation {
        via: if another.is_some() { Via::ImportFor } else { Via::Import },
        name: asked.name,
        description: asked.description,
        asked: Asked { scopes: asked.scopes, permissions: asked.permissions, grants: asked.grants, role: asked.role },
        expires: expiry(&asked.expires_at),
        passphrase_chars: None,
        proof: Proof::Bearer,
        active: asked.active,
        service: asked.service,
    };
    let now = session.context.now;
    let role = another.as_ref().map(|owner| owner.role.as_str()).or_else(|| session.owner_role());
    let approved = profile.approve(kind, &session.actor, &creation, role, now)?;
    let owner = another.map(|owner| owner.id).or_else(|| session.member());
    let owner = owner.filter(|_| kind.owner == Ownership::Member);
    Ok(Imported { kind, approved, owner, proof, key, prefix })
}

/// The member who is named as owner.
fn owner<S: Store>(session: &Session<'_, '_, S>, id: &str) -> Result<Member> {
    let found = match id.parse() {
        Ok(id) => Member::find(session.store, id)?,
        Err(_) => None,
    };
    found
        .filter(|member| member.status != Status::Removed)
        .ok_or_else(|| Problem::field("owner", "must be the id of a member").into())
}

/// What proves possession, what it is found by, and what is shown of it.
fn credential(
    kind: &Kind,
    sha256: Option<String>,
    bcrypt: Option<String>,
    prefix: Option<String>,
) -> Result<(ProofKind, String, String)> {
    // A kind whose tokens are hexadecimal takes its own; one of native tokens, any that this instance can read.
    let formats = match kind.format {
        SecretFormat::Hex(_) => Format::of_kind(kind).into_iter().collect(),
        SecretFormat::Native => builtin_hex_formats(),
    };
    let public = |prefix: &str| formats.iter().any(|format| format.is_display_prefix(prefix));
    match (sha256, bcrypt) {
        (Some(sha256), None) => {
            let digest: Digest = sha256.parse().map_err(|_| {
                Problem::field("sha256", "must be 64 lower-case hexadecimal digits: the SHA-256 of the secret")
            })?;
            let prefix = prefix.unwrap_or_else(|| kind.prefix.clone());
            // What is shown must not give more of the secret away than the kind, or the system it comes from, allows.
            let rest = prefix.strip_prefix(kind.prefix.as_str());
            let shown = rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            if !public(&prefix) && (!shown || prefix.len() > kind.display_length()) {
                let length = kind.display_length();
                let allowed = format!("must begin with {} and have at most {length} characters", kind.prefix);
                return Err(Problem::field("prefix", allowed).into());
            }
            Ok((ProofKind::Bearer { digest }, digest_name(&digest), prefix))
        }
        (None, Some(bcrypt)) => {
            let hash: Bcrypt =
                bcrypt.parse().map_err(|error: TokenError| Problem::field("bcrypt", error.to_string()))?;
            let prefix = prefix.filter(|prefix| public(prefix)).ok_or_else(|| {
                Problem::field("prefix", "must be the public prefix of the secret, such as hg_pat_ and 3 digits more")
            })?;
            let key = candidate_key(&prefix, &hash);
            Ok((ProofKind::Bcrypt { hash }, key, prefix))
        }
        (Some(_), Some(_)) => Err(Problem::field("bcrypt", "one hash is enough: leave this one out").into()),
        (None, None) => Err(Problem::field("sha256", "is required, or bcrypt in its place").into()),
    }
}

/// Says which entry a fault is in.
fn at(index: usize, failure: Failure) -> Failure {
    match failure {
        Failure::Problem(problem) if problem.code == Code::InvalidRequest => {
            let named = |error: &FieldError| FieldError {
                field: format!("tokens[{index}].{}", error.field),
                message: error.message.clone(),
            };
            Problem { errors: problem.errors.iter().map(named).collect(), ..*problem }.into()
        }
        other => other,
    }
}
