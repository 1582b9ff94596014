//! Workers KV: a value that was put may show at once, later, or again after it was replaced.

use std::collections::BTreeMap;

use fastrand::Rng;

/// The directory, with everything that it ever held.
#[derive(Default)]
pub(crate) struct Directory {
    values: BTreeMap<String, Vec<Option<String>>>,
}

impl Directory {
    /// A put has arrived. There is no order among puts but that of arrival.
    pub(crate) fn put(&mut self, key: String, value: Option<String>) {
        self.values.entry(key).or_default().push(value);
    }

    /// What somebody sees: the newest, or with this chance anything that was ever there, nothing included.
    pub(crate) fn get(&self, rng: &mut Rng, key: &str, stale: f64) -> Option<String> {
        let values = self.values.get(key)?;
        if rng.f64() < stale {
            let old = rng.usize(0..=values.len());
            return values.get(old).cloned().flatten();
        }
        self.newest(key).map(str::to_owned)
    }

    /// What was there first.
    pub(crate) fn first(&self, key: &str) -> Option<String> {
        self.values.get(key)?.first().cloned().flatten()
    }

    /// What is there in the end.
    pub(crate) fn newest(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.last()?.as_deref()
    }
}
