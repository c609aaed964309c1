//! `Hot`: which ids are read most, by a small sketch for each worker ("space-saving": Metwally et al., ICDT 2005). While nobody
//! looks, a read pays one load of a flag; else each is counted, or one in so many that a busy worker counts no more than it can
//! without being slower for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many reads are counted a second and worker, about: above, one in more.
const SAMPLES: u64 = 1_000;
/// Of so many reads one is counted at least.
const RAREST: u64 = 1 << 12;
/// Golden ratio of 2^32: its multiples are spread evenly, whatever turns clients read ids in.
const SPREAD: u32 = 0x9E37_79B9;
/// Ids that a sketch holds.
const HELD: usize = 64;
/// What a second's count weighs in the average; the rest is what was before.
const WEIGHT: f64 = 0.2;

/// The sketches of all workers.
#[derive(Debug, Default)]
pub(super) struct Hot {
    watched: Arc<AtomicBool>,
    workers: Mutex<Vec<Arc<Sketch>>>,
}

/// The ids that one worker reads most. Only who looks makes its lock wait.
#[derive(Debug)]
pub struct Sketch {
    watched: Arc<AtomicBool>,
    reads: AtomicU32,
    /// Of so many reads one is counted.
    every: AtomicU32,
    counted: Mutex<Vec<Counted>>,
}

#[derive(Debug)]
struct Counted {
    id: Box<str>,
    count: u64,
    /// What of the count may be of ids that were held in its place before.
    error: u64,
}

impl Hot {
    /// The sketch of one more worker.
    pub(super) fn worker(&self) -> Arc<Sketch> {
        let watched = Arc::clone(&self.watched);
        let sketch =
            Arc::new(Sketch { watched, reads: AtomicU32::new(0), every: AtomicU32::new(1), counted: Mutex::default() });
        lock(&self.workers).push(Arc::clone(&sketch));
        sketch
    }

    /// Whether reads are counted from now on.
    pub(super) fn watch(&self, on: bool) {
        self.watched.store(on, Ordering::Relaxed);
    }

    /// Takes what was counted in the last seconds: reads by id, those that are certain only.
    fn take(&self, seconds: f64) -> HashMap<Box<str>, u64> {
        let mut reads = HashMap::new();
        for worker in lock(&self.workers).iter() {
            let every = worker.adapt(seconds);
            for Counted { id, count, error } in std::mem::take(&mut *lock(&worker.counted)) {
                *reads.entry(id).or_insert(0) += (count - error) * every;
            }
        }
        reads
    }
}

impl Sketch {
    /// An id was read.
    #[inline]
    pub fn note(&self, id: &str) {
        if self.watched.load(Ordering::Relaxed) {
            self.sample(id);
        }
    }

    /// Of how many reads one was counted in the last seconds; what comes next is counted by how many there were.
    fn adapt(&self, seconds: f64) -> u64 {
        let reads = f64::from(self.reads.swap(0, Ordering::Relaxed)) / seconds.max(0.1);
        let next = (reads as u64 / SAMPLES).clamp(1, RAREST);
        u64::from(self.every.swap(next as u32, Ordering::Relaxed))
    }

    #[cold]
    fn sample(&self, id: &str) {
        let every = self.every.load(Ordering::Relaxed);
        if self.reads.fetch_add(1, Ordering::Relaxed).wrapping_mul(SPREAD) > u32::MAX / every {
            return;
        }
        let mut counted = lock(&self.counted);
        if let Some(known) = counted.iter_mut().find(|counted| &*counted.id == id) {
            known.count += 1;
        } else if counted.len() < HELD {
            counted.push(Counted { id: id.into(), count: 1, error: 0 });
        } else if let Some(least) = counted.iter_mut().min_by_key(|counted| counted.count) {
            // The newcomer takes the place of the least, and may have been read as often before.
            *least = Counted { id: id.into(), count: least.count + 1, error: least.count };
        }
    }
}

/// Reads a second by id, averaged over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<Box<str>, f64>);

impl Rates {
    /// Takes what was counted over so many seconds into the average.
    pub(super) fn add(&mut self, hot: &Hot, seconds: f64) {
        for rate in self.0.values_mut() {
            *rate *= 1.0 - WEIGHT;
        }
        for (id, count) in hot.take(seconds) {
            *self.0.entry(id).or_insert(0.0) += WEIGHT * count as f64 / seconds.max(0.1);
        }
        let mut ranked: Vec<_> = std::mem::take(&mut self.0).into_iter().filter(|(_, rate)| *rate >= 0.1).collect();
        ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        ranked.truncate(2 * HELD);
        self.0 = ranked.into_iter().collect();
    }

    /// The hottest ids with their rates, the hottest first.
    pub(super) fn hottest(&self, count: usize) -> Vec<(String, f64)> {
        let mut ranked: Vec<_> = self.0.iter().map(|(id, rate)| (id.to_string(), *rate)).collect();
        ranked.sort_by(|(first, a), (second, b)| b.total_cmp(a).then_with(|| first.cmp(second)));
        ranked.truncate(count);
        ranked
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is counted is whole between any two statements.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_that_are_read_most_are_found_among_many_and_no_count_is_too_high() {
        let hot = Hot::default();
        let workers = [hot.worker(), hot.worker()];
        workers[0].note("before anybody looks");
        hot.watch(true);
        for turn in 0..40_000 {
            let worker = &workers[turn % 2];
            let id = match turn / 2 % 10 {
                0..4 => "first".to_owned(),
                4..6 => "second".to_owned(),
                _ => format!("rare {turn}"),
            };
            worker.note(&id);
        }
        let mut rates = Rates::default();
        rates.add(&hot, 1.0);
        let hottest = rates.hottest(2);
        assert_eq!([hottest[0].0.as_str(), hottest[1].0.as_str()], ["first", "second"], "{hottest:?}");
        assert!(hottest[0].1 <= 0.2 * 16_100.0 && hottest[0].1 > 0.2 * 15_000.0, "{hottest:?}");
        for _ in 0..100 {
            rates.add(&hot, 1.0);
        }
        assert!(rates.hottest(2).is_empty(), "what is read no more is forgotten");
    }
}
