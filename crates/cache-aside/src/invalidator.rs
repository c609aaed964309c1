//! `Invalidator`: gives the cache what the change stream tells, many ids at a time. Invalidations may overtake each other.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::backend::Backend;
use crate::error::CacheError;
use crate::put::Put;
use crate::repair::PendingInvalidation;

/// Most invalidations that are under way at one time.
const CONCURRENCY: usize = 256;
/// A change without a version is applied twice, the second time so much later: a read that was answered by a member of
/// the store which did not know of it yet is over by then.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// Invalidations under way, and those to be repeated.
pub(crate) struct Invalidator {
    backend: Backend,
    under_way: JoinSet<Result<(), CacheError>>,
    /// Ids to be removed once more, and when; the earliest first.
    repeats: VecDeque<(Instant, String)>,
}

impl Invalidator {
    pub(crate) fn new(backend: Backend) -> Self {
        Self { backend, under_way: JoinSet::new(), repeats: VecDeque::new() }
    }

    /// Nothing below this version may be answered any more.
    pub(crate) async fn raise_floor(&mut self, id: String, version: u64) -> Result<(), CacheError> {
        self.apply(id, PendingInvalidation::Floor(version)).await
    }

    /// Nothing is there, as if a reader without a lease had found so.
    pub(crate) async fn put_absence(&mut self, id: String, absence: Put) -> Result<(), CacheError> {
        let backend = self.backend.clone();
        self.spawn(async move { backend.put(&id, None, &absence).await.map(drop) }).await
    }

    /// Whatever the cache holds may be wrong: removes it now, and again later.
    pub(crate) async fn remove(&mut self, id: String) -> Result<(), CacheError> {
        self.repeats.push_back((Instant::now() + REPEAT_AFTER, id.clone()));
        self.apply(id, PendingInvalidation::Remove).await
    }

    /// Removes again what is due.
    pub(crate) async fn repeat_due(&mut self) -> Result<(), CacheError> {
        while self.repeats.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            if let Some((_, id)) = self.repeats.pop_front() {
                self.apply(id, PendingInvalidation::Remove).await?;
            }
        }
        Ok(())
    }

    /// Returns when the cache has applied everything but repeats that are not due.
    pub(crate) async fn finish(&mut self) -> Result<(), CacheError> {
        while !self.under_way.is_empty() {
            self.finish_one().await?;
        }
        Ok(())
    }

    /// Ids that are still to be removed once more, by somebody else.
    pub(crate) fn remaining(self) -> impl Iterator<Item = String> {
        self.repeats.into_iter().map(|(_, id)| id)
    }

    async fn apply(&mut self, id: String, invalidation: PendingInvalidation) -> Result<(), CacheError> {
        let backend = self.backend.clone();
        self.spawn(async move { invalidation.apply(&backend, &id).await }).await
    }

    async fn spawn(
        &mut self,
        invalidation: impl Future<Output = Result<(), CacheError>> + Send + 'static,
    ) -> Result<(), CacheError> {
        while self.under_way.len() >= CONCURRENCY {
            self.finish_one().await?;
        }
        self.under_way.spawn(invalidation);
        Ok(())
    }

    async fn finish_one(&mut self) -> Result<(), CacheError> {
        match self.under_way.join_next().await {
            Some(Ok(result)) => result,
            // A task that panicked told the cache nothing.
            Some(Err(_)) => Err(CacheError::Abandoned),
            None => Ok(()),
        }
    }
}
