//! I3, I5 and I9: what is answered is not older than what was acknowledged or answered before. One sweep over the
//! operations of an id in the order of time, after one sort: O(n log n).

use super::floors::{Because, Floor, Floors};
use super::promises::{Promises, excused};
use super::versions::{Place, Versions};
use super::violation::{Invariant, Violation};
use super::{Verdict, versions};
use crate::history::{Action, Condition, History, Operation, Outcome, Suspends};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Comes first where times are equal: what ends in the instant in which another begins is not before it.
    Begin,
    Raise(Because),
    Committed,
}

/// Checks one id that only the service writes. `operations` are in the order in which they were sent.
pub(super) fn check(
    id: &str,
    operations: &[&Operation],
    history: &History,
    promises: &Promises,
    verdict: &mut Verdict,
) {
    let versions = Versions::new(operations);
    let mut steps = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        if !matches!(operation.outcome, Outcome::Value { .. } | Outcome::Absent) {
            continue;
        }
        steps.push((operation.sent, Step::Begin, number));
        steps.push((operation.received, Step::Committed, number));
        for (at, because) in Floors::times(operation, promises) {
            steps.push((at, Step::Raise(because), number));
        }
    }
    steps.sort_unstable();

    let sweep = Sweep { id, history, promises, versions: &versions };
    let mut floors = Floors::default();
    let mut places: Vec<Option<Place>> = vec![None; operations.len()];
    for (_, step, number) in steps {
        let operation = operations[number];
        match step {
            Step::Begin => places[number] = sweep.begin(operation, &floors, verdict),
            Step::Committed => {
                if let (Outcome::Value { .. }, Some(place)) = (&operation.outcome, places[number]) {
                    floors.committed(Floor { place, shown_by: operation });
                }
            }
            Step::Raise(because) => {
                if let Some(place) = places[number] {
                    floors.raise(because, Floor { place, shown_by: operation });
                }
            }
        }
    }
    if verdict.violations.iter().any(|violation| violation.id == id && violation.invariant == Invariant::I2) {
        // Versions that went back tell nothing of what stood between them.
        return;
    }
    for operation in operations {
        verdict.violations.extend(condition(id, operation, &versions));
    }
}

struct Sweep<'a, 'h> {
    id: &'a str,
    history: &'a History,
    promises: &'a Promises,
    versions: &'a Versions<'h>,
}

impl<'h> Sweep<'_, 'h> {
    /// Holds an operation against the floors of the moment in which it was sent, and says where it is in the order.
    fn begin(&self, operation: &'h Operation, floors: &Floors<'h>, verdict: &mut Verdict) -> Option<Place> {
        let repairs_run = !excused(operation, &self.history.windows, Suspends::Repairs);
        let floor = floors.of(operation, repairs_run);
        let at_least = floor.map_or(Place::default(), |(_, floor)| floor.place);
        let place = match &operation.outcome {
            Outcome::Value { version, .. } => self.versions.place_of(*version),
            _ => self.versions.absence(operation, at_least),
        };
        if operation.is_write() {
            verdict.violations.extend(self.write(operation, place, floors));
            return place;
        }
        if excused(operation, &self.history.windows, Suspends::Everything) {
            verdict.reads_excused += 1;
            return place;
        }
        verdict.reads_checked += 1;
        if let Some((because, floor)) = floor
            && place.is_none_or(|place| place < floor.place)
        {
            verdict.violations.push(self.too_old(operation, because, floor));
            return None;
        }
        if place.is_none() {
            let what = "nothing was found where nobody can have deleted it".to_owned();
            verdict.violations.push(Violation::new(Invariant::I9, self.id, what).with("wrong", operation));
        }
        place
    }

    /// Versions never come twice, nor go back.
    fn write(&self, operation: &'h Operation, place: Option<Place>, floors: &Floors<'h>) -> Option<Violation> {
        let (Outcome::Value { version, .. }, Some(place)) = (&operation.outcome, place) else { return None };
        let floor = floors.below_writes().filter(|floor| floor.place >= place)?;
        let what = format!("a write got version {version}, which is not above one that was there before it began");
        Some(
            Violation::new(Invariant::I2, self.id, what)
                .with("there before", floor.shown_by)
                .with("not above it", operation),
        )
    }

    fn too_old(&self, operation: &'h Operation, because: Because, floor: Floor<'h>) -> Violation {
        let absent = operation.outcome == Outcome::Absent;
        let invariant = match because {
            Because::Repaired => Invariant::I4,
            Because::SameProcess => Invariant::I5,
            Because::Known if !self.promises.lag.is_zero() => Invariant::I5,
            Because::Known if absent => Invariant::I9,
            Because::Known => Invariant::I3,
        };
        let lag = match because {
            Because::Known if !self.promises.lag.is_zero() => {
                format!(" by more than {} ms", self.promises.lag.as_millis())
            }
            Because::Repaired => format!(" by more than {} ms", self.promises.deferred_lag.as_millis()),
            Because::SameProcess => " by the same process".to_owned(),
            Because::Known => String::new(),
        };
        let shown = if floor.shown_by.is_write() { "acknowledged" } else { "answered" };
        let answer = if absent { "nothing there" } else { "an older version" };
        let what = format!("a read answers {answer}, after something newer was {shown}{lag}");
        let mut violation = Violation::new(invariant, self.id, what);
        if let Outcome::Value { version, .. } = operation.outcome
            && let Some(origin) = self.versions.place_of(version).and_then(|place| self.versions.at(place))
            && origin.is_write()
        {
            violation = violation.with("where the old version comes from", origin);
        }
        if let Some(origin) = self.versions.at(floor.place)
            && origin.is_write()
        {
            violation = violation.with("the newer write", origin);
        }
        violation.with(&format!("{shown} before"), floor.shown_by).with("wrong: too old", operation)
    }
}

/// I6: what `If-Match` and `If-None-Match` said was so when the write happened.
fn condition(id: &str, operation: &Operation, versions: &Versions<'_>) -> Option<Violation> {
    let (Action::Write { condition, .. }, Outcome::Value { version, created, .. }) =
        (&operation.action, &operation.outcome)
    else {
        return None;
    };
    if let Condition::Version(expected) = condition
        && let Some(versions::Known { version: other, by, .. }) = versions.between(*expected, *version)
    {
        let what = format!("a write if version {expected} replaced version {other}");
        return Some(Violation::new(Invariant::I6, id, what).with("in between", by).with("wrong", operation));
    }
    if *created == Some(true)
        && let Some(before) = versions.must_replace(*version)
    {
        let what = "a todo was created that was there".to_owned();
        return Some(Violation::new(Invariant::I6, id, what).with("there", before).with("wrong", operation));
    }
    None
}
