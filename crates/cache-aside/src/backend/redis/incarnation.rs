//! Which Redis this is. One that was restarted, or another in its place, may bring back cells that were replaced since:
//! nothing filled before is served, and that is known before the first command on a connection.

use std::sync::Arc;

use deadpool_redis::redis::RedisResult;
use deadpool_redis::redis::aio::ConnectionLike;

use super::scripts::{self, By};
use crate::cell::ZeroPadded;
use crate::clock::{now_ms, time_of_day};
use crate::validity::{Cause, Validity};

/// Recognizes the Redis at the other end of a new connection.
pub(crate) struct Incarnation {
    /// Where the Redis itself keeps which one it is: empty, old or another's if it is not the one it was.
    pub(crate) key: String,
    pub(crate) validity: Arc<Validity>,
}

impl Incarnation {
    /// One round trip, which also refuses a replica: it may be behind.
    pub(crate) async fn recognize(&self, connection: &mut impl ConnectionLike) -> RedisResult<()> {
        let now: [u8; 14] = now_ms().zero_padded();
        let since: String = scripts::ADOPT.call(By::Text, &[&self.key], &[&now]).query_async(connection).await?;
        let valid_after_ms = since.parse().unwrap_or_else(|_| now_ms());
        if valid_after_ms > self.validity.valid_after_ms() {
            tracing::info!(
                "cells filled before {} are not served: Redis is new, or was restarted",
                time_of_day(valid_after_ms)
            );
        }
        self.validity.invalidate_before(valid_after_ms, Cause::Incarnation);
        Ok(())
    }
}
