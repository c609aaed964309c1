//! `Backoff`: the pause between two attempts at what fails, doubled each time in vain; with jitter, so that processes do not come
//! back all at once.

use std::time::Duration;

/// The first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The pause that comes next.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(PAUSES.0)
    }

    /// What was tried has worked for a while: the next pause is the first again.
    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Pauses before the next attempt.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0.mul_f64(rand::random_range(0.5..1.0))).await;
        self.0 = (self.0 * 2).min(PAUSES.1);
    }
}
