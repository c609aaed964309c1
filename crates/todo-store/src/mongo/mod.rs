//! Todos in MongoDB.
//!
//! - [`open`]: connecting, the clock, the unique index. `updates`: the pipelines that set versions.
//! - `single`: operations on one todo. `bulk`: on many. `failures`: what the driver's errors mean.

mod bulk;
mod failures;
mod open;
mod single;
mod updates;

use std::future::Future;
use std::time::Duration;

use mongodb::bson::RawDocumentBuf;
use mongodb::error::Error;
use mongodb::{Collection, Database};

use self::failures::Doing;
use self::updates::Clock;
use crate::error::StoreError;

/// Clones share the driver's connections.
#[derive(Debug, Clone)]
pub(crate) struct MongoStore {
    database: Database,
    todos: Collection<RawDocumentBuf>,
    clock: Clock,
    /// The server's clock less this machine's, seconds.
    clock_ahead: i64,
    timeout: Duration,
    bulk_timeout: Duration,
}

impl MongoStore {
    /// Whether the server answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let ping = self.database.run_command(mongodb::bson::doc! { "ping": 1 });
        within(self.timeout, Doing::Read, ping.into_future()).await.map(drop)
    }
}

/// Runs an operation with its deadline.
async fn within<T>(
    deadline: Duration,
    doing: Doing,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(deadline, operation).await {
        Ok(result) => result.map_err(|error| failures::meaning(error, doing)),
        Err(_) => Err(failures::too_late(deadline, doing)),
    }
}
