//! Child processes: started in groups of their own, watched while they are silent, and ended with xtask.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// After this long without a line of output a running step says that it is still at work.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a child may take to end after it was asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// The exit code of a program that an interrupt ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// The process groups that are running now.
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Whether somebody waits for [`stopping`] and ends xtask in its own time.
static HANDLED: AtomicBool = AtomicBool::new(false);
static STOPPING: AtomicBool = AtomicBool::new(false);

fn groups() -> MutexGuard<'static, Vec<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes Ctrl-C and SIGTERM end everything that was started; called once, first.
pub(crate) fn end_children_on_signal() -> Result<()> {
    ctrlc::set_handler(|| {
        STOPPING.store(true, Ordering::SeqCst);
        if !HANDLED.load(Ordering::SeqCst) {
            for group in groups().iter() {
                signal_group(*group, Ending::Ask);
            }
            std::process::exit(INTERRUPTED);
        }
    })
    .context("installing the signal handler")
}

/// From here on a signal only sets [`stopping`]: the caller ends what it started.
pub(crate) fn handle_signals_here() {
    HANDLED.store(true, Ordering::SeqCst);
}

/// Whether a signal has asked xtask to end.
pub(crate) fn stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

#[derive(Clone, Copy)]
enum Ending {
    Ask,
    Kill,
}

#[cfg(unix)]
fn signal_group(group: u32, ending: Ending) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = match ending {
        Ending::Ask => Signal::TERM,
        Ending::Kill => Signal::KILL,
    };
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // A group that has ended by itself is what was wanted.
        let _ended = kill_process_group(pid, signal);
    }
}

#[cfg(not(unix))]
fn signal_group(_group: u32, _ending: Ending) {}

/// A child in a process group of its own, which is ended when this is dropped.
pub(crate) struct Running {
    /// The group's leader.
    pub(crate) child: Child,
    group: u32,
}

impl Running {
    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        let child = command.spawn().with_context(|| format!("starting {}", line(command)))?;
        let group = child.id();
        groups().push(group);
        Ok(Self { child, group })
    }

    /// Waits for the leader, at most `limit`.
    pub(crate) fn wait_at_most(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let end = Instant::now().checked_add(limit);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Closing the pipe is the first way in which a child learns that it should end.
        drop(self.child.stdin.take());
        signal_group(self.group, Ending::Ask);
        if !matches!(self.wait_at_most(GRACE), Ok(Some(_))) {
            signal_group(self.group, Ending::Kill);
            let _status = self.child.wait();
        }
        // What the leader started and left behind.
        signal_group(self.group, Ending::Kill);
        groups().retain(|group| *group != self.group);
    }
}

/// A command as one would type it, for messages.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// What a finished command said.
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output, where it was captured.
    pub(crate) stdout: String,
}

impl Finished {
    /// The standard output of a command that must succeed.
    pub(crate) fn expect_success(self, what: &str) -> Result<String> {
        if self.status.success() {
            return Ok(self.stdout);
        }
        bail!(
            "{what} failed ({}){}",
            self.status,
            if self.stdout.is_empty() { "" } else { ":\n" }.to_owned() + &self.stdout
        )
    }
}

/// Whether captured output is also shown while it comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Shown line by line.
    Shown,
    /// Kept only.
    Kept,
}

/// Runs a command to its end with its standard output captured, and says so when it is silent for long.
pub(crate) fn capture(command: &mut Command, what: &str, echo: Echo) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    let pipe = running.child.stdout.take().context("the child's standard output")?;
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut bytes = Vec::new();
            match pipe.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    if sender.send(String::from_utf8_lossy(&bytes).into_owned()).is_err() {
                        break;
                    }
                }
            }
        }
    });
    let started = Instant::now();
    let mut stdout = String::new();
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(text) => {
                if echo == Echo::Shown {
                    print!("{text}");
                    let _flushed = std::io::stdout().flush();
                }
                stdout.push_str(&text);
            }
            Err(RecvTimeoutError::Timeout) => still(what, started),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = running.child.wait()?;
    let _joined = reader.join();
    Ok(Finished { status, stdout })
}

/// Runs a command to its end with its output shown as it is; an error unless it succeeds.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<()> {
    command.stdin(Stdio::null());
    let mut running = Running::start(command)?;
    let started = Instant::now();
    loop {
        if let Some(status) = running.wait_at_most(SILENCE)? {
            if status.success() {
                return Ok(());
            }
            bail!("{what} failed ({status}): {}", line(command));
        }
        still(what, started);
    }
}

fn still(what: &str, started: Instant) {
    say(&format!("still at it: {what} ({} s)", started.elapsed().as_secs()));
}

/// One line about what xtask itself does, apart from what its children print.
pub(crate) fn say(text: &str) {
    eprintln!("xtask: {text}");
}
