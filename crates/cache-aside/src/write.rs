//! The write path: lease, commit, put, acknowledge.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::Backend;
use crate::cell::MAX_VERSION;
use crate::engine::CacheAside;
use crate::error::CacheError;
use crate::failpoints::{self, Guard, Point};
use crate::options::WritePolicy;
use crate::put::{LoadStart, Put, Token};
use crate::repair::PendingInvalidation;
use crate::source::{Loaded, Source};

/// What became of a write in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit<E> {
    /// The store holds this value now.
    Value {
        /// Version of the value, above every version the id had.
        version: u64,
        /// Body of the value as it is answered.
        body: Bytes,
    },
    /// The store holds nothing now.
    Absent {
        /// Version of the absence, above every version the id had.
        version: u64,
    },
    /// Nothing was written, and why.
    Nothing(E),
    /// Nobody knows whether it was written, and why.
    Unknown(E),
}

/// Whether the cache knows of a write that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub struct Written {
    /// Version of the value, or of its absence.
    pub version: u64,
    /// Body of the value as it is answered; `None` if the store holds nothing now.
    pub body: Option<Bytes>,
    /// Whether the cache knows of the write.
    pub published: Published,
}

impl<S: Source> CacheAside<S> {
    /// Runs `commit`, which writes to the store, and tells the cache.
    ///
    /// In a task of its own: a client that goes away must not stop a write between its commit and its publish.
    ///
    /// # Errors
    /// Those of the store ([`Commit::Nothing`], [`Commit::Unknown`]); `None` if `commit` panicked.
    pub async fn write<E, F>(&self, id: &str, commit: F) -> Result<Written, Option<E>>
    where
        E: Send + 'static,
        F: Future<Output = Commit<E>> + Send + 'static,
    {
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        let write = tokio::spawn(async move {
            let written = match this.options().write_policy {
                WritePolicy::Through => this.write_through(&id, commit).await,
                WritePolicy::Invalidate => this.write_and_invalidate(&id, commit).await,
                WritePolicy::None => commit.await.committed().map(|at| at.written(Published::No)),
            };
            if let Some(l1) = &this.shared.l1 {
                // Its own process sees a write at once, without the way over Redis.
                l1.invalidate(&id, None);
            }
            written
        });
        write.await.map_err(|_| None)?.map_err(|not| Some(not.into_error()))
    }

    /// The lease is taken over before the commit: no fill that read the store before it can store after it, and of two
    /// writers only the last to begin can store.
    async fn write_through<E>(
        &self,
        id: &str,
        commit: impl Future<Output = Commit<E>>,
    ) -> Result<Written, NotCommitted<E>> {
        let token = Token::random();
        let early = !failpoints::is_off(Guard::LeaseBeforeCommit);
        let mut leased = early && self.in_time(self.backend.take_lease(id, token)).await.is_ok();
        let start = LoadStart::now();
        match commit.await.committed() {
            Ok(at) => {
                failpoints::pause(Point::BeforePublish).await;
                if !early {
                    leased = self.in_time(self.backend.take_lease(id, token)).await.is_ok();
                }
                let published = if leased {
                    self.publish(id, token, &at, start).await
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

    async fn publish(&self, id: &str, token: Token, at: &Committed, start: LoadStart) -> Published {
        let loaded = match &at.body {
            Some(body) => Loaded::Value { version: at.version, body: body.clone() },
            None => Loaded::Absent,
        };
        let mut put = Put::of(&loaded, start, self.options());
        // How long a write takes says nothing of a fill.
        put.cell.cost_us = 0;
        put.cell.version = at.version.min(MAX_VERSION);
        match self.in_time(self.backend.put(id, Some(token), &put)).await {
            Ok(_) => self.published(),
            Err(_) => {
                self.shared.repair.add(id, at.invalidation());
                Published::Deferred
            }
        }
    }

    async fn write_and_invalidate<E>(
        &self,
        id: &str,
        commit: impl Future<Output = Commit<E>>,
    ) -> Result<Written, NotCommitted<E>> {
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
        if self.in_time(invalidation.apply(&self.backend, id)).await.is_ok() {
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

struct Committed {
    version: u64,
    body: Option<Bytes>,
}

enum NotCommitted<E> {
    Nothing(E),
    Unknown(E),
}

impl<E> Commit<E> {
    fn committed(self) -> Result<Committed, NotCommitted<E>> {
        match self {
            Self::Value { version, body } => Ok(Committed { version, body: Some(body) }),
            Self::Absent { version } => Ok(Committed { version, body: None }),
            Self::Nothing(error) => Err(NotCommitted::Nothing(error)),
            Self::Unknown(error) => Err(NotCommitted::Unknown(error)),
        }
    }
}

impl Committed {
    /// An absence removes the cell: a floor would say nothing of a value at the version that was deleted.
    fn invalidation(&self) -> PendingInvalidation {
        if self.body.is_some() { PendingInvalidation::Floor(self.version) } else { PendingInvalidation::Remove }
    }

    fn written(self, published: Published) -> Written {
        Written { version: self.version, body: self.body, published }
    }
}

impl<E> NotCommitted<E> {
    fn into_error(self) -> E {
        match self {
            Self::Nothing(error) | Self::Unknown(error) => error,
        }
    }
}
