//! `Repair`: publishes that could not be made in time are made up for, oldest versions never over newer ones.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cache::Cache;
use crate::engine::CacheAside;
use crate::error::CacheError;
use crate::source::Source;

/// What the cache is still to be told of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owed {
    /// That nothing below this version may be answered.
    Floor(u64),
    /// That whatever it holds may be wrong.
    Forget,
}

/// A bounded set of ids.
pub(crate) struct Repair {
    owed: Mutex<HashMap<Box<str>, Owed>>,
    max: usize,
    pause: Duration,
    /// Read by every hit, so not behind the lock.
    pending: AtomicUsize,
    /// Whether ids were turned away since the set was last empty: then every cell is suspect.
    overflowed: AtomicBool,
    running: AtomicBool,
}

impl Repair {
    pub(crate) fn new(max: usize, pause: Duration) -> Self {
        let (pending, overflowed, running) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { owed: Mutex::default(), max, pause, pending, overflowed, running }
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Acquire)
    }

    /// Whether what the cache holds of `id` may be older than a write of this process.
    pub(crate) fn suspects(&self, id: &str) -> bool {
        self.pending() > 0 && (self.overflowed.load(Ordering::Acquire) || self.owed().contains_key(id))
    }

    fn has_room(&self) -> bool {
        self.pending() < self.max
    }

    fn add(&self, id: &str, what: Owed) {
        let mut owed = self.owed();
        let full = owed.len() >= self.max;
        match owed.entry(id.into()) {
            Entry::Occupied(mut entry) => {
                let both = match (*entry.get(), what) {
                    (Owed::Floor(a), Owed::Floor(b)) => Owed::Floor(a.max(b)),
                    _ => Owed::Forget,
                };
                entry.insert(both);
            }
            Entry::Vacant(entry) if !full => {
                entry.insert(what);
            }
            Entry::Vacant(_) => {
                if !self.overflowed.swap(true, Ordering::AcqRel) {
                    tracing::warn!(max = self.max, "too many deferred publishes: further ones rely on the fresh time");
                }
            }
        }
        self.pending.store(owed.len(), Ordering::Release);
    }

    fn some(&self) -> Option<(Box<str>, Owed)> {
        self.owed().iter().next().map(|(id, owed)| (id.clone(), *owed))
    }

    fn paid(&self, id: &str, what: Owed) {
        let mut owed = self.owed();
        // Something newer may have been added meanwhile.
        if owed.get(id) == Some(&what) {
            owed.remove(id);
        }
        if owed.is_empty() {
            self.overflowed.store(false, Ordering::Release);
        }
        self.pending.store(owed.len(), Ordering::Release);
    }

    fn owed(&self) -> MutexGuard<'_, HashMap<Box<str>, Owed>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> CacheAside<S> {
    /// As [`CacheAside::repair_later`], for what is worth a place only while there are some: an outage of the cache has
    /// many readers, and its writers need the places more.
    pub(crate) fn repair_if_room(&self, id: &str, owed: Owed) {
        if self.shared.repair.has_room() {
            self.repair_later(id, owed);
        }
    }

    /// Tells the cache later, as soon as it can be told.
    pub(crate) fn repair_later(&self, id: &str, owed: Owed) {
        self.shared.repair.add(id, owed);
        if !self.shared.repair.running.swap(true, Ordering::AcqRel) {
            tokio::spawn(self.clone().repair_all());
        }
    }

    async fn repair_all(self) {
        let repair = &self.shared.repair;
        loop {
            while let Some((id, owed)) = repair.some() {
                match tell(&self.cache, &id, owed).await {
                    Ok(()) => repair.paid(&id, owed),
                    Err(_) => tokio::time::sleep(repair.pause).await,
                }
            }
            repair.running.store(false, Ordering::Release);
            // One may have been added between the last look and the store.
            if repair.pending() == 0 || repair.running.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    }
}

pub(crate) async fn tell(cache: &Cache, id: &str, owed: Owed) -> Result<(), CacheError> {
    match owed {
        Owed::Floor(version) => cache.invalidate(id, version).await,
        Owed::Forget => cache.forget(id).await,
    }
}
