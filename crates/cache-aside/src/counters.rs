//! What the engine counts while it works. Each worker's handle counts for itself, so that a hit writes nothing that other
//! threads write; the sum is made when it is asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::hot_ids::HotIds;
use crate::outcome::{Answer, Detail, Outcome};
use crate::read_rates::ReadRates;
use crate::rules::{LeaseResult, PutResult};
use crate::sample::Sample;
use crate::stats::{Durations, LeaseStats, LoadStats, PutStats, ReadStats, Stats, WriteStats};

/// What a worker counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    Hit,
    L1Hit,
    Miss,
    Collapsed,
    Stale,
    StaleIfError,
    SoftTimeout,
    Absent,
    BypassOff,
    BypassError,
    ReadFailed,
    FlightWait,
    LeaseWait,
    Refresh,
    LoadStarted,
    Query,
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

/// What is sampled is taken together not more often than this.
const COLLECT: Duration = Duration::from_millis(100);

/// After the counters come the buckets of how long loads took, and then the sum, in microseconds.
const LOAD_BUCKETS: usize = Counter::WriteUnknown as usize + 1;
const LOAD_SUM: usize = LOAD_BUCKETS + Durations::BOUNDS.len() + 1;
const COUNTERS: usize = LOAD_SUM + 1;

/// The counters of one worker's handle. Aligned, so that two workers never write the same cache line.
#[derive(Debug)]
#[repr(align(128))]
struct Counts {
    of: [AtomicU64; COUNTERS],
    /// A sample of what was read; `None` if nobody wants to know.
    sample: Option<Sample>,
}

/// All counters: of the handles there are, and the sum of those that are gone.
#[derive(Debug)]
pub(crate) struct Registry {
    registered: Mutex<Registered>,
    /// How many of the ids that are read most are wanted.
    hot_ids: usize,
    hot: Mutex<Hot>,
}

/// What the samples of all workers have brought until now.
#[derive(Debug)]
pub(crate) struct Hot {
    /// Which ids to load into an empty cache.
    pub(crate) ids: HotIds,
    /// How often they are read at present.
    pub(crate) rates: ReadRates,
    collected: Instant,
}

#[derive(Debug)]
struct Registered {
    workers: Vec<Arc<Counts>>,
    gone: [u64; COUNTERS],
}

impl Default for Registered {
    fn default() -> Self {
        Self { workers: Vec::new(), gone: [0; COUNTERS] }
    }
}

/// A worker's counters; clones of a handle share them.
#[derive(Debug)]
pub(crate) struct Counters {
    counts: Arc<Counts>,
    registry: Arc<Registry>,
}

impl Counters {
    pub(crate) fn new(registry: Arc<Registry>) -> Arc<Self> {
        let sample = (registry.hot_ids > 0).then(|| Sample::new(registry.hot_ids));
        let counts = Arc::new(Counts { of: [const { AtomicU64::new(0) }; COUNTERS], sample });
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
        self.counts.of[counter as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The store answered, or failed, after so long.
    pub(crate) fn load_took(&self, took: Duration) {
        self.counts.of[LOAD_BUCKETS + Durations::bucket(took)].fetch_add(1, Ordering::Relaxed);
        self.counts.of[LOAD_SUM].fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn read<E>(&self, id: &str, answer: &Result<Answer, E>) {
        let Ok(answer) = answer else { return self.add(Counter::ReadFailed) };
        let counter = match (answer.outcome, answer.detail) {
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
        };
        self.add(counter);
        if let Some(sample) = &self.counts.sample
            && answer.entry.is_some()
        {
            sample.note(id);
        }
    }

    /// Whether reads are sampled.
    pub(crate) fn are_sampled(&self) -> bool {
        self.registry.hot_ids > 0
    }

    /// Which ids are read most, by all that was sampled until now.
    pub(crate) fn hot(&self) -> MutexGuard<'_, Hot> {
        // A sum of what was counted, whatever panics.
        let mut hot = self.registry.hot.lock().unwrap_or_else(PoisonError::into_inner);
        let since = hot.collected.elapsed();
        if since >= COLLECT {
            let mut counted = HotIds::new(self.registry.hot_ids);
            let workers = self.registry.lock().workers.clone();
            for sample in workers.iter().filter_map(|counts| counts.sample.as_ref()) {
                counted.absorb(sample.take());
            }
            hot.rates.add(&counted, since);
            hot.ids.absorb(counted);
            hot.collected = Instant::now();
        }
        hot
    }

    /// Takes more of the reads of each worker into the sample, or fewer, by how many were in the time since the last look.
    pub(crate) fn adapt_samples(&self, since: Duration) {
        for sample in self.registry.lock().workers.iter().filter_map(|counts| counts.sample.as_ref()) {
            sample.adapt(since);
        }
    }

    pub(crate) fn lease<E>(&self, result: &Result<LeaseResult, E>) {
        self.add(match result {
            Ok(LeaseResult::Taken) => Counter::LeaseTaken,
            Ok(LeaseResult::Held { .. }) => Counter::LeaseHeld,
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
        let at = |at: usize| {
            let workers = registered.workers.iter().map(|counts| counts.of[at].load(Ordering::Relaxed));
            registered.gone[at] + workers.sum::<u64>()
        };
        let of = |counter: Counter| at(counter as usize);
        Stats {
            reads: ReadStats {
                hits: of(Counter::Hit),
                l1_hits: of(Counter::L1Hit),
                misses: of(Counter::Miss),
                collapsed: of(Counter::Collapsed),
                stale: of(Counter::Stale),
                stale_if_error: of(Counter::StaleIfError),
                soft_timeouts: of(Counter::SoftTimeout),
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
                queries: of(Counter::Query),
                failed: of(Counter::LoadFailed),
                timed_out: of(Counter::LoadTimedOut),
                rejected: of(Counter::LoadRejected),
                running: 0,
                took: Durations {
                    sum: Duration::from_micros(at(LOAD_SUM)),
                    counts: std::array::from_fn(|bucket| at(LOAD_BUCKETS + bucket)),
                },
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
        for (gone, count) in registered.gone.iter_mut().zip(&self.counts.of) {
            *gone += count.load(Ordering::Relaxed);
        }
    }
}

impl Registry {
    /// Of a cache that wants to know so many of the ids that are read most.
    pub(crate) fn new(hot_ids: usize) -> Self {
        let hot = Hot { ids: HotIds::new(hot_ids), rates: ReadRates::default(), collected: Instant::now() };
        Self { registered: Mutex::default(), hot_ids, hot: Mutex::new(hot) }
    }

    fn lock(&self) -> MutexGuard<'_, Registered> {
        // Whatever panics, sums stay sums.
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
