//! Which Redis this is. One that was restarted, or another in its place, may bring back cells that were replaced since:
//! nothing filled before is believed, and that is known before the first command on a connection.

use std::sync::Arc;

use deadpool_redis::redis::aio::ConnectionLike;
use deadpool_redis::redis::{ErrorKind, RedisError, RedisResult, cmd};

use super::scripts::{self, By};
use crate::cell::ZeroPadded;
use crate::freshness::now_ms;
use crate::trust::Trust;

/// Recognizes the Redis at the other end of a new connection.
pub(crate) struct Incarnation {
    /// Where the Redis itself keeps which one it is: empty, old or another's if it is not the one it was.
    pub(crate) key: String,
    pub(crate) trust: Arc<Trust>,
}

impl Incarnation {
    /// Compares `run_id` and `master_replid` (Redis manual, "INFO") with what is kept in the data: the first changes with
    /// every start of the server, the second when another server's data took the place of its own.
    pub(crate) async fn recognize(&self, connection: &mut impl ConnectionLike) -> RedisResult<()> {
        let server: String = cmd("INFO").arg("server").query_async(connection).await?;
        let replication: String = cmd("INFO").arg("replication").query_async(connection).await?;
        if field(&replication, "role") == "slave" {
            return Err(RedisError::from((ErrorKind::InvalidClientConfig, "it is a replica, which may be behind")));
        }
        let name = format!("{} {}", field(&server, "run_id"), field(&replication, "master_replid"));
        let now: [u8; 14] = now_ms().zero_padded();
        let adopt = scripts::ADOPT.call(By::Text, &[&self.key], &[name.as_bytes(), &now]);
        let since: String = adopt.query_async(connection).await?;
        self.trust.distrust_before(since.parse().unwrap_or_else(|_| now_ms()));
        Ok(())
    }
}

fn field<'a>(info: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    info.lines().find_map(value).unwrap_or_default()
}
