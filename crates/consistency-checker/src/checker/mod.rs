//! Checks a history against what is promised. Pure: no clock, no network, no chance.
//!
//! - [`promises`]: what is promised in a run. [`violation`]: what was not kept, and the operations that show it.
//! - `bodies`: I1, I2 and I6, answer by answer. `versions`: the order of an id's states. `order`: I3, I5 and I9 in that order.
//! - `foreign`: ids that somebody writes past the service: I4. `agreement`: I10. `cells`: I11.

mod agreement;
mod bodies;
mod cells;
mod floors;
mod foreign;
mod order;
pub mod promises;
mod versions;
pub mod violation;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use promises::Promises;
pub use violation::{Invariant, Violation};

use crate::history::{History, Operation};

/// What a check found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Everything that was not kept, id by id.
    pub violations: Vec<Violation>,
    /// Reads that were held against what was known when they began.
    pub reads_checked: usize,
    /// Reads in a window in which nothing was promised.
    pub reads_excused: usize,
}

/// Checks everything.
pub fn check(history: &History, promises: &Promises) -> Verdict {
    let mut verdict = Verdict::default();
    for (id, operations) in by_id(&history.operations) {
        let foreign = operations.iter().any(|operation| operation.process.is_none());
        let before = verdict.violations.len();
        bodies::check(&id, &operations, foreign, &mut verdict);
        if verdict.violations.len() > before {
            // Its versions say nothing: what they would tell of order is not worth telling.
            continue;
        }
        if foreign {
            foreign::check(&id, &operations, history, promises, &mut verdict);
        } else {
            order::check(&id, &operations, history, promises, &mut verdict);
            cells::check(&id, history, &mut verdict);
        }
    }
    agreement::check(history, &mut verdict);
    for violation in &mut verdict.violations {
        violation.add_faults(&history.faults);
    }
    verdict
}

/// The operations of each id in the order in which they were sent.
fn by_id(operations: &[Operation]) -> BTreeMap<Arc<str>, Vec<&Operation>> {
    let mut ids: BTreeMap<Arc<str>, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        ids.entry(Arc::clone(&operation.id)).or_default().push(operation);
    }
    for operations in ids.values_mut() {
        operations.sort_by_key(|operation| (operation.sent, operation.received));
    }
    ids
}
