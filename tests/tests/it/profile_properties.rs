//! Replacing a profile: nobody comes to have what neither they had before nor the one who replaced it.

use std::fmt::Write as _;

use proptest::prelude::*;
use symbolon::id::MemberId;
use symbolon::policy::{Actor, Asked, AskedGrant, Chosen, GrantSet, Permission, Profile, Proof};
use symbolon::time::Timestamp;

/// What can be declared, and what can be granted of it; `a:r` and `a:w` have a family.
const DECLARABLE: &[&str] = &["a:r", "a:w", "b:r", "b:w"];
const GRANTABLE: &[&str] =
    &["a:r", "a:w", "b:r", "b:w", "a:*", "b:*", "*:r", "*:*", "tokens:*", "tokens:create", "profile:edit", "profile:*"];
/// All that there is to manage, and no more.
const MANAGES: &[&str] =
    &["tokens:*", "members:*", "activity:*", "profile:*", "routes:*", "organizations:*", "credentials:*"];
const ROLES: &[&str] = &["owner", "mid", "low"];
const SCOPES: &[&str] = &["s0", "s1", "s2"];

/// A profile's text, in the parts that are varied.
#[derive(Clone, Debug)]
struct Draft {
    declared: Vec<bool>,
    /// For each scope, which of [`GRANTABLE`] it permits.
    scopes: Vec<Vec<bool>>,
    /// For each role below the owner's, the same.
    roles: Vec<Vec<bool>>,
    /// For each of [`ROLES`].
    ranks: Vec<u16>,
    /// Whether the owner's permissions are listed, rather than `*:*`.
    owner_lists: bool,
    member_ceiling: usize,
    key_ceiling: usize,
    key_scopes: Vec<bool>,
}

impl Draft {
    fn text(&self) -> String {
        let list = |all: &[&str], on: &[bool]| {
            let named: Vec<String> =
                all.iter().zip(on).filter(|(_, on)| **on).map(|(text, _)| format!("{text:?}")).collect();
            format!("[{}]", named.join(", "))
        };
        let declared: Vec<&str> =
            DECLARABLE.iter().zip(&self.declared).filter(|(_, on)| **on).map(|(p, _)| *p).collect();
        let mut text = "name = \"varied\"\ntitle = \"Varied\"\n".to_owned();
        for resource in ["a", "b"] {
            let _ = writeln!(text, "[permissions.{resource}]");
            for permission in declared.iter().filter_map(|p| p.strip_prefix(&format!("{resource}:"))) {
                let _ = writeln!(text, "{permission} = \"It\"");
            }
        }
        let family: Vec<String> = declared.iter().filter(|p| p.starts_with('a')).map(|p| format!("{p:?}")).collect();
        let _ = writeln!(text, "[families.a]\ntitle = \"A\"\npermissions = [{}]", family.join(", "));
        for (name, on) in SCOPES.iter().zip(&self.scopes) {
            let _ = writeln!(text, "[scopes.{name}]\ntitle = \"S\"\npermissions = {}", list(GRANTABLE, on));
        }
        let owner: Vec<String> = declared.iter().chain(MANAGES).map(|p| format!("{p:?}")).collect();
        for (at, (name, rank)) in ROLES.iter().zip(&self.ranks).enumerate() {
            let permits = match at.checked_sub(1).and_then(|at| self.roles.get(at)) {
                None if self.owner_lists => format!("[{}]", owner.join(", ")),
                None => "[\"*:*\"]".to_owned(),
                Some(on) => list(GRANTABLE, on),
            };
            let _ = writeln!(text, "[roles.{name}]\ntitle = \"R\"\nrank = {rank}\npermissions = {permits}");
        }
        let ceiling = |which: usize| ["owner_role", "everything", "fixed_role"][which];
        let roles = |which: usize| if which == 2 { ", roles = [\"owner\", \"mid\", \"low\"]" } else { "" };
        let _ = writeln!(
            text,
            "[kinds.own]\ntitle = \"K\"\nprefix = \"o_\"\nproofs = [\"bearer\"]\nowner = \"member\"\nceiling = {:?}\n\
             grants = {{ scopes = [\"s0\", \"s1\", \"s2\"], permissions = [\"*:*\"]{} }}\nsetup = {{ scopes = [\"s0\"] }}",
            ceiling(self.member_ceiling),
            roles(self.member_ceiling),
        );
        let _ = writeln!(
            text,
            "[kinds.key]\ntitle = \"K\"\nprefix = \"k_\"\nproofs = [\"bearer\"]\nowner = \"organization\"\nceiling = {:?}\n\
             grants = {{ scopes = {}, permissions = [\"*:*\"], families = [\"a\"]{} }}\n\
             access = {{ see = [\"owner\"], manage = [\"owner\"] }}",
            ceiling(self.key_ceiling),
            list(SCOPES, &self.key_scopes),
            roles(self.key_ceiling),
        );
        text
    }

    fn profile(&self) -> Option<Profile> {
        Profile::parse(&self.text()).ok()
    }

    /// Turns one thing over.
    fn change(&mut self, (what, at, which): (usize, usize, usize)) {
        let flip = |list: &mut Vec<bool>| {
            if let Some(on) = list.get_mut(which % GRANTABLE.len()) {
                *on = !*on;
            }
        };
        match what {
            0 => self.scopes.get_mut(at).into_iter().for_each(flip),
            1 => self.roles.get_mut(at).into_iter().for_each(flip),
            2 => {
                // What is declared no longer is named no longer either.
                let at = which % DECLARABLE.len();
                self.declared[at] = !self.declared[at];
                for list in self.scopes.iter_mut().chain(&mut self.roles) {
                    list[at] &= self.declared[at];
                }
            }
            3 => self.ranks.get_mut(at).into_iter().for_each(|rank| *rank = [5, 15, 25, 35, 45][which % 5]),
            4 => self.owner_lists = !self.owner_lists,
            5 => self.member_ceiling = which % 3,
            6 => self.key_ceiling = which % 2 + 1,
            _ => flip(&mut self.key_scopes),
        }
    }
}

fn drafts() -> impl Strategy<Value = Draft> {
    let some = || proptest::collection::vec(proptest::bool::weighted(0.3), GRANTABLE.len());
    (
        proptest::collection::vec(proptest::bool::weighted(0.75), DECLARABLE.len()),
        proptest::collection::vec(some(), SCOPES.len()),
        proptest::collection::vec(some(), 2),
        any::<bool>(),
        0usize..3,
        1usize..3,
        proptest::collection::vec(any::<bool>(), SCOPES.len()),
    )
        .prop_map(|(declared, scopes, roles, owner_lists, member_ceiling, key_ceiling, key_scopes)| Draft {
            declared,
            scopes,
            roles,
            ranks: vec![40, 30, 20],
            owner_lists,
            member_ceiling,
            key_ceiling,
            key_scopes,
        })
        .prop_filter("is a profile", |draft| draft.profile().is_some())
}

/// Somebody, or something, that may do something.
#[derive(Clone, Debug)]
struct Holder {
    kind: Option<&'static str>,
    chosen: Chosen,
    role: &'static str,
}

impl Holder {
    fn effective(&self, profile: &Profile) -> GrantSet {
        match self.kind.map(|kind| profile.kind(kind).unwrap()) {
            None => profile.role(self.role).map(|role| role.grants()).unwrap_or_default(),
            Some(kind) => profile.effective(kind, &self.chosen, Some(self.role)),
        }
    }

    fn actor(&self, profile: &Profile) -> Actor {
        let member = Some(MemberId::new(Timestamp::from_seconds(0), &[1; 10]));
        let (member, role) = match self.kind {
            Some("key") => (None, self.chosen.role.clone()),
            _ => (member, Some(self.role.parse().unwrap())),
        };
        let granted = self.kind.map_or_else(GrantSet::all, |_| profile.granted(&self.chosen));
        Actor { member, token: None, role, granted, effective: self.effective(profile) }
    }

    fn fits(&self, old: &Profile, new: &Profile) -> bool {
        match self.kind {
            None => new.missing_for_member(self.role).is_none(),
            Some(kind) => new.missing_for_token(old, kind, Proof::Bearer, &self.chosen, None).is_empty(),
        }
    }
}

/// Members, and tokens of every make that the profile allows.
fn holders(profile: &Profile) -> Vec<Holder> {
    let mut all: Vec<Holder> =
        ROLES.iter().map(|role| Holder { kind: None, chosen: Chosen::default(), role }).collect();
    let texts = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect::<Vec<_>>());
    let scoped = |names: &[&str]| Asked { scopes: texts(names), ..Asked::default() };
    let permitted = |list: &[&str]| Asked { permissions: texts(list), ..Asked::default() };
    let on = |permission: &str, resource: &str| AskedGrant { permission: permission.into(), resource: resource.into() };
    let mut asked = vec![
        scoped(&["s0"]),
        scoped(&["s1", "s2"]),
        scoped(&["s0", "s1", "s2"]),
        permitted(&["a:*", "profile:edit"]),
        permitted(&["a:r", "profile:edit"]),
        permitted(&["*:*"]),
        permitted(&["*:r", "tokens:*"]),
        permitted(MANAGES),
        Asked { grants: Some(vec![on("a:r", "x/*"), on("a:w", "x/y")]), ..Asked::default() },
    ];
    asked.extend(ROLES.iter().map(|role| Asked { role: Some((*role).to_owned()), ..Asked::default() }));
    asked.push(Asked { role: Some("low".to_owned()), ..permitted(&["*:*"]) });
    for kind in ["own", "key"] {
        for asked in &asked {
            if let Ok(chosen) = profile.choose(profile.kind(kind).unwrap(), asked) {
                all.extend(ROLES.iter().map(|role| Holder { kind: Some(kind), chosen: chosen.clone(), role }));
            }
        }
    }
    all
}

fn everything(profile: &Profile, actor: &Actor) -> bool {
    let highest = profile.owner_role().map(|role| &role.name);
    (actor.role.is_none() || actor.role.as_ref() == highest)
        && profile.permissions().iter().all(|info| actor.effective.permits(&info.permission, None))
}

/// Everything that can be asked, also what nobody declares.
fn questions() -> Vec<(Permission, Option<&'static str>)> {
    let texts = ["a:r", "a:w", "b:r", "b:w", "a:other", "b:other", "c:r", "c:other"];
    let product = ["tokens:create", "tokens:view", "members:edit", "profile:edit", "routes:edit", "credentials:verify"];
    let permissions = texts.into_iter().chain(product).map(|text| text.parse::<Permission>().unwrap());
    permissions.flat_map(|p| [(p.clone(), None), (p.clone(), Some("x/y")), (p, Some("z"))]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// After a replacement that was accepted, no token and no member may do what neither it could before nor the actor;
    /// and by any number of replacements, nobody comes to do more themselves.
    #[test]
    fn a_replacement_gives_nobody_more_than_the_actor_has(
        mut draft in drafts(),
        who in any::<prop::sample::Index>(),
        manages in any::<bool>(),
        changes in proptest::collection::vec(proptest::collection::vec((0usize..8, 0usize..3, 0usize..12), 1..3), 1..24),
    ) {
        let first = draft.profile().unwrap();
        let population = holders(&first);
        // Half of them by one who has whatever there is to manage: it has the least way to go.
        let managers: Vec<Holder> =
            population.iter().filter(|holder| holder.chosen.permissions.len() == MANAGES.len()).cloned().collect();
        let actor = who.get(if manages { &managers } else { &population }).clone();
        let at_first = actor.actor(&first);
        let had_everything = everything(&first, &at_first);
        let mut old = first;
        for step in changes {
            let mut next = draft.clone();
            step.into_iter().for_each(|change| next.change(change));
            let Some(new) = next.profile() else { continue };
            let acting = actor.actor(&old);
            let all = everything(&old, &acting);
            prop_assert!(had_everything || !all, "by replacing, it came to have everything");
            if old.may_replace(&acting, &new).is_err() || !population.iter().all(|holder| holder.fits(&old, &new)) {
                continue;
            }
            for holder in &population {
                let (before, after) = (holder.effective(&old), holder.effective(&new));
                for (permission, resource) in questions() {
                    let was = before.permits(&permission, resource) || acting.effective.permits(&permission, resource);
                    let new_to_all = all && !old.declares(&permission);
                    prop_assert!(
                        !after.permits(&permission, resource) || was || new_to_all,
                        "{:?} gained {} on {:?}\n{}\n{}", holder, permission, resource, draft.text(), next.text()
                    );
                }
            }
            (draft, old) = (next, new);
        }
        if !had_everything {
            let now = actor.effective(&old);
            for (permission, resource) in questions() {
                prop_assert!(!now.permits(&permission, resource) || at_first.effective.permits(&permission, resource));
            }
        }
    }
}
