//! Replacing a profile: what each actor may widen.

use super::*;

/// The default profile with one text replaced.
fn with(part: &str, by: &str) -> Profile {
    let text = builtin("symbolon").unwrap();
    assert!(text.contains(part), "{part}");
    Profile::parse(&text.replacen(part, by, 1)).unwrap_or_else(|errors| panic!("{by}: {errors}"))
}

/// What the actor is told of a profile with one text replaced: `ok`, or the fields at fault.
fn replace(actor: &Actor, part: &str, by: &str) -> String {
    told(profile("symbolon").may_replace(actor, &with(part, by)))
}

fn told(result: Result<(), Problem>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(problem) => {
            assert_eq!(problem.code, Code::InsufficientPermission, "{problem}");
            assert!(!problem.errors.is_empty(), "{problem}");
            problem.errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>().join(" ")
        }
    }
}

const READ: &str =
    "[scopes.read]\ntitle = \"Read\"\ndescription = \"Read through the protected API\"\npermissions = [\"api:read\"]";

fn read_with(permissions: &str) -> String {
    READ.replace("[\"api:read\"]", permissions)
}

#[test]
fn a_token_that_edits_the_profile_cannot_widen_itself() {
    let p = profile("symbolon");
    let manage = with_scopes(&p, "owner", "pat", &["manage"]);
    let check = |part: &str, by: &str, expected: &str| assert_eq!(replace(&manage, part, by), expected, "{by}");

    // What it has may be given, what it does not have may not.
    check(READ, &read_with("[\"api:read\", \"tokens:view\"]"), "ok");
    check(READ, &read_with("[\"api:read\", \"tokens:*\"]"), "ok");
    check(READ, &read_with("[\"api:read\", \"api:write\"]"), "scopes.read kinds.pat.login kinds.ci.onboarding");
    check(
        READ,
        &read_with("[\"api:*\"]"),
        "scopes.read kinds.pat.grants kinds.pat.login kinds.pat.setup kinds.ci.onboarding",
    );
    let wide = "scopes.read kinds.pat.grants kinds.pat.login kinds.pat.setup kinds.ci.grants kinds.ci.onboarding";
    check(READ, &read_with("[\"*:*\"]"), wide);
    // `*:view` is more than every permission to view that there is.
    check(READ, &read_with("[\"api:read\", \"*:view\"]"), wide);

    // A new scope with more, a role with more.
    check(
        READ,
        &format!("[scopes.more]\ntitle = \"More\"\npermissions = [\"credentials:verify\"]\n\n{READ}"),
        "scopes.more",
    );
    check(
        "permissions = [\"api:read\", \"tokens:view\"",
        "permissions = [\"api:read\", \"api:write\", \"tokens:view\"",
        "roles.viewer",
    );
    check(
        "[roles.viewer]",
        "[roles.more]\ntitle = \"More\"\nrank = 30\npermissions = [\"api:*\"]\n\n[roles.viewer]",
        "roles.more",
    );

    // What guards tokens.
    for (part, by, field) in [
        ("max_seconds = 31536000", "max_seconds = 41536000", "kinds.pat.expiry"),
        ("required = true\nmax_seconds = 31536000\n", "", "kinds.pat.expiry"),
        ("passphrase = {}\n", "passphrase = {}\nfreshness = \"eventual\"\n", "kinds.pat.freshness"),
        ("passphrase = {}\n", "passphrase = {}\nsignature = { replay = \"window\" }\n", "kinds.pat.signature.replay"),
        (
            "passphrase = {}\n",
            "passphrase = {}\nsignature = { components = [\"@method\"] }\n",
            "kinds.pat.signature.components",
        ),
        (
            "passphrase = {}\n",
            "passphrase = {}\nsignature = { max_age_seconds = 61 }\n",
            "kinds.pat.signature.max_age_seconds",
        ),
        ("passphrase = {}\n", "passphrase = {}\ncounts = []\n", "kinds.pat.counts"),
        ("ceiling = \"owner_role\"\n", "ceiling = \"everything\"\n", "kinds.pat.ceiling"),
        (
            "manage = [\"owner\", \"admin\"] }\npassphrase",
            "manage = [\"owner\", \"admin\", \"viewer\"] }\npassphrase",
            "kinds.pat.access.manage",
        ),
        ("access = { create = [\"owner\", \"admin\"], see", "access = { see", "kinds.key.access.create"),
        ("max_grace_seconds = 604800", "max_grace_seconds = 604801", "kinds.pat.rotate"),
        ("[kinds.pat.expiry]", "[kinds.pat.verbs]\ncreate = \"api:read\"\n\n[kinds.pat.expiry]", "kinds.pat.verbs"),
        ("sensitive =", "revoke_by_private_key = true\nsensitive =", "revoke_by_private_key"),
        ("sensitive =", "adapters = [\"devguard\"]\nsensitive =", "adapters"),
        (
            "[permissions.api]",
            "[limits]\ncreation = { max = 11, seconds = 60 }\n\n[permissions.api]",
            "limits.creation",
        ),
        ("[permissions.api]", "[limits]\nfailed = { max = 20, seconds = 59 }\n\n[permissions.api]", "limits.failed"),
        (
            "[permissions.api]",
            "[limits]\npassphrase = { max_wrong = 6, lock_seconds = 900 }\n\n[permissions.api]",
            "limits.passphrase",
        ),
        ("[permissions.api]", "[leases]\nstale_for_seconds = 1\n\n[permissions.api]", "leases.stale_for_seconds"),
        ("[permissions.api]", "[leases]\nlease_millis = 2001\n\n[permissions.api]", "leases.lease_millis"),
    ] {
        check(part, by, field);
    }
    // What makes them stricter, or is for people alone, may be changed.
    for (part, by) in [
        ("default_seconds = 7776000", "default_seconds = 604800"),
        ("presets_seconds = [604800, 2592000, 7776000, 31536000]", "presets_seconds = [604800]"),
        (
            "passphrase = {}\n",
            "passphrase = { min = 12 }\nfreshness = \"strict\"\nsignature = { replay = \"once\", nonce_required = true }\n",
        ),
        ("manage = [\"owner\", \"admin\"] }\npassphrase", "manage = [\"owner\"] }\npassphrase"),
        ("title = \"Viewer\"", "title = \"Reader\""),
        ("permissions = [\"api:read\", \"tokens:view\"", "permissions = [\"tokens:view\""),
        (
            "[permissions.api]",
            "[limits]\ncreation = { max = 9, seconds = 60 }\n\n[leases]\nlease_millis = 1000\n\n[permissions.api]",
        ),
    ] {
        check(part, by, "ok");
    }

    let longer = with("passphrase = {}\n", "passphrase = { min = 12 }\n");
    assert_eq!(told(longer.may_replace(&manage, &p)), "kinds.pat.passphrase");

    // Whoever has everything may do all of this.
    let whole = with_scopes(&p, "owner", "pat", &["read", "write", "verify", "manage"]);
    for actor in [&whole, &session(&p, "owner")] {
        for (part, by) in [
            (READ, read_with("[\"*:*\"]")),
            ("ceiling = \"owner_role\"\n", "ceiling = \"everything\"\n".to_owned()),
            ("passphrase = {}\n", "passphrase = {}\nfreshness = \"eventual\"\n".to_owned()),
        ] {
            assert_eq!(replace(actor, part, &by), "ok", "{by}");
        }
    }
}

/// `*` and permissions that did not exist.
#[test]
fn what_did_not_exist_is_had_by_a_star_or_by_everything() {
    let p = profile("symbolon");
    let list: Vec<&str> = p.permissions().iter().map(|info| info.permission.as_str()).collect();
    let key = |permissions: &[&str]| {
        let chosen = p.choose(p.kind("key").unwrap(), &permissions_asked(permissions)).unwrap();
        let effective = p.effective(p.kind("key").unwrap(), &chosen, None);
        Actor { member: None, token: None, role: None, granted: p.granted(&chosen), effective }
    };
    let declare = "[permissions.api]\ndelete = \"Delete\"\n";
    let own = "[permissions.orders]\nread = \"Read orders\"\n\n[permissions.api]\n";
    let without_verify: Vec<&str> = list.iter().copied().filter(|text| *text != "credentials:verify").collect();
    for (actor, expected, of_another) in [
        (key(&["api:*", "profile:edit"]), "ok", "permissions.orders.read"),
        (key(&["api:read", "api:write", "profile:edit"]), "permissions.api.delete", "permissions.orders.read"),
        (key(&without_verify), "permissions.api.delete", "permissions.orders.read"),
        (key(&list), "ok", "ok"),
        (key(&["*:*"]), "ok", "ok"),
    ] {
        assert_eq!(replace(&actor, "[permissions.api]\n", declare), expected);
        assert_eq!(replace(&actor, "[permissions.api]\n", own), of_another);
    }
    // Nor can one come to have everything by leaving no more than one has: what ceases to be declared, one must have.
    let few = Profile::parse(
        &builtin("symbolon")
            .unwrap()
            .replace("write = \"Create, change and delete through the protected API\"\n", "")
            .replace("\"api:read\", \"api:write\"", "\"api:read\"")
            .replace("\"api:write\", ", ""),
    )
    .unwrap();
    assert_eq!(told(p.may_replace(&key(&["api:read", "profile:edit"]), &few)), "permissions.api.write");
    assert_eq!(told(p.may_replace(&key(&["api:write", "profile:edit"]), &few)), "ok");
    // A grant on a pattern is not one without.
    let asked = grants_asked(&[("api:read", "a"), ("api:write", "a")]);
    let chosen = p.choose(p.kind("key").unwrap(), &asked).unwrap();
    let effective = p.effective(p.kind("key").unwrap(), &chosen, None);
    let limited = Actor { effective, ..key(&["profile:edit"]) };
    assert_eq!(
        replace(
            &limited,
            "[scopes.verify]",
            "[scopes.again]\ntitle = \"Again\"\npermissions = [\"api:read\"]\n\n[scopes.verify]"
        ),
        "scopes.again"
    );
}

/// Ranks: nobody comes to reach a role that the actor does not reach, and those above are not theirs to change.
#[test]
fn ranks_are_changed_below_ones_own_alone() {
    // Here admins may edit the profile.
    let text =
        builtin("symbolon").unwrap().replace("\"profile:view\", \"routes:view\"", "\"profile:*\", \"routes:view\"");
    let p = Profile::parse(&text).unwrap();
    let admin = session(&p, "admin");
    let check = |part: &str, by: &str, expected: &str| {
        assert!(text.contains(part), "{part}");
        let new = Profile::parse(&text.replacen(part, by, 1)).unwrap();
        assert_eq!(told(p.may_replace(&admin, &new)), expected, "{by}");
    };
    check("rank = 60", "rank = 70", "ok");
    check("rank = 80", "rank = 99", "ok");
    check("rank = 100", "rank = 90", "roles.owner");
    check(
        "[roles.viewer]",
        "[roles.guest]\ntitle = \"Guest\"\nrank = 10\npermissions = [\"api:read\"]\n\n[roles.viewer]",
        "ok",
    );
    check(
        "[roles.viewer]",
        "[roles.over]\ntitle = \"Over\"\nrank = 200\npermissions = [\"*:*\"]\n\n[roles.viewer]",
        "roles.over roles.over.rank",
    );
    // Who has every permission in another role than the highest has not everything.
    check("required = true\nmax_seconds = 31536000\n", "", "kinds.pat.expiry");
    let text = text.replace("[\"api:*\", \"tokens:*\", \"members:*\", \"activity:view\", \"profile:*\"", "[\"*:*\"");
    let p = Profile::parse(&text).unwrap();
    let admin = session(&p, "admin");
    for (part, by, expected) in [
        ("required = true\nmax_seconds = 31536000\n", "", "kinds.pat.expiry"),
        ("rank = 80", "rank = 101", "roles.admin.rank"),
        ("[permissions.api]", "[permissions.api]\ndelete = \"Delete\"", "ok"),
    ] {
        assert!(text.contains(part), "{part}");
        let new = Profile::parse(&text.replacen(part, by, 1)).unwrap();
        assert_eq!(told(p.may_replace(&admin, &new)), expected, "{by}");
    }
}

/// What onboarding and logins give: whoever approves one must not be made to give more.
#[test]
fn what_is_made_for_a_purpose_gains_no_more_than_the_actor_has() {
    let p = profile("symbolon");
    let manage = with_scopes(&p, "owner", "pat", &["manage"]);
    for (part, by, expected) in [
        ("login = { scopes = [\"read\"]", "login = { scopes = [\"read\", \"manage\"]", "ok"),
        ("login = { scopes = [\"read\"]", "login = { scopes = [\"write\"]", "kinds.pat.login"),
        ("login = { scopes = [\"read\"]", "login = { scopes = [\"read\"], expires_seconds = 60", "ok"),
        ("onboarding = { scopes = [\"read\"]", "onboarding = { permissions = [\"api:write\"]", "kinds.ci.onboarding"),
        (
            "grants = { scopes = [\"read\", \"write\"], permissions = [\"api:*\"]",
            "grants = { scopes = [\"read\", \"write\", \"verify\"], permissions = [\"api:*\"]",
            "kinds.ci.grants",
        ),
        (
            "grants = { scopes = [\"read\", \"write\"], permissions = [\"api:*\"]",
            "grants = { scopes = [\"read\", \"write\", \"manage\"], permissions = [\"api:*\"]",
            "ok",
        ),
    ] {
        assert_eq!(replace(&manage, part, by), expected, "{by}");
    }
}

/// Whoever set an organisation up has everything with its first token, so that the profile can be replaced without a
/// browser.
#[test]
fn the_first_token_has_everything() {
    for name in BUILTIN_NAMES {
        let p = profile(name);
        let kind = p.setup_kind().unwrap();
        let least = kind.setup.as_ref().unwrap();
        let chosen = Chosen {
            scopes: least.scopes.clone(),
            permissions: least.permissions.clone(),
            role: least.role.clone(),
            grants: Vec::new(),
        };
        let role = p.owner_role().unwrap().name.clone();
        let effective = p.effective(kind, &chosen, Some(role.as_str()));
        let actor = Actor { granted: p.granted(&chosen), effective, ..session(&p, role.as_str()) };
        let other = profile(if *name == "symbolon" { "devtron" } else { "symbolon" });
        assert_eq!(told(p.may_replace(&actor, &other)), "ok", "{name}");
    }
}

#[test]
fn the_highest_role_has_every_permission() {
    let text = builtin("symbolon").unwrap().replacen("permissions = [\"*:*\"]", "permissions = [\"api:read\"]", 1);
    let errors = Profile::parse(&text).expect_err("the highest role lacks something");
    assert!(errors.to_string().contains("lacking: api:write"), "{errors}");
}
