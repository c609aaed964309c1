//! The engine's decisions over the model's state, each with the rule that may be switched off beside it.

use cache_aside::cell::Kind;
use cache_aside::rules::{self, CellChange, CellState, LeaseChange, LeaseNotes, Offer, PutResult};

use super::setup::{Rule, Setup};
use super::state::{Announcement, Cell, State, Todo};

impl State {
    /// A put by who holds `token`. Tells what became of it.
    pub(super) fn put(&mut self, setup: &Setup, token: u8, todo: Todo) -> PutResult {
        let before = self.cell;
        let mut lease = self.lease.map(|lease| lease.notes);
        let mut own = self.lease.is_some_and(|lease| lease.token == token);
        if setup.is_off(Rule::Token) || (setup.is_off(Rule::FloorGrantsNothing) && before.is_some()) {
            own = true;
            lease = Some(lease.unwrap_or_default());
        }
        if setup.is_off(Rule::AbsenceMarks) && !todo.there && !own {
            return PutResult::Raised;
        }
        let (mut cell, mut notes) = (before.map(|cell| cell.state), lease);
        if setup.is_off(Rule::VersionTest) && own && todo.there {
            cell = cell.map(|cell| CellState { version: cell.version.min(todo.version), ..cell });
            notes = notes.map(|notes| LeaseNotes { floor: 0, ..notes });
        }
        let offer = if todo.there { Offer::Value(todo.version) } else { Offer::Absence(todo.version) };
        let decision = rules::put(cell, notes, own, offer);
        self.change_cell(decision.cell, todo);
        self.change_lease(setup, decision.lease);
        match decision.announce {
            Some(rules::Announcement::Value(version)) => self.announce(Announcement::Version(version)),
            // Of absence no version is known that a value could be compared with.
            Some(rules::Announcement::Absence(_)) => self.announce(Announcement::Whatever),
            None => {}
        }
        decision.result
    }

    /// An invalidation at `version`.
    pub(super) fn invalidate(&mut self, setup: &Setup, version: u64) {
        let lease = self.lease.map(|lease| lease.notes);
        let (cell, lease) = rules::invalidate(self.cell.map(|cell| cell.state), lease, version);
        let changed = cell != CellChange::Keep;
        self.change_cell(cell, Todo { there: false, version, seq: 0 });
        self.change_lease(setup, lease);
        if changed {
            self.announce(Announcement::Version(version));
        }
    }

    /// Forgets the id.
    pub(super) fn forget(&mut self) {
        self.cell = None;
        self.lease = None;
        self.announce(Announcement::Whatever);
    }

    fn change_cell(&mut self, change: CellChange, todo: Todo) {
        if let CellChange::Set(state) = change {
            let shows = if state.kind == Kind::Tombstone { 0 } else { todo.seq };
            self.cell = Some(Cell { state, seq: shows });
        }
    }

    fn change_lease(&mut self, setup: &Setup, change: LeaseChange) {
        match (change, &mut self.lease) {
            (LeaseChange::Release, lease) => *lease = None,
            (LeaseChange::Note(notes), Some(lease)) if !setup.is_off(Rule::LeaseNotes) => lease.notes = notes,
            _ => {}
        }
    }

    fn announce(&mut self, what: Announcement) {
        for process in &mut self.processes {
            process.unheard.push(what);
        }
    }
}
