//! `HotIds`: the ids that are read most, found in a sample of the reads by a Misra-Gries summary, which two of them merge into one
//! (Agarwal et al., "Mergeable Summaries", PODS 2012): no count is too high, and none too low by more than a share of all counts, one
//! for each id that there is room for.
//!
//! `Sample`: which reads of a worker are counted: all, or as many as cost it nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Below so many reads an id is not hot.
const HOT: u32 = 4;
/// So many reads are counted a second and worker, about: above, one in more.
const SAMPLES: u32 = 1_000;
/// Golden ratio of 2^32: its multiples are spread evenly, whatever turns ids are read in.
const SPREAD: u32 = 0x9E37_79B9;

/// The sample of one worker. Only who collects it makes its lock wait.
#[derive(Debug)]
pub(crate) struct Sample {
    hot: Mutex<HotIds>,
    /// All reads, by their numbers.
    reads: AtomicU32,
    /// A read is counted if its number, spread over 2^32, is not above: all are at first.
    bound: AtomicU32,
    /// Reads that were counted since the last look.
    counted: AtomicU32,
}

impl Sample {
    pub(crate) fn new(room: usize) -> Self {
        let hot = Mutex::new(HotIds::new(room));
        Self { hot, reads: AtomicU32::new(0), bound: AtomicU32::new(u32::MAX), counted: AtomicU32::new(0) }
    }

    /// An id was read. Not inlined: where nobody wants to know, a hit should pay nothing for it.
    #[inline(never)]
    pub(crate) fn note(&self, id: &str) {
        let (number, bound) = (self.reads.fetch_add(1, Ordering::Relaxed), self.bound.load(Ordering::Relaxed));
        if number.wrapping_mul(SPREAD) <= bound {
            self.counted.fetch_add(1, Ordering::Relaxed);
            // For all those that it stands for.
            self.hot().note(id, u32::MAX / bound);
        }
    }

    /// Takes more of the reads, or fewer, by how many were counted in the time since the last look.
    pub(crate) fn adapt(&self, since: Duration) {
        let counted = f64::from(self.counted.swap(0, Ordering::Relaxed));
        let wanted = f64::from(SAMPLES) * since.as_secs_f64();
        let change = if counted > 2.0 * wanted {
            wanted / counted
        } else if counted < wanted / 2.0 {
            2.0
        } else {
            return;
        };
        let bound = f64::from(self.bound.load(Ordering::Relaxed)) * change;
        self.bound.store(bound.clamp(1.0, f64::from(u32::MAX)) as u32, Ordering::Relaxed);
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> HotIds {
        self.hot().take()
    }

    fn hot(&self) -> MutexGuard<'_, HotIds> {
        // Whole between any two statements.
        self.hot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids with how often they were read.
#[derive(Debug)]
pub(crate) struct HotIds {
    /// How many ids are wanted; up to twice as many are held.
    room: usize,
    counts: HashMap<Box<str>, u32>,
}

impl HotIds {
    pub(crate) fn new(room: usize) -> Self {
        Self { room, counts: HashMap::new() }
    }

    /// This id was read so many times.
    pub(crate) fn note(&mut self, id: &str, reads: u32) {
        if let Some(count) = self.counts.get_mut(id) {
            *count = count.saturating_add(reads);
            return;
        }
        if self.counts.len() >= 2 * self.room {
            self.shrink();
        }
        self.counts.insert(id.into(), reads);
    }

    /// What was counted since the last time.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.room))
    }

    /// Adds what another one counted.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (id, more) in other.counts {
            let count = self.counts.entry(id).or_insert(0);
            *count = count.saturating_add(more);
        }
        if self.counts.len() > 2 * self.room {
            self.shrink();
        }
    }

    /// Halves what was counted until now, so that what is read no more is forgotten.
    pub(crate) fn fade(&mut self) {
        self.counts.retain(|_, count| {
            *count /= 2;
            *count > 0
        });
    }

    pub(crate) fn forget(&mut self, id: &str) {
        self.counts.remove(id);
    }

    /// The ids that are hot, the hottest first.
    pub(crate) fn hottest(&self) -> Vec<&str> {
        let mut hot: Vec<_> = self.counts.iter().filter(|(_, count)| **count >= HOT).collect();
        hot.sort_unstable_by(|(a, first), (b, second)| second.cmp(first).then_with(|| a.cmp(b)));
        hot.into_iter().take(self.room).map(|(id, _)| &**id).collect()
    }

    /// Takes the count of the first that finds no room from all.
    fn shrink(&mut self) {
        let mut counts: Vec<u32> = self.counts.values().copied().collect();
        if counts.len() <= self.room {
            return;
        }
        let (_, first_out, _) = counts.select_nth_unstable_by(self.room, |a, b| b.cmp(a));
        let first_out = *first_out;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(first_out);
            *count > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_most_is_found_among_many_more_ids_than_there_is_room_for() {
        let (mut one, mut other) = (HotIds::new(100), HotIds::new(100));
        for turn in 0..20_000_u32 {
            let sketch = if turn % 2 == 0 { &mut one } else { &mut other };
            match turn / 2 % 4 {
                0 => sketch.note(&format!("hot {}", turn / 8 % 5), 1),
                _ => sketch.note(&format!("rare {turn}"), 1),
            }
        }
        one.absorb(other.take());
        assert!(other.hottest().is_empty());
        let mut found: Vec<&str> = one.hottest().into_iter().take(5).collect();
        found.sort_unstable();
        assert_eq!(found, ["hot 0", "hot 1", "hot 2", "hot 3", "hot 4"]);
        assert!(one.counts.len() <= 200, "{} ids", one.counts.len());
    }

    #[test]
    fn the_hottest_come_first_and_what_was_read_now_and_then_is_not_hot() {
        let mut hot = HotIds::new(3);
        for (id, reads) in [("b", 2), ("a", 4), ("c", 3), ("a", 2), ("b", 3), ("d", 4)] {
            hot.note(id, reads);
        }
        assert_eq!(hot.hottest(), ["a", "b", "d"]);
        hot.forget("b");
        assert_eq!(hot.hottest(), ["a", "d"]);
        hot.fade();
        assert!(hot.hottest().is_empty(), "what is read no more is forgotten");
    }

    #[test]
    fn of_few_reads_all_are_counted_and_of_many_a_sample_that_says_how_many_there_were() {
        let (sample, second) = (Sample::new(10), Duration::from_secs(1));
        let read = |count: u32| {
            let before = sample.counted.load(Ordering::Relaxed);
            (0..count).for_each(|_| sample.note("a"));
            sample.counted.load(Ordering::Relaxed) - before
        };
        assert_eq!(read(500), 500);
        sample.adapt(second);
        assert_eq!(read(500), 500);
        assert_eq!(sample.take().counts["a"], 1_000);
        for _ in 0..8 {
            read(100_000);
            sample.adapt(second);
        }
        let _ = sample.take();
        let counted = read(100_000);
        assert!((500..=2_000).contains(&counted), "{counted}");
        let reads = sample.take().counts["a"];
        assert!((95_000..=105_000).contains(&reads), "{reads}");
        for _ in 0..20 {
            sample.adapt(second);
        }
        sample.adapt(Duration::ZERO);
        assert_eq!(read(10), 10, "when it is quiet again, all are");
    }
}
