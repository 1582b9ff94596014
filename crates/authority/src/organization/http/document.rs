//! From stored things to the documents that clients get.

use symbolon::policy::{Count, Profile};

use super::contract::{
    CreatorDocument, MemberDocument, MemberReference, OrganizationDocument, OwnerDocument, TokenDocument,
};
use crate::organization::failure::Result;
use crate::organization::head::Head;
use crate::organization::member::Member;
use crate::organization::token::Token;

/// A token, without anything secret.
pub(crate) fn token(token: &Token, profile: &Profile) -> Result<TokenDocument> {
    let counts = token.kind_or_gone(profile)?.map(|kind| kind.counts.as_slice()).unwrap_or_default();
    let uses = counts.contains(&Count::UseCount);
    let last = counts.contains(&Count::LastUsed);
    let creator = token.created_by_member.as_ref().map(|(id, name)| MemberReference { id: *id, name: name.clone() });
    Ok(TokenDocument {
        id: token.id,
        kind: token.kind.clone(),
        name: token.name.clone(),
        description: token.description.clone(),
        prefix: token.prefix.clone(),
        owner: match &token.owner {
            Some(owner) => OwnerDocument::Member { id: owner.id, name: owner.name.clone() },
            None => OwnerDocument::Organization,
        },
        created_by: (creator.is_some() || token.created_by_token.is_some())
            .then_some(CreatorDocument { member: creator, token: token.created_by_token }),
        scopes: token.chosen.scopes.clone(),
        permissions: token.chosen.permissions.clone(),
        grants: token.chosen.grants.clone(),
        role: token.role().map(str::to_owned),
        service: token.service.clone(),
        fingerprint: token.fingerprint.clone(),
        has_passphrase: token.passphrase.is_some(),
        status: token.status.clone(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        not_before: token.not_before,
        revoked_at: token.revoked_at,
        last_used_at: token.last_used_at.filter(|_| last),
        last_used_ip: token.last_used_ip.clone().filter(|_| last),
        last_used_agent: token.last_used_agent.clone().filter(|_| last),
        use_count: uses.then_some(token.use_count),
    })
}

/// A member.
pub(crate) fn member(member: &Member) -> MemberDocument {
    MemberDocument {
        id: member.id,
        name: member.name.clone(),
        email: member.email.clone(),
        role: member.role.clone(),
        status: member.status,
        created_at: member.created_at,
    }
}

/// The organisation.
pub(crate) fn organization(head: &Head) -> OrganizationDocument {
    OrganizationDocument {
        id: head.id,
        slug: head.slug.clone(),
        name: head.name.clone(),
        short_id: head.short_id.to_string(),
        profile: head.profile_name.clone(),
        created_at: head.created_at,
    }
}
