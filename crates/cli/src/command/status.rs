//! `symbolon status`: which settings are in use, and which of several won.

use clap::Args;
use serde_json::json;

use crate::args::Global;
use crate::client::Client;
use crate::contract::WhoAmI;
use crate::credential;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::system;

use super::whoami::principal;

/// What `symbolon status` takes.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Do not ask the server
    #[arg(long)]
    offline: bool,
}

/// Says which settings are in use, and whether the server accepts the credential.
///
/// # Errors
/// As `whoami`, after what is known has been printed: a pipeline can rely on the exit code.
pub(crate) fn run(status: &Status, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let settings = Settings::resolve(global)?;
    let in_use = credential::resolve(global, &settings)?;
    let mut fields: Vec<(&str, String)> = vec![
        ("Settings", format!("{} (from {})", settings.folder.value.display(), settings.folder.source)),
        ("Server", of(settings.url.as_ref().map(|url| (url.value.to_string(), url.source.to_string())))),
        ("Organisation", of(settings.organization.as_ref().map(|it| (it.value.to_string(), it.source.to_string())))),
        ("Credential", of(in_use.as_ref().map(|it| (it.credential.shown(), it.source.to_string())))),
    ];
    let overruled = overruled(global, &settings, in_use.is_some())?;
    if !overruled.is_empty() {
        fields.push(("Overruled", overruled.join(", ")));
    }
    let mut document = json!({
        "settings": { "value": settings.folder.value, "source": settings.folder.source.to_string() },
        "url": settings.url.as_ref().map(|url| json!({ "value": url.value.as_str(), "source": url.source.to_string() })),
        "organization": settings.organization.as_ref()
            .map(|it| json!({ "value": it.value, "source": it.source.to_string() })),
        "credential": in_use.as_ref()
            .map(|it| json!({ "shown": it.credential.shown(), "source": it.source.to_string() })),
        "overruled": overruled,
    });
    let asked = match (status.offline, &settings.url, in_use) {
        (true, ..) => None,
        (false, Some(url), Some(in_use)) => {
            let client = Client::new(url.value.clone(), in_use, super::organization(&settings));
            Some(client.get::<WhoAmI>("/v1/whoami"))
        }
        (false, None, _) => settings.server().err().map(Err),
        (false, Some(_), None) => credential::required(global, &settings).err().map(Err),
    };
    let (line, accepted, failure) = match asked {
        None => ("not asked".to_owned(), json!(null), None),
        Some(Ok(answer)) => {
            let who = &answer.read;
            (format!("accepted: {}, {}", who.organization.name, principal(&who.principal)), json!(true), None)
        }
        Some(Err(failure)) => (failure.to_string(), json!(false), Some(failure)),
    };
    fields.push(("Server says", line));
    if output.is_json() {
        if let Some(object) = document.as_object_mut() {
            object.insert("accepted".to_owned(), accepted);
        }
        output.document(&document)?;
    } else {
        output.fields(&fields)?;
    }
    failure.map_or(Ok(()), Err)
}

fn of(setting: Option<(String, String)>) -> String {
    setting.map_or_else(|| "none".to_owned(), |(value, source)| format!("{value} (from {source})"))
}

/// What was said as well, and lost: names alone.
fn overruled(global: &Global, settings: &Settings, has_credential: bool) -> Result<Vec<String>, Failure> {
    use crate::credential::{PRIVATE_KEY, TOKEN};
    use crate::settings::{ORG, Source, URL};
    let mut names = Vec::new();
    let mut lost = |said: bool, name: String| {
        if said {
            names.push(name);
        }
    };
    let flag = |source: Option<&Source>| matches!(source, Some(Source::Flag(_)));
    let from_file = |source: Option<&Source>| matches!(source, Some(Source::File(_)));
    let url = settings.url.as_ref().map(|url| &url.source);
    let org = settings.organization.as_ref().map(|org| &org.source);
    lost(flag(url) && system::variable(URL)?.is_some(), URL.to_owned());
    lost(
        url.is_some() && !from_file(url) && settings.file.url.is_some(),
        format!("url in {}", settings.path().display()),
    );
    lost(flag(org) && system::variable(ORG)?.is_some(), ORG.to_owned());
    let by_flag = global.token.is_some() || global.token_file.is_some() || global.private_key.is_some();
    let mut by_environment = false;
    for name in [TOKEN, PRIVATE_KEY] {
        let set = system::variable(name)?.is_some();
        by_environment |= set;
        lost(by_flag && set, name.to_owned());
    }
    let kept = settings.private_key.is_some() || settings.file.organization.is_some();
    lost((by_flag || by_environment) && has_credential && kept, "the login that is kept".to_owned());
    Ok(names)
}
