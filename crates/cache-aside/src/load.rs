//! Every read of the store comes through here: only so many at a time, each with the engine's deadline, and none while the
//! store is left alone.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use crate::breaker::Pass;
use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::error::ReadError;
use crate::fill::from_store;
use crate::freshness::Kept;
use crate::outcome::{Answer, Detail, Outcome};
use crate::repair::PendingInvalidation;
use crate::source::{Loaded, Source};
use crate::validity::Cause;
use crate::write::Commit;

/// Most ids that the store is asked for by one [`Source::load_many`].
const MAX_BATCH: usize = 100;

impl<S: Source> CacheAside<S> {
    pub(crate) async fn load(&self, id: &str) -> Result<Loaded, ReadError<S::Error>> {
        let (_turn, _pass) = self.turns(1).await?;
        let began = Instant::now();
        let loaded = match timeout(self.options().load_timeout, self.shared.source.load(id)).await {
            Ok(loaded) => loaded.map_err(|error| ReadError::Source(Arc::new(error))),
            Err(_) => Err(ReadError::Timeout(self.options().load_timeout)),
        };
        self.counters.load_took(began.elapsed());
        self.judge_store(loaded.as_ref().err());
        self.count_load(&loaded);
        loaded
    }

    /// One answer for each id, in their order. A batch takes as many turns as it has ids, and never more than half of all.
    pub(crate) async fn load_many(&self, ids: &[&str]) -> Vec<Result<Loaded, ReadError<S::Error>>> {
        let size = MAX_BATCH.min(self.options().store_concurrency.div_ceil(2));
        let mut all = Vec::with_capacity(ids.len());
        for batch in ids.chunks(size) {
            match batch {
                [id] => all.push(self.load(id).await),
                _ => match self.load_batch(batch).await {
                    Ok(loaded) => all.extend(loaded),
                    Err(error) => all.extend(batch.iter().map(|_| Err(error.clone()))),
                },
            }
        }
        all
    }

    async fn load_batch(&self, ids: &[&str]) -> Result<Vec<Result<Loaded, ReadError<S::Error>>>, ReadError<S::Error>> {
        let (_turns, _pass) = self.turns(ids.len()).await?;
        let began = Instant::now();
        let loaded = timeout(self.options().load_timeout, self.shared.source.load_many(ids)).await;
        self.counters.load_took(began.elapsed());
        let failed = match loaded {
            Ok(Ok(loaded)) if loaded.len() == ids.len() => {
                let shared =
                    loaded.into_iter().map(|loaded| loaded.map_err(|error| ReadError::Source(Arc::new(error))));
                let shared: Vec<_> = shared.inspect(|loaded| self.count_load(loaded)).collect();
                // One value that was given shows that the store is there.
                let given = shared.iter().find(|loaded| loaded.is_ok()).or(shared.first());
                self.judge_store(given.and_then(|loaded| loaded.as_ref().err()));
                return Ok(shared);
            }
            // Which answer is whose, nobody knows.
            Ok(Ok(loaded)) => ReadError::Mismatch { asked: ids.len(), given: loaded.len() },
            Ok(Err(error)) => ReadError::Source(Arc::new(error)),
            Err(_) => ReadError::Timeout(self.options().load_timeout),
        };
        self.judge_store(Some(&failed));
        let failed = Err(failed);
        ids.iter().for_each(|_| self.count_load(&failed));
        failed.map(|_: Loaded| Vec::new())
    }

    /// What the store said while the cache is off or does not answer.
    pub(crate) async fn answer_past_cache(
        &self,
        id: &str,
        loaded: Result<Loaded, ReadError<S::Error>>,
        why: Detail,
    ) -> Result<Answer, ReadError<S::Error>> {
        let loaded = loaded?;
        if why == Detail::CacheError {
            self.invalidate_before_answer(id, &loaded).await;
        }
        Ok(from_store(loaded, Outcome::Bypass, Some(why)))
    }

    /// Somebody is about to see this version, and the cache does not know of it. It is told before the answer if only one
    /// connection broke, and else as soon as it answers. Until then this process answers nothing older: of this id, or, if
    /// there are more ids than can be remembered, of any.
    pub(crate) async fn invalidate_before_answer(&self, id: &str, loaded: &Loaded) {
        let (invalidation, patience) = (PendingInvalidation::of(loaded), self.options().publish_timeout);
        if let Ok(Ok(())) = timeout(patience, invalidation.apply(&self.backend, id)).await {
            return;
        }
        if !self.shared.repair.add_if_room(id, invalidation) {
            self.shared.validity.invalidate_before(self.shared.clock.now().ms, Cause::Bypass);
        }
    }

    /// Runs an operation of the store that is neither a load nor a write of the engine's, such as a look before a write: not
    /// while the store is left alone, and its breaker is told how it went. Its deadline is its own.
    ///
    /// # Errors
    /// [`ReadError::Source`], and [`ReadError::BreakerOpen`] at once while the store is left alone.
    pub async fn ask_store<T>(
        &self,
        operation: impl Future<Output = Result<T, S::Error>>,
    ) -> Result<T, ReadError<S::Error>> {
        let _pass = self.shared.store_breaker.admit().ok_or(ReadError::BreakerOpen)?;
        let done = operation.await.map_err(|error| ReadError::Source(Arc::new(error)));
        self.judge_store(done.as_ref().err());
        done
    }

    /// The answer to a read while the store is left alone: the kept value, or at once that there is none. `None` while it is
    /// not.
    pub(crate) fn past_open_breaker(&self, kept: &mut Option<Kept>) -> Option<Result<Answer, ReadError<S::Error>>> {
        if !self.shared.store_breaker.is_open() {
            return None;
        }
        Some(kept.take().map(Kept::into_answer).ok_or(ReadError::BreakerOpen))
    }

    /// When a read that has a valid value past its time waits no longer for the store.
    pub(crate) fn soft_deadline(&self) -> Instant {
        Instant::now() + self.options().load_soft_timeout
    }

    /// What `fill` comes to, or else, if the soft deadline passes before, the kept value; the fill goes on if it is a task of
    /// its own. A value that may be wrong is not answered for slowness.
    pub(crate) async fn unless_late<T>(
        &self,
        kept: Option<&Kept>,
        deadline: Instant,
        fill: impl Future<Output = T>,
    ) -> Result<T, Answer> {
        let Some(kept @ Kept::Aged(_)) = kept else { return Ok(fill.await) };
        timeout_at(deadline, fill).await.map_err(|_| {
            self.counters.add(Counter::SoftTimeout);
            kept.clone().into_answer()
        })
    }

    /// Turns at the store, and leave to use it. Nobody queues for a store that is left alone, nor keeps a turn of it.
    async fn turns(&self, count: usize) -> Result<(SemaphorePermit<'_>, Pass<'_>), ReadError<S::Error>> {
        if self.shared.store_breaker.is_open() {
            return Err(ReadError::BreakerOpen);
        }
        let permits = u32::try_from(count).unwrap_or(u32::MAX);
        let turns = timeout(self.options().store_queue, self.shared.store_turns.acquire_many(permits)).await;
        let Ok(Ok(turns)) = turns else {
            self.counters.add_many(Counter::LoadRejected, count);
            return Err(ReadError::Overloaded);
        };
        let pass = self.shared.store_breaker.admit().ok_or(ReadError::BreakerOpen)?;
        self.counters.add_many(Counter::LoadStarted, count);
        Ok((turns, pass))
    }

    /// Tells the breaker how the store did. A value that it refuses to give is an answer.
    fn judge_store(&self, failed: Option<&ReadError<S::Error>>) {
        let breaker = &self.shared.store_breaker;
        match failed {
            Some(error) if error.is_outage::<S>() => match error {
                ReadError::Source(source) => breaker.failed(&**source),
                error => breaker.failed(error),
            },
            _ => breaker.succeeded(),
        }
    }

    /// The commit, and the breaker is told how the store did. What was not written for a reason of its own says nothing.
    pub(crate) async fn judged<T, E: Error>(&self, commit: impl Future<Output = Commit<T, E>>) -> Commit<T, E> {
        let (commit, breaker) = (commit.await, &self.shared.store_breaker);
        match &commit {
            Commit::Value { .. } | Commit::Absent { .. } => breaker.succeeded(),
            Commit::Unavailable(error) | Commit::Unknown(error) => breaker.failed(error),
            Commit::Nothing(_) => {}
        }
        commit
    }

    fn count_load(&self, loaded: &Result<Loaded, ReadError<S::Error>>) {
        match loaded {
            Ok(_) => {}
            Err(ReadError::Timeout(_)) => self.counters.add(Counter::LoadTimedOut),
            Err(_) => self.counters.add(Counter::LoadFailed),
        }
    }
}
