//! A member's row.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use symbolon::id::MemberId;
use symbolon::time::Timestamp;

use super::failure::Result;
use crate::store::{Row, Store, Value};

/// Whether a member takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MemberStatus"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Takes part.
    Active,
    /// Does not for now: none of their tokens is accepted.
    Suspended,
    /// Does not any more.
    Removed,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> core::result::Result<Self, ()> {
        [Self::Active, Self::Suspended, Self::Removed].into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// A person in the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
}

/// The columns that [`Member::read`] expects, in its order.
pub(crate) const COLUMNS: &str = "member.id, member.name, member.email, member.role, member.status, member.created_at";

impl Member {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parsed(0)?,
            name: row.get(1)?,
            email: row.get(2)?,
            role: row.get(3)?,
            status: row.parsed(4)?,
            created_at: row.get(5)?,
        })
    }

    /// The member of this id, removed ones too.
    pub(crate) fn find<S: Store>(store: &S, id: MemberId) -> Result<Option<Self>> {
        let rows = store.execute(&format!("SELECT {COLUMNS} FROM member WHERE id = ?1"), &[Value::text(&id)])?;
        rows.first().map(Self::read).transpose()
    }

    /// Writes a new member. False: another who is not removed has the address.
    pub(crate) fn insert<S: Store>(&self, store: &S) -> Result<bool> {
        let written = store.execute(
            "INSERT INTO member (id, name, email, role, status, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT DO NOTHING RETURNING id",
            &[
                Value::text(&self.id),
                (&self.name).into(),
                (&self.email).into(),
                (&self.role).into(),
                self.status.as_str().into(),
                self.created_at.into(),
            ],
        )?;
        Ok(!written.is_empty())
    }
}
