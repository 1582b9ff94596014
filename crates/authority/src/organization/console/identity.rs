//! Who members are at a provider of identities: once a member has linked theirs, it is they.

use symbolon::id::{IdentityId, MemberId};
use symbolon::oidc;
use symbolon::time::Timestamp;

use super::super::failure::Result;
use crate::machine::Context;
use crate::store::{Row, Store, Value};

/// Who a member is at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) id: IdentityId,
    pub(crate) member: MemberId,
    pub(crate) issuer: String,
    pub(crate) email: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, member, issuer, email, created_at, last_used_at";

impl Linked {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parsed(0)?,
            member: row.parsed(1)?,
            issuer: row.get(2)?,
            email: row.get(3)?,
            created_at: row.get(4)?,
            last_used_at: row.get(5)?,
        })
    }

    /// Who has linked this identity.
    pub(crate) fn find<S: Store>(store: &S, identity: &oidc::Identity) -> Result<Option<Self>> {
        let rows = store.execute(
            &format!("SELECT {COLUMNS} FROM identity WHERE issuer = ?1 AND subject = ?2"),
            &[(&identity.issuer).into(), (&identity.subject).into()],
        )?;
        rows.first().map(Self::read).transpose()
    }

    /// What a member has linked, the oldest first: one at each provider that the instance ever had.
    pub(crate) fn of<S: Store>(store: &S, member: MemberId) -> Result<Vec<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM identity WHERE member = ?1 ORDER BY created_at, id");
        store.execute(&sql, &[Value::text(&member)])?.iter().map(Self::read).collect()
    }

    /// Links one that nobody has linked, for a member without another one of this provider.
    pub(crate) fn insert<S: Store>(
        store: &S,
        context: &mut Context<'_>,
        member: MemberId,
        identity: &oidc::Identity,
    ) -> Result<Self> {
        let linked = Self {
            id: IdentityId::new(context.now, &context.random()),
            member,
            issuer: identity.issuer.clone(),
            email: identity.email.clone(),
            created_at: context.now,
            last_used_at: None,
        };
        store.execute(
            "INSERT INTO identity (issuer, subject, id, member, email, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                (&identity.issuer).into(),
                (&identity.subject).into(),
                Value::text(&linked.id),
                Value::text(&member),
                identity.email.clone().into(),
                context.now.into(),
            ],
        )?;
        Ok(linked)
    }

    /// Notes a use.
    pub(crate) fn used<S: Store>(&self, store: &S, now: Timestamp) -> Result<()> {
        store
            .execute("UPDATE identity SET last_used_at = ?2 WHERE id = ?1", &[Value::text(&self.id), now.into()])
            .map(drop)
            .map_err(Into::into)
    }
}
