//! `SlotMap`: a value for each slot of a cluster.

use std::sync::Arc;

use crate::slot::{SLOTS, Slot};

/// A value for each slot, kept as ranges: a cluster has few, so that what every hit looks up stays in the processor's caches, where
/// a value for each slot by itself would not. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SlotMap<T>(Arc<[Range<T>]>);

/// The slots from the one of this number on up to the next range.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range<T> {
    first: usize,
    value: T,
}

impl<T: Copy + PartialEq> SlotMap<T> {
    /// All slots have this value.
    pub(crate) fn filled(value: T) -> Self {
        Self([Range { first: 0, value }].into())
    }

    /// These values, in the order of the slots.
    pub(crate) fn of(values: &[T; SLOTS]) -> Self {
        let mut ranges = vec![Range { first: 0, value: values[0] }];
        for (number, at) in values.windows(2).enumerate() {
            if at[0] != at[1] {
                ranges.push(Range { first: number + 1, value: at[1] });
            }
        }
        Self(ranges.into())
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> T {
        // The first range begins with the first slot.
        let next = self.0.partition_point(|range| range.first <= slot.number());
        self.0[next - 1].value
    }

    /// The values of all slots, in their order.
    pub(crate) fn values(&self) -> Box<[T; SLOTS]> {
        let mut values = Box::new([self.0[0].value; SLOTS]);
        for range in &*self.0 {
            values[range.first..].fill(range.value);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_the_value_that_it_was_given() {
        let mut values = [0u16; SLOTS];
        values[0] = 1;
        values[5..=9].fill(2);
        values[SLOTS - 1] = 3;
        let map = SlotMap::of(&values);
        let got: Vec<u16> = (0..SLOTS).filter_map(Slot::numbered).map(|slot| map.get(slot)).collect();
        assert_eq!((&*got, &map.values()[..]), (&values[..], &values[..]));
        assert_eq!(map.0.len(), 5);
        assert_eq!(SlotMap::filled(7u16).values(), Box::new([7; SLOTS]));
    }
}
