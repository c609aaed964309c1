//! Every read of the store comes through here: only so many at a time, each with the engine's deadline, and none while the
//! store is left alone.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use crate::breaker::Pass;
use crate::counters::Counter;
use crate::distinct::distinct;
use crate::engine::CacheAside;
use crate::error::ReadError;
use crate::failpoints::{self, Point};
use crate::fill::from_store;
use crate::freshness::Kept;
use crate::load_queue::{Call, Query};
use crate::outcome::{Answer, Detail, Outcome};
use crate::repair::PendingInvalidation;
use crate::source::{Loaded, Source};
use crate::trace::{self, Step};
use crate::write::Commit;

/// Most ids that the store is asked for by one [`Source::load_many`].
const MAX_BATCH: usize = 100;

/// What a load brings.
pub(crate) type Load<S> = Result<Loaded, ReadError<<S as Source>::Error>>;

impl<S: Source> CacheAside<S> {
    /// Reads the store, if it can by the same query as others that wait: see [`LoadQueue`](crate::load_queue::LoadQueue).
    pub(crate) async fn load(&self, id: &str) -> Load<S> {
        let step = trace::begin(Step::Load { ids: 1 });
        let loaded = step.around(self.load_in_turn(id)).await;
        step.failure_of(&loaded);
        step.result_of(&loaded, Loaded::word);
        loaded
    }

    async fn load_in_turn(&self, id: &str) -> Load<S> {
        let until = self.turns_until();
        let Some(queue) = &self.shared.load_queue else { return self.load_alone(id, until).await };
        // Nobody queues for a store that is left alone.
        if self.shared.store_breaker.is_open() {
            return Err(ReadError::BreakerOpen);
        }
        match queue.join(id).await {
            Some(Call::Leads(query)) => self.load_with_others(id, query, until).await,
            Some(Call::Brought(loaded)) => loaded,
            None => Err(ReadError::Abandoned),
        }
    }

    async fn load_alone(&self, id: &str, until: Instant) -> Load<S> {
        let (_turn, _pass) = self.turns(1, until).await?;
        self.ask(&[id]).await.pop().unwrap_or(Err(ReadError::Abandoned))
    }

    /// For the caller's id and for those of a query that it leads.
    async fn load_with_others(&self, id: &str, query: Query<Load<S>>, until: Instant) -> Load<S> {
        let wanted: Vec<&str> = std::iter::once(id).chain(query.others()).collect();
        // Without a flight to share, an id may be wanted more than once: all of them came before its load.
        let (ids, places) = distinct(&wanted);
        let (loaded, took) = match self.turns(ids.len(), until).await {
            Ok(_turns) => {
                let began = Instant::now();
                let loaded = self.ask(&ids).await;
                let answered = loaded.iter().any(Result::is_ok);
                (loaded, answered.then(|| began.elapsed()))
            }
            Err(error) => (vec![Err(error); ids.len()], None),
        };
        let loaded = match places {
            None => loaded,
            Some(places) => places.into_iter().map(|at| loaded[at].clone()).collect(),
        };
        let mut loaded = loaded.into_iter();
        let own = loaded.next();
        query.bring(loaded, took);
        own.unwrap_or(Err(ReadError::Abandoned))
    }

    /// One answer for each id, in their order. A batch takes as many turns as it has ids, and never more than half of all.
    pub(crate) async fn load_many(&self, ids: &[&str]) -> Vec<Load<S>> {
        let step = trace::begin(Step::Load { ids: ids.len() });
        step.around(self.load_in_batches(ids)).await
    }

    async fn load_in_batches(&self, ids: &[&str]) -> Vec<Load<S>> {
        let size = MAX_BATCH.min(self.options().store_concurrency.div_ceil(2));
        let mut all = Vec::with_capacity(ids.len());
        for batch in ids.chunks(size) {
            match self.turns(batch.len(), self.turns_until()).await {
                Ok(_turns) => all.extend(self.ask(batch).await),
                Err(error) => all.extend(batch.iter().map(|_| Err(error.clone()))),
            }
        }
        all
    }

    /// One query: one answer for each id, in their order.
    async fn ask(&self, ids: &[&str]) -> Vec<Load<S>> {
        let (source, allowed) = (&self.shared.source, self.options().load_timeout);
        self.counters.add(Counter::Query);
        failpoints::pause(Point::DuringLoad).await;
        let step = trace::begin(Step::Query { ids: ids.len() });
        let began = Instant::now();
        let answer = match ids {
            [id] => timeout(allowed, source.load(id)).await.map(|loaded| Ok(vec![loaded])),
            _ => timeout(allowed, source.load_many(ids)).await,
        };
        self.counters.load_took(began.elapsed());
        let answer = match answer {
            Ok(Ok(loaded)) if loaded.len() == ids.len() => Ok(loaded),
            // Which answer is whose, nobody knows.
            Ok(Ok(loaded)) => Err(ReadError::Mismatch { asked: ids.len(), given: loaded.len() }),
            Ok(Err(error)) => Err(ReadError::Source(Arc::new(error))),
            Err(_) => Err(ReadError::Timeout(allowed)),
        };
        let mut loaded: Vec<Load<S>> = match answer {
            Ok(loaded) => {
                loaded.into_iter().map(|one| one.map_err(|error| ReadError::Source(Arc::new(error)))).collect()
            }
            Err(failed) => vec![Err(failed); ids.len()],
        };
        loaded.iter().for_each(|one| self.count_load(one));
        // One value that was given shows that the store is there.
        let given = loaded.iter().find(|one| one.is_ok()).or(loaded.first());
        given.iter().for_each(|given| step.failure_of(given));
        drop(step);
        self.judge_store(given.and_then(|one| one.as_ref().err()), ids.len());
        failpoints::mix_up(&mut loaded);
        loaded
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
            self.backend.invalidate_here(id);
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
        let step = trace::begin(Step::Query { ids: 1 });
        let done = operation.await.map_err(|error| ReadError::Source(Arc::new(error)));
        step.failure_of(&done);
        drop(step);
        self.judge_store(done.as_ref().err(), 1);
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

    /// When a load that begins to wait for its turn now gives up.
    fn turns_until(&self) -> Instant {
        Instant::now() + self.options().store_queue
    }

    /// Turns at the store, and leave to use it. Nobody queues for a store that is left alone, nor keeps a turn of it.
    async fn turns(
        &self,
        count: usize,
        until: Instant,
    ) -> Result<(SemaphorePermit<'_>, Pass<'_>), ReadError<S::Error>> {
        if self.shared.store_breaker.is_open() {
            return Err(ReadError::BreakerOpen);
        }
        let permits = u32::try_from(count).unwrap_or(u32::MAX);
        let turns = timeout_at(until, self.shared.store_turns.acquire_many(permits)).await;
        let Ok(Ok(turns)) = turns else {
            self.counters.add_many(Counter::LoadRejected, count);
            return Err(ReadError::Overloaded);
        };
        let pass = self.shared.store_breaker.admit().ok_or(ReadError::BreakerOpen)?;
        self.counters.add_many(Counter::LoadStarted, count);
        Ok((turns, pass))
    }

    /// Tells the breaker how the store did when it was asked for so many ids: that it failed for each. A value that it refuses to
    /// give is an answer.
    fn judge_store(&self, failed: Option<&ReadError<S::Error>>, ids: usize) {
        let breaker = &self.shared.store_breaker;
        match failed {
            Some(error) if error.is_outage::<S>() => match error {
                ReadError::Source(source) => (0..ids).for_each(|_| breaker.failed(&**source)),
                // Perhaps it hangs on one of them only.
                error => (0..ids.min(2)).for_each(|_| breaker.failed(error)),
            },
            _ => breaker.succeeded(),
        }
    }

    /// The commit, and the breaker is told how the store did. What was not written for a reason of its own says nothing.
    pub(crate) async fn judged<T, E: Error>(&self, commit: impl Future<Output = Commit<T, E>>) -> Commit<T, E> {
        let step = trace::begin(Step::Commit);
        let (commit, breaker) = (step.around(commit).await, &self.shared.store_breaker);
        match &commit {
            Commit::Value { .. } | Commit::Absent { .. } => step.result(|| "committed"),
            Commit::Nothing(_) => step.result(|| "nothing"),
            Commit::Unavailable(error) | Commit::Unknown(error) => step.failed(error),
        }
        match &commit {
            Commit::Value { .. } | Commit::Absent { .. } => breaker.succeeded(),
            Commit::Unavailable(error) | Commit::Unknown(error) => breaker.failed(error),
            Commit::Nothing(_) => {}
        }
        commit
    }

    fn count_load(&self, loaded: &Load<S>) {
        match loaded {
            Ok(_) => {}
            Err(ReadError::Timeout(_)) => self.counters.add(Counter::LoadTimedOut),
            Err(_) => self.counters.add(Counter::LoadFailed),
        }
    }
}
