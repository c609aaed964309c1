//! `ReadRates`: how often the ids that are read most are read a second, averaged over the last seconds.

use std::collections::HashMap;
use std::time::Duration;

use crate::hot_ids::HotIds;

/// What was read so long ago weighs 1/e of what is read now.
const MEMORY: Duration = Duration::from_secs(5);
/// Ids that are kept in mind.
const HELD: usize = 128;
/// An id that is read less often in a second is forgotten.
const LEAST: f64 = 0.01;

/// One of the ids that are read most: see [`crate::CacheAside::hottest`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HotId {
    /// The id.
    pub id: String,
    /// How often it is read in a second, averaged over the last seconds.
    pub reads_per_second: f64,
}

/// Reads a second by id.
#[derive(Debug, Default)]
pub(crate) struct ReadRates(HashMap<Box<str>, f64>);

impl ReadRates {
    /// Takes what was counted in so long into the average.
    pub(crate) fn add(&mut self, counted: &HotIds, during: Duration) {
        let seconds = during.as_secs_f64();
        let kept = (-seconds / MEMORY.as_secs_f64()).exp();
        self.0.values_mut().for_each(|rate| *rate *= kept);
        for (id, count) in counted.counts() {
            let more = (1.0 - kept) * f64::from(count) / seconds;
            match self.0.get_mut(id) {
                Some(rate) => *rate += more,
                None if more >= LEAST => drop(self.0.insert(id.into(), more)),
                None => {}
            }
        }
        self.0.retain(|_, rate| *rate >= LEAST);
        if self.0.len() > HELD {
            let mut rates: Vec<_> = self.0.drain().collect();
            rates.select_nth_unstable_by(HELD, |(_, a), (_, b)| b.total_cmp(a));
            rates.truncate(HELD);
            self.0.extend(rates);
        }
    }

    /// The hottest ids, the hottest first.
    pub(crate) fn hottest(&self, count: usize) -> Vec<HotId> {
        let ids = self.0.iter();
        let mut ranked: Vec<_> = ids.map(|(id, rate)| HotId { id: id.to_string(), reads_per_second: *rate }).collect();
        ranked.sort_by(|a, b| b.reads_per_second.total_cmp(&a.reads_per_second).then_with(|| a.id.cmp(&b.id)));
        ranked.truncate(count);
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn rates_follow_what_is_read_and_what_is_read_no_more_is_forgotten() {
        let mut rates = ReadRates::default();
        for second in 0..60 {
            let mut counted = HotIds::new(1_000);
            counted.note("first", 400);
            counted.note("second", 100);
            (0..500).for_each(|rare| counted.note(&format!("rare {second} {rare}"), 1));
            rates.add(&counted, SECOND);
        }
        let hottest = rates.hottest(2);
        assert_eq!([hottest[0].id.as_str(), hottest[1].id.as_str()], ["first", "second"]);
        assert!((399.0..401.0).contains(&hottest[0].reads_per_second), "{hottest:?}");
        assert!((99.0..101.0).contains(&hottest[1].reads_per_second), "{hottest:?}");
        assert_eq!(rates.hottest(1_000).len(), HELD);
        for _ in 0..100 {
            rates.add(&HotIds::new(1_000), SECOND);
        }
        assert!(rates.hottest(2).is_empty());
    }

    #[test]
    fn it_matters_little_how_often_it_is_looked() {
        let (mut often, mut seldom) = (ReadRates::default(), ReadRates::default());
        let counted = |reads| {
            let mut counted = HotIds::new(10);
            counted.note("a", reads);
            counted
        };
        (0..300).for_each(|_| often.add(&counted(10), SECOND / 10));
        seldom.add(&counted(3_000), 30 * SECOND);
        for rates in [often, seldom] {
            let rate = rates.hottest(1)[0].reads_per_second;
            assert!((99.0..101.0).contains(&rate), "{rate}");
        }
    }
}
