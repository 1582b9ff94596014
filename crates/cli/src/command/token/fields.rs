//! What is said of a token on the command line, and how a token is shown.

use std::path::{Path, PathBuf};

use serde_json::json;
use symbolon::policy::AskedGrant;
use symbolon::time::Timestamp;
use zeroize::Zeroizing;

use crate::client::Answer;
use crate::command::{grant, or_none};
use crate::contract::{CreatedToken, Owner, Token};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Style, printable};
use crate::settings::write_private;
use crate::system;

/// When a token ends: a time, so long from now, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// At this time.
    At(Timestamp),
    /// So many seconds from now.
    In(i64),
    /// Never.
    Never,
}

/// Reads `2027-01-31T12:00:00Z`, `90d`, `12h`, `30m` or `never`.
pub(super) fn expiry(text: &str) -> Result<Expiry, String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(Expiry::Never);
    }
    if let Some(seconds) = duration(text) {
        return Ok(Expiry::In(seconds));
    }
    text.parse()
        .map(Expiry::At)
        .map_err(|_| "say 90d, 12h, 30m, never, or a time such as 2027-01-31T12:00:00Z".to_owned())
}

/// Reads a length of time, such as `90d`, `12h`, `30m` or `45s`, in seconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        'd' => 86_400,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    let digits = text.get(..text.len().checked_sub(1)?)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// Reads a grace, in seconds: a number, or a length of time.
pub(super) fn grace(text: &str) -> Result<u32, String> {
    let seconds = duration(text).or_else(|| text.parse().ok());
    seconds
        .and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or_else(|| "say 24h, 30m, or a number of seconds".to_owned())
}

/// Reads `permission@resource`.
pub(super) fn asked_grant(text: &str) -> Result<AskedGrant, String> {
    match text.split_once('@') {
        Some((permission, resource)) if !permission.is_empty() && !resource.is_empty() => {
            Ok(AskedGrant { permission: permission.to_owned(), resource: resource.to_owned() })
        }
        _ => Err("say permission@resource, such as apps:trigger@team-a/*".to_owned()),
    }
}

impl Expiry {
    /// As the interface takes it: a time, or null for never.
    pub(super) fn json(self) -> serde_json::Value {
        match self {
            Self::At(time) => json!(time),
            Self::In(seconds) => json!(system::now().plus_seconds(seconds)),
            Self::Never => json!(null),
        }
    }
}

/// A passphrase: from a file, or asked for where the path is `ask`.
pub(super) fn passphrase(path: &Path) -> Result<Zeroizing<String>, Failure> {
    if path == Path::new("ask") { input::ask_secret("Passphrase", true) } else { input::secret(path) }
}

/// How long a token's secret file path may stay: where the secret goes instead of standard output.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SecretOut {
    /// Write the secret to this file, which only you can read, and not to standard output; a file that is there is
    /// never overwritten
    #[arg(long, value_name = "FILE")]
    pub(super) secret_out: Option<PathBuf>,
}

impl SecretOut {
    /// Looks before anything is changed whether the file can be written.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.secret_out {
            Some(path) if path.exists() => {
                Err(Failure::input(format!("{} is there already, and is not overwritten", path.display())))
            }
            _ => Ok(()),
        }
    }
}

/// Shows a token that was made or renewed. The secret alone goes to standard output, so that it can be passed on.
pub(super) fn print_created(answer: Answer<CreatedToken>, out: &SecretOut, output: &mut Output) -> Result<(), Failure> {
    let Answer { mut raw, read: CreatedToken { token, secret, cautions } } = answer;
    let secret = secret.map(Zeroizing::new);
    for caution in &cautions {
        output.note(Style::Warn, &format!("Take care ({}): {}", caution.code, printable(&caution.text)));
    }
    let mut kept = None;
    if let (Some(path), Some(secret)) = (&out.secret_out, &secret) {
        let text = Zeroizing::new(format!("{}\n", secret.as_str()));
        match write_private(path, text.as_bytes(), false) {
            Ok(()) => {
                if let Some(object) = raw.as_object_mut() {
                    object.remove("secret");
                    object.insert("secret_file".to_owned(), json!(path));
                }
                kept = Some(path);
            }
            // It is shown this once: better on the terminal than nowhere.
            Err(failure) => output.note(Style::Warn, &format!("{failure}; the secret follows")),
        }
    }
    if output.is_json() {
        return output.document(&raw);
    }
    output.note(Style::Plain, &format!("{} ({})", printable(&token.name), token.id));
    match (&secret, kept) {
        // With the secret out of the way, a script wants to know which token it is.
        (Some(_), Some(path)) => {
            output.note(Style::Dim, &format!("The secret is in {}", path.display()));
            output.line(&token.id)?;
        }
        (Some(secret), None) => {
            output.note(Style::Bold, "This is the secret. It is shown this once:");
            output.line(secret)?;
        }
        (None, _) => output.line(&token.id)?,
    }
    Ok(())
}

/// Shows a token.
pub(super) fn print(token: &Token, output: &mut Output) -> Result<(), Failure> {
    let list = |items: Vec<String>| if items.is_empty() { None } else { Some(items.join(", ")) };
    let names = |it: &[symbolon::policy::Name]| list(it.iter().map(ToString::to_string).collect());
    let mut fields = vec![
        ("Id", token.id.clone()),
        ("Name", token.name.clone()),
        ("Kind", token.kind.clone()),
        ("Status", token.status.clone()),
        ("Prefix", token.prefix.clone()),
        ("Owner", owner(&token.owner)),
        ("Created", token.created_at.to_string()),
        ("Expires", token.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string())),
    ];
    let optional = [
        ("Description", token.description.clone().filter(|text| !text.is_empty())),
        ("Made by", token.created_by.as_ref().and_then(|it| it.member.as_ref()).map(|it| it.name.clone())),
        ("Scopes", names(&token.scopes)),
        ("Permissions", list(token.permissions.iter().map(ToString::to_string).collect())),
        ("Grants", list(token.grants.iter().map(grant).collect())),
        ("Role", token.role.clone()),
        ("Service", token.service.clone()),
        ("Fingerprint", token.fingerprint.clone()),
        ("Passphrase", token.has_passphrase.then(|| "yes".to_owned())),
        ("Not before", token.not_before.map(|at| at.to_string())),
        ("Revoked", token.revoked_at.map(|at| at.to_string())),
        ("Last used", token.last_used_at.map(|at| at.to_string())),
        ("Last from", token.last_used_ip.clone()),
        ("Last by", token.last_used_agent.clone()),
        ("Uses", token.use_count.map(|count| count.to_string())),
    ];
    fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    output.fields(&fields)
}

/// Shows tokens in a table.
pub(super) fn print_table(tokens: &[Token], output: &mut Output) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            vec![
                token.id.clone(),
                token.kind.clone(),
                token.name.clone(),
                token.status.clone(),
                owner(&token.owner),
                token.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
                or_none(token.last_used_at),
            ]
        })
        .collect();
    output.table(&["ID", "KIND", "NAME", "STATUS", "OWNER", "EXPIRES", "LAST USED"], &rows)
}

fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Member { name } => name.clone(),
        Owner::Organization => "organisation".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_a_length_or_never() {
        assert_eq!(expiry("90d"), Ok(Expiry::In(7_776_000)));
        assert_eq!(expiry("12h"), Ok(Expiry::In(43_200)));
        assert_eq!(expiry("Never"), Ok(Expiry::Never));
        assert_eq!(expiry("1970-01-01T00:00:01Z"), Ok(Expiry::At(Timestamp::from_seconds(1))));
        for text in ["", "d", "-1d", "90", "tomorrow", "9999999999999999999d", "+5d", "2027-01-31"] {
            assert!(expiry(text).is_err(), "{text}");
        }
        assert_eq!(grace("24h"), Ok(86_400));
        assert_eq!(grace("30"), Ok(30));
        assert!(grace("-1").is_err());
    }

    #[test]
    fn a_grant_names_its_resource() {
        let grant = asked_grant("apps:trigger@team-a/*").unwrap();
        assert_eq!((grant.permission.as_str(), grant.resource.as_str()), ("apps:trigger", "team-a/*"));
        for text in ["apps:trigger", "@x", "apps:trigger@"] {
            assert!(asked_grant(text).is_err(), "{text}");
        }
    }
}
