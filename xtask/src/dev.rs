//! The development server: the Worker in workerd on this machine, with its state kept in a folder.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::json;
use url::Url;

use crate::build::{self, Flavour};
use crate::process::{self, Running, say};
use crate::setup;
use crate::workspace::Workspace;
use crate::www;

/// What is passed on to the Worker as it is: the provider at which people may sign in (docs/console.md).
const FROM_ENVIRONMENT: [&str; 4] = ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME"];

/// The fewest bytes of a setup code: `symbolon::protocol::SharedSecret::MIN_LEN`.
const MIN_SETUP_CODE_LEN: usize = 16;

/// What `cargo xtask dev` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
    /// What POST /v1/setup asks for; made and kept in the data folder when it is not given.
    #[arg(long)]
    pub(crate) setup_code: Option<String>,
    /// Where the state is kept: a new folder is a new instance.
    #[arg(long, default_value = ".symbolon/dev")]
    pub(crate) data: PathBuf,
    /// The Worker as it is deployed, instead of one that is quick to build.
    #[arg(long)]
    pub(crate) release: bool,
    /// The API that the gateway protects: a URL.
    #[arg(long, value_name = "URL")]
    pub(crate) origin: Option<String>,
    /// A host name on which requests are verified and passed on to the origin; may be repeated.
    #[arg(long = "gateway-host", value_name = "HOST")]
    pub(crate) gateway_hosts: Vec<String>,
}

/// A server that is ready; it ends when this is dropped.
pub(crate) struct Server {
    running: Running,
    /// The address, without a slash at its end.
    pub(crate) url: String,
    /// What setup asks for.
    pub(crate) setup_code: String,
}

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn dev(workspace: &Workspace, options: &Options) -> Result<()> {
    let started = Instant::now();
    let mut server = start(workspace, options)?;
    // From here on the server is ended first, and xtask when it has ended.
    process::handle_signals_here();
    println!("Symbolon is ready at {} after {:.1} s", server.url, started.elapsed().as_secs_f64());
    println!("First run: {}/setup#code={}", server.url, server.setup_code);
    if let Some(origin) = &options.origin {
        println!("What comes to {} is verified and passed on to {origin}", options.gateway_hosts.join(", "));
    }
    println!("State is kept in {}; Ctrl-C ends it.", options.data.display());
    std::io::stdout().flush()?;
    loop {
        if process::stopping() {
            say("ending");
            return Ok(());
        }
        if let Some(status) = server.running.wait_at_most(Duration::from_millis(200))? {
            bail!("the server ended by itself ({status})");
        }
    }
}

/// Sets up, builds, and starts the server; returns once `/healthz` has answered 200.
pub(crate) fn start(workspace: &Workspace, options: &Options) -> Result<Server> {
    // Before anything long: a port that is taken is the commonest fault.
    drop(TcpListener::bind(("127.0.0.1", options.port)).map_err(|error| {
        anyhow!("port {} on 127.0.0.1 cannot be used ({error}): choose another with --port", options.port)
    })?);
    check_gateway(options)?;
    fs::create_dir_all(&options.data).with_context(|| format!("creating {}", options.data.display()))?;
    let data = fs::canonicalize(&options.data)?;
    // The Worker takes a shorter one for none.
    if options.setup_code.as_ref().is_some_and(|code| code.len() < MIN_SETUP_CODE_LEN) {
        bail!("the setup code must have {MIN_SETUP_CODE_LEN} bytes or more");
    }
    let setup_code = secret(&data.join("setup-code"), options.setup_code.as_deref(), || {
        Ok(data_encoding::HEXLOWER.encode(&random::<16>()?))
    })?;
    let instance_secret =
        secret(&data.join("instance-secret"), None, || Ok(data_encoding::BASE64URL_NOPAD.encode(&random::<32>()?)))?;
    let flavour = if options.release { Flavour::Release } else { Flavour::Dev };
    let folder = build::worker(workspace, flavour)?;
    let assets = www::build(workspace)?;

    let mut bindings = json!({ "SETUP_CODE": setup_code, "INSTANCE_SECRET": instance_secret });
    if let Some(fields) = bindings.as_object_mut() {
        if let Some(origin) = &options.origin {
            fields.insert("ORIGIN".to_owned(), json!(origin));
        }
        if !options.gateway_hosts.is_empty() {
            fields.insert("GATEWAY_HOSTS".to_owned(), json!(options.gateway_hosts.join(",")));
        }
    }
    if let Some(fields) = bindings.as_object_mut() {
        for name in FROM_ENVIRONMENT {
            if let Ok(value) = std::env::var(name) {
                fields.insert(name.to_owned(), json!(value));
            }
        }
    }
    let settings = json!({
        "folder": folder,
        "assets": assets,
        "bindings": bindings,
        "data": data.join("state"),
        "port": options.port,
    });
    let mut command = setup::node_command(workspace);
    command.arg("xtask/js/dev.mjs").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = Running::start(&mut command)?;
    // The pipe stays open in `running`: its end is how the server learns that xtask has gone.
    let stdin = running.child.stdin.as_mut().context("the server's standard input")?;
    writeln!(stdin, "{settings}")?;
    stdin.flush()?;
    let mut lines = BufReader::new(running.child.stdout.take().context("the server's standard output")?);
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            bail!("the server did not start ({})", running.child.wait()?);
        }
        if line.trim_end() == "ready" {
            break;
        }
        print!("{line}");
    }
    // What the Worker logs from here on.
    thread::spawn(move || {
        let mut line = String::new();
        while matches!(lines.read_line(&mut line), Ok(length) if length > 0) {
            print!("{line}");
            line.clear();
        }
    });
    Ok(Server { running, url: format!("http://localhost:{}", options.port), setup_code })
}

/// What the Worker would take without a word, and then serve nobody by.
fn check_gateway(options: &Options) -> Result<()> {
    if let Some(origin) = &options.origin {
        let is_origin = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
        };
        if !Url::parse(origin).as_ref().is_ok_and(is_origin) {
            bail!(
                "--origin {origin} is no address of a server: give it as http://HOST or http://HOST:PORT, without a path"
            );
        }
    }
    for host in &options.gateway_hosts {
        // A host and nothing more comes out of the parser as it went in.
        let is_host = Url::parse(&format!("http://{host}")).is_ok_and(|url| url.host_str() == Some(host));
        if !is_host {
            bail!("--gateway-host {host} is no host name: give it in lower case, without a scheme, a port or a path");
        }
    }
    match (&options.origin, options.gateway_hosts.is_empty()) {
        (Some(_), true) => bail!("--origin needs a --gateway-host: the name under which requests are passed on to it"),
        (None, false) => bail!("--gateway-host needs an --origin: the API that requests are passed on to"),
        _ => Ok(()),
    }
}

/// A secret kept in a file that only its owner can read: the one that is given, else the one that is there, else a new one.
fn secret(path: &Path, given: Option<&str>, new: impl FnOnce() -> Result<String>) -> Result<String> {
    if given.is_none() && path.exists() {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        return Ok(text.trim().to_owned());
    }
    let value = match given {
        Some("") => bail!("the setup code is empty"),
        Some(value) => value.to_owned(),
        None => new()?,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).with_context(|| format!("writing {}", path.display()))?;
    writeln!(file, "{value}")?;
    Ok(value)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_kept_and_replaced_only_by_a_given_one() {
        let folder = std::env::temp_dir()
            .join(format!("symbolon-xtask-{}", data_encoding::HEXLOWER.encode(&random::<8>().unwrap())));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("secret");
        let first = secret(&path, None, || Ok("made".to_owned())).unwrap();
        assert_eq!(first, "made");
        assert_eq!(secret(&path, None, || Ok("again".to_owned())).unwrap(), "made");
        assert_eq!(secret(&path, Some("given"), || Ok("again".to_owned())).unwrap(), "given");
        assert_eq!(secret(&path, None, || Ok("again".to_owned())).unwrap(), "given");
        assert!(secret(&path, Some(""), || Ok("again".to_owned())).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_dir_all(&folder).unwrap();
    }
    #[test]
    fn a_gateway_that_would_serve_nobody_is_refused() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let check = |words: &[&str]| {
            let line = <Line as clap::Parser>::try_parse_from(core::iter::once(&"dev").chain(words)).unwrap();
            check_gateway(&line.options).is_ok()
        };
        assert!(check(&[]));
        for origin in ["http://127.0.0.1:8790", "https://api.example", "http://[::1]:80/"] {
            assert!(check(&["--origin", origin, "--gateway-host", "api.localhost"]), "{origin}");
        }
        for origin in ["nonsense", "ftp://api.example", "http://api.example/v1", "http://api.example?a=b", "http://"] {
            assert!(!check(&["--origin", origin, "--gateway-host", "api.localhost"]), "{origin}");
        }
        for host in ["http://foo", "foo:80", "foo/bar", "Foo", ""] {
            assert!(!check(&["--origin", "http://127.0.0.1:1", "--gateway-host", host]), "{host}");
        }
        assert!(!check(&["--origin", "http://127.0.0.1:1"]));
        assert!(!check(&["--gateway-host", "api.localhost"]));
    }
}
