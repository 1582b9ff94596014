//! `symbolon deploy --check`: what a wrangler configuration lacks before it is deployed.
//!
//! It looks at the file alone and asks nobody. Deploying stays with wrangler.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use toml::{Table, Value};

use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};

/// The directory's binding.
const DIRECTORY: &str = "DIRECTORY";
/// Each Durable Object class and its binding.
const OBJECTS: &[(&str, &str)] = &[
    ("ORGANIZATION", "Organization"),
    ("INSTANCE", "Instance"),
    ("LOCATOR", "Locator"),
    ("REPLAY", "Replay"),
    ("LOGIN", "Login"),
];
/// The secrets, and what each is.
const SECRETS: &[(&str, &str)] = &[
    ("SETUP_CODE", "what POST /v1/setup asks for, 128 random bits at least"),
    ("INSTANCE_SECRET", "32 random bytes in base64url"),
];

/// What `symbolon deploy` takes.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// Look whether the configuration is complete
    #[arg(long, required = true)]
    check: bool,
    /// The configuration
    #[arg(default_value = "wrangler.toml")]
    file: PathBuf,
    /// The environment of the configuration
    #[arg(long = "env", value_name = "NAME")]
    environment: Option<String>,
}

/// Something that was looked at.
#[derive(serde::Serialize)]
struct Finding {
    what: String,
    ok: bool,
    /// What to do.
    advice: String,
}

/// Checks.
///
/// # Errors
/// [`Failure::Negative`] where something is missing.
pub(crate) fn run(command: &Deploy, output: &mut Output) -> Result<(), Failure> {
    if !command.check {
        return Err(Failure::input("Say --check: deploying is done by `npx wrangler deploy`"));
    }
    let text = input::text(&command.file, input::MAX_TEXT_BYTES)?;
    let name = input::shown(&command.file);
    let table: Table = toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).map_or(1, |before| before.matches('\n').count().saturating_add(1));
        Failure::input(format!("{name}:{line}: {}", error.message()))
    })?;
    let environment = match &command.environment {
        None => None,
        Some(environment) => {
            let found = table.get("env").and_then(|env| env.get(environment)).and_then(Value::as_table);
            Some(found.ok_or_else(|| Failure::input(format!("{name} has no [env.{environment}]")))?)
        }
    };
    let findings = check(&Configuration { root: &table, environment });
    let missing = findings.iter().filter(|finding| !finding.ok).count();
    if output.is_json() {
        output.document(&json!({ "complete": missing == 0, "findings": findings }))?;
    } else {
        for finding in &findings {
            let (style, word) = if finding.ok { (Style::Good, "ok     ") } else { (Style::Bad, "missing") };
            let word = output.styled(style, word);
            let advice = if finding.ok { String::new() } else { format!(": {}", finding.advice) };
            output.line(&format!("{word}  {}{advice}", finding.what))?;
        }
        for (secret, what) in SECRETS {
            output.note(
                Style::Dim,
                &format!("Set before the first deployment: npx wrangler secret put {secret} ({what})"),
            );
        }
    }
    match missing {
        0 => Ok(()),
        1 => Err(Failure::Negative(format!("{name}: one thing is missing"))),
        count => Err(Failure::Negative(format!("{name}: {count} things are missing"))),
    }
}

/// A configuration as wrangler reads it: bindings are not inherited by an environment, the rest is.
struct Configuration<'t> {
    root: &'t Table,
    environment: Option<&'t Table>,
}

impl<'t> Configuration<'t> {
    /// A key that environments inherit.
    fn inherited(&self, key: &str) -> Option<&'t Value> {
        self.environment.and_then(|table| table.get(key)).or_else(|| self.root.get(key))
    }

    /// A key that each environment says for itself.
    fn own(&self, key: &str) -> Option<&'t Value> {
        self.environment.unwrap_or(self.root).get(key)
    }
}

fn check(configuration: &Configuration<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut look = |what: String, ok: bool, advice: String| findings.push(Finding { what, ok, advice });
    for key in ["name", "main"] {
        let there = configuration.inherited(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        look(key.to_owned(), there, format!("say `{key} = \"…\"`"));
    }
    let dated = configuration.inherited("compatibility_date").is_some();
    look("compatibility_date".to_owned(), dated, "say the day whose runtime it was tested with".to_owned());
    let kv = tables(configuration.own("kv_namespaces"));
    let there = kv.iter().any(|table| text(table, "binding") == Some(DIRECTORY));
    look(format!("KV namespace {DIRECTORY}"), there, format!("add [[kv_namespaces]] with `binding = \"{DIRECTORY}\"`"));
    let bindings = tables(configuration.own("durable_objects").and_then(|objects| objects.get("bindings")));
    for (binding, class) in OBJECTS {
        let found = bindings.iter().find(|table| text(table, "name") == Some(binding));
        let ok = found.is_some_and(|table| text(table, "class_name") == Some(class));
        let advice = format!("add {{ name = \"{binding}\", class_name = \"{class}\" }} to [durable_objects] bindings");
        look(format!("Durable Object {binding}"), ok, advice);
    }
    let made = classes(configuration, "new_sqlite_classes");
    let without_sqlite = classes(configuration, "new_classes");
    let deleted = classes(configuration, "deleted_classes");
    for (_, class) in OBJECTS {
        let ok = made.contains(class) && !deleted.contains(class);
        let advice = if without_sqlite.contains(class) {
            "it stands under new_classes, which has no SQLite: it must be made by new_sqlite_classes".to_owned()
        } else {
            "add it to new_sqlite_classes of a [[migrations]] with a tag of its own".to_owned()
        };
        look(format!("migration that makes {class}"), ok, advice);
    }
    let required = configuration.inherited("secrets").and_then(|secrets| secrets.get("required"));
    let required = strings(required);
    let vars = configuration.own("vars").and_then(Value::as_table);
    for (secret, _) in SECRETS {
        let advice = "add it to [secrets] required, so that no deployment goes out without it".to_owned();
        look(format!("secret {secret} is required"), required.contains(secret), advice);
        let plain = vars.is_some_and(|vars| vars.contains_key(*secret));
        if plain {
            let advice = "it stands in [vars], where everybody with the file reads it: remove it, and make a new one";
            look(format!("secret {secret} is secret"), false, advice.to_owned());
        }
    }
    findings
}

fn tables(value: Option<&Value>) -> Vec<&Table> {
    value.and_then(Value::as_array).map(|list| list.iter().filter_map(Value::as_table).collect()).unwrap_or_default()
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

fn classes<'t>(configuration: &Configuration<'t>, key: &str) -> Vec<&'t str> {
    let migrations = configuration.inherited("migrations").and_then(Value::as_array);
    migrations.into_iter().flatten().flat_map(|migration| strings(migration.get(key))).collect()
}
