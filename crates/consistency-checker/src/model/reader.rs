//! What a reader does next: L1, the cell, the lease, the store, the put, and then the answer.

use cache_aside::cell::Kind;
use cache_aside::rules::{self, L1Change, PutResult};

use super::setup::{Rule, Setup};
use super::state::{LATER, NOW, Reader, Seq, Share, State, Todo, Wrong};

/// In the place of a ticket: the answer is L1's own, and is not offered to it.
const FROM_L1: u8 = u8::MAX;

/// A step of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Begins,
    LooksAtCell,
    TakesLease,
    /// Somebody has the lease: it looks again.
    LooksAgain,
    /// Somebody has it for too long.
    GoesOnWithoutLease,
    Joins(u8, Share),
    Loads,
    Puts,
    Answers,
}

pub(super) fn steps(setup: &Setup, state: &State, number: usize) -> Vec<Step> {
    match state.readers[number] {
        Reader::Idle => vec![Step::Begins],
        Reader::Looks { .. } => vec![Step::LooksAtCell],
        Reader::WantsLease { .. } => match flight(setup, state, number) {
            Some((leader, share)) => vec![Step::Joins(leader, share)],
            None if state.lease.held(NOW).is_none() => vec![Step::TakesLease],
            None => vec![Step::LooksAgain, Step::GoesOnWithoutLease],
        },
        Reader::Loads { .. } => vec![Step::Loads],
        Reader::Puts { .. } => vec![Step::Puts],
        Reader::Answers { .. } => vec![Step::Answers],
        Reader::Joined { .. } | Reader::Done => Vec::new(),
    }
}

/// Who fills the id in the same process, and when its result may be shared by who comes now. From the put on that is never:
/// who comes then looks again when it is over, which is the same as to come later.
fn flight(setup: &Setup, state: &State, number: usize) -> Option<(u8, Share)> {
    let same_process = |other: &usize| *other != number && other % setup.processes == number % setup.processes;
    (0..state.readers.len()).filter(same_process).find_map(|other| {
        let leader = u8::try_from(other).unwrap_or(u8::MAX);
        match state.readers[other] {
            Reader::Loads { .. } => Some((leader, Share::Always)),
            Reader::Puts { .. } => Some((leader, Share::IfStored)),
            _ => None,
        }
    })
}

pub(super) fn apply(setup: &Setup, state: &mut State, number: usize, step: Step) {
    let me = state.readers[number];
    match (step, me) {
        (Step::Begins, _) => begin(setup, state, number),
        (Step::LooksAtCell, Reader::Looks { floor, ticket }) => match state.cell {
            Some(cell)
                if cell.state.kind != Kind::Tombstone && (cell.era >= state.era || setup.is_off(Rule::ValidAfter)) =>
            {
                let there = cell.state.kind == Kind::Value;
                let todo = Todo { there, version: cell.state.version, seq: cell.seq, era: cell.era };
                state.readers[number] = Reader::Answers { floor, ticket, todo };
                answer_at_once(setup, state, number);
            }
            _ => state.readers[number] = Reader::WantsLease { floor, ticket },
        },
        (Step::TakesLease, Reader::WantsLease { floor, ticket }) => {
            state.lease.fill(token(setup, number), NOW, LATER);
            state.readers[number] = Reader::Loads { floor, ticket };
        }
        (Step::LooksAgain, Reader::WantsLease { floor, ticket }) => {
            state.readers[number] = Reader::Looks { floor, ticket };
        }
        (Step::GoesOnWithoutLease, Reader::WantsLease { floor, ticket }) => {
            state.readers[number] = Reader::Loads { floor, ticket };
        }
        (Step::Joins(leader, share), Reader::WantsLease { floor, ticket }) => {
            state.readers[number] = Reader::Joined { floor, ticket, leader, share };
        }
        (Step::Loads, Reader::Loads { floor, ticket }) => {
            state.readers[number] = Reader::Puts { floor, ticket, todo: Todo { era: state.era, ..state.store } };
        }
        (Step::Puts, Reader::Puts { floor, ticket, todo }) => {
            let token = token(setup, number);
            let held = state.lease.notes(token, NOW).is_some();
            let stored = if setup.is_off(Rule::PutBeforeAnswer) && !held {
                false
            } else {
                state.put(setup, token, todo) == PutResult::Stored
            };
            state.readers[number] = Reader::Answers { floor, ticket, todo };
            let valid = todo.era >= state.era || setup.is_off(Rule::ShareOnlyIfValid);
            land(setup, state, number, todo, stored && valid || setup.is_off(Rule::ShareOnlyIfStored));
            answer_at_once(setup, state, number);
        }
        (Step::Answers, _) => answer(setup, state, number),
        _ => {}
    }
}

fn begin(setup: &Setup, state: &mut State, number: usize) {
    if !setup.l1 {
        state.readers[number] = Reader::Looks { floor: state.known, ticket: 0 };
        return;
    }
    let process = &state.processes[number % setup.processes];
    // What it has not heard of yet, its L1 may still hold.
    let floor = if process.unheard.is_empty() { process.answered.max(state.known) } else { process.answered };
    if let Some((version, seq)) = process.held {
        let todo = Todo { there: true, version, seq, era: state.era };
        state.readers[number] = Reader::Answers { floor, ticket: FROM_L1, todo };
        tell(setup, state, number);
    } else {
        state.readers[number] = Reader::Looks { floor, ticket: process.count };
    }
}

/// Those who joined the fill take its result, or look again.
fn land(setup: &Setup, state: &mut State, leader: usize, todo: Todo, stored: bool) {
    for other in 0..state.readers.len() {
        let Reader::Joined { floor, ticket, leader: whose, share } = state.readers[other] else { continue };
        if usize::from(whose) != leader {
            continue;
        }
        if stored || share == Share::Always {
            state.readers[other] = Reader::Answers { floor, ticket, todo };
            answer_at_once(setup, state, other);
        } else {
            state.readers[other] = Reader::Looks { floor, ticket };
        }
    }
}

/// Without L1 nothing lies between having an answer and giving it that others could see.
fn answer_at_once(setup: &Setup, state: &mut State, number: usize) {
    if !setup.l1 {
        tell(setup, state, number);
    }
}

fn answer(setup: &Setup, state: &mut State, number: usize) {
    let Reader::Answers { ticket, todo, .. } = state.readers[number] else { return };
    let process = &mut state.processes[number % setup.processes];
    let undisturbed = process.count == ticket || setup.is_off(Rule::L1Record);
    let found = todo.there.then_some(todo.version);
    let change = rules::l1_offer(process.held.map(|(version, _)| version), found, undisturbed);
    if change != L1Change::Keep || !setup.is_off(Rule::L1Answers) {
        process.count += 1;
    }
    match change {
        L1Change::Insert => process.held = Some((todo.version, todo.seq)),
        L1Change::Remove => process.held = None,
        L1Change::Keep => {}
    }
    tell(setup, state, number);
}

/// Gives the answer, and judges it.
fn tell(setup: &Setup, state: &mut State, number: usize) {
    let Reader::Answers { floor, todo, ticket } = state.readers[number] else { return };
    state.readers[number] = Reader::Done;
    let Some(moment) = moment(state, todo, floor) else {
        let reader = u8::try_from(number).unwrap_or(u8::MAX);
        let answered = todo.there.then_some(todo.version);
        state.wrong = Some(Wrong { reader, answered, known: floor });
        return;
    };
    // What replaced the collection has no version that could keep anything older away, until the change stream tells of it.
    if state.feed.iter().any(|event| event.unknown && event.seq == moment) {
        return;
    }
    if setup.l1 {
        let process = &mut state.processes[number % setup.processes];
        process.answered = process.answered.max(moment);
    }
    // An answer from L1 may be old: it tells other processes nothing.
    if ticket == FROM_L1 {
        return;
    }
    state.known = state.known.max(moment);
}

/// The commit that an answer shows, not older than `floor`: a value shows its own; absence any after which nothing was
/// there, and the earliest is the most lenient.
fn moment(state: &State, todo: Todo, floor: Seq) -> Option<Seq> {
    if todo.there {
        return (todo.seq >= floor).then_some(todo.seq);
    }
    let absent = state.past.iter().enumerate().filter(|(_, there)| !**there);
    absent.filter_map(|(before, _)| Seq::try_from(before + 1).ok()).find(|seq| *seq >= floor)
}

fn token(setup: &Setup, number: usize) -> u8 {
    let number = if setup.is_off(Rule::TokenPerFill) { number % setup.processes } else { 50 + number };
    u8::try_from(number).unwrap_or(u8::MAX)
}
