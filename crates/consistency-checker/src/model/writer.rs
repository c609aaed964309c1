//! What a writer does next: takes the lease, commits, publishes, acknowledges; or dies in between.

use super::setup::{Rule, Setup};
use super::state::{Event, LATER, NOW, Op, State, Todo, Writer};

/// A step of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    TakesLease,
    CannotTakeLease,
    Commits(Op),
    /// With a clock that is behind: a create gets a version that was there before.
    CommitsAgain,
    Publishes,
    Dies,
}

pub(super) fn steps(setup: &Setup, state: &State, number: usize) -> Vec<Step> {
    let commits = || {
        let mut steps = vec![Step::Commits(Op::Put), Step::Commits(Op::Delete)];
        if setup.is_off(Rule::VersionReuse) && !state.store.there {
            steps.push(Step::CommitsAgain);
        }
        steps
    };
    match state.writers[number] {
        Writer::Idle if setup.invalidate || setup.is_off(Rule::LeaseBeforeCommit) => commits(),
        Writer::Idle if state.losses > 0 => vec![Step::TakesLease, Step::CannotTakeLease],
        Writer::Idle => vec![Step::TakesLease],
        Writer::Leased { .. } => commits(),
        Writer::Committed { .. } if state.crashes > 0 => vec![Step::Publishes, Step::Dies],
        Writer::Committed { .. } => vec![Step::Publishes],
        Writer::Done => Vec::new(),
    }
}

pub(super) fn apply(setup: &Setup, state: &mut State, number: usize, step: Step) {
    let token = token(setup, number);
    let has_lease = matches!(state.writers[number], Writer::Leased { has_lease: true });
    match step {
        Step::TakesLease => {
            state.lease.write(token, NOW, LATER);
            state.writers[number] = Writer::Leased { has_lease: true };
        }
        Step::CannotTakeLease => {
            state.losses -= 1;
            state.writers[number] = Writer::Leased { has_lease: false };
        }
        Step::Commits(Op::Delete) if !state.store.there => {
            // 404: the lease is given back.
            if has_lease {
                state.lease.release(token);
            }
            state.writers[number] = Writer::Done;
        }
        Step::Commits(Op::Delete) => {
            let version = state.store.version + 1;
            commit(state, number, Todo { there: false, version, seq: 0, era: 0 }, has_lease);
        }
        Step::Commits(Op::Put) => {
            // The store's clock: above every version there ever was, also before a delete.
            let clock = 20 * (u64::from(state.store.seq) + 1);
            let version = clock.max(state.store.version + 1);
            commit(state, number, Todo { there: true, version, seq: 0, era: 0 }, has_lease);
        }
        Step::CommitsAgain => {
            commit(
                state,
                number,
                Todo { there: true, version: u64::from(state.store.seq) + 1, seq: 0, era: 0 },
                has_lease,
            );
        }
        Step::Publishes => publish(setup, state, number),
        Step::Dies => {
            state.crashes -= 1;
            state.writers[number] = Writer::Done;
        }
    }
}

fn commit(state: &mut State, number: usize, todo: Todo, has_lease: bool) {
    let seq = state.store.seq + 1;
    let todo = Todo { seq, era: state.era, ..todo };
    // The store knows no version of what is not there.
    state.store = if todo.there { todo } else { Todo { version: 0, ..todo } };
    state.feed.push(Event { there: todo.there, version: todo.version, seq, unknown: false });
    state.past.push(todo.there);
    state.writers[number] = Writer::Committed { todo, has_lease };
}

fn publish(setup: &Setup, state: &mut State, number: usize) {
    let Writer::Committed { todo, has_lease } = state.writers[number] else { return };
    let token = token(setup, number);
    if setup.invalidate {
        if todo.there { state.invalidate(setup, todo.version) } else { state.forget() }
    } else if setup.is_off(Rule::LeaseBeforeCommit) {
        state.lease.write(token, NOW, LATER);
        state.put(setup, token, todo);
    } else if has_lease || setup.is_off(Rule::DropUnleased) {
        if has_lease || todo.there {
            state.put(setup, token, todo);
        }
    } else {
        state.forget();
    }
    if setup.l1 && !setup.writers_apart && !setup.is_off(Rule::L1OwnWrites) {
        let process = &mut state.processes[number % setup.processes];
        process.count += 1;
        process.held = None;
    }
    if setup.l1 && !setup.writers_apart {
        let process = &mut state.processes[number % setup.processes];
        process.answered = process.answered.max(todo.seq);
    }
    state.known = state.known.max(todo.seq);
    state.writers[number] = Writer::Done;
}

fn token(setup: &Setup, number: usize) -> u8 {
    let number = if setup.is_off(Rule::TokenPerFill) { number % setup.processes } else { 100 + number };
    u8::try_from(number).unwrap_or(u8::MAX)
}
