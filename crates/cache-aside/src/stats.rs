//! What the engine counts while it works.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the auditor has counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audited {
    /// Cells that were compared with the store.
    pub compared: u64,
    /// Cells that were wrong for more than one second.
    pub wrong_1s: u64,
    /// Cells that were wrong for more than ten seconds.
    pub wrong_10s: u64,
    /// Cells that were wrong for more than a minute.
    pub wrong_60s: u64,
}

#[derive(Debug, Default)]
pub(crate) struct AuditCounts {
    pub(crate) compared: AtomicU64,
    /// Cells that were wrong for more than one, ten and sixty seconds.
    pub(crate) wrong: [AtomicU64; 3],
    /// Differences that are being looked at again.
    pub(crate) followed: AtomicU64,
}

impl AuditCounts {
    pub(crate) fn get(&self) -> Audited {
        let [wrong_1s, wrong_10s, wrong_60s] = [0, 1, 2].map(|age: usize| self.wrong[age].load(Ordering::Relaxed));
        Audited { compared: self.compared.load(Ordering::Relaxed), wrong_1s, wrong_10s, wrong_60s }
    }
}
