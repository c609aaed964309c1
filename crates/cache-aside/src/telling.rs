//! `Telling`: what the change stream tells the cache, many ids at a time. Invalidations may cross each other.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cache::{Cache, Put};
use crate::error::CacheError;
use crate::repair::{Owed, tell};

/// Ids that are told of at one time.
const AT_ONCE: usize = 256;
/// What no version tells of is told twice, the second time so much later: a read that was answered by a member of the
/// store which did not know of it yet is over by then.
const AGAIN: Duration = Duration::from_secs(1);

/// What the cache is being told.
pub(crate) struct Telling {
    cache: Cache,
    under_way: JoinSet<Result<(), CacheError>>,
    /// What is to be forgotten once more, and when; the earliest first.
    again: VecDeque<(Instant, String)>,
}

impl Telling {
    pub(crate) fn new(cache: Cache) -> Self {
        Self { cache, under_way: JoinSet::new(), again: VecDeque::new() }
    }

    /// That nothing below this version may be answered.
    pub(crate) async fn floor(&mut self, id: String, version: u64) -> Result<(), CacheError> {
        self.tell(id, Owed::Floor(version)).await
    }

    /// That nothing is there, as if a reader without a lease had found so.
    pub(crate) async fn absence(&mut self, id: String, absence: Put) -> Result<(), CacheError> {
        let cache = self.cache.clone();
        self.spawn(async move { cache.put(&id, None, &absence).await.map(drop) }).await
    }

    /// That whatever it holds may be wrong; now, and again later.
    pub(crate) async fn forget(&mut self, id: String) -> Result<(), CacheError> {
        self.again.push_back((Instant::now() + AGAIN, id.clone()));
        self.tell(id, Owed::Forget).await
    }

    /// What is still to be told again, by somebody else.
    pub(crate) fn untold(self) -> impl Iterator<Item = String> {
        self.again.into_iter().map(|(_, id)| id)
    }

    async fn tell(&mut self, id: String, owed: Owed) -> Result<(), CacheError> {
        let cache = self.cache.clone();
        self.spawn(async move { tell(&cache, &id, owed).await }).await
    }

    /// Tells again what is due.
    pub(crate) async fn repeat(&mut self) -> Result<(), CacheError> {
        while self.again.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            if let Some((_, id)) = self.again.pop_front() {
                self.tell(id, Owed::Forget).await?;
            }
        }
        Ok(())
    }

    async fn spawn(
        &mut self,
        told: impl Future<Output = Result<(), CacheError>> + Send + 'static,
    ) -> Result<(), CacheError> {
        while self.under_way.len() >= AT_ONCE {
            self.one().await?;
        }
        self.under_way.spawn(told);
        Ok(())
    }

    /// Returns when the cache knows of everything.
    pub(crate) async fn finish(&mut self) -> Result<(), CacheError> {
        while !self.under_way.is_empty() {
            self.one().await?;
        }
        Ok(())
    }

    async fn one(&mut self) -> Result<(), CacheError> {
        match self.under_way.join_next().await {
            Some(Ok(told)) => told,
            // A task that panicked told nobody.
            Some(Err(_)) => Err(CacheError::Abandoned),
            None => Ok(()),
        }
    }
}
