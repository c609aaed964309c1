//! `Stats`: everything the engine counts. Each worker's handle counts for itself, so that a hit writes nothing that other
//! threads write; the sum is made when it is asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::outcome::{Answer, Detail, Outcome};
use crate::rules::{LeaseResult, PutResult};

/// Everything the engine has counted since its start, over all handles, and how it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Reads by how they were answered.
    pub reads: ReadStats,
    /// Reads of the store.
    pub loads: LoadStats,
    /// Attempts to get the lease of an id.
    pub leases: LeaseStats,
    /// What fills put into the cache.
    pub puts: PutStats,
    /// Writes through the engine.
    pub writes: WriteStats,
    /// Invalidations that the cache could not be given in time.
    pub repair: RepairStats,
    /// The breaker in front of Redis; closed if the cache is not in Redis.
    pub breaker: BreakerState,
    /// The change stream.
    pub change_stream: ChangeStreamStats,
    /// The moment from which on cells are valid.
    pub validity: ValidityStats,
    /// Values in this process, in front of Redis.
    pub l1: L1Stats,
    /// The auditor.
    pub audit: AuditStats,
}

/// Reads by how they were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadStats {
    /// Fresh values from the cache, without those from L1.
    pub hits: u64,
    /// Values from L1.
    pub l1_hits: u64,
    /// Values or absence from the store that did not pass by the cache.
    pub misses: u64,
    /// Misses that shared the load of another request.
    pub collapsed: u64,
    /// Values from the cache past their fresh time, while a refresh is under way.
    pub stale: u64,
    /// Values from the cache past their fresh time, because the store failed.
    pub stale_if_error: u64,
    /// Absence that the cache knew of.
    pub absent: u64,
    /// Reads from the store because the cache is switched off.
    pub bypass_off: u64,
    /// Reads from the store because the cache did not answer.
    pub bypass_error: u64,
    /// Reads that ended with an error.
    pub failed: u64,
    /// Waits for a fill of the same process.
    pub single_flight_waits: u64,
    /// Waits for a fill of another process.
    pub lease_waits: u64,
    /// Refreshes begun behind an answer.
    pub refreshes: u64,
}

/// Reads of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadStats {
    /// Values that the store was asked for.
    pub started: u64,
    /// Loads that the store failed.
    pub failed: u64,
    /// Loads that took longer than [`crate::Options::load_timeout`].
    pub timed_out: u64,
    /// Loads that did not begin because too many were under way.
    pub rejected: u64,
    /// Loads under way now.
    pub running: u64,
}

/// Attempts to get the lease of an id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseStats {
    /// The lease was taken.
    pub taken: u64,
    /// Another process had the lease.
    pub held: u64,
    /// The cell had been filled meanwhile.
    pub filled: u64,
    /// The cache did not answer.
    pub failed: u64,
}

/// What fills put into the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutStats {
    /// The cache holds what was put.
    pub stored: u64,
    /// The put only raised the floor: a writer came between.
    pub raised: u64,
    /// The cell was at least as new.
    pub refused: u64,
    /// The cache did not answer.
    pub failed: u64,
}

/// Writes through the engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteStats {
    /// Writes that were committed.
    pub committed: u64,
    /// Committed writes that the cache could not be told of in time.
    pub deferred: u64,
    /// Writes that did not happen.
    pub failed: u64,
    /// Writes of which nobody knows whether they happened.
    pub unknown: u64,
}

/// Invalidations that the cache could not be given in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairStats {
    /// Ids that wait now.
    pub pending: u64,
    /// Invalidations that had to wait since the start.
    pub deferred: u64,
    /// Invalidations that found no room and rely on the fresh time.
    pub overflowed: u64,
}

/// The breaker in front of Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// The cache is used.
    #[default]
    Closed,
    /// The cache failed, and is left alone.
    Open,
    /// The cache failed, and the next request tries it.
    HalfOpen,
}

/// The change stream, as this process knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeStreamStats {
    /// Whether a change stream is expected.
    pub expected: bool,
    /// Whether values are fresh for their full time: the stream is live, or none is expected.
    pub live: bool,
    /// Whether this process follows the stream for all.
    pub leading: bool,
    /// How far the stream was behind at the last heartbeat; `None` before the first.
    pub lag: Option<Duration>,
}

/// The moment from which on cells are valid, and what moved it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidityStats {
    /// Milliseconds since 1970: no cell filled before is served. 0 if the moment never moved.
    pub valid_after_ms: u64,
    /// Times it moved because Redis is another than the cells were filled in.
    pub by_incarnation: u64,
    /// Times it moved because the change stream of this process missed changes, or said that anything may have changed.
    pub by_change_stream: u64,
    /// Times it moved because another process announced it.
    pub by_announcement: u64,
}

/// Values in this process, in front of Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct L1Stats {
    /// Values held now.
    pub entries: u64,
    /// Bytes held now, keys and overhead estimated in.
    pub bytes: u64,
    /// Values that made room for others.
    pub evictions: u64,
    /// Invalidations that arrived.
    pub invalidations: u64,
    /// Times everything was cleared.
    pub clears: u64,
}

/// What the auditor has counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditStats {
    /// Cells that were compared with the store.
    pub compared: u64,
    /// Cells that were wrong for more than one second.
    pub wrong_1s: u64,
    /// Cells that were wrong for more than ten seconds.
    pub wrong_10s: u64,
    /// Cells that were wrong for more than a minute.
    pub wrong_60s: u64,
}

/// What a worker counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    Hit,
    L1Hit,
    Miss,
    Collapsed,
    Stale,
    StaleIfError,
    Absent,
    BypassOff,
    BypassError,
    ReadFailed,
    FlightWait,
    LeaseWait,
    Refresh,
    LoadStarted,
    LoadFailed,
    LoadTimedOut,
    LoadRejected,
    LeaseTaken,
    LeaseHeld,
    LeaseFilled,
    LeaseFailed,
    PutStored,
    PutRaised,
    PutRefused,
    PutFailed,
    Committed,
    Deferred,
    WriteFailed,
    WriteUnknown,
}

const COUNTERS: usize = Counter::WriteUnknown as usize + 1;

/// The counters of one worker's handle. Aligned, so that two workers never write the same cache line.
#[derive(Debug)]
#[repr(align(128))]
struct Counts([AtomicU64; COUNTERS]);

/// All counters: of the handles there are, and the sum of those that are gone.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Registered>);

#[derive(Debug, Default)]
struct Registered {
    workers: Vec<Arc<Counts>>,
    gone: [u64; COUNTERS],
}

/// A worker's counters; clones of a handle share them.
#[derive(Debug)]
pub(crate) struct Counters {
    counts: Arc<Counts>,
    registry: Arc<Registry>,
}

impl Counters {
    pub(crate) fn new(registry: Arc<Registry>) -> Arc<Self> {
        let counts = Arc::new(Counts([const { AtomicU64::new(0) }; COUNTERS]));
        registry.lock().workers.push(Arc::clone(&counts));
        Arc::new(Self { counts, registry })
    }

    /// Counters of another worker.
    pub(crate) fn another(&self) -> Arc<Self> {
        Self::new(Arc::clone(&self.registry))
    }

    #[inline]
    pub(crate) fn add(&self, counter: Counter) {
        self.add_many(counter, 1);
    }

    #[inline]
    pub(crate) fn add_many(&self, counter: Counter, count: usize) {
        self.counts.0[counter as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn read<E>(&self, answer: &Result<Answer, E>) {
        let Ok(answer) = answer else { return self.add(Counter::ReadFailed) };
        self.add(match (answer.outcome, answer.detail) {
            (Outcome::Hit, Some(Detail::L1)) => Counter::L1Hit,
            (Outcome::Hit, _) => Counter::Hit,
            (Outcome::Miss, Some(Detail::Collapsed)) => {
                self.add(Counter::Collapsed);
                Counter::Miss
            }
            (Outcome::Miss, _) => Counter::Miss,
            (Outcome::Stale, Some(Detail::StaleIfError)) => Counter::StaleIfError,
            (Outcome::Stale, _) => Counter::Stale,
            (Outcome::Absent, _) => Counter::Absent,
            (Outcome::Bypass, Some(Detail::CacheOff)) => Counter::BypassOff,
            (Outcome::Bypass, _) => Counter::BypassError,
        });
    }

    pub(crate) fn lease<E>(&self, result: &Result<LeaseResult, E>) {
        self.add(match result {
            Ok(LeaseResult::Taken) => Counter::LeaseTaken,
            Ok(LeaseResult::Held) => Counter::LeaseHeld,
            Ok(LeaseResult::Filled) => Counter::LeaseFilled,
            Err(_) => Counter::LeaseFailed,
        });
    }

    pub(crate) fn put<E>(&self, result: &Result<PutResult, E>) {
        self.add(match result {
            Ok(PutResult::Stored) => Counter::PutStored,
            Ok(PutResult::Raised) => Counter::PutRaised,
            Ok(PutResult::Refused) => Counter::PutRefused,
            Err(_) => Counter::PutFailed,
        });
    }

    /// The sums over all workers, those that are gone included.
    pub(crate) fn sum(&self) -> Stats {
        let registered = self.registry.lock();
        let of = |counter: Counter| {
            let at = counter as usize;
            let workers = registered.workers.iter().map(|counts| counts.0[at].load(Ordering::Relaxed));
            registered.gone[at] + workers.sum::<u64>()
        };
        Stats {
            reads: ReadStats {
                hits: of(Counter::Hit),
                l1_hits: of(Counter::L1Hit),
                misses: of(Counter::Miss),
                collapsed: of(Counter::Collapsed),
                stale: of(Counter::Stale),
                stale_if_error: of(Counter::StaleIfError),
                absent: of(Counter::Absent),
                bypass_off: of(Counter::BypassOff),
                bypass_error: of(Counter::BypassError),
                failed: of(Counter::ReadFailed),
                single_flight_waits: of(Counter::FlightWait),
                lease_waits: of(Counter::LeaseWait),
                refreshes: of(Counter::Refresh),
            },
            loads: LoadStats {
                started: of(Counter::LoadStarted),
                failed: of(Counter::LoadFailed),
                timed_out: of(Counter::LoadTimedOut),
                rejected: of(Counter::LoadRejected),
                running: 0,
            },
            leases: LeaseStats {
                taken: of(Counter::LeaseTaken),
                held: of(Counter::LeaseHeld),
                filled: of(Counter::LeaseFilled),
                failed: of(Counter::LeaseFailed),
            },
            puts: PutStats {
                stored: of(Counter::PutStored),
                raised: of(Counter::PutRaised),
                refused: of(Counter::PutRefused),
                failed: of(Counter::PutFailed),
            },
            writes: WriteStats {
                committed: of(Counter::Committed),
                deferred: of(Counter::Deferred),
                failed: of(Counter::WriteFailed),
                unknown: of(Counter::WriteUnknown),
            },
            ..Stats::default()
        }
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        let mut registered = self.registry.lock();
        registered.workers.retain(|counts| !Arc::ptr_eq(counts, &self.counts));
        for (gone, count) in registered.gone.iter_mut().zip(&self.counts.0) {
            *gone += count.load(Ordering::Relaxed);
        }
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Registered> {
        // Whatever panics, sums stay sums.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the auditor counts.
#[derive(Debug, Default)]
pub(crate) struct AuditCounts {
    pub(crate) compared: AtomicU64,
    /// Cells that were wrong for more than one, ten and sixty seconds.
    pub(crate) wrong: [AtomicU64; 3],
    /// Differences that are being looked at again.
    pub(crate) followed: AtomicU64,
}

impl AuditCounts {
    pub(crate) fn stats(&self) -> AuditStats {
        let [wrong_1s, wrong_10s, wrong_60s] = [0, 1, 2].map(|age: usize| self.wrong[age].load(Ordering::Relaxed));
        AuditStats { compared: self.compared.load(Ordering::Relaxed), wrong_1s, wrong_10s, wrong_60s }
    }
}
