//! The read path, from top to bottom in the order it happens.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::cell::Seen;
use crate::clock::now_ms;
use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::error::ReadError;
use crate::failpoints::{self, Point};
use crate::fill::{FillResult, SharedBy, new_enough, or_stale};
use crate::freshness::{Freshness, evaluate};
use crate::l1::L1;
use crate::lease_wait::{Attempt, Turn};
use crate::outcome::{Answer, Detail, ReadOptions};
use crate::put::{LoadStart, Token};
use crate::single_flight::{Leader, Phase, Role, Waiter};
use crate::source::Source;
use crate::timeline::Found;
use crate::trace::{self, Step};

/// How long a load without the lease waits before it begins, so that those who wait for one share it.
const GATHERING: Duration = Duration::from_millis(1);
/// How often a request waits for flights whose result it may not share, before it reads the store by itself.
const ROUNDS: usize = 3;

impl<S: Source> CacheAside<S> {
    /// Answers from the cache, or else from the store, and then the cache is filled.
    ///
    /// # Errors
    /// See [`ReadError`]. A cache that fails is no error: the outcome is [`Outcome::Bypass`](crate::Outcome::Bypass).
    pub async fn read(&self, id: impl AsRef<str>, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let id = id.as_ref();
        let answer = match &self.shared.l1 {
            None => self.read_shared(id, how).await,
            Some(l1) => self.read_through_l1(l1, id, how).await,
        };
        self.counters.read(id, &answer);
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
        l1.offer(id, ticket, &answer, self.fresh(), now_ms());
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
            // In a box, as what is below: hits carry no room for it.
            match self.unless_late(kept.as_ref(), late, Box::pin(self.fill_or_wait(id, how, seen))).await {
                Ok(Some(answer)) => return or_stale::<S>(new_enough(answer, &how), kept),
                Ok(None) => {}
                Err(stale) => return Ok(stale),
            }
        }
        or_stale::<S>(new_enough(Box::pin(self.load_past_lease(id)).await, &how), kept)
    }

    /// One `GET`: what the cell is good for, and what it was.
    pub(crate) async fn lookup(&self, id: &str, how: &ReadOptions) -> (Freshness, Seen) {
        if how.refetch {
            return (Freshness::Expired(None), Seen::Any);
        }
        let step = trace::begin(Step::CacheRead { ids: 1 });
        let found = self.backend.get(id).await;
        step.failure_of(&found);
        step.result_of(&found, |found| if found.is_some() { "found" } else { "none" });
        // A cache that fails is not a miss: the fill finds out, and answers as a bypass.
        let Ok(Some(found)) = found else { return (Freshness::Expired(None), Seen::Nothing) };
        let (freshness, seen) = self.assess(id, found, how);
        step.result(|| freshness.word());
        (freshness, seen)
    }

    /// What the cell is good for to this reader, and what it was.
    #[inline(always)]
    pub(crate) fn assess(&self, id: &str, found: Found, how: &ReadOptions) -> (Freshness, Seen) {
        let seen = Seen::of(Some(&found.cell));
        if found.cell.version < how.min_version || self.shared.repair.is_pending(id) {
            return (Freshness::Expired(None), seen);
        }
        (evaluate(found, self.options(), &self.shared.validity), seen)
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
            Role::Waiter(waiter) => self.wait_for_leader(waiter).await,
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
        let fill = tokio::spawn(trace::inherited(async move {
            let result = this.fill(&leader, &id, how, seen).await;
            leader.complete(result.clone());
            result.answer
        }));
        fill.await.unwrap_or(Err(ReadError::Abandoned))
    }

    /// A waiter shares what the leader found if that is right for it too, and else looks again.
    pub(crate) async fn wait_for_leader(
        &self,
        waiter: Waiter<FillResult<S::Error>>,
    ) -> Option<Result<Answer, ReadError<S::Error>>> {
        self.counters.add(Counter::FlightWait);
        let joined = waiter.joined;
        let step = trace::begin(Step::FlightWait);
        let shared = waiter.result().await?.shared(joined);
        step.result(|| if shared.is_some() { "shared" } else { "looks_again" });
        shared
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
            Attempt::Ours(token) => self.load_and_put(leader, id, Some(token)).await,
            Attempt::Unreachable => {
                self.gather([leader]).await;
                let loaded = self.load(id).await;
                let answer = self.answer_past_cache(id, loaded, Detail::CacheError).await;
                FillResult { answer, shared_by: SharedBy::WhoeverJoinedBeforeTheLoad }
            }
            elsewhere => self.fill_behind_another(leader, id, how, elsewhere).await,
        }
    }

    /// Another process fills, or has filled: what comes of that is the answer, or else one load for all who wait here.
    pub(crate) async fn fill_behind_another(
        &self,
        leader: &Leader<FillResult<S::Error>>,
        id: &str,
        how: ReadOptions,
        attempt: Attempt,
    ) -> FillResult<S::Error> {
        match self.wait_for_lease(id, &how, attempt).await {
            Turn::Answered(answer) => FillResult { answer: Ok(answer), shared_by: SharedBy::Nobody },
            Turn::Ours(token) => self.load_and_put(leader, id, Some(token)).await,
            Turn::PastLease => {
                self.gather([leader]).await;
                self.load_and_put(leader, id, None).await
            }
        }
    }

    /// A load that waits for no lease, shared by all who come before it begins. For who has looked again in vain.
    async fn load_past_lease(&self, id: &str) -> Result<Answer, ReadError<S::Error>> {
        for _ in 0..ROUNDS {
            match self.shared.flights.join(id) {
                Role::Leader(leader) => {
                    return self.fill_as_leader(leader, id, ReadOptions::refetch(), Seen::Any).await;
                }
                Role::Waiter(waiter) => {
                    if let Some(answer) = self.wait_for_leader(waiter).await {
                        return answer;
                    }
                }
            }
        }
        let (start, loaded) = (LoadStart::now(), self.load(id).await);
        self.put_loaded(None, id, None, start, loaded).await.answer
    }

    /// Without a lease nobody can tell whether a writer came between: who joins after the load has begun must not share it.
    /// Those who were late for the flight before are let in.
    pub(crate) async fn gather<'a>(&self, leaders: impl IntoIterator<Item = &'a Leader<FillResult<S::Error>>>) {
        tokio::time::sleep(GATHERING).await;
        leaders.into_iter().for_each(|leader| leader.enter(Phase::Loading));
    }

    async fn load_and_put(
        &self,
        leader: &Leader<FillResult<S::Error>>,
        id: &str,
        lease: Option<Token>,
    ) -> FillResult<S::Error> {
        leader.enter(Phase::Loading);
        let (start, loaded) = (LoadStart::now(), self.load(id).await);
        self.put_loaded(Some(leader), id, lease, start, loaded).await
    }

    /// Refreshes once: per process by the flight, per cluster by the lease.
    pub(crate) fn refresh_in_background(&self, id: &str, seen: Seen) {
        if self.shared.store_breaker.is_open() {
            return;
        }
        let Role::Leader(leader) = self.shared.flights.join(id) else { return };
        self.counters.add(Counter::Refresh);
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        tokio::spawn(trace::begin(Step::Refresh).all_of(async move {
            if let Attempt::Ours(token) = this.acquire_lease(&id, seen).await {
                let result = this.load_and_put(&leader, &id, Some(token)).await;
                leader.complete(result);
            }
        }));
    }
}
