//! A store in memory whose every read is counted and can be held or failed, and engines over it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cache_aside::{Answer, Builder, CacheAside, CacheUrl, Commit, Loaded, Options, Outcome, ReadOptions, Source};
use futures::FutureExt;
use test_servers::{RedisServer, fresh_name, shared_redis};
use tokio::sync::Semaphore;

/// Which cache a test runs over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over {
    Redis,
    Memory,
}

/// More loads than any test has at one time.
const GATE: u32 = 10_000;

#[derive(Clone)]
pub(crate) struct FakeStore(Arc<Inner>);

struct Inner {
    values: Mutex<HashMap<String, (u64, Bytes)>>,
    clock: AtomicU64,
    failing: AtomicBool,
    failing_id: Mutex<Option<String>>,
    /// A load that began needs a permit to end.
    gate: Semaphore,
    begun: AtomicU64,
    /// Sizes of the batches that were asked for.
    batches: Mutex<Vec<usize>>,
    /// Whether batches come back one answer short.
    short: AtomicBool,
    /// Most ids of a batch that the engine makes by itself.
    max_batch: AtomicUsize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreDown;

impl std::fmt::Display for StoreDown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the store is down")
    }
}

impl std::error::Error for StoreDown {}

impl Source for FakeStore {
    type Error = StoreDown;

    async fn load(&self, id: &str) -> Result<Loaded, StoreDown> {
        let this_one = self.0.failing_id.lock().unwrap().as_deref() == Some(id);
        if this_one || self.0.failing.load(Ordering::SeqCst) {
            return Err(StoreDown);
        }
        let found = self.0.values.lock().unwrap().get(id).cloned();
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let _pass = self.0.gate.acquire().await.unwrap();
        Ok(found.map_or(Loaded::Absent, |(version, body)| Loaded::Value { version, body }))
    }

    fn max_batch(&self) -> usize {
        self.0.max_batch.load(Ordering::SeqCst)
    }

    async fn load_many(&self, ids: &[&str]) -> Result<Vec<Result<Loaded, StoreDown>>, StoreDown> {
        self.0.batches.lock().unwrap().push(ids.len());
        let mut loaded = Vec::new();
        for id in ids {
            loaded.push(self.load(id).await);
        }
        if self.0.short.load(Ordering::SeqCst) {
            loaded.pop();
        }
        Ok(loaded)
    }
}

impl FakeStore {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            values: Mutex::default(),
            clock: AtomicU64::new(100),
            failing: AtomicBool::new(false),
            failing_id: Mutex::default(),
            gate: Semaphore::new(GATE as usize),
            begun: AtomicU64::new(0),
            batches: Mutex::default(),
            short: AtomicBool::new(false),
            max_batch: AtomicUsize::new(1),
        }))
    }

    /// A store in which many values are one query. Each of them waits for its own permit.
    pub(crate) fn with_batches(most: usize) -> Self {
        let store = Self::new();
        store.0.max_batch.store(most, Ordering::SeqCst);
        store
    }

    /// How many handles there are.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Writes past the cache.
    pub(crate) fn set(&self, id: &str, body: &str) -> u64 {
        let version = self.0.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.values.lock().unwrap().insert(id.to_owned(), (version, Bytes::copy_from_slice(body.as_bytes())));
        version
    }

    /// Writes past the cache, as a writer does that knows nothing of versions.
    pub(crate) fn set_at(&self, id: &str, body: &str, version: u64) {
        self.0.values.lock().unwrap().insert(id.to_owned(), (version, Bytes::copy_from_slice(body.as_bytes())));
    }

    /// Deletes past the cache; the version of the absence.
    pub(crate) fn remove(&self, id: &str) -> u64 {
        self.0.values.lock().unwrap().remove(id);
        self.0.clock.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// From now on, loads of this id fail.
    pub(crate) fn fail_one(&self, id: Option<&str>) {
        *self.0.failing_id.lock().unwrap() = id.map(str::to_owned);
    }

    /// Sizes of the batches that were asked for since the last time.
    pub(crate) fn batches(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.batches.lock().unwrap())
    }

    /// From now on, batches come back one answer short.
    pub(crate) fn shorten_batches(&self) {
        self.0.short.store(true, Ordering::SeqCst);
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    /// Holds every load between its read and its answer until the guard goes.
    pub(crate) async fn hold(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.0.gate.acquire_many(GATE).await.unwrap()
    }

    /// Waits until `count` loads have read since the start.
    pub(crate) async fn begun(&self, count: u64) {
        until("the loads have begun", || async { self.0.begun.load(Ordering::SeqCst) >= count }).await;
    }
}

/// What a test builds its engines with.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) prefix: String,
    pub(crate) options: Options,
    pub(crate) l1: Option<Duration>,
}

impl Setup {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }
}

/// Patient deadlines: the tests share two cores with their servers, and none of them is about being fast.
pub(crate) fn options() -> Setup {
    let mut options = Options::default();
    options.redis_timeout = Duration::from_secs(5);
    options.connect_timeout = Duration::from_secs(5);
    options.publish_timeout = Duration::from_secs(5);
    options.store_queue = Duration::from_secs(5);
    options.load_timeout = Duration::from_secs(60);
    options.load_soft_timeout = Duration::from_secs(60);
    options.lease = Duration::from_secs(70);
    options.breaker_pause = Duration::from_millis(50);
    Setup { prefix: fresh_name("cell"), options, l1: None }
}

pub(crate) fn redis_url(redis: &RedisServer) -> CacheUrl {
    redis.url().parse().unwrap()
}

pub(crate) fn url(over: Over) -> CacheUrl {
    match over {
        Over::Redis => redis_url(shared_redis()),
        Over::Memory => CacheUrl::Memory,
    }
}

pub(crate) fn engine(over: Over, store: &FakeStore, setup: Setup) -> CacheAside<FakeStore> {
    engine_at(&url(over), store, setup)
}

pub(crate) fn engine_at(url: &CacheUrl, store: &FakeStore, setup: Setup) -> CacheAside<FakeStore> {
    start(builder(url, store, setup))
}

pub(crate) fn builder(url: &CacheUrl, store: &FakeStore, setup: Setup) -> Builder<FakeStore> {
    let builder = CacheAside::builder(url, store.clone()).prefix(setup.prefix).options(setup.options);
    match setup.l1 {
        Some(ttl) => builder.l1(ttl),
        None => builder,
    }
}

/// It waits for nothing.
pub(crate) fn start(builder: Builder<FakeStore>) -> CacheAside<FakeStore> {
    builder.start().now_or_never().unwrap().unwrap()
}

pub(crate) fn loads(engine: &CacheAside<FakeStore>) -> u64 {
    engine.stats().loads.started
}

pub(crate) async fn get(engine: &CacheAside<FakeStore>, id: &str) -> Answer {
    engine.read(id, ReadOptions::default()).await.unwrap()
}

pub(crate) fn body(answer: &Answer) -> Option<&str> {
    answer.entry.as_ref().map(|entry| std::str::from_utf8(&entry.body).unwrap())
}

pub(crate) async fn outcome(engine: &CacheAside<FakeStore>, id: &str) -> Outcome {
    get(engine, id).await.outcome
}

/// A write through the engine.
pub(crate) async fn put(engine: &CacheAside<FakeStore>, id: &str, text: &'static str) -> cache_aside::Written<()> {
    let (store, name) = (engine.source().clone(), id.to_owned());
    let commit = async move {
        let version = store.set(&name, text);
        Commit::<_, StoreDown>::Value { version, body: Bytes::from_static(text.as_bytes()), result: () }
    };
    engine.write(id, commit).await.unwrap()
}

/// A delete through the engine.
pub(crate) async fn delete(engine: &CacheAside<FakeStore>, id: &str) {
    let (store, name) = (engine.source().clone(), id.to_owned());
    engine
        .write(id, async move { Commit::<_, StoreDown>::Absent { version: store.remove(&name), result: () } })
        .await
        .unwrap();
}

pub(crate) use test_servers::until;

/// One test for each cache.
macro_rules! over_each_cache {
    ($($name:ident)*) => {
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::Over::Redis).await })*
        }
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::Over::Memory).await })*
        }
    };
}
pub(crate) use over_each_cache;
