//! `Breaker`: what fails again and again is left alone for a while, so that requests do not each wait for its deadline
//! (Nygard, "Release It!"). There is one in front of Redis and one in front of the store.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::with_causes;
use crate::events::{EventKind, EventLog};
use crate::stats::BreakerState;

/// What a breaker stands in front of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guarded {
    Cache,
    /// A server of several that are the cache, by its address.
    Part(String),
    Store,
}

impl Guarded {
    fn opened(&self) -> EventKind {
        match self {
            Self::Cache | Self::Part(_) => EventKind::CacheBreakerOpened,
            Self::Store => EventKind::StoreBreakerOpened,
        }
    }

    fn closed(&self) -> EventKind {
        match self {
            Self::Cache | Self::Part(_) => EventKind::CacheBreakerClosed,
            Self::Store => EventKind::StoreBreakerClosed,
        }
    }
}

/// Closed (what it guards is used), open (left alone), or half open (one request at a time tries it).
#[derive(Debug)]
pub(crate) struct Breaker {
    guarded: Guarded,
    limit: u32,
    pause: Duration,
    start: Instant,
    failures: AtomicU32,
    /// Milliseconds after `start` at which the next request may try; 0 while closed.
    retry_at_ms: AtomicU64,
    /// Milliseconds after `start` at which it opened, while it is open.
    opened_at_ms: AtomicU64,
    /// Whether a request tries right now.
    probing: AtomicBool,
    events: Arc<EventLog>,
}

/// Leave to use what the breaker guards. While the breaker is open it is a probe, and there is no second one until it goes.
#[derive(Debug)]
#[must_use = "a probe is over when this is dropped"]
pub(crate) struct Pass<'a>(Option<&'a Breaker>);

impl Breaker {
    pub(crate) fn new(guarded: Guarded, limit: u32, pause: Duration, events: Arc<EventLog>) -> Self {
        Self {
            guarded,
            limit,
            pause,
            start: Instant::now(),
            failures: AtomicU32::new(0),
            retry_at_ms: AtomicU64::new(0),
            opened_at_ms: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            events,
        }
    }

    /// Whether the caller may use what is guarded. While open, one caller at a time may, and one a pause.
    #[inline]
    pub(crate) fn admit(&self) -> Option<Pass<'_>> {
        if self.retry_at_ms.load(Ordering::Relaxed) == 0 { Some(Pass(None)) } else { self.admit_probe() }
    }

    #[cold]
    fn admit_probe(&self) -> Option<Pass<'_>> {
        if self.now_ms() < self.retry_at_ms.load(Ordering::Acquire) || self.probing.swap(true, Ordering::AcqRel) {
            return None;
        }
        let pass = Pass(Some(self));
        // Another probe may have ended between the two looks, and begun a pause.
        (self.now_ms() >= self.retry_at_ms.load(Ordering::Acquire)).then_some(pass)
    }

    /// Whether everybody may use what is guarded.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.retry_at_ms.load(Ordering::Relaxed) == 0
    }

    /// Whether what is guarded is left alone, so that nobody is to wait for it.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.retry_at_ms.load(Ordering::Relaxed) != 0 && self.state() == BreakerState::Open
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.retry_at_ms.load(Ordering::Relaxed) {
            0 => BreakerState::Closed,
            retry_at if self.now_ms() >= retry_at && !self.probing.load(Ordering::Acquire) => BreakerState::HalfOpen,
            _ => BreakerState::Open,
        }
    }

    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.failures.store(0, Ordering::Relaxed);
        if self.retry_at_ms.swap(0, Ordering::AcqRel) != 0 {
            let away = Duration::from_millis(self.now_ms().saturating_sub(self.opened_at_ms.load(Ordering::Relaxed)));
            match &self.guarded {
                Guarded::Cache => tracing::info!(?away, "the cache answers again"),
                Guarded::Part(server) => tracing::info!(server, ?away, "a server of the cache answers again"),
                Guarded::Store => tracing::info!(?away, "the store answers again"),
            }
            self.events.note(self.guarded.closed(), "");
        }
    }

    pub(crate) fn failed(&self, cause: &dyn Error) {
        let failures = self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if failures >= self.limit {
            self.open(cause);
        }
    }

    /// Opens at once: somebody asked whether what is guarded is there, and it is not.
    pub(crate) fn open(&self, cause: &dyn Error) {
        self.failures.fetch_max(self.limit, Ordering::AcqRel);
        let now = self.now_ms();
        if self.retry_at_ms.swap(self.after_pause(now), Ordering::AcqRel) != 0 {
            return;
        }
        self.opened_at_ms.store(now, Ordering::Relaxed);
        let error = with_causes(cause);
        self.events.note(self.guarded.opened(), error.as_str());
        match &self.guarded {
            Guarded::Cache => tracing::warn!(error, "the cache does not answer: reads go to the store until it does"),
            Guarded::Part(server) => tracing::warn!(
                server,
                error,
                "a server of the cache does not answer: reads of what it holds go to the store until it does"
            ),
            Guarded::Store => tracing::warn!(
                error,
                "the store does not answer: until it does, kept values are answered as stale, other reads and all writes fail \
                 at once, and one request at a time tries it"
            ),
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

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let Some(breaker) = self.0 else { return };
        // A probe that ended without a verdict (its client went away) has had its turn all the same.
        let retry_at = breaker.retry_at_ms.load(Ordering::Acquire);
        let now = breaker.now_ms();
        if retry_at != 0 && retry_at <= now {
            let next = breaker.after_pause(now);
            let _ = breaker.retry_at_ms.compare_exchange(retry_at, next, Ordering::AcqRel, Ordering::Relaxed);
        }
        breaker.probing.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> std::io::Error {
        std::io::Error::other("down")
    }

    #[test]
    fn opens_after_failures_in_a_row_admits_one_a_pause_and_closes_on_success() {
        let patient = Breaker::new(Guarded::Cache, 2, Duration::from_secs(3600), Arc::default());
        patient.failed(&down());
        patient.succeeded();
        patient.failed(&down());
        assert!(patient.admit().is_some(), "failures were not in a row");
        patient.failed(&down());
        assert!(patient.admit().is_none(), "two in a row, and still in its pause");
        assert_eq!(patient.state(), BreakerState::Open);
        patient.succeeded();
        assert!(patient.admit().is_some());

        let hasty = Breaker::new(Guarded::Store, 1, Duration::ZERO, Arc::default());
        hasty.failed(&down());
        assert_eq!(hasty.state(), BreakerState::HalfOpen);
        assert!(hasty.admit().is_some(), "its pause is over at once");
    }

    #[test]
    fn one_probe_at_a_time_and_one_without_a_verdict_makes_way_after_a_pause() {
        let breaker = Breaker::new(Guarded::Store, 1, Duration::ZERO, Arc::default());
        breaker.failed(&down());
        let probe = breaker.admit();
        assert!(probe.is_some() && breaker.admit().is_none() && breaker.is_open());
        drop(probe);
        assert!(breaker.admit().is_some());

        let (pause, patience) = (Duration::from_millis(200), Duration::from_secs(60));
        let breaker = Breaker::new(Guarded::Store, 1, pause, Arc::default());
        breaker.failed(&down());
        let began = Instant::now();
        while breaker.admit().is_none() {
            assert!(began.elapsed() < patience, "never half open");
            std::thread::sleep(Duration::from_millis(1));
        }
        let dropped = Instant::now();
        let next = breaker.admit().is_none();
        assert!(next || dropped.elapsed() >= pause, "no second probe in the same pause");
    }
}
