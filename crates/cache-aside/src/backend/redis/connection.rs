//! `Connection`: one pipelined connection to Redis, made when it is first needed and replaced when it breaks.
//!
//! Each worker has its own: commands of all its requests share the connection, so that nobody waits for a checkout, and
//! the task that drives it runs on the worker's own thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_redis::Pool;
use deadpool_redis::redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

use super::incarnation::Incarnation;
use crate::error::CacheError;

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
}

#[derive(Default)]
struct Slot {
    /// Checked out for as long as it works; [`deadpool_redis::Connection::take`] gives its place in the pool back.
    current: Option<(u64, deadpool_redis::Connection)>,
    /// Counts the connections, so that a late failure of an old one does not end the new one.
    made: u64,
    last_error: Option<CacheError>,
}

impl Connection {
    pub(crate) fn new(pool: Pool, incarnation: Arc<Incarnation>, patience: Duration) -> Self {
        let shared = Shared {
            pool,
            incarnation,
            patience,
            slot: Mutex::default(),
            connecting: AtomicBool::new(false),
            changed: Notify::new(),
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
            drop(deadpool_redis::Connection::take(broken));
        }
    }

    fn current(&self) -> Option<(u64, MultiplexedConnection)> {
        self.slot().current.as_ref().map(|(number, connection)| (*number, MultiplexedConnection::clone(connection)))
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        // The slot is whole between any two statements: a panic elsewhere leaves nothing half done.
        self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make(&self) -> Result<deadpool_redis::Connection, CacheError> {
        let made = self.shared.pool.get().await;
        let mut connection = made.map_err(|error| CacheError::Connect(Arc::new(error)))?;
        match self.shared.incarnation.recognize(&mut connection).await {
            Ok(()) => Ok(connection),
            Err(error) => {
                drop(deadpool_redis::Connection::take(connection));
                Err(CacheError::Redis(Arc::new(error)))
            }
        }
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
                    Ok(connection) => {
                        slot.made += 1;
                        slot.current = Some((slot.made, connection));
                    }
                    Err(error) => slot.last_error = Some(error),
                }
            }
            this.shared.connecting.store(false, Ordering::Release);
            this.shared.changed.notify_waiters();
        });
    }
}
