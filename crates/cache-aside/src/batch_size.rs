//! `BatchSize`: how many loads may be one query. As many as are allowed where that is cheaper than as many queries; fewer where the
//! store reads them one after the other and each takes its time (a cold disk): there they are better asked for side by side.

use std::time::Duration;

/// A query of `n` ids is worth it if it takes less than a load of one and this share of a load for each further id.
const WORTH: f64 = 0.5;
/// So many full queries in a row that were worth it, before larger ones are tried again.
const TRUST: u32 = 8;
/// So many queries in a row that were not, before they get smaller: one may be slow for any reason.
const DOUBT: u32 = 4;
/// Ids of a query that says whether it was worth it: of fewer, chance says more.
const TELLING: usize = 4;
/// How much the latest load of one id counts in what such a load usually takes.
const LATEST: f64 = 0.125;

/// Most ids of one query, by what queries took so far.
#[derive(Debug)]
pub(crate) struct BatchSize {
    most: usize,
    limit: usize,
    /// What a load of one id usually takes, seconds.
    single: Option<f64>,
    /// Full queries in a row that were worth it.
    worth: u32,
    /// Queries in a row that were not.
    vain: u32,
}

impl BatchSize {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, limit: most, single: None, worth: 0, vain: 0 }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// A query of so many ids took so long.
    pub(crate) fn learn(&mut self, ids: usize, took: Duration) {
        let took = took.as_secs_f64();
        if ids == 1 {
            self.single = Some(self.single.map_or(took, |single| single + (took - single) * LATEST));
        }
        let Some(single) = self.single else { return };
        let is_worth = ids == 1 || took <= single * (1.0 + WORTH * (ids - 1) as f64);
        if is_worth {
            self.vain = 0;
            self.worth += u32::from(ids >= self.limit);
        } else if ids >= TELLING.min(self.limit) {
            (self.worth, self.vain) = (0, self.vain + 1);
        }
        if self.vain >= DOUBT {
            (self.limit, self.vain) = ((self.limit / 2).max(1), 0);
        }
        if self.worth >= TRUST {
            (self.limit, self.worth) = ((self.limit * 2).min(self.most), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: f64) -> Duration {
        Duration::from_secs_f64(ms / 1_000.0)
    }

    #[test]
    fn stays_large_where_many_cost_little_more_than_one_also_far_away() {
        for (single, each) in [(0.3, 0.015), (80.0, 0.015)] {
            let mut size = BatchSize::new(32);
            for _ in 0..100 {
                size.learn(1, ms(single));
                size.learn(32, ms(single + 32.0 * each));
                assert_eq!(size.limit(), 32, "{single}");
            }
        }
    }

    #[test]
    fn shrinks_where_each_takes_its_time_and_grows_again_when_that_is_over() {
        let mut size = BatchSize::new(32);
        size.learn(1, ms(5.0));
        for _ in 0..DOUBT * 5 {
            let ids = size.limit();
            size.learn(ids, ms(5.0 * ids as f64));
        }
        assert_eq!(size.limit(), 1);
        for _ in 0..TRUST * 5 {
            let ids = size.limit();
            size.learn(ids, ms(5.0 + 0.1 * ids as f64));
        }
        assert_eq!(size.limit(), 32);
    }

    #[test]
    fn neither_a_slow_query_now_and_then_nor_a_small_one_makes_it_smaller() {
        let mut size = BatchSize::new(32);
        size.learn(1, ms(1.0));
        for _ in 0..100 {
            for _ in 1..DOUBT {
                size.learn(32, ms(40.0));
            }
            size.learn(10, ms(1.5));
            size.learn(2, ms(10.0));
        }
        assert_eq!(size.limit(), 32);
    }
}
