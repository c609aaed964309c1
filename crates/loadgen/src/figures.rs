//! Figures that reports are made of. Latencies are microseconds, those of answers as they should be and those of
//! failures always apart: a refused connection takes no time, and would make every service look fast.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told apart, microseconds: ten minutes.
const MAX_US: u64 = 600_000_000;

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Mean.
    pub mean_us: f64,
    /// Half of the requests took no longer.
    pub p50_us: u64,
    /// Nine of ten requests took no longer.
    pub p90_us: u64,
    /// 99 of a hundred requests took no longer.
    pub p99_us: u64,
    /// 999 of a thousand requests took no longer.
    pub p999_us: u64,
    /// The slowest request took so long.
    pub max_us: u64,
}

/// Figures of one kind of request.
#[derive(Debug, Clone, Serialize)]
pub struct ByRequest {
    /// Method and path template.
    pub name: &'static str,
    /// Requests of this kind.
    pub requests: u64,
    /// Requests that were answered as they should be.
    pub successes: u64,
    /// Requests that were not.
    pub failures: u64,
    /// Latency of the successes; none if there were none.
    pub latency: Option<Latency>,
    /// Time that the failures took; none if there were none.
    pub failure_latency: Option<Latency>,
}

/// How often something came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What came.
    pub name: String,
    /// How often it came.
    pub count: u64,
}

/// One second of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Second {
    /// Seconds since the start.
    pub second: u64,
    /// Users that had begun by then.
    pub users: u64,
    /// Requests that ended in this second.
    pub requests: u64,
    /// Requests that were answered as they should be.
    pub successes: u64,
    /// Requests that were not.
    pub failures: u64,
    /// Reads that the cache answered.
    pub from_cache: u64,
    /// Latency of the successes; none if there were none.
    pub latency: Option<Latency>,
    /// Time that the failures took; none if there were none.
    pub failure_latency: Option<Latency>,
}

/// Requests that took up to so long, and longer than the bucket before.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bucket {
    /// Upper end, microseconds.
    pub up_to_us: u64,
    /// Requests that were answered as they should be.
    pub count: u64,
    /// Requests that failed.
    pub failures: u64,
}

/// The times that requests took, success and failure apart.
pub(crate) struct Latencies {
    pub(crate) successes: Histogram<u64>,
    pub(crate) failures: Histogram<u64>,
}

impl Latency {
    fn of(latencies: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| latencies.value_at_quantile(quantile);
        (!latencies.is_empty()).then(|| Self {
            mean_us: latencies.mean(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: latencies.max(),
        })
    }
}

impl Latencies {
    /// None so far; each will be known to so many digits.
    pub(crate) fn new(digits: u8) -> Self {
        let empty =
            || Histogram::new_with_bounds(1, MAX_US, digits).expect("the bounds are constants that a histogram takes");
        Self { successes: empty(), failures: empty() }
    }

    pub(crate) fn add(&mut self, micros: u64, failed: bool) {
        let histogram = if failed { &mut self.failures } else { &mut self.successes };
        histogram.saturating_record(micros.clamp(1, MAX_US));
    }

    /// Latency of the successes.
    pub(crate) fn latency(&self) -> Option<Latency> {
        Latency::of(&self.successes)
    }

    /// Time that the failures took.
    pub(crate) fn failure_latency(&self) -> Option<Latency> {
        Latency::of(&self.failures)
    }

    /// How many requests took how long, in steps of about a tenth, from the first that is not empty.
    pub(crate) fn distribution(&self) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for (histogram, failed) in [(&self.successes, false), (&self.failures, true)] {
            for (n, step) in histogram.iter_log(10, 1.1).enumerate() {
                if n == buckets.len() {
                    buckets.push(Bucket { up_to_us: step.value_iterated_to(), count: 0, failures: 0 });
                }
                let count = if failed { &mut buckets[n].failures } else { &mut buckets[n].count };
                *count += step.count_since_last_iteration();
            }
        }
        buckets.into_iter().skip_while(|bucket| bucket.count + bucket.failures == 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_counts_every_success_and_every_failure_once() {
        let mut all = Latencies::new(3);
        for micros in [5, 90, 100, 1_000, 1_001, 2_000_000] {
            all.add(micros, false);
        }
        for micros in [7, 700, 30_000_000] {
            all.add(micros, true);
        }
        let buckets = all.distribution();
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 6);
        assert_eq!(buckets.iter().map(|bucket| bucket.failures).sum::<u64>(), 3);
        assert!(buckets.is_sorted_by(|a, b| a.up_to_us <= b.up_to_us));
        assert!(buckets[0].count == 1 && buckets.last().is_some_and(|last| last.failures == 1));
    }

    #[test]
    fn failures_do_not_make_successes_faster() {
        let mut all = Latencies::new(3);
        (0..1_000).for_each(|_| all.add(7, true));
        all.add(2_000, false);
        assert!(all.latency().is_some_and(|at| (1_990..2_010).contains(&at.p50_us)));
        assert!(all.failure_latency().is_some_and(|at| at.max_us == 7));
    }
}
