//! The write path: lease, commit, put, acknowledge.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::Backend;
use crate::cell::MAX_VERSION;
use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::error::{CacheError, WriteError};
use crate::failpoints::{self, Guard, Point};
use crate::options::WritePolicy;
use crate::put::{LoadStart, Put, Token};
use crate::repair::PendingInvalidation;
use crate::rules::PutResult;
use crate::source::{Loaded, Source};
use crate::trace::{self, Step};

/// What became of a write in the store. `T` is whatever the caller wants to know of it besides, `B` the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit<T, E, B = Bytes> {
    /// The store holds this value now.
    Value {
        /// Version of the value, above every version the id had.
        version: u64,
        /// Body of the value as it is answered.
        body: B,
        /// What the caller wants to know besides; it comes back in [`Written::result`].
        result: T,
    },
    /// The store holds nothing now.
    Absent {
        /// Version of the absence, above every version the id had.
        version: u64,
        /// What the caller wants to know besides; it comes back in [`Written::result`].
        result: T,
    },
    /// Nothing was written, and why.
    Nothing(E),
    /// Nothing was written, because the store is away or does not answer, and why. After some of these in a row the store is
    /// left alone for a moment ([`crate::Options::breaker_failures`]).
    Unavailable(E),
    /// Nobody knows whether it was written, and why. Counts as a failure of the store, too.
    Unknown(E),
}

/// Whether the cache knows of a write that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Published {
    /// It knows: no read that starts now answers an older value.
    Yes,
    /// It could not be reached in time. It will be told, and until then this process answers nothing that it holds of the id.
    Deferred,
    /// The write was not published ([`WritePolicy::None`], or no cache).
    No,
}

/// A write that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written<T> {
    /// Version of the value, or of its absence.
    pub version: u64,
    /// Body of the value as it is answered; `None` if the store holds nothing now.
    pub body: Option<Bytes>,
    /// Whether the cache knows of the write.
    pub published: Published,
    /// What the commit told besides.
    pub result: T,
}

impl<S: Source> CacheAside<S> {
    /// Runs `commit`, which writes to the store, and tells the cache.
    ///
    /// In a task of its own: a client that goes away must not stop a write between its commit and its publish.
    ///
    /// # Errors
    /// Those of the store ([`Commit::Nothing`], [`Commit::Unavailable`], [`Commit::Unknown`]), [`WriteError::BreakerOpen`] at
    /// once while the store is left alone, and [`WriteError::Abandoned`] if `commit` panicked.
    pub async fn write<T, E, F>(&self, id: impl AsRef<str>, commit: F) -> Result<Written<T>, WriteError<E>>
    where
        T: Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
        F: Future<Output = Commit<T, E>> + Send + 'static,
    {
        let (this, id): (_, Arc<str>) = (self.clone(), id.as_ref().into());
        let write = tokio::spawn(trace::begin(Step::Write).all_of(async move {
            let Some(_pass) = this.shared.store_breaker.admit() else {
                this.counters.add(Counter::WriteFailed);
                return Err(WriteError::BreakerOpen);
            };
            let commit = this.judged(commit);
            let written = match this.options().write_policy {
                WritePolicy::Through => this.write_through(&id, commit).await,
                WritePolicy::Invalidate => this.write_and_invalidate(&id, commit).await,
                WritePolicy::None => commit.await.committed().map(|at| at.written(Published::No)),
            };
            if let Some(l1) = &this.shared.l1 {
                // Its own process sees a write at once, without the way over Redis.
                l1.invalidate(&id, None);
            }
            this.count_write(&written);
            written.map_err(|not| WriteError::Store(not.into_error()))
        }));
        write.await.map_err(|_| WriteError::Abandoned)?
    }

    fn count_write<T, E>(&self, written: &Result<Written<T>, NotCommitted<E>>) {
        match written {
            Ok(written) => {
                self.counters.add(Counter::Committed);
                if written.published == Published::Deferred {
                    self.counters.add(Counter::Deferred);
                }
            }
            Err(NotCommitted::Nothing(_)) => self.counters.add(Counter::WriteFailed),
            Err(NotCommitted::Unknown(_)) => self.counters.add(Counter::WriteUnknown),
        }
    }

    /// The lease is entered before the commit: what others put from then on is noted, so that nothing older is stored after it.
    async fn write_through<T, E>(
        &self,
        id: &str,
        commit: impl Future<Output = Commit<T, E>>,
    ) -> Result<Written<T>, NotCommitted<E>> {
        let token = Token::random();
        let early = !failpoints::is_off(Guard::LeaseBeforeCommit);
        let mut leased = early && self.enter_lease(id, token).await;
        let start = LoadStart::now();
        match commit.await.committed() {
            Ok(at) => {
                failpoints::pause(Point::BeforePublish).await;
                if !early {
                    leased = self.enter_lease(id, token).await;
                }
                let published = if leased {
                    self.publish(id, token, at.loaded(), start).await
                } else {
                    // A fill that read the store before the commit may still hold the lease: it goes, and the cell.
                    self.apply_or_defer(id, PendingInvalidation::Remove).await
                };
                Ok(at.written(published))
            }
            Err(NotCommitted::Nothing(error)) => {
                if leased {
                    // Unless it is given back, readers wait for it in vain until it ends by itself.
                    let _ = self.in_time(self.backend.release(id, token)).await;
                }
                Err(NotCommitted::Nothing(error))
            }
            Err(unknown) => {
                self.apply_or_defer(id, PendingInvalidation::Remove).await;
                Err(unknown)
            }
        }
    }

    async fn enter_lease(&self, id: &str, token: Token) -> bool {
        let step = trace::begin(Step::Lease);
        let entered = self.in_time(self.backend.take_lease(id, token)).await;
        step.failure_of(&entered);
        entered.is_ok()
    }

    async fn publish(&self, id: &str, token: Token, (version, loaded): (u64, Loaded), start: LoadStart) -> Published {
        let mut put = Put::of(&loaded, start, self.options());
        // How long a write takes says nothing of a fill.
        put.cell.cost_us = 0;
        put.cell.version = version.min(MAX_VERSION);
        let step = trace::begin(Step::Publish);
        let done = self.in_time(self.backend.put(id, Some(token), &put)).await;
        step.failure_of(&done);
        step.result_of(&done, PutResult::word);
        drop(step);
        match done {
            Ok(_) => self.published(),
            Err(CacheError::Timeout(_)) => {
                self.shared.repair.add(id, PendingInvalidation::of(&loaded));
                Published::Deferred
            }
            // Perhaps only this connection broke, and another one is there at once.
            Err(_) => self.apply_or_defer(id, PendingInvalidation::of(&loaded)).await,
        }
    }

    async fn write_and_invalidate<T, E>(
        &self,
        id: &str,
        commit: impl Future<Output = Commit<T, E>>,
    ) -> Result<Written<T>, NotCommitted<E>> {
        match commit.await.committed() {
            Ok(at) => {
                let published = self.apply_or_defer(id, at.invalidation()).await;
                Ok(at.written(published))
            }
            Err(not) => {
                if let NotCommitted::Unknown(_) = not {
                    self.apply_or_defer(id, PendingInvalidation::Remove).await;
                }
                Err(not)
            }
        }
    }

    async fn apply_or_defer(&self, id: &str, invalidation: PendingInvalidation) -> Published {
        let step = trace::begin(Step::Publish);
        let done = self.in_time(invalidation.apply(&self.backend, id)).await;
        step.failure_of(&done);
        step.result_of(&done, |()| "invalidated");
        drop(step);
        if done.is_ok() {
            return self.published();
        }
        self.shared.repair.add(id, invalidation);
        Published::Deferred
    }

    fn published(&self) -> Published {
        if let Backend::Off = self.backend { Published::No } else { Published::Yes }
    }

    /// A write does not wait long for the cache.
    async fn in_time<T>(&self, step: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
        let patience = self.options().publish_timeout;
        tokio::time::timeout(patience, step).await.unwrap_or(Err(CacheError::Timeout(patience)))
    }
}

struct Committed<T> {
    version: u64,
    body: Option<Bytes>,
    result: T,
}

enum NotCommitted<E> {
    Nothing(E),
    Unknown(E),
}

impl<T, E> Commit<T, E> {
    fn committed(self) -> Result<Committed<T>, NotCommitted<E>> {
        match self {
            Self::Value { version, body, result } => Ok(Committed { version, body: Some(body), result }),
            Self::Absent { version, result } => Ok(Committed { version, body: None, result }),
            Self::Nothing(error) | Self::Unavailable(error) => Err(NotCommitted::Nothing(error)),
            Self::Unknown(error) => Err(NotCommitted::Unknown(error)),
        }
    }
}

impl<T> Committed<T> {
    /// What the store holds now, and its version.
    fn loaded(&self) -> (u64, Loaded) {
        let loaded = match &self.body {
            Some(body) => Loaded::Value { version: self.version, body: body.clone() },
            None => Loaded::Absent,
        };
        (self.version, loaded)
    }

    fn invalidation(&self) -> PendingInvalidation {
        PendingInvalidation::of(&self.loaded().1)
    }

    fn written(self, published: Published) -> Written<T> {
        Written { version: self.version, body: self.body, published, result: self.result }
    }
}

impl<E> NotCommitted<E> {
    fn into_error(self) -> E {
        match self {
            Self::Nothing(error) | Self::Unknown(error) => error,
        }
    }
}
