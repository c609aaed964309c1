//! The write path: lease, commit, put, acknowledge.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::cache::{Put, Token};
use crate::engine::CacheAside;
use crate::error::CacheError;
use crate::options::WritePolicy;
use crate::repair::Owed;
use crate::source::{Loaded, Source};

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

impl<S: Source> CacheAside<S> {
    /// Runs `commit`, which writes to the store, and tells the cache.
    ///
    /// In a task of its own: a client that goes away must not stop a write between its commit and its publish.
    ///
    /// # Errors
    /// Those of the store ([`Commit::Nothing`], [`Commit::Unknown`]); `None` if `commit` panicked.
    pub async fn write<E, F>(&self, id: &str, commit: F) -> Result<Published, Option<E>>
    where
        E: Send + 'static,
        F: Future<Output = Commit<E>> + Send + 'static,
    {
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        let write = tokio::spawn(async move {
            match this.options().write_policy {
                WritePolicy::Through => this.write_through(&id, commit).await,
                WritePolicy::Invalidate => this.write_and_invalidate(&id, commit).await,
                WritePolicy::None => this.write_only(commit).await,
            }
        });
        write.await.map_err(|_| None)?.map_err(Some)
    }

    /// The lease is taken over before the commit: no fill that read the store before it can store after it, and of two
    /// writers only the last to begin can store.
    async fn write_through<E>(&self, id: &str, commit: impl Future<Output = Commit<E>>) -> Result<Published, E> {
        let token = Token::random();
        let leased = self.in_time(self.cache.take_lease(id, token)).await.is_ok();
        let put = match commit.await {
            Commit::Value { version, body } => self.put_of(&Loaded::Value { version, body }, Duration::ZERO),
            Commit::Absent { version } => {
                let mut put = self.put_of(&Loaded::Absent, Duration::ZERO);
                put.cell.version = version;
                put
            }
            Commit::Nothing(error) => {
                if leased {
                    // Unless it is given back, readers wait for it in vain until it ends by itself.
                    let _ = self.in_time(self.cache.release(id, token)).await;
                }
                return Err(error);
            }
            Commit::Unknown(error) => {
                self.tell_or_owe(id, Owed::Forget).await;
                return Err(error);
            }
        };
        Ok(self.publish(id, token, &put).await)
    }

    async fn publish(&self, id: &str, token: Token, put: &Put) -> Published {
        match self.in_time(self.cache.put(id, Some(token), put)).await {
            Ok(_) => self.published(),
            Err(_) => {
                self.repair_later(id, Owed::Floor(put.cell.version));
                Published::Deferred
            }
        }
    }

    async fn write_and_invalidate<E>(&self, id: &str, commit: impl Future<Output = Commit<E>>) -> Result<Published, E> {
        match commit.await {
            Commit::Value { version, .. } => Ok(self.tell_or_owe(id, Owed::Floor(version)).await),
            Commit::Absent { .. } => Ok(self.tell_or_owe(id, Owed::Forget).await),
            Commit::Nothing(error) => Err(error),
            Commit::Unknown(error) => {
                self.tell_or_owe(id, Owed::Forget).await;
                Err(error)
            }
        }
    }

    async fn write_only<E>(&self, commit: impl Future<Output = Commit<E>>) -> Result<Published, E> {
        match commit.await {
            Commit::Value { .. } | Commit::Absent { .. } => Ok(Published::No),
            Commit::Nothing(error) | Commit::Unknown(error) => Err(error),
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
        if let crate::cache::Cache::Off = self.cache { Published::No } else { Published::Yes }
    }

    /// A write does not wait long for the cache.
    async fn in_time<T>(&self, told: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
        let patience = self.options().publish_timeout;
        tokio::time::timeout(patience, told).await.unwrap_or(Err(CacheError::Timeout(patience)))
    }
}
