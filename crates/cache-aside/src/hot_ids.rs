//! `HotIds`: the ids that are read most, found in a sample of the reads by a Misra-Gries summary, which two of them merge into one
//! (Agarwal et al., "Mergeable Summaries", PODS 2012): no count is too high, and none too low by more than a share of all counts, one
//! for each id that there is room for.

use std::collections::HashMap;

/// Below so many reads an id is not hot.
const HOT: u32 = 4;

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

    /// How often this id was read at least.
    #[cfg(test)]
    pub(crate) fn count(&self, id: &str) -> u32 {
        self.counts.get(id).copied().unwrap_or_default()
    }

    /// The ids with their counts, in no order.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, u32)> {
        self.counts.iter().map(|(id, count)| (&**id, *count))
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
}
