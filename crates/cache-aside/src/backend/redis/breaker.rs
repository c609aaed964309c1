//! `Breaker`: a cache that fails is left alone for a while, so that requests do not each wait for its deadline.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::CacheError;
use crate::stats::BreakerState;

/// Closed (the cache is used), open (left alone), or half open (one request tries it).
#[derive(Debug)]
pub(crate) struct Breaker {
    limit: u32,
    pause: Duration,
    start: Instant,
    failures: AtomicU32,
    /// Milliseconds after `start` at which the next request may try; 0 while closed.
    retry_at_ms: AtomicU64,
}

impl Breaker {
    pub(crate) fn new(limit: u32, pause: Duration) -> Self {
        let (failures, retry_at_ms) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { limit, pause, start: Instant::now(), failures, retry_at_ms }
    }

    /// Whether the caller may use the cache. While open, one caller a pause may.
    pub(crate) fn admits(&self) -> bool {
        let retry_at = self.retry_at_ms.load(Ordering::Relaxed);
        if retry_at == 0 {
            return true;
        }
        let now = self.now_ms();
        now >= retry_at
            && self
                .retry_at_ms
                .compare_exchange(retry_at, self.after_pause(now), Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.retry_at_ms.load(Ordering::Relaxed) {
            0 => BreakerState::Closed,
            retry_at if self.now_ms() >= retry_at => BreakerState::HalfOpen,
            _ => BreakerState::Open,
        }
    }

    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.failures.store(0, Ordering::Relaxed);
        if self.retry_at_ms.swap(0, Ordering::AcqRel) != 0 {
            tracing::info!("the cache answers again");
        }
    }

    pub(crate) fn failed(&self, error: &CacheError) {
        let failures = self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if failures >= self.limit && self.retry_at_ms.swap(self.after_pause(self.now_ms()), Ordering::AcqRel) == 0 {
            tracing::warn!(%error, "the cache does not answer: reads go to the store until it does");
        }
    }

    fn now_ms(&self) -> u64 {
        // Never 0, which says closed.
        self.start.elapsed().as_millis() as u64 + 1
    }

    fn after_pause(&self, now_ms: u64) -> u64 {
        now_ms + self.pause.as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_admits_one_a_pause_and_closes_on_success() {
        let patient = Breaker::new(2, Duration::from_secs(3600));
        patient.failed(&CacheError::BreakerOpen);
        patient.succeeded();
        patient.failed(&CacheError::BreakerOpen);
        assert!(patient.admits(), "failures were not in a row");
        patient.failed(&CacheError::BreakerOpen);
        assert!(!patient.admits(), "two in a row, and still in its pause");
        assert_eq!(patient.state(), BreakerState::Open);
        patient.succeeded();
        assert!(patient.admits());

        let hasty = Breaker::new(1, Duration::ZERO);
        hasty.failed(&CacheError::BreakerOpen);
        assert_eq!(hasty.state(), BreakerState::HalfOpen);
        assert!(hasty.admits(), "its pause is over at once");
    }
}
