//! Whether an operation ever had a connection. One that had none was never sent, whatever it waited for: a place in the pool,
//! a handshake, a primary. So nobody need wonder whether it happened. Of a transaction only its commit counts. And how many
//! connections there are.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;

tokio::task_local! {
    /// Set by the driver's event, which comes in the task of the operation that the connection is for.
    static CONNECTED: Connected;
}

/// Connections in the driver's pools. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    created: AtomicU64,
    closed: AtomicU64,
}

impl Connections {
    /// To be told by the driver of what its pools do.
    pub(super) fn handler(&self) -> EventHandler<CmapEvent> {
        let counted = Arc::clone(&self.0);
        EventHandler::callback(move |event| match event {
            CmapEvent::ConnectionCheckedOut(_) => {
                let _ = CONNECTED.try_with(|connected| connected.note_one());
            }
            CmapEvent::ConnectionCreated(_) => drop(counted.created.fetch_add(1, Ordering::Relaxed)),
            CmapEvent::ConnectionClosed(_) => drop(counted.closed.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        })
    }

    /// How many there are.
    pub(super) fn open(&self) -> u64 {
        // In this order: one that is closed in between counts as open, and none twice as closed.
        let closed = self.0.closed.load(Ordering::Relaxed);
        self.0.created.load(Ordering::Relaxed).saturating_sub(closed)
    }
}

/// Whether one operation may have happened. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Connected(Arc<AtomicU8>);

/// It had a connection.
const HAD_ONE: u8 = 1;
/// Nobody waits for it any more.
const GIVEN_UP: u8 = 2;

impl Connected {
    /// Of the operation that this task is in; one of its own where nobody asks.
    pub(super) fn of_this_operation() -> Self {
        CONNECTED.try_with(Self::clone).unwrap_or_default()
    }

    /// Runs a part of the operation, perhaps in another task.
    pub(super) fn noting<F: Future>(self, part: F) -> impl Future<Output = F::Output> {
        CONNECTED.scope(self, part)
    }

    /// Whether it had a connection.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire) & HAD_ONE != 0
    }

    /// Begins the commit of a transaction, by which alone it happens. False if it was given up: whoever asked for it was told that
    /// it did not happen.
    pub(super) fn begin_commit(&self) -> bool {
        let step = |state| (state & GIVEN_UP == 0).then_some(state | HAD_ONE);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).is_ok()
    }

    fn note_one(&self) {
        self.0.fetch_or(HAD_ONE, Ordering::AcqRel);
    }

    fn give_up(&self) -> bool {
        self.0.fetch_or(GIVEN_UP, Ordering::AcqRel) & HAD_ONE != 0
    }
}

/// What the operation comes to, and whether it may have happened, should it have come to nothing.
pub(super) async fn watched<T>(operation: impl Future<Output = T>) -> (T, bool) {
    let connected = Connected::default();
    let done = connected.clone().noting(operation).await;
    (done, connected.give_up())
}
