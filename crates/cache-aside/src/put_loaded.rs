//! The last step of a fill: what was read from the store is put, and then answered.

use tokio::time::Instant;

use crate::engine::CacheAside;
use crate::error::{CacheError, ReadError};
use crate::failpoints::{self, Guard, Point};
use crate::fill::{FillResult, SharedBy, from_store};
use crate::outcome::{Detail, Outcome};
use crate::put::{LoadStart, Put, Token};
use crate::rules::PutResult;
use crate::single_flight::{Leader, Phase};
use crate::source::{Loaded, Source};
use crate::trace::{self, Step};

impl<S: Source> CacheAside<S> {
    /// What is read from the store passes the put **before** the answer leaves: once somebody saw a version, the cache
    /// accepts nothing below it.
    pub(crate) async fn put_loaded(
        &self,
        leader: Option<&Leader<FillResult<S::Error>>>,
        id: &str,
        lease: Option<Token>,
        start: LoadStart,
        loaded: Result<Loaded, ReadError<S::Error>>,
    ) -> FillResult<S::Error> {
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                if let Some(token) = lease {
                    // Unless it is given back, others wait for it in vain until it ends by itself.
                    let _ = self.backend.release(id, token).await;
                }
                return FillResult { answer: Err(error), shared_by: SharedBy::WhoeverJoinedBeforeThePut };
            }
        };
        if let Some(leader) = leader {
            leader.enter(Phase::Sealed);
        }
        failpoints::pause(Point::AfterLoad).await;
        let put = Put::of(&loaded, start, self.options());
        let step = trace::begin(Step::CachePut);
        let result = self.put_before_answer(id, lease, &put).await;
        step.failure_of(&result);
        step.result_of(&result, PutResult::word);
        drop(step);
        self.counters.put(&result);
        self.shared.flights.contention.note(id, lease.is_some(), &result, Instant::now());
        let (before_put, before_load) = (SharedBy::WhoeverJoinedBeforeThePut, SharedBy::WhoeverJoinedBeforeTheLoad);
        let is_valid = || self.backend.is_fill_valid(id, start) || failpoints::is_off(Guard::ShareOnlyIfValid);
        let (outcome, detail, shared_by) = match result {
            Ok(PutResult::Stored) if is_valid() => (Outcome::Miss, Some(Detail::Stored), before_put),
            // Who came after the moment from which on cells are valid must not be answered by a load of before.
            Ok(PutResult::Stored) => (Outcome::Miss, Some(Detail::Stored), before_load),
            Ok(PutResult::Raised | PutResult::Refused) => (Outcome::Miss, None, before_load),
            Err(_) => {
                self.invalidate_before_answer(id, &loaded).await;
                (Outcome::Bypass, Some(Detail::CacheError), before_load)
            }
        };
        FillResult { answer: Ok(from_store(loaded, outcome, detail)), shared_by }
    }

    async fn put_before_answer(&self, id: &str, lease: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        if failpoints::is_off(Guard::PutBeforeAnswer) {
            if let Some(token) = lease {
                self.backend.release(id, token).await?;
            }
            return Ok(PutResult::Refused);
        }
        self.backend.put(id, lease, put).await
    }
}
