//! `Connection`: one pipelined connection to Redis, made when it is first needed and replaced when it breaks.
//!
//! Each worker has its own: commands of all its requests share the connection, so that nobody waits for a checkout, and
//! the task that drives it runs on the worker's own thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use deadpool_redis::redis::RedisResult;
use deadpool_redis::redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

use super::causes;
use super::endpoint::Endpoint;
use super::incarnation::Incarnation;
use crate::clock::now_ms;
use crate::connect_error::ConnectError;
use crate::error::CacheError;
use crate::redis_url::Address;

/// How much longer than cells have been valid a write may be ago, milliseconds: for what rounding takes away.
const MARGIN_MS: u64 = 5;
/// How far two machines' clocks may drift apart meanwhile: a 1,000th.
const DRIFT: u64 = 1_000;

/// Makes and counts the connections of all workers. They are few, one for each: it never queues.
pub(crate) type Pool = managed::Pool<Connector>;

/// Makes one connection.
pub(crate) struct Connector {
    endpoint: Endpoint,
    response_timeout: Duration,
}

/// A connection, and where it goes to.
pub(crate) struct Made {
    connection: MultiplexedConnection,
    at: Address,
    /// See [`Endpoint::moves`].
    moves: u64,
}

pub(crate) fn pool(endpoint: Endpoint, response_timeout: Duration) -> Pool {
    Pool::builder(Connector { endpoint, response_timeout })
        .max_size(usize::from(u16::MAX))
        .runtime(Runtime::Tokio1)
        .build()
        .expect("a pool with a runtime and no timeouts always builds")
}

impl managed::Manager for Connector {
    type Type = Made;
    type Error = ConnectError;

    async fn create(&self) -> Result<Made, ConnectError> {
        let moves = self.endpoint.moves();
        let (connection, at) = self.endpoint.connect(self.response_timeout).await?;
        Ok(Made { connection, at, moves })
    }

    async fn recycle(&self, _: &mut Made, _: &Metrics) -> RecycleResult<ConnectError> {
        Err(RecycleError::message("connections are used until they break"))
    }
}

/// Clones are one connection.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    /// Asked before a connection is used for the first time.
    incarnation: Arc<Incarnation>,
    /// How long a request waits for a connection that is being made. Making it takes as long as it takes.
    patience: Duration,
    slot: Mutex<Slot>,
    connecting: AtomicBool,
    changed: Notify,
    /// When a script that changes something was last sent, on the clock of this process; 0 if none was.
    wrote_at_ms: AtomicU64,
    /// Where it is announced that nothing is valid any more.
    control: String,
}

#[derive(Default)]
struct Slot {
    /// Checked out for as long as it works; [`Object::take`] gives its place in the pool back.
    current: Option<(u64, Object<Connector>)>,
    /// Counts the connections, so that a late failure of an old one does not end the new one.
    made: u64,
    last_error: Option<CacheError>,
    /// Name of the Redis that the last connection went to; empty before the first.
    redis: String,
}

impl Connection {
    pub(crate) fn new(pool: Pool, incarnation: Arc<Incarnation>, control: &str, patience: Duration) -> Self {
        let shared = Shared {
            pool,
            incarnation,
            patience,
            slot: Mutex::default(),
            connecting: AtomicBool::new(false),
            changed: Notify::new(),
            wrote_at_ms: AtomicU64::new(0),
            control: control.to_owned(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The connection and its number, made if there is none.
    pub(crate) async fn get(&self) -> Result<(u64, MultiplexedConnection), CacheError> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let changed = self.shared.changed.notified();
        self.connect_in_background();
        // It may have been made between the look and the wait.
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let waited = tokio::time::timeout(self.shared.patience, changed).await;
        match (self.current(), waited) {
            (Some(current), _) => Ok(current),
            (None, Ok(())) => {
                let error = self.slot().last_error.clone();
                Err(error.unwrap_or(CacheError::Timeout(self.shared.patience)))
            }
            (None, Err(_)) => Err(CacheError::Timeout(self.shared.patience)),
        }
    }

    /// Ends connection `number`; the next request makes another.
    pub(crate) fn discard(&self, number: u64) {
        let mut slot = self.slot();
        if slot.current.as_ref().is_some_and(|(current, _)| *current == number)
            && let Some((_, broken)) = slot.current.take()
        {
            drop(Object::take(broken));
        }
    }

    /// Something is changed by this connection now: what comes in the place of this Redis may not know of it.
    pub(crate) fn writes(&self) {
        self.shared.wrote_at_ms.store(now_ms(), Ordering::Release);
    }

    /// See [`Endpoint::moves`].
    pub(crate) fn moves(&self) -> u64 {
        self.shared.pool.manager().endpoint.moves()
    }

    /// Why there is no connection, once the attempt that is under way is over; `None` if there is one.
    pub(crate) async fn last_error(&self) -> Option<CacheError> {
        let changed = self.shared.changed.notified();
        if self.current().is_none() && self.shared.connecting.load(Ordering::Acquire) {
            changed.await;
        }
        let slot = self.slot();
        if slot.current.is_some() { None } else { slot.last_error.clone() }
    }

    fn current(&self) -> Option<(u64, MultiplexedConnection)> {
        let mut slot = self.slot();
        let (number, made) = slot.current.as_ref()?;
        if made.moves == self.moves() {
            return Some((*number, made.connection.clone()));
        }
        let (_, left) = slot.current.take()?;
        drop(Object::take(left));
        None
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        // The slot is whole between any two statements: a panic elsewhere leaves nothing half done.
        self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make(&self) -> Result<Object<Connector>, CacheError> {
        let made = self.shared.pool.get().await;
        let mut made = made.map_err(|error| {
            CacheError::Connect(match error {
                PoolError::Backend(error) => error,
                // It never queues, and is never closed.
                other => ConnectError::Refused { at: "the pool of connections".to_owned(), cause: other.to_string() },
            })
        })?;
        match self.recognize(&mut made.connection).await {
            Ok(()) => Ok(made),
            Err(error) => {
                let Made { at, .. } = Object::take(made);
                Err(causes::of_first_command(error, &at))
            }
        }
    }

    /// Looks which Redis it is. Where another one answers cells already while this process was still writing to the one before,
    /// what it wrote there is not known here: a cell filled meanwhile may be older.
    async fn recognize(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let Shared { incarnation, control, wrote_at_ms, .. } = &*self.shared;
        let now = incarnation.recognize(connection).await?;
        let before = self.slot().redis.clone();
        let (wrote_at_ms, is_another) = (wrote_at_ms.load(Ordering::Acquire), !before.is_empty() && before != now.name);
        let ago_ms = now_ms().saturating_sub(wrote_at_ms);
        let is_unknown_here =
            now.valid_for_ms.is_none_or(|valid_for_ms| ago_ms <= valid_for_ms + valid_for_ms / DRIFT + MARGIN_MS);
        if is_another && wrote_at_ms != 0 && is_unknown_here {
            incarnation.invalidate_all(connection, control).await?;
        }
        self.slot().redis = now.name;
        Ok(())
    }

    fn connect_in_background(&self) {
        if self.shared.connecting.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            let made = this.make().await;
            {
                let mut slot = this.slot();
                match made {
                    Ok(made) => {
                        slot.made += 1;
                        slot.current = Some((slot.made, made));
                    }
                    Err(error) => slot.last_error = Some(error),
                }
            }
            this.shared.connecting.store(false, Ordering::Release);
            this.shared.changed.notify_waiters();
        });
    }
}
