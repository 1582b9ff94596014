//! The rules of the built-in profiles, one table each, and what holds between people.

mod people;
mod systems;
mod widen;

use crate::id::MemberId;
use crate::policy::*;
use crate::problem::{Code, Problem};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const DAY: i64 = 86_400;

fn profile(name: &str) -> Profile {
    Profile::parse(builtin(name).unwrap()).unwrap()
}

fn member(number: u8) -> MemberId {
    MemberId::new(NOW, &[number; 10])
}

/// A member at the console.
fn session(profile: &Profile, role: &str) -> Actor {
    let role = profile.role(role).unwrap();
    Actor {
        member: Some(member(1)),
        token: None,
        role: Some(role.name.clone()),
        granted: GrantSet::all(),
        effective: role.grants(),
    }
}

/// The same member with a token.
fn with_scopes(profile: &Profile, role: &str, kind: &str, scopes: &[&str]) -> Actor {
    let chosen = profile.choose(profile.kind(kind).unwrap(), &scopes_asked(scopes)).unwrap();
    Actor {
        granted: profile.granted(&chosen),
        effective: profile.effective(profile.kind(kind).unwrap(), &chosen, Some(role)),
        ..session(profile, role)
    }
}

fn scopes_asked(scopes: &[&str]) -> Asked {
    Asked { scopes: Some(scopes.iter().map(ToString::to_string).collect()), ..Asked::default() }
}

fn permissions_asked(permissions: &[&str]) -> Asked {
    Asked { permissions: Some(permissions.iter().map(ToString::to_string).collect()), ..Asked::default() }
}

fn role_asked(role: &str) -> Asked {
    Asked { role: Some(role.to_owned()), ..Asked::default() }
}

fn grants_asked(grants: &[(&str, &str)]) -> Asked {
    let grant = |(permission, resource): &(&str, &str)| AskedGrant {
        permission: (*permission).to_owned(),
        resource: (*resource).to_owned(),
    };
    Asked { grants: Some(grants.iter().map(grant).collect()), ..Asked::default() }
}

fn creation(asked: Asked) -> Creation {
    Creation {
        via: Via::Create,
        name: Some("name".to_owned()),
        description: None,
        asked,
        expires: ExpiryAsked::At(NOW.plus_seconds(DAY)),
        passphrase_chars: None,
        proof: Proof::Bearer,
        active: None,
        service: None,
    }
}

/// What comes of a creation by a member with this role, at the console: `ok`, the code, or the fields at fault.
fn create(profile: &Profile, kind: &str, role: &str, creation: &Creation) -> String {
    outcome(profile.approve(profile.kind(kind).unwrap(), &session(profile, role), creation, Some(role), NOW))
}

fn outcome<T>(result: Result<T, Problem>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(problem) if problem.code == Code::InvalidRequest => {
            problem.errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>().join(" ")
        }
        Err(problem) => problem.code.to_string(),
    }
}

fn state(chosen: Chosen) -> State {
    State {
        name: "name".to_owned(),
        description: None,
        chosen,
        expires_at: Some(NOW.plus_seconds(DAY)),
        issued_at: NOW,
        active: true,
        has_passphrase: false,
        service: None,
    }
}
