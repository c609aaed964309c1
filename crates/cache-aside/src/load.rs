//! Every read of the store comes through here: only so many at a time, each with the engine's deadline.

use std::sync::Arc;

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::error::ReadError;
use crate::fill::from_store;
use crate::outcome::{Answer, Detail, Outcome};
use crate::repair::PendingInvalidation;
use crate::source::{Loaded, Source};

/// Most ids that the store is asked for by one [`Source::load_many`].
const MAX_BATCH: usize = 100;

impl<S: Source> CacheAside<S> {
    pub(crate) async fn load(&self, id: &str) -> Result<Loaded, ReadError<S::Error>> {
        let _turn = self.turns(1).await?;
        let loaded = match timeout(self.options().load_timeout, self.shared.source.load(id)).await {
            Ok(loaded) => loaded.map_err(|error| ReadError::Source(Arc::new(error))),
            Err(_) => Err(ReadError::Timeout(self.options().load_timeout)),
        };
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
        let _turns = self.turns(ids.len()).await?;
        let failed = match timeout(self.options().load_timeout, self.shared.source.load_many(ids)).await {
            Ok(Ok(loaded)) if loaded.len() == ids.len() => {
                let shared =
                    loaded.into_iter().map(|loaded| loaded.map_err(|error| ReadError::Source(Arc::new(error))));
                return Ok(shared.inspect(|loaded| self.count_load(loaded)).collect());
            }
            // Which answer is whose, nobody knows.
            Ok(Ok(loaded)) => ReadError::Mismatch { asked: ids.len(), given: loaded.len() },
            Ok(Err(error)) => ReadError::Source(Arc::new(error)),
            Err(_) => ReadError::Timeout(self.options().load_timeout),
        };
        let failed = Err(failed);
        ids.iter().for_each(|_| self.count_load(&failed));
        failed.map(|_: Loaded| Vec::new())
    }

    /// What the store said while the cache is off or does not answer.
    pub(crate) fn answer_past_cache(
        &self,
        id: &str,
        loaded: Result<Loaded, ReadError<S::Error>>,
        why: Detail,
    ) -> Result<Answer, ReadError<S::Error>> {
        let loaded = loaded?;
        if why == Detail::CacheError {
            self.invalidate_later(id, &loaded);
        }
        Ok(from_store(loaded, Outcome::Bypass, Some(why)))
    }

    /// Somebody is about to see this version, and the cache does not know of it: it will as soon as it answers.
    pub(crate) fn invalidate_later(&self, id: &str, loaded: &Loaded) {
        self.shared.repair.add_if_room(id, PendingInvalidation::of(loaded));
    }

    async fn turns(&self, count: usize) -> Result<SemaphorePermit<'_>, ReadError<S::Error>> {
        let permits = u32::try_from(count).unwrap_or(u32::MAX);
        let turns = timeout(self.options().store_queue, self.shared.store_turns.acquire_many(permits)).await;
        let Ok(Ok(turns)) = turns else {
            self.counters.add_many(Counter::LoadRejected, count);
            return Err(ReadError::Overloaded);
        };
        self.counters.add_many(Counter::LoadStarted, count);
        Ok(turns)
    }

    fn count_load(&self, loaded: &Result<Loaded, ReadError<S::Error>>) {
        match loaded {
            Ok(_) => {}
            Err(ReadError::Timeout(_)) => self.counters.add(Counter::LoadTimedOut),
            Err(_) => self.counters.add(Counter::LoadFailed),
        }
    }
}
