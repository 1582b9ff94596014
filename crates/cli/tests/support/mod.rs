//! The real binary in a world of its own: an empty environment, a home folder, and servers on this machine.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

/// A home folder and an environment.
pub(crate) struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Finished {
    /// The result, as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Expects success.
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Expects this exit code and this text in one line of standard error.
    pub(crate) fn fails(self, code: i32, part: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(part), "{part:?} is not in {self:?}");
        let last = self.err.trim_end().lines().last().unwrap_or_default();
        assert!(last.contains("symbolon:") || last.starts_with("{\"error\"") || code == 2, "no clear line: {self:?}");
        self
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", folder.path().display().to_string()),
            ("SYMBOLON_CONFIG_DIR", folder.path().join("config").display().to_string()),
            // No bus: the keyring of whoever runs the tests is not theirs to touch.
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent".to_owned()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { folder, variables }
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> String {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        mode(&path, 0o600);
        path.display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Everything in the home folder: what must not change when a command fails.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push((path.clone(), fs::read(&path).unwrap())) }
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        found.sort();
        found
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(self.folder.path());
        command
    }

    /// Starts the binary with its output piped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_symbolon"));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.start(arguments))
    }

    /// Runs the binary with this on standard input.
    pub(crate) fn pipe(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = self.command(env!("CARGO_BIN_EXE_symbolon"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        finish(child)
    }

    /// Runs the binary in a pseudo-terminal, which shows both outputs as one, and types this.
    pub(crate) fn terminal(&self, arguments: &[&str], typed: &str) -> Finished {
        let quoted: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
        let line = format!("'{}' {}", env!("CARGO_BIN_EXE_symbolon"), quoted.join(" "));
        let mut command = self.command("script");
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(typed.as_bytes()).unwrap();
        let finished = finish(child);
        drop(stdin);
        finished
    }
}

pub(crate) fn finish(child: Child) -> Finished {
    let output = child.wait_with_output().unwrap();
    Finished {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sets permissions, where there are any.
pub(crate) fn mode(path: &Path, bits: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = (path, bits);
}

/// A request as the server on this machine got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What the server answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

pub(crate) fn json(status: u16, body: &serde_json::Value) -> Answer {
    Answer { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string() }
}

pub(crate) fn problem(status: u16, code: &str) -> Answer {
    json(
        status,
        &serde_json::json!({ "type": format!("/problems/{code}"), "title": "A title.", "status": status, "code": code }),
    )
}

/// No answer, as long as the server lives.
pub(crate) fn silence() -> Answer {
    Answer { status: 0, headers: Vec::new(), body: String::new() }
}

/// A server on this machine that answers as it is told to, and tells what it got.
pub(crate) struct Double {
    pub(crate) url: String,
    got: mpsc::Receiver<Got>,
}

impl Double {
    pub(crate) fn new(mut answer: impl FnMut(&Got) -> Answer + Send + 'static) -> Self {
        let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.server_addr().to_ip().unwrap());
        let (sender, got) = mpsc::channel();
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            for mut request in server.incoming_requests() {
                let mut body = Vec::new();
                request.as_reader().read_to_end(&mut body).unwrap();
                let headers = request
                    .headers()
                    .iter()
                    .map(|it| (it.field.as_str().as_str().to_ascii_lowercase(), it.value.as_str().to_owned()))
                    .collect();
                let seen = Got { method: request.method().to_string(), path: request.url().to_owned(), headers, body };
                let Answer { status, headers, body } = answer(&seen);
                if status == 0 {
                    let _gone = sender.send(seen);
                    unanswered.push(request);
                    continue;
                }
                let mut response = tiny_http::Response::from_string(body).with_status_code(status);
                for (name, value) in headers {
                    response.add_header(tiny_http::Header::from_bytes(name, value).unwrap());
                }
                let _gone = sender.send(seen);
                let _gone = request.respond(response);
            }
        });
        Self { url, got }
    }

    /// Everything that it has got so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.try_iter().collect()
    }
}
