//! `symbolon whoami`.

use crate::args::Global;
use crate::contract::{Principal, WhoAmI};
use crate::failure::Failure;
use crate::output::Output;

use super::{client, may, or_none};

/// Says who the credential is.
///
/// # Errors
/// [`Failure`].
pub(crate) fn run(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let answer = client(global)?.get::<WhoAmI>("/v1/whoami")?;
    if output.is_json() {
        return output.document(&answer.raw);
    }
    let who = answer.read;
    let organization = &who.organization;
    let mut fields = vec![
        ("Organisation", format!("{} ({}, {})", organization.name, organization.slug, organization.short_id)),
        ("Profile", organization.profile.clone()),
        ("Acting", principal(&who.principal)),
        ("Token", format!("{} ({}, {})", who.token.name, who.token.kind, who.token.prefix)),
        ("Expires", or_none(who.token.expires_at)),
    ];
    fields.push(("May", may(&who.permissions, &who.grants)));
    output.fields(&fields)
}

/// Who acts, for people.
pub(crate) fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Member { name, email, role } => format!("{name} <{email}>, {role}"),
        Principal::Token { name } => format!("the organisation's token {name}"),
    }
}
