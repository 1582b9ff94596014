use super::*;
use crate::policy::builtin;

/// The default profile with one text replaced: `line: path` of each error, or its message where that is asked for.
fn check(part: &str, by: &str, expected: &[(&str, &str)]) {
    let good = builtin("symbolon").unwrap();
    let bad = good.replacen(part, by, 1);
    assert_ne!(bad, good, "{part}");
    let errors = Profile::parse(&bad).expect_err(by);
    let found: Vec<_> = errors.iter().map(|error| (error.path.as_str(), error.message.as_str())).collect();
    assert_eq!(found.len(), expected.len(), "{errors}");
    for ((path, message), error) in expected.iter().zip(errors.iter()) {
        assert_eq!(&error.path, path, "{errors}");
        assert!(error.message.contains(message), "{errors}");
        // The place is that of the text at fault: what follows it on the line is the last part of the path.
        let line = bad.lines().nth(error.line - 1).unwrap();
        assert!(line.chars().count() + 1 >= error.column, "{errors}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    check("name = \"symbolon\"", "name = ", &[("", "string")]);
    check("name = \"symbolon\"\n", "", &[("", "missing field `name`")]);
    check("name = \"symbolon\"", "name = \"A b\"", &[("name", "a name is 1 to 64 lower-case")]);
    check(
        "name = \"symbolon\"",
        "nam = \"symbolon\"",
        &[("", "missing field"), ("nam", "expected one of name, title")],
    );
    check("owner = \"member\"", "owner = \"members\"", &[("kinds.pat.owner", "expected `member` or `organization`")]);
    check(
        "rank = 100",
        "rank = 20",
        &[
            ("roles.owner.rank", "another role has this rank"),
            ("roles.admin.permissions", "lacking: profile:edit, routes:edit"),
            ("roles.viewer.rank", "another role"),
        ],
    );
    check(
        "scopes = [\"read\", \"write\", \"verify\", \"manage\"], needed",
        "scopes = [\"red\"], needed",
        &[
            ("kinds.pat.grants.scopes[0]", "expected one of read, write, verify, manage"),
            ("kinds.pat.setup.scopes[0]", "must be one of red"),
            ("kinds.pat.setup.scopes[1]", "must be one of red"),
            ("kinds.pat.setup.scopes[2]", "must be one of red"),
            ("kinds.pat.setup.scopes[3]", "must be one of red"),
            ("kinds.pat.login.scopes[0]", "must be one of red"),
        ],
    );
    check(
        "default_seconds = 7776000",
        "default_seconds = 31536001",
        &[("kinds.pat.expiry.default_seconds", "at most `max_seconds`")],
    );
    check("prefix = \"sym_key_\"", "prefix = \"sym key\"", &[("kinds.key.prefix", "letters, digits and '_'")]);
    check(
        "prefix = \"sym_key_\"",
        "prefix = \"sym_pat_x_\"\nformat = { hex = 64 }",
        &[("kinds.key.prefix", "begins with the prefix of pat")],
    );
    check(
        "prefix = \"sym_key_\"",
        "prefix = \"sym_key_\"\nformat = { hex = 31 }",
        &[("kinds.key.format", "32 to 128")],
    );
    check(
        "title = \"API key\"",
        "title = \"API key\"\ncolour = \"red\"",
        &[("kinds.key.colour", "unknown field `colour`, expected one of")],
    );
    check(
        "read = \"Read through the protected API\"",
        "\"*\" = \"Any\"\nread = \"Read\"",
        &[("permissions.api.*", "no '*'")],
    );
    check("ceiling = \"everything\"", "ceiling = \"owner_role\"", &[("kinds.ci.ceiling", "members own")]);
    check("ceiling = \"everything\"", "ceiling = \"fixed_role\"", &[("kinds.ci.grants.roles", "must not be empty")]);
    check(
        "[kinds.pat.cautions]",
        "[kinds.pat.signature]\nmax_age_seconds = 0\ncomponents = [\"Method\"]\n\n[kinds.pat.cautions]",
        &[("kinds.pat.signature.max_age_seconds", "1 to 3600"), ("kinds.pat.signature.components[0]", "lower case")],
    );
}

#[test]
fn a_mistake_in_one_table_does_not_hide_those_in_others() {
    let text = "name = \"x\"\ntitle = \"X\"\n[roles.a]\ntitle = 1\nrank = 1\npermissions = []\n[kinds.b]\ntitle = \"B\"\n[scopes.\"C\"]\ntitle = \"C\"\npermissions = []\n";
    let errors = Profile::parse(text).unwrap_err();
    let found: Vec<String> =
        errors.iter().map(|error| format!("{}:{} {}", error.line, error.column, error.path)).collect();
    assert_eq!(found, ["4:9 roles.a.title", "7:1 kinds.b", "9:9 scopes.C"], "{errors}");
}

#[test]
fn mistakes_of_every_sort_are_told_at_once_and_none_that_only_follows() {
    let replaced = |replacements: &[(&str, &str)]| {
        let mut text = builtin("symbolon").unwrap().to_owned();
        for (part, by) in replacements {
            assert!(text.contains(part), "{part}");
            text = text.replacen(part, by, 1);
        }
        let errors = Profile::parse(&text).unwrap_err();
        let lines: Vec<&str> = text.lines().collect();
        let mut found = Vec::new();
        for error in errors.iter() {
            let rest: String = lines[error.line - 1].chars().skip(error.column - 1).collect();
            found.push(format!("{} {}", error.path, rest.split([' ', ',', ']']).next().unwrap()));
        }
        (found, errors.to_string())
    };
    // A name that is not declared, and in the same kind two texts that are no fields: each has its own place.
    let (found, text) = replaced(&[
        ("access = { see = [\"owner\", \"admin\"], manage", "access = { see = [\"owner\", \"boss\"], manage"),
        (
            "\"description\", \"scopes\", \"expires_at\", \"active\", \"passphrase\"]",
            "\"colour\", \"scopes\", \"size\", \"active\"]",
        ),
    ]);
    assert_eq!(
        found,
        ["kinds.pat.access.see[1] \"boss\"", "kinds.pat.edit[1] \"colour\"", "kinds.pat.edit[3] \"size\""],
        "{text}"
    );
    assert!(text.contains("expected one of owner, admin") && text.contains("expected one of `name`"), "{text}");

    // What is misspelt is not also said to be missing, and where a kind cannot be read all else is looked at.
    let (found, text) =
        replaced(&[("rank = 60", "rank = \"sixty\""), ("ceiling = \"owner_role\"", "ceiling = \"role\"")]);
    assert_eq!(found, ["roles.developer.rank \"sixty\"", "kinds.pat.ceiling \"role\""], "{text}");
    let (found, text) = replaced(&[
        ("ceiling = \"owner_role\"", "ceiling = \"role\""),
        ("max_seconds = 31536000", "max_seconds = \"x\""),
        ("permissions = [\"api:read\"]", "permissions = [\"api:raed\", \"orders:veiw\"]"),
    ]);
    assert_eq!(
        found,
        [
            "scopes.read.permissions[0] \"api:raed\"",
            "scopes.read.permissions[1] \"orders:veiw\"",
            "kinds.pat.ceiling \"role\"",
            "kinds.pat.expiry.max_seconds \"x\"",
        ],
        "{text}"
    );
    assert!(text.contains("there are api:read, api:write\n"), "{text}");
    assert!(text.contains("there are api:read, api:write, tokens:view, "), "{text}");
}

#[test]
fn a_place_is_exact_and_its_text_has_a_line() {
    let text =
        builtin("devtron").unwrap().replace("needed = \"nothing\"", "needed = \"nothing\", default_grant = \"é\"");
    let error = Profile::parse(&text).unwrap_err();
    let line = text.lines().position(|line| line.contains("default_grant")).unwrap() + 1;
    let column = text.lines().nth(line - 1).unwrap().find("\"é\"").unwrap() + 1;
    assert!(error.to_string().starts_with(&format!("{line}:{column}: kinds.token.grants.default_grant: ")), "{error}");
}

#[test]
fn the_example_of_the_documentation_is_a_profile() {
    let page = include_str!("../../../docs/profiles.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let profile = Profile::parse(example).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(profile.name().as_str(), "orders");
    assert!(profile.kind("pat").unwrap().setup.is_some());
}

#[test]
fn what_is_too_large_is_not_read() {
    let text = format!("# {}", "x".repeat(Profile::MAX_BYTES));
    assert!(Profile::parse(&text).unwrap_err().to_string().contains("65536 bytes"));
    let deep = format!("name = {}", "[".repeat(5000));
    assert!(Profile::parse(&deep).is_err());
}

#[test]
fn what_was_declared_keeps_its_order() {
    let profile = Profile::parse(builtin("symbolon").unwrap()).unwrap();
    let names: Vec<&str> = profile.scopes().iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(names, ["read", "write", "verify", "manage"]);
    let names: Vec<&str> = profile.kinds().iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names, ["pat", "key", "ci"]);
}
