//! `Promises`: how old an answer may be, and when nothing is promised at all.

use std::time::Duration;

use crate::history::{Operation, Suspends, Window};

/// What is promised in a run. The invariants' numbers are those of ARCHITECTURE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promises {
    /// How long an answer may lag behind what was acknowledged or answered before: zero is linearizable (I3); with L1 on,
    /// its time (I5); with no publish at all, that of the change stream (I4).
    pub lag: Duration,
    /// How long it may lag behind a write whose publish was deferred, or what was read past the cache (I4).
    pub deferred_lag: Duration,
    /// How long it may lag behind a write past the service (I4).
    pub foreign_lag: Duration,
}

impl Default for Promises {
    /// L1 off, change stream on.
    fn default() -> Self {
        Self { lag: Duration::ZERO, deferred_lag: Duration::from_secs(1), foreign_lag: Duration::from_secs(1) }
    }
}

/// Whether something of `suspends` was away while the operation ran. `Everything` takes `Repairs` with it.
pub(crate) fn excused(operation: &Operation, windows: &[Window], suspends: Suspends) -> bool {
    windows.iter().any(|window| {
        (window.suspends == suspends || window.suspends == Suspends::Everything)
            && window.from <= operation.received
            && operation.sent <= window.until
    })
}
