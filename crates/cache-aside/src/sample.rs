//! `Sample`: which reads of a worker are counted: all, or as many as cost it nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::hot_ids::HotIds;

/// So many reads are counted a second and worker, about: above, one in more.
const SAMPLES: u32 = 1_000;
/// Of so many reads one is counted at least.
const RAREST: u32 = 1 << 15;
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
        let every = u32::MAX / self.bound.load(Ordering::Relaxed);
        let next = if counted > 2.0 * wanted {
            (f64::from(every) * counted / wanted).round().min(f64::from(RAREST)) as u32
        } else if counted < wanted / 2.0 {
            every / 2
        } else {
            return;
        };
        // One in a whole number: each counts for exactly so many.
        self.bound.store(u32::MAX / next.max(1), Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(sample.take().count("a"), 1_000);
        for _ in 0..8 {
            read(100_000);
            sample.adapt(second);
        }
        let _ = sample.take();
        let counted = read(100_000);
        assert!((500..=2_000).contains(&counted), "{counted}");
        let reads = sample.take().count("a");
        assert!((95_000..=105_000).contains(&reads), "{reads}");
        for _ in 0..20 {
            sample.adapt(second);
        }
        sample.adapt(Duration::ZERO);
        assert_eq!(read(10), 10, "when it is quiet again, all are");
    }
}
