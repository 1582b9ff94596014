//! What the approval of a login gave, and what of it may still be made when its client comes for it.
//!
//! Between the page, the approval and the collection lie minutes in which the profile can be replaced. A name says
//! nothing about what it will mean then: so an approval keeps what was decided together with what that meant, and a login
//! that would be given more than this is given nothing.

use serde::{Deserialize, Serialize};

use super::choice::{Asked, Chosen};
use super::login::LoginAsk;
use crate::policy::{CeilingSource, GrantSet, Kind, Name, Ownership, Permission, Profile};

/// What a login gives, with all that its names mean by the profile of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginGiven {
    /// The kind of its token.
    pub kind: Name,
    /// Whose tokens of that kind are.
    owner: Ownership,
    /// What bounds them.
    ceiling: CeilingSource,
    /// What is chosen, explicitly.
    chosen: Chosen,
    /// What that grants: within the chosen role, where one bounds the kind.
    means: GrantSet,
    /// Each declared permission in it: one with `*` covers more as soon as more is declared.
    covers: Vec<Permission>,
}

impl Profile {
    /// What a token of this kind, with what a login asks for, is given by this profile.
    #[must_use]
    pub fn login_given(&self, kind: &Kind, ask: &LoginAsk) -> LoginGiven {
        self.given(kind, ask.chosen.clone())
    }

    /// What was given, decided again: its kind, and what is to be asked for it. None where logins give another kind now,
    /// where something that was chosen can no longer be, or where it would grant more than it did.
    #[must_use]
    pub fn login_again(&self, given: &LoginGiven) -> Option<(&Kind, Asked)> {
        let kind = self.login_kind().filter(|kind| kind.name == given.kind)?;
        let role = kind.login.as_ref().and_then(|least| least.role.as_ref());
        let asked = given.chosen.to_asked();
        let chosen = self.choose(kind, &asked).ok()?;
        let now = self.given(kind, chosen);
        let same = (kind.owner, kind.ceiling, &now.chosen, role)
            == (given.owner, given.ceiling, &given.chosen, given.chosen.role.as_ref());
        let no_more =
            given.means.contains(&now.means) && now.covers.iter().all(|permission| given.covers.contains(permission));
        (same && no_more).then_some((kind, asked))
    }

    fn given(&self, kind: &Kind, chosen: Chosen) -> LoginGiven {
        let means = match kind.ceiling {
            // Their owner's role is read at every request.
            CeilingSource::OwnerRole => self.granted(&chosen),
            CeilingSource::FixedRole | CeilingSource::Everything => self.effective(kind, &chosen, None),
        };
        let declared = self.permissions().iter().map(|info| &info.permission);
        let covers = declared.filter(|one| means.permits_somewhere(one)).cloned().collect();
        LoginGiven { kind: kind.name.clone(), owner: kind.owner, ceiling: kind.ceiling, chosen, means, covers }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Profile, builtin};

    #[test]
    fn what_is_declared_later_was_not_given() {
        let text = builtin("symbolon").unwrap().replacen(
            "tokens:*\", \"members:*\", \"activity:*",
            "api:*\", \"tokens:*\", \"members:*\", \"activity:*",
            1,
        );
        let before = Profile::parse(&text).unwrap();
        let kind = before.login_kind().unwrap();
        let given = before.login_given(kind, &before.login_ask(kind, Some("manage")).unwrap());
        assert!(given.covers.iter().any(|permission| permission.as_str() == "api:write"));
        assert!(before.login_again(&given).is_some());
        let more = text.replacen("[families.api]", "destroy = \"Destroy it all\"\n\n[families.api]", 1);
        let after = Profile::parse(&more).unwrap();
        assert!(given.means.contains(&after.given(kind, given.chosen.clone()).means), "the words are the same");
        assert!(after.login_again(&given).is_none());
        let read = before.login_given(kind, &before.login_ask(kind, None).unwrap());
        assert!(after.login_again(&read).is_some(), "what it is not about changes nothing");
    }
}
