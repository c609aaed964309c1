//! I4 for ids that somebody writes past the service: an answer is what the database held at some moment not longer ago
//! than is promised. Their versions say nothing, so states are told apart by the write that made them.

use std::collections::HashMap;

use super::Verdict;
use super::promises::{Promises, excused};
use super::violation::{Invariant, Violation};
use crate::history::{Action, History, Marker, Moment, Operation, Outcome, Suspends};

/// Checks one id that others write, too. `operations` are in the order in which they were sent.
pub(super) fn check(
    id: &str,
    operations: &[&Operation],
    history: &History,
    promises: &Promises,
    verdict: &mut Verdict,
) {
    let writes: HashMap<Marker, &Operation> = operations
        .iter()
        .filter(|operation| operation.is_write())
        .filter_map(|operation| operation.marker().map(|marker| (marker, *operation)))
        .collect();
    let every = Writes::new(operations, |_| true);
    let bringing = Writes::new(operations, |operation| matches!(operation.action, Action::Write { .. }));
    let deletes: Vec<&Operation> = operations
        .iter()
        .filter(|operation| matches!(operation.action, Action::Delete { .. }))
        .filter(|operation| matches!(operation.outcome, Outcome::Absent | Outcome::Unknown))
        .copied()
        .collect();

    for &read in operations {
        if read.is_write() || !matches!(read.outcome, Outcome::Value { .. } | Outcome::Absent) {
            continue;
        }
        if excused(read, &history.windows, Suspends::Repairs) {
            verdict.reads_excused += 1;
            continue;
        }
        verdict.reads_checked += 1;
        let long_ago = read.sent.minus(promises.foreign_lag);
        let too_old = match read.outcome {
            Outcome::Absent => too_old_absence(read, bringing.last_before(long_ago), &deletes),
            _ => {
                let write = read.marker().and_then(|marker| writes.get(&marker));
                every.last_before(long_ago).zip(write.copied()).filter(|(newer, write)| write.done_by() < newer.sent)
            }
            .map(|(newer, write)| (newer, Some(write))),
        };
        let Some((newer, origin)) = too_old else { continue };
        let what = format!(
            "a read answers what was replaced {} ms before it began",
            read.sent.0.saturating_sub(newer.received.0) / 1_000_000
        );
        let mut violation = Violation::new(Invariant::I4, id, what);
        if let Some(origin) = origin {
            violation = violation.with("where the old answer comes from", origin);
        }
        verdict.violations.push(violation.with("the newer write", newer).with("wrong: too old", read));
    }
}

/// Absence is right if some delete may have come after every value that was there long ago.
fn too_old_absence<'a>(
    read: &Operation,
    newest: Option<&'a Operation>,
    deletes: &[&'a Operation],
) -> Option<(&'a Operation, Option<&'a Operation>)> {
    let newer = newest?;
    let before_read = &deletes[..deletes.partition_point(|delete| delete.sent < read.received)];
    let fits = before_read.iter().rev().any(|delete| delete.done_by() >= newer.sent);
    (!fits).then(|| (newer, before_read.last().copied()))
}

/// Acknowledged writes by when they had happened.
struct Writes<'a> {
    /// When each was acknowledged, ascending, and of it and those before it the one that was sent last.
    done: Vec<(Moment, &'a Operation)>,
}

impl<'a> Writes<'a> {
    fn new(operations: &[&'a Operation], which: impl Fn(&Operation) -> bool) -> Self {
        let mut done: Vec<(Moment, &Operation)> = operations
            .iter()
            .filter(|operation| operation.is_write() && which(operation))
            .filter(|operation| matches!(operation.outcome, Outcome::Value { .. } | Outcome::Absent))
            .map(|operation| (operation.received, *operation))
            .collect();
        done.sort_by_key(|(received, _)| *received);
        for i in 1..done.len() {
            if done[i - 1].1.sent > done[i].1.sent {
                done[i].1 = done[i - 1].1;
            }
        }
        Self { done }
    }

    /// Of the writes acknowledged before `moment`, the one that was sent last.
    fn last_before(&self, moment: Moment) -> Option<&'a Operation> {
        let count = self.done.partition_point(|(received, _)| *received < moment);
        count.checked_sub(1).map(|last| self.done[last].1)
    }
}
