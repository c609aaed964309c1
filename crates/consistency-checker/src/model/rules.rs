//! The engine's decisions over the model's state, each with the rule that may be switched off beside it.

use cache_aside::cell::Kind;
use cache_aside::lease::Lease;
use cache_aside::rules::{self, CellChange, CellState, LeaseNotes, Offer, PutResult};

use super::setup::{Rule, Setup};
use super::state::{Announcement, Cell, NOW, State, Todo};

impl State {
    /// A put by who holds `token`. Tells what became of it.
    pub(super) fn put(&mut self, setup: &Setup, token: u8, todo: Todo) -> PutResult {
        let before = self.cell;
        let mut own = self.lease.notes(token, NOW);
        if setup.is_off(Rule::Token) || (setup.is_off(Rule::FloorGrantsNothing) && before.is_some()) {
            own = own
                .or_else(|| self.lease.entries.last().map(|entry| entry.notes))
                .or_else(|| Some(LeaseNotes::default()));
        }
        if setup.is_off(Rule::AbsenceMarks) && !todo.there && own.is_none() {
            return PutResult::Raised;
        }
        // A put from before a validity moment puts an end to no floor.
        let floors_since = if todo.era >= self.era { self.era } else { 0 };
        let mut cell = self.known_cell(floors_since);
        if setup.is_off(Rule::VersionTest) && own.is_some() && todo.there {
            cell = cell.map(|cell| CellState { version: cell.version.min(todo.version), ..cell });
            own = own.map(|notes| LeaseNotes { floor: 0, ..notes });
        }
        let offer = if todo.there { Offer::Value(todo.version) } else { Offer::Absence(todo.version) };
        let decision = rules::put(cell, own, offer);
        self.change_cell(decision.cell, todo);
        self.lease.release(token);
        self.note(setup, offer);
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
        let cell = rules::invalidate(self.known_cell(self.era), version);
        let changed = cell != CellChange::Keep;
        self.change_cell(cell, Todo { there: false, version, seq: 0, era: self.era });
        self.note(setup, Offer::Value(version));
        if changed {
            self.announce(Announcement::Version(version));
        }
    }

    /// Forgets the id.
    pub(super) fn forget(&mut self) {
        self.cell = None;
        self.lease = Lease::default();
        self.announce(Announcement::Whatever);
    }

    fn change_cell(&mut self, change: CellChange, todo: Todo) {
        if let CellChange::Set(state) = change {
            let (seq, era) = if state.kind == Kind::Tombstone { (0, self.era) } else { (todo.seq, todo.era) };
            self.cell = Some(Cell { state, seq, era });
        }
    }

    fn known_cell(&self, floors_since: u8) -> Option<CellState> {
        self.cell.map(|cell| cell.state.as_of(cell.era.into(), floors_since.into()))
    }

    fn note(&mut self, setup: &Setup, offer: Offer) {
        if !setup.is_off(Rule::LeaseNotes) {
            self.lease.note(offer, NOW);
        }
    }

    fn announce(&mut self, what: Announcement) {
        for process in &mut self.processes {
            process.unheard.push(what);
        }
    }
}
