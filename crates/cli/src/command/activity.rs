//! `symbolon activity`: the log, following it, checking its chain, taking it away.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Deserialize as _;
use serde_json::{Value, json};
use symbolon::activity::Entry;
use symbolon::id::OrganizationId;
use symbolon::time::Timestamp;

use crate::args::Global;
use crate::client::{Client, Query};
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::settings::write_private;

use super::{chain, client, or_none};

/// How often a log that is followed is asked for.
const FOLLOW: Duration = Duration::from_secs(2);
/// How often the server may fail in a row before following is given up.
const MAX_FAULTS: u32 = 10;
/// How many entries are shown where nothing is said.
const SHOWN: usize = 50;
/// How many parts an export may have: some two hundred million entries.
const MAX_PARTS: u32 = 100_000;

/// What `symbolon activity` takes.
#[derive(Debug, Args)]
pub(crate) struct Activity {
    /// Go on showing entries as they come
    #[arg(long, short)]
    follow: bool,
    /// Check the chain of hashes: at the server, and here by computing every hash anew
    #[arg(long, conflicts_with_all = ["follow", "export"])]
    verify: bool,
    /// With --verify: the hash of an entry that was noted earlier must be in the chain, as a sign that nothing before it
    /// has changed
    #[arg(long, value_name = "HASH", requires = "verify")]
    contains: Option<String>,
    /// With --verify: check this export, and ask no server
    #[arg(long, value_name = "FILE", requires_all = ["verify", "organization_id"])]
    file: Option<PathBuf>,
    /// With --file: whose log it is; the id that `symbolon whoami --json` shows
    #[arg(long, value_name = "ID", requires = "file")]
    organization_id: Option<OrganizationId>,
    /// Take the whole log away, one JSON object a line
    #[arg(long, conflicts_with = "follow")]
    export: bool,
    /// With --export: the file; one that is there is never overwritten
    #[arg(long, short, value_name = "FILE", requires = "export")]
    out: Option<PathBuf>,
    /// Only entries of this action, such as token.create
    #[arg(long, conflicts_with_all = ["verify", "export"])]
    action: Option<String>,
    /// Only entries about this token
    #[arg(long, value_name = "ID", conflicts_with_all = ["verify", "export"])]
    about_token: Option<String>,
    /// Only entries about this member
    #[arg(long, value_name = "ID", conflicts_with_all = ["verify", "export"])]
    about_member: Option<String>,
    /// Only what this member did
    #[arg(long, value_name = "ID", conflicts_with_all = ["verify", "export"])]
    actor: Option<String>,
    /// Only entries from this time on
    #[arg(long, value_name = "TIME", conflicts_with_all = ["verify", "export"])]
    since: Option<Timestamp>,
    /// Only entries before this time
    #[arg(long, value_name = "TIME", conflicts_with_all = ["verify", "export"])]
    until: Option<Timestamp>,
    /// How many of the newest at most
    #[arg(long, default_value_t = SHOWN, conflicts_with_all = ["verify", "export"])]
    limit: usize,
}

/// Carries it out.
///
/// # Errors
/// [`Failure::Negative`] where the chain is broken, and those of the server.
pub(crate) fn run(command: &Activity, global: &Global, output: &mut Output) -> Result<(), Failure> {
    if command.limit == 0 {
        return Err(Failure::input("--limit must be at least 1"));
    }
    if let (Some(file), Some(id)) = (&command.file, command.organization_id) {
        return chain::check_file(file, id, command.contains.as_deref(), output);
    }
    let client = client(global)?;
    if command.verify {
        return chain::check(&client, command.contains.as_deref(), output);
    }
    if command.export {
        return export(command, &client, output);
    }
    let mut query = Query::default();
    for (name, value) in [
        ("action", command.action.clone()),
        ("token", command.about_token.clone()),
        ("member", command.about_member.clone()),
        ("actor", command.actor.clone()),
        ("since", command.since.map(|time| time.to_string())),
        ("until", command.until.map(|time| time.to_string())),
    ] {
        query.add(name, value.as_deref());
    }
    let items = client.list("/v1/activity", &query, command.limit)?;
    if !command.follow {
        if output.is_json() {
            return output.document(&json!({ "items": items }));
        }
        let rows = items.iter().map(|item| Ok(row(&entry(item)?))).collect::<Result<Vec<_>, Failure>>()?;
        return output.table(HEAD, &rows);
    }
    follow(&client, &query, items, output)
}

const HEAD: &[&str] = &["SEQ", "WHEN", "ACTION", "BY", "TOKEN", "MEMBER", "FROM"];

fn entry(item: &Value) -> Result<Entry, Failure> {
    Entry::deserialize(item)
        .map_err(|error| Failure::input(format!("The server answered what is not understood: {error}")))
}

fn row(entry: &Entry) -> Vec<String> {
    vec![
        entry.seq.to_string(),
        entry.at.to_string(),
        entry.action.clone(),
        or_none(entry.actor.member.as_ref().or(entry.actor.token.as_ref())),
        or_none(entry.token.as_ref()),
        or_none(entry.member.as_ref()),
        or_none(entry.address.as_ref()),
    ]
}

/// Shows what there is, the oldest first, and then what comes, until it is interrupted.
fn follow(client: &Client, query: &Query, first: Vec<Value>, output: &mut Output) -> Result<(), Failure> {
    let mut last = 0;
    let mut faults = 0_u32;
    let mut items = first;
    loop {
        for item in items.iter().rev() {
            let entry = entry(item)?;
            if entry.seq > last {
                last = entry.seq;
                if output.is_json() {
                    output.document_line(item)?;
                } else {
                    output.line(
                        &row(&entry).iter().map(|cell| crate::output::printable(cell)).collect::<Vec<_>>().join("  "),
                    )?;
                }
            }
        }
        output.flush()?;
        thread::sleep(FOLLOW.saturating_mul(faults.saturating_add(1)));
        items = match since(client, query, last) {
            Ok(items) => {
                faults = 0;
                items
            }
            // A server that is deployed anew, or busy, comes back: what was missed meanwhile is shown then.
            Err(failure) if failure.may_pass() && faults < MAX_FAULTS => {
                faults = faults.saturating_add(1);
                output.note(Style::Warn, &format!("{} Trying again.", crate::output::printable(&failure.to_string())));
                Vec::new()
            }
            Err(failure) => return Err(failure),
        };
    }
}

/// The entries after this one, the newest first.
fn since(client: &Client, query: &Query, last: u64) -> Result<Vec<Value>, Failure> {
    let mut limit = SHOWN;
    loop {
        let items = client.list("/v1/activity", query, limit)?;
        let oldest = items.last().map(entry).transpose()?.map(|entry| entry.seq);
        // All of the new ones are in it, or there are no more.
        if items.len() < limit || oldest.is_none_or(|seq| seq <= last) {
            return Ok(items);
        }
        limit = limit.saturating_mul(4);
    }
}

/// Calls back with every entry of the log in its order.
pub(super) fn walk(client: &Client, mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut after: u64 = 0;
    for _ in 0..MAX_PARTS {
        let mut query = Query::default();
        query.add("after", (after > 0).then(|| after.to_string()).as_deref());
        let response = client.send("GET", &query.on("/v1/activity/export"), None, &[])?;
        let text = String::from_utf8_lossy(&response.body);
        let mut last = after;
        for line in text.lines().filter(|line| !line.is_empty()) {
            #[derive(serde::Deserialize)]
            struct Numbered {
                seq: u64,
            }
            let Numbered { seq } = serde_json::from_str(line)
                .map_err(|_| Failure::input("The server's export holds a line that is no entry"))?;
            last = last.max(seq);
            each(line)?;
        }
        if response.header("link").is_none() || last == after {
            return Ok(());
        }
        after = last;
    }
    Ok(())
}

fn export(command: &Activity, client: &Client, output: &mut Output) -> Result<(), Failure> {
    let Some(path) = &command.out else {
        return walk(client, |line| output.line(line));
    };
    if path.exists() {
        return Err(Failure::input(format!("{} is there already, and is not overwritten", path.display())));
    }
    let mut whole = String::new();
    let mut count: u64 = 0;
    walk(client, |line| {
        whole.push_str(line);
        whole.push('\n');
        count = count.saturating_add(1);
        Ok(())
    })?;
    write_private(path, whole.as_bytes(), false)?;
    if output.is_json() {
        return output.document(&json!({ "file": path, "entries": count }));
    }
    output.note(Style::Plain, &format!("{count} entries are in {}", path.display()));
    Ok(())
}
