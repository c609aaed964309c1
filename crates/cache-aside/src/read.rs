//! The read path, from top to bottom in the order it happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::backend::Backend;
use crate::cell::Seen;
use crate::clock::now_ms;
use crate::engine::CacheAside;
use crate::error::{CacheError, ReadError};
use crate::failpoints::{self, Guard, Point};
use crate::fill::{FillResult, from_store, new_enough, or_stale};
use crate::freshness::{Freshness, evaluate};
use crate::outcome::{Answer, Detail, Outcome, ReadOptions};
use crate::put::{LoadStart, Put, Token};
use crate::repair::PendingInvalidation;
use crate::rules::{LeaseResult, PutResult};
use crate::single_flight::{Leader, Role};
use crate::source::{Loaded, Source};

/// Waits before looks at a cell that somebody else has filled or is filling.
const POLLS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
];
/// How long a read past the cache waits before it begins, so that those who wait for one share it.
const GATHERING: Duration = Duration::from_millis(1);
/// How often a request waits for flights whose result it may not share, before it reads the store by itself.
const ROUNDS: usize = 3;

impl<S: Source> CacheAside<S> {
    /// Answers from the cache, or else from the store, and then the cache is filled.
    ///
    /// # Errors
    /// See [`ReadError`]. A cache that fails is no error: the outcome is [`Outcome::Bypass`].
    pub async fn read(&self, id: &str, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let Some(l1) = &self.shared.l1 else { return self.read_shared(id, how).await };
        if !how.refetch
            && let Some(answer) = l1.get(id, how.min_version, now_ms())
        {
            return Ok(answer);
        }
        let ticket = l1.ticket(id);
        let answer = self.read_shared(id, how).await?;
        failpoints::pause(Point::BeforeL1).await;
        l1.offer(id, ticket, &answer, self.options().fresh, now_ms());
        Ok(answer)
    }

    /// Answers from what all processes share: the cache, or else the store.
    async fn read_shared(&self, id: &str, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let mut fallback = None;
        for _ in 0..ROUNDS {
            let (freshness, seen) = self.lookup(id, &how).await;
            match freshness {
                Freshness::Fresh(answer) => return Ok(answer),
                Freshness::RefreshDue(answer) => {
                    self.refresh_in_background(id, seen);
                    return Ok(answer);
                }
                Freshness::Expired(_) if how.only_if_cached => return Err(ReadError::NotCached),
                Freshness::Expired(old) => fallback = old.or(fallback),
            }
            if let Some(answer) = self.fill_or_wait(id, how, seen).await {
                return or_stale(new_enough(answer, &how), fallback);
            }
        }
        or_stale(new_enough(self.load_and_put(id, None, || {}).await.answer, &how), fallback)
    }

    /// One `GET`: what the cell is good for, and what it was.
    async fn lookup(&self, id: &str, how: &ReadOptions) -> (Freshness, Seen) {
        if how.refetch {
            return (Freshness::Expired(None), Seen::Any);
        }
        // A cache that fails is not a miss: the fill finds out, and answers as a bypass.
        let Ok(Some(cell)) = self.backend.get(id).await else { return (Freshness::Expired(None), Seen::Nothing) };
        let seen = Seen::of(Some(&cell));
        if cell.version < how.min_version || self.shared.repair.is_pending(id) {
            return (Freshness::Expired(None), seen);
        }
        (evaluate(cell, now_ms(), self.options(), &self.shared.validity), seen)
    }

    /// One fill per id: the first to come leads, the others wait. `None`: look again.
    async fn fill_or_wait(
        &self,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> Option<Result<Answer, ReadError<S::Error>>> {
        if let Backend::Off = self.backend {
            return Some(self.load_past_cache(id, Detail::CacheOff).await);
        }
        match self.shared.flights.join(id) {
            Role::Leader(leader) => Some(self.fill_as_leader(leader, id, how, seen).await),
            Role::Waiter(waiter) => waiter.result().await?.shared(),
            Role::LateWaiter(waiter) if failpoints::is_off(Guard::ShareOnlyIfStored) => waiter.result().await?.shared(),
            Role::LateWaiter(waiter) => {
                waiter.result().await;
                None
            }
        }
    }

    /// In a task of its own: a client that goes away must not take the fill away from those who wait for it.
    async fn fill_as_leader(
        &self,
        leader: Leader<FillResult<S::Error>>,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> Result<Answer, ReadError<S::Error>> {
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        let fill = tokio::spawn(async move {
            let result = this.fill(&leader, &id, how, seen).await;
            leader.complete(result.clone());
            result.answer
        });
        fill.await.unwrap_or(Err(ReadError::Abandoned))
    }

    /// Takes the lease, reads the store, puts. Who does not get the lease waits for who has it.
    async fn fill(
        &self,
        leader: &Leader<FillResult<S::Error>>,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> FillResult<S::Error> {
        let token = Token::random();
        let lease = match self.backend.try_lease(id, token, seen).await {
            Ok(LeaseResult::Taken) => Some(token),
            // Its holder's fill will be in the cell soon, or is there already.
            Ok(LeaseResult::Held | LeaseResult::Filled) => {
                if let Some(answer) = self.poll_until_filled(id, &how).await {
                    return FillResult { answer: Ok(answer), shareable: false };
                }
                None
            }
            Err(_) => {
                // Without a lease nobody can tell whether a writer came between: who joins after the load has begun must
                // not share it. Those who were late for the flight before are let in.
                tokio::time::sleep(GATHERING).await;
                leader.seal();
                let answer = self.load_past_cache(id, Detail::CacheError).await;
                return FillResult { answer, shareable: true };
            }
        };
        self.load_and_put(id, lease, || leader.seal()).await
    }

    /// Looks at the cell that somebody else fills, or has filled.
    async fn poll_until_filled(&self, id: &str, how: &ReadOptions) -> Option<Answer> {
        if how.refetch {
            return None;
        }
        for wait in POLLS {
            tokio::time::sleep(wait).await;
            if let (Freshness::Fresh(answer) | Freshness::RefreshDue(answer), _) = self.lookup(id, how).await {
                return Some(answer);
            }
        }
        None
    }

    /// What is read from the store passes the put **before** the answer leaves: once somebody saw a version, the cache
    /// accepts nothing below it.
    async fn load_and_put(&self, id: &str, lease: Option<Token>, before_put: impl FnOnce()) -> FillResult<S::Error> {
        let start = LoadStart::now();
        let loaded = match self.load(id).await {
            Ok(loaded) => loaded,
            Err(error) => {
                if let Some(token) = lease {
                    // Unless it is given back, others wait for it in vain until it ends by itself.
                    let _ = self.backend.release(id, token).await;
                }
                return FillResult { answer: Err(error), shareable: true };
            }
        };
        before_put();
        failpoints::pause(Point::AfterLoad).await;
        let put = Put::of(&loaded, start, self.options());
        let (outcome, detail, stored) = match self.put_before_answer(id, lease, &put).await {
            Ok(PutResult::Stored) => (Outcome::Miss, Some(Detail::Stored), true),
            Ok(PutResult::Raised | PutResult::Refused) => (Outcome::Miss, None, false),
            Err(_) => {
                self.invalidate_later(id, &loaded);
                (Outcome::Bypass, Some(Detail::CacheError), false)
            }
        };
        FillResult { answer: Ok(from_store(loaded, outcome, detail)), shareable: stored }
    }

    async fn put_before_answer(&self, id: &str, lease: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        if lease.is_none() && failpoints::is_off(Guard::PutBeforeAnswer) {
            return Ok(PutResult::Refused);
        }
        self.backend.put(id, lease, put).await
    }

    /// Reads the store when the cache is off or does not answer.
    async fn load_past_cache(&self, id: &str, why: Detail) -> Result<Answer, ReadError<S::Error>> {
        let loaded = self.load(id).await?;
        if why == Detail::CacheError {
            self.invalidate_later(id, &loaded);
        }
        Ok(from_store(loaded, Outcome::Bypass, Some(why)))
    }

    /// Somebody is about to see this version, and the cache does not know of it: it will as soon as it answers.
    fn invalidate_later(&self, id: &str, loaded: &Loaded) {
        let invalidation = match loaded {
            Loaded::Value { version, .. } => PendingInvalidation::Floor(*version),
            Loaded::Absent => PendingInvalidation::Remove,
        };
        self.shared.repair.add_if_room(id, invalidation);
    }

    /// Every read of the store comes through here, and only so many at a time.
    pub(crate) async fn load(&self, id: &str) -> Result<Loaded, ReadError<S::Error>> {
        let turn = tokio::time::timeout(self.options().store_queue, self.shared.store_turns.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Err(ReadError::Overloaded) };
        self.shared.store_reads.fetch_add(1, Ordering::Relaxed);
        self.shared.source.load(id).await.map_err(ReadError::Source)
    }

    /// Refreshes once: per process by the flight, per cluster by the lease.
    fn refresh_in_background(&self, id: &str, seen: Seen) {
        let Role::Leader(leader) = self.shared.flights.join(id) else { return };
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        tokio::spawn(async move {
            let token = Token::random();
            if let Ok(LeaseResult::Taken) = this.backend.try_lease(&id, token, seen).await {
                let result = this.load_and_put(&id, Some(token), || leader.seal()).await;
                leader.complete(result);
            }
        });
    }
}
