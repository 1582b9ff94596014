//! `/v1/invitations`: somebody is asked to become a member, by a link that is good once.
//!
//! The secret in the link has the form of a native token, so that it names its organisation: a made-up one leads
//! nowhere. Whoever accepts becomes a member as far as the inviter could still invite them.

use serde_json::json;
use symbolon::id::{InvitationId, MemberId, TokenId};
use symbolon::policy::{Actor, CeilingSource, GrantSet, Kind, Ownership, Product, Role};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::HttpRequest;
use symbolon::time::Timestamp;
use symbolon::token::{Digest, Format, RANDOM_LEN, SecretFormat};

use super::contract::{
    AcceptInvitation, AcceptedDocument, CreateInvitation, FirstSignInDocument, InvitationDocument, InvitedDocument,
    Page,
};
use super::make::{self, Making, Owner};
use super::members::{check_email, check_name, email_taken};
use super::{Held, Outcome, Until, body, document, reply};
use crate::organization::activity::{Action, Entry};
use crate::organization::console::recovery;
use crate::organization::failure::{Failure, Result};
use crate::organization::idempotency::{self, Made};
use crate::organization::member::{Member, Status};
use crate::organization::session::{Ready, Session};
use crate::organization::token::Token;
use crate::store::{Row, Store, Value};

/// How long a link is good, in seconds: a week.
const LIFE_SECONDS: i64 = 604_800;
/// What the secret of a link begins with.
const PREFIX: &str = "sym_inv_";
/// How many a list shows, and an organisation may have open.
const MAX_OPEN: u32 = 200;

const COLUMNS: &str = "id, email, role, created_at, expires_at, accepted_at, inviter";

/// Invites somebody.
pub(crate) fn create<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::MembersInvite)?;
    let asked: CreateInvitation = body::read(session.request)?;
    if let Some(outcome) = idempotency::repeated(session, None)? {
        return Ok(outcome);
    }
    let email = check_email(&asked.email)?;
    let profile = session.profile.clone();
    let role = profile.may_set_role(&session.actor, &asked.role)?.to_string();
    let now = session.context.now;
    let taken = "SELECT 1 FROM member WHERE email = ?1 AND status <> 'removed'";
    if !session.store.execute(taken, &[(&email).into()])?.is_empty() {
        return Err(email_taken());
    }
    session.store.execute("DELETE FROM invitation WHERE accepted_at IS NULL AND expires_at <= ?1", &[now.into()])?;
    let open = session.store.execute("SELECT count(*) FROM invitation WHERE accepted_at IS NULL", &[])?;
    if open.first().map_or(Ok(0), |row| row.get::<u32>(0))? >= MAX_OPEN {
        return Err(Problem::new(Code::Conflict).detail(format!("At most {MAX_OPEN} invitations are open.")).into());
    }
    let random: [u8; RANDOM_LEN] = session.context.random();
    let instance = session.instance_secret()?;
    let secret = Format::new(PREFIX, SecretFormat::Native)
        .and_then(|format| format.generate(&session.head.short_id, &instance, &random))
        .map_err(|_| Failure::Broken("an invitation's secret cannot be made"))?;
    let id = InvitationId::new(now, &session.context.random());
    let invitation = InvitationDocument {
        id,
        email,
        role,
        status: "open",
        created_at: now,
        expires_at: now.plus_seconds(LIFE_SECONDS),
    };
    let inviter = session.acting();
    session.change(|change| {
        change.store.execute(
            "INSERT INTO invitation (id, digest, inviter, email, role, created_at, expires_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                Value::text(&id),
                Value::text(&secret.digest()),
                Value::text(&inviter),
                (&invitation.email).into(),
                (&invitation.role).into(),
                now.into(),
                invitation.expires_at.into(),
            ],
        )?;
        let details = json!({ "invitation": id, "email": invitation.email, "role": invitation.role });
        change.log(&Entry { action: Action::InvitationCreate, token: None, member: None, details })
    })?;
    idempotency::remember(session, &Made::Invitation(id))?;
    // In the fragment, which no browser sends to a server.
    let link = format!("{}/invitations/{id}#{}", session.request.origin, secret.expose());
    reply(201, &InvitedDocument { invitation, secret: Some(secret.expose().to_owned()), link: Some(link) })
}

/// The invitations that are open or were accepted, the newest first.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::MembersInvite)?;
    let sql = format!("SELECT {COLUMNS} FROM invitation ORDER BY created_at DESC, id DESC LIMIT ?1");
    let rows = session.store.execute(&sql, &[MAX_OPEN.into()])?;
    let items = rows.iter().map(|row| Ok(read(row, session.context.now)?.0)).collect::<Result<Vec<_>>>()?;
    reply(200, &Page { items, next_cursor: None })
}

/// An invitation as it is now, without its secret.
///
/// # Errors
/// `not_found`: it was open for too long.
pub(crate) fn shown<S: Store>(session: &Session<'_, '_, S>, id: InvitationId) -> Result<InvitationDocument> {
    let rows =
        session.store.execute(&format!("SELECT {COLUMNS} FROM invitation WHERE id = ?1"), &[Value::text(&id)])?;
    Ok(read(rows.first().ok_or(Code::NotFound)?, session.context.now)?.0)
}

/// Withdraws an invitation that nobody has accepted: its link leads nowhere any more.
pub(crate) fn revoke<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    session.actor.needs(Product::MembersInvite)?;
    let id: InvitationId = id.parse().map_err(|_| Code::NotFound)?;
    let sql = format!("SELECT {COLUMNS} FROM invitation WHERE id = ?1 AND accepted_at IS NULL");
    let rows = session.store.execute(&sql, &[Value::text(&id)])?;
    let (mut invitation, _) = read(rows.first().ok_or(Code::NotFound)?, session.context.now)?;
    session.change(|change| {
        change.store.execute("DELETE FROM invitation WHERE id = ?1", &[Value::text(&id)])?;
        let details = json!({ "invitation": id, "email": invitation.email, "role": invitation.role });
        change.log(&Entry { action: Action::InvitationRevoke, token: None, member: None, details })
    })?;
    invitation.status = "revoked";
    reply(200, &invitation)
}

/// The open invitation whose secret is in the body, and the token with which it was made.
///
/// # Errors
/// `not_found`: there is none, or not any more; nothing else is told.
pub(crate) fn find<S: Store>(store: &S, now: Timestamp, request: &HttpRequest) -> Result<(InvitationId, TokenId)> {
    let asked: AcceptInvitation = body::read(request)?;
    let id = request.path.strip_prefix("/v1/invitations/").and_then(|rest| rest.strip_suffix("/accept"));
    let id: InvitationId = id.and_then(|id| id.parse().ok()).ok_or(Code::NotFound)?;
    let rows = store.execute(
        "SELECT digest, inviter FROM invitation WHERE id = ?1 AND accepted_at IS NULL AND expires_at > ?2",
        &[Value::text(&id), now.into()],
    )?;
    let row = rows.first().ok_or(Code::NotFound)?;
    let digest: Digest = row.parsed(0)?;
    if digest.matches(&Digest::of(&asked.secret)) { Ok((id, row.parsed(1)?)) } else { Err(Code::NotFound.into()) }
}

/// Makes a member of whoever accepts, with a first token where the profile lets their role have one, else with recovery
/// codes, to sign in and make a passkey.
pub(crate) fn accept<S: Store>(
    session: &mut Session<'_, '_, S>,
    id: InvitationId,
    ready: Option<Ready>,
) -> Result<Outcome> {
    let asked: AcceptInvitation = body::read(session.request)?;
    let now = session.context.now;
    let (found, _) = find(session.store, now, session.request)?;
    if found != id {
        return Err(Code::NotFound.into());
    }
    let rows =
        session.store.execute(&format!("SELECT {COLUMNS} FROM invitation WHERE id = ?1"), &[Value::text(&id)])?;
    let (invitation, _) = read(rows.first().ok_or(Code::NotFound)?, now)?;
    // The inviter must still be one who could invite.
    session.actor.needs(Product::MembersInvite)?;
    let profile = session.profile.clone();
    profile.may_set_role(&session.actor, &invitation.role)?;
    let role = profile.role(&invitation.role).ok_or(Failure::Broken("an invitation names a role that is not there"))?;
    let member = Member {
        id: MemberId::new(now, &session.context.random()),
        name: check_name(&asked.name)?,
        email: invitation.email,
        role: invitation.role,
        status: Status::Active,
        created_at: now,
    };
    let kind = first_kind(&profile, &member, role);
    let creation =
        kind.map(|kind| make::creation(kind, kind.setup.as_ref().or(kind.login.as_ref()), Some("first".into()), now));
    // It inherits the member's role, and no credential is there yet that could have less: as when one is founded.
    let unbounded = Actor { effective: GrantSet::all(), ..actor(&member, role) };
    let owner = Owner { member: Some(member.id), role: Some(role.name.as_str()), actor: unbounded };
    let details = json!({ "invitation": id });
    if let (Some(kind), Some(creation), None) = (kind, &creation, &ready)
        && kind.format != SecretFormat::Native
    {
        // Nothing is written until the secret's names are held.
        return match make::token_for(session, kind, creation, &owner, None, &details, None)? {
            Making::First(ready) => Ok(Outcome::Claim(ready)),
            Making::Made { .. } => Err(Failure::Broken("a secret was not claimed")),
        };
    }
    // The inviter was asked; what is done now is the new member's own doing.
    session.who.token = None;
    session.who.member = Some(member.id);
    let inviter = session.acting();
    let (recovery_codes, _) = session.change(|change| {
        if !member.insert(change.store)? {
            return Err(email_taken());
        }
        change
            .store
            .execute("UPDATE invitation SET accepted_at = ?2 WHERE id = ?1", &[Value::text(&id), now.into()])?;
        let details = json!({ "invitation": id, "inviter": inviter, "email": member.email, "role": member.role });
        change.log(&Entry::member(Action::InvitationAccept, member.id, details))?;
        // Without a token there would be no way in for whoever has no account at a provider.
        if kind.is_none() { recovery::renew(change.store, change.context, member.id).map(Some) } else { Ok(None) }
    })?;
    let mut answer = AcceptedDocument {
        member: document::member(&member),
        token: None,
        secret: None,
        sign_in: recovery_codes
            .map(|recovery_codes| FirstSignInDocument { organization: session.head.slug.clone(), recovery_codes }),
    };
    if let (Some(kind), Some(creation)) = (kind, &creation) {
        match make::token_for(session, kind, creation, &owner, None, &details, ready)? {
            Making::First(_) => return Err(Failure::Broken("a secret was claimed twice")),
            Making::Made { id, secret } => {
                session.store.execute("INSERT INTO first_token (token) VALUES (?1)", &[Value::text(&id)])?;
                let token = Token::find(session.store, now, id)?;
                answer.token = token.map(|token| document::token(&token, &profile)).transpose()?;
                answer.secret = Some(secret.expose().to_owned());
            }
        }
    }
    Ok(Outcome::Held(Held {
        until: Until::Created,
        tells: false,
        eventual: false,
        status: 201,
        headers: Vec::new(),
        document: super::value(&answer)?,
    }))
}

/// The kind of a new member's first token: what setup makes, or else a login, where it is a member's own, bounded by
/// their role, and their role may have it.
fn first_kind<'p>(profile: &'p symbolon::policy::Profile, member: &Member, role: &Role) -> Option<&'p Kind> {
    let own = |kind: &&Kind| {
        kind.owner == Ownership::Member
            && kind.ceiling == CeilingSource::OwnerRole
            && kind.may_create(&actor(member, role), &kind.verbs.create).is_ok()
    };
    [profile.setup_kind(), profile.login_kind()].into_iter().flatten().find(own)
}

fn actor(member: &Member, role: &Role) -> Actor {
    Actor {
        member: Some(member.id),
        token: None,
        role: Some(role.name.clone()),
        granted: GrantSet::all(),
        effective: role.grants(),
    }
}

fn read(row: &Row, now: Timestamp) -> Result<(InvitationDocument, TokenId)> {
    let accepted: Option<Timestamp> = row.get(5)?;
    let expires_at: Timestamp = row.get(4)?;
    let invitation = InvitationDocument {
        id: row.parsed(0)?,
        email: row.get(1)?,
        role: row.get(2)?,
        status: match accepted {
            Some(_) => "accepted",
            None if now >= expires_at => "expired",
            None => "open",
        },
        created_at: row.get(3)?,
        expires_at,
    };
    Ok((invitation, row.parsed(6)?))
}
