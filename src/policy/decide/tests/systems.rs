//! One table for each system: who, what, and what comes of it.

use super::*;

fn permits(profile: &Profile, kind: &str, asked: &Asked, role: &str, permission: &str, resource: Option<&str>) -> bool {
    let kind = profile.kind(kind).unwrap();
    let chosen = profile.choose(kind, asked).unwrap();
    profile.effective(kind, &chosen, Some(role)).permits(&permission.parse().unwrap(), resource)
}

#[test]
fn symbolon() {
    let p = profile("symbolon");
    let check = |kind: &str, role: &str, asked: Asked, expected: &str| {
        assert_eq!(create(&p, kind, role, &creation(asked.clone())), expected, "{kind} {role} {asked:?}");
    };
    check("pat", "developer", scopes_asked(&["read", "write"]), "ok");
    check("pat", "owner", scopes_asked(&["read", "write", "verify", "manage"]), "ok");
    check("pat", "viewer", scopes_asked(&["read"]), "ok");
    check("pat", "viewer", scopes_asked(&["write"]), "insufficient_permission");
    check("pat", "developer", scopes_asked(&["verify"]), "insufficient_permission");
    check("pat", "developer", scopes_asked(&[]), "scopes");
    check("pat", "developer", Asked::default(), "scopes");
    check("pat", "developer", scopes_asked(&["read", "other"]), "scopes[1]");
    check("pat", "developer", permissions_asked(&["api:read"]), "permissions[0]");
    check("key", "developer", permissions_asked(&["api:read"]), "insufficient_permission");
    check("key", "admin", permissions_asked(&["api:read"]), "ok");
    check("key", "admin", permissions_asked(&["*:*"]), "insufficient_permission");
    check("key", "admin", permissions_asked(&["profile:edit"]), "insufficient_permission");
    check("key", "admin", permissions_asked(&["other:read"]), "permissions[0]");
    check("key", "admin", role_asked("admin"), "ok");
    check("key", "admin", role_asked("owner"), "insufficient_permission");
    check("key", "owner", role_asked("owner"), "ok");
    check("key", "admin", Asked { permissions: Some(Vec::new()), ..role_asked("viewer") }, "permissions");
    check("key", "admin", grants_asked(&[("api:write", "team-a/*/checkout")]), "ok");
    check("key", "admin", grants_asked(&[("tokens:view", "team-a")]), "grants[0].permission");
    check("key", "admin", grants_asked(&[("api:write", "")]), "grants[0].resource");
    check("key", "admin", Asked::default(), "scopes");
    check("ci", "developer", Asked::default(), "ok");
    check("ci", "viewer", Asked::default(), "insufficient_permission");

    // A year at most, 90 days where nothing is said.
    let pat = p.kind("pat").unwrap();
    let year = NOW.plus_seconds(365 * DAY);
    assert_eq!(pat.check_expiry(ExpiryAsked::Unsaid, NOW, NOW), Ok(Some(NOW.plus_seconds(90 * DAY))));
    assert_eq!(pat.check_expiry(ExpiryAsked::At(year), NOW, NOW), Ok(Some(year)));
    for asked in [ExpiryAsked::At(year.plus_millis(1)), ExpiryAsked::At(NOW), ExpiryAsked::Never] {
        assert!(pat.check_expiry(asked, NOW, NOW).is_err(), "{asked:?}");
    }
}

#[test]
fn what_a_credential_does_not_have_it_does_not_give() {
    let p = profile("symbolon");
    let pat = p.kind("pat").unwrap();
    let by =
        |actor: &Actor, asked: Asked, role: &str| outcome(p.approve(pat, actor, &creation(asked), Some(role), NOW));
    let manage = with_scopes(&p, "owner", "pat", &["manage"]);
    assert_eq!(by(&manage, scopes_asked(&["manage"]), "owner"), "ok");
    assert_eq!(by(&manage, scopes_asked(&["read"]), "owner"), "insufficient_permission");
    let read = with_scopes(&p, "owner", "pat", &["read"]);
    assert_eq!(by(&read, scopes_asked(&["read"]), "owner"), "insufficient_permission");

    // A narrow token of a viewer must not make a wide one that wakes up when the viewer becomes an admin.
    let h = profile("harborguard");
    let narrow = Asked { permissions: Some(vec!["pats:create".into(), "scans:view".into()]), ..Asked::default() };
    let kind = h.kind("pat").unwrap();
    let chosen = h.choose(kind, &narrow).unwrap();
    let actor = Actor {
        granted: h.granted(&chosen),
        effective: h.effective(kind, &chosen, Some("viewer")),
        ..session(&h, "viewer")
    };
    let try_it = |asked: Asked| outcome(h.approve(kind, &actor, &creation(asked), Some("viewer"), NOW));
    assert_eq!(try_it(permissions_asked(&["scans:view"])), "ok");
    assert_eq!(try_it(permissions_asked(&["scans:*"])), "insufficient_permission");
    assert_eq!(try_it(Asked::default()), "insufficient_permission");
}

#[test]
fn devguard() {
    let p = profile("devguard");
    let check = |change: &dyn Fn(&mut Creation), expected: &str| {
        let mut creation = creation(scopes_asked(&["scan", "manage"]));
        change(&mut creation);
        assert_eq!(create(&p, "pat", "member", &creation), expected, "{creation:?}");
    };
    check(&|_| {}, "ok");
    check(&|c| c.proof = Proof::Signature, "ok");
    check(&|c| c.asked = scopes_asked(&[]), "scopes");
    check(&|c| c.asked = Asked::default(), "scopes");
    check(&|c| c.expires = ExpiryAsked::Unsaid, "expires_at");
    check(&|c| c.expires = ExpiryAsked::Never, "expires_at");
    check(&|c| c.expires = ExpiryAsked::At(NOW), "expires_at");
    check(&|c| c.expires = ExpiryAsked::At(NOW.plus_seconds(31_536_000)), "ok");
    check(&|c| c.expires = ExpiryAsked::At(NOW.plus_seconds(31_536_001)), "expires_at");
    check(&|c| c.passphrase_chars = Some(20), "passphrase");
    check(&|c| c.active = Some(false), "active");

    let least = p.onboarding_kind().unwrap().onboarding.as_ref().unwrap();
    assert_eq!(least.asked(), scopes_asked(&["scan"]));
    let can = |scope: &str, permission: &str| permits(&p, "pat", &scopes_asked(&[scope]), "member", permission, None);
    assert!(can("scan", "scans:upload") && can("scan", "assets:read") && !can("scan", "tokens:create"));
    assert!(can("manage", "assets:delete") && can("manage", "tokens:create") && !can("manage", "scans:upload"));
    assert!(!p.revoke_by_private_key() && p.has_adapter(Adapter::Devguard) && !p.has_adapter(Adapter::Devtron));
}

#[test]
fn devpilot() {
    let p = profile("devpilot");
    let check = |kind: &str, role: &str, change: &dyn Fn(&mut Creation), expected: &str| {
        let mut creation = creation(scopes_asked(&[if kind == "api_key" { "read" } else { "all" }]));
        change(&mut creation);
        assert_eq!(create(&p, kind, role, &creation), expected, "{kind} {role} {creation:?}");
    };
    check("access_token", "owner", &|_| {}, "ok");
    check("access_token", "admin", &|_| {}, "ok");
    check("access_token", "member", &|_| {}, "insufficient_permission");
    check("access_token", "admin", &|c| c.expires = ExpiryAsked::Never, "ok");
    check("access_token", "admin", &|c| c.asked = Asked::default(), "scopes");
    for (chars, expected) in [(7, "passphrase"), (8, "ok"), (255, "ok"), (256, "passphrase")] {
        check("access_token", "admin", &|c| c.passphrase_chars = Some(chars), expected);
    }
    for (chars, expected) in [(2, "name"), (3, "ok"), (255, "ok"), (256, "name")] {
        check("access_token", "admin", &|c| c.name = Some("é".repeat(chars)), expected);
        check("api_key", "admin", &|c| c.name = Some("n".repeat(chars)), expected);
    }
    check("api_key", "admin", &|c| c.description = Some("d".repeat(1000)), "ok");
    check("api_key", "admin", &|c| c.description = Some("d".repeat(1001)), "description");
    check("api_key", "admin", &|c| c.active = Some(false), "ok");
    check("api_key", "admin", &|c| c.passphrase_chars = Some(8), "passphrase");
    check("api_key", "admin", &|c| c.asked = scopes_asked(&["all"]), "scopes[0]");
    check("access_token", "admin", &|c| c.asked = scopes_asked(&["read"]), "scopes[0]");

    // An access token never changes; an API key does, in five fields.
    let edit = |kind: &str, scopes: &[&str], edit: Edit| {
        let kind = p.kind(kind).unwrap();
        let subject = Subject { kind, owner: None, owner_role: None };
        let before = state(p.choose(kind, &scopes_asked(scopes)).unwrap());
        p.edit(subject, &session(&p, "admin"), &before, &edit, NOW)
    };
    let renamed = Edit { name: Change::Set("another".into()), ..Edit::default() };
    assert_eq!(outcome(edit("access_token", &["all"], renamed.clone())), "not_editable");
    assert_eq!(edit("api_key", &["read"], renamed).unwrap().changed, [Field::Name]);
    let off = edit("api_key", &["read"], Edit { active: Change::Set(false), ..Edit::default() }).unwrap();
    assert_eq!(off.shift, Shift { narrows: true, widens: false });
    let more = Edit { scopes: Change::Set(vec!["read".into(), "write".into()]), ..Edit::default() };
    assert_eq!(edit("api_key", &["read"], more).unwrap().shift, Shift { narrows: false, widens: true });
    for none in [Change::Clear, Change::Set(Vec::new())] {
        assert_eq!(outcome(edit("api_key", &["read"], Edit { scopes: none, ..Edit::default() })), "scopes");
    }
    let all = permits(&p, "access_token", &scopes_asked(&["all"]), "", "scripts:run", None);
    let tokens = permits(&p, "access_token", &scopes_asked(&["all"]), "", "tokens:create", None);
    assert!(all && !tokens);
}

#[test]
fn harborguard() {
    let p = profile("harborguard");
    let ranks: Vec<(&str, u16)> = p.roles().iter().map(|role| (role.name.as_str(), role.rank)).collect();
    let expected = [("owner", 100), ("admin", 80), ("developer", 60), ("ci", 50), ("auditor", 40), ("viewer", 20)];
    assert_eq!(ranks, expected);
    for (role, _) in ranks {
        let pat = create(&p, "pat", role, &creation(Asked::default()));
        assert_eq!(pat, if role == "ci" { "insufficient_permission" } else { "ok" }, "{role}");
        let key = create(&p, "key", role, &creation(role_asked("viewer")));
        let may = matches!(role, "owner" | "admin");
        assert_eq!(key, if may { "ok" } else { "insufficient_permission" }, "{role}");
    }
    assert_eq!(create(&p, "key", "admin", &creation(role_asked("owner"))), "insufficient_permission");
    assert_eq!(create(&p, "key", "admin", &creation(Asked::default())), "role");
    assert_eq!(create(&p, "pat", "viewer", &creation(permissions_asked(&[]))), "permissions");

    // The role of now, at every request, and narrowed.
    let all = Asked::default();
    assert!(permits(&p, "pat", &all, "admin", "api-keys:create", None));
    assert!(!permits(&p, "pat", &all, "viewer", "api-keys:create", None));
    assert!(permits(&p, "pat", &all, "viewer", "scans:view", None));
    let narrow = permissions_asked(&["scans:view"]);
    assert!(permits(&p, "pat", &narrow, "admin", "scans:view", None));
    assert!(!permits(&p, "pat", &narrow, "admin", "images:view", None));
    // The fixed role, whatever becomes of the creator.
    assert!(permits(&p, "key", &role_asked("ci"), "", "scans:create", None));
    assert!(!permits(&p, "key", &role_asked("ci"), "owner", "scans:edit", None));

    let (pat, key) = (p.kind("pat").unwrap(), p.kind("key").unwrap());
    assert_eq!((pat.display_length(), key.display_length()), (10, 10));
    assert_eq!((pat.headers.as_slice(), pat.rotate.as_ref()), (&[Header::XApiKey, Header::Authorization][..], None));
    // A member's own token: the owner rotates it nowhere here, others revoke it, and viewers see their own alone.
    let other = Some(member(2));
    assert!(!pat.may_see(&session(&p, "viewer"), other) && pat.may_see(&session(&p, "viewer"), Some(member(1))));
    assert_eq!(outcome(pat.may(Verb::Revoke, &session(&p, "viewer"), other)), "insufficient_permission");
    assert_eq!(outcome(pat.may(Verb::Revoke, &session(&p, "admin"), other)), "ok");
    assert_eq!(outcome(pat.may(Verb::Rotate, &session(&p, "owner"), other)), "insufficient_permission");
}

#[test]
fn semgrep() {
    let p = profile("semgrep");
    let check = |kind: &str, role: &str, asked: Asked, expected: &str| {
        let creation = Creation { expires: ExpiryAsked::Unsaid, ..creation(asked) };
        assert_eq!(create(&p, kind, role, &creation), expected, "{kind} {role}");
    };
    check("api", "admin", scopes_asked(&["api"]), "ok");
    check("api", "admin", Asked { role: Some("member".into()), ..scopes_asked(&["api"]) }, "ok");
    check("api", "member", scopes_asked(&["api"]), "insufficient_permission");
    check("api", "admin", scopes_asked(&["cli"]), "scopes[0]");
    check("cli", "member", Asked::default(), "ok");
    check("cli", "member", scopes_asked(&["ci"]), "scopes[0]");
    check("service", "admin", Asked::default(), "ok");
    check("service", "admin", scopes_asked(&["ci", "api"]), "ok");
    check("service", "member", Asked::default(), "insufficient_permission");

    // The matrix of scopes.
    for (kind, scope, api, local, remote) in
        [("api", "api", true, false, false), ("cli", "cli", false, true, false), ("service", "ci", false, true, true)]
    {
        let can = |permission: &str| permits(&p, kind, &scopes_asked(&[scope]), "member", permission, None);
        let found = (can("api:connect"), can("findings:send-local"), can("findings:send-remote"));
        assert_eq!(found, (api, local, remote), "{kind}");
    }
    let service = p.kind("service").unwrap();
    assert_eq!(
        p.services().iter().map(|s| s.title.as_str()).collect::<Vec<_>>(),
        ["Managed Scans", "Click to Fix", "AI Scan"]
    );
    let made = Creation { name: None, service: Some("ai_scan".into()), ..creation(Asked::default()) };
    let made = p.approve(service, &session(&p, "admin"), &made, Some("admin"), NOW).unwrap();
    assert_eq!((made.name.as_str(), made.service.unwrap().as_str()), ("Semgrep CI", "ai_scan"));
    assert_eq!(made.chosen.scopes, ["ci"]);
    let other = Creation { service: Some("other".into()), ..creation(Asked::default()) };
    assert_eq!(create(&p, "service", "admin", &other), "service");
    assert_eq!(p.login_kind().unwrap().name, "cli");
    assert_eq!(p.onboarding_kind().unwrap().name, "service");
}

#[test]
fn devtron() {
    let p = profile("devtron");
    let check = |role: &str, change: &dyn Fn(&mut Creation), expected: &str| {
        let mut creation = creation(Asked::default());
        change(&mut creation);
        assert_eq!(create(&p, "token", role, &creation), expected, "{role} {creation:?}");
    };
    check("super_admin", &|_| {}, "ok");
    check("user", &|_| {}, "insufficient_permission");
    check("super_admin", &|c| c.expires = ExpiryAsked::Never, "ok");
    check("super_admin", &|c| c.description = Some("d".repeat(350)), "ok");
    check("super_admin", &|c| c.description = Some("d".repeat(351)), "description");
    for (name, expected) in [
        ("ab", "name"),
        ("abc", "ok"),
        ("a_b-c", "ok"),
        ("-ab", "name"),
        ("ab-", "name"),
        ("aBc", "name"),
        (&"a".repeat(50), "ok"),
        (&"a".repeat(51), "name"),
    ] {
        check("super_admin", &|c| c.name = Some(name.to_owned()), expected);
    }
    for (permission, resource, expected) in [
        ("apps:trigger", "team-a/*/checkout", "ok"),
        ("apps:manager", "*/*/*", "ok"),
        ("apps:trigger", "team-a/*", "grants[0].resource"),
        ("apps:edit", "a/b/c", "grants[0].permission"),
        ("apps:*", "a/b/c", "grants[0].permission"),
        ("helm:edit", "team-a/prod/*", "ok"),
        ("k8s:admin", "prod/default/apps/Deployment/web*", "ok"),
        ("k8s:admin", "prod/default", "grants[0].resource"),
        ("chart-groups:update", "charts", "ok"),
    ] {
        check("super_admin", &|c| c.asked = grants_asked(&[(permission, resource)]), expected);
    }
    let narrow = grants_asked(&[("apps:trigger", "team-a/*/check*")]);
    let can = |resource: Option<&str>| permits(&p, "token", &narrow, "", "apps:trigger", resource);
    assert!(can(Some("team-a/prod/checkout")) && !can(Some("team-b/prod/checkout")) && !can(None));
    assert!(!permits(&p, "token", &Asked::default(), "", "apps:view", Some("a/b/c")));
    assert!(permits(&p, "token", &role_asked("super_admin"), "", "tokens:create", None));

    // Permissions and description change in place; a new end is a new secret.
    let kind = p.kind("token").unwrap();
    let subject = Subject { kind, owner: None, owner_role: None };
    let admin = session(&p, "super_admin");
    let before = state(p.choose(kind, &narrow).unwrap());
    let edit = |edit: Edit| p.edit(subject, &admin, &before, &edit, NOW);
    let later = NOW.plus_seconds(30 * DAY);
    assert_eq!(outcome(edit(Edit { expires_at: Change::Set(later), ..Edit::default() })), "not_editable");
    assert_eq!(p.regenerate(subject, &admin, &before, ExpiryAsked::At(later), NOW), Ok(Some(later)));
    assert_eq!(p.regenerate(subject, &admin, &before, ExpiryAsked::Never, NOW), Ok(None));
    let again = NOW.plus_seconds(5 * DAY);
    assert_eq!(p.regenerate(subject, &admin, &before, ExpiryAsked::Unsaid, again), Ok(Some(again.plus_seconds(DAY))));
    assert_eq!(outcome(p.rotate(subject, &admin, &before.chosen, None)), "not_editable");
    // What was narrow never comes to mean all: to become a super admin's, its grants must be taken away by name.
    let up = |grants| Edit { role: Change::Set("super_admin".into()), grants, ..Edit::default() };
    assert_eq!(outcome(edit(up(Change::Set(Vec::new())))), "grants");
    let kept = edit(up(Change::Keep)).unwrap();
    assert!(!p.granted(&kept.after.chosen).contains(&GrantSet::all()));
    let all = edit(up(Change::Clear)).unwrap();
    assert!(all.shift.widens && p.granted(&all.after.chosen).contains(&GrantSet::all()));
}

#[test]
fn every_scope_of_devpilot_permits_its_own_and_nothing_else() {
    let p = profile("devpilot");
    let own = |kind: &str, scope: &str| {
        let chosen = p.choose(p.kind(kind).unwrap(), &scopes_asked(&[scope])).unwrap();
        let granted = p.granted(&chosen);
        let mut permissions: Vec<String> = granted.iter().map(|grant| grant.permission.as_str().to_owned()).collect();
        permissions.sort();
        permissions.join(" ")
    };
    for (scope, permissions) in [
        ("basic_deployment", "deployments:basic"),
        ("advanced_deployment", "deployments:advanced"),
        ("activity_tracker", "tracker:submit"),
        ("activity_tracker_analytics", "tracker:analytics"),
        ("error_tracker", "errors:read errors:submit"),
        ("modify_env", "env:modify env:read"),
        ("run_scripts", "scripts:run"),
    ] {
        assert_eq!(own("access_token", scope), permissions, "{scope}");
    }
    for (scope, permissions) in [
        ("read", "resources:read"),
        ("write", "resources:write"),
        ("delete", "resources:delete"),
        ("deploy", "deployments:trigger"),
        ("manage_servers", "servers:manage"),
        ("manage_projects", "projects:manage"),
        ("manage_apps", "apps:manage"),
        ("view_logs", "logs:view"),
        ("manage_backups", "backups:create backups:delete backups:restore"),
    ] {
        assert_eq!(own("api_key", scope), permissions, "{scope}");
    }
}

#[test]
fn harborguards_domains_each_have_five_actions() {
    let p = profile("harborguard");
    let kind = p.kind("key").unwrap();
    for domain in [
        "scans",
        "images",
        "vulnerabilities",
        "exceptions",
        "registries",
        "reports",
        "audit-log",
        "notification-channels",
        "teams",
        "api-keys",
        "pats",
        "billing",
        "organization",
    ] {
        for action in ["view", "create", "edit", "delete", "admin"] {
            let permission = format!("{domain}:{action}").parse().unwrap();
            let chosen = p.choose(kind, &role_asked("owner")).unwrap();
            let has = p.effective(kind, &chosen, Some("owner")).permits(&permission, None);
            assert!(has && p.declares(&permission), "{permission}");
        }
    }
}

#[test]
fn devtrons_expiry_is_offered_in_days() {
    let p = profile("devtron");
    let days: Vec<i64> =
        p.kind("token").unwrap().expiry.presets_seconds.iter().map(|seconds| i64::from(*seconds) / DAY).collect();
    assert_eq!(days, [7, 30, 60, 90]);
}

#[test]
fn devtrons_families_have_their_actions_and_no_others() {
    let p = profile("devtron");
    let families = [
        ("apps", "team/env/app", ["view", "trigger", "admin", "manager"].as_slice()),
        ("helm", "team/env/app", &["view", "edit", "admin"]),
        ("k8s", "cluster/namespace/group/kind/name", &["view", "edit", "admin"]),
        ("chart-groups", "group", &["view", "update", "admin"]),
    ];
    let all: std::collections::BTreeSet<&str> = families.iter().flat_map(|(_, _, actions)| *actions).copied().collect();
    for (family, resource, actions) in families {
        for action in &all {
            let asked = grants_asked(&[(&format!("{family}:{action}"), resource)]);
            let expected = if actions.contains(action) { "ok" } else { "grants[0].permission" };
            assert_eq!(create(&p, "token", "super_admin", &creation(asked)), expected, "{family}:{action}");
        }
    }
}

#[test]
fn a_replacement_is_another_token_but_where_the_profile_says_so() {
    for name in crate::policy::BUILTIN_NAMES {
        for kind in profile(name).kinds() {
            let (rotates, regenerates) = (kind.rotate.is_some(), kind.regenerate);
            let expected = match *name {
                "symbolon" => (true, true),
                "devtron" => (false, true),
                _ => (false, false),
            };
            assert_eq!((rotates, regenerates), expected, "{name} {}", kind.name);
        }
    }
}

#[test]
fn an_end_is_set_at_creation_and_none_is_confirmed() {
    let p = profile("harborguard");
    for name in ["pat", "key"] {
        let kind = p.kind(name).unwrap();
        assert!(!kind.expiry.presets_seconds.is_empty() && kind.cautions.no_expiry.is_some(), "{name}");
        assert!(!kind.edit.contains(&Field::ExpiresAt), "{name}");
        assert_eq!(kind.check_expiry(ExpiryAsked::Never, NOW, NOW), Ok(None), "{name}");
    }
}
