//! Changes to an organisation, as calls of the management interface.

use serde_json::{Value as Json, json};
use symbolon::id::TokenId;
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use crate::event::Event;
use crate::template::{MANAGEMENT, Made, Means};
use crate::truth::Need;
use crate::workload::{Credential, Work, nothing};
use crate::world::World;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A token ends.
    Revoke(TokenId),
    /// A token is switched off or on.
    Activate(TokenId, bool),
    /// A token may read, or write as well.
    Scope(TokenId, &'static str),
    /// A token ends in so many seconds.
    Expire(TokenId, i64),
    /// A token gets another name, which nothing depends on.
    Rename(TokenId),
    /// A token gets a new secret; the old one lives for so many seconds.
    Rotate(TokenId, u32),
    /// A new token.
    Create,
    /// A token with a secret of before, by that secret's number: it was presented when nobody had it.
    Import(usize),
    /// A member gets a role.
    Role(usize, &'static str),
    /// A member is suspended, or not any more.
    Suspend(usize, bool),
    /// The organisation's leases and `stale_for`: milliseconds and seconds.
    Terms(u64, u64),
}

impl Change {
    /// Whether sending it twice is the same as once.
    pub(crate) const fn can_be_repeated(&self) -> bool {
        !matches!(self, Self::Create | Self::Import(_) | Self::Rotate(..))
    }

    /// Which token it is made to.
    pub(crate) const fn token(&self) -> Option<&TokenId> {
        match self {
            Self::Revoke(id)
            | Self::Activate(id, _)
            | Self::Scope(id, _)
            | Self::Expire(id, _)
            | Self::Rotate(id, _) => Some(id),
            _ => None,
        }
    }

    /// Whether it may take something away, so that it must hold everywhere once it has returned.
    pub(crate) fn holds_when_it_returns(&self) -> bool {
        match self {
            Self::Revoke(_) | Self::Expire(..) | Self::Terms(..) => true,
            Self::Activate(_, on) => !on,
            Self::Scope(_, scope) => *scope == "read",
            Self::Rotate(_, grace) => *grace == 0,
            Self::Role(_, role) => *role == "viewer",
            Self::Suspend(_, suspended) => *suspended,
            Self::Create | Self::Import(_) | Self::Rename(_) => false,
        }
    }
}

impl World {
    /// A change to something that is in use.
    pub(crate) fn any_change(&mut self) -> (usize, Change) {
        let credential = self.rng.usize(0..self.workload.credentials.len());
        let Credential { organization, token, member, means, .. } = self.workload.credentials[credential].clone();
        let rng = &mut self.rng;
        let change = match (rng.u8(0..20), member) {
            (0..=2, _) => Change::Revoke(token),
            (3..=5, _) => Change::Activate(token, rng.bool()),
            (6..=8, _) => Change::Scope(token, if rng.bool() { "read" } else { "write" }),
            (9, _) => Change::Expire(token, rng.i64(25..=60)),
            (10, _) => Change::Rename(token),
            (11, _) => Change::Create,
            (12, _) => match self.workload.stranger(organization) {
                Some(stranger) => return (organization, self.show_and_import(stranger)),
                None => Change::Create,
            },
            (13, _) => Change::Terms(rng.u64(0..=6) * 500, rng.u64(0..=3)),
            (14..=16, Some(member)) => Change::Role(member, if rng.bool() { "viewer" } else { "developer" }),
            (_, Some(member)) => Change::Suspend(member, rng.bool()),
            (_, None) if matches!(means, Means::Secret(_)) => {
                Change::Rotate(token, if rng.bool() { 0 } else { rng.u32(30..=60) })
            }
            (_, None) => Change::Activate(token, rng.bool()),
        };
        (organization, change)
    }

    /// Something is narrowed through the new instance, while some isolates go on asking the former one and using it.
    pub(crate) fn narrow_while_split(&mut self, organization: usize) {
        let secrets: Vec<usize> = (0..self.workload.credentials.len())
            .filter(|index| {
                let credential = &self.workload.credentials[*index];
                credential.organization == organization && matches!(credential.means, Means::Secret(_))
            })
            .collect();
        let Some(credential) = secrets.get(self.rng.usize(0..secrets.len().max(1))).copied() else { return };
        let token = self.workload.credentials[credential].token;
        let change = match self.rng.u8(0..3) {
            0 => Change::Scope(token, "read"),
            1 => Change::Revoke(token),
            _ => Change::Activate(token, false),
        };
        let (old, new) = (self.rng.usize(0..50) * 2, self.rng.usize(0..50) * 2 + 1);
        let at = self.rng.i64(0..=200);
        self.later(at, Event::Work(Work::Change { organization, change, edge: new }));
        for use_ in 0..40 {
            let at = use_ * 200 + self.rng.i64(0..200);
            self.later(at, Event::Work(Work::Use { credential, need: Need::Write, path: "/things", edge: old }));
        }
    }

    /// Somebody presents a secret that nobody has, so that isolates remember that; then it is brought in.
    fn show_and_import(&mut self, stranger: usize) -> Change {
        for _ in 0..self.rng.usize(1..=6) {
            let (edge, at) = (self.workload.busy_edge(&mut self.rng), self.rng.i64(0..=300));
            self.later(at, Event::Work(Work::Stranger { stranger, edge }));
        }
        Change::Import(stranger)
    }

    /// Method, URL and body.
    pub(crate) fn describe(&self, organization: usize, change: &Change) -> (&'static str, String, Json) {
        let token = |id: &TokenId, rest: &str| format!("{MANAGEMENT}/v1/tokens/{id}{rest}");
        let members = &self.template.organizations[organization].members;
        let member = |number: &usize| format!("{MANAGEMENT}/v1/members/{}", members[*number]);
        match change {
            Change::Revoke(id) => ("DELETE", token(id, ""), nothing()),
            Change::Activate(id, on) => ("PATCH", token(id, ""), json!({ "active": on })),
            Change::Scope(id, scope) => ("PATCH", token(id, ""), json!({ "scopes": [scope] })),
            Change::Expire(id, seconds) => {
                let end = Timestamp::from_millis(self.now).plus_seconds(*seconds).to_string();
                ("PATCH", token(id, ""), json!({ "expires_at": end }))
            }
            Change::Rename(id) => ("PATCH", token(id, ""), json!({ "name": format!("renamed at {}", self.now) })),
            Change::Rotate(id, grace) => ("POST", token(id, "/rotate"), json!({ "grace_seconds": grace })),
            Change::Create => {
                ("POST", format!("{MANAGEMENT}/v1/tokens"), json!({"kind": "key", "name": "new", "scopes": ["write"]}))
            }
            Change::Import(number) => {
                let sha256 = Digest::of(&self.workload.strangers[*number].secret).to_string();
                let token = json!({"kind": "key", "name": "imported", "scopes": ["write"], "sha256": sha256});
                ("POST", format!("{MANAGEMENT}/v1/tokens/import"), json!({ "tokens": [token] }))
            }
            Change::Role(number, role) => ("PATCH", member(number), json!({ "role": role })),
            Change::Suspend(number, suspended) => {
                ("PATCH", member(number), json!({ "status": if *suspended { "suspended" } else { "active" } }))
            }
            Change::Terms(lease, stale) => {
                let profile = self.template.organizations[organization].profile_with(*lease, *stale);
                ("PUT", format!("{MANAGEMENT}/v1/profile"), json!({ "profile": profile }))
            }
        }
    }

    /// What its asker learns from the answer; and which credentials it is about.
    pub(crate) fn changed(&mut self, organization: usize, change: &Change, document: &Json) -> Vec<usize> {
        let credentials = &mut self.workload.credentials;
        if let (Change::Create | Change::Rotate(..), Some(secret)) = (change, document["secret"].as_str()) {
            let id = document["token"]["id"].as_str().and_then(|id| id.parse().ok()).expect("a token's id");
            let rotated = |it: &&Credential| matches!(change, Change::Rotate(id, _) if *id == it.token);
            let eventual = credentials.iter().find(rotated).is_some_and(|it| it.eventual);
            let made = Made { id, means: Means::Secret(secret.to_owned()), member: None, eventual };
            credentials.push(Credential::of(organization, &made));
        }
        let mut imported = None;
        if let Change::Import(number) = change {
            let id: TokenId =
                document["tokens"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("a token's id");
            let secret = self.workload.strangers[*number].secret.clone();
            credentials.push(Credential::of(
                organization,
                &Made { id, means: Means::Secret(secret), member: None, eventual: false },
            ));
            imported = Some(id);
        }
        let about = |credential: &Credential| match change {
            Change::Revoke(id)
            | Change::Activate(id, _)
            | Change::Scope(id, _)
            | Change::Expire(id, _)
            | Change::Rename(id)
            | Change::Rotate(id, _) => credential.token == *id,
            Change::Role(member, _) | Change::Suspend(member, _) => credential.member == Some(*member),
            Change::Create => document["token"]["id"] == credential.token.to_string(),
            Change::Import(_) => Some(credential.token) == imported,
            Change::Terms(..) => false,
        };
        let mut found: Vec<usize> = (0..credentials.len())
            .filter(|index| credentials[*index].organization == organization && about(&credentials[*index]))
            .collect();
        self.rng.shuffle(&mut found);
        found.truncate(6);
        found
    }
}
