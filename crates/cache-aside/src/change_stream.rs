//! The change stream: what others wrote to the store past this engine reaches the cache within moments.
//!
//! One process leads, elected through Redis: it watches the store, tells the cache, and says by heartbeats how far it is
//! behind. Two that lead at one time do no harm: invalidations may come twice.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cache::{Cache, Token};
use crate::engine::CacheAside;
use crate::error::CacheError;
use crate::freshness::now_ms;
use crate::offer::Began;
use crate::repair::Owed;
use crate::source::{Loaded, Source};
use crate::telling::Telling;

/// What happened in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A value was written at this version, above every one that its id had.
    Written {
        /// Of the value.
        id: String,
        /// Of the value, or a later one.
        version: u64,
    },
    /// The value was removed.
    Deleted {
        /// Of the value.
        id: String,
    },
    /// Something happened to the id, and no version tells of it.
    Touched {
        /// Of what was written or deleted.
        id: String,
    },
    /// Anything may have happened to any id.
    Unknown,
}

/// The changes of a store, from one moment on.
pub trait ChangeStream: Send + 'static {
    /// Why it ended.
    type Error: std::fmt::Display + Send;

    /// Whether it goes on where an earlier one with the same name was last saved. If not, changes were missed.
    fn is_complete(&self) -> bool;

    /// The next change; `None` if within a heartbeat or so there was none, and none is outstanding.
    fn next(&mut self) -> impl Future<Output = Result<Option<Change>, Self::Error>> + Send;

    /// How long ago the change that was given out last happened, as far as the stream can tell.
    fn lag(&self) -> Duration;

    /// Remembers that every change until now has been dealt with.
    fn save(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A store whose changes can be watched.
pub trait ChangeSource: Clone + Send + Sync + 'static {
    /// The changes.
    type Stream: ChangeStream<Error = Self::Error>;
    /// Why they cannot be watched.
    type Error: std::fmt::Display + Send;

    /// Opens the stream: of this name, so that it goes on where the last one of it was saved, or of none.
    fn open(&self, name: Option<&str>) -> impl Future<Output = Result<Self::Stream, Self::Error>> + Send;
}

/// Tasks that run until this is dropped.
#[derive(Debug, Default)]
#[must_use = "dropped, its tasks end"]
pub struct Background(Vec<JoinHandle<()>>);

impl Background {
    pub(crate) fn of(task: JoinHandle<()>) -> Self {
        Self(vec![task])
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Before the lead is tried again, and before a stream that ended is opened again.
const RETRY: Duration = Duration::from_millis(200);
/// How often the place in the stream is saved while changes come, and while none do.
const SAVE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// How far the clocks of two nodes may be apart without a cell of before a moment counting as one of after it.
const CLOCKS_APART: Duration = Duration::from_millis(100);

impl<S: Source> CacheAside<S> {
    /// Hears what other processes announce: invalidations for L1, and heartbeats.
    pub fn listen(&self) -> Background {
        match &self.cache {
            Cache::Redis(redis) => Background::of(tokio::spawn(redis.subscription(self.shared.l1.clone()).run())),
            Cache::Memory(_) | Cache::Off => Background::default(),
        }
    }

    /// Follows the store's changes, whenever this process has the lead. From now on heartbeats are expected: without them
    /// no value is answered for longer than [`crate::Options::unvouched_fresh`].
    pub fn follow(&self, changes: impl ChangeSource) -> Background {
        if let Cache::Off = self.cache {
            return Background::default();
        }
        self.shared.trust.expect_heartbeats();
        Background::of(tokio::spawn(self.per_worker().lead_when_possible(changes)))
    }

    /// Waits until cells are believed for their full time: after the start, until the change stream is known to be
    /// followed. `false` if it is not by then.
    pub async fn vouched(&self, patience: Duration) -> bool {
        let trust = &self.shared.trust;
        let vouched = async {
            while !(trust.is_vouched(now_ms()) && trust.believes(now_ms())) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(patience, vouched).await.is_ok()
    }

    async fn lead_when_possible(self, changes: impl ChangeSource) {
        let (token, mut complained) = (Token::random(), false);
        loop {
            if let Ok(true) = self.cache.lead(token).await {
                let ended = self.watch_and_beat(&changes, token).await;
                let _ = self.cache.release_lead(token).await;
                match ended {
                    Ended::Store(reason) if !complained => {
                        complained = true;
                        tracing::warn!(reason, "the change stream ended; it is tried again");
                    }
                    Ended::Store(reason) => tracing::debug!(reason, "the change stream ended again"),
                    Ended::Lead => complained = false,
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Until the lead is lost, or the store or the cache fails.
    async fn watch_and_beat(&self, changes: &impl ChangeSource, token: Token) -> Ended {
        let (mut telling, caught_up_ms) = (Telling::new(self.cache.clone()), AtomicU64::new(0));
        let ended = tokio::select! {
            ended = self.watch(changes, &mut telling, &caught_up_ms) => match ended {
                Ok(never) => match never {},
                Err(ended) => ended,
            },
            () = self.beat(token, &caught_up_ms) => Ended::Lead,
        };
        for id in telling.untold() {
            self.repair_later(&id, Owed::Forget);
        }
        ended
    }

    async fn watch(
        &self,
        changes: &impl ChangeSource,
        telling: &mut Telling,
        caught_up_ms: &AtomicU64,
    ) -> Result<Infallible, Ended> {
        // What every process caches for itself, each has to follow for itself, from its own start on.
        let name = matches!(self.cache, Cache::Redis(_)).then_some(self.options().prefix.as_str());
        let mut stream = changes.open(name).await.map_err(Ended::store)?;
        if !stream.is_complete() {
            tracing::info!("the change stream begins anew: what the cache held until now is not believed any more");
            self.distrust_all().await?;
            stream.save().await.map_err(Ended::store)?;
        }
        tracing::info!("this process follows the store's changes");
        let (mut saved_at, mut unsaved) = (Instant::now(), false);
        loop {
            telling.repeat().await?;
            match stream.next().await.map_err(Ended::store)? {
                Some(change) => {
                    unsaved = true;
                    self.apply(change, telling).await?;
                    // Where there is always a next change, this alone says that the stream keeps up.
                    let at_ms = now_ms().saturating_sub(stream.lag().as_millis() as u64);
                    caught_up_ms.fetch_max(at_ms, Ordering::AcqRel);
                }
                None => {
                    telling.finish().await?;
                    caught_up_ms.store(now_ms(), Ordering::Release);
                }
            }
            let due = if unsaved { SAVE.0 } else { SAVE.1 };
            if saved_at.elapsed() >= due {
                telling.finish().await?;
                stream.save().await.map_err(Ended::store)?;
                (saved_at, unsaved) = (Instant::now(), false);
            }
        }
    }

    async fn apply(&self, change: Change, telling: &mut Telling) -> Result<(), Ended> {
        match change {
            Change::Written { id, version } => Ok(telling.floor(id, version).await?),
            Change::Deleted { id } => {
                // Its version is not known.
                let absence = self.put_of(&Loaded::Absent, &Began::now());
                Ok(telling.absence(id, absence).await?)
            }
            Change::Touched { id } => Ok(telling.forget(id).await?),
            Change::Unknown => {
                telling.finish().await?;
                tracing::info!("anything may have changed in the store: what the cache held is not believed any more");
                self.distrust_all().await
            }
        }
    }

    /// A fill that is as old as its read of the store began before now, whatever the clock of its node says.
    async fn distrust_all(&self) -> Result<(), Ended> {
        // Within one process there is one clock, and a fill of this very millisecond may have read what was before.
        let apart = if let Cache::Memory(_) = self.cache { Duration::from_millis(1) } else { CLOCKS_APART };
        let at_ms = now_ms() + apart.as_millis() as u64;
        self.cache.distrust_before(at_ms).await.map_err(Ended::from)
    }

    /// Keeps the lead and says how far behind the stream is; returns when the lead is lost.
    async fn beat(&self, token: Token, caught_up_ms: &AtomicU64) {
        let mut beat = tokio::time::interval(self.options().heartbeat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if !matches!(self.cache.lead(token).await, Ok(true)) {
                return;
            }
            let lag_ms = now_ms().saturating_sub(caught_up_ms.load(Ordering::Acquire));
            let _ = self.cache.beat(Duration::from_millis(lag_ms)).await;
        }
    }
}

/// Why this process does not follow the changes any more.
enum Ended {
    /// The lead or the cache was lost.
    Lead,
    /// The store failed.
    Store(String),
}

impl Ended {
    fn store(error: impl std::fmt::Display) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<CacheError> for Ended {
    fn from(_: CacheError) -> Self {
        Self::Lead
    }
}
