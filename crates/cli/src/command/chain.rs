//! The activity log's chain, computed anew here: what the server says of it is compared with, and not believed.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::{Value, json};
use symbolon::activity::{Chain, Entry};
use symbolon::id::OrganizationId;

use super::{activity, or_none};
use crate::client::Client;
use crate::contract::{ChainCheck, WhoAmI};
use crate::failure::Failure;
use crate::output::{Output, Style};

/// Checks the log at the server, and every entry of its export here.
///
/// # Errors
/// [`Failure::Negative`] where the chain is broken, and those of the server.
pub(super) fn check(client: &Client, contains: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    let organization = client.get::<WhoAmI>("/v1/whoami")?.read.organization.id;
    let check = client.get::<ChainCheck>("/v1/activity/verify")?;
    let ChainCheck { valid, entries, head, broken_at } = check.read;
    let mut followed = Followed::new(organization, contains);
    // More entries may have come since the check: the head of the check must be among them, and so must all else.
    let mut head_seen = entries == 0;
    activity::walk(client, |line| {
        let entry =
            followed.add(line).ok_or_else(|| Failure::input("The server's export holds a line that is no entry"))?;
        head_seen |= entry.hash == head;
        Ok(())
    })?;
    let complaint = match followed.complaint() {
        _ if !valid => Some(format!("the server finds the chain broken at entry {}", or_none(broken_at))),
        None if !head_seen => Some("the export does not hold the entry that the server says is the last".to_owned()),
        complaint => complaint,
    };
    tell(&followed, complaint, Some(check.raw), output)
}

/// Checks an export.
///
/// # Errors
/// [`Failure::Negative`] where the chain is broken, and that the file cannot be read.
pub(super) fn check_file(
    file: &Path,
    organization: OrganizationId,
    contains: Option<&str>,
    output: &mut Output,
) -> Result<(), Failure> {
    let unread = |error: std::io::Error| Failure::input(format!("{} cannot be read: {error}", file.display()));
    let mut followed = Followed::new(organization, contains);
    for (before, line) in BufReader::new(File::open(file).map_err(unread)?).lines().enumerate() {
        let line = line.map_err(unread)?;
        if !line.is_empty() {
            let number = before.saturating_add(1);
            followed
                .add(&line)
                .ok_or_else(|| Failure::input(format!("{}:{number}: no entry of an activity log", file.display())))?;
        }
    }
    let complaint = followed.complaint();
    tell(&followed, complaint, None, output)
}

fn tell(
    followed: &Followed<'_>,
    complaint: Option<String>,
    server: Option<Value>,
    output: &mut Output,
) -> Result<(), Failure> {
    let (entries, last) = (followed.chain.entries(), followed.chain.head());
    if output.is_json() {
        output.document(&json!({
            "valid": complaint.is_none(), "server": server, "entries": entries, "last": last,
            "contains": followed.wanted.map(|_| followed.wanted_seen),
        }))?;
    } else if complaint.is_none() {
        let line = output.styled(Style::Good, &format!("The chain of {entries} entries is whole."));
        output.line(&line)?;
        if followed.wanted.is_none() {
            output
                .line("Entries that are missing at its end show only against a hash noted earlier: --contains HASH.")?;
        }
        output.line(&format!("Note its last hash, to see later that nothing before it changed: {last}"))?;
    }
    complaint.map_or(Ok(()), |why| Err(Failure::Negative(format!("The activity log is not whole: {why}"))))
}

/// The chain, as far as it has been followed.
struct Followed<'a> {
    chain: Chain,
    broken_at: Option<u64>,
    wanted: Option<&'a str>,
    wanted_seen: bool,
}

impl<'a> Followed<'a> {
    fn new(organization: OrganizationId, wanted: Option<&'a str>) -> Self {
        Self { chain: Chain::of(organization), broken_at: None, wanted, wanted_seen: false }
    }

    /// Follows the chain by a line of an export; none where the line is no entry.
    fn add(&mut self, line: &str) -> Option<Entry> {
        let entry: Entry = symbolon::json::read(line).ok()?;
        if self.broken_at.is_none() {
            match self.chain.add(&entry) {
                Ok(()) => self.wanted_seen |= self.wanted == Some(entry.hash.as_str()),
                Err(broken) => self.broken_at = Some(broken.seq),
            }
        }
        Some(entry)
    }

    fn complaint(&self) -> Option<String> {
        if let Some(seq) = self.broken_at {
            return Some(format!("entry {seq} is missing or was altered"));
        }
        if self.chain.entries() == 0 {
            return Some("it holds no entry, and every log begins with its organisation".to_owned());
        }
        let hash = self.wanted.filter(|_| !self.wanted_seen)?;
        Some(format!("it does not hold the entry {hash}"))
    }
}
