//! Whether an operation ever had a connection. One that had none was never sent, whatever it waited for: a place in the pool,
//! a handshake, a primary. So nobody need wonder whether it happened. And how many connections there are.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;

tokio::task_local! {
    /// Set by the driver's event, which comes in the task of the operation that the connection is for.
    static CONNECTED: Arc<AtomicBool>;
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
                let _ = CONNECTED.try_with(|connected| connected.store(true, Ordering::Relaxed));
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

/// What the operation comes to, and whether it had a connection at any time.
pub(super) async fn watched<T>(operation: impl Future<Output = T>) -> (T, bool) {
    let connected = Arc::new(AtomicBool::new(false));
    let done = CONNECTED.scope(Arc::clone(&connected), operation).await;
    (done, connected.load(Ordering::Relaxed))
}
