//! What every read must be at least as new as: it rises as answers and acknowledgements arrive.

use std::collections::HashMap;

use super::promises::Promises;
use super::versions::Place;
use crate::history::{Operation, Process};

/// A place in the order of an id, and who showed that it was reached.
#[derive(Clone, Copy)]
pub(super) struct Floor<'a> {
    pub(super) place: Place,
    pub(super) shown_by: &'a Operation,
}

/// Why a floor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Because {
    /// It was answered or acknowledged, by anybody.
    Known,
    /// The same process answered or acknowledged it.
    SameProcess,
    /// It was acknowledged though the cache did not know, and should know by now.
    Repaired,
}

/// The floors of one id at one moment.
#[derive(Default)]
pub(super) struct Floors<'a> {
    known: Option<Floor<'a>>,
    repaired: Option<Floor<'a>>,
    processes: HashMap<Process, Floor<'a>>,
    /// The highest version that the store is known to have had.
    committed: Option<Floor<'a>>,
}

impl<'a> Floors<'a> {
    /// When an operation raises which floors.
    pub(super) fn times(operation: &Operation, promises: &Promises) -> Vec<(crate::history::Moment, Because)> {
        let at = operation.received;
        if !operation.is_settled() {
            return vec![(at.plus(promises.deferred_lag), Because::Repaired)];
        }
        if promises.lag.is_zero() {
            return vec![(at, Because::Known)];
        }
        vec![(at, Because::SameProcess), (at.plus(promises.lag), Because::Known)]
    }

    pub(super) fn raise(&mut self, because: Because, floor: Floor<'a>) {
        let slot = match because {
            Because::Known => &mut self.known,
            Because::Repaired => &mut self.repaired,
            Because::SameProcess => {
                let Some(process) = floor.shown_by.process else { return };
                let known = self.processes.entry(process).or_insert(floor);
                if known.place < floor.place {
                    *known = floor;
                }
                return;
            }
        };
        raise(slot, floor);
    }

    /// The store had this version by now.
    pub(super) fn committed(&mut self, floor: Floor<'a>) {
        raise(&mut self.committed, floor);
    }

    /// What a write that begins now must be above.
    pub(super) fn below_writes(&self) -> Option<Floor<'a>> {
        self.committed
    }

    /// What a read that begins now must not be below, highest first.
    pub(super) fn of(&self, operation: &Operation, repairs_run: bool) -> Option<(Because, Floor<'a>)> {
        let process = operation.process.and_then(|process| self.processes.get(&process).copied());
        let repaired = self.repaired.filter(|_| repairs_run);
        [(Because::Repaired, repaired), (Because::SameProcess, process), (Because::Known, self.known)]
            .into_iter()
            .filter_map(|(because, floor)| floor.map(|floor| (because, floor)))
            .max_by_key(|(_, floor)| floor.place)
    }
}

fn raise<'a>(slot: &mut Option<Floor<'a>>, floor: Floor<'a>) {
    if slot.is_none_or(|known| known.place < floor.place) {
        *slot = Some(floor);
    }
}
