//! The change stream: what others wrote to the store past this engine reaches the cache within moments.
//!
//! One process leads, elected through Redis: it watches the store, invalidates cells, and says by heartbeats how far it is
//! behind. Two that lead at one time do no harm: invalidations may come twice.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Backend;
use crate::clock::{now_ms, time_of_day};
use crate::engine::CacheAside;
use crate::error::CacheError;
use crate::invalidator::Invalidator;
use crate::put::{LoadStart, Put, Token};
use crate::repair::PendingInvalidation;
use crate::source::{Loaded, Source};

/// What happened in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A value was written at this version, above every one that its id had.
    Written {
        /// Id of the value.
        id: String,
        /// Version of the value, or a later one of the same id.
        version: u64,
    },
    /// The value was removed.
    Deleted {
        /// Id of the value.
        id: String,
    },
    /// Something happened to the id, and no version tells of it.
    Touched {
        /// Id of what was written or deleted.
        id: String,
    },
    /// Anything may have happened to any id.
    Unknown,
}

/// The changes of a store, from one moment on.
pub trait ChangeStream: Send + 'static {
    /// Why the stream ended.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Whether the stream goes on where an earlier one with the same name was last saved. If not, changes were missed.
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
    /// The stream of changes.
    type Stream: ChangeStream<Error = Self::Error>;
    /// Why changes cannot be watched.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Opens the stream: of this name, so that it goes on where the last one of it was saved, or of none.
    fn open(&self, name: Option<&str>) -> impl Future<Output = Result<Self::Stream, Self::Error>> + Send;
}

/// Before the lead is tried again, and before a stream that ended is opened again.
const RETRY: Duration = Duration::from_millis(200);
/// How often the place in the stream is saved while changes come, and while none do.
const SAVE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

impl<S: Source> CacheAside<S> {
    /// Follows the store's changes, whenever this process has the lead.
    pub(crate) async fn lead_when_possible(self, changes: impl ChangeSource) {
        let (token, mut warned) = (Token::random(), false);
        loop {
            if let Ok(true) = self.backend.lead(token).await {
                self.shared.leading.store(true, Ordering::Relaxed);
                let ended = self.watch_and_send_heartbeats(&changes, token).await;
                self.shared.leading.store(false, Ordering::Relaxed);
                let _ = self.backend.release_lead(token).await;
                match ended {
                    Ended::Store(reason) if !warned => {
                        warned = true;
                        tracing::warn!(
                            reason,
                            "the change stream ended: it is opened again every {RETRY:?}, and without it values are fresh \
                             for a shorter time"
                        );
                    }
                    Ended::Store(reason) => {
                        tracing::debug!(reason, "the change stream ended again: it is opened again")
                    }
                    Ended::Lead => warned = false,
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Until the lead is lost, or the store or the cache fails.
    async fn watch_and_send_heartbeats(&self, changes: &impl ChangeSource, token: Token) -> Ended {
        let (mut invalidator, caught_up_ms) = (Invalidator::new(self.backend.clone()), AtomicU64::new(0));
        let ended = tokio::select! {
            ended = self.watch(changes, &mut invalidator, &caught_up_ms) => match ended {
                Ok(never) => match never {},
                Err(ended) => ended,
            },
            () = self.send_heartbeats(token, &caught_up_ms) => Ended::Lead,
        };
        for id in invalidator.remaining() {
            self.shared.repair.add(&id, PendingInvalidation::Remove);
        }
        ended
    }

    async fn watch(
        &self,
        changes: &impl ChangeSource,
        invalidator: &mut Invalidator,
        caught_up_ms: &AtomicU64,
    ) -> Result<Infallible, Ended> {
        // What every process caches for itself, each has to follow for itself, from its own start on.
        let name = matches!(self.backend, Backend::Redis(_)).then_some(self.shared.prefix.as_str());
        let mut stream = changes.open(name).await.map_err(Ended::store)?;
        if !stream.is_complete() {
            self.invalidate_all("the change stream began anew").await?;
            stream.save().await.map_err(Ended::store)?;
        }
        tracing::info!("this process follows the change stream and invalidates what others write");
        let (mut saved_at, mut unsaved) = (Instant::now(), false);
        loop {
            invalidator.repeat_due().await?;
            match stream.next().await.map_err(Ended::store)? {
                Some(change) => {
                    unsaved = true;
                    self.apply(change, invalidator).await?;
                    // Where there is always a next change, this alone says that the stream keeps up.
                    let at_ms = now_ms().saturating_sub(stream.lag().as_millis() as u64);
                    caught_up_ms.fetch_max(at_ms, Ordering::AcqRel);
                }
                None => {
                    invalidator.finish().await?;
                    caught_up_ms.store(now_ms(), Ordering::Release);
                }
            }
            let due = if unsaved { SAVE.0 } else { SAVE.1 };
            if saved_at.elapsed() >= due {
                invalidator.finish().await?;
                stream.save().await.map_err(Ended::store)?;
                (saved_at, unsaved) = (Instant::now(), false);
            }
        }
    }

    async fn apply(&self, change: Change, invalidator: &mut Invalidator) -> Result<(), Ended> {
        match change {
            Change::Written { id, version } => Ok(invalidator.raise_floor(id, version).await?),
            Change::Deleted { id } => {
                // Its version is not known.
                let absence = Put::of(&Loaded::Absent, LoadStart::now(), self.options(), &self.shared.clock);
                Ok(invalidator.put_absence(id, absence).await?)
            }
            Change::Touched { id } => Ok(invalidator.remove(id).await?),
            Change::Unknown => {
                invalidator.finish().await?;
                self.invalidate_all("anything may have changed in the store").await
            }
        }
    }

    /// Invalidates every cell whose load began before now.
    async fn invalidate_all(&self, why: &str) -> Result<(), Ended> {
        let at_ms = self.backend.invalidate_all().await?;
        tracing::info!("{why}: cells filled before {} are no longer served", time_of_day(at_ms));
        Ok(())
    }

    /// Keeps the lead and says how far the stream is behind; returns when the lead is lost.
    async fn send_heartbeats(&self, token: Token, caught_up_ms: &AtomicU64) {
        let mut ticks = tokio::time::interval(self.options().heartbeat);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !matches!(self.backend.lead(token).await, Ok(true)) {
                return;
            }
            let lag_ms = now_ms().saturating_sub(caught_up_ms.load(Ordering::Acquire));
            let _ = self.backend.send_heartbeat(Duration::from_millis(lag_ms)).await;
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
    fn store(error: impl std::error::Error) -> Self {
        let (mut text, mut cause) = (error.to_string(), error.source());
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self::Store(text)
    }
}

impl From<CacheError> for Ended {
    fn from(_: CacheError) -> Self {
        Self::Lead
    }
}
