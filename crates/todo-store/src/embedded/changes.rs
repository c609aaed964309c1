//! What was written is told to whoever watches, in this process: no other has the file open.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

use super::EmbeddedStore;
use crate::change::Change;
use crate::error::StoreError;

/// Changes that a watcher may be behind before it is told that it missed some.
const KEPT: usize = 65_536;
/// How long a watcher waits before it is told that there is nothing.
const QUIET: Duration = Duration::from_millis(250);

/// A watcher.
pub(crate) struct EmbeddedChanges(Receiver<Change>);

/// Where the writer sends changes, once they are committed.
pub(crate) fn channel() -> Sender<Change> {
    broadcast::channel(KEPT).0
}

impl EmbeddedStore {
    pub(crate) fn changes(&self) -> EmbeddedChanges {
        EmbeddedChanges(self.changes.subscribe())
    }
}

impl EmbeddedChanges {
    pub(crate) async fn next(&mut self) -> Result<Option<Change>, StoreError> {
        match tokio::time::timeout(QUIET, self.0.recv()).await {
            Err(_) => Ok(None),
            Ok(Ok(change)) => Ok(Some(change)),
            Ok(Err(RecvError::Lagged(_))) => Ok(Some(Change::Unknown)),
            Ok(Err(error @ RecvError::Closed)) => Err(super::failed(error)),
        }
    }
}
