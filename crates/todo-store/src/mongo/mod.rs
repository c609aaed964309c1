//! Todos in MongoDB.
//!
//! - `open`: connecting, the clock, the unique index. `updates`: the pipelines that set versions.
//! - `single`: operations on one todo. `bulk`: on many. `raw`: on documents as bytes, `unreadable`: those that are not UTF-8. `changes`: the change stream; `event`: one of its events; `seen`: which of
//!   its versions are new. `election`: which primary there is.
//! - `failures`: what the driver's errors mean.

mod bulk;
mod changes;
mod election;
mod event;
mod failures;
mod open;
mod raw;
mod seen;
mod single;
mod unreadable;
mod updates;

use std::future::Future;
use std::time::Duration;

use mongodb::bson::RawDocumentBuf;
use mongodb::error::Error;
use mongodb::{Collection, Database};
use tokio::time::Instant;

pub(crate) use self::changes::MongoChanges;
use self::election::Primaries;
use self::failures::Doing;
use self::updates::Clock;
use crate::error::StoreError;

/// Clones share the driver's connections.
#[derive(Debug, Clone)]
pub(crate) struct MongoStore {
    database: Database,
    todos: Collection<RawDocumentBuf>,
    clock: Clock,
    primaries: Primaries,
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

    /// Whether the server answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let ping = self.database.run_command(mongodb::bson::doc! { "ping": 1 });
        within(self.timeout, Doing::Read, ping.into_future()).await.map(drop)
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
        doing: Doing,
        step: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, StoreError> {
        tokio::time::timeout_at(self.at, step).await.map_err(|_| failures::too_late(self.allowed, doing))
    }

    async fn run<T>(self, doing: Doing, step: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        self.bare(doing, step).await?.map_err(|error| failures::meaning(error, doing))
    }
}

/// Runs an operation of one step with its deadline.
async fn within<T>(
    deadline: Duration,
    doing: Doing,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    Deadline::after(deadline).run(doing, operation).await
}
