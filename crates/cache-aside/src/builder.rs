//! `Builder`: the composition root. What does not go together is an error here, before anything is served.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::access_files::AccessFiles;
use crate::audit::AuditCounts;
use crate::backend::Backend;
use crate::backend::memory::MemoryCache;
use crate::backend::redis::{ClusterCache, Endpoint, Nodes, RedisCache};
use crate::background::Background;
use crate::breaker::{Breaker, Guarded};
use crate::change_stream::ChangeSource;
use crate::counters::{Counters, Registry};
use crate::engine::{CacheAside, Shared};
use crate::error::StartError;
use crate::identity::Identity;
use crate::l1::L1;
use crate::load_queue::LoadQueue;
use crate::options::Options;
use crate::repair::RepairQueue;
use crate::single_flight::SingleFlight;
use crate::source::Source;
use crate::url::{CacheUrl, CacheUrlError};
use crate::validity::Validity;
use crate::warmer::Warmer;
use crate::warming::{HotIdStore, NotKept, Progress, Warming};

type Begin<S> = Box<dyn FnOnce(CacheAside<S>) -> JoinHandle<()> + Send>;

/// Makes a [`CacheAside`]: see [`CacheAside::builder`].
#[must_use = "nothing is made until it is started"]
pub struct Builder<S: Source> {
    url: Result<CacheUrl, CacheUrlError>,
    source: S,
    prefix: Option<String>,
    options: Options,
    l1: Option<Duration>,
    follow: Option<Begin<S>>,
    audit: Option<u32>,
    warm: Option<(Warming, Begin<S>)>,
    files: AccessFiles,
}

impl<S: Source> CacheAside<S> {
    /// Begins a cache at `url` in front of `source`: `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, `rediss://…` (TLS),
    /// `redis+sentinel://HOST[:PORT],…/NAME[?db=DB]` (the primary that sentinels name), `redis+cluster://HOST[:PORT],…` (some servers
    /// of a Redis Cluster), `rediss+sentinel://…` and `rediss+cluster://…` (TLS to every server), `memory:` (in this process) or `none:`
    /// (every read goes to the store).
    ///
    /// ```
    /// # use cache_aside::{CacheAside, Loaded, Source};
    /// # #[derive(Clone)]
    /// # struct Books;
    /// # impl Source for Books {
    /// #     type Error = std::convert::Infallible;
    /// #     async fn load(&self, _: &str) -> Result<Loaded, Self::Error> { Ok(Loaded::Absent) }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_aside::StartError> {
    /// let books = CacheAside::builder("memory:", Books).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder<U>(url: U, source: S) -> Builder<S>
    where
        U: TryInto<CacheUrl>,
        U::Error: Into<CacheUrlError>,
    {
        let url = url.try_into().map_err(Into::into);
        Builder {
            url,
            source,
            prefix: None,
            options: Options::default(),
            l1: None,
            follow: None,
            audit: None,
            warm: None,
            files: AccessFiles::default(),
        }
    }
}

impl<S: Source> Builder<S> {
    /// First part of every key in Redis. Caches that share a Redis need different ones; processes that share a cache need
    /// the same one.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Durations and limits.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Answers a value from this process, without asking Redis, for so long. Only over Redis; a second or less is sensible.
    pub fn l1(mut self, ttl: Duration) -> Self {
        self.l1 = Some(ttl);
        self
    }

    /// Follows what others write to the store, whenever this process has the lead.
    pub fn follow(self) -> Self
    where
        S: ChangeSource,
    {
        let changes = self.source.clone();
        self.follow_changes(changes)
    }

    /// As [`Builder::follow`], where the changes come from something else than the source.
    pub fn follow_changes(mut self, changes: impl ChangeSource) -> Self {
        self.follow = Some(Box::new(move |engine| tokio::spawn(engine.lead_when_possible(changes))));
        self
    }

    /// Compares so many cells a second with the store; [`CacheAside::stats`] counts those that stay wrong.
    pub fn audit(mut self, per_second: u32) -> Self {
        self.audit = Some(per_second);
        self
    }

    /// Loads the ids that are read most, whenever the cache is empty: Redis was replaced, restarted or flushed. Which ids those are
    /// this process finds in a sample of its reads. Of processes that share a cache one at a time does it.
    pub fn warm(self, warming: Warming) -> Self {
        self.warm_from(warming, NotKept)
    }

    /// As [`Builder::warm`], with the ids kept where a process that starts finds them.
    pub fn warm_from(mut self, warming: Warming, kept: impl HotIdStore) -> Self {
        let begin = move |engine| tokio::spawn(Warmer::new(engine, warming, kept).run());
        self.warm = Some((warming, Box::new(begin)));
        self
    }

    /// Certificates and passwords by which Redis is reached, in files that are read anew for each connection.
    pub fn access_files(mut self, files: AccessFiles) -> Self {
        self.files = files;
        self
    }

    /// Checks everything, and starts. A cache that is not there is no reason not to start. Must be
    /// called inside a Tokio runtime, which lives as long as the cache is used.
    ///
    /// # Errors
    /// What does not fit, and what to do: see [`StartError`].
    pub async fn start(mut self) -> Result<CacheAside<S>, StartError> {
        let url = self.url?;
        self.options.check()?;
        self.options = self.options.for_changes(self.follow.is_some())?;
        let prefix = prefix(&url, self.prefix)?;
        let warming = self.warm.as_ref().map(|(warming, _)| *warming);
        fits(&url, self.l1, self.follow.is_some(), self.audit)?;
        warming_fits(&url, warming)?;
        self.files.check(&url)?;
        self.files.read().await?;

        let validity = Arc::new(Validity::new());
        let mut tasks = Vec::new();
        let backend = match &url {
            CacheUrl::Redis(url) => {
                let validity = Arc::clone(&validity);
                let endpoint = Endpoint::new(url, &self.files, self.options.connect_timeout);
                Backend::Redis(RedisCache::new(endpoint, &prefix, &self.options, validity, Identity::of(&self.source)))
            }
            CacheUrl::Cluster(url) => {
                let validity = Arc::clone(&validity);
                let nodes = Nodes::new(url, &self.files, &prefix, &self.options, &validity);
                let cluster = ClusterCache::new(nodes, &prefix, &self.options, validity, Identity::of(&self.source));
                // It has to be known who serves what before anything can be asked.
                tasks.push(tokio::spawn(cluster.members().run()));
                Backend::Cluster(cluster)
            }
            CacheUrl::Memory => Backend::Memory(MemoryCache::new(&self.options, Arc::clone(&validity))),
            CacheUrl::Off => Backend::Off,
        };
        let mut background = Background::of(tasks);
        claim(&backend, &prefix).await?;
        let l1 = self.l1.map(|ttl| Arc::new(L1::new(ttl, self.options.l1_max_bytes, Arc::clone(&validity))));
        let repair = RepairQueue::new(backend.per_worker(), self.options.repair_max, self.options.breaker_pause);
        let events = Arc::clone(validity.events());
        let Options { breaker_failures, breaker_pause, .. } = self.options;
        let store_breaker = Breaker::new(Guarded::Store, breaker_failures, breaker_pause, events);
        let store_turns = Arc::new(Semaphore::new(self.options.store_concurrency));
        let load_queue = LoadQueue::new(self.source.max_batch(), Arc::clone(&store_turns), self.options.store_queue);
        let shared = Shared {
            source: self.source,
            prefix,
            flights: SingleFlight::new(),
            store_turns,
            load_queue: load_queue.map(Arc::new),
            store_breaker,
            repair: repair.clone(),
            options: self.options,
            validity: Arc::clone(&validity),
            l1: l1.clone(),
            audit: AuditCounts::default(),
            warming: Progress::default(),
            leading: AtomicBool::new(false),
        };
        let counters = Counters::new(Arc::new(Registry::new(warming.map_or(0, |warming| warming.ids))));
        let mut engine = CacheAside { backend, counters, shared: Arc::new(shared), background: Arc::default() };

        background.add(tokio::spawn(repair.run()));
        match &engine.backend {
            Backend::Redis(redis) => {
                background.add(tokio::spawn(redis.subscription(l1).run()));
                background.add(tokio::spawn(redis.synchronization().run()));
                background.add(tokio::spawn(redis.failovers().run()));
            }
            Backend::Cluster(cluster) => background.add(tokio::spawn(cluster.subscription(l1).run())),
            Backend::Memory(_) | Backend::Off => {}
        }
        if let Some(follow) = self.follow {
            validity.expect_heartbeats();
            background.add(follow(engine.detached()));
        }
        if let Some(per_second) = self.audit {
            background.add(tokio::spawn(engine.detached().audit_all(per_second)));
        }
        if let Some((_, begin)) = self.warm {
            background.add(begin(engine.detached()));
        }
        engine.background = Arc::new(background);
        Ok(engine)
    }
}

/// Notices a store in the place of another one. Where Redis does not answer there is nothing to compare with.
async fn claim(backend: &Backend, prefix: &str) -> Result<(), StartError> {
    let claimed = match backend {
        Backend::Redis(redis) => redis.claim().await,
        Backend::Cluster(cluster) => cluster.claim().await,
        Backend::Memory(_) | Backend::Off => return Ok(()),
    };
    match claimed {
        Ok(Some(store)) => Err(StartError::OtherStore { prefix: prefix.to_owned(), store }),
        Ok(None) | Err(_) => Ok(()),
    }
}

fn prefix(url: &CacheUrl, prefix: Option<String>) -> Result<String, StartError> {
    match (url, prefix) {
        (_, Some(prefix)) if prefix.contains(['{', '}']) => {
            Err(StartError::Prefix("a prefix must not have { or } in it: they say which keys lie together in Redis"))
        }
        (CacheUrl::Redis(_) | CacheUrl::Cluster(_), None) => {
            Err(StartError::Prefix("a cache in Redis needs a prefix of its own: call .prefix(\"…\") on the builder"))
        }
        (CacheUrl::Redis(_) | CacheUrl::Cluster(_), Some(prefix)) if prefix.is_empty() => {
            Err(StartError::Prefix("the prefix of a cache in Redis must not be empty: call .prefix(\"…\")"))
        }
        (_, prefix) => Ok(prefix.unwrap_or_default()),
    }
}

fn fits(url: &CacheUrl, l1: Option<Duration>, follow: bool, audit: Option<u32>) -> Result<(), StartError> {
    match (url, l1, audit) {
        (_, Some(ttl), _) if ttl.is_zero() => {
            Err(StartError::Unsupported("the time of L1 must be above zero: leave .l1(…) out to switch it off"))
        }
        (CacheUrl::Memory | CacheUrl::Off, Some(_), _) => {
            Err(StartError::Unsupported("L1 is for a cache in Redis: leave .l1(…) out with memory: and none:"))
        }
        (_, _, Some(0)) => {
            Err(StartError::Unsupported("the auditor must compare at least one cell a second: leave .audit(…) out"))
        }
        (CacheUrl::Off, _, Some(_)) => {
            Err(StartError::Unsupported("without a cache there is nothing to audit: leave .audit(…) out with none:"))
        }
        (CacheUrl::Off, ..) if follow => Err(StartError::Unsupported(
            "without a cache there is nothing to invalidate: leave .follow() out with none:",
        )),
        _ => Ok(()),
    }
}

fn warming_fits(url: &CacheUrl, warming: Option<Warming>) -> Result<(), StartError> {
    match (url, warming) {
        (_, Some(Warming { ids: 0, .. } | Warming { rate: 0, .. })) => Err(StartError::Unsupported(
            "the warmer must load at least one id, and one a second: leave .warm(…) out to switch it off",
        )),
        (CacheUrl::Off, Some(_)) => {
            Err(StartError::Unsupported("without a cache there is nothing to warm: leave .warm(…) out with none:"))
        }
        _ => Ok(()),
    }
}
