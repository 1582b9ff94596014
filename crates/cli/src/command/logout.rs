//! `symbolon logout`.

use clap::Args;
use serde_json::json;

use crate::args::Global;
use crate::client::Client;
use crate::credential::{self, Credential, InUse};
use crate::failure::Failure;
use crate::keys;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::settings::{Settings, SettingsFile, Source};

use super::login::revoke_self;

/// What `symbolon logout` takes.
#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// Revoke the token at the server too
    #[arg(long)]
    revoke: bool,
}

/// Forgets the login; revokes it first where that was asked for, so that nothing is forgotten that is still valid.
///
/// # Errors
/// [`Failure::Input`] where there is no login, and those of the server and of this machine.
pub(crate) fn run(logout: &Logout, global: &Global, output: &mut Output) -> Result<(), Failure> {
    if global.token.is_some() || global.token_file.is_some() || global.private_key.is_some() {
        return Err(Failure::input(
            "logout is about the login that is kept: to end a token use `symbolon token revoke`",
        ));
    }
    let settings = Settings::resolve(global)?;
    let server = settings.server()?.clone();
    let Some(organization) = super::organization(&settings) else {
        return Err(Failure::input(format!("There is no login for {server}")));
    };
    let secrets = Secrets::open(settings.keep.value, &settings.folder.value)?;
    let account = credential::account(&server, &organization);
    let found = secrets.get(&account)?;
    if found.is_none() && settings.private_key.is_none() {
        return Err(Failure::input(format!("There is no login for {server} and the organisation {organization}")));
    }
    if logout.revoke {
        match (&found, &settings.private_key) {
            (Some(found), _) => {
                let bearer = credential::bearer(found.secret.clone(), "what is kept")?;
                let in_use = InUse { credential: bearer, source: Source::Login(found.place.clone()) };
                end(revoke_self(&Client::new(server.clone(), in_use, Some(organization))))?;
            }
            (None, Some(path)) => {
                let key = Credential::Key(keys::private_key_in(&path.value)?);
                let in_use = InUse { credential: key, source: path.source.clone() };
                let client = Client::new(server.clone(), in_use, Some(organization));
                end(client.send("POST", "/v1/tokens/revoke-by-key", None, &[]).map(drop))?;
            }
            (None, None) => {}
        }
    }
    secrets.remove(&account)?;
    settings.save(&SettingsFile { organization: None, private_key: None, ..settings.file.clone() })?;
    if output.is_json() {
        return output.document(&json!({ "url": server.as_str(), "removed": true, "revoked": logout.revoke }));
    }
    if logout.revoke {
        output.line(&format!("The token was revoked at {server}, and the login on this machine removed."))
    } else {
        output.line("The login on this machine was removed.")?;
        output
            .line(&format!("The token itself stays valid at {server}: `symbolon logout --revoke` would have ended it."))
    }
}

/// A token that the server knows no more has ended already.
fn end(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(Failure::Problem { problem, .. }) if problem.status == 401 => Ok(()),
        other => other,
    }
}
