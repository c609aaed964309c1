//! What may be under the id before a script runs, and what it is asked.

use cache_aside::cell::Kind;
use cache_aside::lease::{Lease, LeaseEntry};
use cache_aside::rules::{CellState, Holder, LeaseNotes, Offer};
use proptest::prelude::*;

use super::{Attempt, Before, FILLED_AT, FUTURE, Invalidation, MINE, OTHERS, PAST, Put};

/// A third one who is at work.
const THIRD: &str = "cccccccccccccccc";

/// Few versions, so that all orders between cell, lease and offer come up.
pub(crate) fn version() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..5, Just(9_007_199_254_740_990), Just(9_007_199_254_740_991)]
}

fn entry(token: &'static str, by: Holder) -> impl Strategy<Value = LeaseEntry<&'static str>> {
    (version(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(move |(floor, gone, at_work)| {
        let until_ms = if at_work { FUTURE } else { PAST };
        LeaseEntry { token, notes: LeaseNotes { floor, gone }, by, until_ms }
    })
}

/// Up to three at work, one of them perhaps a reader, some of whom have come to their end.
fn lease() -> impl Strategy<Value = Lease<&'static str>> {
    let one = |by| prop::sample::select(vec![MINE, OTHERS]).prop_flat_map(move |token| entry(token, by));
    let filler = prop::option::of(0..3usize);
    let (mine, other, third) =
        (entry(MINE, Holder::Writer), entry(OTHERS, Holder::Writer), entry(THIRD, Holder::Writer));
    let entries = prop_oneof![
        Just(Vec::new()),
        one(Holder::Filler).prop_map(|entry| vec![entry]),
        one(Holder::Writer).prop_map(|entry| vec![entry]),
        (mine, other, third, filler).prop_map(|(mine, other, third, filler)| {
            let mut entries = vec![other, mine, third];
            if let Some(filler) = filler {
                entries[filler].by = Holder::Filler;
            }
            entries
        }),
    ];
    (entries, any::<bool>()).prop_map(|(entries, waiting)| {
        let waiting = waiting && !entries.is_empty();
        Lease { entries, waiting }
    })
}

pub(crate) fn before() -> impl Strategy<Value = Before> {
    let kinds = prop::sample::select(vec![Kind::Value, Kind::Absent, Kind::Tombstone]);
    let cell = (kinds, version()).prop_map(|(kind, version)| CellState { kind, version });
    (prop::option::of(cell), lease()).prop_map(|(cell, lease)| Before { cell, lease })
}

/// Since when cells are floors: mostly the one that is there is.
fn since() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, FILLED_AT, FILLED_AT, FILLED_AT + 1])
}

pub(crate) fn puts() -> impl Strategy<Value = Put> {
    let offers = prop_oneof![version().prop_map(Offer::Value), version().prop_map(Offer::Absence)];
    (before(), offers, prop::sample::select(vec![MINE, MINE, ""]), since())
}

pub(crate) fn invalidations() -> impl Strategy<Value = Invalidation> {
    (before(), version(), since())
}

pub(crate) fn attempts() -> impl Strategy<Value = Attempt> {
    (before(), any::<Option<bool>>())
}
