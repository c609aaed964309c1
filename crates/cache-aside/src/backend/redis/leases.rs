//! Leases in Redis: who is at work on an id, by the clock of Redis. One that is lost is always safe: nothing is stored on its behalf.

use deadpool_redis::redis::Value;

use super::super::waiters::Waiting;
use super::{RedisCache, scripts, word};
use crate::cell::Seen;
use crate::error::CacheError;
use crate::lease::MAX_ENTRIES;
use crate::put::Token;
use crate::rules::LeaseResult;

/// Letters of one entry of a lease: see `lease.lua`.
pub(super) const ENTRY_LEN: usize = 47;

impl RedisCache {
    /// Lets a reader in that fills, if none does, unless the cell is another than the caller has seen.
    pub(crate) async fn try_lease(&self, id: &str, token: Token, seen: Seen) -> Result<LeaseResult, CacheError> {
        let keys = &self.shared.keys;
        let (lease_ms, seen) = (self.lease_ms(), seen.text());
        let args = [&token.text()[..], lease_ms.as_bytes(), &seen];
        let (cell, lease) = (keys.cell(id), keys.lease(id));
        let answer = match self.call(&scripts::LEASE, &[&cell, &lease], &args).await {
            Err(error) if error.is_wrong_type() => {
                self.remove(id).await?;
                self.call(&scripts::LEASE, &[&cell, &lease], &args).await?
            }
            answer => answer?,
        };
        lease_result(answer)
    }

    /// Enters a place where who waits for the id is woken.
    pub(crate) fn wait(&self, id: &str) -> Waiting {
        self.shared.waiters.enter(id)
    }

    /// Lets a writer in, beside whoever is at work.
    pub(crate) async fn take_lease(&self, id: &str, token: Token) -> Result<(), CacheError> {
        let (lease_ms, most) = (self.lease_ms(), (MAX_ENTRIES * ENTRY_LEN).to_string());
        let args = [&token.text()[..], lease_ms.as_bytes(), most.as_bytes()];
        self.call(&scripts::WRITE, &[&self.shared.keys.lease(id)], &args).await?;
        self.shared.refusals.accepted();
        Ok(())
    }

    /// Gives an entry of the lease back, if it is still there.
    pub(crate) async fn release(&self, id: &str, token: Token) -> Result<(), CacheError> {
        let keys = &self.shared.keys;
        let args = [&token.text()[..], keys.control().as_bytes(), id.as_bytes()];
        self.call(&scripts::RELEASE, &[&keys.lease(id)], &args).await.map(drop)
    }

    fn lease_ms(&self) -> String {
        self.shared.options.lease.as_millis().to_string()
    }
}

/// `held 12`: another reader fills, for 12 ms at most.
fn lease_result(answer: Value) -> Result<LeaseResult, CacheError> {
    let word = word(answer)?;
    Ok(match (word.as_str(), word.strip_prefix("held ")) {
        ("taken", _) => LeaseResult::Taken,
        (_, Some(left)) => LeaseResult::Held { left_ms: left.parse().unwrap_or(0) },
        _ => LeaseResult::Filled,
    })
}
