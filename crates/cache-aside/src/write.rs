//! The write path: lease, commit, put, acknowledge.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use crate::cache::{Cache, Token};
use crate::cell::MAX_VERSION;
use crate::engine::CacheAside;
use crate::error::CacheError;
use crate::offer::Began;
use crate::options::WritePolicy;
use crate::repair::Owed;
use crate::source::{Loaded, Source};
use crate::teeth::{self, Guard, Point};

/// What became of a write in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit<E> {
    /// The store holds this value now.
    Value {
        /// Above every version the id had.
        version: u64,
        /// The body as it is answered.
        body: Bytes,
    },
    /// The store holds nothing now.
    Absent {
        /// Of the absence: above every version the id had.
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
    /// It does: no read that starts now answers an older value.
    Yes,
    /// It could not be told in time. It will be, and until then this process does not trust what it holds of the id.
    Deferred,
    /// It was not to be told ([`WritePolicy::None`], or no cache).
    No,
}

/// A write that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Of the value, or of its absence.
    pub version: u64,
    /// The body as it is answered; `None` if the store holds nothing now.
    pub body: Option<Bytes>,
    /// Whether the cache knows.
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
        let early = !teeth::is_off(Guard::LeaseBeforeCommit);
        let mut leased = early && self.in_time(self.cache.take_lease(id, token)).await.is_ok();
        let began = Began::now();
        match commit.await.committed() {
            Ok(at) => {
                teeth::pause(Point::BeforePublish).await;
                if !early {
                    leased = self.in_time(self.cache.take_lease(id, token)).await.is_ok();
                }
                let published = if leased {
                    self.publish(id, token, &at, &began).await
                } else {
                    // A fill that read the store before the commit may still hold the lease: it goes, and the cell.
                    self.tell_or_owe(id, Owed::Forget).await
                };
                Ok(at.written(published))
            }
            Err(NotCommitted::Nothing(error)) => {
                if leased {
                    // Unless it is given back, readers wait for it in vain until it ends by itself.
                    let _ = self.in_time(self.cache.release(id, token)).await;
                }
                Err(NotCommitted::Nothing(error))
            }
            Err(unknown) => {
                self.tell_or_owe(id, Owed::Forget).await;
                Err(unknown)
            }
        }
    }

    async fn publish(&self, id: &str, token: Token, at: &Committed, began: &Began) -> Published {
        let loaded = match &at.body {
            Some(body) => Loaded::Value { version: at.version, body: body.clone() },
            None => Loaded::Absent,
        };
        let mut put = self.put_of(&loaded, began);
        // How long a write takes says nothing of a fill.
        put.cell.cost_us = 0;
        put.cell.version = at.version.min(MAX_VERSION);
        match self.in_time(self.cache.put(id, Some(token), &put)).await {
            Ok(_) => self.published(),
            Err(_) => {
                self.repair_later(id, at.owed());
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
                let published = self.tell_or_owe(id, at.owed()).await;
                Ok(at.written(published))
            }
            Err(not) => {
                if let NotCommitted::Unknown(_) = not {
                    self.tell_or_owe(id, Owed::Forget).await;
                }
                Err(not)
            }
        }
    }

    async fn tell_or_owe(&self, id: &str, owed: Owed) -> Published {
        if self.in_time(crate::repair::tell(&self.cache, id, owed)).await.is_ok() {
            return self.published();
        }
        self.repair_later(id, owed);
        Published::Deferred
    }

    fn published(&self) -> Published {
        if let Cache::Off = self.cache { Published::No } else { Published::Yes }
    }

    /// A write does not wait long for the cache.
    async fn in_time<T>(&self, told: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
        let patience = self.options().publish_timeout;
        tokio::time::timeout(patience, told).await.unwrap_or(Err(CacheError::Timeout(patience)))
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
    /// An absence is owed as a whole: a floor says nothing of a value at the version that was deleted.
    fn owed(&self) -> Owed {
        if self.body.is_some() { Owed::Floor(self.version) } else { Owed::Forget }
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
