//! Which rules of one profile hold no longer, or less strictly, in another: what guards tokens and is no permission.
//!
//! Every rule is compared by the values that are applied, and any value that could let more through counts, whether or
//! not somebody makes use of it. What people read, what forms ask to confirm and what kinds are recommended for are no
//! rules.

use crate::policy::{
    Access, CeilingSource, ExpiryRules, Kind, Leases, Limits, Name, Profile, Rate, Replay, SignatureRules,
};

impl Kind {
    /// The rules that `new`, in place of this kind, would loosen, by their keys in the file.
    pub(super) fn loosened(&self, new: &Self) -> Vec<String> {
        let ceiling = match (self.ceiling, new.ceiling) {
            (old, new) if old == new => false,
            // What was bounded by nothing is bounded by a role.
            (CeilingSource::Everything, _) => false,
            _ => true,
        };
        let passphrase = match (&self.passphrase, &new.passphrase) {
            (Some(old), Some(new)) => new.min < old.min,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let grace = |kind: &Self| kind.rotate.as_ref().map(|rules| rules.max_grace_seconds.max(1)).unwrap_or_default();
        let mut loosened: Vec<&str> = [
            ("owner", self.owner != new.owner),
            ("ceiling", ceiling),
            ("proofs", adds(&self.proofs, &new.proofs)),
            ("headers", adds(&self.headers, &new.headers)),
            ("freshness", new.freshness < self.freshness),
            ("counts", adds(&new.counts, &self.counts)),
            ("edit", adds(&self.edit, &new.edit)),
            ("passphrase", passphrase),
            ("rotate", grace(new) > grace(self)),
            ("regenerate", new.regenerate && !self.regenerate),
            ("verbs", new.verbs != self.verbs),
        ]
        .into_iter()
        .filter_map(|(key, loosened)| loosened.then_some(key))
        .collect();
        loosened.extend(expiry(&self.expiry, &new.expiry).then_some("expiry"));
        loosened.extend(access(&self.access, &new.access));
        loosened.extend(signature(&self.signature.applied(), &new.signature.applied()));
        for (key, old, new) in [
            ("onboarding.expires_seconds", &self.onboarding, &new.onboarding),
            ("login.expires_seconds", &self.login, &new.login),
        ] {
            if let (Some(old), Some(new)) = (old, new) {
                loosened.extend(longer(old.expires_seconds, new.expires_seconds).then_some(key));
            }
        }
        loosened.into_iter().map(str::to_owned).collect()
    }
}

impl Profile {
    /// The rules for the whole organisation that `new`, in place of this profile, would loosen, by their keys.
    pub(super) fn loosened(&self, new: &Self) -> Vec<String> {
        let mut loosened: Vec<&str> = Vec::new();
        loosened.extend((new.revoke_by_private_key && !self.revoke_by_private_key).then_some("revoke_by_private_key"));
        loosened.extend(adds(&self.adapters, &new.adapters).then_some("adapters"));
        loosened.extend(limits(&self.limits, &new.limits));
        loosened.extend(leases(&self.leases, &new.leases));
        loosened.into_iter().map(str::to_owned).collect()
    }
}

/// Whether the second list has something that the first does not.
fn adds<T: PartialEq>(old: &[T], new: &[T]) -> bool {
    new.iter().any(|entry| !old.contains(entry))
}

/// Whether a bound is higher, where none is the highest.
fn longer(old: Option<u32>, new: Option<u32>) -> bool {
    match (old, new) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(old), Some(new)) => new > old,
    }
}

fn expiry(old: &ExpiryRules, new: &ExpiryRules) -> bool {
    let silently = match (old.default_seconds, new.default_seconds) {
        (None, _) => false,
        // Where an end is required and none is usual, one must be said.
        (Some(_), None) => !new.required,
        (Some(old), Some(new)) => new > old,
    };
    (old.required && !new.required) || longer(old.max_seconds, new.max_seconds) || silently
}

fn access(old: &Access, new: &Access) -> impl Iterator<Item = &'static str> {
    let some = |old: Option<&[Name]>, new: Option<&[Name]>| match (old, new) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(old), Some(new)) => adds(old, new),
    };
    [
        ("access.create", some(old.create.as_deref(), new.create.as_deref())),
        ("access.own", some(old.own.as_deref(), new.own.as_deref())),
        ("access.see", adds(&old.see, &new.see)),
        ("access.manage", adds(&old.manage, &new.manage)),
    ]
    .into_iter()
    .filter_map(|(key, loosened)| loosened.then_some(key))
}

fn signature(old: &SignatureRules, new: &SignatureRules) -> impl Iterator<Item = &'static str> {
    const fn strictness(replay: Replay) -> u8 {
        match replay {
            Replay::Window => 0,
            Replay::ByMethod => 1,
            Replay::Once => 2,
        }
    }
    let labels = !old.labels.is_empty() && (new.labels.is_empty() || adds(&old.labels, &new.labels));
    [
        ("signature.components", adds(&new.components, &old.components)),
        ("signature.components_with_body", adds(&new.components_with_body, &old.components_with_body)),
        ("signature.max_age_seconds", new.max_age_seconds > old.max_age_seconds),
        ("signature.max_future_seconds", new.max_future_seconds > old.max_future_seconds),
        ("signature.max_window_seconds", new.max_window_seconds > old.max_window_seconds),
        ("signature.nonce_required", old.nonce_required && !new.nonce_required),
        ("signature.tag", old.tag.is_some() && new.tag != old.tag),
        ("signature.labels", labels),
        ("signature.replay", strictness(new.replay) < strictness(old.replay)),
        ("signature.fingerprint_header", new.fingerprint_header && !old.fingerprint_header),
    ]
    .into_iter()
    .filter_map(|(key, loosened)| loosened.then_some(key))
}

fn limits(old: &Limits, new: &Limits) -> impl Iterator<Item = &'static str> {
    let rate = |old: Rate, new: Rate| new.max > old.max || new.seconds < old.seconds;
    let (was, is) = (old.passphrase, new.passphrase);
    [
        ("limits.creation", rate(old.creation, new.creation)),
        ("limits.failed", rate(old.failed, new.failed)),
        ("limits.passphrase", is.max_wrong > was.max_wrong || is.lock_seconds < was.lock_seconds),
    ]
    .into_iter()
    .filter_map(|(key, loosened)| loosened.then_some(key))
}

fn leases(old: &Leases, new: &Leases) -> impl Iterator<Item = &'static str> {
    [
        ("leases.lease_millis", new.lease_millis > old.lease_millis),
        ("leases.busy_lease_millis", new.busy_millis() > old.busy_millis()),
        // A larger one makes every change that narrows wait longer.
        ("leases.margin_millis", new.margin_millis != old.margin_millis),
        ("leases.stale_for_seconds", new.stale_for_seconds > old.stale_for_seconds),
    ]
    .into_iter()
    .filter_map(|(key, loosened)| loosened.then_some(key))
}
