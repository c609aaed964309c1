//! `RepairQueue`: invalidations that the cache could not be given in time are made up for, oldest first, and one that
//! cannot be delivered holds up none behind it.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

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

/// How long one id waits at most before it is tried again, when the cache answers and refuses just this one.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A bounded set of ids, and the backend that is told of them. Clones share it.
#[derive(Clone)]
pub(crate) struct RepairQueue(Arc<Inner>);

struct Inner {
    backend: Backend,
    state: Mutex<State>,
    max: usize,
    pause: Duration,
    /// Every hit reads it, so it is not behind the lock. An overflow counts as one.
    pending: AtomicUsize,
    added: Notify,
    /// Counts what was added, and the writes that found no place.
    counts: [AtomicU64; 2],
}

#[derive(Default)]
struct State {
    waiting: HashMap<Box<str>, Waiting>,
    /// When each id is due, and which of two that are due at once came first.
    order: BTreeMap<(Instant, u64), Box<str>>,
    /// Counts what was added or could not be, and so numbers the ids in the order in which they came.
    added: u64,
    /// Whether a writer found no place: then every cell that was filled until now may be wrong.
    overflowed: bool,
}

struct Waiting {
    invalidation: PendingInvalidation,
    since: Instant,
    due: (Instant, u64),
    refusals: u32,
}

/// What is to be delivered next.
enum Step {
    Id(Box<str>, PendingInvalidation),
    /// The validity moment that makes up for everything, also for what found no place.
    Everything,
    /// Nothing is due before then.
    NotBefore(Instant),
    Nothing,
}

impl RepairQueue {
    pub(crate) fn new(backend: Backend, max: usize, pause: Duration) -> Self {
        Self(Arc::new(Inner {
            backend,
            state: Mutex::default(),
            max,
            pause,
            pending: AtomicUsize::new(0),
            added: Notify::new(),
            counts: Default::default(),
        }))
    }

    pub(crate) fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Acquire)
    }

    /// Whether what the cache holds of `id` may be older than a write of this process.
    pub(crate) fn is_pending(&self, id: &str) -> bool {
        if self.pending() == 0 {
            return false;
        }
        let state = self.state();
        state.overflowed || state.waiting.contains_key(id)
    }

    /// Adds an invalidation on behalf of a reader, if there is room, and says whether there was: an outage of the cache has
    /// many readers, and they never take the places that are kept for writers.
    pub(crate) fn add_if_room(&self, id: &str, invalidation: PendingInvalidation) -> bool {
        let has_room = self.pending() < self.0.max;
        if has_room {
            self.add(id, invalidation);
        }
        has_room
    }

    /// Gives the invalidation to the cache as soon as the cache takes it. Writers have as many places again as readers;
    /// where those are full too, everything that the cache holds becomes invalid instead.
    pub(crate) fn add(&self, id: &str, invalidation: PendingInvalidation) {
        self.0.counts[0].fetch_add(1, Ordering::Relaxed);
        self.insert(id, invalidation);
        self.0.added.notify_one();
    }

    pub(crate) fn stats(&self) -> RepairStats {
        let [deferred, overflowed] = [0, 1].map(|at: usize| self.0.counts[at].load(Ordering::Relaxed));
        let oldest = self.state().waiting.values().map(|waiting| waiting.since.elapsed()).max();
        RepairStats { pending: self.pending() as u64, oldest, deferred, overflowed }
    }

    /// Waits until everything was delivered; how many invalidations are left when the patience ends.
    pub(crate) async fn drain(&self, patience: Duration) -> usize {
        let delivered = async {
            while self.pending() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(patience, delivered).await;
        self.pending()
    }

    fn insert(&self, id: &str, invalidation: PendingInvalidation) {
        let mut state = self.state();
        let State { waiting, order, added, overflowed } = &mut *state;
        let full = waiting.len() >= 2 * self.0.max;
        match waiting.entry(id.into()) {
            Place::Occupied(mut place) => {
                *added += 1;
                let merged = place.get().invalidation.merge(invalidation);
                place.get_mut().invalidation = merged;
            }
            Place::Vacant(place) if !full => {
                *added += 1;
                let due = (Instant::now(), *added);
                order.insert(due, place.key().clone());
                place.insert(Waiting { invalidation, since: due.0, due, refusals: 0 });
            }
            Place::Vacant(_) => {
                *added += 1;
                self.0.counts[1].fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(overflowed, true) {
                    tracing::warn!(
                        max = 2 * self.0.max,
                        "more writes than the repair queue holds could not be published: as soon as the cache takes it, \
                         everything it holds is invalidated; until then this process answers nothing from the cache"
                    );
                }
            }
        }
        self.count(&state);
    }

    fn next(&self) -> Step {
        let state = self.state();
        if state.overflowed {
            return Step::Everything;
        }
        match state.order.first_key_value() {
            None => Step::Nothing,
            Some((&(due, _), _)) if due > Instant::now() => Step::NotBefore(due),
            Some((_, id)) => match state.waiting.get(id) {
                Some(waiting) => Step::Id(id.clone(), waiting.invalidation),
                None => Step::Nothing,
            },
        }
    }

    fn done(&self, id: &str, invalidation: PendingInvalidation) {
        let mut state = self.state();
        // Something newer may have been added meanwhile.
        if state.waiting.get(id).is_some_and(|waiting| waiting.invalidation == invalidation)
            && let Some(waiting) = state.waiting.remove(id)
        {
            state.order.remove(&waiting.due);
        }
        self.count(&state);
    }

    /// The cache answers, but refuses just this id: it is tried again later, and the others are not held up.
    fn postpone(&self, id: &str, error: &CacheError) {
        let mut state = self.state();
        let State { waiting, order, added, .. } = &mut *state;
        let Some(waiting) = waiting.get_mut(id) else { return };
        let backoff = self.0.pause.saturating_mul(1 << waiting.refusals.min(10)).min(LONGEST_BACKOFF);
        if waiting.refusals == 0 {
            tracing::warn!(id, %error, "the cache refuses to invalidate an id: it is tried again until it is taken");
        }
        waiting.refusals += 1;
        order.remove(&waiting.due);
        *added += 1;
        waiting.due = (Instant::now() + backoff, *added);
        order.insert(waiting.due, id.into());
    }

    /// Delivers for as long as the process has handles.
    pub(crate) async fn run(self) {
        loop {
            match self.next() {
                Step::Id(id, invalidation) => match invalidation.apply(&self.0.backend, &id).await {
                    Ok(()) => self.done(&id, invalidation),
                    Err(error) if error.is_outage() => tokio::time::sleep(self.0.pause).await,
                    Err(error) => self.postpone(&id, &error),
                },
                Step::Everything => self.invalidate_everything().await,
                Step::NotBefore(due) => {
                    let _ = tokio::time::timeout_at(due, self.0.added.notified()).await;
                }
                Step::Nothing => self.0.added.notified().await,
            }
        }
    }

    async fn invalidate_everything(&self) {
        let covered = self.state().added;
        if self.0.backend.invalidate_all().await.is_err() {
            tokio::time::sleep(self.0.pause).await;
            return;
        }
        let mut state = self.state();
        // What came meanwhile was committed after the moment: it is not made up for.
        if state.added == covered {
            state.overflowed = false;
            state.waiting.clear();
            state.order.clear();
        }
        self.count(&state);
    }

    fn count(&self, state: &State) {
        let pending = state.waiting.len() + usize::from(state.overflowed);
        self.0.pending.store(pending, Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in between can panic: a panic elsewhere leaves the state whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
