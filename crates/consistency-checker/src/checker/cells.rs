//! I11: in one incarnation of Redis, a cell's value is never of a lower version than a value it held before. This holds
//! over losses, too: who fills after one reads what the store holds by then. (Floors and absence do fall: they end by
//! themselves, and what replaces them knows less.)

use super::Verdict;
use super::violation::{Invariant, Violation};
use crate::history::{CellSample, CellSeen, History, Suspends, Window};

/// Checks the samples of one id that only the service writes.
pub(super) fn check(id: &str, history: &History, verdict: &mut Verdict) {
    let mut highest: Option<(u64, &CellSample)> = None;
    for sample in history.cells.iter().filter(|sample| &*sample.id == id) {
        let CellSeen::Value(version, _) = sample.cell else { continue };
        let before = highest.filter(|(_, before)| before.incarnation == sample.incarnation);
        match before {
            Some((above, before)) if above > version && !fell_in_a_window(before, sample, &history.windows) => {
                let what = format!("a cell's version fell from {above} to {version}");
                verdict.violations.push(
                    Violation::new(Invariant::I11, id, what)
                        .with_line(before.at, format!("{:>12}  the cell holds version {above}", before.at), "before")
                        .with_line(sample.at, format!("{:>12}  the cell holds version {version}", sample.at), "wrong"),
                );
            }
            _ => highest = Some((version, sample)),
        }
    }
}

/// A primary that is deposed and one that is not settled read older than what a lost cell held.
fn fell_in_a_window(before: &CellSample, sample: &CellSample, windows: &[Window]) -> bool {
    windows
        .iter()
        .any(|window| window.suspends == Suspends::Everything && window.from <= sample.at && before.at <= window.until)
}
