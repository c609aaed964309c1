//! Changes of a store as a test tells them, and an engine that follows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{Change, ChangeSource, ChangeStream};
use tokio::sync::broadcast;

/// The changes of a [`FakeStore`], as a test tells them.
#[derive(Clone)]
pub(crate) struct FakeChanges {
    pub(crate) tell: broadcast::Sender<Change>,
    complete: bool,
    lag: Duration,
    pub(crate) failing: Arc<AtomicBool>,
    /// Whether nothing is told of any more, not even that there is nothing.
    pub(crate) silent: Arc<AtomicBool>,
    /// Whether there is always a next change, once there was one. Of a stream that is behind.
    busy: Arc<AtomicBool>,
    pub(crate) opened: Arc<AtomicU64>,
}

/// The store does not answer, or the test is over.
#[derive(Debug)]
pub(crate) struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the store does not answer")
    }
}

impl std::error::Error for Failed {}

pub(crate) struct FakeStream {
    silent: Arc<AtomicBool>,
    busy: Arc<AtomicBool>,
    changes: broadcast::Receiver<Change>,
    complete: bool,
    lag: Duration,
}

impl FakeChanges {
    pub(crate) fn new(complete: bool) -> Self {
        Self {
            tell: broadcast::channel(1_000).0,
            complete,
            lag: Duration::ZERO,
            failing: Arc::default(),
            silent: Arc::default(),
            busy: Arc::default(),
            opened: Arc::default(),
        }
    }

    /// A stream that cannot be opened.
    pub(crate) fn failing() -> Self {
        let changes = Self::new(true);
        changes.failing.store(true, Ordering::SeqCst);
        changes
    }

    /// So far behind the store.
    pub(crate) fn behind(lag: Duration) -> Self {
        Self { lag, ..Self::new(true) }
    }

    pub(crate) fn tell(&self, change: Change) {
        self.tell.send(change).unwrap();
    }
}

impl ChangeSource for FakeChanges {
    type Stream = FakeStream;
    type Error = Failed;

    async fn open(&self, _name: Option<&str>) -> Result<FakeStream, Failed> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(Failed);
        }
        self.opened.fetch_add(1, Ordering::SeqCst);
        let (silent, busy) = (Arc::clone(&self.silent), Arc::clone(&self.busy));
        Ok(FakeStream { silent, busy, changes: self.tell.subscribe(), complete: self.complete, lag: self.lag })
    }
}

impl ChangeStream for FakeStream {
    type Error = Failed;

    fn is_complete(&self) -> bool {
        self.complete
    }

    async fn next(&mut self) -> Result<Option<Change>, Failed> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let quiet = Duration::from_millis(if self.busy.load(Ordering::SeqCst) { 60_000 } else { 20 });
        match tokio::time::timeout(quiet, self.changes.recv()).await {
            Ok(change) => {
                self.busy.fetch_or(!self.lag.is_zero(), Ordering::SeqCst);
                change.map(Some).map_err(|_| Failed)
            }
            Err(_) => Ok(None),
        }
    }

    fn lag(&self) -> Duration {
        self.lag
    }

    async fn save(&mut self) -> Result<(), Failed> {
        Ok(())
    }
}

/// An engine that follows the changes.
macro_rules! following {
    ($over:expr, $store:expr, $changes:expr) => {{
        let engine = start(builder(&url($over), &$store, options()).follow_changes($changes.clone()));
        assert!(engine.wait_until_live(Duration::from_secs(60)).await);
        engine
    }};
}
pub(crate) use following;

pub(crate) fn written(id: &str, version: u64) -> Change {
    Change::Written { id: id.to_owned(), version }
}
