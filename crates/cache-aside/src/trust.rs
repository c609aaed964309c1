//! `Trust`: what may still be believed of what the cache holds. Nothing that was filled before the cache was last
//! emptied or went back in time; and nothing for long while nobody tells of foreign writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Read by every hit: three numbers, no lock.
#[derive(Debug)]
pub(crate) struct Trust {
    /// Cells filled before this (milliseconds since 1970) are as good as gone.
    since_ms: AtomicU64,
    /// Until when (milliseconds since 1970) the change stream vouches for cells of full age.
    vouched_until_ms: AtomicU64,
    /// Counts what empties L1: a later `since`, a line to the cache that was broken.
    epoch: AtomicU64,
}

/// Nobody is waited for: without a change stream, values are good for their full fresh time.
const FOR_EVER: u64 = u64::MAX;

impl Trust {
    pub(crate) fn new() -> Self {
        Self { since_ms: AtomicU64::new(0), vouched_until_ms: AtomicU64::new(FOR_EVER), epoch: AtomicU64::new(0) }
    }

    /// Whether a cell filled then may be answered.
    pub(crate) fn believes(&self, filled_at_ms: u64) -> bool {
        filled_at_ms >= self.since_ms.load(Ordering::Acquire)
    }

    pub(crate) fn since_ms(&self) -> u64 {
        self.since_ms.load(Ordering::Acquire)
    }

    /// Whether cells of full age may be answered.
    pub(crate) fn is_vouched(&self, now_ms: u64) -> bool {
        now_ms < self.vouched_until_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// No cell filled before `at_ms` is believed any more. Never goes back.
    pub(crate) fn distrust_before(&self, at_ms: u64) {
        if self.since_ms.fetch_max(at_ms, Ordering::AcqRel) < at_ms {
            self.empty_l1();
        }
    }

    /// What L1 holds, and what is on its way there, is as good as gone.
    pub(crate) fn empty_l1(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// From now on the change stream has to vouch.
    pub(crate) fn expect_heartbeats(&self) {
        // Between the start and the first heartbeat nobody vouches.
        let _ = self.vouched_until_ms.compare_exchange(FOR_EVER, 0, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// A heartbeat that said how far the change stream is behind.
    pub(crate) fn heard(&self, lag: Duration, max_lag: Duration, now_ms: u64, silence: Duration) {
        let until = self.vouched_until_ms.load(Ordering::Acquire);
        if lag <= max_lag && until != FOR_EVER {
            self.vouched_until_ms.store(now_ms + silence.as_millis() as u64, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vouches_only_while_heartbeats_come_that_are_not_behind() {
        let (trust, second) = (Trust::new(), Duration::from_secs(1));
        assert!(trust.is_vouched(u64::MAX - 1), "nobody is waited for");
        trust.expect_heartbeats();
        assert!(!trust.is_vouched(1_000), "none came yet");
        trust.heard(Duration::ZERO, second, 1_000, second);
        assert!(trust.is_vouched(1_999));
        assert!(!trust.is_vouched(2_000), "silence");
        trust.heard(second * 2, second, 2_000, second);
        assert!(!trust.is_vouched(2_000), "behind");
    }

    #[test]
    fn what_is_not_believed_stays_so_and_empties_l1() {
        let trust = Trust::new();
        trust.distrust_before(10);
        let epoch = trust.epoch();
        assert_ne!(epoch, 0);
        trust.distrust_before(5);
        assert!(!trust.believes(9) && trust.believes(10));
        assert_eq!(trust.epoch(), epoch);
    }
}
