//! What holds for every choice, actor and change under a profile.

use proptest::prelude::*;
use symbolon::policy::{Actor, Asked, AskedGrant, Chosen, GrantSet, Profile, Shift, State, builtin};
use symbolon::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn profile(name: &str) -> Profile {
    Profile::parse(builtin(name).unwrap()).unwrap()
}

/// A choice that the key or the token of a profile can have.
fn chosen() -> impl Strategy<Value = Chosen> {
    let p = profile("symbolon");
    let pick = |texts: &'static [&'static str]| proptest::sample::subsequence(texts.to_vec(), 0..=texts.len());
    let patterns = pick(&["a", "a/*", "a/b", "b*", "*"]);
    let role = proptest::option::of(proptest::sample::select(vec!["owner", "admin", "developer", "viewer"]));
    (
        pick(&["read", "write", "verify", "manage"]),
        pick(&["api:*", "api:read", "*:view", "tokens:create"]),
        patterns,
        role,
    )
        .prop_filter_map("nothing is chosen", move |(scopes, permissions, patterns, role)| {
            let some = |list: &[&str]| (!list.is_empty()).then(|| list.iter().map(ToString::to_string).collect());
            let grants: Vec<_> = patterns
                .iter()
                .map(|pattern| AskedGrant { permission: "api:write".to_owned(), resource: (*pattern).to_owned() })
                .collect();
            let asked = Asked {
                scopes: some(&scopes),
                permissions: some(&permissions),
                grants: (!grants.is_empty()).then_some(grants),
                role: role.map(str::to_owned),
            };
            p.choose(p.kind("key").unwrap(), &asked).ok()
        })
}

fn states() -> impl Strategy<Value = State> {
    (chosen(), proptest::option::of(1i64..100), any::<bool>(), any::<bool>()).prop_map(|(chosen, days, active, has)| {
        let expires_at = days.map(|days| NOW.plus_seconds(days.saturating_mul(86_400)));
        State {
            name: "name".to_owned(),
            description: None,
            chosen,
            expires_at,
            issued_at: NOW,
            active,
            has_passphrase: has,
            service: None,
        }
    })
}

fn roles() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["owner", "admin", "developer", "viewer", "gone"])
}

proptest! {
    #[test]
    fn what_is_effective_lies_within_both(chosen in chosen(), role in roles(), kind in 0usize..3) {
        let p = profile("symbolon");
        let kind = &p.kinds()[kind];
        let effective = p.effective(kind, &chosen, Some(role));
        prop_assert!(p.granted(&chosen).contains(&effective));
        prop_assert!(p.ceiling(kind, &chosen, Some(role)).contains(&effective));
    }

    #[test]
    fn a_change_undone_is_the_reverse(before in states(), after in states()) {
        let p = profile("symbolon");
        let kind = p.kind("key").unwrap();
        let shift = p.shift(kind, &before, &after);
        prop_assert_eq!(p.shift(kind, &after, &before), shift.reverse());
        prop_assert_eq!(p.shift(kind, &before, &before), Shift::default());
    }

    /// What is not called narrowing turns no yes into a no.
    #[test]
    fn what_narrows_is_called_narrowing(before in states(), after in states(), resource in "(a|b|c)(/(b|c))?") {
        let p = profile("symbolon");
        let kind = p.kind("key").unwrap();
        if p.shift(kind, &before, &after).narrows {
            return Ok(());
        }
        for info in p.permissions() {
            for resource in [None, Some(resource.as_str())] {
                let was = p.effective(kind, &before.chosen, None).permits(&info.permission, resource);
                let is = p.effective(kind, &after.chosen, None).permits(&info.permission, resource);
                prop_assert!(is || !was, "{} {:?}", info.permission, resource);
            }
        }
    }

    /// Whoever may grant something can do all of it, and whoever can do more may grant it too.
    #[test]
    fn nobody_gives_what_they_do_not_have(mine in chosen(), theirs in chosen(), role in roles()) {
        let p = profile("symbolon");
        let kind = p.kind("key").unwrap();
        let effective = p.effective(kind, &mine, None);
        let actor = Actor { member: None, token: None, role: None, granted: effective.clone(), effective };
        if p.may_grant(&actor, kind, &theirs, None).is_ok() {
            let given = p.effective(kind, &theirs, None);
            prop_assert!(actor.effective.contains(&given));
            let wider = Actor { granted: GrantSet::all(), effective: GrantSet::all(), ..actor.clone() };
            prop_assert!(p.may_grant(&wider, kind, &theirs, None).is_ok());
        }
        // The same for a token that inherits: not today, and not when the role rises.
        let pat = p.kind("pat").unwrap();
        let inheriting = Chosen { role: None, ..theirs };
        let now = p.effective(pat, &mine, Some(role));
        let actor = Actor { granted: p.granted(&mine), effective: now, ..actor };
        if p.may_grant(&actor, pat, &inheriting, Some(role)).is_ok() {
            for role in ["owner", "admin", "developer", "viewer"] {
                let given = p.effective(pat, &inheriting, Some(role));
                prop_assert!(p.effective(pat, &mine, Some(role)).contains(&given), "as {}", role);
            }
        }
    }

    #[test]
    fn any_text_is_a_profile_or_has_errors_with_places(text in "[a-z\\[\\]=\"{}.,# \n]{0,200}") {
        if let Err(errors) = Profile::parse(&text) {
            prop_assert!(errors.iter().next().is_some());
            prop_assert!(errors.iter().all(|e| e.line >= 1 && e.line <= text.matches('\n').count().saturating_add(1) && e.column >= 1));
        }
    }
}
