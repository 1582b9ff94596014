//! `/v1/identities`: who a member is at the provider of identities; and `/v1/sign-in`: how the organisation's members
//! sign in.

use serde_json::json;
use symbolon::id::{IdentityId, MemberId};
use symbolon::policy::Product;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::identity::{Errand, Permitted};

use super::contract::{BeginVisit, IdentityDocument, Page, ReplaceSignIn, SignInDocument};
use super::sessions::{console, no_token_where_a_person_signs_in, own, own_ways};
use super::{Outcome, body, reply};
use crate::organization::activity::{Action, Entry};
use crate::organization::console::identity::Linked;
use crate::organization::console::passkey::Passkey;
use crate::organization::failure::{Failure, Result};
use crate::organization::session::Session;
use crate::store::{Store, Value};

/// A member's own.
pub(crate) fn list<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let member = own(session)?.id;
    let items = Linked::of(session.store, member)?.iter().map(describe).collect();
    reply(200, &Page::<IdentityDocument> { items, next_cursor: None })
}

/// Lets a member go to the provider, to sign in that way from then on. The answer is for the gate, which makes the
/// address out of it.
pub(crate) fn begin<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let member = own_ways(session)?.id;
    let asked: BeginVisit = body::read(session.request)?;
    let errand = Errand::Link { organization: session.head.short_id, member };
    reply(200, &Permitted { errand, next: asked.next })
}

/// Lets a member without a passkey go to the provider, to show themselves anew.
pub(crate) fn begin_confirm<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    let console = console(session)?;
    let asked: BeginVisit = body::read(session.request)?;
    if confirms_with(session.store, console.member)? != Some("oidc") {
        let detail = "Members confirm at the provider where they have linked an identity, and have no passkey.";
        return Err(Problem::new(Code::Conflict).detail(detail).into());
    }
    let errand = Errand::Confirm { organization: session.head.short_id, session: console.id };
    reply(200, &Permitted { errand, next: asked.next })
}

/// With what a member's session becomes fresh again. A passkey, where there is one: nothing weaker replaces it.
pub(crate) fn confirms_with<S: Store>(store: &S, member: MemberId) -> Result<Option<&'static str>> {
    if !Passkey::of(store, member)?.is_empty() {
        return Ok(Some("passkey"));
    }
    Ok((!Linked::of(store, member)?.is_empty()).then_some("oidc"))
}

/// Removes an identity, and ends the sessions that it began, but for the one in use.
pub(crate) fn remove<S: Store>(session: &mut Session<'_, '_, S>, id: &str) -> Result<Outcome> {
    let member = own_ways(session)?.id;
    let id: IdentityId = id.parse().map_err(|_| Code::NotFound)?;
    let linked = Linked::of(session.store, member)?.into_iter().find(|linked| linked.id == id);
    let linked = linked.ok_or(Code::NotFound)?;
    let current = session.console.as_ref().map(|console| console.id.to_string()).unwrap_or_default();
    session.change(|change| {
        change.store.execute("DELETE FROM identity WHERE id = ?1", &[Value::text(&id)])?;
        change.store.execute(
            "DELETE FROM console_session WHERE identity = ?1 AND id <> ?2",
            &[Value::text(&id), current.into()],
        )?;
        let details = json!({ "identity": id, "issuer": linked.issuer, "email": linked.email });
        change.log(&Entry::member(Action::IdentityRemove, member, details))
    })?;
    reply(200, &describe(&linked))
}

/// How members sign in.
pub(crate) fn read_sign_in<S: Store>(session: &Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ProfileView)?;
    reply(200, &SignInDocument { link_by_email: session.head.link_by_email })
}

/// Says how members sign in. Going by addresses lets the provider speak for every member, the owners among them: whoever
/// says so must be able to make somebody an owner.
pub(crate) fn replace_sign_in<S: Store>(session: &mut Session<'_, '_, S>) -> Result<Outcome> {
    session.actor.needs(Product::ProfileEdit)?;
    let asked: ReplaceSignIn = body::read(session.request)?;
    let owner = session.profile.owner_role().ok_or(Failure::Broken("a profile has no roles"))?;
    if asked.link_by_email {
        no_token_where_a_person_signs_in(session)?;
        session.profile.may_set_role(&session.actor, owner.name.as_str())?;
    }
    if asked.link_by_email != session.head.link_by_email {
        session.change(|change| {
            let value = u32::from(asked.link_by_email);
            change.store.execute("UPDATE organization SET link_by_email = ?1", &[value.into()])?;
            let details = json!({ "link_by_email": asked.link_by_email });
            change.log(&Entry { action: Action::SignInEdit, token: None, member: None, details })
        })?;
    }
    reply(200, &SignInDocument { link_by_email: asked.link_by_email })
}

fn describe(linked: &Linked) -> IdentityDocument {
    IdentityDocument {
        id: linked.id,
        issuer: linked.issuer.clone(),
        email: linked.email.clone(),
        created_at: linked.created_at,
        last_used_at: linked.last_used_at,
    }
}
