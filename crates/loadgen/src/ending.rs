//! The end of a run: requests under way have a grace, so that a service that hangs does not hold it up.

use std::time::{Duration, Instant};

/// How far a run's end is.
pub(crate) struct Ending {
    grace: Duration,
    begun: Option<Instant>,
    signals: u32,
}

impl Ending {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, begun: None, signals: 0 }
    }

    /// No request is sent any more; those under way have the grace from now on. Later calls change nothing.
    pub(crate) fn begin(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    /// A signal came: the first one begins the end, a further one ends the grace.
    pub(crate) fn hurry(&mut self) {
        self.begin();
        self.signals += 1;
    }

    pub(crate) fn is_not_begun(&self) -> bool {
        self.begun.is_none()
    }

    /// Whether nobody waits for answers any more.
    pub(crate) fn is_over(&self) -> bool {
        self.signals > 1 || self.begun.is_some_and(|begun| begun.elapsed() >= self.grace)
    }
}
