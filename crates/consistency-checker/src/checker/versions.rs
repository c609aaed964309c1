//! The states of one id in the order in which they were committed: its versions, ascending, and before, between and after
//! them the times in which nothing was there.
//!
//! A body tells its version, so values have one place in the order. Absence carries no version: it may belong to any gap
//! that a delete can have made, and takes the earliest that fits. That is the most lenient choice, so what is refused
//! is wrong whatever the true order was.

use std::collections::{HashMap, HashSet};

use crate::history::{Action, Marker, Moment, Operation, Outcome};

/// A place in the order: `2 k` is the gap before version number `k`, `2 k + 1` that version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize);

impl Place {
    fn gap(number: usize) -> Self {
        Self(2 * number)
    }

    fn value(number: usize) -> Self {
        Self(2 * number + 1)
    }

    /// The number of the first gap that is not before this place.
    fn first_gap(self) -> usize {
        self.0.div_ceil(2)
    }

    fn is_gap(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

/// A version of the id.
pub(super) struct Known<'a> {
    /// Its number.
    pub(super) version: u64,
    /// What made it; else the first that saw it.
    pub(super) by: &'a Operation,
    /// It was not committed before.
    begun: Moment,
    /// It was committed by then.
    done: Moment,
    /// Whether there may have been nothing right before it.
    after_absence: bool,
}

/// The order of one id.
pub(super) struct Versions<'a> {
    known: Vec<Known<'a>>,
    /// For each gap, from when on nothing may have been there; [`Moment::NEVER`] if no delete fits.
    gap_from: Vec<Moment>,
    /// For each gap, the first delete that fits.
    deleted_by: Vec<Option<&'a Operation>>,
    /// For each gap, the first from there on that a delete fits.
    next_gap: Vec<usize>,
    /// Whether a write of unknown outcome may have put a value into a gap that nobody saw.
    hidden: bool,
}

impl<'a> Versions<'a> {
    /// Orders what the operations of one id tell.
    pub(super) fn new(operations: &[&'a Operation]) -> Self {
        let mut known = known(operations);
        known.sort_by_key(|known| known.version);
        for i in 1..known.len() {
            known[i].begun = known[i].begun.max(known[i - 1].begun);
        }
        for i in (1..known.len()).rev() {
            known[i - 1].done = known[i - 1].done.min(known[i].done);
        }
        let hidden = hidden_since(operations, &known);
        let deletes = Deletes::new(operations);
        let gaps = known.len() + 1;
        let (gap_from, deleted_by): (Vec<Moment>, Vec<Option<&Operation>>) =
            (0..gaps).map(|gap| gap_from(gap, &known, &deletes, hidden)).unzip();
        let mut next_gap = vec![gaps; gaps + 1];
        for gap in (0..gaps).rev() {
            next_gap[gap] = if gap_from[gap] == Moment::NEVER { next_gap[gap + 1] } else { gap };
        }
        Self { known, gap_from, deleted_by, next_gap, hidden: hidden != Moment::NEVER }
    }

    /// The operation that made the state at a place, or first saw it.
    pub(super) fn at(&self, place: Place) -> Option<&'a Operation> {
        if place.is_gap() {
            return *self.deleted_by.get(place.0 / 2)?;
        }
        self.known.get(place.0 / 2).map(|known| known.by)
    }

    /// Where a version is.
    pub(super) fn place_of(&self, version: u64) -> Option<Place> {
        self.known.binary_search_by_key(&version, |known| known.version).ok().map(Place::value)
    }

    /// The earliest place from `floor` on at which `operation` can have found or left nothing.
    pub(super) fn absence(&self, operation: &Operation, floor: Place) -> Option<Place> {
        let mut from = floor.first_gap();
        // Who deletes must find something, so two deletes are never in one gap.
        if operation.is_write() && floor.is_gap() && from > 0 && !self.hidden {
            from += 1;
        }
        let gap = *self.next_gap.get(from)?;
        let begins = *self.gap_from.get(gap)?;
        // Later gaps begin later.
        (begins < operation.received).then(|| Place::gap(gap))
    }

    /// What was committed between two versions that should follow each other.
    pub(super) fn between(&self, older: u64, newer: u64) -> Option<&Known<'a>> {
        let number = self.known.binary_search_by_key(&older, |known| known.version).ok()? + 1;
        self.known.get(number).filter(|next| next.version < newer)
    }

    /// Whether something is known to have been there right before this version.
    pub(super) fn must_replace(&self, version: u64) -> Option<&'a Operation> {
        let number = self.known.binary_search_by_key(&version, |known| known.version).ok()?;
        if number == 0 || self.gap_from[number] != Moment::NEVER {
            return None;
        }
        Some(self.known[number - 1].by)
    }
}

fn known<'a>(operations: &[&'a Operation]) -> Vec<Known<'a>> {
    let writes: HashMap<Marker, &Operation> = operations
        .iter()
        .filter(|operation| operation.is_write())
        .filter_map(|operation| operation.marker().map(|marker| (marker, *operation)))
        .collect();
    let mut by_version: HashMap<u64, Known<'a>> = HashMap::new();
    for &operation in operations {
        let Outcome::Value { version, marker, .. } = &operation.outcome else { continue };
        let write = marker.and_then(|marker| writes.get(&marker)).copied();
        let known = by_version.entry(*version).or_insert_with(|| Known {
            version: *version,
            by: write.unwrap_or(operation),
            begun: write.map_or(Moment(0), |write| write.sent),
            done: Moment::NEVER,
            after_absence: write.is_none_or(|write| created(write).is_none_or(|created| created)),
        });
        known.done = known.done.min(operation.received);
    }
    by_version.into_values().collect()
}

fn created(write: &Operation) -> Option<bool> {
    match write.outcome {
        Outcome::Value { created, .. } => created,
        _ => None,
    }
}

/// Since when there may be values that nobody saw.
fn hidden_since(operations: &[&Operation], known: &[Known<'_>]) -> Moment {
    let seen: HashSet<Marker> = known.iter().filter_map(|known| known.by.marker()).collect();
    operations
        .iter()
        .filter(|operation| operation.outcome == Outcome::Unknown && matches!(operation.action, Action::Write { .. }))
        .filter(|operation| operation.marker().is_none_or(|marker| !seen.contains(&marker)))
        .map(|operation| operation.sent)
        .min()
        .unwrap_or(Moment::NEVER)
}

/// Deletes that may have happened.
struct Deletes<'a> {
    /// In the order in which they were sent.
    sent: Vec<&'a Operation>,
    /// By when it or one before it had happened: ascending, too.
    done: Vec<Moment>,
}

impl<'a> Deletes<'a> {
    fn new(operations: &[&'a Operation]) -> Self {
        let (mut sent, mut done) = (Vec::new(), Vec::new());
        let mut latest = Moment(0);
        for &operation in operations {
            let happened = matches!(operation.outcome, Outcome::Absent | Outcome::Unknown);
            if happened && matches!(operation.action, Action::Delete { .. }) {
                latest = latest.max(operation.done_by());
                sent.push(operation);
                done.push(latest);
            }
        }
        Self { sent, done }
    }

    /// The first that was sent of those that can have happened after `after` and before `before`.
    fn first_between(&self, after: Moment, before: Moment) -> Option<&'a Operation> {
        let number = self.done.partition_point(|done| *done < after);
        self.sent.get(number).copied().filter(|delete| delete.sent <= before)
    }
}

fn gap_from<'a>(
    gap: usize,
    known: &[Known<'_>],
    deletes: &Deletes<'a>,
    hidden: Moment,
) -> (Moment, Option<&'a Operation>) {
    let ended = known.get(gap).map_or(Moment::NEVER, |next| next.done);
    let may_end_here = known.get(gap).is_none_or(|next| next.after_absence || hidden <= next.done);
    if !may_end_here {
        return (Moment::NEVER, None);
    }
    let Some(before) = gap.checked_sub(1).map(|number| &known[number]) else { return (Moment(0), None) };
    let delete = deletes.first_between(before.begun, ended);
    (delete.map_or(Moment::NEVER, |delete| delete.sent.max(before.begun)), delete)
}
