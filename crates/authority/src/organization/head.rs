//! The organisation's own row.

use symbolon::id::{OrganizationId, ShortId, TokenId};
use symbolon::protocol::Epoch;
use symbolon::time::Timestamp;

use super::failure::{Failure, Result};
use crate::store::{Store, Value};

/// The organisation's own row, as of the statement that read it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) id: OrganizationId,
    pub(crate) short_id: ShortId,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) profile_name: String,
    /// The epoch at which the profile was last replaced: it tells whether one that was read before still is the one.
    pub(crate) profile_epoch: Epoch,
    pub(crate) epoch: Epoch,
    pub(crate) log_floor: Epoch,
    /// SHA-256 of the call that founded it.
    pub(crate) founding: String,
    pub(crate) first_token: TokenId,
    pub(crate) created_at: Timestamp,
    /// Whether a provider's verified address makes a member's identity known.
    pub(crate) link_by_email: bool,
}

impl Head {
    /// Reads it.
    pub(crate) fn read<S: Store>(store: &S) -> Result<Self> {
        let rows = store.execute(
            "SELECT id, short_id, slug, name, profile_name, profile_epoch, epoch, log_floor, founding, first_token,
                created_at, link_by_email FROM organization",
            &[],
        )?;
        let row = rows.first().ok_or(Failure::Broken("the organisation has no row"))?;
        Ok(Self {
            id: row.parsed(0)?,
            short_id: row.parsed(1)?,
            slug: row.get(2)?,
            name: row.get(3)?,
            profile_name: row.get(4)?,
            profile_epoch: Epoch::new(row.get(5)?),
            epoch: Epoch::new(row.get(6)?),
            log_floor: Epoch::new(row.get(7)?),
            founding: row.get(8)?,
            first_token: row.parsed(9)?,
            created_at: row.get(10)?,
            link_by_email: row.get::<u32>(11)? != 0,
        })
    }

    /// The text of the profile. It is large, and read only where no parsed one is at hand.
    pub(crate) fn profile_text<S: Store>(store: &S) -> Result<String> {
        let rows = store.execute("SELECT profile FROM organization", &[])?;
        Ok(rows.first().ok_or(Failure::Broken("the organisation has no row"))?.get(0)?)
    }

    /// Moves the epoch on.
    pub(super) fn set_epoch<S: Store>(store: &S, epoch: Epoch, log_floor: Epoch) -> Result<()> {
        store.execute(
            "UPDATE organization SET epoch = ?1, log_floor = ?2",
            &[Value::count(epoch.get())?, Value::count(log_floor.get())?],
        )?;
        Ok(())
    }
}
