//! Members, others' tokens, replacing a profile, and what a form is told.

use super::*;

#[test]
fn an_owner_always_remains() {
    let p = profile("harborguard");
    for (members, expected) in [
        (&[("owner", true), ("viewer", true)][..], "ok"),
        (&[("owner", false), ("owner", true)], "ok"),
        (&[("owner", false), ("admin", true)], "conflict"),
        (&[("admin", true)], "conflict"),
        (&[], "conflict"),
    ] {
        assert_eq!(outcome(p.keeps_owner(members.iter().copied())), expected, "{members:?}");
    }
}

#[test]
fn nobody_gives_a_role_above_their_own() {
    let p = profile("harborguard");
    for (by, role, expected) in [
        ("owner", "owner", "ok"),
        ("admin", "owner", "insufficient_permission"),
        ("admin", "admin", "ok"),
        ("admin", "viewer", "ok"),
        ("developer", "auditor", "insufficient_permission"),
        ("admin", "other", "role"),
    ] {
        assert_eq!(outcome(p.may_set_role(&session(&p, by), role)), expected, "{by} {role}");
    }
    let owner = "owner".parse().unwrap();
    assert_eq!(outcome(p.may_manage_member(&session(&p, "admin"), &owner)), "insufficient_permission");
    assert_eq!(p.role_shift("admin", "viewer"), Shift { narrows: true, widens: false });
    assert_eq!(p.role_shift("viewer", "owner"), Shift { narrows: false, widens: true });
    assert_eq!(p.role_shift("developer", "auditor"), Shift { narrows: true, widens: true });
}

#[test]
fn a_key_without_a_role_reaches_no_member_who_may_do_more() {
    let p = profile("symbolon");
    let key = |permissions: &[&str]| {
        let chosen = p.choose(p.kind("key").unwrap(), &permissions_asked(permissions)).unwrap();
        let effective = p.effective(p.kind("key").unwrap(), &chosen, None);
        Actor { member: None, token: None, role: None, granted: p.granted(&chosen), effective }
    };
    let may = |actor: &Actor, role: &str| outcome(p.may_manage_member(actor, &role.parse().unwrap()));
    let narrow = key(&["members:edit", "members:remove"]);
    let admins = key(&["api:*", "tokens:*", "members:*", "activity:view", "credentials:verify"]);
    for (actor, role, expected) in [
        (&narrow, "owner", "insufficient_permission"),
        (&narrow, "viewer", "insufficient_permission"),
        (&narrow, "no-longer-declared", "ok"),
        (&admins, "owner", "insufficient_permission"),
        (&admins, "developer", "ok"),
    ] {
        assert_eq!(may(actor, role), expected, "{role}");
    }
    // Nor does it give itself a rank, though a role alone adds nothing to what it may do.
    let kind = p.kind("key").unwrap();
    let before = state(p.choose(kind, &permissions_asked(&["tokens:edit", "members:edit"])).unwrap());
    let subject = Subject { kind, owner: None, owner_role: None };
    for (actor, expected) in
        [(key(&["tokens:edit", "members:edit"]), "insufficient_permission"), (session(&p, "owner"), "ok")]
    {
        let edit = Edit { role: Change::Set("owner".into()), ..Edit::default() };
        assert_eq!(outcome(p.edit(subject, &actor, &before, &edit, NOW)), expected);
    }
    // A role gives a key its rank, whatever else it may do.
    assert_eq!(may(&Actor { role: Some("admin".parse().unwrap()), ..narrow.clone() }, "developer"), "ok");
    assert_eq!(may(&Actor { role: Some("admin".parse().unwrap()), ..narrow }, "owner"), "insufficient_permission");
}

#[test]
fn anothers_own_token_is_only_narrowed_or_revoked() {
    let p = profile("symbolon");
    let kind = p.kind("pat").unwrap();
    let before = state(p.choose(kind, &scopes_asked(&["read", "write"])).unwrap());
    let edits = [
        (Edit { scopes: Change::Set(vec!["read".into()]), ..Edit::default() }, "ok"),
        (Edit { active: Change::Set(false), ..Edit::default() }, "ok"),
        (Edit { expires_at: Change::Set(NOW.plus_seconds(1)), ..Edit::default() }, "ok"),
        (Edit { expires_at: Change::Set(NOW.plus_seconds(2 * DAY)), ..Edit::default() }, "insufficient_permission"),
        (Edit { name: Change::Set("mine".into()), ..Edit::default() }, "insufficient_permission"),
        (Edit { scopes: Change::Set(vec!["manage".into()]), ..Edit::default() }, "insufficient_permission"),
        (Edit::default(), "ok"),
    ];
    for (edit, expected) in edits {
        let by = |owner: u8, role: &str| {
            let subject = Subject { kind, owner: Some(member(owner)), owner_role: Some("owner") };
            outcome(p.edit(subject, &session(&p, role), &before, &edit, NOW))
        };
        assert_eq!(by(2, "owner"), expected, "{edit:?}");
        assert_eq!(by(1, "owner"), "ok", "{edit:?}");
        assert_eq!(by(2, "developer"), "insufficient_permission", "{edit:?}");
    }
    let subject = |owner| Subject { kind, owner: Some(member(owner)), owner_role: Some("owner") };
    let rotate = |owner, grace| outcome(p.rotate(subject(owner), &session(&p, "owner"), &before.chosen, grace));
    assert_eq!(rotate(1, Some(604_800)), "ok");
    assert_eq!(rotate(1, Some(604_801)), "grace_seconds");
    assert_eq!(rotate(2, None), "insufficient_permission");
}

#[test]
fn a_passphrase_set_narrows_and_one_replaced_does_both() {
    let p = profile("symbolon");
    let kind = p.kind("key").unwrap();
    let subject = Subject { kind, owner: None, owner_role: None };
    let chosen = p.choose(kind, &permissions_asked(&["api:read"])).unwrap();
    for (has, change, narrows, widens) in [
        (false, Change::Set(8), true, false),
        (true, Change::Set(8), true, true),
        (true, Change::Clear, false, true),
        (false, Change::Clear, false, false),
    ] {
        let before = State { has_passphrase: has, ..state(chosen.clone()) };
        let edit = Edit { passphrase_chars: change, ..Edit::default() };
        let edited = p.edit(subject, &session(&p, "admin"), &before, &edit, NOW).unwrap();
        assert_eq!(edited.shift, Shift { narrows, widens }, "{has} {change:?}");
    }
    // An actor who may edit, and does not have what the token grants, narrows it and does not widen it.
    let before = State { has_passphrase: true, ..state(p.choose(kind, &role_asked("owner")).unwrap()) };
    let edit = |edit| outcome(p.edit(subject, &session(&p, "admin"), &before, &edit, NOW));
    assert_eq!(edit(Edit { active: Change::Set(false), ..Edit::default() }), "ok");
    assert_eq!(edit(Edit { passphrase_chars: Change::Clear, ..Edit::default() }), "insufficient_permission");
}

#[test]
fn what_live_tokens_name_must_stay() {
    let old = profile("symbolon");
    let text = builtin("symbolon").unwrap();
    let new = |part: &str, by: &str| {
        assert!(text.contains(part), "{part}");
        Profile::parse(&text.replace(part, by)).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let asked =
        Asked { permissions: Some(vec!["api:write".into()]), role: Some("viewer".into()), ..scopes_asked(&["read"]) };
    let chosen = old.choose(old.kind("key").unwrap(), &asked).unwrap();
    let missing = |new: &Profile, proof| new.missing_for_token(&old, "key", proof, &chosen, None);
    assert_eq!(missing(&old, Proof::Bearer), []);
    let without_key = Profile::parse(&text.replace("kinds.key", "kinds.other")).unwrap();
    assert_eq!(missing(&without_key, Proof::Bearer), [Missing::Kind("key".into())]);
    // Another system's profile has none of it.
    let gone = [
        Missing::Kind("key".into()),
        Missing::Scope("read".into()),
        Missing::Permission("api:write".into()),
        Missing::Role("viewer".into()),
    ];
    assert_eq!(missing(&profile("devguard"), Proof::Bearer), gone);
    assert_eq!(profile("devguard").missing_for_member("viewer"), Some(Missing::Role("viewer".into())));
    assert_eq!(profile("devguard").missing_for_member("admin"), None);
    // Another prefix would make every secret of the kind unreadable; signatures do not care.
    let prefix = new("prefix = \"sym_key_\"", "prefix = \"sym_api_\"");
    assert_eq!(missing(&prefix, Proof::Bearer), [Missing::Format("key".into())]);
    assert_eq!(missing(&prefix, Proof::Signature), []);
}

#[test]
fn what_is_sensitive_or_endless_calls_for_caution() {
    let p = profile("symbolon");
    let codes = |kind: &str, asked: Asked, expires: Option<Timestamp>, passphrase: bool| {
        let kind = p.kind(kind).unwrap();
        let found = p.cautions(kind, &p.choose(kind, &asked).unwrap(), expires, passphrase);
        found.into_iter().map(|caution| caution.code).collect::<Vec<_>>()
    };
    use CautionCode::{EveryScope, NoExpiry, SensitiveWithoutPassphrase};
    let (end, everything) = (Some(NOW), &["read", "write", "verify", "manage"]);
    assert_eq!(codes("pat", scopes_asked(&["read"]), end, false), []);
    assert_eq!(codes("pat", scopes_asked(&["write"]), end, false), [SensitiveWithoutPassphrase]);
    assert_eq!(codes("pat", scopes_asked(&["write"]), end, true), []);
    assert_eq!(codes("pat", scopes_asked(everything), end, true), [EveryScope]);
    assert_eq!(codes("key", grants_asked(&[("api:write", "a")]), None, false), [NoExpiry, SensitiveWithoutPassphrase]);
    assert_eq!(codes("key", role_asked("owner"), end, true), [EveryScope]);
    assert_eq!(codes("key", role_asked("viewer"), end, true), []);
}

#[test]
fn a_form_knows_every_rule() {
    let p = profile("symbolon");
    let json = serde_json::to_value(p.public(&session(&p, "developer"))).unwrap();
    let kinds: Vec<_> = json["kinds"].as_array().unwrap().iter().map(|k| (&k["name"], &k["can_create"])).collect();
    assert_eq!(serde_json::to_value(kinds).unwrap(), serde_json::json!([["pat", true], ["key", false], ["ci", true]]));
    let pat = &json["kinds"][0];
    assert_eq!(pat["expiry"]["max_seconds"], 31_536_000);
    assert_eq!(pat["expiry"]["default_seconds"], 7_776_000);
    assert_eq!(pat["scopes"], serde_json::json!(["read", "write", "verify", "manage"]));
    assert_eq!(json["roles"][0]["rank"], 100);
    assert!(
        json["permissions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["permission"] == "api:write" && p["sensitive"] == true)
    );
}

/// Bringing a token in for another member: what it grants must be had, whatever that member's role.
#[test]
fn a_token_is_imported_for_a_member_whom_one_may_manage() {
    let p = profile("harborguard");
    let check = |actor: &Actor, kind: &str, role: &str, asked: Asked, expected: &str| {
        let creation = Creation { via: Via::ImportFor, ..creation(asked) };
        let done = outcome(p.approve(p.kind(kind).unwrap(), actor, &creation, Some(role), NOW));
        assert_eq!(done, expected, "{kind} for {role} by {:?}", actor.role);
    };
    let (owner, admin) = (session(&p, "owner"), session(&p, "admin"));
    check(&owner, "pat", "viewer", scopes_asked(&["all"]), "ok");
    check(&owner, "pat", "owner", scopes_asked(&["all"]), "ok");
    check(&admin, "pat", "viewer", permissions_asked(&["scans:view"]), "ok");
    // It would have more than the admin has as soon as the viewer's role rises.
    check(&admin, "pat", "viewer", scopes_asked(&["all"]), "insufficient_permission");
    check(&admin, "pat", "viewer", permissions_asked(&["profile:edit"]), "insufficient_permission");
    check(&admin, "pat", "owner", permissions_asked(&["scans:view"]), "insufficient_permission");
    check(&session(&p, "developer"), "pat", "viewer", permissions_asked(&["scans:view"]), "insufficient_permission");
    // A CI has no personal tokens, and a key is nobody's own.
    check(&owner, "pat", "ci", scopes_asked(&["all"]), "owner");
    check(&owner, "key", "viewer", role_asked("viewer"), "owner");
    // A key of the organisation may do it too, though it could own none itself.
    let key = Actor { member: None, role: Some("admin".parse().unwrap()), ..admin };
    check(&key, "pat", "viewer", permissions_asked(&["scans:view"]), "ok");
}
