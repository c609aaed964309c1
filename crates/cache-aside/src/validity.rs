//! `Validity`: what this process knows that all cells share. None answers for long while the change stream, which tells of
//! foreign writes, is not known to be live; and whatever invalidates cells clears L1. From which moment on cells are valid says
//! [`crate::timeline`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::events::{EventKind, EventLog};
use crate::stats::ValidityStats;

/// What moved the moment from which on cells are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Redis is another than the cells were filled in.
    Incarnation,
    /// The change stream of this process missed changes, or said that anything may have changed.
    ChangeStream,
    /// Another process announced it.
    Announcement,
    /// This process answered more values past the cache than it can remember.
    Bypass,
}

impl Cause {
    fn event(self) -> EventKind {
        match self {
            Self::Incarnation => EventKind::CacheReplaced,
            Self::ChangeStream => EventKind::InvalidatedAll,
            Self::Announcement => EventKind::InvalidatedByAnother,
            Self::Bypass => EventKind::InvalidatedPastCache,
        }
    }
}

/// The change stream, as it counts for the values that it may tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// None is followed.
    None,
    /// It keeps up, and says so.
    Live,
    /// It should be live and is not. Up to so many milliseconds ago it has told of everything.
    Silent { for_ms: u64 },
}

/// Every hit reads it: two numbers, no lock.
#[derive(Debug)]
pub(crate) struct Validity {
    /// Moment of this process's clock, in milliseconds, until which the change stream counts as live.
    live_until_ms: AtomicU64,
    /// Moment of this process's clock, in milliseconds, up to which the change stream has told of everything.
    told_until_ms: AtomicU64,
    /// Counts whatever clears L1: a later `valid_after_ms`, a subscription that broke.
    epoch: AtomicU64,
    /// How far the stream was behind at the last heartbeat, milliseconds; [`FOR_EVER`] before the first.
    lag_ms: AtomicU64,
    /// How often each [`Cause`] moved the moment.
    moved: [AtomicU64; 4],
    /// How often a server was found without its keys.
    emptied: AtomicU64,
    events: Arc<EventLog>,
}

/// No change stream is expected: values are fresh for their full time.
const FOR_EVER: u64 = u64::MAX;

impl Validity {
    pub(crate) fn new() -> Self {
        Self {
            live_until_ms: AtomicU64::new(FOR_EVER),
            told_until_ms: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            lag_ms: AtomicU64::new(FOR_EVER),
            moved: Default::default(),
            emptied: AtomicU64::new(0),
            events: Arc::default(),
        }
    }

    /// What happened to the whole cache.
    pub(crate) fn events(&self) -> &Arc<EventLog> {
        &self.events
    }

    /// Whether values are fresh for their full time: the change stream is live, or none is expected.
    pub(crate) fn is_live(&self, now_ms: u64) -> bool {
        now_ms < self.live_until_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn stream(&self, now_ms: u64) -> Stream {
        match self.live_until_ms.load(Ordering::Relaxed) {
            FOR_EVER => Stream::None,
            until if now_ms < until => Stream::Live,
            _ => Stream::Silent { for_ms: now_ms.saturating_sub(self.told_until_ms.load(Ordering::Relaxed)) },
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The moment from which on some cells are valid has moved.
    pub(crate) fn moved(&self, cause: Cause) {
        self.moved[cause as usize].fetch_add(1, Ordering::Relaxed);
        self.events.note(cause.event(), "");
        self.clear_l1();
    }

    /// A server was found without its keys: flushed, or it evicts.
    pub(crate) fn note_emptied(&self) {
        self.emptied.fetch_add(1, Ordering::Relaxed);
        self.events.note(EventKind::CacheEmptied, "");
    }

    /// How often the cache, or one server of it, lost everything that it held, for all processes.
    pub(crate) fn times_emptied(&self) -> u64 {
        let for_all = [Cause::Incarnation, Cause::ChangeStream, Cause::Announcement];
        let moved = for_all.iter().map(|cause| self.moved[*cause as usize].load(Ordering::Relaxed));
        moved.sum::<u64>() + self.emptied.load(Ordering::Relaxed)
    }

    /// Invalidates what L1 holds, and what is on its way there.
    pub(crate) fn clear_l1(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// From now on the change stream has to be live for values to be fresh for their full time.
    pub(crate) fn expect_heartbeats(&self) {
        // Between the start and the first heartbeat it is not.
        let _ = self.live_until_ms.compare_exchange(FOR_EVER, 0, Ordering::AcqRel, Ordering::Relaxed);
    }

    pub(crate) fn expects_heartbeats(&self) -> bool {
        self.live_until_ms.load(Ordering::Relaxed) != FOR_EVER
    }

    pub(crate) fn lag(&self) -> Option<Duration> {
        let lag_ms = self.lag_ms.load(Ordering::Relaxed);
        (lag_ms != FOR_EVER).then(|| Duration::from_millis(lag_ms))
    }

    /// All but the moment itself.
    pub(crate) fn stats(&self) -> ValidityStats {
        let moved = |cause: Cause| self.moved[cause as usize].load(Ordering::Relaxed);
        ValidityStats {
            valid_after_ms: 0,
            by_incarnation: moved(Cause::Incarnation),
            by_change_stream: moved(Cause::ChangeStream),
            by_announcement: moved(Cause::Announcement),
            by_bypass: moved(Cause::Bypass),
        }
    }

    /// A heartbeat arrived that said how far the change stream is behind.
    pub(crate) fn on_heartbeat(&self, lag: Duration, max_lag: Duration, now_ms: u64, timeout: Duration) {
        self.lag_ms.store(lag.as_millis() as u64, Ordering::Relaxed);
        self.told_until_ms.fetch_max(now_ms.saturating_sub(lag.as_millis() as u64), Ordering::Relaxed);
        let until = self.live_until_ms.load(Ordering::Acquire);
        if lag <= max_lag && until != FOR_EVER {
            self.live_until_ms.store(now_ms + timeout.as_millis() as u64, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_live_only_while_heartbeats_come_that_are_not_behind() {
        let (validity, second) = (Validity::new(), Duration::from_secs(1));
        assert!(validity.is_live(u64::MAX - 1), "no change stream is expected");
        validity.expect_heartbeats();
        assert!(!validity.is_live(1_000), "none came yet");
        validity.on_heartbeat(Duration::ZERO, second, 1_000, second);
        assert!(validity.is_live(1_999));
        assert!(!validity.is_live(2_000), "none came for too long");
        validity.on_heartbeat(second * 2, second, 2_000, second);
        assert!(!validity.is_live(2_000), "behind");
    }

    #[test]
    fn a_silent_stream_has_told_of_everything_up_to_its_last_heartbeat_less_its_lag() {
        let (validity, second) = (Validity::new(), Duration::from_secs(1));
        assert_eq!(validity.stream(1_000), Stream::None);
        validity.expect_heartbeats();
        assert_eq!(validity.stream(1_000), Stream::Silent { for_ms: 1_000 });
        validity.on_heartbeat(second / 2, second, 5_000, second);
        assert_eq!(validity.stream(5_999), Stream::Live);
        assert_eq!(validity.stream(6_000), Stream::Silent { for_ms: 1_500 });
        validity.on_heartbeat(second * 3, second, 6_000, second);
        assert_eq!(validity.stream(6_000), Stream::Silent { for_ms: 1_500 }, "what was told stays told");
    }
}
