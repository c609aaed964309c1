//! `CacheAside`: a cache in front of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::audit::AuditCounts;
use crate::backend::Backend;
use crate::backend::redis::MissingRight;
use crate::background::Background;
use crate::breaker::Breaker;
use crate::clock::now_ms;
use crate::connect_error::ConnectError;
use crate::counters::Counters;
use crate::events::{Event, EventKind};
use crate::fill::FillResult;
use crate::freshness::fresh_now;
use crate::l1::L1;
use crate::load::Load;
use crate::load_queue::LoadQueue;
use crate::options::Options;
use crate::read_rates::HotId;
use crate::repair::RepairQueue;
use crate::single_flight::SingleFlight;
use crate::source::Source;
use crate::stats::{BreakerState, ChangeStreamStats, Stats, ValidityStats};
use crate::validity::Validity;
use crate::warming::Progress;

/// A cache in front of a store, made by [`CacheAside::builder`].
///
/// Clones share everything. When the last one is dropped, the tasks behind it stop.
///
/// On a work-stealing runtime (`#[tokio::main]`, axum) clones are all you need: their commands share one pipelined
/// connection to Redis. Where each thread has a runtime of its own (actix-web), hand each thread its own handle by
/// [`CacheAside::per_worker`].
pub struct CacheAside<S: Source> {
    pub(crate) backend: Backend,
    pub(crate) counters: Arc<Counters>,
    pub(crate) shared: Arc<Shared<S>>,
    /// Ends with the last handle. The tasks themselves hold handles without it: see [`CacheAside::detached`].
    pub(crate) background: Arc<Background>,
}

pub(crate) struct Shared<S: Source> {
    pub(crate) source: S,
    pub(crate) options: Options,
    pub(crate) prefix: String,
    pub(crate) flights: SingleFlight<FillResult<S::Error>>,
    pub(crate) store_turns: Arc<Semaphore>,
    /// Where loads wait to go together; `None` where each goes alone.
    pub(crate) load_queue: Option<Arc<LoadQueue<Load<S>>>>,
    pub(crate) store_breaker: Breaker,
    pub(crate) repair: RepairQueue,
    pub(crate) validity: Arc<Validity>,
    pub(crate) l1: Option<Arc<L1>>,
    pub(crate) audit: AuditCounts,
    pub(crate) warming: Progress,
    /// Whether this process follows the change stream for all.
    pub(crate) leading: AtomicBool,
}

/// Whether the cache is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// The cache answers.
    Up,
    /// The cache answers reads, and refuses writes: see [`CacheAside::write_refusal`].
    ReadOnly,
    /// Some servers of a cluster do not answer: reads of what they hold go to the store.
    Partial,
    /// The cache does not answer: reads go to the store.
    Down,
    /// The cache is switched off.
    Off,
}

impl<S: Source> Clone for CacheAside<S> {
    fn clone(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            counters: Arc::clone(&self.counters),
            shared: Arc::clone(&self.shared),
            background: Arc::clone(&self.background),
        }
    }
}

impl<S: Source> std::fmt::Debug for CacheAside<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheAside").field("prefix", &self.shared.prefix).finish_non_exhaustive()
    }
}

impl<S: Source> CacheAside<S> {
    /// A handle for one thread that has a runtime of its own, to be made and used on that thread: with a connection to Redis
    /// that is driven there, and counters of its own. On a work-stealing runtime a clone does as well.
    #[must_use]
    pub fn per_worker(&self) -> Self {
        Self { backend: self.backend.per_worker(), counters: self.counters.another(), ..self.clone() }
    }

    /// A handle for a task that ends with the handles of others.
    pub(crate) fn detached(&self) -> Self {
        Self { background: Arc::default(), ..self.per_worker() }
    }

    /// Asks the cache whether it is there. If it is not, reads leave it alone until it answers again.
    pub async fn health(&self) -> Health {
        match &self.backend {
            Backend::Off => Health::Off,
            Backend::Memory(_) => Health::Up,
            Backend::Redis(redis) => redis.health().await,
            Backend::Cluster(cluster) => cluster.health().await,
        }
    }

    /// Why the cache refuses writes although it answers reads (its memory is full, a right is missing), in its own words.
    pub fn write_refusal(&self) -> Option<String> {
        match &self.backend {
            Backend::Redis(redis) => redis.write_refusal(),
            Backend::Cluster(cluster) => cluster.write_refusal(),
            Backend::Memory(_) | Backend::Off => None,
        }
    }

    /// Why there is no connection to Redis, once the attempt that is under way is over; `None` while there is one. Of the servers of
    /// a cluster, the first that cannot be reached.
    pub async fn connect_error(&self) -> Option<ConnectError> {
        match &self.backend {
            Backend::Redis(redis) => redis.connect_error().await,
            Backend::Cluster(cluster) => cluster.connect_error().await,
            Backend::Memory(_) | Backend::Off => None,
        }
    }

    /// What the user of the cache is not allowed to do although it is needed: a line each, with the rule that allows it. Tried
    /// out with the real user. `None` if the cache does not answer.
    pub async fn missing_rights(&self) -> Option<Vec<String>> {
        let missing = match &self.backend {
            Backend::Redis(redis) => redis.missing_rights().await.ok()?,
            Backend::Cluster(cluster) => cluster.missing_rights().await.ok()?,
            Backend::Memory(_) | Backend::Off => return Some(Vec::new()),
        };
        let line = |MissingRight { what, rule }| match rule {
            Some(rule) => format!("the Redis user may not use {what}: add {rule} to its ACL"),
            None => format!("this Redis does not have {what}, which is needed: it is disabled or renamed"),
        };
        Some(missing.into_iter().map(line).collect())
    }

    /// Waits until every invalidation that was deferred is delivered to the cache; how many are left when the patience ends.
    pub async fn deliver_deferred(&self, patience: Duration) -> usize {
        self.shared.repair.drain(patience).await
    }

    /// Waits until values are fresh for their full time: the change stream is known to be live, or none is followed. `false`
    /// if it is not by then.
    pub async fn wait_until_live(&self, patience: Duration) -> bool {
        let live = async {
            while !(self.shared.validity.is_live(now_ms()) && self.backend.are_fills_valid()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(patience, live).await.is_ok()
    }

    /// The store.
    pub fn source(&self) -> &S {
        &self.shared.source
    }

    /// State of the breaker in front of the store: while it is open, reads without a kept value and writes fail at once.
    pub fn store_breaker(&self) -> BreakerState {
        self.shared.store_breaker.state()
    }

    /// Everything that was counted since the start, over all handles, and how things are now.
    pub fn stats(&self) -> Stats {
        let (shared, mut stats) = (&*self.shared, self.counters.sum());
        let free = shared.store_turns.available_permits();
        stats.loads.running = shared.options.store_concurrency.saturating_sub(free) as u64;
        stats.store_breaker = self.store_breaker();
        stats.repair = shared.repair.stats();
        stats.validity = ValidityStats { valid_after_ms: self.backend.valid_after_ms(), ..shared.validity.stats() };
        stats.change_stream = ChangeStreamStats {
            expected: shared.validity.expects_heartbeats(),
            live: shared.validity.is_live(now_ms()),
            leading: shared.leading.load(Ordering::Relaxed),
            lag: shared.validity.lag(),
            ended: shared.validity.events().count(EventKind::ChangeStreamEnded),
        };
        (stats.breaker, stats.connections) = match &self.backend {
            Backend::Redis(redis) => (redis.breaker_state(), redis.connections()),
            Backend::Cluster(cluster) => (cluster.breaker_state(), cluster.connections()),
            Backend::Memory(_) | Backend::Off => (BreakerState::Closed, 0),
        };
        stats.l1 = shared.l1.as_ref().map(|l1| l1.stats()).unwrap_or_default();
        stats.audit = shared.audit.stats();
        stats.warming = shared.warming.stats();
        stats
    }

    /// The last things that happened to the whole cache, the oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.shared.validity.events().last()
    }

    /// So many of the ids that this process reads most at present, the hottest first, by a sample of its reads. `None` without
    /// [`crate::Builder::warm`], for which the sample is taken.
    pub fn hottest(&self, count: usize) -> Option<Vec<HotId>> {
        self.counters.are_sampled().then(|| self.counters.hot().rates.hottest(count))
    }

    /// How long a value is fresh that is loaded now.
    pub(crate) fn fresh(&self) -> Duration {
        fresh_now(self.options(), self.shared.validity.stream(now_ms()))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }
}
