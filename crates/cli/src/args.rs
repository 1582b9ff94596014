//! The command line as a whole: what every command takes, and which commands there are.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command;
use crate::output::Color;

/// Keys, tokens and signed requests.
#[derive(Debug, Parser)]
#[command(name = "symbolon", version, about, disable_help_subcommand = true, propagate_version = true)]
pub(crate) struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The server; before SYMBOLON_URL and the settings file
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The organisation's short id; before SYMBOLON_ORG and the settings file
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) org: Option<String>,
    /// The token. Other users of this machine can read it in the list of processes: prefer SYMBOLON_TOKEN or
    /// --token-file
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with_all = ["token_file", "private_key"])]
    pub(crate) token: Option<Hidden>,
    /// A file with the token; `-` is standard input
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "private_key")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with the private key that signs the requests; `-` is standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) private_key: Option<PathBuf>,
    /// Print results and failures as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: Color,
    /// Let a credential travel unencrypted to another machine
    #[arg(long, global = true)]
    pub(crate) allow_http: bool,
    /// The folder of the settings
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
}

/// An argument that is a secret: it is not shown by accident.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) zeroize::Zeroizing<String>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(zeroize::Zeroizing::new(text.to_owned()))
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in: approve this machine in a browser, or keep a token or a key that you have
    Login(command::login::Login),
    /// Forget the login on this machine; the token stays valid unless --revoke is said
    Logout(command::logout::Logout),
    /// Say who the credential is and what it may do
    Whoami,
    /// Say which settings and which credential are in use, where each came from, and whether the server accepts it
    Status(command::status::Status),
    /// Make, show and convert keys
    #[command(subcommand)]
    Key(command::key::Key),
    /// Create, list, edit, rotate and revoke tokens
    #[command(subcommand)]
    Token(command::token::TokenCommand),
    /// Members: who takes part, in which role
    #[command(subcommand)]
    Member(command::member::MemberCommand),
    /// The activity log: who did what, with which token, when, from where
    Activity(command::activity::Activity),
    /// The kinds of token that the organisation's profile declares
    Kinds,
    /// Profiles: the files that declare permissions, roles and kinds
    #[command(subcommand)]
    Profile(command::profile::ProfileCommand),
    /// The route table: which requests reach the protected API, and with which permission
    #[command(subcommand)]
    Routes(command::routes::RoutesCommand),
    /// Send a request, signed with a key or with a token
    Request(command::request::Request),
    /// Verify a signed request, or ask the server about a credential
    Verify(command::verify::Verify),
    /// A local proxy that signs what passes, for tools that cannot
    SignProxy(command::sign_proxy::SignProxy),
    /// Look whether a server's configuration is complete
    Deploy(command::deploy::Deploy),
    /// Print completions for a shell
    Completions(command::docs::Completions),
    /// Write manual pages, or the reference as Markdown
    Manual(command::docs::Manual),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_token_is_not_shown_by_accident() {
        let arguments = Arguments::parse_from(["symbolon", "whoami", "--token", "sym_pat_secret"]);
        assert!(!format!("{arguments:?}").contains("sym_pat_secret"));
    }
}
