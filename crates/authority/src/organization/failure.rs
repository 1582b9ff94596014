//! What can go wrong while a call is carried out: the caller's fault, which is told, and ours, which is logged.

use symbolon::problem::{Code, Problem};

use crate::store::StoreError;

/// Why a call was not carried out. Nothing that it wrote is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The caller's fault.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// Nobody's: the passphrase in the body must come with its hash, which is made only for whoever may set one.
    #[error("the hash of the passphrase is wanted")]
    WantsHash,
    /// Ours: the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Ours: something that cannot be, such as a stored profile that is no profile.
    #[error("{0}")]
    Broken(&'static str),
}

pub(crate) type Result<T> = core::result::Result<T, Failure>;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Problem::new(code).into()
    }
}

impl Failure {
    /// What the caller is told.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => *problem,
            Self::WantsHash | Self::Store(_) | Self::Broken(_) => Problem::new(Code::Internal),
        }
    }

    /// What the log is told, if it was our fault. It names statements and columns, never a value.
    pub(crate) fn log(&self) -> Option<String> {
        match self {
            Self::Problem(_) => None,
            Self::WantsHash | Self::Store(_) | Self::Broken(_) => Some(self.to_string()),
        }
    }
}
