//! Todos in MongoDB.
//!
//! - `open`: connecting, the clock, the unique index; `files`: certificates and passwords. `updates`: the pipelines that set versions; `clock`: which count.
//! - `single`: operations on one todo; `transaction`: its create under an id of the client's. `bulk`: on many. `raw`: on documents as bytes, `unreadable`: those that
//!   are not UTF-8.
//! - `replacement`: a whole collection in the place of another.
//! - `changes`: the change stream; `reader` reads it ahead; `event`: one of its events; `known_versions`: which of its
//!   versions are new; `foreign`: documents and collections of other origin. `resume_point`:
//!   where a watcher goes on. `election`: which primary there is.
//! - `hot_ids`: which ids are read most, for a cache that is empty. `rights`: what a service needs and would not get.
//! - `errors`: what the driver's errors mean. `connected`: whether an operation can have happened at all.

mod bulk;
mod changes;
mod clock;
mod connected;
mod election;
mod errors;
mod event;
mod files;
mod foreign;
mod hot_ids;
pub(crate) mod identity;
mod known_versions;
mod open;
mod raw;
mod reader;
mod replacement;
mod resume_point;
mod rights;
mod single;
mod transaction;
mod unreadable;
mod updates;

use std::future::Future;
use std::time::Duration;

use mongodb::bson::RawDocumentBuf;
use mongodb::error::Error;
use mongodb::{Collection, Database};
use tokio::time::Instant;

pub(crate) use self::changes::MongoChanges;
use self::clock::Reached;
use self::connected::Connections;
use self::election::Primaries;
use self::errors::OpKind;
pub(crate) use self::replacement::MongoReplacement;
use self::updates::Clock;
use crate::error::StoreError;

/// Clones share the driver's connections.
#[derive(Debug, Clone)]
pub(crate) struct MongoStore {
    /// Names the collection, whatever way it was reached.
    pub(crate) identity: String,
    database: Database,
    todos: Collection<RawDocumentBuf>,
    clock: Clock,
    reached: Reached,
    primaries: Primaries,
    connections: Connections,
    /// The server's clock less this machine's, seconds.
    clock_ahead: i64,
    timeout: Duration,
    bulk_timeout: Duration,
}

impl MongoStore {
    /// A standalone server has no log that could be watched.
    pub(crate) fn has_changes(&self) -> bool {
        self.clock == Clock::Cluster
    }

    /// Connections to the servers that are open, without those that watch them.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.open()
    }

    /// Whether the server answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let ping = self.database.run_command(mongodb::bson::doc! { "ping": 1 });
        within(self.timeout, OpKind::Read, ping.into_future()).await.map(drop)
    }
}

/// When an operation must be over, however many steps it takes.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    fn after(allowed: Duration) -> Self {
        Self { at: Instant::now() + allowed, allowed }
    }

    /// Runs one step, and lets the caller look at the driver's own error.
    async fn bare<T>(
        self,
        kind: OpKind,
        step: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, StoreError> {
        let step = tokio::time::timeout_at(self.at, step);
        if kind == OpKind::Read {
            return step.await.map_err(|_| errors::too_late(self.allowed, kind));
        }
        let (done, connected) = connected::watched(step).await;
        match done {
            Err(_) if !connected => Err(errors::never_begun(self.allowed)),
            Err(_) => Err(errors::too_late(self.allowed, kind)),
            Ok(Err(error)) if !connected => match errors::classify(error.clone(), kind) {
                StoreError::UnknownOutcome(cause) => Err(StoreError::Unavailable(cause)),
                _ => Ok(Err(error)),
            },
            Ok(done) => Ok(done),
        }
    }

    async fn run<T>(self, kind: OpKind, step: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        self.bare(kind, step).await?.map_err(|error| errors::classify(error, kind))
    }
}

/// Runs an operation of one step with its deadline.
async fn within<T>(
    deadline: Duration,
    kind: OpKind,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    Deadline::after(deadline).run(kind, operation).await
}
