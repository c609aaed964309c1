//! `Invalidator`: gives the cache what the change stream tells, many ids at a time. What is told of an id more than once is
//! given once: only the last counts, and the highest floor.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::backend::Backend;
use crate::error::CacheError;
use crate::put::Put;
use crate::repair::{PendingInvalidation, RepairQueue};

/// Invalidations that go to the cache at one time: so few that other commands do not wait long behind them.
const BATCH: usize = 128;
/// A change without a version is applied twice, the second time so much later: a read that was answered by a member of
/// the store which did not know of it yet is over by then.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// What happened to an id, as far as the cache has to know.
#[derive(Debug, Clone)]
pub(crate) enum Invalidation {
    /// Nothing below this version may be answered any more.
    Floor(u64),
    /// Whatever the cache holds may be wrong.
    Remove,
    /// Nothing is there, as if a reader without a lease had found so; above a floor, if there is one.
    Absence(Option<u64>, Put),
}

impl Invalidation {
    /// One that does what both do, one after the other.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Floor(a) | Self::Absence(Some(a), _), Self::Floor(b)) => Self::Floor(a.max(b)),
            (Self::Floor(floor) | Self::Absence(Some(floor), _), Self::Absence(None, put)) => {
                Self::Absence(Some(floor), put)
            }
            (_, next) => next,
        }
    }

    async fn apply(self, backend: &Backend, id: &str) -> Result<(), CacheError> {
        let (floor, absence) = match self {
            Self::Remove => return backend.remove(id).await,
            Self::Floor(floor) => (Some(floor), None),
            Self::Absence(floor, absence) => (floor, Some(absence)),
        };
        if let Some(floor) = floor {
            backend.invalidate(id, floor).await?;
        }
        match absence {
            Some(absence) => backend.put(id, None, &absence).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Invalidations that the cache does not have yet, and those to be repeated.
pub(crate) struct Invalidator {
    backend: Backend,
    /// Takes those that the cache refuses.
    repair: RepairQueue,
    waiting: HashMap<String, Invalidation>,
    /// Ids to be removed once more, and when; the earliest first.
    repeats: VecDeque<(Instant, String)>,
}

impl Invalidator {
    pub(crate) fn new(backend: Backend, repair: RepairQueue) -> Self {
        Self { backend, repair, waiting: HashMap::new(), repeats: VecDeque::new() }
    }

    /// Nothing below this version may be answered any more.
    pub(crate) fn raise_floor(&mut self, id: String, version: u64) {
        self.add(id, Invalidation::Floor(version));
    }

    /// Nothing is there.
    pub(crate) fn put_absence(&mut self, id: String, absence: Put) {
        self.add(id, Invalidation::Absence(None, absence));
    }

    /// Whatever the cache holds may be wrong: removes it, and again later.
    pub(crate) fn remove(&mut self, id: String) {
        self.repeats.push_back((Instant::now() + REPEAT_AFTER, id.clone()));
        self.add(id, Invalidation::Remove);
    }

    /// Removes again what is due, as far as it goes into one batch.
    pub(crate) fn repeat_due(&mut self) {
        while !self.is_full() && self.repeats.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            if let Some((_, id)) = self.repeats.pop_front() {
                self.add(id, Invalidation::Remove);
            }
        }
    }

    /// Whether as many wait as are given to the cache at one time.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= BATCH
    }

    /// Returns when the cache has applied everything but repeats that are not due. One that the cache refuses holds up none of
    /// the others.
    pub(crate) async fn finish(&mut self) -> Result<(), CacheError> {
        let (backend, repair) = (&self.backend, &self.repair);
        let waiting = self.waiting.drain().map(|(id, invalidation)| async move {
            match invalidation.apply(backend, &id).await {
                Err(error) if !error.is_outage() || backend.is_divided() => {
                    repair.add(&id, PendingInvalidation::Remove);
                    Ok(())
                }
                done => done,
            }
        });
        // Over one connection, where they are pipelined.
        join_all(waiting).await.into_iter().collect()
    }

    /// Ids that are still to be removed once more, by somebody else.
    pub(crate) fn remaining(self) -> impl Iterator<Item = String> {
        self.repeats.into_iter().map(|(_, id)| id)
    }

    fn add(&mut self, id: String, next: Invalidation) {
        match self.waiting.entry(id) {
            Entry::Occupied(mut place) => {
                let first = std::mem::replace(place.get_mut(), Invalidation::Remove);
                place.insert(first.then(next));
            }
            Entry::Vacant(place) => drop(place.insert(next)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::put::LoadStart;
    use crate::source::Loaded;

    /// Floor, or removal, or absence above a floor, as text.
    fn told(steps: &[&str]) -> String {
        let mut invalidator = Invalidator::new(Backend::Off, RepairQueue::new(Backend::Off, 1, REPEAT_AFTER));
        for step in steps {
            match *step {
                "remove" => invalidator.remove("1".to_owned()),
                "absence" => {
                    let absence = Put::of(&Loaded::Absent, LoadStart::now(), &Options::default());
                    invalidator.put_absence("1".to_owned(), absence);
                }
                floor => invalidator.raise_floor("1".to_owned(), floor.parse().expect("a version")),
            }
        }
        assert_eq!(invalidator.waiting.len(), 1);
        match &invalidator.waiting["1"] {
            Invalidation::Floor(floor) => floor.to_string(),
            Invalidation::Remove => "remove".to_owned(),
            Invalidation::Absence(floor, _) => format!("absence above {floor:?}"),
        }
    }

    #[test]
    fn of_what_is_told_of_one_id_the_last_counts_and_the_highest_floor() {
        for (steps, given) in [
            (&["5", "7", "6"][..], "7"),
            (&["5", "remove"], "remove"),
            (&["remove", "5"], "5"),
            (&["5", "absence"], "absence above Some(5)"),
            (&["remove", "absence"], "absence above None"),
            (&["5", "absence", "absence", "4"], "5"),
            (&["absence", "remove", "absence"], "absence above None"),
        ] {
            assert_eq!(told(steps), given, "{steps:?}");
        }
    }
}
