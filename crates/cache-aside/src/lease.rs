//! `Lease`: who is at work on an id, and what others have put since each of them began. One reader fills at a time, so that the
//! store is read once; any number of writers commit beside it and each other. Nobody keeps another from storing but by what it puts.
//!
//! The in-process cache keeps this type; in Redis it is a text, and the scripts there say the same.

use crate::rules::{Holder, LeaseNotes, Offer};

/// Most who write one id at one time and may store: those who come after them only raise the floor.
pub const MAX_ENTRIES: usize = 64;

/// Somebody at work on the id. `T` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseEntry<T> {
    /// Whose the entry is.
    pub token: T,
    /// What others have put since.
    pub notes: LeaseNotes,
    /// On whose behalf it is there.
    pub by: Holder,
    /// When it ends, milliseconds.
    pub until_ms: u64,
}

/// The lease of one id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease<T> {
    /// Who is at work, the oldest first.
    pub entries: Vec<LeaseEntry<T>>,
    /// Whether somebody waits for the fill.
    pub waiting: bool,
}

impl<T> Default for Lease<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), waiting: false }
    }
}

impl<T: Copy + Eq> Lease<T> {
    /// For how many milliseconds at most a reader fills yet; `None` if none does.
    pub fn held(&self, now_ms: u64) -> Option<u64> {
        let filler = self.entries.iter().find(|entry| entry.by == Holder::Filler && entry.until_ms > now_ms)?;
        Some(filler.until_ms - now_ms)
    }

    /// Lets a reader in that fills, when none does.
    pub fn fill(&mut self, token: T, now_ms: u64, until_ms: u64) {
        self.entries.retain(|entry| entry.until_ms > now_ms);
        self.waiting = false;
        self.enter(token, Holder::Filler, until_ms);
    }

    /// Lets a writer in, if there are not too many.
    pub fn write(&mut self, token: T, now_ms: u64, until_ms: u64) {
        self.entries.retain(|entry| entry.until_ms > now_ms);
        if self.entries.len() < MAX_ENTRIES {
            self.enter(token, Holder::Writer, until_ms);
        }
    }

    /// What others have noted for the holder of this token; `None` if its entry is not there any more.
    pub fn notes(&self, token: T, now_ms: u64) -> Option<LeaseNotes> {
        self.entries.iter().find(|entry| entry.token == token && entry.until_ms > now_ms).map(|entry| entry.notes)
    }

    /// Somebody offered this: everybody at work notes it.
    pub fn note(&mut self, offer: Offer, now_ms: u64) {
        self.entries.retain(|entry| entry.until_ms > now_ms);
        for entry in &mut self.entries {
            entry.notes = entry.notes.noting(offer);
        }
    }

    /// The holder of this token is done. Whether it had an entry.
    pub fn release(&mut self, token: T) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.token != token);
        self.entries.len() < before
    }

    /// Whether those who wait are to be told to look again: the cell was filled, or the reader that filled is done.
    pub fn wakes(&mut self, filled: bool) -> bool {
        let wakes = self.waiting && (filled || self.entries.iter().all(|entry| entry.by == Holder::Writer));
        self.waiting = self.waiting && !wakes;
        wakes
    }

    fn enter(&mut self, token: T, by: Holder, until_ms: u64) {
        self.entries.push(LeaseEntry { token, notes: LeaseNotes::default(), by, until_ms });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reader_and_any_writers_are_at_work_beside_each_other() {
        let mut lease = Lease::default();
        lease.write(1, 0, 100);
        assert_eq!(lease.held(10), None, "a writer keeps no reader from filling");
        lease.fill(2, 10, 110);
        assert_eq!(lease.held(10), Some(100));
        lease.note(Offer::Value(7), 20);
        lease.write(3, 30, 130);
        assert_eq!([1, 2].map(|token| lease.notes(token, 30).map(|notes| notes.floor)), [Some(7), Some(7)]);
        assert_eq!(lease.notes(3, 30), Some(LeaseNotes::default()), "that was before it began");
        assert_eq!((lease.notes(2, 110), lease.held(110)), (None, None), "at its end, an entry is none");
    }

    #[test]
    fn who_waits_is_woken_by_a_fill_or_when_nobody_fills() {
        let mut lease = Lease::default();
        lease.fill(1, 0, 100);
        lease.write(2, 0, 100);
        assert!(!lease.wakes(true), "nobody waits");
        lease.waiting = true;
        lease.release(2);
        assert!(!lease.wakes(false), "the reader may fill the cell yet");
        lease.release(1);
        assert!(lease.wakes(false) && !lease.waiting);
    }

    #[test]
    fn of_too_many_writers_the_last_gets_no_entry() {
        let mut lease = Lease::default();
        (0..=MAX_ENTRIES).for_each(|token| lease.write(token, 0, 100));
        assert_eq!(lease.entries.len(), MAX_ENTRIES);
        assert_eq!((lease.notes(0, 1), lease.notes(MAX_ENTRIES, 1)), (Some(LeaseNotes::default()), None));
    }
}
