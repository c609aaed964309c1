//! Which Redis this is, and what its clock shows. One that was restarted, or another in its place, may bring back cells that
//! were replaced since: nothing filled before is served, and that is known before the first command on a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_redis::redis::aio::ConnectionLike;
use deadpool_redis::redis::{ErrorKind, RedisError, RedisResult};

use super::keys::Keys;
use super::scripts::{self, By};
use super::topology::{Part, View};
use crate::cell::ZeroPadded;
use crate::clock::{Sample, now_ms, now_us, time_of_day};
use crate::timeline::Timeline;
use crate::validity::Cause;

/// The names of a Redis whose user may not ask for its name, alone and in a cluster.
const NAMELESS: [&str; 2] = ["unknown", "unknown unknown"];

/// Recognizes the Redis at the other end of a connection.
pub(crate) struct Incarnation {
    /// By its keys the Redis itself keeps which one it is: empty, old or another's if it is not the one it was.
    keys: Keys,
    place: Place,
    timeline: Arc<Timeline>,
    /// Which Redis it was at the last look; empty before the first.
    name: Mutex<String>,
}

/// Whether a server has everything, or is one of a cluster.
pub(crate) enum Place {
    Alone,
    Part(Arc<Part>),
}

impl Place {
    /// Which server of a cluster it is.
    pub(crate) fn address(&self) -> Option<&str> {
        match self {
            Self::Alone => None,
            Self::Part(part) => Some(part.address()),
        }
    }
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
    /// Slots that it has, as text, if it is one of a cluster.
    slots: Option<String>,
    /// Microseconds since 1970; `None` if the user may not ask.
    time_us: Option<u64>,
}

impl Incarnation {
    pub(crate) fn new(keys: Keys, place: Place, timeline: Arc<Timeline>) -> Self {
        Self { keys, place, timeline, name: Mutex::default() }
    }

    /// Whether some connection was made already.
    pub(crate) fn is_known(&self) -> bool {
        !self.name().is_empty()
    }

    /// One round trip on a new connection, which also refuses a replica: it may be behind.
    pub(crate) async fn recognize(&self, connection: &mut impl ConnectionLike) -> RedisResult<Recognized> {
        let known = self.name().clone();
        self.look(connection, if NAMELESS.contains(&&*known) { String::new() } else { known })
            .await
            .map(|(recognized, _)| recognized)
    }

    /// The same while it is in use: what is valid now, and one more sample of its clock. What it says of the cluster, if it is
    /// one of one.
    pub(crate) async fn look_again(&self, connection: &mut impl ConnectionLike) -> RedisResult<Option<View>> {
        let known = self.name().clone();
        self.look(connection, known).await.map(|(_, view)| view)
    }

    /// The key of what is written only to find out whether it can be, in a slot that the server has; `None` while it has none.
    pub(crate) fn probe(&self) -> Option<String> {
        match &self.place {
            Place::Alone => Some(self.keys.probe().to_owned()),
            Place::Part(part) => part.key().map(|of_same_tag| of_same_tag + ":probe"),
        }
    }

    /// No cell filled before now is valid any more, in any process.
    pub(crate) async fn invalidate_all(&self, connection: &mut impl ConnectionLike, control: &str) -> RedisResult<()> {
        let (key, words) = match &self.place {
            Place::Alone => (self.keys.incarnation().to_owned(), "D".to_owned()),
            Place::Part(part) => match part.key() {
                Some(key) => (key, part.words()),
                // Nothing of it is valid anyway.
                None => return Ok(()),
            },
        };
        let now: [u8; 14] = now_ms().zero_padded();
        let args = [&now[..], control.as_bytes(), words.as_bytes()];
        let moment: String = scripts::INVALIDATE_BEFORE.call(By::Text, &[&key], &args).query_async(connection).await?;
        let at_ms = moment.parse().unwrap_or_else(|_| self.timeline.clock.now().ms + 1);
        tracing::info!(
            server = self.place.address(),
            "cells filled before {} are not served: another Redis took the place of the one that the last writes went to",
            time_of_day(at_ms)
        );
        self.timeline.invalidate_before(at_ms, Cause::Incarnation);
        Ok(())
    }

    async fn look(
        &self,
        connection: &mut impl ConnectionLike,
        known: String,
    ) -> RedisResult<(Recognized, Option<View>)> {
        match &self.place {
            Place::Alone => Ok((self.look_at(connection, self.keys.incarnation(), &known).await?, None)),
            Place::Part(part) => {
                let asked_us = now_us();
                let (view, said_us) = part.ask(connection).await?;
                let sample = said_us.map(|said_us| Sample { asked_us, said_us, answered_us: now_us() });
                Ok((self.look_at_part(connection, part, &view, sample, &known).await?, Some(view)))
            }
        }
    }

    async fn look_at_part(
        &self,
        connection: &mut impl ConnectionLike,
        part: &Part,
        view: &View,
        sample: Option<Sample>,
        known: &str,
    ) -> RedisResult<Recognized> {
        let mut refused = None;
        for tag in view.own_tags() {
            match self.look_at(connection, &self.keys.incarnation_of_part(&view.id, tag), known).await {
                // That slot is being moved right now.
                Err(error) if matches!(error.code(), Some("MOVED" | "ASK" | "TRYAGAIN")) => refused = Some(error),
                done => return done,
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        // It has no slot, and so nothing to keep anything in: nothing of it is valid.
        part.learn_slots("", None, &self.timeline);
        if let Some(sample) = sample {
            self.timeline.clock.learn(sample, known.is_empty());
        }
        Ok(Recognized { name: self.name().clone(), valid_for_ms: None })
    }

    async fn look_at(&self, connection: &mut impl ConnectionLike, key: &str, known: &str) -> RedisResult<Recognized> {
        let believed_ms = self.timeline.valid_after_ms();
        let (now, believed): ([u8; 14], [u8; 14]) = (now_ms().zero_padded(), believed_ms.zero_padded());
        let adopt = match &self.place {
            Place::Alone => scripts::ADOPT.call(By::Text, &[key], &[&now, known.as_bytes(), &believed]),
            Place::Part(part) => {
                let (slots, latest, lifetime_ms) = (part.slots(), part.latest_ms(), part.lifetime_ms());
                let latest: [u8; 14] = latest.zero_padded();
                let args = [&now[..], known.as_bytes(), &believed, slots.as_bytes(), &latest, lifetime_ms.as_bytes()];
                scripts::ADOPT_PART.call(By::Text, &[key], &args)
            }
        };
        let asked_us = now_us();
        let mut said: Vec<String> = adopt.query_async(connection).await?;
        let answered_us = now_us();
        let emptied = said.len() > 2 && said.remove(2) == "1";
        let slots = (matches!(self.place, Place::Part(_)) && said.len() > 2).then(|| said.remove(2));
        let said = Said::read(said, slots)?;
        let another = std::mem::replace(&mut *self.name(), said.name.clone()) != said.name;
        if let Some(said_us) = said.time_us {
            self.timeline.clock.learn(Sample { asked_us, said_us, answered_us }, another);
        }
        self.adopt(believed_ms, &said, another);
        if emptied {
            self.timeline.note_emptied();
        }
        if let (Place::Part(part), Some(slots)) = (&self.place, &said.slots) {
            part.learn_slots(slots, Some(key), &self.timeline);
        }
        let valid_for_ms = said.time_us.map(|us| (us / 1_000).saturating_sub(said.valid_after_ms));
        Ok(Recognized { name: said.name, valid_for_ms })
    }

    fn adopt(&self, believed_ms: u64, said: &Said, another: bool) {
        let at_ms = said.valid_after_ms;
        if another && at_ms > believed_ms {
            tracing::info!(
                server = self.place.address(),
                "cells filled before {} are not served: Redis is new, or was restarted",
                time_of_day(at_ms)
            );
        }
        let soon_ms = self.timeline.clock.now().ms + 1;
        if said.time_us.is_some() && at_ms <= soon_ms && soon_ms < believed_ms {
            // What was believed may be of this process alone: whatever was filled until now is of before.
            if self.timeline.correct(believed_ms, soon_ms) {
                tracing::info!(
                    server = self.place.address(),
                    "the clock of Redis was set back, or another is there now: cells filled before {} are not served",
                    time_of_day(soon_ms)
                );
            }
        } else {
            let cause = if another { Cause::Incarnation } else { Cause::Announcement };
            self.timeline.invalidate_before(at_ms, cause);
        }
    }

    fn name(&self) -> MutexGuard<'_, String> {
        // Replaced as a whole: a panic elsewhere leaves it so.
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn read(answer: Vec<String>, slots: Option<String>) -> RedisResult<Self> {
        let read = || {
            let time_us = match &answer[2..] {
                [seconds, us] => {
                    let (seconds, us): (u64, u64) = (seconds.parse().ok()?, us.parse().ok()?);
                    Some(seconds.checked_mul(1_000_000)?.checked_add(us)?)
                }
                _ => None,
            };
            Some(Self { valid_after_ms: answer[0].parse().ok()?, name: answer[1].clone(), slots, time_us })
        };
        (answer.len() >= 2)
            .then(read)
            .flatten()
            .ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "Redis did not say which one it is")))
    }
}
