//! Why a command did not do what it was asked to, and the exit code that says so.

use std::fmt::Display;
use std::path::Path;

use symbolon::problem::{Code, Problem};

/// Why a command failed. No variant ever holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// What was checked is wrong; what is wrong has been printed.
    #[error("{0}")]
    Negative(String),
    /// An argument, a setting or a file cannot be used.
    #[error("{0}")]
    Input(String),
    /// The command needs a credential, and there is none.
    #[error("{0}")]
    NoCredential(String),
    /// The server answered with a problem document.
    #[error("{}", problem_line(context, problem))]
    Problem {
        /// Whose credential was used, where that helps: "the token in SYMBOLON_TOKEN".
        context: String,
        /// What the server said.
        problem: Box<Problem>,
    },
    /// The server could not be asked, or answered something that is not of its contract.
    #[error("{url}: {why}")]
    Unreachable {
        /// Scheme, host and port; never a path or a query, which might hold something private.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// A file or the keyring on this machine.
    #[error("{what}: {why}")]
    Local {
        /// What was tried.
        what: String,
        /// What the system said.
        why: String,
    },
    /// A login was refused, or ran out.
    #[error("{0}")]
    Login(String),
    /// Ctrl-C.
    #[error("{0}")]
    Interrupted(String),
    /// Whoever read our output has gone: there is nobody to tell.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// What was given cannot be used.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::Input(message.into())
    }

    /// Something on this machine went wrong.
    pub(crate) fn local(what: impl Into<String>, why: impl Display) -> Self {
        Self::Local { what: what.into(), why: why.to_string() }
    }

    /// Something about a file went wrong.
    pub(crate) fn file(doing: &str, path: &Path, why: impl Display) -> Self {
        Self::local(format!("{doing} {}", path.display()), why)
    }

    /// The exit code; docs/cli.md lists them.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Negative(_) => 1,
            Self::Input(_) => 2,
            Self::NoCredential(_) => 3,
            Self::Problem { problem, .. } => of_status(problem.status),
            Self::Unreachable { .. } => 8,
            Self::Local { .. } => 9,
            Self::Login(_) => 10,
            Self::Interrupted(_) => 130,
        }
    }

    /// Whether the same may succeed a little later.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem { problem, .. } => matches!(problem.status, 429 | 500..),
            _ => false,
        }
    }

    /// The stable word for scripts that read `--json`.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::OutputClosed => "output_closed",
            Self::Negative(_) => "check_failed",
            Self::Input(_) => "invalid_input",
            Self::NoCredential(_) => Code::MissingCredential.as_str(),
            Self::Problem { problem, .. } => problem.code.as_str(),
            Self::Unreachable { .. } => "unreachable",
            Self::Local { .. } => "local",
            Self::Login(_) => "login_failed",
            Self::Interrupted(_) => "interrupted",
        }
    }
}

const fn of_status(status: u16) -> u8 {
    match status {
        401 => 4,
        403 => 5,
        404 | 405 => 6,
        409 => 7,
        429 | 500.. => 8,
        _ => 2,
    }
}

/// One line: in a pipeline's log it must say all there is to know.
fn problem_line(context: &str, problem: &Problem) -> String {
    let mut line = if context.is_empty() { String::new() } else { format!("{context}: ") };
    line.push_str(problem.code.as_str());
    line.push_str(": ");
    line.push_str(problem.detail.as_deref().unwrap_or(&problem.title));
    if let Some(permission) = &problem.required {
        line.push_str(&format!(" It needs {permission}."));
    }
    let fields: Vec<String> = problem.errors.iter().map(|it| format!("{} {}", it.field, it.message)).collect();
    if !fields.is_empty() {
        line.push_str(&format!(" ({})", fields.join("; ")));
    }
    if let Some(seconds) = problem.retry_after {
        line.push_str(&format!(" Try again in {seconds} s."));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_exit_code() {
        let of = |code: Code| Failure::Problem { context: String::new(), problem: Box::new(code.into()) }.exit_code();
        for (code, exit) in [
            (Code::InvalidRequest, 2),
            (Code::TooLarge, 2),
            (Code::Expired, 4),
            (Code::Revoked, 4),
            (Code::UnknownToken, 4),
            (Code::InsufficientPermission, 5),
            (Code::NotFound, 6),
            (Code::Conflict, 7),
            (Code::NotEditable, 7),
            (Code::RateLimited, 8),
            (Code::AuthorityUnavailable, 8),
            (Code::Internal, 8),
        ] {
            assert_eq!(of(code), exit, "{code}");
        }
        assert_eq!(Failure::input("x").exit_code(), 2);
        assert_eq!(Failure::OutputClosed.exit_code(), 0);
    }

    #[test]
    fn a_problem_is_one_line() {
        let problem = Problem::fields(vec![symbolon::problem::FieldError {
            field: "name".to_owned(),
            message: "must have 1 to 255 characters".to_owned(),
        }]);
        let failure =
            Failure::Problem { context: "the token in SYMBOLON_TOKEN".to_owned(), problem: Box::new(problem) };
        assert_eq!(
            failure.to_string(),
            "the token in SYMBOLON_TOKEN: invalid_request: The request is not valid. (name must have 1 to 255 characters)"
        );
    }
}
