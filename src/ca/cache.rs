//! Leaves that were made already, as many as fit; the ones that were not used for longest go first.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// A bounded cache of values by name and a number that tells apart what else they were made from.
pub(crate) struct Cache<V> {
    hasher: RandomState,
    most: usize,
    inner: Mutex<Inner<V>>,
}

struct Inner<V> {
    entries: HashMap<Box<str>, Vec<Entry<V>>>,
    count: usize,
    /// Grows with each use: the clock by which entries are old.
    turn: u64,
}

struct Entry<V> {
    from: u64,
    until: i64,
    used: u64,
    value: Arc<V>,
}

impl<V> Cache<V> {
    /// Holds at most so many.
    pub(crate) fn new(most: usize) -> Cache<V> {
        let inner = Inner { entries: HashMap::new(), count: 0, turn: 0 };
        Cache { hasher: RandomState::new(), most, inner: Mutex::new(inner) }
    }

    /// A number for bytes that others cannot make collide, since they do not know the hasher's key.
    pub(crate) fn number(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    /// The value, unless it has run out at `now`.
    pub(crate) fn get(&self, name: &str, from: u64, now: i64) -> Option<Arc<V>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.turn = inner.turn.wrapping_add(1);
        let turn = inner.turn;
        let entry = inner.entries.get_mut(name)?.iter_mut().find(|e| e.from == from && now < e.until)?;
        entry.used = turn;
        Some(entry.value.clone())
    }

    /// Keeps a value until a time (seconds since 1970).
    pub(crate) fn put(&self, name: &str, from: u64, until: i64, value: Arc<V>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.turn = inner.turn.wrapping_add(1);
        let entry = Entry { from, until, used: inner.turn, value };
        let under = inner.entries.entry(name.into()).or_default();
        if let Some(old) = under.iter_mut().find(|e| e.from == from) {
            *old = entry;
            return;
        }
        under.push(entry);
        inner.count = inner.count.saturating_add(1);
        if inner.count > self.most {
            inner.forget_the_older_half();
        }
    }

    /// How many it holds.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.inner.lock().unwrap().entries.values().map(Vec::len).sum()
    }
}

impl<V> Inner<V> {
    /// One pass that frees half, so that a put costs the same on average however often this happens.
    fn forget_the_older_half(&mut self) {
        let mut used: Vec<u64> = self.entries.values().flatten().map(|e| e.used).collect();
        let half = used.len() / 2;
        let (_, median, _) = used.select_nth_unstable(half);
        let oldest = *median;
        self.entries.retain(|_, under| {
            under.retain(|e| e.used >= oldest);
            !under.is_empty()
        });
        self.count = self.entries.values().map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let cache = Cache::new(10);
        for n in 0..100 {
            cache.put(&format!("host{n}"), 0, 1000, Arc::new(n));
            assert!(cache.get("host0", 0, 0).is_some(), "used each time, never forgotten (at {n})");
            assert!(cache.len() <= 10);
        }
        assert!(cache.get("host1", 0, 0).is_none());
    }

    #[test]
    fn other_origins_and_other_times_are_other_leaves() {
        let cache = Cache::new(10);
        cache.put("a", 1, 50, Arc::new("first"));
        cache.put("a", 2, 50, Arc::new("second"));
        assert_eq!(cache.get("a", 2, 49).as_deref(), Some(&"second"));
        assert_eq!(cache.get("a", 1, 50), None, "it ran out");
        assert_eq!(cache.len(), 2);
    }
}
