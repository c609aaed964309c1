//! The auditor: walks over the cells, compares each with the store, and counts those that stay wrong. A difference counts
//! only when the same cell still differs a second, ten and sixty seconds later: most are writes under way. The walk comes
//! by again meanwhile: a cell that is wrong for longer than a minute counts anew each minute, and not each walk.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::cell::{Cell, Kind, Seen};
use crate::engine::CacheAside;
use crate::freshness::{Freshness, evaluate};
use crate::outcome::Entry;
use crate::source::{Loaded, Source};
use crate::stats::AuditStats;

/// Ages at which a difference is looked at again.
const AGES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];
/// Differences that are followed at one time; further ones are left to the next walk.
const FOLLOWED: usize = 1_000;

impl<S: Source> CacheAside<S> {
    /// Compares so many cells a second with the store.
    pub(crate) async fn audit_all(self, per_second: u32) {
        let mut turns = interval(Duration::from_secs(1) / per_second);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut walk, followed) = (Walk::default(), Followed::default());
        loop {
            turns.tick().await;
            let Some(id) = walk.next(&self).await else { continue };
            let found = self.compare(&id).await;
            self.shared.audit.compared.fetch_add(1, Ordering::Relaxed);
            if let Some(wrong) = found
                && followed.begin(&id)
            {
                tokio::spawn(self.clone().follow_difference(id, wrong, followed.clone()));
            }
        }
    }

    async fn follow_difference(self, id: String, wrong: Seen, followed: Followed) {
        let mut waited = Duration::ZERO;
        for (age, wrong_for) in AGES.into_iter().zip(&self.shared.audit.wrong) {
            tokio::time::sleep(age - waited).await;
            waited = age;
            if self.compare(&id).await != Some(wrong) {
                break;
            }
            wrong_for.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(id, ?age, "the cache answers something else than the store holds");
        }
        followed.end(&id);
    }

    /// The cell, if it would be answered and is not what the store holds. A store or a cache that fails says nothing.
    async fn compare(&self, id: &str) -> Option<Seen> {
        let loaded = self.load(id).await.ok()?;
        let found = self.backend.get(id).await.ok()??;
        let seen = Seen::of(Some(&found.cell));
        let differs = differs(&found.cell, &loaded);
        let answered = match evaluate(found, self.options(), &self.shared.validity) {
            Freshness::Fresh(_) | Freshness::RefreshDue(_) => !self.shared.repair.is_pending(id),
            Freshness::Expired(_) => false,
        };
        (answered && differs).then_some(seen)
    }
}

fn differs(cell: &Cell, loaded: &Loaded) -> bool {
    match (cell.kind, loaded) {
        (Kind::Value, Loaded::Value { version, body }) => {
            Entry { version: cell.version, body: cell.body.clone() } != Entry { version: *version, body: body.clone() }
        }
        (Kind::Absent, Loaded::Absent) | (Kind::Tombstone, _) => false,
        (Kind::Value, Loaded::Absent) | (Kind::Absent, Loaded::Value { .. }) => true,
    }
}

/// A walk over all cells, some at a time, and again from the start.
#[derive(Default)]
struct Walk {
    cursor: u64,
    ids: Vec<String>,
}

impl Walk {
    async fn next<S: Source>(&mut self, engine: &CacheAside<S>) -> Option<String> {
        if self.ids.is_empty() {
            let (cursor, ids) = engine.backend.some_ids(self.cursor).await.ok()?;
            (self.cursor, self.ids) = (cursor, ids);
        }
        self.ids.pop()
    }
}

/// The ids whose difference is being looked at again.
#[derive(Clone, Default)]
struct Followed(Arc<Mutex<HashSet<String>>>);

impl Followed {
    /// Whether it begins now: not for one that is followed already, and not while there are too many.
    fn begin(&self, id: &str) -> bool {
        let mut ids = self.ids();
        ids.len() < FOLLOWED && ids.insert(id.to_owned())
    }

    fn end(&self, id: &str) {
        self.ids().remove(id);
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the auditor counts.
#[derive(Debug, Default)]
pub(crate) struct AuditCounts {
    pub(crate) compared: AtomicU64,
    /// Cells that were wrong for more than one, ten and sixty seconds.
    pub(crate) wrong: [AtomicU64; 3],
}

impl AuditCounts {
    pub(crate) fn stats(&self) -> AuditStats {
        let [wrong_1s, wrong_10s, wrong_60s] = [0, 1, 2].map(|age: usize| self.wrong[age].load(Ordering::Relaxed));
        AuditStats { compared: self.compared.load(Ordering::Relaxed), wrong_1s, wrong_10s, wrong_60s }
    }
}
