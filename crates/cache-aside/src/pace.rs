//! `Pace`: whether a change stream that is behind is worth waiting for.

use std::time::Duration;

use tokio::time::Instant;

/// Tells a stream that is behind and catches up from one that does not.
pub(crate) struct Pace {
    max_lag: Duration,
    patience: Duration,
    /// The smallest lag since the stream was last close behind, and when it was measured.
    best: Option<(Duration, Instant)>,
}

impl Pace {
    pub(crate) fn new(max_lag: Duration, patience: Duration) -> Self {
        Self { max_lag, patience, best: None }
    }

    /// Whether the stream is close behind, or was further behind a while ago.
    pub(crate) fn keeps(&mut self, lag: Duration, now: Instant) -> bool {
        match self.best {
            _ if lag <= self.max_lag => self.best = None,
            Some((least, at)) if lag >= least => return now.duration_since(at) < self.patience * 2,
            _ => self.best = Some((lag, now)),
        }
        true
    }
}
