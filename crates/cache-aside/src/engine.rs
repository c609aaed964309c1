//! `CacheAside`: a cache in front of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use crate::backend::Backend;
use crate::backend::memory::MemoryCache;
use crate::backend::redis::{MissingRight, RedisCache};
use crate::error::CacheError;
use crate::fill::FillResult;
use crate::l1::L1;
use crate::options::Options;
use crate::repair::RepairQueue;
use crate::single_flight::SingleFlight;
use crate::source::Source;
use crate::stats::AuditCounts;
use crate::url::CacheUrl;
use crate::validity::Validity;

/// A cache in front of a store.
///
/// Clones share everything. Hand each worker thread its own by [`CacheAside::per_worker`]: it makes a connection to
/// Redis of its own, driven on its own thread.
#[derive(Clone)]
pub struct CacheAside<S: Source> {
    pub(crate) backend: Backend,
    pub(crate) shared: Arc<Shared<S>>,
}

pub(crate) struct Shared<S: Source> {
    pub(crate) source: S,
    pub(crate) options: Options,
    pub(crate) flights: SingleFlight<FillResult<S::Error>>,
    pub(crate) store_turns: Semaphore,
    pub(crate) store_reads: AtomicU64,
    pub(crate) repair: RepairQueue,
    pub(crate) validity: Arc<Validity>,
    pub(crate) l1: Option<Arc<L1>>,
    pub(crate) audit: AuditCounts,
}

/// Whether the cache is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The cache answers.
    Up,
    /// The cache answers reads, and refuses writes: see [`CacheAside::write_refusal`].
    ReadOnly,
    /// The cache does not answer: reads go to the store.
    Down,
    /// The cache is switched off.
    Off,
}

impl<S: Source> CacheAside<S> {
    /// Connects nothing yet: a cache that is not there is no reason not to start.
    ///
    /// # Errors
    /// [`CacheError::Redis`] if the URL is none that the Redis client takes.
    pub fn new(url: &CacheUrl, source: S, options: Options) -> Result<Self, CacheError> {
        let validity = Arc::new(Validity::new());
        let backend = match url {
            CacheUrl::Redis(url) => {
                let redis = RedisCache::new(url, &options, Arc::clone(&validity));
                Backend::Redis(redis.map_err(|error| CacheError::Redis(Arc::new(error)))?)
            }
            CacheUrl::Memory => Backend::Memory(MemoryCache::new(&options, Arc::clone(&validity))),
            CacheUrl::Off => Backend::Off,
        };
        // In front of a cache in this process another one gains nothing.
        let l1 = matches!(backend, Backend::Redis(_)) && !options.l1_ttl.is_zero();
        let l1 = l1.then(|| Arc::new(L1::new(options.l1_ttl, options.l1_max_bytes, Arc::clone(&validity))));
        let shared = Shared {
            source,
            flights: SingleFlight::new(),
            store_turns: Semaphore::new(options.store_concurrency),
            store_reads: AtomicU64::new(0),
            repair: RepairQueue::new(backend.clone(), options.repair_max, options.breaker_pause),
            options,
            validity,
            l1,
            audit: AuditCounts::default(),
        };
        Ok(Self { backend, shared: Arc::new(shared) })
    }

    /// A handle for one worker thread, to be made and used on that thread.
    #[must_use]
    pub fn per_worker(&self) -> Self {
        Self { backend: self.backend.per_worker(), shared: Arc::clone(&self.shared) }
    }

    /// Asks the cache whether it is there. If it is not, reads leave it alone until it answers again.
    pub async fn health(&self) -> Health {
        match &self.backend {
            Backend::Off => Health::Off,
            Backend::Memory(_) => Health::Up,
            Backend::Redis(redis) => match redis.ping().await {
                Ok(()) if redis.write_refusal().is_some() => Health::ReadOnly,
                Ok(()) => Health::Up,
                Err(_) => Health::Down,
            },
        }
    }

    /// Why the cache refuses writes although it answers reads (its memory is full, a right is missing), in its own words.
    pub fn write_refusal(&self) -> Option<String> {
        match &self.backend {
            Backend::Redis(redis) => redis.write_refusal(),
            Backend::Memory(_) | Backend::Off => None,
        }
    }

    /// What the user of the cache is not allowed to do although it is needed: a line each, with the rule that allows it. Tried
    /// out with the real user.
    ///
    /// # Errors
    /// The cache does not answer.
    pub async fn missing_rights(&self) -> Result<Vec<String>, CacheError> {
        let Backend::Redis(redis) = &self.backend else { return Ok(Vec::new()) };
        let missing = redis.missing_rights().await?;
        let line = |MissingRight { what, rule }| format!("the Redis user may not use {what}: add {rule} to its ACL");
        Ok(missing.into_iter().map(line).collect())
    }

    /// Waits until every invalidation that was deferred is delivered to the cache; how many are left when the patience ends.
    pub async fn deliver_deferred(&self, patience: std::time::Duration) -> usize {
        self.shared.repair.drain(patience).await
    }

    /// The store.
    pub fn source(&self) -> &S {
        &self.shared.source
    }

    /// How many times the store was read, over all handles.
    pub fn store_reads(&self) -> u64 {
        self.shared.store_reads.load(Ordering::Relaxed)
    }

    /// How many ids wait for a publish that could not be made in time.
    pub fn repairs_pending(&self) -> usize {
        self.shared.repair.pending()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }
}
