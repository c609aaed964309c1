//! Whether Redis is there, takes writes, and why not.

use deadpool_redis::redis::cmd;

use super::RedisCache;
use crate::connect_error::ConnectError;
use crate::engine::Health;
use crate::error::CacheError;
use crate::stats::BreakerState;

impl RedisCache {
    /// Asks Redis whether it is there.
    pub(crate) async fn health(&self) -> Health {
        match self.ping().await {
            Ok(()) if self.write_refusal().is_some() => Health::ReadOnly,
            Ok(()) => Health::Up,
            Err(_) => Health::Down,
        }
    }

    pub(crate) fn breaker_state(&self) -> BreakerState {
        self.shared.breaker.state()
    }

    /// Asks whether Redis answers, whatever the breaker thinks; an answer closes it. Where it refused writes, it is asked
    /// for one.
    pub(crate) async fn ping(&self) -> Result<(), CacheError> {
        let ping = cmd("PING");
        let answer = self.attempt(async |mut connection| connection.send_packed_command(&ping).await).await;
        answer.inspect_err(|error| self.shared.breaker.open(error))?;
        if self.write_refusal().is_some() && self.try_to_write().await.is_ok() {
            self.shared.refusals.over();
        }
        Ok(())
    }

    /// Why there is no connection; `None` while there is one, and before one was needed.
    pub(crate) async fn connect_error(&self) -> Option<ConnectError> {
        match self.connection.last_error().await? {
            CacheError::Connect(error) => Some(error),
            _ => None,
        }
    }

    /// Why Redis refuses writes although it answers reads, in its own words.
    pub(crate) fn write_refusal(&self) -> Option<String> {
        self.shared.refusals.cause()
    }
}
