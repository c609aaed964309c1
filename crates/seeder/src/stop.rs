//! SIGINT and SIGTERM end a run in order: what is under way is finished, and how to go on is said.

use tokio::signal::unix::{SignalKind, signal};

/// SIGINT or SIGTERM; never, where signals cannot be had.
pub(crate) async fn stopped() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            futures::future::select(Box::pin(interrupt.recv()), Box::pin(terminate.recv())).await;
        }
        _ => futures::future::pending().await,
    }
}
