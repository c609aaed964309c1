//! `Stats`: everything the engine counts, as its user gets it.

use std::time::Duration;

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
    /// Connections to Redis for commands that are open, one for each handle that is used; the subscription and the look at the
    /// clock have their own.
    pub connections: u64,
    /// The breaker in front of Redis; closed if the cache is not in Redis.
    pub breaker: BreakerState,
    /// The breaker in front of the store.
    pub store_breaker: BreakerState,
    /// The change stream.
    pub change_stream: ChangeStreamStats,
    /// The moment from which on cells are valid.
    pub validity: ValidityStats,
    /// Values in this process, in front of Redis.
    pub l1: L1Stats,
    /// The auditor.
    pub audit: AuditStats,
    /// The warmer.
    pub warming: WarmingStats,
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
    /// Values from the cache past their fresh time, because the store failed, or did not answer soon enough.
    pub stale_if_error: u64,
    /// Those of them for which a load went on behind the answer: see [`crate::Options::load_soft_timeout`].
    pub soft_timeouts: u64,
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
    /// Queries by which it was asked: [`crate::Source::load`] once, or [`crate::Source::load_many`] for many values.
    pub queries: u64,
    /// Loads that the store failed.
    pub failed: u64,
    /// Loads that took longer than [`crate::Options::load_timeout`].
    pub timed_out: u64,
    /// Loads that did not begin because too many were under way.
    pub rejected: u64,
    /// Loads under way now.
    pub running: u64,
    /// How long the store took; a query for many values counts once.
    pub took: Durations,
}

/// How long something took, as counts in buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durations {
    /// All of them together.
    pub sum: Duration,
    /// How many took at most as long as each of [`Durations::BOUNDS`] and longer than the one before; the last: longer than all.
    pub counts: [u64; 13],
}

impl Durations {
    /// Upper bounds of the buckets.
    pub const BOUNDS: [Duration; 12] = [
        Duration::from_micros(100),
        Duration::from_micros(250),
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2_500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(500),
        Duration::from_millis(2_500),
    ];

    pub(crate) fn bucket(took: Duration) -> usize {
        Self::BOUNDS.partition_point(|bound| *bound < took)
    }
}

/// Attempts to get the lease of an id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseStats {
    /// The lease was taken.
    pub taken: u64,
    /// Another process was filling.
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
    /// How long the oldest of them waits.
    pub oldest: Option<Duration>,
    /// Invalidations that had to wait since the start.
    pub deferred: u64,
    /// Invalidations of writers that found no room, so that everything in the cache had to be invalidated instead.
    pub overflowed: u64,
}

/// State of a breaker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// What it guards is used.
    #[default]
    Closed,
    /// What it guards failed again and again, and is left alone; perhaps one request tries it.
    Open,
    /// What it guards failed again and again, and the next request tries it.
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
    /// How often the stream ended or fell silent while this process followed it, and was opened again.
    pub ended: u64,
}

/// The moment from which on cells are valid, and what moved it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidityStats {
    /// Milliseconds since 1970, by the clock of Redis if the cache is there: no cell filled before is served. 0 if the moment
    /// never moved.
    pub valid_after_ms: u64,
    /// Times it moved because Redis is another than the cells were filled in.
    pub by_incarnation: u64,
    /// Times it moved because the change stream of this process missed changes, or said that anything may have changed.
    pub by_change_stream: u64,
    /// Times it moved because another process announced it.
    pub by_announcement: u64,
    /// Times it moved, for this process only, because this process answered more values past the cache than it can remember.
    pub by_bypass: u64,
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

/// What the auditor has counted since the start. A cell that stays wrong counts anew each minute.
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

/// How far the warmer is, which fills an empty cache with the ids that are read most ([`crate::Builder::warm`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WarmingStats {
    /// Whether this process is at it now.
    pub running: bool,
    /// Ids that were looked at, this time or the last.
    pub done: u64,
    /// Ids that are to be looked at, this time or the last.
    pub of: u64,
    /// Ids that were not cached and were loaded, since the start.
    pub loaded: u64,
}
