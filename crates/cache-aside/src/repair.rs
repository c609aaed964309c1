//! `RepairQueue`: invalidations that the cache could not be given in time are made up for, old versions never over newer
//! ones.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::backend::Backend;
use crate::error::CacheError;
use crate::source::Loaded;
use crate::stats::RepairStats;

/// An invalidation of one id that the cache does not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PendingInvalidation {
    /// Nothing below this version may be answered.
    Floor(u64),
    /// Whatever the cache holds may be wrong.
    Remove,
}

impl PendingInvalidation {
    /// What makes the cache know of what the store holds. An absence removes the cell: a floor would say nothing of a value
    /// at the version that was deleted.
    pub(crate) fn of(loaded: &Loaded) -> Self {
        match loaded {
            Loaded::Value { version, .. } => Self::Floor(*version),
            Loaded::Absent => Self::Remove,
        }
    }

    /// Gives it to the cache.
    pub(crate) async fn apply(self, backend: &Backend, id: &str) -> Result<(), CacheError> {
        match self {
            Self::Floor(version) => backend.invalidate(id, version).await,
            Self::Remove => backend.remove(id).await,
        }
    }

    /// One invalidation that does what both do.
    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Floor(a), Self::Floor(b)) => Self::Floor(a.max(b)),
            _ => Self::Remove,
        }
    }
}

/// A bounded set of ids, and the backend that is told of them. Clones share it.
#[derive(Clone)]
pub(crate) struct RepairQueue(Arc<Inner>);

struct Inner {
    backend: Backend,
    invalidations: Mutex<HashMap<Box<str>, PendingInvalidation>>,
    max: usize,
    pause: Duration,
    /// Every hit reads it, so it is not behind the lock.
    pending: AtomicUsize,
    /// Whether ids were turned away since the set was last empty: then no cell may be answered.
    overflowed: AtomicBool,
    added: Notify,
    /// Counts what was added, and what found no room.
    counts: [AtomicU64; 2],
}

impl RepairQueue {
    pub(crate) fn new(backend: Backend, max: usize, pause: Duration) -> Self {
        Self(Arc::new(Inner {
            backend,
            invalidations: Mutex::default(),
            max,
            pause,
            pending: AtomicUsize::new(0),
            overflowed: AtomicBool::new(false),
            added: Notify::new(),
            counts: Default::default(),
        }))
    }

    pub(crate) fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Acquire)
    }

    /// Whether what the cache holds of `id` may be older than a write of this process.
    pub(crate) fn is_pending(&self, id: &str) -> bool {
        self.pending() > 0 && (self.0.overflowed.load(Ordering::Acquire) || self.invalidations().contains_key(id))
    }

    /// As [`RepairQueue::add`], for what is worth a place only while there are some: an outage of the cache has many
    /// readers, and its writers need the places more.
    pub(crate) fn add_if_room(&self, id: &str, invalidation: PendingInvalidation) {
        if self.pending() < self.0.max {
            self.add(id, invalidation);
        }
    }

    /// Gives the invalidation to the cache as soon as the cache takes it.
    pub(crate) fn add(&self, id: &str, invalidation: PendingInvalidation) {
        self.0.counts[0].fetch_add(1, Ordering::Relaxed);
        self.insert(id, invalidation);
        self.0.added.notify_one();
    }

    pub(crate) fn stats(&self) -> RepairStats {
        let [deferred, overflowed] = [0, 1].map(|at: usize| self.0.counts[at].load(Ordering::Relaxed));
        RepairStats { pending: self.pending() as u64, deferred, overflowed }
    }

    fn insert(&self, id: &str, invalidation: PendingInvalidation) {
        let mut invalidations = self.invalidations();
        let full = invalidations.len() >= self.0.max;
        match invalidations.entry(id.into()) {
            Entry::Occupied(mut entry) => {
                let both = entry.get().merge(invalidation);
                entry.insert(both);
            }
            Entry::Vacant(entry) if !full => {
                entry.insert(invalidation);
            }
            Entry::Vacant(_) => {
                self.0.counts[1].fetch_add(1, Ordering::Relaxed);
                if !self.0.overflowed.swap(true, Ordering::AcqRel) {
                    tracing::warn!(
                        max = self.0.max,
                        "the repair queue is full: until it is empty this process answers nothing from the cache, and \
                         other processes may answer old values until their fresh time ends"
                    );
                }
            }
        }
        self.0.pending.store(invalidations.len(), Ordering::Release);
    }

    fn next(&self) -> Option<(Box<str>, PendingInvalidation)> {
        self.invalidations().iter().next().map(|(id, invalidation)| (id.clone(), *invalidation))
    }

    fn done(&self, id: &str, invalidation: PendingInvalidation) {
        let mut invalidations = self.invalidations();
        // Something newer may have been added meanwhile.
        if invalidations.get(id) == Some(&invalidation) {
            invalidations.remove(id);
        }
        if invalidations.is_empty() {
            self.0.overflowed.store(false, Ordering::Release);
        }
        self.0.pending.store(invalidations.len(), Ordering::Release);
    }

    /// Works for as long as the process has handles.
    pub(crate) async fn run(self) {
        loop {
            while let Some((id, invalidation)) = self.next() {
                match invalidation.apply(&self.0.backend, &id).await {
                    Ok(()) => self.done(&id, invalidation),
                    Err(_) => tokio::time::sleep(self.0.pause).await,
                }
            }
            self.0.added.notified().await;
        }
    }

    fn invalidations(&self) -> MutexGuard<'_, HashMap<Box<str>, PendingInvalidation>> {
        // Insertions and removals are single statements: a panic elsewhere leaves the map whole.
        self.0.invalidations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
