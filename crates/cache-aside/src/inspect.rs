//! `Inspection`: what the cache holds of one id right now, and who is at work on it. It changes nothing.

use std::time::Duration;

use crate::backend::Backend;
use crate::cell::{Cell, Kind};
use crate::clock::now_ms;
use crate::engine::CacheAside;
use crate::freshness::{Freshness, Kept, evaluate};
use crate::outcome::Outcome;
use crate::rules::Holder;
use crate::source::Source;

/// What the cache holds of one id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The cell; `None` if there is none, or none that can be read.
    pub cell: Option<InspectedCell>,
    /// Who is at work on the id, the oldest first.
    pub lease: Vec<InspectedEntry>,
    /// Whether L1 of this process answers the id.
    pub in_l1: bool,
    /// Whether an invalidation of the id waits for the cache, so that this process answers nothing cached.
    pub is_pending: bool,
}

/// A cell as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedCell {
    /// What the cell says of its id.
    pub kind: Kind,
    /// Version of the value, or the floor.
    pub version: u64,
    /// Length of the body.
    pub bytes: usize,
    /// How long ago the access to the store began that the cell is of.
    pub age: Duration,
    /// Milliseconds for which it answers by itself, negative if that is over; `None` if it never does.
    pub ttl_ms: Option<i64>,
    /// What it is good for.
    pub answers: Answers,
}

/// What a cell is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answers {
    /// It answers.
    Fresh,
    /// It answers, and a read refreshes it.
    Stale,
    /// It answers only while the store is late or fails: it is past its time.
    Aged,
    /// It answers only while the store is away: it is of before the validity moment.
    Invalid,
    /// It does not answer.
    No,
}

/// Somebody at work on an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedEntry {
    /// On whose behalf.
    pub by: Holder,
    /// When the entry ends by itself, at the latest.
    pub ends_in: Duration,
}

impl InspectedEntry {
    pub(crate) fn new(by: Holder, until_ms: u64, now_ms: u64) -> Option<Self> {
        let left_ms = until_ms.checked_sub(now_ms).filter(|left_ms| *left_ms > 0)?;
        Some(Self { by, ends_in: Duration::from_millis(left_ms) })
    }
}

impl<S: Source> CacheAside<S> {
    /// Looks at what the cache holds of an id, and who is at work on it; nothing is changed, and nothing is counted as a read.
    /// `None` if the cache does not answer.
    pub async fn inspect(&self, id: impl AsRef<str>) -> Option<Inspection> {
        let id = id.as_ref();
        let (cell, lease) = match &self.backend {
            Backend::Redis(redis) => redis.inspect(id).await.ok()?,
            Backend::Memory(memory) => memory.inspect(id),
            Backend::Off => (None, Vec::new()),
        };
        Some(Inspection {
            cell: cell.map(|cell| self.inspected(cell)),
            lease,
            in_l1: self.shared.l1.as_ref().is_some_and(|l1| l1.get(id, 0, now_ms()).is_some()),
            is_pending: self.shared.repair.is_pending(id),
        })
    }

    /// Removes what the cache holds of an id, as if it had been evicted: the next read asks the store, and whoever is at work on
    /// the id stores nothing. The store is not asked. `false` if the cache did not take it.
    pub async fn invalidate(&self, id: impl AsRef<str>) -> bool {
        let id = id.as_ref();
        let removed = self.backend.remove(id).await.is_ok();
        if let Some(l1) = &self.shared.l1 {
            // Its own process forgets at once, without the way over Redis.
            l1.invalidate(id, None);
        }
        removed
    }

    fn inspected(&self, cell: Cell) -> InspectedCell {
        let (kind, version, bytes, now) = (cell.kind, cell.version, cell.body.len(), self.shared.clock.now());
        let age = Duration::from_millis(now.ms.saturating_sub(cell.filled_at_ms));
        let (answers, ttl_ms) = match evaluate(cell, now, self.options(), &self.shared.validity) {
            Freshness::Fresh(answer) => (Answers::Fresh, Some(answer.ttl_ms)),
            // Early refreshes are drawn by lot.
            Freshness::RefreshDue(answer) if answer.outcome != Outcome::Stale => (Answers::Fresh, Some(answer.ttl_ms)),
            Freshness::RefreshDue(answer) => (Answers::Stale, Some(answer.ttl_ms)),
            Freshness::Expired(Some(Kept::Aged(answer))) => (Answers::Aged, Some(answer.ttl_ms)),
            Freshness::Expired(Some(Kept::Invalid(_))) => (Answers::Invalid, None),
            Freshness::Expired(None) => (Answers::No, None),
        };
        InspectedCell { kind, version, bytes, age, ttl_ms, answers }
    }
}
