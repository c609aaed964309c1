//! What happens besides: the change stream tells, a process hears, something is lost.

use cache_aside::lease::Lease;
use cache_aside::rules::{self, L1Change};

use super::setup::{Rule, Setup};
use super::state::{Announcement, Event, State, Todo};

/// A token that nobody has.
const NOBODY: u8 = u8::MAX;

/// A step of nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    ChangeStreamTells,
    Hears(u8),
    /// Another collection takes the place of this one; its documents have no versions.
    Swap,
    CellLost,
    LeaseLost,
    /// One of several at work took too long.
    EntryEnds(u8),
    Flush,
    LineBreaks(u8),
}

pub(super) fn steps(setup: &Setup, state: &State) -> Vec<Step> {
    let mut steps = Vec::new();
    if !state.feed.is_empty() {
        steps.push(Step::ChangeStreamTells);
    }
    if state.swaps > 0 {
        steps.push(Step::Swap);
    }
    for (process, number) in state.processes.iter().zip(0..) {
        if !process.unheard.is_empty() {
            steps.push(Step::Hears(number));
        }
        if setup.l1 && state.losses > 0 && (process.held.is_some() || !process.unheard.is_empty()) {
            steps.push(Step::LineBreaks(number));
        }
    }
    if state.losses > 0 {
        if state.cell.is_some() {
            steps.push(Step::CellLost);
        }
        let held = state.lease.entries.len();
        if held > 0 {
            steps.push(Step::LeaseLost);
        }
        if held > 1 {
            steps.extend(state.lease.entries.iter().map(|entry| Step::EntryEnds(entry.token)));
        }
        if state.cell.is_some() && held > 0 {
            steps.push(Step::Flush);
        }
    }
    steps
}

pub(super) fn apply(setup: &Setup, state: &mut State, step: Step) {
    match step {
        Step::ChangeStreamTells => {
            let event = state.feed.remove(0);
            if event.unknown {
                state.era += 1;
                for process in &mut state.processes {
                    process.count += 1;
                    process.held = None;
                }
            } else if event.there {
                state.invalidate(setup, event.version);
            } else {
                // A delete does not tell its version: as if a reader without a lease had found nothing.
                state.put(setup, NOBODY, Todo { there: false, version: 0, seq: event.seq, era: state.era });
            }
            state.known = state.known.max(event.seq);
        }
        Step::Swap => {
            state.swaps -= 1;
            let seq = state.store.seq + 1;
            state.store = Todo { there: true, version: 0, seq, era: 0 };
            state.past.push(true);
            state.feed.push(Event { there: true, version: 0, seq, unknown: true });
        }
        Step::Hears(number) => {
            let process = &mut state.processes[usize::from(number)];
            let floor = match process.unheard.remove(0) {
                Announcement::Version(version) => Some(version),
                Announcement::Whatever => None,
            };
            process.count += 1;
            if rules::l1_invalidate(process.held.map(|(version, _)| version), floor) == L1Change::Remove {
                process.held = None;
            }
        }
        Step::CellLost => lose(state, true, false),
        Step::LeaseLost => lose(state, false, true),
        Step::EntryEnds(token) => {
            state.losses -= 1;
            state.lease.release(token);
        }
        Step::Flush => lose(state, true, true),
        Step::LineBreaks(number) => {
            state.losses -= 1;
            let process = &mut state.processes[usize::from(number)];
            process.unheard.clear();
            if !setup.is_off(Rule::L1Emptied) {
                process.count += 1;
                process.held = None;
            }
        }
    }
}

fn lose(state: &mut State, cell: bool, lease: bool) {
    state.losses -= 1;
    if cell {
        state.cell = None;
    }
    if lease {
        state.lease = Lease::default();
    }
}
