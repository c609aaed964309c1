//! Waiting for a condition, never for a time: a slow machine takes longer, and fails no test.

use std::time::{Duration, Instant};

/// After so long nothing comes any more, on any machine.
const DEADLINE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(5);

/// Waits until the condition holds.
///
/// # Panics
/// It does not within three minutes.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < DEADLINE, "waited in vain until {what}");
        tokio::time::sleep(LOOK).await;
    }
}
