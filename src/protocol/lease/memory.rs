//! What an isolate has confirmed: a bounded map, least recently used out first.

use core::hash::{Hash, Hasher};
use core::num::NonZeroUsize;
use std::collections::HashMap;

use lru::LruCache;

/// Under which incarnation of an [`Edge`](super::Edge) a confirmation was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub(super) incarnation: u64,
}

/// Confirmed values by the key they were asked under, found again by the identifier that a list of changes names.
///
/// One identifier may be kept under several keys (two secrets while a rotation's grace lasts); a change forgets all.
#[derive(Clone, Debug)]
pub struct Memory<K: Hash + Eq, I, V> {
    entries: LruCache<K, Entry<I, V>>,
    keys: HashMap<I, Vec<K>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry<I, V> {
    id: I,
    stamp: Stamp,
    value: V,
}

impl<K: Hash + Eq + Clone, I: Hash + Eq + Copy, V> Memory<K, I, V> {
    /// An empty memory for at most so many confirmations.
    #[must_use]
    pub fn new(capacity: NonZeroUsize) -> Self {
        // Grows with use: most isolates serve a few tokens.
        let mut entries = LruCache::unbounded();
        entries.resize(capacity);
        Self { entries, keys: HashMap::new() }
    }

    /// How many confirmations there are, void ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What was confirmed under this key, and when.
    pub fn get(&mut self, key: &K) -> Option<(&V, Stamp)> {
        self.entries.get(key).map(|entry| (&entry.value, entry.stamp))
    }

    /// Keeps a confirmation.
    pub fn keep(&mut self, key: K, id: I, stamp: Stamp, value: V) {
        self.drop_key(&key);
        let keys = self.keys.entry(id).or_default();
        keys.push(key.clone());
        if let Some((old_key, old)) = self.entries.push(key, Entry { id, stamp, value }) {
            self.unlink(&old_key, &old.id);
        }
    }

    /// Forgets all that is kept of this identifier.
    pub fn forget(&mut self, id: &I) {
        for key in self.keys.remove(id).unwrap_or_default() {
            self.entries.pop(&key);
        }
    }

    fn drop_key(&mut self, key: &K) {
        if let Some(old) = self.entries.pop(key) {
            self.unlink(key, &old.id);
        }
    }

    fn unlink(&mut self, key: &K, id: &I) {
        if let Some(keys) = self.keys.get_mut(id) {
            keys.retain(|kept| kept != key);
            if keys.is_empty() {
                self.keys.remove(id);
            }
        }
    }
}

// Two memories are the same if they hold the same in the same order of use: they behave alike from here on. Which bucket
// a key fell into is no part of it.
impl<K: Hash + Eq, I: PartialEq, V: PartialEq> PartialEq for Memory<K, I, V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries.cap() == other.entries.cap() && self.entries.iter().eq(other.entries.iter())
    }
}

impl<K: Hash + Eq, I: Eq, V: Eq> Eq for Memory<K, I, V> {}

impl<K: Hash + Eq, I: Hash, V: Hash> Hash for Memory<K, I, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.len().hash(state);
        for entry in &self.entries {
            entry.hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { incarnation: 1 };

    fn memory(capacity: usize) -> Memory<&'static str, u32, char> {
        Memory::new(NonZeroUsize::new(capacity).unwrap())
    }

    #[test]
    fn a_change_forgets_every_key_of_a_token() {
        let mut memory = memory(8);
        memory.keep("old secret", 1, STAMP, 'a');
        memory.keep("new secret", 1, STAMP, 'b');
        memory.keep("other", 2, STAMP, 'c');
        memory.forget(&1);
        assert!(memory.get(&"old secret").is_none());
        assert!(memory.get(&"new secret").is_none());
        assert!(memory.get(&"other").is_some());
    }

    #[test]
    fn the_least_recently_used_goes_first_and_leaves_nothing_behind() {
        let mut memory = memory(2);
        memory.keep("a", 1, STAMP, 'a');
        memory.keep("b", 2, STAMP, 'b');
        memory.get(&"a");
        memory.keep("c", 3, STAMP, 'c');
        assert!(memory.get(&"b").is_none());
        assert_eq!((memory.len(), memory.keys.len()), (2, 2));
    }

    #[test]
    fn a_key_that_changes_hands_is_one_tokens_alone() {
        let mut memory = memory(8);
        memory.keep("a", 1, STAMP, 'a');
        memory.keep("a", 2, STAMP, 'b');
        memory.forget(&1);
        assert_eq!(memory.get(&"a"), Some((&'b', STAMP)));
        memory.forget(&2);
        assert!(memory.is_empty() && memory.keys.is_empty());
    }
}
