//! `Timeline`: what cells are dated and judged by: the clock of the server that holds them, and the moment from which on they are
//! valid there. Each server of a cluster has its own, so that what happens to one costs only what it holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::cell::Cell;
use crate::clock::{Clock, Now, now_us};
use crate::failpoints::{self, Guard};
use crate::put::LoadStart;
use crate::slot::{SLOTS, Slot};
use crate::slot_map::SlotMap;
use crate::validity::{Cause, Validity};

/// No cell is valid.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) clock: Clock,
    /// Cells filled before this moment (milliseconds since 1970, by the clock) are not answered any more.
    valid_after_ms: AtomicU64,
    /// The same for each slot, where the server is one of a cluster: since when the server has had the slot, [`NEVER`] while it
    /// is not known to have it.
    slots: Option<RwLock<SlotMap<u64>>>,
    /// How often everything was to be invalidated since the server last took that.
    owed: AtomicU64,
    validity: Arc<Validity>,
}

/// What cells of the server are judged by at one moment. All that one answer brings is judged by the same.
pub(crate) struct Criteria {
    now: Now,
    valid_after_ms: u64,
    slots: Option<SlotMap<u64>>,
}

/// A cell as it was found, and what it is judged by.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) cell: Cell,
    pub(crate) now: Now,
    /// Cells filled before this moment are not answered.
    pub(crate) valid_after_ms: u64,
}

impl Found {
    /// Whether the cell may be answered. How old a cell of the future is nobody knows: it is of a clock that was set back
    /// since, or of a release that dated cells by the clocks of nodes.
    pub(crate) fn is_valid(&self) -> bool {
        is_valid(self.cell.filled_at_ms, self.valid_after_ms, self.now.ms)
    }
}

fn is_valid(filled_at_ms: u64, valid_after_ms: u64, now_ms: u64) -> bool {
    filled_at_ms >= valid_after_ms && (filled_at_ms <= now_ms || failpoints::is_off(Guard::Clock))
}

impl Criteria {
    /// The cell of this id with what it is judged by.
    #[inline]
    pub(crate) fn found(&self, id: &str, cell: Cell) -> Found {
        Found { cell, now: self.now, valid_after_ms: self.valid_after_ms_of(id) }
    }

    /// The moment from which on the cell of this id is valid.
    #[inline]
    fn valid_after_ms_of(&self, id: &str) -> u64 {
        match &self.slots {
            None => self.valid_after_ms,
            Some(slots) => slots.get(Slot::of_id(id)).max(self.valid_after_ms),
        }
    }
}

impl Timeline {
    pub(crate) fn new(clock: Clock, validity: Arc<Validity>) -> Self {
        Self { clock, valid_after_ms: AtomicU64::new(0), slots: None, owed: AtomicU64::new(0), validity }
    }

    /// That of a server of a cluster, of which no slot is known yet.
    pub(crate) fn of_part(clock: Clock, validity: Arc<Validity>) -> Self {
        Self { slots: Some(RwLock::new(SlotMap::filled(NEVER))), ..Self::new(clock, validity) }
    }

    /// What cells are judged by now. To be asked for when they are there, not before.
    #[inline]
    pub(crate) fn criteria(&self) -> Criteria {
        let (now, valid_after_ms) = (self.clock.now(), self.valid_after_ms());
        match &self.slots {
            None => Criteria { now, valid_after_ms, slots: None },
            Some(_) if self.owed() != 0 => Criteria { now, valid_after_ms: NEVER, slots: None },
            Some(slots) => {
                let slots = slots.read().unwrap_or_else(PoisonError::into_inner).clone();
                Criteria { now, valid_after_ms, slots: Some(slots) }
            }
        }
    }

    /// The moment from which on cells of the server are valid.
    pub(crate) fn valid_after_ms(&self) -> u64 {
        self.valid_after_ms.load(Ordering::Acquire)
    }

    /// The moment from which on the cell of this id is valid.
    pub(crate) fn valid_after_ms_of(&self, id: &str) -> u64 {
        self.criteria().valid_after_ms_of(id)
    }

    /// When a cell was filled whose load began at `start`.
    pub(crate) fn date(&self, start: LoadStart) -> u64 {
        self.clock.at_least_ms(start.at_us)
    }

    /// Whether a cell of this id that was filled by a load from `start` on would be answered.
    pub(crate) fn is_fill_valid(&self, id: &str, start: LoadStart) -> bool {
        let criteria = self.criteria();
        is_valid(self.date(start), criteria.valid_after_ms_of(id), criteria.now.ms)
    }

    /// Whether what a load fills that begins now would be answered, but for slots.
    pub(crate) fn are_fills_valid(&self) -> bool {
        is_valid(self.clock.at_least_ms(now_us()), self.valid_after_ms(), self.clock.now().ms)
    }

    /// Since when (milliseconds since 1970) a cell must have been filled for its version to be a floor to a put that is filled at
    /// this moment: the moment from which on cells are valid. A put from before that moment itself puts an end to no floor.
    pub(crate) fn floors_since_ms(&self, id: &str, filled_at_ms: u64) -> u64 {
        let valid_after_ms = self.valid_after_ms_of(id);
        if filled_at_ms >= valid_after_ms { valid_after_ms } else { 0 }
    }

    /// The same to an invalidation.
    pub(crate) fn floors_now_ms(&self, id: &str) -> u64 {
        let valid_after_ms = self.valid_after_ms_of(id);
        if valid_after_ms == NEVER { 0 } else { valid_after_ms }
    }

    /// From now on no cell filled before `at_ms` is answered. The moment goes back by [`Timeline::correct`] only.
    pub(crate) fn invalidate_before(&self, at_ms: u64, cause: Cause) {
        if self.valid_after_ms.fetch_max(at_ms, Ordering::AcqRel) < at_ms {
            self.validity.moved(cause);
        }
    }

    /// The server was found without its keys.
    pub(crate) fn note_emptied(&self) {
        self.validity.note_emptied();
    }

    /// From now on no cell filled until now is answered.
    pub(crate) fn invalidate_until_now(&self, cause: Cause) {
        self.invalidate_before(self.clock.now().ms, cause);
    }

    /// The moment that was believed lies in the future of Redis's own clock: what was filled until now is before the moment
    /// `at_ms`, which takes its place. Nothing happens if the moment has changed since.
    pub(crate) fn correct(&self, believed_ms: u64, at_ms: u64) -> bool {
        let corrected =
            self.valid_after_ms.compare_exchange(believed_ms, at_ms, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if corrected {
            self.validity.clear_l1();
        }
        corrected
    }

    /// The server has these slots, each since its moment, and no others.
    pub(crate) fn has_slots(&self, since_ms: impl IntoIterator<Item = (Slot, u64)>) {
        let Some(slots) = &self.slots else { return };
        let mut now = Box::new([NEVER; SLOTS]);
        for (slot, at_ms) in since_ms {
            now[slot.number()] = at_ms;
        }
        let next = SlotMap::of(&now);
        let before = std::mem::replace(&mut *slots.write().unwrap_or_else(PoisonError::into_inner), next);
        let is_of_another_moment = |(now, before): (&u64, &u64)| *now != NEVER && now != before;
        if now.iter().zip(&*before.values()).any(is_of_another_moment) {
            self.validity.clear_l1();
        }
    }

    /// Everything is invalid in this process until the server was told so.
    pub(crate) fn owe(&self) {
        self.owed.fetch_add(1, Ordering::AcqRel);
        self.validity.clear_l1();
    }

    /// How often the server is still to be told that everything is invalid.
    pub(crate) fn owed(&self) -> u64 {
        self.owed.load(Ordering::Acquire)
    }

    /// The server was told, after it was owed so often.
    pub(crate) fn settle(&self, owed: u64) {
        // What came meanwhile is not made up for.
        let _ = self.owed.compare_exchange(owed, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::cell::Kind;

    fn timeline() -> (Timeline, Arc<Validity>) {
        let validity = Arc::new(Validity::new());
        (Timeline::new(Clock::of_process(), Arc::clone(&validity)), validity)
    }

    fn is_valid_at(timeline: &Timeline, filled_at_ms: u64, now_ms: u64) -> bool {
        is_valid(filled_at_ms, timeline.valid_after_ms(), now_ms)
    }

    #[test]
    fn what_is_invalid_stays_so_and_clears_l1() {
        let (timeline, validity) = timeline();
        timeline.invalidate_before(10, Cause::Incarnation);
        let epoch = validity.epoch();
        assert_ne!(epoch, 0);
        timeline.invalidate_before(5, Cause::Announcement);
        assert!(!is_valid_at(&timeline, 9, 20) && is_valid_at(&timeline, 10, 20));
        assert_eq!(validity.epoch(), epoch);
        assert_eq!((validity.stats().by_incarnation, validity.stats().by_announcement), (1, 0));
    }

    #[test]
    fn a_moment_of_the_future_is_corrected_unless_it_moved_and_a_cell_of_the_future_is_invalid() {
        let (timeline, validity) = timeline();
        timeline.invalidate_before(300, Cause::Announcement);
        let epoch = validity.epoch();
        assert!(!is_valid_at(&timeline, 20, 25), "before the moment");
        assert!(timeline.correct(300, 15));
        assert!(is_valid_at(&timeline, 20, 25) && !is_valid_at(&timeline, 14, 25));
        assert_ne!(validity.epoch(), epoch, "what L1 holds may be of before");
        assert!(!is_valid_at(&timeline, 26, 25), "a cell of the future");
        timeline.invalidate_before(30, Cause::Announcement);
        assert!(!timeline.correct(300, 16), "it has moved since");
        assert_eq!(timeline.valid_after_ms(), 30);
    }

    #[test]
    fn a_part_of_a_cluster_answers_only_for_slots_that_it_has_and_from_when_it_has_them_on() {
        let validity = Arc::new(Validity::new());
        let part = Timeline::of_part(Clock::of_process(), validity);
        let cell = |filled_at_ms| Cell { kind: Kind::Absent, version: 0, filled_at_ms, cost_us: 0, body: Bytes::new() };
        let is_valid = |at_ms| part.criteria().found("42", cell(at_ms)).is_valid();
        assert!(!is_valid(1_000), "it is not known to have it");
        part.has_slots([(Slot::of_id("42"), 500)]);
        assert!(is_valid(500) && !is_valid(499));
        part.invalidate_before(700, Cause::Incarnation);
        assert!(is_valid(700) && !is_valid(699));
        part.owe();
        assert!(!is_valid(1_000), "the server is still to be told");
        part.settle(part.owed());
        assert!(is_valid(1_000));
        part.has_slots([(Slot::of_id("43"), 0)]);
        assert!(!is_valid(1_000), "it has it no more");
    }
}
