//! Whether an operation ever had a connection. One that had none was never sent, whatever it waited for: a place in the pool,
//! a handshake, a primary. So nobody need wonder whether it happened.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;

tokio::task_local! {
    /// Set by the driver's event, which comes in the task of the operation that the connection is for.
    static CONNECTED: Arc<AtomicBool>;
}

/// To be told by the driver of what its pools do.
pub(super) fn handler() -> EventHandler<CmapEvent> {
    EventHandler::callback(|event| {
        if let CmapEvent::ConnectionCheckedOut(_) = event {
            let _ = CONNECTED.try_with(|connected| connected.store(true, Ordering::Relaxed));
        }
    })
}

/// What the operation comes to, and whether it had a connection at any time.
pub(super) async fn watched<T>(operation: impl Future<Output = T>) -> (T, bool) {
    let connected = Arc::new(AtomicBool::new(false));
    let done = CONNECTED.scope(Arc::clone(&connected), operation).await;
    (done, connected.load(Ordering::Relaxed))
}
