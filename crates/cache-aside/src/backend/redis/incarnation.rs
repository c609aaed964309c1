//! Which Redis this is, and what its clock shows. One that was restarted, or another in its place, may bring back cells that
//! were replaced since: nothing filled before is served, and that is known before the first command on a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_redis::redis::aio::ConnectionLike;
use deadpool_redis::redis::{ErrorKind, RedisError, RedisResult};

use super::scripts::{self, By};
use crate::cell::ZeroPadded;
use crate::clock::{Clock, Sample, now_ms, now_us, time_of_day};
use crate::validity::{Cause, Validity};

/// The name of a Redis whose user may not ask for its name.
const NAMELESS: &str = "unknown";

/// Recognizes the Redis at the other end of a connection.
pub(crate) struct Incarnation {
    /// Where the Redis itself keeps which one it is: empty, old or another's if it is not the one it was.
    key: String,
    validity: Arc<Validity>,
    clock: Arc<Clock>,
    /// Which Redis it was at the last look; empty before the first.
    name: Mutex<String>,
}

/// The Redis at the other end of a connection.
pub(crate) struct Recognized {
    pub(crate) name: String,
    /// How long cells that are filled in it have been valid, by its own clock; `None` if the user may not ask.
    pub(crate) valid_for_ms: Option<u64>,
}

/// What Redis says of itself: see `adopt.lua`.
struct Said {
    valid_after_ms: u64,
    name: String,
    /// Microseconds since 1970; `None` if the user may not ask.
    time_us: Option<u64>,
}

impl Incarnation {
    pub(crate) fn new(key: String, validity: Arc<Validity>, clock: Arc<Clock>) -> Self {
        Self { key, validity, clock, name: Mutex::default() }
    }

    /// Whether some connection was made already.
    pub(crate) fn is_known(&self) -> bool {
        !self.name().is_empty()
    }

    /// One round trip on a new connection, which also refuses a replica: it may be behind.
    pub(crate) async fn recognize(&self, connection: &mut impl ConnectionLike) -> RedisResult<Recognized> {
        let known = self.name().clone();
        self.look(connection, if known == NAMELESS { String::new() } else { known }).await
    }

    /// The same while it is in use: what is valid now, and one more sample of its clock.
    pub(crate) async fn look_again(&self, connection: &mut impl ConnectionLike) -> RedisResult<()> {
        let known = self.name().clone();
        self.look(connection, known).await.map(drop)
    }

    /// No cell filled before now is valid any more, in any process.
    pub(crate) async fn invalidate_all(&self, connection: &mut impl ConnectionLike, control: &str) -> RedisResult<()> {
        let now: [u8; 14] = now_ms().zero_padded();
        let call = scripts::INVALIDATE_BEFORE.call(By::Text, &[&self.key], &[&now, control.as_bytes()]);
        let moment: String = call.query_async(connection).await?;
        let at_ms = moment.parse().unwrap_or_else(|_| self.clock.now().ms + 1);
        tracing::info!(
            "cells filled before {} are not served: another Redis took the place of the one that the last writes went to",
            time_of_day(at_ms)
        );
        self.validity.invalidate_before(at_ms, Cause::Incarnation);
        Ok(())
    }

    async fn look(&self, connection: &mut impl ConnectionLike, known: String) -> RedisResult<Recognized> {
        let believed_ms = self.validity.valid_after_ms();
        let (now, believed): ([u8; 14], [u8; 14]) = (now_ms().zero_padded(), believed_ms.zero_padded());
        let adopt = scripts::ADOPT.call(By::Text, &[&self.key], &[&now, known.as_bytes(), &believed]);
        let asked_us = now_us();
        let said = Said::read(adopt.query_async(connection).await?)?;
        let answered_us = now_us();
        let another = std::mem::replace(&mut *self.name(), said.name.clone()) != said.name;
        if let Some(said_us) = said.time_us {
            self.clock.learn(Sample { asked_us, said_us, answered_us }, another);
        }
        self.adopt(believed_ms, &said, another);
        let valid_for_ms = said.time_us.map(|us| (us / 1_000).saturating_sub(said.valid_after_ms));
        Ok(Recognized { name: said.name, valid_for_ms })
    }

    fn adopt(&self, believed_ms: u64, said: &Said, another: bool) {
        let at_ms = said.valid_after_ms;
        if another && at_ms > believed_ms {
            tracing::info!("cells filled before {} are not served: Redis is new, or was restarted", time_of_day(at_ms));
        }
        let soon_ms = self.clock.now().ms + 1;
        if said.time_us.is_some() && at_ms <= soon_ms && soon_ms < believed_ms {
            // What was believed may be of this process alone: whatever was filled until now is of before.
            if self.validity.correct(believed_ms, soon_ms) {
                tracing::info!(
                    "the clock of Redis was set back, or another is there now: cells filled before {} are not served",
                    time_of_day(soon_ms)
                );
            }
        } else {
            let cause = if another { Cause::Incarnation } else { Cause::Announcement };
            self.validity.invalidate_before(at_ms, cause);
        }
    }

    fn name(&self) -> MutexGuard<'_, String> {
        // Replaced as a whole: a panic elsewhere leaves it so.
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn read(answer: Vec<String>) -> RedisResult<Self> {
        let read = || {
            let time_us = match &answer[2..] {
                [seconds, us] => {
                    let (seconds, us): (u64, u64) = (seconds.parse().ok()?, us.parse().ok()?);
                    Some(seconds.checked_mul(1_000_000)?.checked_add(us)?)
                }
                _ => None,
            };
            Some(Self { valid_after_ms: answer[0].parse().ok()?, name: answer[1].clone(), time_us })
        };
        (answer.len() >= 2)
            .then(read)
            .flatten()
            .ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "Redis did not say which one it is")))
    }
}
