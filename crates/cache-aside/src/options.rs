//! Durations and limits. Every duration in a cell gets ±10 % jitter, so that cells filled together do not end together.

use std::time::Duration;

use crate::error::StartError;

/// What a write does to the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WritePolicy {
    /// Takes the lease, commits, publishes the value, acknowledges: the first read after the write is a hit.
    #[default]
    Through,
    /// Commits, raises the floor, acknowledges: one round trip less, and the next read fills.
    Invalidate,
    /// Commits and acknowledges: cells are stale until something else tells the cache.
    None,
}

/// How the engine behaves. The defaults suit a store that answers within 2 s.
///
/// ```
/// use std::time::Duration;
/// let mut options = cache_aside::Options::default();
/// options.fresh = Duration::from_secs(300);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long a value is fresh, answered without asking the store, where no change stream is followed: nobody tells of what
    /// others write.
    pub fresh: Duration,
    /// How long a value is fresh while the change stream is live, which tells of every write. At least `fresh`.
    pub fresh_live: Duration,
    /// How long a value is fresh at most while the change stream should be live, and is silent or far behind: from its load on,
    /// or from the moment up to which the stream has told of everything, if that is later.
    pub fresh_without_stream: Duration,
    /// How long past its fresh time a value may still be answered while one refresh is under way (RFC 5861 §3).
    pub stale_while_revalidate: Duration,
    /// How long past its fresh time a value is kept, to be answered while the store fails (RFC 5861 §4).
    pub stale_if_error: Duration,
    /// How long absence is answered without asking the store.
    pub absent: Duration,
    /// How long a tombstone keeps the floor of its id.
    pub tombstone: Duration,
    /// How long the store may take to answer a load. A load over it counts as one that failed.
    pub load_timeout: Duration,
    /// How long a read waits for a load when the cache still has a valid value past its time: then it is answered with that
    /// value, as stale, and the load goes on behind the answer (FusionCache, "Factory soft timeout").
    pub load_soft_timeout: Duration,
    /// How long the right to fill lasts. Must be above `load_timeout`, or slow fills are lost; above the sum with
    /// `store_queue`, or those that waited for their turn are.
    pub lease: Duration,
    /// How long a read waits at most for a fill by another process, before it reads the store itself. `None`: as long as a lease
    /// lasts, so that the store is read once however slow it is.
    pub lease_wait: Option<Duration>,
    /// XFetch's beta (Vattani, Chierichetti, Lowenstein: "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015):
    /// above 1 refreshes earlier, 0 never before the end.
    pub early_refresh_beta: f64,
    /// Deadline of one round trip to Redis. A Redis that pauses for less costs its readers this wait, and the store no load; one
    /// that refuses connections or breaks them is known to be away at once.
    pub redis_timeout: Duration,
    /// Deadline of making a connection to Redis.
    pub connect_timeout: Duration,
    /// How long a write waits for the cache before it acknowledges and leaves the rest to the repair queue.
    pub publish_timeout: Duration,
    /// What a write does to the cache.
    pub write_policy: WritePolicy,
    /// Reads of the store at one time, over all workers.
    pub store_concurrency: usize,
    /// How long a read waits for its turn at the store. With `store_concurrency` turns and loads that take `t`, so many
    /// readers of different values get through: turns × (1 + queue ÷ t).
    pub store_queue: Duration,
    /// Failures in a row, of Redis or of the store, after which its breaker opens: it is left alone.
    pub breaker_failures: u32,
    /// How long a breaker stays open; then one request at a time tries again.
    pub breaker_pause: Duration,
    /// Bytes that the in-process cache may hold, keys and overhead estimated in.
    pub memory_max_bytes: u64,
    /// Ids that may wait for a publish that could not be made in time.
    pub repair_max: usize,
    /// Bytes that L1 may hold, keys and overhead estimated in.
    pub l1_max_bytes: u64,
    /// How often the leader of the change stream sends a heartbeat, and each process pings its subscription.
    pub heartbeat: Duration,
    /// After how long without a heartbeat the change stream counts as not live, and without an answer L1 is cleared.
    pub heartbeat_timeout: Duration,
    /// How far the change stream may be behind until it counts as not live.
    pub max_lag: Duration,
    /// How long the lead over the change stream lasts when it is not renewed.
    pub lead: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(60),
            fresh_live: Duration::from_secs(600),
            fresh_without_stream: Duration::from_secs(5),
            stale_while_revalidate: Duration::from_secs(10),
            stale_if_error: Duration::from_secs(300),
            absent: Duration::from_secs(5),
            tombstone: Duration::from_secs(60),
            load_timeout: Duration::from_secs(2),
            load_soft_timeout: Duration::from_millis(250),
            lease: Duration::from_millis(3_500),
            lease_wait: None,
            early_refresh_beta: 1.0,
            redis_timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(1),
            publish_timeout: Duration::from_millis(20),
            write_policy: WritePolicy::default(),
            store_concurrency: 64,
            store_queue: Duration::from_secs(1),
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(1),
            memory_max_bytes: 256 << 20,
            repair_max: 10_000,
            l1_max_bytes: 64 << 20,
            heartbeat: Duration::from_millis(250),
            heartbeat_timeout: Duration::from_secs(1),
            max_lag: Duration::from_secs(5),
            lead: Duration::from_millis(750),
        }
    }
}

impl Options {
    /// For a cache whose change stream is followed, or is not: then nothing vouches for a value for longer than `fresh`.
    pub(crate) fn for_changes(self, followed: bool) -> Result<Self, StartError> {
        match followed {
            true if self.fresh_live < self.fresh => Err(StartError::Options(format!(
                "Options::fresh_live ({:?}) must not be below Options::fresh ({:?}), or values were fresh for a shorter time \
                 while the change stream is live",
                self.fresh_live, self.fresh
            ))),
            true => Ok(self),
            false => Ok(Self { fresh_live: self.fresh, ..self }),
        }
    }

    /// Refuses what cannot work, and says what to do.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let above_zero = [
            ("fresh", self.fresh),
            ("fresh_live", self.fresh_live),
            ("absent", self.absent),
            ("tombstone", self.tombstone),
            ("load_timeout", self.load_timeout),
            ("lease", self.lease),
            ("redis_timeout", self.redis_timeout),
            ("connect_timeout", self.connect_timeout),
            ("publish_timeout", self.publish_timeout),
            ("heartbeat", self.heartbeat),
            ("heartbeat_timeout", self.heartbeat_timeout),
            ("lead", self.lead),
        ];
        if let Some((name, _)) = above_zero.iter().find(|(_, duration)| duration.as_millis() == 0) {
            return Err(StartError::Options(format!("Options::{name} must be at least a millisecond")));
        }
        let counts = [
            ("store_concurrency", self.store_concurrency as u64),
            ("breaker_failures", u64::from(self.breaker_failures)),
            ("memory_max_bytes", self.memory_max_bytes),
            ("repair_max", self.repair_max as u64),
            ("l1_max_bytes", self.l1_max_bytes),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(StartError::Options(format!("Options::{name} must be at least 1")));
        }
        let below = [
            ("load_timeout", self.load_timeout, "lease", self.lease, "or fills lose the right to store"),
            ("heartbeat", self.heartbeat, "heartbeat_timeout", self.heartbeat_timeout, "or no stream is ever live"),
            ("heartbeat", self.heartbeat, "lead", self.lead, "or the lead is lost between two heartbeats"),
        ];
        if let Some((name, value, other, bound, why)) = below.iter().find(|(_, value, _, bound, _)| value >= bound) {
            let text = format!("Options::{name} ({value:?}) must be below Options::{other} ({bound:?}), {why}");
            return Err(StartError::Options(text));
        }
        if !(self.early_refresh_beta.is_finite() && self.early_refresh_beta >= 0.0) {
            return Err(StartError::Options("Options::early_refresh_beta must be a number from 0 on".to_owned()));
        }
        if self.store_concurrency > tokio::sync::Semaphore::MAX_PERMITS {
            return Err(StartError::Options("Options::store_concurrency is above what can be counted".to_owned()));
        }
        Ok(())
    }
}

/// `duration` in milliseconds, up to 10 % more or less; `at` in 0..1 says where in between.
pub(crate) fn jittered_ms(duration: Duration, at: f64) -> u64 {
    (duration.as_millis() as f64 * (0.9 + 0.2 * at)) as u64
}
