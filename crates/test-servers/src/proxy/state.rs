//! `Shared`: what all connections of a proxy are to do, and how they learn that it has changed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Hole, Traffic};

type Rule = Box<dyn Fn(&Traffic) -> bool + Send + Sync>;

pub(super) struct Shared {
    pub(super) target: u16,
    /// What is replaced in the server's answers, by what is as long.
    pub(super) renamed: Vec<(String, String)>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) latency: Duration,
    /// What falls silent from now on.
    pub(super) rule: Option<(Hole, Rule)>,
    pub(super) refuses: bool,
    pub(super) listens: bool,
    /// Open connections by number.
    pub(super) links: BTreeMap<usize, Link>,
    accepted: usize,
}

/// One open connection.
pub(super) struct Link {
    pub(super) traffic: Traffic,
    pub(super) hole: Option<Hole>,
    pub(super) is_cut: bool,
}

impl Shared {
    pub(super) fn new(target: u16, renamed: Vec<(String, String)>) -> Self {
        assert!(renamed.iter().all(|(from, to)| from.len() == to.len()), "{renamed:?} would change lengths");
        let state = State { listens: true, ..State::default() };
        Self { target, renamed, state: Mutex::new(state), changed: watch::Sender::new(()) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Changes the state, and lets every connection look at it.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_replace(());
    }

    /// Notes a new connection, and gives it its number.
    pub(super) fn open(&self) -> usize {
        let mut state = self.state();
        let number = state.accepted;
        state.accepted += 1;
        let traffic = Traffic::new(number);
        let hole = state.rule.as_ref().filter(|(_, which)| which(&traffic)).map(|(hole, _)| *hole);
        state.links.insert(number, Link { traffic, hole, is_cut: false });
        number
    }

    pub(super) fn close(&self, number: usize) {
        self.state().links.remove(&number);
    }

    /// Notes what a client has sent, and how long it takes to arrive. From here on the connection may be silent.
    pub(super) fn sent(&self, number: usize, chunk: &[u8]) -> Duration {
        let mut state = self.state();
        let State { rule, links, latency, .. } = &mut *state;
        if let Some(link) = links.get_mut(&number) {
            link.traffic.sent(chunk);
            if let Some((hole, which)) = rule
                && which(&link.traffic)
            {
                link.hole = Some(*hole);
            }
        }
        *latency
    }

    /// Notes that the client has an answer.
    pub(super) fn answered(&self, number: usize) {
        if let Some(link) = self.state().links.get_mut(&number) {
            link.traffic.answered();
        }
    }

    /// Whether what is answered is what a driver asks for itself, of the database `admin`, rather than the program.
    pub(super) fn is_driver_asking(&self, number: usize) -> bool {
        self.state().links.get(&number).is_some_and(|link| link.traffic.last_asked("\0admin\0"))
    }

    /// Waits until bytes of this direction pass.
    pub(super) async fn passable(&self, number: usize, answers: bool) {
        let blocked = || match self.state().links.get(&number).and_then(|link| link.hole) {
            Some(Hole::Both) => true,
            Some(Hole::Answers) => answers,
            None => false,
        };
        // The sender is ours.
        let _ = self.changes().wait_for(|()| !blocked()).await;
    }

    /// Waits until the connection is cut.
    pub(super) async fn cut(&self, number: usize) {
        let is_cut = || self.state().links.get(&number).is_none_or(|link| link.is_cut);
        let _ = self.changes().wait_for(|()| is_cut()).await;
    }
}

impl State {
    pub(super) fn heal(&mut self) {
        self.latency = Duration::ZERO;
        self.rule = None;
        self.refuses = false;
        for link in self.links.values_mut() {
            link.hole = None;
        }
    }
}
