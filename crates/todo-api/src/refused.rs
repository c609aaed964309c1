//! `Refused`: documents of the store that are no todos, remembered for as long as an absence is, so that not every GET
//! asks the store for them again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use todo_store::StoreError;

/// Refusals that are remembered at one time.
const MOST: usize = 1024;

/// Which ids were refused lately, and why. Only loads look here, never hits.
#[derive(Debug)]
pub(crate) struct Refused {
    lifetime: Duration,
    by_id: Mutex<HashMap<String, (Instant, StoreError)>>,
    /// How many writes were noticed; what was read before one of them is not remembered after it.
    writes: AtomicU64,
}

impl Refused {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, by_id: Mutex::default(), writes: AtomicU64::new(0) }
    }

    /// Why this id was refused, if that was lately.
    pub(crate) fn get(&self, id: &str) -> Option<StoreError> {
        let by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        by_id.get(id).filter(|(since, _)| since.elapsed() < self.lifetime).map(|(_, error)| error.clone())
    }

    /// How many writes were noticed, to be asked before the store is read.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Remembers an error that says that a document is no todo, unless there was a write since `writes` were counted. Other
    /// errors say nothing about the document.
    pub(crate) fn note(&self, id: &str, error: &StoreError, writes: u64) {
        if !matches!(error, StoreError::NotATodo { .. }) {
            return;
        }
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        if self.writes() != writes {
            return;
        }
        if by_id.len() >= MOST {
            by_id.retain(|_, (since, _)| since.elapsed() < self.lifetime);
        }
        if by_id.len() < MOST {
            by_id.insert(id.to_owned(), (Instant::now(), error.clone()));
        }
    }

    /// Forgets an id that was written.
    pub(crate) fn remove(&self, id: &str) {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        self.writes.fetch_add(1, Ordering::AcqRel);
        by_id.remove(id);
    }

    /// Forgets everything, as anything may have been written.
    pub(crate) fn clear(&self) {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        self.writes.fetch_add(1, Ordering::AcqRel);
        by_id.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(id: &str) -> StoreError {
        StoreError::NotATodo { id: id.to_owned(), problem: "name must be text".to_owned() }
    }

    #[test]
    fn a_refusal_lasts_its_time_or_until_a_write_and_there_are_never_too_many() {
        let refused = Refused::new(Duration::from_secs(3_600));
        refused.note("1", &refusal("1"), 0);
        refused.note("2", &StoreError::Refused("no".to_owned()), 0);
        assert!(refused.get("1").is_some() && refused.get("2").is_none());
        refused.remove("1");
        assert!(refused.get("1").is_none());
        refused.note("1", &refusal("1"), 0);
        assert!(refused.get("1").is_none(), "read before the write");
        for id in 0..2 * MOST {
            refused.note(&id.to_string(), &refusal("x"), 1);
        }
        assert_eq!(refused.by_id.lock().expect("no test panicked").len(), MOST);

        let forgetful = Refused::new(Duration::ZERO);
        forgetful.note("1", &refusal("1"), 0);
        assert!(forgetful.get("1").is_none());
    }
}
