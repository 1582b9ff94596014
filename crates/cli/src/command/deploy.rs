//! `symbolon deploy --check`: what a wrangler configuration, as TOML or JSON, lacks before it is deployed.
//!
//! It looks at the file alone and asks nobody. Deploying stays with wrangler.

use std::path::{Path, PathBuf};

use clap::Args;
use jsonc_parser::ParseOptions;
use serde_json::{Map, Value, json};

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

/// The console's binding.
const ASSETS: &str = "ASSETS";
/// The configurations that wrangler looks for, in its order.
const FILES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

type Table = Map<String, Value>;

/// What `symbolon deploy` takes.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// Look whether the configuration is complete
    #[arg(long, required = true)]
    check: bool,
    /// The configuration; where none is named, the one that wrangler would read: wrangler.json, wrangler.jsonc or
    /// wrangler.toml
    file: Option<PathBuf>,
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
    let file = command.file.clone().unwrap_or_else(|| {
        let found = FILES.iter().map(PathBuf::from).find(|path| path.is_file());
        found.unwrap_or_else(|| PathBuf::from("wrangler.toml"))
    });
    let name = input::shown(&file);
    let table = read(&file, &name)?;
    let environment = match &command.environment {
        None => None,
        Some(environment) => {
            let found = table.get("env").and_then(|env| env.get(environment)).and_then(Value::as_object);
            Some(found.ok_or_else(|| Failure::input(format!("{name} has no environment {environment}")))?)
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

fn read(file: &Path, name: &str) -> Result<Table, Failure> {
    let text = input::text(file, input::MAX_TEXT_BYTES)?;
    if file.extension().is_some_and(|end| end == "json" || end == "jsonc") {
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        return jsonc_parser::parse_to_serde_value(&text, &options)
            .map_err(|error| Failure::input(format!("{name}:{}: {}", error.line_display(), error.kind())));
    }
    toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).map_or(1, |before| before.matches('\n').count().saturating_add(1));
        Failure::input(format!("{name}:{line}: {}", error.message()))
    })
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
    let assets = configuration.inherited("assets").and_then(Value::as_object);
    let bound = assets.is_some_and(|table| text(table, "binding") == Some(ASSETS) && table.contains_key("directory"));
    look(format!("assets {ASSETS}"), bound, format!("the console: say its directory, and `binding = \"{ASSETS}\"`"));
    let first = assets.and_then(|table| table.get("run_worker_first")) == Some(&Value::Bool(true));
    let advice = "say `run_worker_first = true`: else a gateway's host names serve files of the console".to_owned();
    look("the Worker comes before assets".to_owned(), first, advice);
    let kv = tables(configuration.own("kv_namespaces"));
    let there = kv.iter().any(|table| text(table, "binding") == Some(DIRECTORY));
    look(
        format!("KV namespace {DIRECTORY}"),
        there,
        format!("add to kv_namespaces one with `binding = \"{DIRECTORY}\"`"),
    );
    let bindings = tables(configuration.own("durable_objects").and_then(|objects| objects.get("bindings")));
    for (binding, class) in OBJECTS {
        let found = bindings.iter().find(|table| text(table, "name") == Some(binding));
        let ok = found.is_some_and(|table| text(table, "class_name") == Some(class));
        let advice = format!("add {{ name = \"{binding}\", class_name = \"{class}\" }} to durable_objects.bindings");
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
            "add it to new_sqlite_classes of a migration with a tag of its own".to_owned()
        };
        look(format!("migration that makes {class}"), ok, advice);
    }
    let required = configuration.inherited("secrets").and_then(|secrets| secrets.get("required"));
    let required = strings(required);
    let vars = configuration.own("vars").and_then(Value::as_object);
    for (secret, _) in SECRETS {
        let advice = "add it to secrets.required, so that no deployment goes out without it".to_owned();
        look(format!("secret {secret} is required"), required.contains(secret), advice);
        let plain = vars.is_some_and(|vars| vars.contains_key(*secret));
        if plain {
            let advice = "it stands in vars, where everybody with the file reads it: remove it, and make a new one";
            look(format!("secret {secret} is secret"), false, advice.to_owned());
        }
    }
    findings
}

fn tables(value: Option<&Value>) -> Vec<&Table> {
    value.and_then(Value::as_array).map(|list| list.iter().filter_map(Value::as_object).collect()).unwrap_or_default()
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
