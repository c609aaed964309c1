//! `Contention`: ids whose fills were of no use a moment ago, because writers came between the load and the put.
//!
//! Where every fill is overtaken, waiting for one under way is waiting in vain: what it brings may not be shared by who came
//! after its load began. Reads of such an id do not queue behind each other, in this process or behind another's lease, and so
//! take no longer than they would without a cache. Everywhere else one load for all stays the rule.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::CacheError;
use crate::rules::PutResult;

/// How long an id counts as contended after a fill of it was overtaken: many fills of a slow store, and short beside what a
/// stampede would cost if the writers are gone.
const CONTENDED_FOR: Duration = Duration::from_secs(1);
/// Most ids that are remembered. Those beyond wait as if nobody wrote them.
const MOST: usize = 1_024;

/// Which ids are contended. Usually none is, and then a look is one load of an atomic and one of the clock.
#[derive(Debug)]
pub(crate) struct Contention {
    since: Instant,
    /// When the last of them will be no more, in milliseconds since then.
    over_ms: AtomicU64,
    until: Mutex<HashMap<Box<str>, Instant>>,
}

impl Contention {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), over_ms: AtomicU64::new(0), until: Mutex::default() }
    }

    /// What became of a fill. Who had the lease and could not store was overtaken by a writer.
    pub(crate) fn note(&self, id: &str, leased: bool, result: &Result<PutResult, CacheError>, now: Instant) {
        match result {
            Ok(PutResult::Stored) => self.stored(id, now),
            Ok(PutResult::Raised | PutResult::Refused) if leased => self.overtaken(id, now),
            _ => {}
        }
    }

    fn overtaken(&self, id: &str, now: Instant) {
        let mut until = self.lock();
        if until.len() >= MOST {
            until.retain(|_, until| *until > now);
        }
        if until.len() < MOST || until.contains_key(id) {
            until.insert(id.into(), now + CONTENDED_FOR);
            // A millisecond more, since parts of one are cut off.
            self.over_ms.fetch_max(self.ms(now + CONTENDED_FOR) + 1, Ordering::Release);
        }
    }

    /// Who reads now finds the cell.
    fn stored(&self, id: &str, now: Instant) {
        if self.is_any(now) {
            self.lock().remove(id);
        }
    }

    /// Whether it is of no use to wait for a fill of the id.
    pub(crate) fn is_contended(&self, id: &str, now: Instant) -> bool {
        self.is_any(now) && self.lock().get(id).is_some_and(|until| *until > now)
    }

    fn is_any(&self, now: Instant) -> bool {
        self.ms(now) < self.over_ms.load(Ordering::Acquire)
    }

    fn ms(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Instant>> {
        // Insertions and removals are single statements: a panic elsewhere leaves the map whole.
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_contended_until_a_fill_is_stored_or_for_a_second() {
        let (contention, now) = (Contention::new(), Instant::now());
        let contended = |id, now| contention.is_contended(id, now);
        assert!(!contended("1", now));
        contention.overtaken("1", now);
        contention.overtaken("2", now);
        assert!(contended("1", now) && contended("2", now) && !contended("3", now));
        contention.stored("1", now);
        assert!(!contended("1", now) && contended("2", now));
        assert!(!contended("2", now + CONTENDED_FOR));
        let later = now + CONTENDED_FOR + Duration::from_millis(2);
        assert!(contention.is_any(now) && !contention.is_any(later), "nobody looks for what is over");
    }

    #[test]
    fn only_so_many_are_remembered_and_those_that_are_over_make_room() {
        let (contention, now) = (Contention::new(), Instant::now());
        (0..=MOST).for_each(|id| contention.overtaken(&id.to_string(), now));
        assert!(contention.is_contended("0", now) && !contention.is_contended(&MOST.to_string(), now));
        let later = now + CONTENDED_FOR;
        contention.overtaken("another", later);
        assert!(contention.is_contended("another", later));
        assert_eq!(contention.lock().len(), 1);
    }
}
