//! `symbolon login`: a browser approves this machine (RFC 8628); or a token or a key that one has is kept.
//!
//! Nothing is kept before the server has accepted what was granted. Ctrl-C ends it at any moment, also while a server
//! does not answer, with nothing left behind: a token that was granted meanwhile is revoked again.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::Global;
use crate::client::{self, Client};
use crate::contract::{DeviceAuthorization, Granted, OAuthError, WhoAmI};
use crate::credential::{self, Credential, InUse};
use crate::failure::Failure;
use crate::interrupt::{Interrupts, Waited};
use crate::output::{Output, Style, printable};
use crate::secrets::Secrets;
use crate::settings::{Settings, SettingsFile, Source};
use crate::transport::{BaseUrl, Request, Response, Transport};

use super::whoami::principal;

/// The name by which the server knows us.
const CLIENT_ID: &str = "symbolon-cli";
/// How long a login may take at most, whatever the server says, in seconds.
const MAX_SECONDS: u64 = 3600;
/// How often the server may be unreachable in a row before the login is given up.
const MAX_FAULTS: u32 = 5;
/// How long an answer is waited for after Ctrl-C: it may bring a token, which is to be given back.
const GRACE: Duration = Duration::from_secs(5);
/// By how much we slow down when told to, in seconds (RFC 8628, section 3.5).
const SLOW_DOWN: u64 = 5;

/// What `symbolon login` takes.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The server, such as https://tokens.example.com
    #[arg(value_name = "URL")]
    server: Option<String>,
    /// A scope to be granted, instead of the least that a login gets; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Print the link and do not open a browser
    #[arg(long)]
    no_browser: bool,
}

/// Logs in.
///
/// # Errors
/// [`Failure::Login`] with the reason, [`Failure::Interrupted`], and those of the server and of this machine.
pub(crate) fn run(login: &Login, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let mut global = global.clone();
    if let Some(server) = &login.server {
        if global.url.is_some() {
            return Err(Failure::input("The server is named twice: as an argument and by --url"));
        }
        global.url = Some(server.clone());
    }
    let settings = Settings::resolve(&global)?;
    let server = settings.server()?.clone();
    // Before anything is asked of anybody: where it will be kept must work.
    let secrets = Secrets::open(settings.keep.value, &settings.folder.value)?;
    let flagged = global.token.is_some() || global.token_file.is_some() || global.private_key.is_some();
    if flagged && !login.scopes.is_empty() {
        return Err(Failure::input("--scope is for a login in the browser"));
    }
    let interrupts = Interrupts::watch()?;
    let (in_use, granted) = if flagged {
        (credential::required(&global, &settings)?, false)
    } else {
        let secret = Device { server: &server, login, interrupts: &interrupts }.run(output)?;
        let bearer = credential::bearer(secret, "what the server granted")?;
        (InUse { credential: bearer, source: Source::Default }, true)
    };
    let organization = global.org.as_ref().and_then(|_| super::organization(&settings));
    let client = Arc::new(Client::new(server.clone(), in_use, organization));
    let finished = finish(&client, &settings, &secrets, &server, &global, &interrupts);
    match finished {
        Ok(done) => report(&done, &server, output),
        Err(failure) if granted => {
            // What was granted is of no use to anybody: it is given back.
            let giving = client.clone();
            let given = match interrupts.during(GRACE, move || revoke_self(&giving)) {
                Waited::Done(given) | Waited::Interrupted(Some(given)) => given.map_err(|why| why.to_string()),
                Waited::Interrupted(None) => Err("the server did not answer".to_owned()),
            };
            match given {
                Ok(()) => output.note(Style::Plain, "The token that was granted has been revoked again."),
                Err(why) => output
                    .note(Style::Warn, &format!("The token that was granted is still valid ({})", printable(&why))),
            }
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

struct Done {
    who: client::Answer<WhoAmI>,
    place: String,
}

/// Asks the server who the credential is, and keeps it.
fn finish(
    client: &Arc<Client>,
    settings: &Settings,
    secrets: &Secrets,
    server: &BaseUrl,
    global: &Global,
    interrupts: &Interrupts,
) -> Result<Done, Failure> {
    if interrupts.within(Duration::ZERO) {
        return Err(interrupted());
    }
    let asking = client.clone();
    let who = match interrupts.during(Duration::ZERO, move || asking.get::<WhoAmI>("/v1/whoami")) {
        Waited::Done(who) => who?,
        Waited::Interrupted(_) => return Err(interrupted()),
    };
    let organization = who.read.organization.short_id.parse().map_err(|_| Failure::Unreachable {
        url: server.to_string(),
        why: "the organisation's short id is not one".to_owned(),
    })?;
    // Another thread tells of Ctrl-C, a moment after it came: what came while the server answered still counts.
    if interrupts.within(Duration::from_millis(100)) {
        return Err(interrupted());
    }
    let mut file = SettingsFile {
        url: Some(server.to_string()),
        organization: Some(who.read.organization.short_id.clone()),
        private_key: None,
        store: settings.file.store,
    };
    let place = match (&client.credential().credential, &global.private_key) {
        (Credential::Bearer(secret), _) => secrets.set(&credential::account(server, &organization), secret)?,
        (Credential::Key(_), Some(path)) if path.as_os_str() != "-" => {
            let path = std::path::absolute(path).map_err(|error| Failure::file("finding", path, error))?;
            let place = path.display().to_string();
            file.private_key = Some(path);
            place
        }
        (Credential::Key(_), _) => {
            return Err(Failure::input("A key is kept by the name of its file: say --private-key FILE"));
        }
    };
    settings.save(&file)?;
    Ok(Done { who, place })
}

fn report(done: &Done, server: &BaseUrl, output: &mut Output) -> Result<(), Failure> {
    let who = &done.who.read;
    if output.is_json() {
        return output.document(&json!({ "url": server.as_str(), "kept_in": done.place, "whoami": done.who.raw }));
    }
    let text = format!("Logged in to {} at {server} as {}", who.organization.name, principal(&who.principal));
    let text = output.styled(Style::Good, &printable(&text));
    output.line(&text)?;
    output.line(&format!("Kept in {}", done.place))
}

/// Revokes the token that is itself the credential.
///
/// # Errors
/// What the server said.
pub(crate) fn revoke_self(client: &Client) -> Result<(), Failure> {
    // By RFC 7009: whoever holds a token may end it, without the permission to revoke others'.
    let Credential::Bearer(secret) = &client.credential().credential else { return Ok(()) };
    client.revoke(secret)
}

fn interrupted() -> Failure {
    Failure::Interrupted("Interrupted: nothing was kept".to_owned())
}

/// A login by RFC 8628.
struct Device<'a> {
    server: &'a BaseUrl,
    login: &'a Login,
    interrupts: &'a Interrupts,
}

impl Device<'_> {
    fn run(&self, output: &mut Output) -> Result<Zeroizing<String>, Failure> {
        let transport = Arc::new(Transport::new());
        let begun = self.begin(&transport)?;
        let uri = begun.verification_uri_complete.as_deref().unwrap_or(&begun.verification_uri);
        self.check_uri(uri)?;
        output.note(Style::Plain, &format!("Approve this machine at {}", printable(uri)));
        output.note(Style::Bold, &format!("with the code {}", printable(&begun.user_code)));
        if !self.login.no_browser && open::that_detached(uri).is_err() {
            output.note(Style::Dim, "No browser could be opened: open the address yourself.");
        }
        let started = Instant::now();
        let life = Duration::from_secs(begun.expires_in.min(MAX_SECONDS));
        let mut interval = begun.interval.clamp(1, 60);
        let mut faults = 0_u32;
        let progress = std::io::stderr().is_terminal();
        loop {
            self.wait(Duration::from_secs(interval), life, started, progress)?;
            let response = match self.poll(&transport, &begun.device_code) {
                Ok(response) => response,
                Err(failure @ Failure::Interrupted(_)) => return Err(failure),
                Err(failure) => {
                    faults = faults.saturating_add(1);
                    if faults >= MAX_FAULTS {
                        return Err(failure);
                    }
                    interval = interval.saturating_add(SLOW_DOWN);
                    continue;
                }
            };
            if response.status == 200 {
                let granted: Granted = client::read(self.server, &response)?.read;
                return Ok(Zeroizing::new(granted.access_token));
            }
            let Ok(error) = serde_json::from_slice::<OAuthError>(&response.body) else {
                let failure = client::failure(self.server, "the login", &response);
                faults = faults.saturating_add(1);
                if response.status < 500 && response.status != 429 || faults >= MAX_FAULTS {
                    return Err(failure);
                }
                interval = interval.saturating_add(SLOW_DOWN);
                continue;
            };
            faults = 0;
            match error.error.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval = interval.saturating_add(SLOW_DOWN),
                "access_denied" => return Err(refused("it was denied in the browser", &error)),
                "expired_token" => return Err(expired()),
                other => return Err(refused(&printable(other), &error)),
            }
        }
    }

    fn begin(&self, transport: &Arc<Transport>) -> Result<DeviceAuthorization, Failure> {
        let mut form = format!("client_id={CLIENT_ID}");
        if !self.login.scopes.is_empty() {
            form.push_str("&scope=");
            form.push_str(&client::encoded(&self.login.scopes.join(" ")));
        }
        let request = self.form("/oauth/device_authorization", form)?;
        let response = self.send(transport, request, Duration::ZERO)?;
        if response.status == 200 {
            return Ok(client::read(self.server, &response)?.read);
        }
        match serde_json::from_slice::<OAuthError>(&response.body) {
            Ok(error) => Err(refused(&printable(&error.error), &error)),
            Err(_) => Err(client::failure(self.server, "the login", &response)),
        }
    }

    fn poll(&self, transport: &Arc<Transport>, device_code: &str) -> Result<Response, Failure> {
        let grant = client::encoded("urn:ietf:params:oauth:grant-type:device_code");
        let code = client::encoded(device_code);
        let form = format!("grant_type={grant}&device_code={code}&client_id={CLIENT_ID}");
        self.send(transport, self.form("/oauth/token", form)?, GRACE)
    }

    /// Sends a request. An answer that came within `grace` after Ctrl-C counts only where it grants something.
    fn send(&self, transport: &Arc<Transport>, request: Request, grace: Duration) -> Result<Response, Failure> {
        let transport = transport.clone();
        match self.interrupts.during(grace, move || transport.send(&request)) {
            Waited::Done(answered) => answered,
            Waited::Interrupted(Some(Ok(response))) if response.status == 200 && !grace.is_zero() => Ok(response),
            Waited::Interrupted(_) => Err(interrupted()),
        }
    }

    fn form(&self, path: &str, form: String) -> Result<Request, Failure> {
        let request = Request::new("POST", self.server.target(path)?).header("accept", "application/json");
        Ok(request.body("application/x-www-form-urlencoded", form.into_bytes()))
    }

    /// The address to open is handed to another program: it must be a page, and of the server that was asked.
    fn check_uri(&self, uri: &str) -> Result<(), Failure> {
        let page = uri.strip_prefix(self.server.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if page && !uri.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Ok(());
        }
        Err(Failure::Unreachable {
            url: self.server.to_string(),
            why: "the page for the approval is not on this server: give the address that people use".to_owned(),
        })
    }

    /// Waits, showing how long is left, until it is time to ask again.
    fn wait(&self, pause: Duration, life: Duration, started: Instant, progress: bool) -> Result<(), Failure> {
        let step = Duration::from_secs(1);
        let mut waited = Duration::ZERO;
        let result = loop {
            let left = life.saturating_sub(started.elapsed());
            if left.is_zero() {
                break Err(expired());
            }
            if waited >= pause {
                break Ok(());
            }
            if progress {
                let seconds = left.as_secs();
                let (minutes, seconds) = (seconds.div_euclid(60), seconds.rem_euclid(60));
                eprint_line(&format!("\rWaiting for the approval, {minutes}:{seconds:02} left "));
            }
            if self.interrupts.within(step) {
                break Err(interrupted());
            }
            waited = waited.saturating_add(step);
        };
        if progress {
            eprint_line("\r\x1b[K");
        }
        result
    }
}

/// Progress goes to the terminal alone; where it cannot be written there is nobody to tell.
fn eprint_line(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stderr();
    let _told = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn expired() -> Failure {
    Failure::Login("The login was not approved in time: run it again".to_owned())
}

fn refused(why: &str, error: &OAuthError) -> Failure {
    let more = error.error_description.as_deref().map(|text| format!(" ({})", printable(text))).unwrap_or_default();
    Failure::Login(format!("The login failed: {why}{more}"))
}
