//! All interleavings of a setup, and the shortest way to a wrong answer if there is one.

use std::fmt;
use std::time::{Duration, Instant};

use cache_aside::cell::Kind;
use cache_aside::lease::Lease;
use cache_aside::rules::CellState;
use stateright::{Checker, Model, Property};

use super::setup::Setup;
use super::state::{Cell, Process, Reader, State, Todo, Writer, Wrong};
use super::{reader, world, writer};

const RIGHT: &str = "every read is right";

/// What came of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Different states.
    pub states: usize,
    /// How long it took.
    pub took: Duration,
    /// The shortest way to a wrong answer, step by step; `None` if there is none.
    pub story: Option<Vec<String>>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (states, took) = (self.states, self.took.as_secs_f64());
        let Some(story) = &self.story else { return writeln!(f, "holds: {states} states, {took:.1} s") };
        writeln!(f, "wrong after {} steps: {states} states, {took:.1} s", story.len().saturating_sub(1))?;
        story.iter().try_for_each(|step| writeln!(f, "  {step}"))
    }
}

/// Goes through every interleaving.
pub fn check(setup: &Setup) -> Found {
    let began = Instant::now();
    // One thread walks breadth first, so that the first wrong answer is the nearest, in every run the same.
    let checker = Protocol(setup.clone()).checker().spawn_bfs().join();
    let story = checker.discovery(RIGHT).map(|path| {
        path.into_vec()
            .into_iter()
            .flat_map(|(state, action)| {
                let wrong = state.wrong.map(|wrong| describe(&wrong));
                action.map(|action| format!("{action:?}")).into_iter().chain(wrong)
            })
            .collect()
    });
    Found { states: checker.unique_state_count(), took: began.elapsed(), story }
}

fn describe(wrong: &Wrong) -> String {
    let answered = wrong.answered.map_or_else(|| "nothing there".to_owned(), |version| format!("version {version}"));
    format!("wrong: reader {} answers {answered}, though commit {} was known when it began", wrong.reader, wrong.known)
}

struct Protocol(Setup);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Action {
    Writer(usize, writer::Step),
    Reader(usize, reader::Step),
    World(world::Step),
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let there = Todo { there: true, version: 10, seq: 1, era: 0 };
        let gone = Todo { there: false, version: 0, seq: 1, era: 0 };
        let cell = |kind, version, seq| Some(Cell { state: CellState { kind, version }, seq, era: 0 });
        [
            (there, None),
            (there, cell(Kind::Value, 10, 1)),
            (gone, None),
            (gone, cell(Kind::Tombstone, 15, 0)),
            (gone, cell(Kind::Absent, 15, 1)),
        ]
        .map(|(store, cell)| self.begin(store, cell))
        .to_vec()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.wrong.is_some() {
            return;
        }
        for number in 0..state.writers.len() {
            actions.extend(writer::steps(&self.0, state, number).into_iter().map(|step| Action::Writer(number, step)));
        }
        for number in 0..state.readers.len() {
            actions.extend(reader::steps(&self.0, state, number).into_iter().map(|step| Action::Reader(number, step)));
        }
        actions.extend(world::steps(&self.0, state).into_iter().map(Action::World));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Writer(number, step) => writer::apply(&self.0, &mut state, number, step),
            Action::Reader(number, step) => reader::apply(&self.0, &mut state, number, step),
            Action::World(step) => world::apply(&self.0, &mut state, step),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(RIGHT, |_, state: &State| state.wrong.is_none())]
    }
}

impl Protocol {
    fn begin(&self, store: Todo, cell: Option<Cell>) -> State {
        let setup = &self.0;
        let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        State {
            store,
            cell,
            lease: Lease::default(),
            known: 1,
            writers: vec![Writer::Idle; setup.writers],
            readers: vec![Reader::Idle; setup.readers],
            processes: if setup.l1 {
                vec![Process { answered: 1, ..Process::default() }; setup.processes]
            } else {
                Vec::new()
            },
            feed: Vec::new(),
            past: vec![store.there],
            era: 0,
            losses: small(setup.losses),
            crashes: small(setup.crashes),
            swaps: small(setup.swaps),
            wrong: None,
        }
    }
}
