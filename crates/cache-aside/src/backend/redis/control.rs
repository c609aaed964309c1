//! What processes tell each other through Redis, besides cells: who leads the change stream, how far it is behind, from which
//! moment on cells are valid; and the walk over all cells.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{Value, cmd, from_redis_value};

use super::{RedisCache, Shared, scripts, word};
use crate::cell::ZeroPadded;
use crate::clock::after_every_clock_ms;
use crate::error::CacheError;
use crate::put::Token;
use crate::validity::Cause;

impl RedisCache {
    /// Some ids that the cache holds cells of, and the cursor with which to ask for more (Redis manual, "SCAN").
    pub(crate) async fn some_ids(&self, cursor: u64) -> Result<(u64, Vec<String>), CacheError> {
        let keys = &self.shared.keys;
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(keys.every_cell()).arg("COUNT").arg(100);
        let answer = self.run(async |mut connection| connection.send_packed_command(&scan).await).await?;
        let (cursor, names): (u64, Vec<String>) =
            from_redis_value(answer).map_err(|error| CacheError::Redis(Arc::new(error.into())))?;
        Ok((cursor, names.iter().filter_map(|name| keys.id(name)).collect()))
    }

    /// Claims the prefix for the store with this identity; `Some` is the store that is served under it right now.
    pub(crate) async fn claim(&self, identity: &str) -> Result<Option<String>, CacheError> {
        let Shared { keys, validity, .. } = &*self.shared;
        let valid_after_ms = after_every_clock_ms();
        let now: [u8; 14] = valid_after_ms.zero_padded();
        let names = [keys.store(), keys.lead(), keys.incarnation()];
        let args = [identity.as_bytes(), &now, keys.control().as_bytes()];
        let answer = word(self.call(&scripts::CLAIM, &names, &args).await?)?;
        if answer == "taken over" {
            validity.invalidate_before(valid_after_ms, Cause::Incarnation);
            tracing::warn!(identity, "the cache was filled from another store: nothing of that is served");
        }
        Ok((answer != "ours" && answer != "taken over").then_some(answer))
    }

    /// Takes the lead over the change stream if nobody has it, or keeps it.
    pub(crate) async fn lead(&self, token: Token) -> Result<bool, CacheError> {
        let Shared { keys, options, .. } = &*self.shared;
        let lead_ms = options.lead.as_millis().to_string();
        let taken = self.call(&scripts::LEAD, &[keys.lead()], &[&token.text(), lead_ms.as_bytes()]).await?;
        Ok(taken == Value::Int(1))
    }

    pub(crate) async fn release_lead(&self, token: Token) -> Result<(), CacheError> {
        self.call(&scripts::RESIGN, &[self.shared.keys.lead()], &[&token.text()]).await.map(drop)
    }

    pub(crate) async fn send_heartbeat(&self, lag: Duration) -> Result<(), CacheError> {
        let Shared { keys, validity, .. } = &*self.shared;
        let mut publish = cmd("PUBLISH");
        publish.arg(keys.control()).arg(format!("B{} {}", lag.as_millis(), validity.valid_after_ms()));
        self.run(async |mut connection| connection.send_packed_command(&publish).await).await.map(drop)
    }

    pub(crate) async fn invalidate_before(&self, at_ms: u64) -> Result<(), CacheError> {
        let Shared { keys, validity, .. } = &*self.shared;
        validity.invalidate_before(at_ms, Cause::ChangeStream);
        let at: [u8; 14] = at_ms.zero_padded();
        self.call(&scripts::INVALIDATE_BEFORE, &[keys.incarnation()], &[&at, keys.control().as_bytes()]).await.map(drop)
    }
}
