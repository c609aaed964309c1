//! The read path, from top to bottom in the order it happens.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::cell::{Cell, Seen};
use crate::clock::{Now, now_ms};
use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::error::{CacheError, ReadError};
use crate::failpoints::{self, Guard, Point};
use crate::fill::{FillResult, from_store, new_enough, or_stale};
use crate::freshness::{Freshness, evaluate};
use crate::l1::L1;
use crate::outcome::{Answer, Detail, Outcome, ReadOptions};
use crate::put::{LoadStart, Put, Token};
use crate::rules::{LeaseResult, PutResult};
use crate::single_flight::{Leader, Role, Waiter};
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

/// What became of the attempt to get the right to fill.
pub(crate) enum Lease {
    /// The caller has it, under this token.
    Ours(Token),
    /// Its holder's fill will be in the cell soon, or is there already.
    Elsewhere,
    /// The cache does not answer.
    Unreachable,
}

impl<S: Source> CacheAside<S> {
    /// Answers from the cache, or else from the store, and then the cache is filled.
    ///
    /// # Errors
    /// See [`ReadError`]. A cache that fails is no error: the outcome is [`Outcome::Bypass`].
    pub async fn read(&self, id: impl AsRef<str>, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let id = id.as_ref();
        let answer = match &self.shared.l1 {
            None => self.read_shared(id, how).await,
            Some(l1) => self.read_through_l1(l1, id, how).await,
        };
        self.counters.read(&answer);
        answer
    }

    async fn read_through_l1(&self, l1: &L1, id: &str, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
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
    pub(crate) async fn read_shared(&self, id: &str, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let (mut kept, mut late) = (None, None);
        for _ in 0..ROUNDS {
            let (freshness, seen) = self.lookup(id, &how).await;
            match freshness {
                Freshness::Fresh(answer) => return Ok(answer),
                Freshness::RefreshDue(answer) => {
                    self.refresh_in_background(id, seen);
                    return Ok(answer);
                }
                Freshness::Expired(_) if how.only_if_cached => return Err(ReadError::NotCached),
                Freshness::Expired(old) => kept = old.or(kept),
            }
            if let Some(answer) = self.past_open_breaker(&mut kept) {
                return answer;
            }
            let late = *late.get_or_insert_with(|| self.soft_deadline());
            // In a box, so that hits carry no room for it.
            match self.unless_late(kept.as_ref(), late, Box::pin(self.fill_or_wait(id, how, seen))).await {
                Ok(Some(answer)) => return or_stale::<S>(new_enough(answer, &how), kept),
                Ok(None) => {}
                Err(stale) => return Ok(stale),
            }
        }
        or_stale::<S>(new_enough(self.load_and_put(id, None, || {}).await.answer, &how), kept)
    }

    /// One `GET`: what the cell is good for, and what it was.
    async fn lookup(&self, id: &str, how: &ReadOptions) -> (Freshness, Seen) {
        if how.refetch {
            return (Freshness::Expired(None), Seen::Any);
        }
        // A cache that fails is not a miss: the fill finds out, and answers as a bypass.
        let Ok(Some(cell)) = self.backend.get(id).await else { return (Freshness::Expired(None), Seen::Nothing) };
        self.assess(id, cell, how, self.shared.clock.now())
    }

    /// What the cell is good for to this reader, and what it was.
    #[inline(always)]
    pub(crate) fn assess(&self, id: &str, cell: Cell, how: &ReadOptions, now: Now) -> (Freshness, Seen) {
        let seen = Seen::of(Some(&cell));
        if cell.version < how.min_version || self.shared.repair.is_pending(id) {
            return (Freshness::Expired(None), seen);
        }
        (evaluate(cell, now, self.options(), &self.shared.validity), seen)
    }

    /// One fill per id: the first to come leads, the others wait. `None`: look again.
    async fn fill_or_wait(
        &self,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> Option<Result<Answer, ReadError<S::Error>>> {
        if let Backend::Off = self.backend {
            let loaded = self.load(id).await;
            return Some(self.answer_past_cache(id, loaded, Detail::CacheOff).await);
        }
        match self.shared.flights.join(id) {
            Role::Leader(leader) => Some(self.fill_as_leader(leader, id, how, seen).await),
            Role::Waiter(waiter) => self.wait_for_leader(waiter, true).await,
            Role::LateWaiter(waiter) => self.wait_for_leader(waiter, false).await,
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

    /// A waiter may share what the leader stored; a late one, and one whose leader could not store, looks again.
    pub(crate) async fn wait_for_leader(
        &self,
        waiter: Waiter<FillResult<S::Error>>,
        in_time: bool,
    ) -> Option<Result<Answer, ReadError<S::Error>>> {
        self.counters.add(Counter::FlightWait);
        let result = waiter.result().await?;
        if in_time || failpoints::is_off(Guard::ShareOnlyIfStored) { result.shared() } else { None }
    }

    /// Takes the lease, reads the store, puts. Who does not get the lease waits for who has it.
    async fn fill(
        &self,
        leader: &Leader<FillResult<S::Error>>,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> FillResult<S::Error> {
        match self.acquire_lease(id, seen).await {
            Lease::Ours(token) => self.load_and_put(id, Some(token), || leader.seal()).await,
            Lease::Elsewhere => self.fill_without_lease(leader, id, how).await,
            Lease::Unreachable => {
                self.gather([leader]).await;
                let loaded = self.load(id).await;
                FillResult { answer: self.answer_past_cache(id, loaded, Detail::CacheError).await, shareable: true }
            }
        }
    }

    /// One attempt; nobody waits for a lease.
    pub(crate) async fn acquire_lease(&self, id: &str, seen: Seen) -> Lease {
        let token = Token::random();
        let result = self.backend.try_lease(id, token, seen).await;
        self.counters.lease(&result);
        match result {
            Ok(LeaseResult::Taken) => Lease::Ours(token),
            Ok(LeaseResult::Held | LeaseResult::Filled) => Lease::Elsewhere,
            Err(_) => Lease::Unreachable,
        }
    }

    /// Somebody else fills, or has filled: looks at the cell, and after a while reads the store all the same.
    pub(crate) async fn fill_without_lease(
        &self,
        leader: &Leader<FillResult<S::Error>>,
        id: &str,
        how: ReadOptions,
    ) -> FillResult<S::Error> {
        match self.poll_until_filled(id, &how).await {
            Some(answer) => FillResult { answer: Ok(answer), shareable: false },
            None => self.load_and_put(id, None, || leader.seal()).await,
        }
    }

    async fn poll_until_filled(&self, id: &str, how: &ReadOptions) -> Option<Answer> {
        if how.refetch {
            return None;
        }
        self.counters.add(Counter::LeaseWait);
        for wait in POLLS {
            tokio::time::sleep(wait).await;
            if let (Freshness::Fresh(answer) | Freshness::RefreshDue(answer), _) = self.lookup(id, how).await {
                return Some(answer);
            }
        }
        None
    }

    /// Without a lease nobody can tell whether a writer came between: who joins after the load has begun must not share it.
    /// Those who were late for the flight before are let in.
    pub(crate) async fn gather<'a>(&self, leaders: impl IntoIterator<Item = &'a Leader<FillResult<S::Error>>>) {
        tokio::time::sleep(GATHERING).await;
        leaders.into_iter().for_each(Leader::seal);
    }

    async fn load_and_put(&self, id: &str, lease: Option<Token>, before_put: impl FnOnce()) -> FillResult<S::Error> {
        let (start, loaded) = (LoadStart::now(), self.load(id).await);
        self.put_loaded(id, lease, start, loaded, before_put).await
    }

    /// What is read from the store passes the put **before** the answer leaves: once somebody saw a version, the cache
    /// accepts nothing below it.
    pub(crate) async fn put_loaded(
        &self,
        id: &str,
        lease: Option<Token>,
        start: LoadStart,
        loaded: Result<Loaded, ReadError<S::Error>>,
        before_put: impl FnOnce(),
    ) -> FillResult<S::Error> {
        let loaded = match loaded {
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
        let put = Put::of(&loaded, start, self.options(), &self.shared.clock);
        let result = self.put_before_answer(id, lease, &put).await;
        self.counters.put(&result);
        let (outcome, detail, stored) = match result {
            Ok(PutResult::Stored) => (Outcome::Miss, Some(Detail::Stored), true),
            Ok(PutResult::Raised | PutResult::Refused) => (Outcome::Miss, None, false),
            Err(_) => {
                self.invalidate_before_answer(id, &loaded).await;
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

    /// Refreshes once: per process by the flight, per cluster by the lease.
    pub(crate) fn refresh_in_background(&self, id: &str, seen: Seen) {
        if self.shared.store_breaker.is_open() {
            return;
        }
        let Role::Leader(leader) = self.shared.flights.join(id) else { return };
        self.counters.add(Counter::Refresh);
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        tokio::spawn(async move {
            if let Lease::Ours(token) = this.acquire_lease(&id, seen).await {
                let result = this.load_and_put(&id, Some(token), || leader.seal()).await;
                leader.complete(result);
            }
        });
    }
}
