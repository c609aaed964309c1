//! The change stream: what others wrote to the store past this engine reaches the cache within moments.
//!
//! One process leads, elected through Redis: it watches the store, invalidates cells, and says by heartbeats how far it is
//! behind. Two that lead at one time do no harm: invalidations may come twice.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::poll;
use tokio::time::{Instant, timeout};

use crate::backend::Backend;
use crate::clock::{now_ms, time_of_day};
use crate::engine::CacheAside;
use crate::error::{CacheError, with_causes};
use crate::events::EventKind;
use crate::invalidator::Invalidator;
use crate::lead::Lead;
use crate::pace::Pace;
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

/// Before the lead is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// Before whoever lost the stream tries to lead again: so long that another process does, which may reach the store.
const STEP_BACK: Duration = Duration::from_millis(600);
/// Opening the stream may take so many times as long as the next change.
const OPENING: u32 = 6;
/// How often the place in the stream is saved while changes come, and while none do.
const SAVE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

impl<S: Source> CacheAside<S> {
    /// Follows the store's changes, whenever this process has the lead.
    pub(crate) async fn lead_when_possible(self, changes: impl ChangeSource) {
        let (token, mut warned, mut silent) = (Token::random(), false, 0);
        loop {
            let mut pause = RETRY;
            if let Ok(true) = self.backend.lead(Lead::ChangeStream, token).await {
                self.shared.leading.store(true, Ordering::Relaxed);
                let events = self.shared.validity.events();
                events.note(EventKind::LeadTaken, "");
                // A store that looks through much of its log for the first change takes its time.
                let patience = self.options().max_lag * (1 << silent);
                let ended = self.watch_and_send_heartbeats(&changes, token, patience).await;
                self.shared.leading.store(false, Ordering::Relaxed);
                match &ended {
                    Ended::Lead => events.note(EventKind::LeadLost, ""),
                    Ended::Store(reason) | Ended::Silent(reason) => {
                        events.note(EventKind::ChangeStreamEnded, reason.as_str());
                    }
                }
                let _ = self.backend.release_lead(Lead::ChangeStream, token).await;
                silent = if let Ended::Silent(_) = ended { 6.min(silent + 1) } else { 0 };
                match ended {
                    Ended::Lead => warned = false,
                    Ended::Store(reason) | Ended::Silent(reason) if !warned => {
                        (warned, pause) = (true, STEP_BACK);
                        tracing::warn!(
                            reason,
                            "the change stream ended: this or another process opens it again, and without it values are \
                             fresh for a shorter time"
                        );
                    }
                    Ended::Store(reason) | Ended::Silent(reason) => {
                        pause = STEP_BACK;
                        tracing::debug!(reason, "the change stream ended again: it is opened again");
                    }
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Until the lead is lost, or the store or the cache fails.
    async fn watch_and_send_heartbeats(&self, changes: &impl ChangeSource, token: Token, patience: Duration) -> Ended {
        let mut invalidator = Invalidator::new(self.backend.clone(), self.shared.repair.clone());
        let caught_up_ms = AtomicU64::new(0);
        let ended = tokio::select! {
            ended = self.watch(changes, &mut invalidator, &caught_up_ms, patience) => match ended {
                Ok(never) => match never {},
                Err(ended) => ended,
            },
            ended = self.send_heartbeats(token, &caught_up_ms, patience) => ended,
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
        patience: Duration,
    ) -> Result<Infallible, Ended> {
        // What every process caches for itself, each has to follow for itself, from its own start on.
        let name =
            matches!(self.backend, Backend::Redis(_) | Backend::Cluster(_)).then_some(self.shared.prefix.as_str());
        let opened = timeout(patience * OPENING, changes.open(name)).await;
        let mut stream = opened.map_err(|_| Ended::silent(patience * OPENING))?.map_err(Ended::store)?;
        if !stream.is_complete() {
            self.invalidate_all("the change stream began anew").await?;
            stream.save().await.map_err(Ended::store)?;
        }
        tracing::info!("this process follows the change stream and invalidates what others write");
        let (mut saved_at, mut unsaved) = (Instant::now(), false);
        // The moment up to which changes were given out. The cache knows of them when they are finished.
        let mut given_ms = 0;
        loop {
            invalidator.repeat_due();
            let finish_now = invalidator.is_full();
            let next = async {
                let mut next = pin!(timeout(patience, stream.next()));
                // What is there already goes along.
                let ready = if finish_now { Poll::Pending } else { poll!(next.as_mut()) };
                if let Poll::Ready(next) = ready {
                    return Ok(next);
                }
                invalidator.finish().await?;
                caught_up_ms.fetch_max(given_ms, Ordering::AcqRel);
                Ok::<_, Ended>(next.await)
            };
            match next.await?.map_err(|_| Ended::silent(patience))?.map_err(Ended::store)? {
                Some(change) => {
                    unsaved = true;
                    self.apply(change, invalidator).await?;
                    // Where there is always a next change, this alone says that the stream keeps up.
                    given_ms = now_ms().saturating_sub(stream.lag().as_millis() as u64);
                }
                None => {
                    given_ms = now_ms();
                    invalidator.finish().await?;
                    caught_up_ms.store(given_ms, Ordering::Release);
                }
            }
            let due = if unsaved { SAVE.0 } else { SAVE.1 };
            if saved_at.elapsed() >= due && !self.is_some_server_behind() {
                invalidator.finish().await?;
                stream.save().await.map_err(Ended::store)?;
                (saved_at, unsaved) = (Instant::now(), false);
            }
        }
    }

    /// Whether some server of several has not been told everything: whoever leads next begins before that.
    fn is_some_server_behind(&self) -> bool {
        self.backend.is_divided() && (self.shared.repair.pending() > 0 || self.backend.owes())
    }

    async fn apply(&self, change: Change, invalidator: &mut Invalidator) -> Result<(), Ended> {
        match change {
            Change::Written { id, version } => invalidator.raise_floor(id, version),
            Change::Deleted { id } => {
                // Its version is not known.
                let absence = Put::of(&Loaded::Absent, LoadStart::now(), self.options());
                invalidator.put_absence(id, absence);
            }
            Change::Touched { id } => invalidator.remove(id),
            Change::Unknown => {
                invalidator.finish().await?;
                self.invalidate_all("anything may have changed in the store").await?;
            }
        }
        Ok(())
    }

    /// Invalidates every cell whose load began before now.
    async fn invalidate_all(&self, why: &str) -> Result<(), Ended> {
        let at_ms = self.backend.invalidate_all().await?;
        tracing::info!("{why}: cells filled before {} are no longer served", time_of_day(at_ms));
        Ok(())
    }

    /// Keeps the lead and says how far the stream is behind. Returns when the lead is lost, or to be given up: another process
    /// may reach the store faster.
    async fn send_heartbeats(&self, token: Token, caught_up_ms: &AtomicU64, patience: Duration) -> Ended {
        let mut ticks = tokio::time::interval(self.options().heartbeat);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pace = Pace::new(self.options().max_lag, patience);
        loop {
            ticks.tick().await;
            if !matches!(self.backend.lead(Lead::ChangeStream, token).await, Ok(true)) {
                return Ended::Lead;
            }
            let caught_up_ms = caught_up_ms.load(Ordering::Acquire);
            let lag = Duration::from_millis(now_ms().saturating_sub(caught_up_ms));
            let _ = self.backend.send_heartbeat(lag).await;
            // It is being opened.
            if caught_up_ms != 0 && !pace.keeps(lag, Instant::now()) {
                return Ended::Store(format!("it is {lag:?} behind and does not catch up"));
            }
        }
    }
}

/// Why this process does not follow the changes any more.
enum Ended {
    /// The lead or the cache was lost.
    Lead,
    /// The store failed.
    Store(String),
    /// The store said nothing for too long.
    Silent(String),
}

impl Ended {
    fn silent(patience: Duration) -> Self {
        Self::Silent(format!("it said nothing for {patience:?}"))
    }

    fn store(error: impl std::error::Error) -> Self {
        Self::Store(with_causes(&error))
    }
}

impl From<CacheError> for Ended {
    fn from(_: CacheError) -> Self {
        Self::Lead
    }
}
