//! `symbolon request`: a request, signed or with a token, as curl would send it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use symbolon::problem::Problem;
use symbolon::signature::Target;

use crate::args::Global;
use crate::credential::{self, Credential, InUse};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};
use crate::settings::{Settings, Source};
use crate::signing;
use crate::system;
use crate::transport::{self, BaseUrl, Response, Transport, check_scheme};

use super::organization;
use super::signer::Signer;

/// What `symbolon request` takes.
#[derive(Debug, Args)]
pub(crate) struct Request {
    /// The method
    method: String,
    /// Where it is sent: a URL, or a path on the server
    target: String,
    /// The content; `@FILE` is a file's, `@-` that of standard input
    #[arg(long, short, value_name = "DATA", allow_hyphen_values = true)]
    data: Option<String>,
    /// A header, `Name: value`; may be repeated
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// A file with the token's passphrase; `-` is standard input, `ask` asks for it
    #[arg(long, value_name = "FILE")]
    passphrase: Option<PathBuf>,
    /// Send nothing: show what would be signed, and the headers
    #[arg(long)]
    dry_run: bool,
    /// Show the answer's status and headers too
    #[arg(long, short)]
    include: bool,
    /// Send the token of the login to another server than its own
    #[arg(long)]
    any_host: bool,
    #[command(flatten)]
    signer: Signer,
}

/// Sends a request.
///
/// # Errors
/// [`Failure::Problem`] where the answer is a problem document, [`Failure::Negative`] where it is another refusal: what was
/// answered is printed all the same.
pub(crate) fn run(command: Request, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let settings = Settings::resolve(global)?;
    let target = target(&command, &settings)?;
    check_scheme(&target, global.allow_http).map_err(|why| Failure::input(format!("{target}: {why}")))?;
    let in_use = credential::required(global, &settings)?;
    check_host(&command, &settings, &target, &in_use)?;
    let mut request = transport::Request::new(&command.method, target);
    for header in &command.headers {
        let (name, value) = parse_header(header)?;
        request = request.header(&name, value);
    }
    if let Some(data) = &command.data {
        let body = match data.strip_prefix('@') {
            Some(path) => input::bytes(Path::new(path), input::MAX_BODY_BYTES)?.to_vec(),
            None => data.clone().into_bytes(),
        };
        let media = if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
            "application/json"
        } else {
            "application/octet-stream"
        };
        if request.has("content-type") {
            request.body = Some(body);
        } else {
            request = request.body(media, body);
        }
    }
    if let Some(path) = &command.passphrase {
        let passphrase =
            if path == Path::new("ask") { input::ask_secret("Passphrase", false)? } else { input::secret(path)? };
        request = request.header("x-token-passphrase", passphrase.as_str());
    }
    let (request, base) = authorize(request, &in_use, &command, &settings)?;
    if command.dry_run {
        return show(&request, base.as_deref(), output);
    }
    let response = Transport::new().send(&request)?;
    print(&command, &response, output)?;
    if response.status < 400 {
        return Ok(());
    }
    Err(match serde_json::from_slice::<Problem>(&response.body) {
        Ok(problem) => Failure::Problem { context: in_use.title(), problem: Box::new(problem) },
        Err(_) => Failure::Negative(format!("answered {}", response.status)),
    })
}

fn target(command: &Request, settings: &Settings) -> Result<Target, Failure> {
    if command.target.starts_with('/') {
        return settings.server()?.target(&command.target);
    }
    Target::parse(&command.target).map_err(|error| Failure::input(format!("{}: {error}", command.target)))
}

/// The token of a login opens its own server: another host gets it only where that was said. A signature opens nothing
/// but what was signed.
fn check_host(command: &Request, settings: &Settings, target: &Target, in_use: &InUse) -> Result<(), Failure> {
    let kept = matches!(in_use.source, Source::Login(_)) && matches!(in_use.credential, Credential::Bearer(_));
    let host = format!("{}://{}", target.scheme().as_str(), target.authority());
    let own = settings.url.as_ref().is_some_and(|url| BaseUrl::as_str(&url.value) == host);
    if !kept || own || command.any_host || command.dry_run {
        return Ok(());
    }
    Err(Failure::input(format!("{host} is not the server of the login: say --any-host to send its token there")))
}

fn parse_header(header: &str) -> Result<(String, String), Failure> {
    let wrong = || Failure::input("A header is `Name: value`");
    let (name, value) = header.split_once(':').ok_or_else(wrong)?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(wrong());
    }
    let name = name.to_ascii_lowercase();
    if ["authorization", "signature", "signature-input", "x-api-key"].contains(&name.as_str()) {
        return Err(Failure::input(format!("{name} is a second credential: a request has one, from the settings")));
    }
    if ["host", "content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
        return Err(Failure::input(format!("{name} follows from the URL and the content")));
    }
    Ok((name, value.trim().to_owned()))
}

fn authorize(
    request: transport::Request,
    in_use: &InUse,
    command: &Request,
    settings: &Settings,
) -> Result<(transport::Request, Option<String>), Failure> {
    match &in_use.credential {
        Credential::Bearer(secret) => {
            if command.signer.is_said() {
                return Err(Failure::input(format!("{} cannot sign: say --private-key FILE", in_use.title())));
            }
            let value = zeroize::Zeroizing::new(format!("Bearer {}", secret.as_str()));
            Ok((request.header("authorization", value.as_str()), None))
        }
        Credential::Key(key) => {
            let options = command.signer.options(organization(settings))?;
            let signed = signing::sign(request, key, &options, system::now(), &*system::random()?)?;
            Ok((signed.request, Some(signed.base)))
        }
    }
}

/// Headers whose values are secrets.
fn is_secret(name: &str) -> bool {
    ["authorization", "x-token-passphrase", "cookie", "proxy-authorization"].contains(&name)
}

fn show(request: &transport::Request, base: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    let shown = |name: &str, value: &str| if is_secret(name) { "(hidden)".to_owned() } else { value.to_owned() };
    if output.is_json() {
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| json!([name, shown(name, value)])).collect();
        return output.document(&json!({
            "method": request.method, "url": request.target.to_string(), "headers": headers, "signature_base": base,
        }));
    }
    if let Some(base) = base {
        let title = output.styled(Style::Dim, "Signature base:");
        output.line(&title)?;
        output.line(base)?;
        output.line("")?;
    }
    output.line(&format!("{} {}", request.method, request.target))?;
    for (name, value) in &request.headers {
        output.line(&format!("{name}: {}", shown(name, value)))?;
    }
    Ok(())
}

fn print(command: &Request, response: &Response, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        let body = String::from_utf8_lossy(&response.body);
        return output.document(&json!({
            "status": response.status, "headers": response.headers,
            "body": serde_json::from_str::<serde_json::Value>(&body).unwrap_or_else(|_| json!(body)),
        }));
    }
    if command.include {
        output.line(&format!("HTTP {}", response.status))?;
        for (name, value) in &response.headers {
            output.line(&format!("{name}: {value}"))?;
        }
        output.line("")?;
    }
    output.bytes(&response.body)
}
