//! The read path, from top to bottom in the order it happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cache::{Cache, Put, Token};
use crate::cell::Seen;
use crate::engine::CacheAside;
use crate::error::{CacheError, ReadError};
use crate::flight::{Boarding, Leader};
use crate::freshness::{Look, judge, now_ms};
use crate::landed::{Landed, from_store, new_enough, or_stale};
use crate::offer::Began;
use crate::outcome::{Answer, Detail, Outcome};
use crate::repair::Owed;
use crate::rules::{LeaseResult, PutResult};
use crate::source::{Loaded, Source};
use crate::teeth::{self, Guard, Point};

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
/// How often a request joins flights whose result it may not take, before it reads the store by itself.
const ROUNDS: usize = 3;

/// What the reader asks for besides the id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Read the store whatever the cache holds, and fill the cache (HTTP `Cache-Control: no-cache`).
    pub refetch: bool,
    /// Do not read the store ([`ReadError::NotCached`] if the cache has no answer; HTTP `only-if-cached`).
    pub only_if_cached: bool,
    /// The answer must be of this version or above ([`ReadError::TooOld`]); 0 asks for nothing.
    pub min_version: u64,
}

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
        teeth::pause(Point::BeforeL1).await;
        l1.offer(id, ticket, &answer, self.options().fresh, now_ms());
        Ok(answer)
    }

    /// From what all processes share: the cache, or else the store.
    async fn read_shared(&self, id: &str, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let mut fallback = None;
        for _ in 0..ROUNDS {
            let (look, seen) = self.look(id, &how).await;
            match look {
                Look::Answer(answer) => return Ok(answer),
                Look::Due(answer) => {
                    self.refresh_in_background(id, seen);
                    return Ok(answer);
                }
                Look::Nothing(_) if how.only_if_cached => return Err(ReadError::NotCached),
                Look::Nothing(old) => fallback = old.or(fallback),
            }
            if let Some(answer) = self.fill_or_join(id, how, seen).await {
                return or_stale(new_enough(answer, &how), fallback);
            }
        }
        or_stale(new_enough(self.load_and_put(id, None, || {}).await.answer, &how), fallback)
    }

    /// One `GET`: what the cell is worth, and what it was.
    async fn look(&self, id: &str, how: &ReadOptions) -> (Look, Seen) {
        if how.refetch {
            return (Look::Nothing(None), Seen::Unlooked);
        }
        // A cache that fails is not a miss: the fill finds out, and answers as a bypass.
        let Ok(Some(cell)) = self.cache.get(id).await else { return (Look::Nothing(None), Seen::Nothing) };
        let seen = Seen::of(Some(&cell));
        if cell.version < how.min_version || self.shared.repair.suspects(id) {
            return (Look::Nothing(None), seen);
        }
        (judge(cell, now_ms(), self.options(), &self.shared.trust), seen)
    }

    /// One fill per id: the first to come leads, the others wait. `None`: look again.
    async fn fill_or_join(
        &self,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> Option<Result<Answer, ReadError<S::Error>>> {
        if let Cache::Off = self.cache {
            return Some(self.load_past_cache(id, Detail::CacheOff).await);
        }
        match self.shared.flights.board(id) {
            Boarding::Lead(leader) => Some(self.lead(leader, id, how, seen).await),
            Boarding::Join(joined) => joined.landed().await?.shared(),
            Boarding::Late(joined) if teeth::is_off(Guard::RuleB) => joined.landed().await?.shared(),
            Boarding::Late(joined) => {
                joined.landed().await;
                None
            }
        }
    }

    /// In a task of its own: a client that goes away must not take the fill away from those who wait for it.
    async fn lead(
        &self,
        leader: Leader<Landed<S::Error>>,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> Result<Answer, ReadError<S::Error>> {
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        let fill = tokio::spawn(async move {
            let landed = this.fill(&leader, &id, how, seen).await;
            leader.land(landed.clone());
            landed.answer
        });
        fill.await.unwrap_or(Err(ReadError::Abandoned))
    }

    /// Takes the lease, reads the store, puts. Who does not get the lease waits for who has it.
    async fn fill(
        &self,
        leader: &Leader<Landed<S::Error>>,
        id: &str,
        how: ReadOptions,
        seen: Seen,
    ) -> Landed<S::Error> {
        let token = Token::random();
        let lease = match self.cache.try_lease(id, token, seen).await {
            Ok(LeaseResult::Taken) => Some(token),
            // Its fill will be in the cell soon, or is there already.
            Ok(LeaseResult::Held | LeaseResult::Filled) => {
                if let Some(answer) = self.look_until_filled(id, &how).await {
                    return Landed { answer: Ok(answer), shareable: false };
                }
                None
            }
            Err(_) => {
                // Without a lease nobody can tell whether a writer came between: who boards after the load has begun
                // must not share it. Those who have just landed late are let in.
                tokio::time::sleep(GATHERING).await;
                leader.seal();
                let answer = self.load_past_cache(id, Detail::CacheError).await;
                return Landed { answer, shareable: true };
            }
        };
        self.load_and_put(id, lease, || leader.seal()).await
    }

    /// Somebody else fills, or has filled.
    async fn look_until_filled(&self, id: &str, how: &ReadOptions) -> Option<Answer> {
        if how.refetch {
            return None;
        }
        for wait in POLLS {
            tokio::time::sleep(wait).await;
            if let (Look::Answer(answer) | Look::Due(answer), _) = self.look(id, how).await {
                return Some(answer);
            }
        }
        None
    }

    /// What is read from the store passes the put **before** the answer leaves: once somebody saw a version, the cache
    /// accepts nothing below it.
    async fn load_and_put(&self, id: &str, lease: Option<Token>, before_put: impl FnOnce()) -> Landed<S::Error> {
        let began = Began::now();
        let loaded = match self.load(id).await {
            Ok(loaded) => loaded,
            Err(error) => {
                if let Some(token) = lease {
                    // Unless it is given back, others wait for it in vain until it ends by itself.
                    let _ = self.cache.release(id, token).await;
                }
                return Landed { answer: Err(error), shareable: true };
            }
        };
        before_put();
        teeth::pause(Point::AfterLoad).await;
        let put = self.put_of(&loaded, &began);
        let (outcome, detail, stored) = match self.put_unless_untold(id, lease, &put).await {
            Ok(PutResult::Stored) => (Outcome::Miss, Some(Detail::Stored), true),
            Ok(PutResult::Raised | PutResult::Refused) => (Outcome::Miss, None, false),
            Err(_) => {
                self.owe_floor(id, &loaded);
                (Outcome::Bypass, Some(Detail::CacheError), false)
            }
        };
        Landed { answer: Ok(from_store(loaded, outcome, detail)), shareable: stored }
    }

    async fn put_unless_untold(&self, id: &str, lease: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        if lease.is_none() && teeth::is_off(Guard::RuleA) {
            return Ok(PutResult::Refused);
        }
        self.cache.put(id, lease, put).await
    }

    /// The cache is off or does not answer.
    async fn load_past_cache(&self, id: &str, why: Detail) -> Result<Answer, ReadError<S::Error>> {
        let loaded = self.load(id).await?;
        if why == Detail::CacheError {
            self.owe_floor(id, &loaded);
        }
        Ok(from_store(loaded, Outcome::Bypass, Some(why)))
    }

    /// Somebody is about to see this version, and the cache could not be told: it is told as soon as it can be.
    fn owe_floor(&self, id: &str, loaded: &Loaded) {
        match loaded {
            Loaded::Value { version, .. } => self.repair_if_room(id, Owed::Floor(*version)),
            Loaded::Absent => self.repair_if_room(id, Owed::Forget),
        }
    }

    /// Every read of the store comes through here, and only so many at a time.
    pub(crate) async fn load(&self, id: &str) -> Result<Loaded, ReadError<S::Error>> {
        let turn = tokio::time::timeout(self.options().store_queue, self.shared.store_turns.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Err(ReadError::Overloaded) };
        self.shared.store_reads.fetch_add(1, Ordering::Relaxed);
        self.shared.source.load(id).await.map_err(ReadError::Source)
    }

    /// Once per process by the flight, once per cluster by the lease.
    fn refresh_in_background(&self, id: &str, seen: Seen) {
        let Boarding::Lead(leader) = self.shared.flights.board(id) else { return };
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        tokio::spawn(async move {
            let token = Token::random();
            if let Ok(LeaseResult::Taken) = this.cache.try_lease(&id, token, seen).await {
                let landed = this.load_and_put(&id, Some(token), || leader.seal()).await;
                leader.land(landed);
            }
        });
    }
}
