//! `Event`: what happens rarely and to the whole cache, with its moment: it explains why answers became slower or older. The last
//! ones are kept, and each kind is counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many events are kept.
const KEPT: usize = 100;

/// Something that happened to the whole cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// Counts the events of this process, from 1.
    pub number: u64,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub kind: EventKind,
    /// Why, in the words of whoever failed; empty if nobody said.
    pub cause: String,
}

/// What can happen to the whole cache. Over a Redis Cluster it may have happened to one of its servers, and to the cells in it
/// alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Redis failed again and again, and is left alone.
    CacheBreakerOpened,
    /// Redis answers again.
    CacheBreakerClosed,
    /// The store failed again and again, and is left alone.
    StoreBreakerOpened,
    /// The store answers again.
    StoreBreakerClosed,
    /// Redis is another than the cells were filled in, or was restarted: none of them is answered.
    CacheReplaced,
    /// Redis is the one it was, but its keys are gone: it was flushed, or it evicts.
    CacheEmptied,
    /// Every cell became invalid, because changes of the store were missed or unknown.
    InvalidatedAll,
    /// Every cell became invalid, because another process announced it.
    InvalidatedByAnother,
    /// Every cell became invalid to this process, because it answered more past the cache than it can remember.
    InvalidatedPastCache,
    /// This process follows the change stream from now on.
    LeadTaken,
    /// This process follows the change stream no more.
    LeadLost,
    /// The change stream ended or fell silent, and is opened again.
    ChangeStreamEnded,
    /// The cache is empty, and this process loads the ids that are read most.
    WarmingBegan,
    /// They are loaded.
    WarmingEnded,
}

impl EventKind {
    /// As a word of lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CacheBreakerOpened => "cache_breaker_opened",
            Self::CacheBreakerClosed => "cache_breaker_closed",
            Self::StoreBreakerOpened => "store_breaker_opened",
            Self::StoreBreakerClosed => "store_breaker_closed",
            Self::CacheReplaced => "cache_replaced",
            Self::CacheEmptied => "cache_emptied",
            Self::InvalidatedAll => "invalidated_all",
            Self::InvalidatedByAnother => "invalidated_by_another",
            Self::InvalidatedPastCache => "invalidated_past_cache",
            Self::LeadTaken => "lead_taken",
            Self::LeadLost => "lead_lost",
            Self::ChangeStreamEnded => "change_stream_ended",
            Self::WarmingBegan => "warming_began",
            Self::WarmingEnded => "warming_ended",
        }
    }
}

const KINDS: usize = EventKind::WarmingEnded as usize + 1;

/// The last events of this process.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    last: Mutex<VecDeque<Event>>,
    counts: [AtomicU64; KINDS],
}

impl EventLog {
    pub(crate) fn note(&self, kind: EventKind, cause: impl Into<String>) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        // Whatever panics elsewhere, the list is whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let number = last.back().map_or(1, |event| event.number + 1);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(Event { number, at: Instant::now(), kind, cause: cause.into() });
    }

    /// How often this happened.
    pub(crate) fn count(&self, kind: EventKind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    /// The last events, the oldest first.
    pub(crate) fn last(&self) -> Vec<Event> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_events_are_kept_and_all_are_counted() {
        let log = EventLog::default();
        for _ in 0..KEPT {
            log.note(EventKind::LeadTaken, "");
        }
        log.note(EventKind::LeadLost, "why");
        let last = log.last();
        assert_eq!((last.len(), last[0].number, last[KEPT - 1].number), (KEPT, 2, 101));
        assert_eq!((last[KEPT - 1].kind, last[KEPT - 1].cause.as_str()), (EventKind::LeadLost, "why"));
        assert_eq!((log.count(EventKind::LeadTaken), log.count(EventKind::LeadLost)), (100, 1));
    }
}
