//! `/v1/members`: who takes part, in which role.

use serde_json::json;
use symbolon::id::MemberId;
use symbolon::policy::{Name, Product, Shift};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Epoch;

use super::contract::{CreateMember, EditMember, MemberDocument, Page};
use super::query::{Cursor, Place, Query, parameters};
use super::{Held, Outcome, Until, body, document, reply};
use crate::organization::activity::{Action, Entry};
use crate::organization::console;
use crate::organization::failure::{Failure, Result};
use crate::organization::idempotency::{self, Made};
use crate::organization::member::{COLUMNS, Member, Status};
use crate::organization::session::Session;
use crate::store::{Store, Value};

/// The longest name, in characters.
const MAX_NAME: usize = 255;
/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
const MAX_EMAIL: usize = 254;

parameters! {
    /// Which members a list has.
    pub(crate) struct Parameters {
        /// Stands in the name or the address, in letters of either case.
        q: text(),
        /// The name of a role.
        role: text(),
        /// What they are; all but those who were removed where nothing is said.
        status: one_of(&["active", "suspended", "removed"]),
        /// How many a page has at most.
        limit: limit(),
        /// The `next_cursor` of the page before.
        cursor: text(),
    }
}

/// The members, by name.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::MembersView)?;
    let query = Query::read(session.request, Parameters::NAMES)?;
    let limit = query.limit()?;
    let mut sql = format!("SELECT {COLUMNS} FROM member WHERE TRUE");
    let mut parameters: Vec<Value> = Vec::new();
    let mut condition = |make: &dyn Fn(usize) -> String, values: Vec<Value>| {
        let first = parameters.len().saturating_add(1);
        parameters.extend(values);
        sql.push_str(&make(first));
    };
    if let Some(role) = query.get("role") {
        condition(&|n| format!(" AND role = ?{n}"), vec![role.into()]);
    }
    if let Some(status) = query.get("status") {
        status.parse::<Status>().map_err(|()| Problem::field("status", "must be active, suspended or removed"))?;
        condition(&|n| format!(" AND status = ?{n}"), vec![status.into()]);
    } else {
        condition(&|_| " AND status <> 'removed'".into(), Vec::new());
    }
    if let Some(text) = query.get("q") {
        condition(
            &|n| format!(" AND (instr(lower(name), lower(?{n})) > 0 OR instr(lower(email), lower(?{n})) > 0)"),
            vec![text.into()],
        );
    }
    if let Some(Cursor { at: Place::Text(name), id, .. }) = query.cursor("name")? {
        condition(&|n| format!(" AND (name, id) > (?{n}, ?{})", n.saturating_add(1)), vec![name.into(), id.into()]);
    }
    condition(&|n| format!(" ORDER BY name, id LIMIT ?{n}"), vec![limit.saturating_add(1).into()]);
    let rows = session.store.execute(&sql, &parameters)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let members = rows.iter().take(limit).map(Member::read).collect::<Result<Vec<_>>>()?;
    let next_cursor = match members.last() {
        Some(last) if rows.len() > limit => {
            Cursor { sort: "name".into(), at: Place::Text(last.name.clone()), id: last.id.to_string() }.print()
        }
        _ => None,
    };
    let items = members.iter().map(document::member).collect();
    reply(200, &Page::<MemberDocument> { items, next_cursor })
}

/// Takes a member in.
pub(crate) fn create<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::MembersInvite)?;
    let asked: CreateMember = body::read(session.request)?;
    if let Some(outcome) = idempotency::repeated(session, None)? {
        return Ok(outcome);
    }
    let name = check_name(&asked.name)?;
    let email = check_email(&asked.email)?;
    let profile = session.profile.clone();
    let role = profile.may_set_role(&session.actor, &asked.role)?;
    let now = session.context.now;
    let member = Member {
        id: MemberId::new(now, &session.context.random()),
        name,
        email,
        role: role.to_string(),
        status: Status::Active,
        created_at: now,
    };
    session.change(|change| {
        if !member.insert(change.store)? {
            return Err(email_taken());
        }
        let details = json!({ "name": member.name, "email": member.email, "role": member.role });
        change.log(&Entry::member(Action::MemberCreate, member.id, details))
    })?;
    idempotency::remember(session, &Made::Member(member.id))?;
    reply(201, &document::member(&member))
}

/// Changes a member's name, address, role or status.
pub(crate) fn edit<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    session.actor.needs(Product::MembersEdit)?;
    let asked: EditMember = body::read(session.request)?;
    let before = find(session, id)?;
    if before.status == Status::Removed {
        return Err(Problem::new(Code::Conflict).detail("The member was removed. Invite them again.").into());
    }
    let profile = session.profile.clone();
    profile.may_manage_member(&session.actor, &role_name(&before)?)?;
    let mut after = before.clone();
    if let Some(name) = &asked.name {
        after.name = check_name(name)?;
    }
    if let Some(email) = &asked.email {
        after.email = check_email(email)?;
    }
    if let Some(role) = asked.role.as_ref().filter(|role| **role != before.role) {
        after.role = profile.may_set_role(&session.actor, role)?.to_string();
    }
    match asked.status {
        Some(Status::Removed) => {
            return Err(Problem::field("status", "must be active or suspended; DELETE removes a member").into());
        }
        Some(status) => after.status = status,
        None => {}
    }
    if before.status != Status::Active && after.status == Status::Active {
        // Every token of theirs wakes up: that widens as much as taking them in does.
        profile.may_set_role(&session.actor, &after.role)?;
    }
    if after == before {
        return held(session, &after, Until::NarrowedBefore(changed(session.store, after.id)?));
    }
    let active = |member: &Member| member.status == Status::Active;
    let shift = profile
        .role_shift(&before.role, &after.role)
        .and(Shift { narrows: active(&before) && !active(&after), widens: !active(&before) && active(&after) });
    write(session, Action::MemberEdit, &before, &after)?;
    held(session, &after, if shift.narrows { Until::Narrowed } else { Until::Nothing })
}

/// Removes a member; every token of theirs stops.
pub(crate) fn remove<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    session.actor.needs(Product::MembersRemove)?;
    let before = find(session, id)?;
    let profile = session.profile.clone();
    profile.may_manage_member(&session.actor, &role_name(&before)?)?;
    let after = Member { status: Status::Removed, ..before.clone() };
    if after == before {
        return held(session, &after, Until::NarrowedBefore(changed(session.store, after.id)?));
    }
    write(session, Action::MemberRemove, &before, &after)?;
    held(session, &after, Until::Narrowed)
}

fn write<S: Store>(session: &mut Session<'_, '_, S>, action: Action, before: &Member, after: &Member) -> Result<()> {
    let profile = session.profile.clone();
    // Whoever edits members could otherwise have the provider take somebody of their own for one of them.
    let by_others = session.console.as_ref().is_none_or(|console| console.member != after.id);
    session.change(|change| {
        if before.email != after.email {
            let others = change.store.execute(
                "SELECT 1 FROM member WHERE email = ?1 AND status <> 'removed' AND id <> ?2",
                &[(&after.email).into(), Value::text(&after.id)],
            )?;
            if !others.is_empty() {
                return Err(email_taken());
            }
            change.store.execute(
                "UPDATE member SET readdressed = ?2 WHERE id = ?1",
                &[Value::text(&after.id), by_others.into()],
            )?;
        }
        change.store.execute(
            "UPDATE member SET name = ?2, email = ?3, role = ?4, status = ?5 WHERE id = ?1",
            &[
                Value::text(&after.id),
                (&after.name).into(),
                (&after.email).into(),
                (&after.role).into(),
                after.status.as_str().into(),
            ],
        )?;
        let rows = change.store.execute("SELECT role, status = 'active' FROM member", &[])?;
        let members = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<Vec<(String, bool)>>>()?;
        profile.keeps_owner(members.iter().map(|(role, active)| (role.as_str(), *active)))?;
        if after.status == Status::Removed {
            console::forget(change.store, after.id)?;
        } else if after.status != Status::Active {
            console::end_all(change.store, after.id)?;
        }
        change.touch_owner(after.id)?;
        let details = json!({
            "name": after.name, "email": after.email, "role": after.role, "status": after.status,
            "role_before": before.role, "status_before": before.status,
        });
        change.log(&Entry::member(action, after.id, details))
    })?;
    Ok(())
}

fn held<S: Store>(session: &Session<'_, '_, S>, member: &Member, until: Until) -> Result<Outcome> {
    // Tokens of the member may be of several kinds; where one is `eventual`, nobody can say when it holds everywhere.
    let of_kind = session.profile.kinds().iter().any(|kind| {
        kind.freshness == symbolon::policy::Freshness::Eventual && kind.owner == symbolon::policy::Ownership::Member
    });
    let eventual = of_kind
        || !session
            .store
            .execute("SELECT 1 FROM token WHERE owner = ?1 AND eventual = 1 LIMIT 1", &[Value::text(&member.id)])?
            .is_empty();
    Ok(Outcome::Held(Held {
        until,
        tells: true,
        eventual,
        status: 200,
        headers: Vec::new(),
        document: super::value(&document::member(member))?,
    }))
}

/// The newest change that an edge may not know of: every change to a member makes a new version of all that is theirs.
fn changed<S: Store>(store: &S, member: MemberId) -> Result<Epoch> {
    let rows = store.execute("SELECT MAX(version) FROM token WHERE owner = ?1", &[Value::text(&member)])?;
    let newest: Option<u64> = rows.first().map_or(Ok(None), |row| row.get(0))?;
    Ok(newest.map_or(Epoch::ZERO, Epoch::new))
}

fn find<S: Store>(session: &Session<'_, '_, S>, id: &str) -> Result<Member> {
    let id: MemberId = id.parse().map_err(|_| Code::NotFound)?;
    Ok(Member::find(session.store, id)?.ok_or(Code::NotFound)?)
}

fn role_name(member: &Member) -> Result<Name> {
    member.role.parse().map_err(|_| Failure::Broken("a member's role is no name"))
}

pub(crate) fn email_taken() -> Failure {
    Problem::new(Code::Conflict).detail("Another member has this address.").into()
}

/// A name for people: 1 to 255 characters, none of them a control character.
pub(crate) fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    let good = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if good {
        Ok(name.to_owned())
    } else {
        Err(Problem::field("name", format!("must have 1 to {MAX_NAME} characters, no control characters")).into())
    }
}

/// A mail address, as far as its form can tell. Kept in lower case, so that it names one person.
pub(crate) fn check_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let good = email.len() <= MAX_EMAIL
        && !email.chars().any(|c| c.is_control() || c.is_whitespace())
        && email.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if good { Ok(email) } else { Err(Problem::field("email", "must be a mail address").into()) }
}
