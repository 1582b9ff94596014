//! A new secret for the same token: rotation, with grace for the old one, and regeneration, without.

use super::access::{Actor, Subject, Verb};
use super::choice::Chosen;
use super::create::ExpiryAsked;
use super::edit::State;
use crate::policy::Profile;
use crate::problem::{Code, Problem};
use crate::time::Timestamp;

impl Profile {
    /// Decides whether the actor may rotate the token, and for how many seconds the old secret lives on.
    ///
    /// # Errors
    /// `not_editable`: the kind is not rotated. `insufficient_permission`: the actor may not, it is another member's
    /// own token, or it grants what the actor does not have. `invalid_request`: the grace is longer than the kind's
    /// longest.
    pub fn rotate(
        &self,
        subject: Subject<'_>,
        actor: &Actor,
        chosen: &Chosen,
        grace_seconds: Option<u32>,
    ) -> Result<u32, Problem> {
        let Subject { kind, owner, owner_role } = subject;
        kind.may(Verb::Rotate, actor, owner)?;
        let Some(rules) = &kind.rotate else {
            return Err(Problem::new(Code::NotEditable).detail(format!(
                "A {} is not rotated: create another, switch to it, and revoke this one.",
                kind.title
            )));
        };
        let grace = grace_seconds.unwrap_or(rules.default_grace_seconds);
        if grace > rules.max_grace_seconds {
            return Err(Problem::field("grace_seconds", format!("must be at most {}", rules.max_grace_seconds)));
        }
        self.may_grant(actor, kind, chosen, owner_role)?;
        Ok(grace)
    }

    /// Decides whether the actor may regenerate the token, and when it then ends.
    ///
    /// Where nothing is said of the end, the kind's default counts from now; without one, the token lives as long
    /// again as it did, so that one that ends never comes to be without end by silence.
    ///
    /// # Errors
    /// As [`Profile::rotate`]; `invalid_request` about `expires_at`.
    pub fn regenerate(
        &self,
        subject: Subject<'_>,
        actor: &Actor,
        state: &State,
        expires: ExpiryAsked,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Problem> {
        let Subject { kind, owner, owner_role } = subject;
        kind.may(Verb::Rotate, actor, owner)?;
        if !kind.regenerate {
            return Err(Problem::new(Code::NotEditable)
                .detail(format!("A {} is not regenerated: create another and revoke this one.", kind.title)));
        }
        let again = match (expires, kind.expiry.default_seconds, state.expires_at) {
            (ExpiryAsked::Unsaid, None, Some(end)) => {
                ExpiryAsked::At(now.plus_millis(end.millis_since(state.issued_at).max(1)))
            }
            (asked, _, _) => asked,
        };
        let expires_at = kind.check_expiry(again, now, now).map_err(|error| Problem::fields(vec![error]))?;
        self.may_grant(actor, kind, &state.chosen, owner_role)?;
        Ok(expires_at)
    }
}
