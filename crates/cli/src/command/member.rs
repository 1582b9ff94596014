//! `symbolon member`: who takes part, in which role.

use clap::{Args, Subcommand};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::args::Global;
use crate::client::{Answer, Query, encoded};
use crate::contract::{Invited, Member};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style};

use super::client;

/// What `symbolon member` does.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List members
    List(List),
    /// Take a member in
    Add(Add),
    /// Invite somebody: prints a link, which you pass on
    Invite(Invite),
    /// Change a member's name, address or role
    Edit(Edit),
    /// Suspend a member: every token of theirs is refused from then on
    Suspend(One),
    /// Let a suspended member take part again
    Resume(One),
    /// Remove a member: every token of theirs stops
    Remove(One),
}

/// What `symbolon member list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those with this in their name or address
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// Only those of this role
    #[arg(long)]
    role: Option<String>,
    /// Only those that are active, suspended or removed
    #[arg(long)]
    status: Option<String>,
}

/// What `symbolon member add` takes.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name
    #[arg(long)]
    name: String,
    /// The mail address
    #[arg(long)]
    email: String,
    /// The role
    #[arg(long)]
    role: String,
}

/// What `symbolon member invite` takes.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The mail address
    #[arg(long)]
    email: String,
    /// The role
    #[arg(long)]
    role: String,
}

/// What `symbolon member edit` takes.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The member's id
    id: String,
    /// The name
    #[arg(long)]
    name: Option<String>,
    /// The mail address
    #[arg(long)]
    email: Option<String>,
    /// The role
    #[arg(long)]
    role: Option<String>,
}

/// One member.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The member's id
    id: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Carries it out.
///
/// # Errors
/// [`Failure`].
pub(crate) fn run(command: &MemberCommand, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let status =
        |one: &One, status: &str| client(global)?.call("PATCH", &path(&one.id), Some(&json!({ "status": status })));
    let answer: Answer<Member> = match command {
        MemberCommand::List(command) => return list(command, global, output),
        MemberCommand::Add(Add { name, email, role }) => {
            let body = json!({ "name": name, "email": email, "role": role });
            client(global)?.call("POST", "/v1/members", Some(&body))?
        }
        MemberCommand::Invite(command) => return invite(command, global, output),
        MemberCommand::Edit(command) => edit(command, global)?,
        MemberCommand::Suspend(one) => {
            input::confirm(&format!("Suspend the member {}? Their tokens stop.", one.id), one.yes)?;
            status(one, "suspended")?
        }
        MemberCommand::Resume(one) => status(one, "active")?,
        MemberCommand::Remove(one) => {
            input::confirm(&format!("Remove the member {}? Their tokens stop.", one.id), one.yes)?;
            client(global)?.call("DELETE", &path(&one.id), None)?
        }
    };
    if output.is_json() {
        return output.document(&answer.raw);
    }
    let member = &answer.read;
    let mut fields = vec![
        ("Id", member.id.clone()),
        ("Name", member.name.clone()),
        ("Address", member.email.clone()),
        ("Role", member.role.clone()),
        ("Status", member.status.clone()),
        ("Since", member.created_at.to_string()),
    ];
    if let Some(at) = answer.raw.get("holds_everywhere_at").and_then(Value::as_str) {
        fields.push(("Holds since", at.to_owned()));
    }
    output.fields(&fields)
}

/// The link lets whoever has it become this member: it is printed alone, to be passed on.
fn invite(command: &Invite, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let body = json!({ "email": command.email, "role": command.role });
    let answer = client(global)?.call::<Invited>("POST", "/v1/invitations", Some(&body))?;
    if output.is_json() {
        return output.document(&answer.raw);
    }
    output.note(Style::Bold, "Whoever opens this link becomes the member. It is shown this once:");
    output.line(&answer.read.link)
}

fn path(id: &str) -> String {
    format!("/v1/members/{}", encoded(id))
}

fn edit(command: &Edit, global: &Global) -> Result<Answer<Member>, Failure> {
    let said = [("name", &command.name), ("email", &command.email), ("role", &command.role)];
    let body: Map<String, Value> =
        said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))).collect();
    if body.is_empty() {
        return Err(Failure::input("Nothing to change was said: see `symbolon member edit --help`"));
    }
    client(global)?.call("PATCH", &path(&command.id), Some(&Value::Object(body)))
}

fn list(command: &List, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let mut query = Query::default();
    for (name, value) in [("q", &command.query), ("role", &command.role), ("status", &command.status)] {
        query.add(name, value.as_deref());
    }
    let items = client(global)?.list("/v1/members", &query, usize::MAX)?;
    if output.is_json() {
        return output.document(&json!({ "items": items }));
    }
    let mut rows = Vec::with_capacity(items.len());
    for item in &items {
        let member = Member::deserialize(item)
            .map_err(|error| Failure::input(format!("The server answered what is not understood: {error}")))?;
        rows.push(vec![member.id, member.name, member.email, member.role, member.status]);
    }
    if rows.is_empty() {
        output.note(Style::Dim, "No members.");
        return Ok(());
    }
    output.table(&["ID", "NAME", "ADDRESS", "ROLE", "STATUS"], &rows)
}
